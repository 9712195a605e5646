//! Signatures, tagged with their algorithm so that departments may choose.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature as DalekSignature, Signer as _, VerifyingKey};
use serde::{Deserialize, Serialize};

use super::CryptoError;
use super::digest::sm3;

/// A signature algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// RFC 8032.
    Ed25519,
}

impl Algorithm {
    /// The tag in a transaction's bytes.
    pub fn tag(self) -> u8 {
        match self {
            Self::Ed25519 => 1,
        }
    }

    /// The algorithm of a tag.
    pub fn from_tag(tag: u8) -> Option<Self> {
        (tag == 1).then_some(Self::Ed25519)
    }
}

/// Names a key inside a transaction: the first 8 bytes of the SM3 of its text form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(pub [u8; 8]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for KeyId {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let mut bytes = [0; 8];
        hex::decode_to_slice(&text, &mut bytes).map_err(|_| "not 16 hexadecimal digits".to_owned())?;
        Ok(Self(bytes))
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> String {
        id.to_string()
    }
}

/// A department's public key, written `ed25519:<base64>`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey {
    key: VerifyingKey,
}

impl PublicKey {
    /// The key's algorithm.
    pub fn algorithm(&self) -> Algorithm {
        Algorithm::Ed25519
    }

    /// The raw key.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// The key's short name.
    pub fn id(&self) -> KeyId {
        let digest = sm3(&[self.to_string().as_bytes()]);
        let mut id = [0; 8];
        id.copy_from_slice(&digest.0[..8]);
        KeyId(id)
    }

    /// Checks one signature, strictly: small-order keys and malleable signatures are refused.
    ///
    /// # Errors
    /// [`CryptoError::Signature`] when it does not fit.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        let signature = DalekSignature::from_slice(signature).map_err(|_| CryptoError::Signature)?;
        self.key.verify_strict(message, &signature).map_err(|_| CryptoError::Signature)
    }
}

/// One signature to be checked together with others.
pub struct Check<'a> {
    /// Who signed.
    pub key: &'a PublicKey,
    /// What was signed.
    pub message: &'a [u8],
    /// The signature's bytes.
    pub signature: &'a [u8],
}

/// Checks many signatures at about half the cost of one by one; says only whether all fit.
/// A `false` means: check each with [`PublicKey::verify`], whose strict answer is the valid one.
pub fn verify_all(checks: &[Check<'_>]) -> bool {
    let mut signatures = Vec::with_capacity(checks.len());
    for check in checks {
        match DalekSignature::from_slice(check.signature) {
            Ok(signature) => signatures.push(signature),
            Err(_) => return false,
        }
    }
    let messages: Vec<&[u8]> = checks.iter().map(|check| check.message).collect();
    let keys: Vec<VerifyingKey> = checks.iter().map(|check| check.key.key).collect();
    ed25519_dalek::verify_batch(&messages, &signatures, &keys).is_ok()
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ed25519:{}", BASE64.encode(self.key.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PublicKey {
    type Err = CryptoError;
    fn from_str(text: &str) -> Result<Self, CryptoError> {
        let wrong = || CryptoError::Key(format!("public key `{}`", text.chars().take(80).collect::<String>()));
        let bytes = text.strip_prefix("ed25519:").and_then(|b| BASE64.decode(b).ok()).ok_or_else(wrong)?;
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| wrong())?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| wrong())?;
        if key.is_weak() {
            return Err(wrong());
        }
        Ok(Self { key })
    }
}

impl TryFrom<String> for PublicKey {
    type Error = CryptoError;
    fn try_from(text: String) -> Result<Self, CryptoError> {
        text.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> String {
        key.to_string()
    }
}

/// A department's private signing key.
#[derive(Clone)]
pub struct SigningKey {
    key: ed25519_dalek::SigningKey,
}

impl SigningKey {
    /// A new key from the operating system's randomness.
    ///
    /// # Errors
    /// [`CryptoError::Randomness`].
    pub fn generate() -> Result<Self, CryptoError> {
        let mut seed = zeroize::Zeroizing::new([0u8; 32]);
        getrandom::fill(seed.as_mut()).map_err(|_| CryptoError::Randomness)?;
        Ok(Self::from_seed(&seed))
    }

    /// The key of a 32-byte seed (RFC 8032, 5.1.5).
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self { key: ed25519_dalek::SigningKey::from_bytes(seed) }
    }

    /// The seed, to be kept secret.
    pub fn seed(&self) -> zeroize::Zeroizing<[u8; 32]> {
        zeroize::Zeroizing::new(self.key.to_bytes())
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey { key: self.key.verifying_key() }
    }

    /// Signs a message.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.key.sign(message).to_bytes().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bad_signature_spoils_the_batch_and_is_found() {
        let key = SigningKey::from_seed(&[7; 32]);
        let public = key.public();
        let mut signed: Vec<(Vec<u8>, Vec<u8>)> = (0u8..20).map(|n| (vec![n; 40], key.sign(&[n; 40]))).collect();
        let all = |signed: &[(Vec<u8>, Vec<u8>)]| {
            let checks: Vec<Check<'_>> =
                signed.iter().map(|(m, s)| Check { key: &public, message: m, signature: s }).collect();
            verify_all(&checks)
        };
        assert!(all(&signed));
        signed[11].1[3] ^= 1;
        assert!(!all(&signed));
        let bad: Vec<usize> = (0..20).filter(|n| public.verify(&signed[*n].0, &signed[*n].1).is_err()).collect();
        assert_eq!(bad, [11]);
    }

    #[test]
    fn a_key_survives_its_text_form() {
        let public = SigningKey::from_seed(&[9; 32]).public();
        assert_eq!(public.to_string().parse::<PublicKey>().unwrap(), public);
        assert!("ed25519:AAAA".parse::<PublicKey>().is_err());
        assert!("ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".parse::<PublicKey>().is_err());
    }
}
