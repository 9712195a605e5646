//! Cryptography: digests, signatures, sealing and keys. Every algorithm is a library's.

pub mod digest;
pub mod sign;

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
    /// The operating system gave no randomness.
    #[error("no randomness from the operating system")]
    Randomness,
    /// A key file could not be read or written.
    #[error("key file {path}: {cause}")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        cause: String,
    },
}
