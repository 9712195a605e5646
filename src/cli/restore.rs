//! `mulu restore`: makes a node's folder of a backup, or verifies one.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::clock::{Clock as _, SystemClock};
use crate::ids::DepartmentId;
use crate::service::config::NodeConfig;
use crate::service::copy::restore::{self, Found, Return};

use super::error::CliError;

/// Everything is verified before anything is written in its place: the length and digest of each file, every checksum, rule,
/// hash and key of the ledger, and that enough departments cosigned it. Needs as much room as the backup has, beside the folder.
#[derive(Args)]
pub struct Restore {
    /// What `mulu backup` wrote
    file: PathBuf,
    /// The node's new folder; it must be empty or not there
    #[arg(long, value_name = "DIR", required_unless_present_any = ["check", "local"])]
    into: Option<PathBuf>,
    /// Verify the backup and restore nothing
    #[arg(long, conflicts_with_all = ["into", "local", "whole_city"])]
    check: bool,
    /// Every node of the city is put back at the same time, after a disaster: the node keeps its number and may vote
    #[arg(long, requires = "into")]
    whole_city: bool,
    /// Put `local.db` alone back into the node of this `node.toml`, which has lost it; the node must be stopped
    #[arg(long, value_name = "FILE", conflicts_with = "into")]
    local: Option<PathBuf>,
}

impl Restore {
    pub(super) fn run(self) -> Result<(), CliError> {
        if let Some(config) = &self.local {
            let manifest = restore::restore_local(&self.file, &NodeConfig::load(config)?)?;
            println!("local.db is as it was on {}; start the node", manifest.time);
            return Ok(());
        }
        let Some(into) = self.into else {
            report(&restore::check(&self.file)?);
            println!("VALID: it can be restored");
            return Ok(());
        };
        let how = if self.whole_city { Return::WholeCity } else { Return::Alone };
        let found = restore::restore(&self.file, &into, how, SystemClock.now())?;
        report(&found);
        println!("restored    {}", into.display());
        next(&found, &into, how);
        Ok(())
    }
}

fn report(found: &Found) {
    let manifest = &found.manifest;
    println!("backup of   {}, node {} of {}", manifest.department, manifest.number, manifest.chain);
    println!("begun       {}, by mulu {}", manifest.time, manifest.program);
    println!("ledger      {} transactions in {} entries", manifest.ledger.size, manifest.ledger.entries);
    match &found.proven {
        Some((size, by)) => {
            let by: Vec<&str> = by.iter().map(DepartmentId::as_str).collect();
            println!("proven      the first {size} of them, cosigned by {}", by.join(", "));
        }
        None => eprintln!("no cosigned checkpoint lies in it: whether its end was cut off cannot be told"),
    }
    println!("files       {}, each as the manifest says", manifest.files.len());
}

/// What the operator has to do, in order.
fn next(found: &Found, into: &Path, how: Return) {
    println!("next:");
    println!("  put back what opens the keys ([keys] in node.toml): it is in no backup");
    for path in &found.elsewhere {
        println!("  node.toml names {}, which is not what was restored: see to it", path.display());
    }
    let config = into.join("node.toml");
    println!("  mulu check-config {}", config.display());
    match how {
        Return::Alone => println!(
            "  this node may not vote again as number {}: have the authority give it a new one (`mulu node replace`), then start it",
            found.manifest.number
        ),
        Return::WholeCity => println!(
            "  restore all nodes; start first just as many voters as are a majority, among them the one with the most \
             entries ({} here); when they write, start the others",
            found.manifest.ledger.entries
        ),
    }
    println!("  access records that waited in it may be recorded a second time, under the same access id");
}
