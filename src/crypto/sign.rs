//! Signatures, tagged with their algorithm so that departments may choose: Ed25519 (RFC 8032) or SM2 (GB/T 32918.2-2016).

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signer as _, VerifyingKey};
use serde::{Deserialize, Serialize};
use sm2::dsa::signature::Verifier as _;
use zeroize::Zeroizing;

use super::digest::sm3;
use super::{CryptoError, ed25519, sm2_keys};

/// A signature algorithm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// RFC 8032. A key is 32 bytes, a signature 64.
    #[default]
    Ed25519,
    /// GB/T 32918.2 with SM3 and the user id 1234567812345678. A key is 65 bytes, a signature 64: r, then s.
    Sm2,
}

impl Algorithm {
    /// The tag in a transaction's bytes.
    pub fn tag(self) -> u8 {
        match self {
            Self::Ed25519 => 1,
            Self::Sm2 => 2,
        }
    }

    /// The algorithm of a tag.
    pub fn from_tag(tag: u8) -> Option<Self> {
        [Self::Ed25519, Self::Sm2].into_iter().find(|algorithm| algorithm.tag() == tag)
    }

    /// The name before a key's text form.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::Sm2 => "sm2",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
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
        let is_hex = hex::decode_to_slice(&text, &mut bytes).is_ok();
        let is_lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        if is_hex && is_lower { Ok(Self(bytes)) } else { Err("not 16 hexadecimal digits in lower case".to_owned()) }
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> String {
        id.to_string()
    }
}

/// A department's public key, written `ed25519:<base64 of 32 bytes>` or `sm2:<base64 of 65 bytes>`. Cheap to clone.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey {
    key: Public,
    id: KeyId,
}

#[derive(Clone)]
enum Public {
    Ed25519(VerifyingKey),
    Sm2(Arc<Sm2Public>),
}

/// With the bytes, because the library gives a key's bytes only by making them anew.
struct Sm2Public {
    bytes: [u8; sm2_keys::POINT_BYTES],
    key: sm2::dsa::VerifyingKey,
}

impl From<Public> for PublicKey {
    fn from(key: Public) -> Self {
        let mut public = Self { key, id: KeyId([0; 8]) };
        // Once: messages name keys by it, each of them.
        let digest = sm3(&[public.to_string().as_bytes()]);
        public.id.0.copy_from_slice(&digest.0[..8]);
        public
    }
}

impl PublicKey {
    /// The key's algorithm.
    pub fn algorithm(&self) -> Algorithm {
        match &self.key {
            Public::Ed25519(_) => Algorithm::Ed25519,
            Public::Sm2(_) => Algorithm::Sm2,
        }
    }

    /// The raw key: 32 bytes (RFC 8032, 5.1.2) or 65 (SEC 1, 2.3.3, uncompressed).
    pub fn as_bytes(&self) -> &[u8] {
        match &self.key {
            Public::Ed25519(key) => key.as_bytes(),
            Public::Sm2(key) => &key.bytes,
        }
    }

    /// A key of its raw bytes; `None` for what is no key, or a weak one.
    pub fn from_bytes(algorithm: Algorithm, bytes: &[u8]) -> Option<Self> {
        match algorithm {
            Algorithm::Ed25519 => {
                let key = VerifyingKey::from_bytes(bytes.try_into().ok()?).ok()?;
                (!key.is_weak()).then(|| Public::Ed25519(key).into())
            }
            Algorithm::Sm2 => {
                let key = sm2::dsa::VerifyingKey::new(sm2_keys::USER_ID, sm2_keys::public(bytes)?);
                key.ok().map(Self::of_sm2)
            }
        }
    }

    fn of_sm2(key: sm2::dsa::VerifyingKey) -> Self {
        let bytes = sm2_keys::public_bytes(&(&key).into());
        Public::Sm2(Arc::new(Sm2Public { bytes, key })).into()
    }

    /// The key's short name.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Checks one signature, strictly. Ed25519: keys of small order and malleable signatures are refused. SM2: r and
    /// s lie within 1 to n - 1, 32 bytes each.
    ///
    /// # Errors
    /// [`CryptoError::Signature`] when it does not fit.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        let fits = match &self.key {
            Public::Ed25519(key) => ed25519::fits(key, message, signature),
            Public::Sm2(public) => sm2::dsa::Signature::from_slice(signature)
                .and_then(|signature| public.key.verify(message, &signature))
                .is_ok(),
        };
        if fits { Ok(()) } else { Err(CryptoError::Signature) }
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.algorithm() == other.algorithm() && self.as_bytes() == other.as_bytes()
    }
}

impl Eq for PublicKey {}

impl Hash for PublicKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
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

/// Checks many signatures, those of Ed25519 at about a quarter of the cost of one by one; says only whether all fit.
/// A `false` means: check each with [`PublicKey::verify`], whose strict answer is the valid one.
pub fn verify_all(checks: &[Check<'_>]) -> bool {
    let mut edwards = Vec::with_capacity(checks.len());
    for check in checks {
        match &check.key.key {
            Public::Ed25519(key) => edwards.push((key, check.message, check.signature)),
            // SM2 has no equation for many at once: r is a number, not a point.
            Public::Sm2(_) => {
                if check.key.verify(check.message, check.signature).is_err() {
                    return false;
                }
            }
        }
    }
    ed25519::all_fit(&edwards)
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm(), BASE64.encode(self.as_bytes()))
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
        let wrong = || CryptoError::Key(format!("public key `{}`", text.chars().take(100).collect::<String>()));
        let (name, bytes) = text.split_once(':').ok_or_else(wrong)?;
        let algorithm = [Algorithm::Ed25519, Algorithm::Sm2].into_iter().find(|algorithm| algorithm.name() == name);
        let bytes = BASE64.decode(bytes).map_err(|_| wrong())?;
        algorithm.and_then(|algorithm| Self::from_bytes(algorithm, &bytes)).ok_or_else(wrong)
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

/// A department's private signing key. Cheap to clone.
#[derive(Clone)]
pub struct SigningKey(Arc<Pair>);

struct Pair {
    private: Private,
    public: PublicKey,
}

enum Private {
    Ed25519(ed25519_dalek::SigningKey),
    Sm2(sm2::dsa::SigningKey),
}

impl SigningKey {
    /// A new key from the operating system's randomness.
    ///
    /// # Errors
    /// [`CryptoError::Randomness`].
    pub fn generate(algorithm: Algorithm) -> Result<Self, CryptoError> {
        match algorithm {
            Algorithm::Ed25519 => {
                let mut seed = Zeroizing::new([0u8; 32]);
                getrandom::fill(seed.as_mut()).map_err(|_| CryptoError::Randomness)?;
                Ok(Self::from_seed(&seed))
            }
            Algorithm::Sm2 => Self::of_sm2(&sm2_keys::generate()?),
        }
    }

    /// The Ed25519 key of a 32-byte seed (RFC 8032, 5.1.5).
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        let public = Public::Ed25519(key.verifying_key()).into();
        Self(Arc::new(Pair { private: Private::Ed25519(key), public }))
    }

    /// The key of 32 secret bytes: a seed for Ed25519, for SM2 a number of 1 to n - 2, big endian.
    ///
    /// # Errors
    /// [`CryptoError::Key`] for a number that is no SM2 key.
    pub fn from_secret(algorithm: Algorithm, secret: &[u8; 32]) -> Result<Self, CryptoError> {
        match algorithm {
            Algorithm::Ed25519 => Ok(Self::from_seed(secret)),
            Algorithm::Sm2 => {
                let secret = sm2_keys::secret(secret);
                Self::of_sm2(&secret.ok_or_else(|| CryptoError::Key("a number that is no SM2 key".into()))?)
            }
        }
    }

    fn of_sm2(secret: &sm2::SecretKey) -> Result<Self, CryptoError> {
        let key = sm2::dsa::SigningKey::new(sm2_keys::USER_ID, secret);
        let key = key.map_err(|_| CryptoError::Key("an SM2 key that cannot sign".into()))?;
        let public = PublicKey::of_sm2(key.verifying_key().clone());
        Ok(Self(Arc::new(Pair { private: Private::Sm2(key), public })))
    }

    /// The key's algorithm.
    pub fn algorithm(&self) -> Algorithm {
        match &self.0.private {
            Private::Ed25519(_) => Algorithm::Ed25519,
            Private::Sm2(_) => Algorithm::Sm2,
        }
    }

    /// The 32 secret bytes, as [`SigningKey::from_secret`] takes them.
    pub fn secret(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(match &self.0.private {
            Private::Ed25519(key) => key.to_bytes(),
            Private::Sm2(key) => key.to_bytes().into(),
        })
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        self.0.public.clone()
    }

    /// Signs a message, 64 bytes. The same message gives the same signature: SM2 too draws its number k from key and
    /// message (RFC 6979 with SM3), so that weak randomness betrays no key.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.0.private {
            Private::Ed25519(key) => key.sign(message).to_bytes().to_vec(),
            // Fails where r, s or r + k is zero: once in 2^254 messages. What is empty then fits nothing.
            Private::Sm2(key) => key.try_sign(message).map(|signature| signature.to_vec()).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(algorithm: Algorithm, n: u8) -> SigningKey {
        SigningKey::from_secret(algorithm, &[n; 32]).unwrap()
    }

    #[test]
    fn one_bad_signature_spoils_the_batch_and_is_found() {
        let (edwards, sm2) = (key(Algorithm::Ed25519, 7), key(Algorithm::Sm2, 7));
        let of = |n: u8| if n.is_multiple_of(3) { &sm2 } else { &edwards };
        let publics: Vec<PublicKey> = (0..20).map(|n| of(n).public()).collect();
        let signed: Vec<(Vec<u8>, Vec<u8>)> = (0..20).map(|n| (vec![n; 40], of(n).sign(&[n; 40]))).collect();
        let all = |signed: &[(Vec<u8>, Vec<u8>)]| {
            let pairs = signed.iter().zip(&publics);
            let checks: Vec<Check<'_>> = pairs.map(|((m, s), key)| Check { key, message: m, signature: s }).collect();
            verify_all(&checks)
        };
        assert!(all(&signed) && verify_all(&[]));
        for bad in [11, 12] {
            let mut signed = signed.clone();
            signed[bad].1[3] ^= 1;
            assert!(!all(&signed));
            let found: Vec<usize> =
                (0..20).filter(|n| publics[*n].verify(&signed[*n].0, &signed[*n].1).is_err()).collect();
            assert_eq!(found, [bad]);
        }
    }

    #[test]
    fn a_key_survives_its_text_form() {
        for algorithm in [Algorithm::Ed25519, Algorithm::Sm2] {
            let generated = SigningKey::generate(algorithm).unwrap();
            let public = generated.public();
            assert_eq!(public.algorithm(), algorithm);
            assert_eq!(public.to_string().parse::<PublicKey>().unwrap(), public);
            assert_eq!(SigningKey::from_secret(algorithm, &generated.secret()).unwrap().public(), public);
            assert_eq!(Algorithm::from_tag(algorithm.tag()), Some(algorithm));
            let other = if algorithm == Algorithm::Sm2 { "ed25519:" } else { "sm2:" };
            let text = public.to_string();
            assert!(format!("{other}{}", text.split_once(':').unwrap().1).parse::<PublicKey>().is_err());
        }
        assert!("ed25519:AAAA".parse::<PublicKey>().is_err());
        assert!("ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".parse::<PublicKey>().is_err());
        assert_eq!((Algorithm::from_tag(0), Algorithm::from_tag(3)), (None, None));
    }

    #[test]
    fn sm2_signatures_have_one_form() {
        let key = key(Algorithm::Sm2, 5);
        let public = key.public();
        let signature = key.sign(b"message");
        assert_eq!(signature.len(), 64);
        assert!(public.verify(b"message", &signature).is_ok());
        assert!(public.verify(b"massage", &signature).is_err());
        // s + n names the same number, as long as it fits 32 bytes; only the smaller one is a signature.
        let order = hex::decode("fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123").unwrap();
        for part in [0, 32] {
            for number in [&[0; 32][..], &order, &[0xff; 32]] {
                let mut wrong = signature.clone();
                wrong[part..part + 32].copy_from_slice(number);
                assert!(public.verify(b"message", &wrong).is_err());
            }
        }
        assert!(public.verify(b"message", &signature[..63]).is_err());
        assert!(public.verify(b"message", &[&signature[..], &[0]].concat()).is_err());
        assert!(public.verify(b"message", &[]).is_err());
    }
}
