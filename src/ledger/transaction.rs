//! A transaction's bytes: stored and hashed exactly as they were signed, never written anew.
//!
//! Form: `MTX1`, algorithm tag (1), key id (8), signature length (2, big endian), signature,
//! payload length (4, big endian), payload (UTF-8 JSON).

use std::sync::{Arc, OnceLock};

use crate::crypto::digest::{Hash, HashAlgorithm};
use crate::crypto::sign::{Algorithm, KeyId, PublicKey, SigningKey};

use super::LedgerError;

const MAGIC: &[u8; 4] = b"MTX1";
const SIGNATURE_CONTEXT: &[u8] = b"mulu-tx-v1\n";
/// The longest transaction, in bytes: it must fit a block together with the block's header.
pub const TRANSACTION_BYTES_MAX: usize = 60 * 1024;
const SIGNATURE_BYTES_MAX: usize = 128;

/// A signed transaction as it travels, lies on disk and is hashed. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Transaction {
    bytes: Arc<[u8]>,
    algorithm: Algorithm,
    key: KeyId,
    signature: std::ops::Range<usize>,
    payload: std::ops::Range<usize>,
    /// The leaf, once somebody asked for it.
    leaf: OnceLock<(HashAlgorithm, Hash)>,
}

impl PartialEq for Transaction {
    fn eq(&self, other: &Self) -> bool {
        // All else follows from the bytes.
        self.bytes == other.bytes
    }
}

impl Eq for Transaction {}

impl Transaction {
    /// Signs a payload for a chain.
    ///
    /// # Errors
    /// [`LedgerError::Malformed`] when the payload is too long.
    pub fn sign(chain: &str, payload: &[u8], key: &SigningKey) -> Result<Self, LedgerError> {
        let public = key.public();
        let signature = key.sign(&signed_message(chain, payload));
        let mut bytes = Vec::with_capacity(19 + signature.len() + payload.len());
        bytes.extend_from_slice(MAGIC);
        bytes.push(public.algorithm().tag());
        bytes.extend_from_slice(&public.id().0);
        bytes.extend_from_slice(&u16::try_from(signature.len()).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend_from_slice(&signature);
        bytes.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(payload);
        Self::decode(&bytes)
    }

    /// Reads a transaction; says nothing of its signature.
    ///
    /// # Errors
    /// [`LedgerError::Malformed`] with the reason.
    pub fn decode(bytes: &[u8]) -> Result<Self, LedgerError> {
        let wrong = |why: &str| LedgerError::malformed("transaction", why);
        if bytes.len() > TRANSACTION_BYTES_MAX {
            return Err(wrong("longer than 60 KiB"));
        }
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| wrong("does not begin with MTX1"))?;
        let (tag, rest) = rest.split_first().ok_or_else(|| wrong("ends early"))?;
        let algorithm = Algorithm::from_tag(*tag).ok_or_else(|| wrong("unknown signature algorithm"))?;
        let (key, rest) = rest.split_first_chunk::<8>().ok_or_else(|| wrong("ends early"))?;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or_else(|| wrong("ends early"))?;
        let signature_length = usize::from(u16::from_be_bytes(*length));
        if signature_length > SIGNATURE_BYTES_MAX || rest.len() < signature_length + 4 {
            return Err(wrong("the signature's length is wrong"));
        }
        let (length, payload) = rest[signature_length..].split_first_chunk::<4>().ok_or_else(|| wrong("ends early"))?;
        if usize::try_from(u32::from_be_bytes(*length)) != Ok(payload.len()) {
            return Err(wrong("the payload's length is wrong"));
        }
        if std::str::from_utf8(payload).is_err() {
            return Err(wrong("the payload is not UTF-8"));
        }
        let payload_start = bytes.len() - payload.len();
        Ok(Self {
            bytes: bytes.into(),
            algorithm,
            key: KeyId(*key),
            signature: 15..15 + signature_length,
            payload: payload_start..bytes.len(),
            leaf: OnceLock::new(),
        })
    }

    /// The exact bytes that are stored and hashed.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The JSON payload.
    pub fn payload(&self) -> &str {
        // Checked to be UTF-8 when decoded.
        self.bytes.get(self.payload.clone()).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }

    /// Which algorithm signed.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Which key signed.
    pub fn key(&self) -> KeyId {
        self.key
    }

    /// The signature's bytes.
    pub fn signature(&self) -> &[u8] {
        self.bytes.get(self.signature.clone()).unwrap_or_default()
    }

    /// The message that the signature covers: context, chain id, payload.
    pub fn message(&self, chain: &str) -> Vec<u8> {
        signed_message(chain, self.payload().as_bytes())
    }

    /// Checks the signature for a chain.
    ///
    /// # Errors
    /// [`LedgerError::Signature`] when key or signature do not fit.
    pub fn verify(&self, chain: &str, key: &PublicKey) -> Result<(), LedgerError> {
        if key.id() != self.key || key.algorithm() != self.algorithm {
            return Err(LedgerError::Signature("the transaction".into()));
        }
        key.verify(&self.message(chain), self.signature()).map_err(|_| LedgerError::Signature("the transaction".into()))
    }

    /// The leaf in the ledger's tree (RFC 6962, 2.1): `H(0x00 || bytes)`. It is hashed once.
    pub fn leaf(&self, algorithm: HashAlgorithm) -> Hash {
        let hash = || algorithm.digest(&[&[0], &self.bytes]);
        let (known, leaf) = *self.leaf.get_or_init(|| (algorithm, hash()));
        if known == algorithm { leaf } else { hash() }
    }
}

fn signed_message(chain: &str, payload: &[u8]) -> Vec<u8> {
    // The payload begins with `{`, which no chain id contains: the boundary is unambiguous.
    [SIGNATURE_CONTEXT, chain.as_bytes(), payload].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_belongs_to_one_chain_and_one_key() {
        let key = SigningKey::from_seed(&[1; 32]);
        let tx = Transaction::sign("city-a", b"{\"v\":1}", &key).unwrap();
        assert_eq!(tx.payload(), "{\"v\":1}");
        assert!(tx.verify("city-a", &key.public()).is_ok());
        assert!(tx.verify("city-b", &key.public()).is_err());
        assert!(tx.verify("city-a", &SigningKey::from_seed(&[2; 32]).public()).is_err());
    }

    #[test]
    fn every_flipped_byte_is_noticed() {
        let key = SigningKey::from_seed(&[1; 32]);
        let tx = Transaction::sign("city", b"{\"v\":1,\"kind\":\"x\"}", &key).unwrap();
        for at in 0..tx.as_bytes().len() {
            let mut bytes = tx.as_bytes().to_vec();
            bytes[at] ^= 0x20;
            let accepted = Transaction::decode(&bytes).is_ok_and(|t| t.verify("city", &key.public()).is_ok());
            assert!(!accepted, "byte {at} can be changed");
        }
    }

    #[test]
    fn cut_and_overlong_bytes_are_refused() {
        let key = SigningKey::from_seed(&[1; 32]);
        let tx = Transaction::sign("city", b"{}", &key).unwrap();
        for end in 0..tx.as_bytes().len() {
            assert!(Transaction::decode(&tx.as_bytes()[..end]).is_err());
        }
        assert!(Transaction::sign("city", &vec![b' '; TRANSACTION_BYTES_MAX], &key).is_err());
    }
}
