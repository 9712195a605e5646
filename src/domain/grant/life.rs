//! What happens to a grant beside its decision: a pause, a first of two approvals, more time, an appeal.

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::domain::Actor;
use crate::domain::edition::present;
use crate::ids::{DepartmentId, GrantId};

use super::Approval;

/// Grade of an entry from which two persons of its provider approve every grant.
pub const TWO_APPROVERS_GRADE: u8 = 4;

/// A word on a grant, with its reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// Why.
    pub reason: String,
    /// Who said so.
    pub by: Actor,
    /// For which department.
    pub department: DepartmentId,
    /// Block time.
    pub at: Millis,
}

/// The first of two approvals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstApproval {
    /// What the first approver allows; the second may narrow it.
    pub approval: Approval,
    /// The first approver.
    pub by: Actor,
    /// Block time.
    pub at: Millis,
}

/// An appeal against a refusal, to the authority (政务数据共享条例: disputes are mediated by the data bureau).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appeal {
    /// The consumer's.
    pub word: Word,
    /// The authority's, once it has spoken.
    pub ruling: Option<Ruling>,
}

/// The authority's word on an appeal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// Whether the provider must decide again.
    pub upheld: bool,
    /// Why.
    pub word: Word,
    /// Until when it must.
    pub decide_by: Option<Millis>,
}

/// What has happened to a grant; most grants have nothing of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// Since when and why it is suspended, while it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<Word>,
    /// The first of two approvals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<FirstApproval>,
    /// Why the provider needs more time to decide: once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<Word>,
    /// The appeal against its refusal: once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appeal: Option<Appeal>,
}

/// The authority rules on an appeal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppealRuling {
    /// The grant.
    pub grant: GrantId,
    /// Whether the provider must decide again.
    pub upheld: bool,
    /// Why.
    pub reason: String,
    /// Until when it must, if it must.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub decide_by: Option<Millis>,
}
