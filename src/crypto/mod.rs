//! Cryptography: digests, signatures, sealing and keys. Every algorithm is a library's.

pub mod ca;
pub mod digest;
mod ed25519;
#[cfg(test)]
mod fuzz;
pub mod key_file;
pub mod keyring;
pub mod keys;
pub mod password;
pub mod pem;
pub mod seal;
pub mod secret;
pub mod sign;
pub mod sm2_keys;
pub mod tls;

#[cfg(test)]
mod openssl_tests;
#[cfg(test)]
mod published_tests;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sm3::Sm3;

use digest::Hash;

/// HMAC-SM3 (RFC 2104): names something secret in a local index without storing it.
pub fn secret_digest(key: &[u8], data: &[u8]) -> Hash {
    // HMAC takes a key of any length; the other branch is never taken.
    let Ok(mut mac) = Hmac::<Sm3>::new_from_slice(key) else { return digest::sm3(&[key, data]) };
    mac.update(data);
    Hash(mac.finalize().into_bytes().into())
}

/// What can go wrong with keys, signatures and sealed texts.
#[derive(Debug, thiserror::Error)]
pub enum CryptoError {
    /// A key is not of the expected form.
    #[error("not a valid key: {0}")]
    Key(String),
    /// A signature does not fit its message and key.
    #[error("the signature does not fit the message and key")]
    Signature,
    /// A sealed text was altered, or is not for this key.
    #[error("the sealed text was altered or is not for this key")]
    Sealed,
    /// A certificate is not what it should be.
    #[error("certificate: {0}")]
    Certificate(String),
    /// TLS cannot be set up.
    #[error("TLS: {0}")]
    Tls(String),
    /// The operating system gave no randomness.
    #[error("no randomness from the operating system")]
    Randomness,
    /// A key file is encrypted and stays closed, or is not encrypted where it should be.
    #[error("{path}: {why}")]
    Locked {
        /// The file.
        path: String,
        /// Which of these it is.
        why: &'static str,
    },
    /// A key file could not be read or written.
    #[error("key file {path}: {cause}")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        cause: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_digest_depends_on_key_and_data() {
        // openssl dgst -sm3 -mac HMAC -macopt key:key
        let known = "88a5a14b0fcf4a8a7b0c5084b8ee36e70efca4e8467fa264c3231bf16463b425";
        assert_eq!(secret_digest(b"key", b"data").to_string(), known);
        assert_ne!(secret_digest(b"key", b"datb").to_string(), known);
        assert_ne!(secret_digest(b"kez", b"data").to_string(), known);
    }
}
