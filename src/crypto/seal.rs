//! Sealing to a department's key: X25519 (RFC 7748), HKDF (RFC 5869) with SM3, SM4-GCM (RFC 8998).
//!
//! Form: version 1 (1 byte), ephemeral public key (32), nonce (12), ciphertext and tag (16).

use std::fmt;
use std::str::FromStr;

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload, consts::U12};
use aes_gcm::{AesGcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hkdf::Hkdf;
use serde::{Deserialize, Serialize};
use sm3::Sm3;
use sm4::Sm4;
use x25519_dalek::{PublicKey, SharedSecret, StaticSecret};
use zeroize::Zeroizing;

use super::CryptoError;

const VERSION: u8 = 1;
const LABEL: &[u8] = b"mulu-seal-v1\n";
/// Bytes that sealing adds to a text.
pub const OVERHEAD_BYTES: usize = 1 + 32 + 12 + 16;

type Sm4Gcm = AesGcm<Sm4, U12>;

/// To whom something is sealed, written as base64 of 32 bytes.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SealingPublicKey(PublicKey);

impl fmt::Display for SealingPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(self.0.as_bytes()))
    }
}

impl fmt::Debug for SealingPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for SealingPublicKey {
    type Err = CryptoError;
    fn from_str(text: &str) -> Result<Self, CryptoError> {
        let wrong = || CryptoError::Key("a sealing key is 32 bytes in base64".into());
        let bytes = BASE64.decode(text).map_err(|_| wrong())?;
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| wrong())?;
        Ok(Self(PublicKey::from(bytes)))
    }
}

impl TryFrom<String> for SealingPublicKey {
    type Error = CryptoError;
    fn try_from(text: String) -> Result<Self, CryptoError> {
        text.parse()
    }
}

impl From<SealingPublicKey> for String {
    fn from(key: SealingPublicKey) -> String {
        key.to_string()
    }
}

/// A department's private sealing key; wiped when dropped.
#[derive(Clone)]
pub struct SealingKey(StaticSecret);

impl SealingKey {
    /// A new key from the operating system's randomness.
    ///
    /// # Errors
    /// [`CryptoError::Randomness`].
    pub fn generate() -> Result<Self, CryptoError> {
        let mut secret = Zeroizing::new([0u8; 32]);
        getrandom::fill(secret.as_mut()).map_err(|_| CryptoError::Randomness)?;
        Ok(Self::from_bytes(&secret))
    }

    /// The key of 32 secret bytes.
    pub fn from_bytes(secret: &[u8; 32]) -> Self {
        Self(StaticSecret::from(*secret))
    }

    /// The secret bytes.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The public half.
    pub fn public(&self) -> SealingPublicKey {
        SealingPublicKey(PublicKey::from(&self.0))
    }

    /// A secret of its own for one local use, such as the index of subjects: it says nothing of this key.
    pub fn derive(&self, label: &str) -> Zeroizing<[u8; 32]> {
        let mut derived = Zeroizing::new([0u8; 32]);
        // 32 bytes are always within what HKDF can give; the check keeps a zero key impossible all the same.
        if Hkdf::<Sm3>::new(Some(b"mulu-derive-v1"), self.0.as_bytes())
            .expand(label.as_bytes(), derived.as_mut())
            .is_err()
        {
            derived.copy_from_slice(&super::secret_digest(self.0.as_bytes(), label.as_bytes()).0);
        }
        derived
    }
}

/// Seals a text so that only the owner of `to` can read it, and only under the same context.
///
/// # Errors
/// [`CryptoError::Randomness`]; [`CryptoError::Key`] when `to` is a weak key.
pub fn seal(to: &SealingPublicKey, context: &[u8], plain: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let ephemeral = SealingKey::generate()?;
    let mut nonce = [0u8; 12];
    getrandom::fill(&mut nonce).map_err(|_| CryptoError::Randomness)?;
    let ephemeral_public = ephemeral.public();
    let shared = ephemeral.0.diffie_hellman(&to.0);
    let cipher = cipher(&shared, &ephemeral_public.0, &to.0, context)?;
    let mut sealed = Vec::with_capacity(OVERHEAD_BYTES + plain.len());
    sealed.push(VERSION);
    sealed.extend_from_slice(ephemeral_public.0.as_bytes());
    let payload = Payload { msg: plain, aad: &sealed };
    let ciphertext = cipher.encrypt(&Nonce::from(nonce), payload).map_err(|_| CryptoError::Sealed)?;
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(&ciphertext);
    Ok(sealed)
}

/// Opens what was sealed to this key under this context.
///
/// # Errors
/// [`CryptoError::Sealed`] when it was altered, belongs to another context or is for another key.
pub fn open(key: &SealingKey, context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let (head, rest) = sealed.split_at_checked(33).ok_or(CryptoError::Sealed)?;
    let (version, ephemeral) = head.split_first().ok_or(CryptoError::Sealed)?;
    if *version != VERSION {
        return Err(CryptoError::Sealed);
    }
    let ephemeral: [u8; 32] = ephemeral.try_into().map_err(|_| CryptoError::Sealed)?;
    let (nonce, ciphertext) = rest.split_first_chunk::<12>().ok_or(CryptoError::Sealed)?;
    let ephemeral = PublicKey::from(ephemeral);
    let shared = key.0.diffie_hellman(&ephemeral);
    let cipher = cipher(&shared, &ephemeral, &key.public().0, context).map_err(|_| CryptoError::Sealed)?;
    let payload = Payload { msg: ciphertext, aad: head };
    cipher.decrypt(&Nonce::from(*nonce), payload).map(Zeroizing::new).map_err(|_| CryptoError::Sealed)
}

/// The cipher of one sealed text: both public keys and the context enter its key.
fn cipher(
    shared: &SharedSecret,
    ephemeral: &PublicKey,
    recipient: &PublicKey,
    context: &[u8],
) -> Result<Sm4Gcm, CryptoError> {
    // A point of small order would make the key one that everybody knows.
    if !shared.was_contributory() {
        return Err(CryptoError::Key("a weak sealing key".into()));
    }
    let salt = [ephemeral.as_bytes().as_slice(), recipient.as_bytes()].concat();
    let mut key = Zeroizing::new([0u8; 16]);
    Hkdf::<Sm3>::new(Some(&salt), shared.as_bytes())
        .expand_multi_info(&[LABEL, context], key.as_mut())
        .map_err(|_| CryptoError::Sealed)?;
    Sm4Gcm::new_from_slice(key.as_ref()).map_err(|_| CryptoError::Sealed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_recipient_opens_and_only_under_the_same_context() {
        let key = SealingKey::generate().unwrap();
        let sealed = seal(&key.public(), b"subject of 7", b"34052419800101001X").unwrap();
        assert_eq!(sealed.len(), 18 + OVERHEAD_BYTES);
        assert_eq!(open(&key, b"subject of 7", &sealed).unwrap().as_slice(), b"34052419800101001X");
        assert!(open(&key, b"subject of 8", &sealed).is_err());
        assert!(open(&SealingKey::generate().unwrap(), b"subject of 7", &sealed).is_err());
        assert_ne!(seal(&key.public(), b"subject of 7", b"34052419800101001X").unwrap(), sealed);
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let key = SealingKey::from_bytes(&[5; 32]);
        let sealed = seal(&key.public(), b"", b"x").unwrap();
        for at in 0..sealed.len() {
            assert!(open(&key, b"", &sealed[..at]).is_err());
            // X25519 ignores the top bit of a public key; the tag covers it all the same.
            for bit in 0..8 {
                let mut changed = sealed.clone();
                changed[at] ^= 1 << bit;
                assert!(open(&key, b"", &changed).is_err(), "bit {bit} of byte {at}");
            }
        }
    }

    #[test]
    fn weak_and_malformed_keys_are_refused() {
        let zero: SealingPublicKey = BASE64.encode([0; 32]).parse().unwrap();
        assert!(seal(&zero, b"", b"x").is_err());
        assert!("AAAA".parse::<SealingPublicKey>().is_err());
        let key = SealingKey::from_bytes(&[5; 32]).public();
        assert_eq!(key.to_string().parse::<SealingPublicKey>().unwrap(), key);
    }

    #[test]
    fn derived_secrets_differ_by_label_and_key() {
        let key = SealingKey::from_bytes(&[5; 32]);
        assert_eq!(key.derive("a"), key.derive("a"));
        assert_ne!(key.derive("a"), key.derive("b"));
        assert_ne!(key.derive("a"), SealingKey::from_bytes(&[6; 32]).derive("a"));
    }

    #[test]
    fn sm4_gcm_is_that_of_rfc_8998() {
        // RFC 8998, appendix A.1.
        let bytes = |text: &str| hex::decode(text).unwrap();
        let key = bytes("0123456789abcdeffedcba9876543210");
        let nonce: [u8; 12] = bytes("00001234567800000000abcd").try_into().unwrap();
        let plain = bytes(
            "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccddddddddddddddddeeeeeeeeeeeeeeeeffffffffffffffff\
             eeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa",
        );
        let aad = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        let cipher = Sm4Gcm::new_from_slice(&key).unwrap();
        let sealed = cipher.encrypt(&Nonce::from(nonce), Payload { msg: &plain, aad: &aad }).unwrap();
        assert_eq!(
            hex::encode(sealed),
            "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735d82710ca5c22f0ccfa7cbf93d496ac15\
             a56834cbcf98c397b4024a2691233b8d83de3541e4c2b58177e065a9bf7b62ec"
        );
    }
}
