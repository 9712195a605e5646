//! `mulu bench`: measures on this machine what the node's parts can do.

mod audit;
mod city;
mod ledger;
mod pages;
mod policy;
mod proofs;
mod query;
mod search;
mod setting;
mod usage;

use std::path::PathBuf;

use clap::Subcommand;

use super::error::CliError;

/// Measure on this machine what the node's parts can do.
#[derive(Subcommand)]
pub enum Bench {
    /// Time the audit of a made-up ledger
    Audit(audit::Audit),
    /// Time inclusion and consistency proofs from a tree on disk
    Proofs(proofs::Proofs),
    /// Time queries between two departments of a city of real nodes, over HTTP
    Query(query::QueryBench),
    /// Time decisions with a million grants in force
    Policy(policy::Policy),
    /// Time searches of a made-up catalog
    Search(search::Search),
    /// Time the portal's pages on a node with a large catalog, over HTTP
    Pages(pages::Pages),
    /// Time the ledger of a city of real nodes, over HTTP
    Ledger(ledger::LedgerBench),
}

impl Bench {
    pub(super) fn run(self) -> Result<(), CliError> {
        match self {
            Self::Audit(audit) => audit.run(),
            Self::Proofs(proofs) => proofs.run(),
            Self::Query(query) => query.run(),
            Self::Policy(policy) => policy.run(),
            Self::Search(search) => search.run(),
            Self::Pages(pages) => pages.run(),
            Self::Ledger(ledger) => ledger.run(),
        }
    }
}

/// A folder for one measurement, removed however that ends.
struct Folder(PathBuf);

impl Folder {
    fn new(parent: Option<PathBuf>) -> Self {
        Self(parent.unwrap_or_else(std::env::temp_dir).join(format!("mulu-bench-{}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // It lies in a temporary folder: one that cannot be removed is no loss.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
