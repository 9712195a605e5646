//! A case as listings show it: its parts, and where it stands.

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::crypto::digest::Hash;
use crate::domain::case::{CaseCorrection, CaseState, Fact, Material, RuleResult, StepKind};
use crate::domain::{Actor, Role, Text};
use crate::ids::{CaseId, DepartmentId, Slug, TxId};

/// A case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseView {
    /// Id of the opening transaction.
    pub id: CaseId,
    /// Where it stands.
    pub state: CaseState,
    /// Who handles it.
    pub owner: DepartmentId,
    /// Who opened it.
    pub opened_by: Actor,
    /// Block time.
    pub opened_at: Millis,
    /// Index of the opening.
    pub ledger_index: u64,
    /// Name of the workflow.
    pub workflow: Slug,
    /// Its version; none before edition 4.
    #[serde(default)]
    pub version: Option<u32>,
    /// Title for people.
    pub title: Text,
    /// Data on which it rests, as it came.
    pub materials: Vec<Material>,
    /// What is to be pulled, and when it was.
    #[serde(default)]
    pub pulls: Vec<CasePullView>,
    /// What the rules said last.
    #[serde(default)]
    pub check: Option<CaseCheckView>,
    /// Who must sign off, and what they said.
    pub steps: Vec<CaseStepView>,
    /// Working days for all of it.
    #[serde(default)]
    pub days: Option<u8>,
    /// Whether a certificate ends it.
    #[serde(default)]
    pub ends_in_certificate: bool,
    /// The certificate that ended it.
    pub certificate: Option<String>,
    /// When it ended, and how long it took is from its opening.
    #[serde(default)]
    pub ended_at: Option<Millis>,
    /// Whether its owner gave it up.
    #[serde(default)]
    pub withdrawn: bool,
    /// Whether it ended without a certificate, and well.
    #[serde(default)]
    pub done: bool,
    /// SM3 of what the applicant was told.
    #[serde(default)]
    pub notice_digest: Option<Hash>,
}

/// A pull of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CasePullView {
    /// Its name.
    pub pull: Slug,
    /// What came; none while it is missing.
    pub material: Option<Material>,
    /// When.
    pub at: Option<Millis>,
    /// Index of the transaction.
    pub ledger_index: Option<u64>,
}

/// What the rules said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseCheckView {
    /// Each rule that applied.
    pub results: Vec<RuleResult>,
    /// Block time.
    pub at: Millis,
    /// Index of the transaction.
    pub ledger_index: u64,
}

/// One department's part in a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseStepView {
    /// Name of the step.
    pub step: Slug,
    /// Who signs it off now.
    pub department: DepartmentId,
    /// What is to be checked.
    pub title: Text,
    /// How it is done.
    #[serde(default)]
    pub kind: StepKind,
    /// Who of the department may; none for a reviewer.
    #[serde(default)]
    pub role: Option<Role>,
    /// The one person who may.
    #[serde(default)]
    pub user: Option<String>,
    /// Steps that must be agreed before.
    #[serde(default)]
    pub after: Vec<Slug>,
    /// Working days from when its turn came.
    #[serde(default)]
    pub days: Option<u8>,
    /// When its turn came; none while it waits for another.
    #[serde(default)]
    pub since: Option<Millis>,
    /// Why its department gave the case back, until it is brought again.
    #[serde(default)]
    pub returned: Option<String>,
    /// The department's word, none while it waits.
    pub word: Option<CaseWordView>,
}

/// A department's word on its step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseWordView {
    /// Whether it agrees.
    pub agreed: bool,
    /// Its note.
    pub note: String,
    /// What was recorded, for a step that is done so.
    #[serde(default)]
    pub fact: Option<Fact>,
    /// The person.
    pub by: Actor,
    /// Block time.
    pub at: Millis,
    /// Index of the transaction.
    pub ledger_index: u64,
}

/// One thing that happened in a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseEventView {
    /// The transaction's kind, such as `case.return`.
    pub kind: String,
    /// The department.
    pub department: DepartmentId,
    /// The person.
    pub by: Actor,
    /// Block time.
    pub at: Millis,
    /// The transaction.
    pub transaction_id: TxId,
    /// Its index in the ledger.
    pub ledger_index: u64,
    /// The pull, step or certificate that it is about; `form` when that was corrected.
    pub about: Option<String>,
    /// Reason or note.
    pub text: Option<String>,
}

impl CaseEventView {
    /// What a correction is about.
    pub const FORM: &'static str = "form";
}

impl CaseView {
    /// Another form: what rested on the one before is to be done again, as in [`CaseCorrection`].
    pub(super) fn correct(&mut self, correction: CaseCorrection) {
        let CaseCorrection { pulls, kept, .. } = correction;
        let known = std::mem::take(&mut self.pulls);
        let came = |name: &Slug| known.iter().find(|pull| &pull.pull == name && kept.contains(name)).cloned();
        let fresh = |pull| CasePullView { pull, material: None, at: None, ledger_index: None };
        self.pulls = pulls.into_iter().map(|name| came(&name).unwrap_or_else(|| fresh(name))).collect();
        self.materials = self.pulls.iter().filter_map(|pull| pull.material.clone()).collect();
        self.check = None;
        for step in self.steps.iter_mut().filter(|step| !step.kind.outlives_correction()) {
            (step.word, step.since) = (None, None);
        }
    }

    /// The state that follows from what happened, as in [`crate::domain::case::Case::state`].
    pub(super) fn derived_state(&self) -> CaseState {
        let mut words = self.steps.iter().map(|step| step.word.as_ref().map(|word| word.agreed));
        let held = self.check.as_ref().is_some_and(|check| check.results.iter().all(|result| result.held));
        if self.certificate.is_some() || self.done {
            CaseState::Completed
        } else if self.withdrawn {
            CaseState::Withdrawn
        } else if words.clone().any(|word| word == Some(false)) {
            CaseState::Rejected
        } else if self.version.is_some() && !held {
            CaseState::Waiting
        } else if self.steps.iter().any(|step| step.returned.is_some()) {
            CaseState::Returned
        } else if words.all(|word| word == Some(true)) {
            CaseState::Agreed
        } else {
            CaseState::InProgress
        }
    }

    /// Gives every step whose turn has come by now that moment, and takes it from those whose turn has not.
    pub(super) fn follow_turns(&mut self, now: Millis) {
        let agreed: Vec<Slug> =
            self.steps.iter().filter(|step| step.word.is_some()).map(|step| step.step.clone()).collect();
        let goes_on = matches!(self.state, CaseState::InProgress | CaseState::Returned);
        for step in self.steps.iter_mut().filter(|step| step.word.is_none()) {
            let is_due = goes_on && step.returned.is_none() && step.after.iter().all(|name| agreed.contains(name));
            step.since = if is_due { step.since.or(Some(now)) } else { None };
        }
    }

    /// Whether a step waits for its word now.
    pub fn is_due(&self, step: &CaseStepView) -> bool {
        // One that was projected before turns were followed has all its steps side by side.
        let is_old = self.version.is_none() && self.state == CaseState::InProgress;
        step.word.is_none() && (step.since.is_some() || is_old)
    }
}
