//! Why a command did not do what was asked, and its exit code.

use std::fmt::Display;
use std::path::Path;
use std::process::ExitCode;

use crate::crypto::CryptoError;
use crate::ledger::LedgerError;
use crate::readmodel::ReadError;
use crate::service::config::ConfigError;
use crate::service::copy::CopyError;
use crate::service::departments::DepartmentsError;
use crate::storage::StorageError;

/// What a command ends with when it does not end well.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The command line or a configuration must be changed.
    #[error("{0}")]
    Usage(String),
    /// What was verified is not what it claims to be.
    #[error("NOT VALID: {0}")]
    NotValid(String),
    /// A proof proves nothing, or is not to be judged; each kind of fault has its own exit code.
    #[error("NOT VALID ({code}): {why}")]
    Proof {
        /// The process' exit code.
        exit: u8,
        /// The fault's stable name.
        code: &'static str,
        /// For people.
        why: String,
    },
    /// It could not be done.
    #[error("{0}")]
    Failed(String),
    /// A configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A department's folder is wrong.
    #[error(transparent)]
    Departments(#[from] DepartmentsError),
    /// Keys or certificates.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// A node's files.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A node's databases.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A copy of a node.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The ledger's forms.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl CliError {
    /// It could not be done, and why.
    pub fn failed(why: impl Display) -> Self {
        Self::Failed(why.to_string())
    }

    /// The command line or a configuration must be changed.
    pub fn usage(why: impl Display) -> Self {
        Self::Usage(why.to_string())
    }

    /// A file could not be read or written.
    pub fn io(path: &Path, cause: &std::io::Error) -> Self {
        Self::Failed(format!("{}: {cause}", path.display()))
    }

    /// 2 for what the caller must change in command line or configuration, a proof's own, 1 for everything else.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_)
            | Self::Config(_)
            | Self::Departments(_)
            | Self::Copy(CopyError::Usage(_) | CopyError::Config(_)) => ExitCode::from(2),
            Self::Proof { exit, .. } => ExitCode::from(*exit),
            _ => ExitCode::FAILURE,
        }
    }
}
