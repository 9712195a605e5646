//! What a provider answers: the decision and its ground, the rows, and the promise to record the access.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::clock::Millis;
use crate::crypto::digest::Hash;
use crate::crypto::sign::{KeyId, PublicKey, SigningKey};
use crate::domain::Text;
use crate::domain::access::AccessDecision;
use crate::domain::schema::Fault;
use crate::ids::{AccessId, DepartmentId, GrantId};

const PROMISE_CONTEXT: &str = "mulu-promise-v1\n";

/// One reason of a refusal: a code for programs, and what to do in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReasonText {
    /// Stable.
    pub code: String,
    /// For people.
    pub text: Text,
}

/// A decision and what it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explanation {
    /// Whether the call may happen.
    pub allowed: bool,
    /// Name of the rule that decided.
    pub rule: String,
    /// Why not, when it may not.
    pub reasons: Vec<ReasonText>,
    /// The grant that was looked at.
    pub grant: Option<GrantId>,
    /// Size of the ledger on which it rests.
    pub ledger_index: u64,
}

/// Something wrong in a call, as it travels between nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultText {
    /// JSON Pointer (RFC 6901).
    pub pointer: String,
    /// What is wrong there.
    pub message: String,
}

impl From<FaultText> for Fault {
    fn from(fault: FaultText) -> Self {
        Self::new(fault.pointer, fault.message)
    }
}

impl From<Fault> for FaultText {
    fn from(fault: Fault) -> Self {
        Self { pointer: fault.pointer, message: fault.message }
    }
}

/// Why an answer has no rows although the rules allowed the call, or why there is no answer at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerError {
    /// Stable.
    pub code: String,
    /// For people.
    pub detail: String,
    /// Seconds to wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u64>,
    /// What is wrong in the call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FaultText>,
}

impl AnswerError {
    pub(super) fn new(code: &str, detail: impl Into<String>) -> Self {
        Self { code: code.to_owned(), detail: detail.into(), ..Self::default() }
    }
}

/// The provider's answer, signed and sealed on its way.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    pub v: u32,
    pub access_id: AccessId,
    pub from: DepartmentId,
    pub to: DepartmentId,
    /// SM3 of the signed request that is answered.
    pub request_digest: Hash,
    pub decision: AccessDecision,
    pub explanation: Explanation,
    pub error: Option<AnswerError>,
    /// JSON array; its very text is digested in the access record.
    pub rows: Box<RawValue>,
    pub next_cursor: Option<String>,
    pub promise: SignedPromise,
}

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
    pub(super) fn sign(promise: &Promise, chain: &str, key: &SigningKey) -> Self {
        let payload = serde_json::to_string(promise).unwrap_or_default();
        let signature = BASE64.encode(key.sign(&message(chain, &payload)));
        Self { payload, key: key.public().id(), signature }
    }

    /// The promise, if the key signed it for the chain.
    pub fn verify(&self, chain: &str, key: &PublicKey) -> Option<Promise> {
        let signature = BASE64.decode(&self.signature).ok()?;
        (key.id() == self.key).then_some(())?;
        key.verify(&message(chain, &self.payload), &signature).ok()?;
        serde_json::from_str(&self.payload).ok()
    }
}

fn message(chain: &str, payload: &str) -> Vec<u8> {
    // The payload begins with `{`, which no chain id contains: the boundary is unambiguous.
    [PROMISE_CONTEXT, chain, payload].concat().into_bytes()
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
        assert_eq!(signed.verify("city", &key.public()), Some(promise));
        assert_eq!(signed.verify("town", &key.public()), None);
        assert_eq!(signed.verify("city", &SigningKey::from_seed(&[4; 32]).public()), None);
        let later = SignedPromise { payload: signed.payload.replace("600000", "900000"), ..signed };
        assert_eq!(later.verify("city", &key.public()), None);
    }
}
