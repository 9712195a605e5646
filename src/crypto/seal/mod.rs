//! Sealing to a department's key: a fresh SM4 key under X25519 or SM2, then SM4-GCM (RFC 8998).
//!
//! A sealed text is head, nonce (12 bytes, random), ciphertext as long as the plain text, tag (16). The head is the
//! additional data of SM4-GCM, so that tag and all cover it; the context enters the key. Numbers are big endian.
//!
//! Version 1, to an X25519 key, adds 61 bytes. Head, 33 bytes: version 1 (1 byte), ephemeral public key (32). SM4 key:
//! HKDF-SM3 (RFC 5869), 16 bytes, of the shared secret (RFC 7748), salt = ephemeral || recipient's public key,
//! info = `mulu-seal-v1\n` || context.
//!
//! Version 2, to an SM2 key, adds 144 bytes. Head, 116 bytes: version 2 (1 byte), length of what follows (2, always
//! 113), SM2 ciphertext (GB/T 32918.4-2016) of a random secret of 16 bytes in the order C1 (65, uncompressed), C3 (32),
//! C2 (16). SM4 key: HKDF-SM3, 16 bytes, of that secret, salt = recipient's public key (65, uncompressed),
//! info = `mulu-seal-v2\n` || context.
//!
//! A head may begin many texts, as one encapsulation does (RFC 9180, 5.2): [`Sealer`] uses one for about ten seconds, and
//! readers remember what follows from those that came. Whoever reads a sender's memory can thus read what it sealed in
//! these seconds; whoever has the reader's key can read all that was ever sealed to it, as under any such form.

mod known;
mod sealer;
mod sm2_form;
mod x25519_form;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use aes_gcm::aead::{Aead as _, AeadInOut as _, KeyInit as _, Payload, consts::U12};
use aes_gcm::{AesGcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hkdf::Hkdf;
use serde::{Deserialize, Serialize};
use sm3::Sm3;
use sm4::Sm4;
use zeroize::Zeroizing;

use super::sign::Algorithm;
use super::{CryptoError, sm2_keys};
use known::Known;
pub use sealer::Sealer;

const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
/// Bytes that sealing adds to a text at most.
pub const OVERHEAD_BYTES_MAX: usize = sm2_form::HEAD_BYTES + NONCE_BYTES + TAG_BYTES;
/// Before an SM2 key in base64; an X25519 key stands alone.
const SM2_PREFIX: &str = "sm2:";

type Sm4Gcm = AesGcm<Sm4, U12>;
/// Key of one sealed text.
type ContentKey = Zeroizing<[u8; 16]>;
/// What sender and reader share under a head (PRK of RFC 5869, 2.2): with their contexts, the keys of its texts.
type Shared = Zeroizing<[u8; 32]>;

/// How a text is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// RFC 7748.
    X25519,
    /// GB/T 32918.4.
    Sm2,
}

impl Scheme {
    /// Before the context in the derivation of a key.
    fn label(self) -> &'static [u8] {
        match self {
            Self::X25519 => b"mulu-seal-v1\n",
            Self::Sm2 => b"mulu-seal-v2\n",
        }
    }
}

impl From<Algorithm> for Scheme {
    /// What a department uses that signs with this.
    fn from(signing: Algorithm) -> Self {
        match signing {
            Algorithm::Ed25519 => Self::X25519,
            Algorithm::Sm2 => Self::Sm2,
        }
    }
}

/// To whom something is sealed, written as base64 of 32 bytes (X25519) or `sm2:<base64 of 65 bytes>`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SealingPublicKey(Public);

#[derive(Clone, PartialEq, Eq)]
enum Public {
    X25519(x25519_form::Public),
    Sm2(sm2::PublicKey),
}

impl Hash for SealingPublicKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match &self.0 {
            Public::X25519(key) => key.hash(state),
            Public::Sm2(key) => sm2_keys::public_bytes(key).hash(state),
        }
    }
}

impl fmt::Display for SealingPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Public::X25519(key) => f.write_str(&BASE64.encode(key)),
            Public::Sm2(key) => write!(f, "{SM2_PREFIX}{}", BASE64.encode(sm2_keys::public_bytes(key))),
        }
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
        let wrong = || CryptoError::Key("a sealing key is 32 bytes in base64, or sm2: and a point in base64".into());
        let bytes = |text: &str| BASE64.decode(text).map_err(|_| wrong());
        match text.strip_prefix(SM2_PREFIX) {
            Some(text) => sm2_keys::public(&bytes(text)?).map(|key| Self(Public::Sm2(key))).ok_or_else(wrong),
            None => {
                let bytes = bytes(text)?.try_into().map_err(|_| wrong())?;
                Ok(Self(Public::X25519(bytes)))
            }
        }
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
pub struct SealingKey {
    private: Private,
    /// The same for all clones.
    known: Arc<Known>,
}

impl From<Private> for SealingKey {
    fn from(private: Private) -> Self {
        Self { private, known: Arc::default() }
    }
}

#[derive(Clone)]
enum Private {
    X25519(x25519_form::Own),
    Sm2(sm2::SecretKey),
}

impl SealingKey {
    /// A new key from the operating system's randomness.
    ///
    /// # Errors
    /// [`CryptoError::Randomness`].
    pub fn generate(scheme: Scheme) -> Result<Self, CryptoError> {
        match scheme {
            Scheme::X25519 => {
                let mut secret = Zeroizing::new([0u8; 32]);
                getrandom::fill(secret.as_mut()).map_err(|_| CryptoError::Randomness)?;
                Self::from_secret(scheme, &secret)
            }
            Scheme::Sm2 => Ok(Private::Sm2(sm2_keys::generate()?).into()),
        }
    }

    /// The key of 32 secret bytes; for SM2 a number of 1 to n - 2, big endian.
    ///
    /// # Errors
    /// [`CryptoError::Key`] for a number that is no SM2 key.
    pub fn from_secret(scheme: Scheme, secret: &[u8; 32]) -> Result<Self, CryptoError> {
        match scheme {
            Scheme::X25519 => Ok(Private::X25519(x25519_form::Own::new(secret)?).into()),
            Scheme::Sm2 => {
                let key = sm2_keys::secret(secret).map(|key| Private::Sm2(key).into());
                key.ok_or_else(|| CryptoError::Key("a number that is no SM2 key".into()))
            }
        }
    }

    /// How texts are sealed to it.
    pub fn scheme(&self) -> Scheme {
        match &self.private {
            Private::X25519(_) => Scheme::X25519,
            Private::Sm2(_) => Scheme::Sm2,
        }
    }

    /// The 32 secret bytes, as [`SealingKey::from_secret`] takes them.
    pub fn secret(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(match &self.private {
            Private::X25519(key) => key.secret(),
            Private::Sm2(key) => key.to_bytes().into(),
        })
    }

    /// What follows from a head; none when it is for another key.
    fn shared(&self, head: &[u8]) -> Option<Shared> {
        match &self.private {
            Private::X25519(key) => x25519_form::shared(key, head),
            Private::Sm2(key) => sm2_form::shared(key, head),
        }
    }

    /// The public half.
    pub fn public(&self) -> SealingPublicKey {
        SealingPublicKey(match &self.private {
            Private::X25519(key) => Public::X25519(key.public()),
            Private::Sm2(key) => Public::Sm2(key.public_key()),
        })
    }

    /// A secret of its own for one local use, such as the index of subjects: it says nothing of this key.
    pub fn derive(&self, label: &str) -> Zeroizing<[u8; 32]> {
        let secret = self.secret();
        let mut derived = Zeroizing::new([0u8; 32]);
        // 32 bytes are always within what HKDF can give; the check keeps a zero key impossible all the same.
        if Hkdf::<Sm3>::new(Some(b"mulu-derive-v1"), secret.as_ref())
            .expand(label.as_bytes(), derived.as_mut())
            .is_err()
        {
            derived.copy_from_slice(&super::secret_digest(secret.as_ref(), label.as_bytes()).0);
        }
        derived
    }
}

/// The beginning of sealed texts.
struct Head {
    bytes: Vec<u8>,
    shared: Shared,
    scheme: Scheme,
}

impl Head {
    /// A fresh one.
    fn new(to: &SealingPublicKey) -> Result<Self, CryptoError> {
        let (bytes, shared, scheme) = match &to.0 {
            Public::X25519(to) => x25519_form::begin(to).map(|(bytes, shared)| (bytes, shared, Scheme::X25519))?,
            Public::Sm2(to) => sm2_form::begin(to).map(|(bytes, shared)| (bytes, shared, Scheme::Sm2))?,
        };
        Ok(Self { bytes, shared, scheme })
    }

    /// One text under this head, put together from its parts.
    fn seal(&self, context: &[u8], parts: &[&[u8]]) -> Result<Vec<u8>, CryptoError> {
        let key = content_key(&self.shared, self.scheme, context).ok_or(CryptoError::Sealed)?;
        let mut nonce = [0u8; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|_| CryptoError::Randomness)?;
        let text_bytes = parts.iter().map(|part| part.len()).sum::<usize>();
        let mut sealed = Vec::with_capacity(self.bytes.len() + NONCE_BYTES + text_bytes + TAG_BYTES);
        sealed.extend_from_slice(&self.bytes);
        sealed.extend_from_slice(&nonce);
        parts.iter().for_each(|part| sealed.extend_from_slice(part));
        let (head, rest) = sealed.split_at_mut(self.bytes.len());
        let text = rest.get_mut(NONCE_BYTES..).unwrap_or_default();
        let tag = cipher(&key)?.encrypt_inout_detached(&Nonce::from(nonce), head, text.into());
        sealed.extend_from_slice(&tag.map_err(|_| CryptoError::Sealed)?);
        Ok(sealed)
    }
}

/// Seals a text so that only the owner of `to` can read it, and only under the same context. Its head is its own: what
/// is sealed often goes through a [`Sealer`].
///
/// # Errors
/// [`CryptoError::Randomness`]; [`CryptoError::Key`] when `to` is a weak key.
pub fn seal(to: &SealingPublicKey, context: &[u8], plain: &[u8]) -> Result<Vec<u8>, CryptoError> {
    Head::new(to)?.seal(context, &[plain])
}

/// Opens what was sealed to this key under this context.
///
/// # Errors
/// [`CryptoError::Sealed`] when it was altered, belongs to another context or is for another key.
pub fn open(key: &SealingKey, context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let head_bytes = match key.scheme() {
        Scheme::X25519 => x25519_form::HEAD_BYTES,
        Scheme::Sm2 => sm2_form::HEAD_BYTES,
    };
    let (head, rest) = sealed.split_at_checked(head_bytes).ok_or(CryptoError::Sealed)?;
    let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(CryptoError::Sealed)?;
    let known = key.known.get(head);
    let shared = known.clone().or_else(|| key.shared(head).map(Arc::new)).ok_or(CryptoError::Sealed)?;
    let cipher = cipher(&content_key(&shared, key.scheme(), context).ok_or(CryptoError::Sealed)?)?;
    let payload = Payload { msg: ciphertext, aad: head };
    let plain = cipher.decrypt(&Nonce::from(*nonce), payload).map(Zeroizing::new).map_err(|_| CryptoError::Sealed)?;
    if known.is_none() {
        // Only now: what does not open must not push out what does.
        key.known.keep(head, shared);
    }
    Ok(plain)
}

/// What is shared under a head: reader and head enter it.
fn shared(secret: &[u8], salt: &[u8]) -> Shared {
    Zeroizing::new(Hkdf::<Sm3>::extract(Some(salt), secret).0.into())
}

/// The key of one sealed text: the context enters it.
fn content_key(shared: &Shared, scheme: Scheme, context: &[u8]) -> Option<ContentKey> {
    let mut key = Zeroizing::new([0u8; 16]);
    let derivation = Hkdf::<Sm3>::from_prk(shared.as_ref()).ok()?;
    derivation.expand_multi_info(&[scheme.label(), context], key.as_mut()).ok()?;
    Some(key)
}

fn cipher(key: &ContentKey) -> Result<Sm4Gcm, CryptoError> {
    Sm4Gcm::new_from_slice(key.as_ref()).map_err(|_| CryptoError::Sealed)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
