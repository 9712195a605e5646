//! Cases that several departments handle together, such as a real-estate transfer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::crypto::digest::Hash;
use crate::ids::{AccessId, CaseId, DepartmentId, EntryName, Slug};

use super::{Actor, Text};

/// A case as its owner opens it on the ledger; the papers themselves stay with the owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseOpening {
    /// Name of the workflow.
    pub workflow: Slug,
    /// Title for people, without personal data.
    pub title: Text,
    /// Data pulled through granted interfaces.
    pub materials: Vec<Material>,
    /// Who must sign off, in any order.
    pub steps: Vec<SignOffStep>,
}

/// One answer that the case rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Material {
    /// Where it came from.
    pub entry: EntryName,
    /// The access that fetched it.
    pub access_id: AccessId,
    /// SM3 of the rows.
    pub digest: Hash,
}

/// One department's part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignOffStep {
    /// Name of the step.
    pub step: Slug,
    /// Who signs it off.
    pub department: DepartmentId,
    /// What is to be checked.
    pub title: Text,
}

/// A department's word on its step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignOff {
    /// The case.
    pub case: CaseId,
    /// The step.
    pub step: Slug,
    /// Whether the department agrees.
    pub agreed: bool,
    /// A note without personal data; required when it does not agree.
    #[serde(default)]
    pub note: String,
}

/// Whether a rule of the workflow held of what was pulled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleResult {
    /// The rule.
    pub rule: Slug,
    /// Whether it held.
    pub held: bool,
}

/// A case in the state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Id of the opening transaction.
    pub id: CaseId,
    /// Who handles it.
    pub owner: DepartmentId,
    /// Who opened it.
    pub opened_by: Actor,
    /// Block time.
    pub opened_at: Millis,
    /// What was opened.
    pub opening: CaseOpening,
    /// Words given, by step.
    pub sign_offs: BTreeMap<Slug, SignedOff>,
    /// Identifier of the certificate that ended it.
    pub certificate: Option<String>,
}

/// A given word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedOff {
    /// The word.
    pub sign_off: SignOff,
    /// The person.
    pub by: Actor,
    /// Block time.
    pub at: Millis,
}

/// Where a case stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseState {
    /// Waits for sign-offs.
    InProgress,
    /// All agreed; the certificate can be issued.
    Agreed,
    /// A department did not agree.
    Rejected,
    /// The certificate is issued.
    Completed,
}

impl CaseState {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Agreed => "agreed",
            Self::Rejected => "rejected",
            Self::Completed => "completed",
        }
    }
}

impl Case {
    /// Where the case stands.
    pub fn state(&self) -> CaseState {
        if self.certificate.is_some() {
            CaseState::Completed
        } else if self.sign_offs.values().any(|given| !given.sign_off.agreed) {
            CaseState::Rejected
        } else if self.opening.steps.iter().all(|step| self.sign_offs.contains_key(&step.step)) {
            CaseState::Agreed
        } else {
            CaseState::InProgress
        }
    }
}
