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
/// Pairs of keys that a directory may hold.
const KEYS_MAX: u32 = 1_000;
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
        self.write([&dir.join(SIGNING_FILE), &dir.join(SEALING_FILE)], secret)
    }

    /// Writes the keys beside those that are there, as `signing-0002.pem` and `sealing-0002.pem` and so on, and returns
    /// when they would survive a loss of power.
    ///
    /// # Errors
    /// [`CryptoError::File`], also when there are too many.
    pub fn save_later(&self, dir: &Path, secret: Option<&Secret>) -> Result<(), CryptoError> {
        let taken = |n: &u32| later_files(*n).iter().any(|file| dir.join(file).exists());
        let free = (2..KEYS_MAX).rev().find(taken).map_or(2, |last| last + 1);
        let files = later_files(free);
        // Written aside and renamed: a crash leaves no file that looks like a key and is none.
        let parts = files.clone().map(|file| dir.join(file).with_extension("part"));
        let finish = || -> std::io::Result<()> {
            for (part, file) in parts.iter().zip(&files) {
                std::fs::rename(part, dir.join(file))?;
            }
            std::fs::File::open(dir)?.sync_all()
        };
        let failed = |e: std::io::Error| CryptoError::File { path: dir.display().to_string(), cause: e.to_string() };
        for part in parts.iter().filter(|part| part.exists()) {
            std::fs::remove_file(part).map_err(failed)?;
        }
        let [signing, sealing] = &parts;
        self.write([signing, sealing], secret)?;
        finish().map_err(failed)
    }

    fn write(&self, files: [&Path; 2], secret: Option<&Secret>) -> Result<(), CryptoError> {
        let signing = match self.signing.algorithm() {
            Algorithm::Ed25519 => KeyKind::Ed25519,
            Algorithm::Sm2 => KeyKind::Sm2,
        };
        let sealing = match self.sealing.scheme() {
            Scheme::X25519 => KeyKind::X25519,
            Scheme::Sm2 => KeyKind::Sm2,
        };
        let keys = [(signing, self.signing.secret()), (sealing, self.sealing.secret())];
        for (file, (kind, key)) in files.into_iter().zip(keys) {
            pem::write_secret(file, &key_file::text(&key_file::encode(kind, &key)?, secret)?)?;
        }
        Ok(())
    }

    /// Reads the keys of a directory, which are all encrypted under the secret, or none of them when there is none.
    ///
    /// # Errors
    /// [`CryptoError::File`], [`CryptoError::Locked`] or [`CryptoError::Key`].
    pub fn load(dir: &Path, secret: Option<&Secret>) -> Result<Self, CryptoError> {
        Self::read(dir, (SIGNING_FILE, SEALING_FILE), secret)
    }

    fn read(dir: &Path, files: (&str, &str), secret: Option<&Secret>) -> Result<Self, CryptoError> {
        let path = dir.join(files.0);
        let signing = match read(&path, secret)? {
            (KeyKind::Ed25519, key) => SigningKey::from_seed(&key),
            (KeyKind::Sm2, key) => SigningKey::from_secret(Algorithm::Sm2, &key)?,
            (KeyKind::X25519, _) => return Err(other(&path)),
        };
        let path = dir.join(files.1);
        let sealing = match read(&path, secret)? {
            (KeyKind::X25519, key) => SealingKey::from_secret(Scheme::X25519, &key)?,
            (KeyKind::Sm2, key) => SealingKey::from_secret(Scheme::Sm2, &key)?,
            (KeyKind::Ed25519, _) => return Err(other(&path)),
        };
        Ok(Self { signing, sealing })
    }
}

/// The keys that [`Keyring::save_later`] wrote, oldest first. A pair of which a crash left one half is passed over: it
/// never came to the ledger.
pub(super) fn load_later(dir: &Path, secret: Option<&Secret>) -> Result<Vec<Keyring>, CryptoError> {
    let pairs = (2..=KEYS_MAX).map(later_files).filter(|files| files.iter().all(|file| dir.join(file).exists()));
    pairs.map(|[signing, sealing]| Keyring::read(dir, (&signing, &sealing), secret)).collect()
}

fn later_files(n: u32) -> [String; 2] {
    [format!("signing-{n:04}.pem"), format!("sealing-{n:04}.pem")]
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
