//! A node's card as a file, and as what the API reads.

use std::io::Read as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::cli::error::CliError;
use crate::service::membership::Card;

/// The file in the node's folder.
pub const CARD_FILE: &str = "card.json";
const CARD_BYTES_MAX: u64 = 64 * 1024;

/// Reads a card.
///
/// # Errors
/// The file is not one.
pub fn read(path: &Path) -> Result<Card, CliError> {
    let wrong = |why: String| CliError::usage(format_args!("{}: {why}", path.display()));
    let file = std::fs::File::open(path).map_err(|e| wrong(e.to_string()))?;
    serde_json::from_reader(file.take(CARD_BYTES_MAX)).map_err(|e| wrong(format!("is no card: {e}")))
}

/// What `POST /departments` reads.
pub fn department(card: &Card) -> Value {
    let Card { id, name, uscc, signing_key, sealing_key, node_id, .. } = card;
    json!({ "id": id, "name": name, "uscc": uscc, "signing_key": signing_key, "sealing_key": sealing_key,
        "node_id": node_id })
}

/// What `POST /departments/{id}/node` reads.
pub fn node(card: &Card) -> Value {
    json!({ "node_id": card.node_id, "raft": card.raft, "peer": card.peer })
}
