//! The record of one access to data, allowed or refused.

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::crypto::digest::Hash;
use crate::ids::{AccessId, DepartmentId, EntryName, GrantId, ItemName, Version};

use super::Actor;

/// Who looked at whose data, when, why and under which rule. Holds no personal data in the clear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessRecord {
    /// Chosen by the consumer's node.
    pub access_id: AccessId,
    /// The provider's clock when it decided.
    pub time: Millis,
    /// Who asked.
    pub consumer: DepartmentId,
    /// Which person or system of the consumer.
    pub actor: Actor,
    /// What was asked for; its provider signs the batch.
    pub entry: EntryName,
    /// Version of the entry that was in force, if the entry exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry_version: Option<Version>,
    /// The grant that applied, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantId>,
    /// What was decided.
    pub decision: AccessDecision,
    /// Name of the rule that decided.
    pub rule: String,
    /// Stable codes of the reasons of a refusal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// The stated purpose.
    pub purpose: String,
    /// The stated cause, up to 200 characters.
    pub cause: String,
    /// The consumer's case number or a case on the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case_id: Option<String>,
    /// Items asked for.
    pub items: Vec<ItemName>,
    /// Rows answered.
    pub rows: u32,
    /// The person or enterprise asked about, sealed to the auditor, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// SM3 of the signed request.
    pub request_digest: Hash,
    /// SM3 of the answer's rows, for an allowed access.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_digest: Option<Hash>,
    /// Size of the ledger on which the decision rested.
    pub basis: u64,
    /// The facts that the provider gave to the rules, as [`Facts::stated`](super::policy::facts::Facts::stated) writes
    /// them: so the decision can be made again, and what the provider saw compared with what the ledger says (edition 3).
    #[serde(default, deserialize_with = "super::edition::present", skip_serializing_if = "Option::is_none")]
    pub facts: Option<String>,
}

/// The longest text of [`AccessRecord::facts`], in bytes.
pub const FACTS_BYTES_MAX: usize = 200;

/// Outcome of the policy decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum AccessDecision {
    Allowed,
    Refused,
}

impl AccessDecision {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Refused => "refused",
        }
    }
}

/// A case number as records carry it: at most this many characters.
pub const CASE_ID_CHARS_MAX: usize = 64;
/// The longest cause, in characters (as the e-licence interfaces' `useCause`).
pub const CAUSE_CHARS_MAX: usize = 200;
/// Records in one batch.
pub const BATCH_RECORDS_MAX: usize = 200;

/// The context under which the subject of one access is sealed to the auditor: a sealed subject cannot be moved to
/// another record. The sealed text is the value of the entry's subject parameter, such as an ID number.
pub fn subject_context(access_id: AccessId) -> Vec<u8> {
    format!("mulu-subject-v1\n{access_id}").into_bytes()
}
