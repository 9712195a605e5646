//! Where the read model lies when it is not a file of the node's own.

use std::path::Path;

use crate::ledger::chain::chain_id;
use crate::readmodel::server::Server;

use super::check::read_genesis;
use super::{ConfigError, NodeConfig};

impl NodeConfig {
    /// The node's schema on the server of `database_url`; none when the read model is a file.
    ///
    /// # Errors
    /// [`ConfigError::Faults`] when the URL or the genesis, which names the chain, cannot be read.
    pub fn database(&self) -> Result<Option<Server>, ConfigError> {
        let Some(url) = &self.database_url else { return Ok(None) };
        let chain = read_genesis(&self.genesis)
            .map(|(tx, _)| chain_id(tx.payload()))
            .map_err(|why| fault(format!("genesis: {}: {why}", self.genesis.display())))?;
        self.server(url, &chain).map(Some).map_err(fault)
    }

    fn server(&self, url: &str, chain: &str) -> Result<Server, String> {
        let server = Server::new(url, self.database_password_file.clone(), &self.department, chain);
        server.map_err(|why| format!("database_url: {why}"))
    }
}

fn fault(why: String) -> ConfigError {
    ConfigError::Faults(vec![why])
}

/// Whether the URL can be used; whether the server can be reached is for the running node to find out.
pub(super) fn check(config: &NodeConfig, private: impl FnOnce(&Path, &mut Vec<String>), faults: &mut Vec<String>) {
    match (&config.database_url, &config.database_password_file) {
        (Some(url), _) => faults.extend(config.server(url, "").err()),
        (None, Some(_)) => faults.push("database_password_file: there is no database_url".into()),
        (None, None) => {}
    }
    if let Some(path) = &config.database_password_file {
        private(path, faults);
    }
}
