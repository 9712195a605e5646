//! Cases that several departments handle together, such as a real-estate transfer.

mod acts;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::crypto::digest::Hash;
use crate::ids::{AccessId, CaseId, DepartmentId, EntryName, Slug};

use super::edition::present;
use super::{Actor, Role, Text};

pub use acts::{
    CaseAssignment, CaseCheck, CaseCompletion, CaseCorrection, CasePull, CaseResubmission, CaseReturn, CaseWithdrawal,
    Fact, RuleResult, SignOff, WorkflowPublication,
};

/// A case as its owner opens it on the ledger; the papers themselves stay with the owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseOpening {
    /// Name of the workflow.
    pub workflow: Slug,
    /// Title for people, without personal data.
    pub title: Text,
    /// Data that was pulled before the case was opened: before edition 4, all of it.
    pub materials: Vec<Material>,
    /// Who must sign off.
    pub steps: Vec<SignOffStep>,
    /// The published version of the workflow. Edition 4, and with it all that follows.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// SM3 of a salt and of what the clerk filled in; both stay with the owner.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub form_digest: Option<Hash>,
    /// What is to be pulled.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub pulls: Option<Vec<Slug>>,
    /// Working days for the whole case.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub days: Option<u8>,
    /// Whether a certificate ends it.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub certificate: Option<bool>,
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
    /// Who of the department may; a reviewer when left out. Edition 4, and with it all that follows.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// How it is done; by a word when left out.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub kind: Option<StepKind>,
    /// Steps that must be agreed before.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub after: Option<Vec<Slug>>,
    /// Working days from when its turn comes.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub days: Option<u8>,
}

/// How a step is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// By a word.
    #[default]
    SignOff,
    /// By recording a payment.
    Payment,
    /// By recording a document.
    Document,
    /// By an answer to the applicant.
    Answer,
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
    /// What was pulled since it was opened.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pulled: BTreeMap<Slug, Material>,
    /// Whether the rules held; none while they were not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked: Option<bool>,
    /// Pulls whose data may be pulled again, because the rules did not hold.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub disputed: BTreeSet<Slug>,
    /// Steps whose department gave the case back.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub returned: BTreeSet<Slug>,
    /// Whose steps became.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub assigned: BTreeMap<Slug, Assignee>,
    /// How it ended without a certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<CaseEnd>,
    /// SM3 of what the applicant was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<Hash>,
    /// The last correction of its form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correction: Option<CaseCorrection>,
    /// What happened since it was opened, counted: a case may not grow without end.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub events: u32,
}

/// Who has a step now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignee {
    /// Another department than the opening named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<DepartmentId>,
    /// The one person who may do it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// How a case ended without a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseEnd {
    /// The owner gave it up.
    Withdrawn,
    /// Everything was done.
    Completed,
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
    /// Waits for data, or for data that agree.
    Waiting,
    /// Waits for sign-offs.
    InProgress,
    /// A department gave it back to its owner.
    Returned,
    /// All agreed; it can be ended.
    Agreed,
    /// A department did not agree.
    Rejected,
    /// Its owner gave it up.
    Withdrawn,
    /// The certificate is issued, or everything is done.
    Completed,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl StepKind {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignOff => "sign_off",
            Self::Payment => "payment",
            Self::Document => "document",
            Self::Answer => "answer",
        }
    }

    /// Whether what was done stays when the form is corrected: see [`CaseCorrection`].
    pub fn outlives_correction(self) -> bool {
        self == Self::Payment
    }

    /// Whether a word alone does it.
    pub fn is_sign_off(&self) -> bool {
        *self == Self::SignOff
    }
}

impl CaseState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Waiting,
        Self::InProgress,
        Self::Returned,
        Self::Agreed,
        Self::Rejected,
        Self::Withdrawn,
        Self::Completed,
    ];

    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::InProgress => "in_progress",
            Self::Returned => "returned",
            Self::Agreed => "agreed",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Completed => "completed",
        }
    }

    /// Whether nothing can happen any more, except that the applicant is told.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Rejected | Self::Withdrawn | Self::Completed)
    }
}

impl CaseOpening {
    /// An opening as editions before 4 know it.
    pub fn plain(workflow: Slug, title: Text, materials: Vec<Material>, steps: Vec<SignOffStep>) -> Self {
        let (version, form_digest, pulls, days, certificate) = (None, None, None, None, None);
        Self { workflow, title, materials, steps, version, form_digest, pulls, days, certificate }
    }

    /// Whether it says something that older editions of the ledger do not know.
    pub fn needs_edition_4(&self) -> bool {
        let of_step = |step: &SignOffStep| {
            step.role.is_some() || step.kind.is_some() || step.after.is_some() || step.days.is_some()
        };
        self.version.is_some()
            || self.form_digest.is_some()
            || self.pulls.is_some()
            || self.days.is_some()
            || self.certificate.is_some()
            || self.steps.iter().any(of_step)
    }
}

impl SignOffStep {
    /// A step as editions before 4 know it.
    pub fn plain(step: Slug, department: DepartmentId, title: Text) -> Self {
        Self { step, department, title, role: None, kind: None, after: None, days: None }
    }

    /// How it is done.
    pub fn kind(&self) -> StepKind {
        self.kind.unwrap_or_default()
    }

    /// Steps that must be agreed before.
    pub fn after(&self) -> &[Slug] {
        self.after.as_deref().unwrap_or_default()
    }

    /// Whether a role may do it: a reviewer may do what a clerk may.
    pub fn is_for(&self, role: Role) -> bool {
        role == Role::Reviewer || self.role == Some(role)
    }
}

impl Case {
    /// A step of its opening.
    pub fn step(&self, name: &Slug) -> Option<&SignOffStep> {
        self.opening.steps.iter().find(|step| &step.step == name)
    }

    /// What is pulled for the form as it stands.
    pub fn pulls(&self) -> &[Slug] {
        let of_opening = || self.opening.pulls.as_deref().unwrap_or_default();
        self.correction.as_ref().map_or_else(of_opening, |correction| &correction.pulls)
    }

    /// The digest of the form as it stands; none before edition 4.
    pub fn form_digest(&self) -> Option<Hash> {
        self.correction.as_ref().map(|correction| correction.form_digest).or(self.opening.form_digest)
    }

    /// Whose a step is now.
    pub fn department_of<'a>(&'a self, step: &'a SignOffStep) -> &'a DepartmentId {
        self.assigned.get(&step.step).and_then(|assignee| assignee.department.as_ref()).unwrap_or(&step.department)
    }

    /// Whether a department handles it or has, or had, a step in it.
    pub fn involves(&self, department: &DepartmentId) -> bool {
        let has = |step: &SignOffStep| &step.department == department || self.department_of(step) == department;
        &self.owner == department || self.opening.steps.iter().any(has)
    }

    /// Whether a step's turn has come: it has no word yet, and those before it have agreed.
    pub fn is_due(&self, step: &SignOffStep) -> bool {
        !self.sign_offs.contains_key(&step.step)
            && !self.returned.contains(&step.step)
            && step.after().iter().all(|name| self.sign_offs.contains_key(name))
    }

    /// Where the case stands.
    pub fn state(&self) -> CaseState {
        if self.certificate.is_some() || self.ended == Some(CaseEnd::Completed) {
            CaseState::Completed
        } else if self.ended == Some(CaseEnd::Withdrawn) {
            CaseState::Withdrawn
        } else if self.sign_offs.values().any(|given| !given.sign_off.agreed) {
            CaseState::Rejected
        } else if self.opening.version.is_some() && self.checked != Some(true) {
            CaseState::Waiting
        } else if !self.returned.is_empty() {
            CaseState::Returned
        } else if self.opening.steps.iter().all(|step| self.sign_offs.contains_key(&step.step)) {
            CaseState::Agreed
        } else {
            CaseState::InProgress
        }
    }
}
