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

/// 80 random bits for people to write down: `k3jq-9x2a-...`, without letters that look alike.
pub(super) fn recovery_code() -> Result<String, ReadError> {
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| ReadError::Randomness)?;
    let letter = |byte: &u8| LETTERS.get(usize::from(byte % 32)).map_or('a', |letter| char::from(*letter));
    let groups: Vec<String> = bytes.chunks(4).map(|group| group.iter().map(letter).collect()).collect();
    Ok(groups.join("-"))
}

/// How a recovery code is stored: 80 random bits need nothing slower either. Spaces, strokes and case do not count.
pub(super) fn recovery_digest(code: &str) -> Vec<u8> {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    sm3(&[b"mulu-recovery\n", plain.as_bytes()]).0.to_vec()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_stored_as_argon2id_of_19_mib_and_two_passes() {
        let hash = Hasher::default().hash("correct horse").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    }

    #[test]
    fn recovery_codes_are_read_as_people_write_them() {
        let (one, other) = (recovery_code().unwrap(), recovery_code().unwrap());
        assert!(one.len() == 19 && one != other && !one.contains(['1', 'l', 'i', 'o']), "{one}");
        let typed = one.replace('-', " ").to_uppercase();
        assert_eq!(recovery_digest(&typed), recovery_digest(&one));
        assert_ne!(recovery_digest(&other), recovery_digest(&one));
    }
}
