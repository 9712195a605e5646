//! `mulu edition`: which kinds of transactions the ledger knows, and raising it after an upgrade.

use clap::Args;
use serde_json::json;

use super::error::CliError;
use super::keys::Who;

/// Show the ledger's edition; raise it when every node runs a version that knows the next one.
#[derive(Args)]
pub struct Edition {
    #[command(flatten)]
    who: Who,
    /// Raise the ledger to this edition (an administrator of the authority, at the authority's node)
    #[arg(long, value_name = "EDITION")]
    raise: Option<u32>,
}

impl Edition {
    pub(super) fn run(self) -> Result<(), CliError> {
        let body = self.raise.map(|edition| json!({ "edition": edition }));
        println!("{:#}", self.who.call("/ledger/edition", body)?);
        Ok(())
    }
}
