//! The ledger's forms: transactions, blocks, tree, checkpoints and receipts. Pure: no disk, no clock.

pub mod block;
pub mod chain;
pub mod checkpoint;
pub mod evidence;
pub mod frontier;
#[cfg(test)]
mod fuzz;
pub mod merkle;
pub mod note;
pub mod receipt;
pub mod sighting;
pub mod tile_builder;
pub mod tile_nodes;
pub mod tiles;
pub mod transaction;
pub mod trust;
pub mod watch;
pub mod watcher;

/// Why bytes are not what they claim to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The bytes do not have the form.
    #[error("malformed {what}: {why}")]
    Malformed {
        /// Transaction, block, checkpoint …
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The signature does not fit.
    #[error("the signature of {0} does not fit")]
    Signature(String),
    /// A proof does not lead to the root.
    #[error("the proof does not lead to the root")]
    Proof,
}

impl LedgerError {
    pub(crate) fn malformed(what: &'static str, why: impl Into<String>) -> Self {
        Self::Malformed { what, why: why.into() }
    }
}
