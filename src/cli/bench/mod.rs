//! `mulu bench`: measures on this machine what the node's parts can do.

mod proofs;

use clap::Subcommand;

use super::error::CliError;

/// Measure on this machine what the node's parts can do.
#[derive(Subcommand)]
pub enum Bench {
    /// Time inclusion and consistency proofs from a tree on disk
    Proofs(proofs::Proofs),
}

impl Bench {
    pub(super) fn run(self) -> Result<(), CliError> {
        let Self::Proofs(proofs) = self;
        proofs.run()
    }
}
