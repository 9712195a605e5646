//! Where a department's PostgreSQL database lies, as `connector.toml` says it.

use serde::Deserialize;

use crate::readmodel::server::is_near;

use super::secret::SecretPlace;
use super::sql::Relation;

const CONNECTIONS_MAX: usize = 16;

/// A PostgreSQL database and what is read in it.
///
/// The client has no TLS of its own: the server is on this machine, or behind a tunnel that ends here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostgresConfig {
    /// Folder of the server's socket, or a loopback address.
    pub host: String,
    /// Its port.
    #[serde(default = "default_port")]
    pub port: u16,
    /// The database's name.
    pub database: String,
    /// The role; it should be able to read what is served here, and nothing else.
    pub user: String,
    /// Where its password is kept, if it has one.
    #[serde(default)]
    pub password: Option<SecretPlace>,
    /// Connections at a time.
    #[serde(default = "default_connections")]
    pub connections: usize,
    /// The table or view, alone or after its schema and a dot.
    #[serde(default)]
    pub table: Option<String>,
    /// Instead of a table: a SELECT, with `{parameter}` where a parameter's value is bound, as text.
    #[serde(default)]
    pub query: Option<String>,
    /// Columns that together name a row, none of them NULL.
    #[serde(default)]
    pub order_by: Vec<String>,
}

fn default_port() -> u16 {
    5432
}

fn default_connections() -> usize {
    2
}

impl PostgresConfig {
    pub(super) fn relation(&self) -> Relation<'_> {
        Relation { table: self.table.as_deref(), query: self.query.as_deref(), order_by: &self.order_by }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        self.relation().check(true)?;
        if !is_near(&self.host) {
            return Err("host is the folder of the server's socket, 127.0.0.1 or ::1: \
                        the connection has no TLS, so bring a server elsewhere here through a tunnel"
                .into());
        }
        if !(1..=CONNECTIONS_MAX).contains(&self.connections) {
            return Err(format!("connections must be 1 to {CONNECTIONS_MAX}"));
        }
        self.password.as_ref().map_or(Ok(()), |password| password.check("password"))
    }
}
