//! A node's public card: what the authority must know to admit it. Nothing on it is secret.

use std::io::Read as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::cli::error::CliError;
use crate::domain::Text;
use crate::ids::DepartmentId;

/// The file in the node's folder.
pub const CARD_FILE: &str = "card.json";
const CARD_BYTES_MAX: u64 = 64 * 1024;

/// Department and node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    pub id: DepartmentId,
    pub name: Text,
    pub uscc: String,
    pub signing_key: String,
    pub sealing_key: String,
    pub node_id: u64,
    pub raft: String,
    pub peer: String,
}

impl Card {
    /// Reads a card.
    ///
    /// # Errors
    /// The file is not one.
    pub fn read(path: &Path) -> Result<Self, CliError> {
        let wrong = |why: String| CliError::usage(format_args!("{}: {why}", path.display()));
        let file = std::fs::File::open(path).map_err(|e| wrong(e.to_string()))?;
        serde_json::from_reader(file.take(CARD_BYTES_MAX)).map_err(|e| wrong(format!("is no card: {e}")))
    }

    /// What `POST /departments` reads.
    pub fn department(&self) -> Value {
        let Self { id, name, uscc, signing_key, sealing_key, node_id, .. } = self;
        json!({ "id": id, "name": name, "uscc": uscc, "signing_key": signing_key, "sealing_key": sealing_key,
            "node_id": node_id })
    }

    /// What `POST /departments/{id}/node` reads.
    pub fn node(&self) -> Value {
        json!({ "node_id": self.node_id, "raft": self.raft, "peer": self.peer })
    }
}
