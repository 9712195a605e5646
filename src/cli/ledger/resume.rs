//! How far an audit came: a file of the auditor's own, with which the next one spares itself signatures it has seen.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::cli::error::CliError;
use crate::crypto::digest::{Hash, HashAlgorithm};
use crate::storage::whole_file::replace;

/// How often the file is written during an audit.
const WRITE_EVERY: Duration = Duration::from_secs(10);

/// A beginning of a ledger, every signature of which was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verified {
    v: u32,
    /// The chain's id.
    pub chain: String,
    /// Digest of the tree.
    pub hash: HashAlgorithm,
    /// Transactions.
    pub size: u64,
    /// Root over them: no other transactions have it.
    pub root: Hash,
    /// Digest of the state after them: no other block times have it.
    pub state: Hash,
}

impl Verified {
    /// What was verified.
    pub fn new(chain: &str, hash: HashAlgorithm, size: u64, root: Hash, state: Hash) -> Self {
        Self { v: 1, chain: chain.to_owned(), hash, size, root, state }
    }
}

/// The file.
pub struct ResumeFile {
    path: PathBuf,
    written: Instant,
}

impl ResumeFile {
    /// The file at a path, and what it says if it exists.
    ///
    /// # Errors
    /// It cannot be read, or is of another kind.
    pub fn open(path: &Path) -> Result<(Self, Option<Verified>), CliError> {
        let file = Self { path: path.to_owned(), written: Instant::now() };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok((file, None)),
            Err(cause) => return Err(CliError::io(path, &cause)),
        };
        let verified: Option<Verified> = serde_json::from_str(&text).ok().filter(|verified: &Verified| verified.v == 1);
        let wrong = || CliError::usage(format_args!("{} is no file that --resume wrote: remove it", path.display()));
        verified.map(|verified| (file, Some(verified))).ok_or_else(wrong)
    }

    /// Whether it is time to write.
    pub fn is_due(&self) -> bool {
        self.written.elapsed() >= WRITE_EVERY
    }

    /// Writes how far the audit came.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&mut self, verified: &Verified) -> Result<(), CliError> {
        self.written = Instant::now();
        let text = serde_json::to_string(verified).map_err(CliError::failed)?;
        Ok(replace(&self.path, format!("{text}\n").as_bytes())?)
    }
}
