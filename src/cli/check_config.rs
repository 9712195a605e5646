//! `mulu check-config`: every fault of a node's configuration.

use std::path::PathBuf;

use clap::Args;

use crate::service::config::NodeConfig;

use super::error::CliError;

/// Exits with 0 when the node could start with this file, with 2 and every fault otherwise.
#[derive(Args)]
pub struct CheckConfig {
    /// The node's `node.toml`
    file: PathBuf,
}

impl CheckConfig {
    pub(super) fn run(self) -> Result<(), CliError> {
        let config = NodeConfig::load(&self.file)?;
        config.check()?;
        if let Some(server) = config.database()? {
            match server.version() {
                Ok(version) => println!("database_url: PostgreSQL {version} answers; schema {}", server.schema()),
                // The node would start, and try again until the server is there.
                Err(why) => println!("database_url: {why}; schema {}", server.schema()),
            }
        }
        println!(
            "{}: no faults; node of {}, portal {}",
            self.file.display(),
            config.department,
            config.web.public_url()
        );
        Ok(())
    }
}
