//! What opens encrypted key files: a passphrase, or a file of random characters.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use zeroize::Zeroizing;

use super::{CryptoError, pem};

/// Rounds of PBKDF2-HMAC-SHA256 that make guessing a passphrase slow: what OWASP's Password Storage Cheat Sheet asks for.
const PASSPHRASE_ROUNDS: u32 = 600_000;
/// Nobody guesses 32 random bytes, however fast; so many rounds only satisfy programs that refuse fewer.
const KEY_FILE_ROUNDS: u32 = 10_000;
/// The shortest passphrase, in bytes.
pub const PASSPHRASE_BYTES_MIN: usize = 12;
/// The shortest secret in a key file, in bytes.
pub const KEY_FILE_BYTES_MIN: usize = 32;

/// A secret under which private keys are encrypted. Cheap to clone.
#[derive(Clone)]
pub struct Secret {
    text: Arc<Zeroizing<String>>,
    rounds: u32,
}

impl Secret {
    /// A passphrase that a person remembers, or a service manager keeps.
    ///
    /// # Errors
    /// [`CryptoError::Key`] when it is shorter than 12 bytes.
    pub fn passphrase(text: &str) -> Result<Self, CryptoError> {
        let text = Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned());
        if text.len() < PASSPHRASE_BYTES_MIN {
            return Err(CryptoError::Key(format!("a passphrase has {PASSPHRASE_BYTES_MIN} bytes or more")));
        }
        Ok(Self { text: Arc::new(text), rounds: PASSPHRASE_ROUNDS })
    }

    /// The passphrase in the first line of a file.
    ///
    /// # Errors
    /// [`CryptoError::File`] when it cannot be read, holds more than a line, or too little.
    pub fn passphrase_file(path: &Path) -> Result<Self, CryptoError> {
        let text = line(path, PASSPHRASE_BYTES_MIN)?;
        Ok(Self { text: Arc::new(text), rounds: PASSPHRASE_ROUNDS })
    }

    /// The random characters of a key file, one line.
    ///
    /// # Errors
    /// [`CryptoError::File`] when it cannot be read, holds more than a line, or less than 32 bytes.
    pub fn key_file(path: &Path) -> Result<Self, CryptoError> {
        let text = line(path, KEY_FILE_BYTES_MIN)?;
        Ok(Self { text: Arc::new(text), rounds: KEY_FILE_ROUNDS })
    }

    /// Writes a new key file, readable by its owner alone: 32 random bytes in base64.
    ///
    /// # Errors
    /// [`CryptoError::Randomness`]; [`CryptoError::File`], also when the file exists.
    pub fn create_key_file(path: &Path) -> Result<Self, CryptoError> {
        let mut random = Zeroizing::new([0u8; KEY_FILE_BYTES_MIN]);
        getrandom::fill(random.as_mut()).map_err(|_| CryptoError::Randomness)?;
        let text = Zeroizing::new(format!("{}\n", BASE64.encode(random.as_ref())));
        pem::write_secret(path, &text)?;
        Self::key_file(path)
    }

    /// The bytes from which PBKDF2 derives a key.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// How often PBKDF2 repeats when a key is encrypted; who decrypts finds the number in the file.
    pub(super) fn rounds(&self) -> u32 {
        self.rounds
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

fn line(path: &Path, bytes_min: usize) -> Result<Zeroizing<String>, CryptoError> {
    let wrong = |cause: String| CryptoError::File { path: path.display().to_string(), cause };
    let text = pem::read(path)?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.contains(['\r', '\n']) {
        return Err(wrong("a secret is one line".into()));
    }
    if text.len() < bytes_min {
        return Err(wrong(format!("the secret is shorter than {bytes_min} bytes")));
    }
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_one_line_and_long_enough() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.secret");
        let write = |text: &str| std::fs::write(&path, text).unwrap();
        write("correct horse battery\n");
        let read = Secret::passphrase_file(&path).unwrap();
        assert_eq!(read.as_bytes(), b"correct horse battery");
        assert_eq!(Secret::passphrase("correct horse battery").unwrap().as_bytes(), read.as_bytes());
        assert!(Secret::key_file(&path).is_err(), "21 bytes passed for random ones");
        for wrong in ["", "short\n", "one line\nand another one\n"] {
            write(wrong);
            assert!(Secret::passphrase_file(&path).is_err() && Secret::key_file(&path).is_err(), "{wrong:?}");
        }
        assert!(Secret::passphrase("elevenbytes").is_err());
    }

    #[test]
    fn a_key_file_is_never_overwritten_and_tells_nothing_of_itself() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.secret");
        let made = Secret::create_key_file(&path).unwrap();
        assert_eq!(Secret::key_file(&path).unwrap().as_bytes(), made.as_bytes());
        assert!(Secret::create_key_file(&path).is_err());
        assert_eq!(format!("{made:?}"), "Secret");
    }
}
