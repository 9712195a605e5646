//! What a consumer's node found when it held providers' promises and records against its own book of calls.

use serde::{Deserialize, Serialize};

use crate::ids::{AccessId, DepartmentId};

use super::promise::SignedPromise;

/// Findings in one report.
pub const FINDINGS_MAX: usize = 100;

/// Findings of the department that signs, the consumer of every access in them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindingReport {
    /// One to [`FINDINGS_MAX`], each access and provider once.
    pub findings: Vec<Finding>,
}

/// One access whose promise and record do not fit each other. No personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The access.
    pub access_id: AccessId,
    /// Whose word or record it is.
    pub provider: DepartmentId,
    /// What is wrong.
    pub problem: Mismatch,
    /// The provider's word, as it came: the proof, where a promise was broken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promise: Option<SignedPromise>,
    /// Index of the transaction that holds the record, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_index: Option<u64>,
}

/// What is wrong between a promise and its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mismatch {
    /// The promise's time is over, and the ledger lacks the record: the provider kept silent.
    PromiseWithoutRecord,
    /// The record is not the one that was promised.
    RecordDiffers,
    /// The record names the consumer, who never sent the call.
    RecordWithoutCall,
    /// The call was sent and its answer was lost, so the record was never promised. Nothing is owed.
    RecordWithoutPromise,
}

impl Mismatch {
    /// Every problem.
    pub const ALL: [Self; 4] =
        [Self::PromiseWithoutRecord, Self::RecordDiffers, Self::RecordWithoutCall, Self::RecordWithoutPromise];

    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PromiseWithoutRecord => "promise_without_record",
            Self::RecordDiffers => "record_differs",
            Self::RecordWithoutCall => "record_without_call",
            Self::RecordWithoutPromise => "record_without_promise",
        }
    }

    /// Whether the signed promise belongs to the finding: without it there is no proof.
    pub fn has_promise(self) -> bool {
        matches!(self, Self::PromiseWithoutRecord | Self::RecordDiffers)
    }

    /// Whether a record belongs to the finding.
    pub fn has_record(self) -> bool {
        self != Self::PromiseWithoutRecord
    }
}
