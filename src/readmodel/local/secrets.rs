//! Tokens and passwords: made, and stored only as digests.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;

use crate::crypto::digest::sm3;
use crate::readmodel::error::ReadError;

/// 256 random bits as text.
pub(super) fn random_token() -> Result<String, ReadError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| ReadError::Randomness)?;
    Ok(BASE64URL.encode(bytes))
}

/// How a token is stored. A token has 256 random bits: nothing slower than SM3 is needed.
pub(super) fn token_digest(token: &str) -> Vec<u8> {
    sm3(&[b"mulu-token\n", token.as_bytes()]).0.to_vec()
}

/// Argon2id (RFC 9106) with the library's parameters: 19 MiB, two passes.
#[derive(Default)]
pub(super) struct Hasher {
    decoy: Option<String>,
}

impl Hasher {
    /// The PHC text of a password.
    pub(super) fn hash(&self, password: &str) -> Result<String, ReadError> {
        let hash = Argon2::default().hash_password(password.as_bytes());
        hash.map(|hash| hash.to_string()).map_err(|e| ReadError::Invalid(format!("the password cannot be hashed: {e}")))
    }

    /// Whether a password fits a PHC text. Without a text a decoy is checked, so that a name without an
    /// account takes as long as one with.
    pub(super) fn fits(&mut self, password: &str, stored: Option<&str>) -> Result<bool, ReadError> {
        if self.decoy.is_none() {
            self.decoy = Some(self.hash(&random_token()?)?);
        }
        let Some(text) = stored.or(self.decoy.as_deref()) else { return Ok(false) };
        let hash = PasswordHash::new(text).map_err(|e| ReadError::Corrupt(format!("a password's hash: {e}")))?;
        let fits = Argon2::default().verify_password(password.as_bytes(), &hash).is_ok();
        Ok(fits && stored.is_some())
    }
}
