//! What a provider answers: the decision and its ground, the rows, and the promise to record the access.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::crypto::digest::Hash;
use crate::domain::Text;
use crate::domain::access::AccessDecision;
use crate::domain::promise::SignedPromise;
use crate::domain::schema::Fault;
use crate::ids::{AccessId, DepartmentId, GrantId};

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
