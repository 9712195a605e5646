//! `mulu ledger archive`: old segment files of a node's ledger, moved to another folder.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use crate::clock::Millis;
use crate::consensus::{self, Until};
use crate::service::config::NodeConfig;
use crate::storage::StorageError;
use crate::storage::ledger_log::LedgerLog;
use crate::storage::node_store::NodeStore;

use super::super::error::CliError;

/// Proofs stay; records are read from the archive while it is mounted. What lies above the newest snapshot, or is not
/// anchored, stays, and so do the first and the newest file
#[derive(Args)]
pub struct Archive {
    /// The node's `node.toml`, which names the folder in `[ledger] archive`; the node must be stopped
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Move what lies wholly before a transaction's index, or before a day at UTC+8, such as 2026-01-01
    #[arg(long, value_name = "INDEX|DAY", value_parser = before, required_unless_present = "keep", conflicts_with = "keep")]
    before: Option<Until>,
    /// Move all files but so many of the newest
    #[arg(long, value_name = "FILES")]
    keep: Option<usize>,
}

fn before(text: &str) -> Result<Until, String> {
    if let Ok(index) = text.parse() {
        return Ok(Until::Index(index));
    }
    let day = Millis::parse(&format!("{text}T00:00:00+08:00"));
    day.map(Until::Time).map_err(|_| "write an index, such as 1000000, or a day, such as 2026-01-01".to_owned())
}

impl Archive {
    pub(super) fn run(self) -> Result<(), CliError> {
        let config = NodeConfig::load(&self.config)?;
        let Some(to) = config.ledger.archive.clone() else {
            return Err(CliError::usage("node.toml names no archive: write archive = \"FOLDER\" under [ledger]"));
        };
        if !config.store_dir().exists() {
            return Err(CliError::usage(format_args!("{} holds no node's data", config.data_dir.display())));
        }
        let until =
            self.before.or(self.keep.map(Until::Keep)).ok_or_else(|| CliError::usage("give --before or --keep"))?;
        let running = |error| match error {
            StorageError::Locked { .. } => CliError::usage("the node is running: stop it, archive, and start it again"),
            other => CliError::from(other),
        };
        let store = Arc::new(NodeStore::open(&config.store_dir()).map_err(running)?);
        let log = LedgerLog::open(&config.ledger_dir()).map_err(running)?;
        let moved = consensus::archive(&log, &store, until, &to).map_err(CliError::failed)?;
        for segment in &moved {
            println!("{} (entries {} to {})", segment.path.display(), segment.first_index, segment.last_index);
        }
        println!("{} of {} files moved to {}", moved.len(), log.segments().len(), to.display());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_or_a_day() {
        assert_eq!(before("1000"), Ok(Until::Index(1000)));
        assert_eq!(before("2026-01-01"), Ok(Until::Time(Millis::parse("2025-12-31T16:00:00Z").unwrap())));
        assert!(before("yesterday").is_err() && before("2026-13-01").is_err());
    }
}
