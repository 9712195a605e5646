//! What happens in a case, as its parties put it on the ledger.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::crypto::digest::Hash;
use crate::domain::edition::present;
use crate::ids::{CaseId, DepartmentId, Slug};

use super::{Material, StepKind};

/// A version of a workflow: from here on new cases follow it. Edition 4.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkflowPublication {
    /// Its name.
    pub name: Slug,
    /// One more than the version before.
    pub version: u32,
    /// The whole workflow, as `schemas/department/workflow.json` says.
    pub document: Value,
}

/// The owner pulled data. Edition 4.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CasePull {
    /// The case.
    pub case: CaseId,
    /// Which of the case's pulls.
    pub pull: Slug,
    /// What came.
    pub material: Material,
}

/// The owner compared what was pulled. Edition 4.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseCheck {
    /// The case.
    pub case: CaseId,
    /// The workflow's rules that apply.
    pub results: Vec<RuleResult>,
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
    /// What was recorded, for a step that is done so. Edition 4.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub fact: Option<Fact>,
}

/// A payment, document or answer. Its content stays at the node of the department that recorded it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// What it is.
    pub kind: StepKind,
    /// SM3 of a salt and of its content.
    pub digest: Hash,
}

/// A department gives the case back to its owner. Edition 4.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseReturn {
    /// The case.
    pub case: CaseId,
    /// The department's step.
    pub step: Slug,
    /// What is missing or wrong, without personal data.
    pub reason: String,
}

/// The owner brings a returned case again: the steps that returned it wait for a word again, others keep theirs. Edition 4.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseResubmission {
    /// The case.
    pub case: CaseId,
    /// What was done about it, without personal data.
    pub note: String,
    /// With a corrected form, also of a case that waits for data. Edition 5.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub correction: Option<CaseCorrection>,
}

/// Another form takes the place of the one before. The rules are looked at again, and whoever gave a word or recorded a
/// document or an answer is asked again: a word counts for what its signer read, and which step rests on which field
/// nobody but the signer knows. A payment stays: nobody pays twice for a slip of the pen. Edition 5.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseCorrection {
    /// The digest of the form that is corrected: two corrections that do not know of each other cannot both pass.
    pub corrects: Hash,
    /// SM3 of a salt and of the form as it is now; both stay with the owner.
    pub form_digest: Hash,
    /// What is pulled for it.
    pub pulls: Vec<Slug>,
    /// Those of them that stay as they came, because what they ask for did not change.
    pub kept: Vec<Slug>,
}

/// A step goes to another department, or to one person. Edition 4.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseAssignment {
    /// The case.
    pub case: CaseId,
    /// The step.
    pub step: Slug,
    /// The other department.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub department: Option<DepartmentId>,
    /// The person, of the step's department.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Why.
    pub reason: String,
}

/// The owner gives the case up. Edition 4.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseWithdrawal {
    /// The case.
    pub case: CaseId,
    /// Why.
    pub reason: String,
}

/// Everything is done, or the applicant of a case with a certificate is told. Edition 4.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseCompletion {
    /// The case.
    pub case: CaseId,
    /// SM3 of a salt and of what the applicant is told; both stay with the owner.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub notice_digest: Option<Hash>,
}
