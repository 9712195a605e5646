//! A case is brought again, perhaps with a corrected form: what the correction touches is pulled, compared and signed anew.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::domain::case::{Case, CaseCorrection, CaseResubmission, CaseState};
use crate::domain::case_rules::Operand;
use crate::domain::command::Command;
use crate::domain::department_files::workflow::WorkflowFile;
use crate::domain::schema::{Fault, FaultCode};
use crate::ids::{CaseId, Slug};
use crate::readmodel::local::{CaseForm, PullAttempt};
use crate::service::Node;
use crate::service::blocking::blocking;
use crate::service::error::ServiceError;
use crate::service::principal::Principal;
use crate::service::writes::Committed;

use super::acts::ResubmitWord;
use super::fresh_salt;
use super::open::{form_digest, wanted};
use super::run::CaseProgress;

/// A case that was brought again.
#[derive(Clone, Debug)]
pub struct Resubmitted {
    /// How far it got.
    pub progress: CaseProgress,
    /// The transaction.
    pub committed: Committed,
}

/// What a pull brought, once for each that is there and noted on the ledger.
type Came = BTreeMap<Slug, PullAttempt>;

impl Node {
    /// Brings a returned case again: the steps that returned it wait for a word again. With another form, also one that
    /// waits for data: what asks for something else now is pulled, and everything is compared and signed again.
    ///
    /// # Errors
    /// The policy's or the ledger's refusal; [`ServiceError::Invalid`] for the form.
    pub async fn resubmit_case(
        &self,
        who: &Principal,
        id: CaseId,
        word: ResubmitWord,
    ) -> Result<Resubmitted, ServiceError> {
        let actor = self.authorise_owner(who, id)?;
        let turn = self.case_turn(id)?;
        let correction = match word.params {
            Some(params) => self.correct(id, params).await?,
            None => None,
        };
        let corrects = correction.is_some();
        let command = Command::ResubmitCase(CaseResubmission { case: id, note: word.note, correction });
        let written = self.write(who, actor.clone(), command).await;
        if written.is_err() && corrects {
            let local = self.local.clone();
            blocking(move || local.set_running(id, false)).await?;
        }
        let committed = written?;
        drop(turn);
        let state = self.ledger_case(id)?.state();
        let progress = match self.run_case(&actor, id, false).await {
            Ok(progress) => progress,
            // The correction stands; whoever looks at the case sees how far it got, and can go on.
            Err(error) => {
                tracing::warn!(case = %id, %error, "a case was brought again and could not be carried on");
                CaseProgress { case: id, state, problems: Vec::new() }
            }
        };
        Ok(Resubmitted { progress, committed })
    }

    /// What a clerk filled in for a case of this department, and the workflow that asked for it. Clerks and reviewers may.
    ///
    /// # Errors
    /// The policy's refusal, [`ServiceError::NotFound`].
    pub async fn case_form(
        &self,
        who: &Principal,
        id: CaseId,
    ) -> Result<(WorkflowFile, Map<String, Value>), ServiceError> {
        self.authorise_owner(who, id)?;
        Ok((self.workflow_of(&self.ledger_case(id)?)?, self.papers_of(id).await?.params))
    }

    /// Keeps another form; none when nothing differs.
    async fn correct(&self, id: CaseId, params: Map<String, Value>) -> Result<Option<CaseCorrection>, ServiceError> {
        let case = self.ledger_case(id)?;
        if !matches!(case.state(), CaseState::Waiting | CaseState::Returned) {
            let detail = format!("the case is {}: its form stays as it is", case.state().as_str());
            return Err(ServiceError::conflict("conflict", detail));
        }
        let before = self.papers_of(id).await?.params;
        if before == params {
            return Ok(None);
        }
        let corrects = case.form_digest().ok_or_else(|| {
            ServiceError::conflict("conflict", "the case was opened before its workflow was published")
        })?;
        let workflow = self.workflow_of(&case)?;
        self.checked(&workflow, &params)?;
        keeps_departments(&workflow, &before, &params)?;
        let local = self.local.clone();
        let attempts = blocking(move || local.pull_attempts(id)).await?;
        let came = came(&case, attempts);
        let stays = |name: &Slug| {
            let pull = workflow.pull(name);
            came.contains_key(name) && pull.is_some_and(|pull| pull.params_of(&before) == pull.params_of(&params))
        };
        let pulls = wanted(&workflow, &params);
        let kept = pulls.iter().filter(|name| stays(name)).cloned().collect();
        let salt = fresh_salt()?;
        let form_digest = form_digest(&salt, &params)?;
        let form = CaseForm { params, salt, digest: form_digest, at: self.clock.now() };
        let local = self.local.clone();
        // Kept first: a digest on the ledger whose form is lost would be worthless.
        blocking(move || {
            local.begin_correction(id, &form)?;
            local.set_running(id, true)
        })
        .await?;
        Ok(Some(CaseCorrection { corrects, form_digest, pulls, kept }))
    }

    /// The workflow that a case follows.
    pub(super) fn workflow_of(&self, case: &Case) -> Result<WorkflowFile, ServiceError> {
        let version = case.opening.version.unwrap_or_default();
        self.workflow_version(&case.owner, &case.opening.workflow, version)
    }
}

/// What came and is noted on the ledger as it came.
fn came(case: &Case, attempts: Vec<PullAttempt>) -> Came {
    let noted = |one: &PullAttempt| {
        let known = case.pulled.get(&one.pull).map(|material| material.access_id);
        one.is_done() && known.is_some() && known == one.material.as_ref().map(|material| material.access_id)
    };
    attempts.into_iter().filter(noted).map(|one| (one.pull.clone(), one)).collect()
}

/// A step's department is on the ledger since the opening: it is changed by giving the step away.
fn keeps_departments(
    workflow: &WorkflowFile,
    before: &Map<String, Value>,
    now: &Map<String, Value>,
) -> Result<(), ServiceError> {
    let named = workflow.sign_offs.iter().filter_map(|step| match &step.department_from {
        Some(Operand::Form(field)) => Some(field.as_str()),
        _ => None,
    });
    let changed = named.filter(|field| before.get(*field) != now.get(*field));
    let why = "names the department of a step: give the step to another department instead";
    let fault = |field| Fault::of(FaultCode::DepartmentOfStep, format!("/params/{field}"), why);
    let faults: Vec<Fault> = changed.map(fault).collect();
    if faults.is_empty() { Ok(()) } else { Err(ServiceError::Invalid(faults)) }
}
