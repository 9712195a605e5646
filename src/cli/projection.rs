//! `mulu projection`: a node's read model.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::readmodel;
use crate::service::config::NodeConfig;
use crate::storage::node_store::NodeStore;

use super::error::CliError;

/// Work with a node's read model.
#[derive(Subcommand)]
pub enum Projection {
    /// Throw the read model away; the node fills a new one from the ledger when it starts
    Rebuild(Rebuild),
}

#[derive(Args)]
pub struct Rebuild {
    /// The node's `node.toml`; the node must be stopped
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

impl Projection {
    pub(super) fn run(self) -> Result<(), CliError> {
        let Self::Rebuild(Rebuild { config }) = self;
        let config = NodeConfig::load(&config)?;
        if !config.store_dir().exists() {
            return Err(CliError::usage(format_args!("{} holds no node's data", config.data_dir.display())));
        }
        // Held until the end: a running node would go on reading what is removed here.
        let _stopped = NodeStore::open(&config.store_dir())?;
        readmodel::rebuild(&config.model_dir(), config.database()?)?;
        println!("the read model of {} is removed; it is filled again when the node starts", config.department);
        Ok(())
    }
}
