//! What a use case can answer instead of a result. Knows nothing of HTTP; the web maps each code once.

use crate::consensus::SubmitError;
use crate::crypto::CryptoError;
use crate::domain::schema::{Fault, FaultCode};
use crate::exchange::QueryError;
use crate::policy::Decision;
use crate::readmodel::ReadError;
use crate::state::Refusal;

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Nobody, or nobody we know, asks.
    #[error("sign in, or send a valid token")]
    NotSignedIn,
    /// User and password do not fit.
    #[error("user and password do not fit")]
    WrongPassword,
    /// Too many failures.
    #[error("too many failures: the account is locked for {seconds} seconds")]
    Locked {
        /// How long yet.
        seconds: u64,
    },
    /// The policy refuses.
    #[error("refused by rule {}", .0.rule)]
    Refused(Decision),
    /// The ledger's own rules refuse.
    #[error("{detail}")]
    NotAllowed {
        /// Stable code.
        code: &'static str,
        /// What to do.
        detail: String,
    },
    /// What was named does not exist.
    #[error("{0} does not exist")]
    NotFound(String),
    /// What was named is in another state.
    #[error("{detail}")]
    Conflict {
        /// Stable code.
        code: &'static str,
        /// What to do.
        detail: String,
    },
    /// Values do not fit their schema.
    #[error("{} value(s) do not fit", .0.len())]
    Invalid(Vec<Fault>),
    /// The request cannot be read.
    #[error("{0}")]
    Malformed(String),
    /// The node cannot do it now; the same request may be sent again.
    #[error("{detail}")]
    Unavailable {
        /// Stable code.
        code: &'static str,
        /// What is the matter.
        detail: String,
        /// When to try again, in seconds.
        retry_after_s: u64,
    },
    /// A query between departments failed.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// Our fault; the cause is for the log, never for the caller.
    #[error("an internal fault")]
    Internal(String),
}

impl ServiceError {
    /// Something named does not exist.
    pub fn missing(what: impl std::fmt::Display) -> Self {
        Self::NotFound(what.to_string())
    }

    /// What was asked for lies in an archive that is not at hand; which file that is stands in the node's log.
    pub fn archived(file: &std::path::Path) -> Self {
        tracing::warn!(path = %file.display(), "an archived part of the ledger was asked for, and is not mounted");
        let detail = "this part of the ledger is archived: ask this node's operator to mount the archive".to_owned();
        Self::Unavailable { code: "archived", detail, retry_after_s: 3600 }
    }

    /// One value does not fit.
    pub fn invalid(code: FaultCode, pointer: &str, message: impl Into<String>) -> Self {
        Fault::of(code, pointer, message).into()
    }

    /// A conflict with the state of things.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Conflict { code, detail: detail.into() }
    }
}

/// The node stands still.
fn halted(kind: &str) -> ServiceError {
    ServiceError::Unavailable {
        code: "halted",
        detail: format!("this node stands still: it has evidence ({kind}) that its operator must look at"),
        retry_after_s: 60,
    }
}

/// The disk is full or cannot be written.
pub(crate) fn disk_full(detail: impl std::fmt::Display) -> ServiceError {
    ServiceError::Unavailable {
        code: "disk_full",
        detail: format!(
            "this node writes nothing new: {detail}. It goes on by itself when there is room; the nodes of other departments go on"
        ),
        retry_after_s: 30,
    }
}

/// Fields with which a refusal of the ledger may begin.
const FIELDS: [&str; 19] = [
    "assessment",
    "daily_max",
    "hours",
    "item_terms",
    "kind",
    "label",
    "legal_basis",
    "legal_clause",
    "matter",
    "members",
    "network_zone",
    "note",
    "purpose",
    "purpose_text",
    "rate",
    "reason",
    "scope",
    "valid_until",
    "weekdays",
];

/// The place that a refusal of the ledger names by its first word; the whole where it names none.
fn pointer(message: &str) -> String {
    match message.split([' ', ':']).next() {
        Some("item") => "/items".to_owned(),
        Some(field) if FIELDS.contains(&field) => format!("/{field}"),
        _ => String::new(),
    }
}

impl From<Refusal> for ServiceError {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        let code = refusal.code();
        match refusal {
            Refusal::NotAllowed(_)
            | Refusal::OwnRequest
            | Refusal::Signature
            | Refusal::KeyRevoked { .. }
            | Refusal::KeyExpired { .. } => Self::NotAllowed { code, detail },
            Refusal::Unknown(what) => Self::NotFound(what),
            Refusal::Invalid(message) => Self::invalid(FaultCode::LedgerRule, &pointer(&message), message),
            Refusal::Conflict(_) | Refusal::Repeated { .. } | Refusal::IdReused { .. } | Refusal::IdTime => {
                Self::Conflict { code, detail }
            }
            // Our own node wrote the payload.
            Refusal::Payload(why) => Self::Internal(why),
        }
    }
}

impl From<Fault> for ServiceError {
    fn from(fault: Fault) -> Self {
        Self::Invalid(vec![fault])
    }
}

impl From<CryptoError> for ServiceError {
    fn from(error: CryptoError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<SubmitError> for ServiceError {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Invalid(why) => Self::Internal(why),
            SubmitError::Halted(kind) => halted(&kind),
            SubmitError::DiskFull => disk_full("its disk is full or cannot be written"),
            SubmitError::Busy => Self::Unavailable {
                code: "ledger_busy",
                detail: "the ledger has more work than it can take: try again".into(),
                retry_after_s: 1,
            },
            other => Self::Unavailable {
                code: "no_quorum",
                detail: format!(
                    "the ledger cannot be written now ({other}): the change may still come to pass; look before you repeat it"
                ),
                retry_after_s: 5,
            },
        }
    }
}

impl From<ReadError> for ServiceError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Cursor => Self::Malformed(error.to_string()),
            ReadError::Invalid(why) => Self::Malformed(why),
            ReadError::Unknown(what) => Self::NotFound(what),
            ReadError::Conflict(detail) => Self::Conflict { code: "conflict", detail },
            ReadError::Full { .. } => {
                Self::Unavailable { code: "store_full", detail: error.to_string(), retry_after_s: 60 }
            }
            ReadError::Busy(_) => Self::Unavailable {
                code: "database_busy",
                detail: "the node's database is busy: try again".into(),
                retry_after_s: 1,
            },
            ReadError::Unreachable(_) => Self::Unavailable {
                code: "database_unreachable",
                detail: "the database of this node's listings cannot be reached: try again, or ask another node".into(),
                retry_after_s: 5,
            },
            ReadError::NoRoom(cause) => {
                tracing::error!(cause, "a local write found no room");
                disk_full("its disk is full or cannot be written")
            }
            other => Self::Internal(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_the_ledger_names_its_place() {
        let place = |message: &str| match ServiceError::from(Refusal::Invalid(message.to_owned())) {
            ServiceError::Invalid(faults) => faults.into_iter().map(|fault| fault.pointer).collect::<String>(),
            other => panic!("{other}"),
        };
        assert_eq!(place("daily_max is wider than asked for"), "/daily_max");
        assert_eq!(place("item_terms: name ends after the grant"), "/item_terms");
        assert_eq!(place("item wages was not asked for"), "/items");
        assert_eq!(place("a department is named twice"), "");
    }
}
