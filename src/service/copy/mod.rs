//! Copies of a node: backups, what other nodes may fetch, and what a copy must prove before a node lives on it.

pub mod archive;
pub mod backup;
pub mod lend;
mod lender;
pub mod mend;
pub mod pull;
pub mod rebuild;
pub mod restore;
pub mod returned;
mod track;
mod unpack;
pub mod witness;

use std::path::{Path, PathBuf};

use crate::consensus::ConsensusError;
use crate::crypto::CryptoError;
use crate::readmodel::ReadError;
use crate::storage::StorageError;

use super::config::ConfigError;

/// Why a copy was not made, is not taken, or is not what it says.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// A file or stream failed.
    #[error("{path}: {cause}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The copy is damaged, cut, forged, or none.
    #[error("NOT VALID: {0}")]
    NotValid(String),
    /// The folder or the command must be another.
    #[error("{0}")]
    Usage(String),
    /// Nobody gives it at the moment.
    #[error("{0}")]
    Unavailable(String),
    /// The node's files.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The node's databases.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What consensus remembers.
    #[error(transparent)]
    Consensus(#[from] ConsensusError),
    /// Keys or certificates.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl CopyError {
    pub(super) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::Io { path, cause }
    }

    pub(super) fn not_valid(why: impl std::fmt::Display) -> Self {
        Self::NotValid(why.to_string())
    }
}
