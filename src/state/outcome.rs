//! What became of a transaction.

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::ids::TxId;

/// A transaction's fate, the same on every node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Its index in the ledger, from 0.
    pub index: u64,
    /// Its id, when its payload could be read.
    pub id: Option<TxId>,
    /// Done, or why not.
    pub result: Result<(), Refusal>,
}

/// Why the state machine refused a transaction. The transaction stays in the ledger all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// No key of this id belongs to the department, or the signature does not fit.
    #[error("the signature does not fit a key of the department")]
    Signature,
    /// The key was ended before its time.
    #[error("the key was revoked at index {index}: sign with the department's present key")]
    KeyRevoked {
        /// Where.
        index: u64,
    },
    /// The key's time is over: announced, or because another took its place.
    #[error("the key signs no more since {}: sign with the department's present key", .at.local_text())]
    KeyExpired {
        /// Since when.
        at: Millis,
    },
    /// The payload cannot be read.
    #[error("the payload cannot be read: {0}")]
    Payload(String),
    /// The id's time is more than ten minutes from block time.
    #[error("the id's time is more than ten minutes from the ledger's time: correct the clock and send a new id")]
    IdTime,
    /// The same transaction came before; its first outcome stands.
    #[error("the same transaction stands at index {first}")]
    Repeated {
        /// Where it came first.
        first: u64,
    },
    /// The id was used for another transaction.
    #[error("the id was used for another transaction, at index {first}")]
    IdReused {
        /// Where it was used.
        first: u64,
    },
    /// The department may not do this.
    #[error("{0}")]
    NotAllowed(String),
    /// The same person may not do both.
    #[error("the person who drafted or asked may not approve: a second person must")]
    OwnRequest,
    /// What it names does not exist.
    #[error("{0} does not exist")]
    Unknown(String),
    /// What it names is in another state.
    #[error("{0}")]
    Conflict(String),
    /// A value is not acceptable.
    #[error("{0}")]
    Invalid(String),
}

impl Refusal {
    /// A stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Signature => "signature_invalid",
            Self::KeyRevoked { .. } => "key_revoked",
            Self::KeyExpired { .. } => "key_expired",
            Self::Payload(_) => "payload_unreadable",
            Self::IdTime => "id_time",
            Self::Repeated { .. } => "repeated",
            Self::IdReused { .. } => "id_reused",
            Self::NotAllowed(_) => "not_allowed",
            Self::OwnRequest => "own_request",
            Self::Unknown(_) => "unknown",
            Self::Conflict(_) => "conflict",
            Self::Invalid(_) => "invalid",
        }
    }
}
