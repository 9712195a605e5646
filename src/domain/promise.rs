//! A provider's signed word that an access will stand on the ledger, by when and as which record.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::crypto::digest::Hash;
use crate::crypto::sign::{KeyId, PublicKey, SigningKey};
use crate::ids::AccessId;

const CONTEXT: &str = "mulu-promise-v1\n";
/// The longest payload of a promise, in bytes; this program's own have about 180.
pub const PROMISE_BYTES_MAX: usize = 512;
/// The longest signature, in base64 characters; those of Ed25519 and SM2 have 88.
const SIGNATURE_CHARS_MAX: usize = 128;

/// The provider's word that the access will stand on the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promise {
    /// The access.
    pub access_id: AccessId,
    /// SM3 of the record's JSON.
    pub record_digest: Hash,
    /// Until when.
    pub by: Millis,
}

/// A promise with the provider's signature over `mulu-promise-v1\n`, the chain's id and the payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedPromise {
    /// JSON of a [`Promise`]: the very text that was signed.
    pub payload: String,
    /// Which key signed.
    pub key: KeyId,
    /// The signature, base64.
    pub signature: String,
}

impl SignedPromise {
    /// Signs a promise for a chain.
    pub fn sign(promise: &Promise, chain: &str, key: &SigningKey) -> Self {
        let payload = serde_json::to_string(promise).unwrap_or_default();
        let signature = BASE64.encode(key.sign(&message(chain, &payload)));
        Self { payload, key: key.public().id(), signature }
    }

    /// The promise, if the key signed it for the chain.
    pub fn verify(&self, chain: &str, key: &PublicKey) -> Option<Promise> {
        let promise = self.read()?;
        let signature = BASE64.decode(&self.signature).ok()?;
        (key.id() == self.key).then_some(())?;
        key.verify(&message(chain, &self.payload), &signature).ok()?;
        Some(promise)
    }

    /// What it says, whoever signed it; none when it is longer than a promise may be or no promise at all.
    pub fn read(&self) -> Option<Promise> {
        let fits = self.payload.len() <= PROMISE_BYTES_MAX && self.signature.len() <= SIGNATURE_CHARS_MAX;
        fits.then(|| serde_json::from_str(&self.payload).ok()).flatten()
    }
}

fn message(chain: &str, payload: &str) -> Vec<u8> {
    // The payload begins with `{`, which no chain id contains: the boundary is unambiguous.
    [CONTEXT, chain, payload].concat().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_binds_its_maker_its_chain_and_its_words() {
        let key = SigningKey::from_seed(&[3; 32]);
        let promise =
            Promise { access_id: AccessId::new(Millis(1)), record_digest: Hash([1; 32]), by: Millis(600_000) };
        let signed = SignedPromise::sign(&promise, "city", &key);
        assert_eq!(signed.verify("city", &key.public()), Some(promise.clone()));
        assert_eq!(signed.verify("town", &key.public()), None);
        assert_eq!(signed.verify("city", &SigningKey::from_seed(&[4; 32]).public()), None);
        let later = SignedPromise { payload: signed.payload.replace("600000", "900000"), ..signed.clone() };
        assert_eq!(later.verify("city", &key.public()), None);
        let padded = format!("{}{}", signed.payload, " ".repeat(PROMISE_BYTES_MAX));
        let signature = BASE64.encode(key.sign(&message("city", &padded)));
        assert_eq!(SignedPromise { payload: padded, signature, ..signed }.verify("city", &key.public()), None);
    }
}
