//! Where the secret is that opens a node's encrypted key files.

use std::path::PathBuf;

use serde::Deserialize;
use zeroize::Zeroizing;

use crate::crypto::CryptoError;
use crate::crypto::secret::Secret;

/// Holds the passphrase when the configuration names no file.
pub const PASSPHRASE_VARIABLE: &str = "MULU_KEY_PASSPHRASE";

/// One of two files; with neither, the environment's `MULU_KEY_PASSPHRASE`; with none of the three, key files in the
/// clear. A file can be a credential of systemd, `/run/credentials/<unit>/<name>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeysConfig {
    /// A file of 32 random bytes or more as one line of text, as `mulu keygen` and `mulu init` write it.
    pub key_file: Option<PathBuf>,
    /// A file with a passphrase of 12 bytes or more.
    pub passphrase_file: Option<PathBuf>,
}

impl KeysConfig {
    /// Reads the secret; `None` when the key files are in the clear.
    ///
    /// # Errors
    /// [`CryptoError`] when it cannot be read or is too short, or two are named.
    pub fn secret(&self) -> Result<Option<Secret>, CryptoError> {
        self.secret_or(std::env::var(PASSPHRASE_VARIABLE).ok().map(Zeroizing::new))
    }

    pub(super) fn secret_or(&self, variable: Option<Zeroizing<String>>) -> Result<Option<Secret>, CryptoError> {
        match (&self.key_file, &self.passphrase_file) {
            (Some(_), Some(_)) => Err(CryptoError::Key("key_file and passphrase_file are both named: keep one".into())),
            (Some(path), None) => Secret::key_file(path).map(Some),
            (None, Some(path)) => Secret::passphrase_file(path).map(Some),
            (None, None) => variable.map(|text| Secret::passphrase(&text)).transpose(),
        }
    }
}
