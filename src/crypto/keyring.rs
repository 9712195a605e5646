//! A department's private keys and their files.

use std::path::Path;

use zeroize::Zeroizing;

use super::key_file::{self, KeyKind};
use super::seal::{Scheme, SealingKey};
use super::secret::Secret;
use super::sign::{Algorithm, SigningKey};
use super::{CryptoError, pem};

/// File of the signing key.
pub const SIGNING_FILE: &str = "signing.pem";
/// File of the sealing key.
pub const SEALING_FILE: &str = "sealing.pem";

/// The key that signs and the key to which others seal.
#[derive(Clone)]
pub struct Keyring {
    /// Signs transactions, requests and checkpoints.
    pub signing: SigningKey,
    /// Opens what others sealed to the department.
    pub sealing: SealingKey,
}

impl Keyring {
    /// New keys from the operating system's randomness: Ed25519 and X25519, or SM2 for both.
    ///
    /// # Errors
    /// [`CryptoError::Randomness`].
    pub fn generate(algorithm: Algorithm) -> Result<Self, CryptoError> {
        Ok(Self { signing: SigningKey::generate(algorithm)?, sealing: SealingKey::generate(algorithm.into())? })
    }

    /// Writes `signing.pem` and `sealing.pem` into a directory, each readable by the owner alone, and encrypted when
    /// there is a secret.
    ///
    /// # Errors
    /// [`CryptoError::File`]; files that exist are not overwritten.
    pub fn save(&self, dir: &Path, secret: Option<&Secret>) -> Result<(), CryptoError> {
        let signing = match self.signing.algorithm() {
            Algorithm::Ed25519 => KeyKind::Ed25519,
            Algorithm::Sm2 => KeyKind::Sm2,
        };
        let sealing = match self.sealing.scheme() {
            Scheme::X25519 => KeyKind::X25519,
            Scheme::Sm2 => KeyKind::Sm2,
        };
        for (file, kind, key) in
            [(SIGNING_FILE, signing, self.signing.secret()), (SEALING_FILE, sealing, self.sealing.secret())]
        {
            pem::write_secret(&dir.join(file), &key_file::text(&key_file::encode(kind, &key)?, secret)?)?;
        }
        Ok(())
    }

    /// Reads the keys of a directory, which are all encrypted under the secret, or none of them when there is none.
    ///
    /// # Errors
    /// [`CryptoError::File`], [`CryptoError::Locked`] or [`CryptoError::Key`].
    pub fn load(dir: &Path, secret: Option<&Secret>) -> Result<Self, CryptoError> {
        let path = dir.join(SIGNING_FILE);
        let signing = match read(&path, secret)? {
            (KeyKind::Ed25519, key) => SigningKey::from_seed(&key),
            (KeyKind::Sm2, key) => SigningKey::from_secret(Algorithm::Sm2, &key)?,
            (KeyKind::X25519, _) => return Err(other(&path)),
        };
        let path = dir.join(SEALING_FILE);
        let sealing = match read(&path, secret)? {
            (KeyKind::X25519, key) => SealingKey::from_bytes(&key),
            (KeyKind::Sm2, key) => SealingKey::from_secret(Scheme::Sm2, &key)?,
            (KeyKind::Ed25519, _) => return Err(other(&path)),
        };
        Ok(Self { signing, sealing })
    }
}

fn read(path: &Path, secret: Option<&Secret>) -> Result<(KeyKind, Zeroizing<[u8; 32]>), CryptoError> {
    let key = key_file::decode(&key_file::read(path, secret)?).ok_or_else(|| other(path))?;
    // Who names a secret believes that his keys are encrypted.
    if secret.is_some() && !key_file::is_encrypted(&pem::read(path)?) {
        let why = "it is not encrypted, although a secret is named for it";
        return Err(CryptoError::Locked { path: path.display().to_string(), why });
    }
    Ok(key)
}

fn other(path: &Path) -> CryptoError {
    CryptoError::Key(format!("{} holds a key of another kind", path.display()))
}

#[cfg(test)]
#[path = "keyring_tests.rs"]
mod tests;
