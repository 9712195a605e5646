//! What can go wrong with the two databases.

use diesel::result::Error as DieselError;

/// Why a read or a local write failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The cursor is not one of this listing's.
    #[error("the cursor is not of this listing: ask again without a cursor")]
    Cursor,
    /// A filter or a value is not acceptable.
    #[error("{0}")]
    Invalid(String),
    /// What it names is not there.
    #[error("{0} does not exist")]
    Unknown(String),
    /// What it names is in another state.
    #[error("{0}")]
    Conflict(String),
    /// A bounded store is full.
    #[error("{what} is full: at most {max}")]
    Full {
        /// Which store.
        what: &'static str,
        /// Its bound.
        max: usize,
    },
    /// All connections are in use, or another process holds the database.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// The PostgreSQL server that keeps the projection cannot be reached, or not used.
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    /// Another process fills the schema.
    #[error("another process fills the schema {0}: stop it, if it is this node's second one")]
    Taken(String),
    /// The file, or a value in it, is damaged.
    #[error("the database is damaged: {0}")]
    Corrupt(String),
    /// The disk has no room, or takes no writes.
    #[error("the disk is full or read-only: {0}")]
    NoRoom(String),
    /// The database refused for another reason, such as a disk that fails.
    #[error("the database failed: {0}")]
    Database(String),
    /// A file could not be moved or removed.
    #[error("file {path}: {cause}")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        cause: String,
    },
    /// No randomness for a token or a salt.
    #[error("no randomness from the operating system")]
    Randomness,
}

impl ReadError {
    /// SQLite's message is all that tells a damaged file from a busy or a full one.
    fn from_message(message: String) -> Self {
        let has = |part: &str| message.contains(part);
        if has("malformed") || has("not a database") || has("database corruption") {
            Self::Corrupt(message)
        } else if has("is locked") || has("is busy") || has("timed out") {
            Self::Busy(message)
        } else if has("disk is full") || has("readonly database") || has("No space left on device") {
            Self::NoRoom(message)
        } else {
            Self::Database(message)
        }
    }

    /// Whether the database said so, after which its connection is not to be trusted.
    pub(super) fn is_of_the_database(&self) -> bool {
        use ReadError::{Busy, Corrupt, Database, NoRoom, Unreachable};
        matches!(self, Busy(_) | Corrupt(_) | Database(_) | NoRoom(_) | Unreachable(_))
    }

    /// The same where the database cannot be used at all.
    pub(super) fn unusable(self) -> Self {
        Self::Unreachable(self.to_string())
    }

    pub(super) fn from_migration(error: &(dyn std::error::Error + Send + Sync)) -> Self {
        Self::from_message(error.to_string())
    }

    pub(super) fn file(path: &std::path::Path, cause: &std::io::Error) -> Self {
        Self::File { path: path.display().to_string(), cause: cause.to_string() }
    }
}

impl From<DieselError> for ReadError {
    fn from(error: DieselError) -> Self {
        use diesel::result::DatabaseErrorKind::{ClosedConnection, UnableToSendCommand};
        let message = error.to_string();
        match error {
            DieselError::DatabaseError(ClosedConnection | UnableToSendCommand, _) => Self::Unreachable(message),
            _ => Self::from_message(message),
        }
    }
}

impl From<diesel::ConnectionError> for ReadError {
    fn from(error: diesel::ConnectionError) -> Self {
        Self::from_message(error.to_string())
    }
}

impl From<diesel::r2d2::PoolError> for ReadError {
    fn from(error: diesel::r2d2::PoolError) -> Self {
        Self::from_message(error.to_string())
    }
}
