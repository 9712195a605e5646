//! A case is opened: the form is checked and kept here, its digest goes to the ledger, and the pulls begin.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::crypto::digest::{Hash, sm3};
use crate::domain::case::{CaseOpening, CaseState, SignOffStep};
use crate::domain::command::Command;
use crate::domain::department_files::workflow::WorkflowFile;
use crate::domain::schema::{Fault, FaultCode};
use crate::ids::{CaseId, Slug};
use crate::policy::facts::{Action, Facts, Relation};
use crate::service::Node;
use crate::service::blocking::blocking;
use crate::service::error::ServiceError;
use crate::service::principal::Principal;
use crate::service::writes::Committed;

use super::fresh_salt;
use super::run::CaseProgress;

/// What a clerk fills in to open a case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartCase {
    /// Name of the workflow, as published by this department.
    pub workflow: Slug,
    /// What its form asks for.
    pub params: Map<String, Value>,
}

/// An opened case.
#[derive(Clone, Debug, Serialize)]
pub struct OpenedCase {
    /// The case.
    pub case_id: CaseId,
    /// How far it got.
    pub progress: CaseProgress,
    /// The transaction that opened it.
    #[serde(flatten)]
    pub committed: Committed,
}

impl Node {
    /// Opens a case, then asks every department for its part through the granted interfaces, keeps the answers here, puts
    /// their digests on the ledger and compares them. What cannot be pulled now leaves the case waiting.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for the form, and the ledger's refusal of the opening.
    pub async fn start_case(&self, who: &Principal, start: StartCase) -> Result<OpenedCase, ServiceError> {
        let actor = self.authorise(who, |role| Facts::new(Action::OpenCase, role, Relation::Own))?;
        let in_force = self.workflow_in_force(&start.workflow)?;
        let workflow = &in_force.workflow;
        let steps = self.checked(workflow, &start.params)?;
        let id = self.next_id(who);
        let case = CaseId::from(id);
        let (local, now, params, salt) = (self.local.clone(), self.clock.now(), start.params, fresh_salt()?);
        // Kept first: a case on the ledger whose form is lost would be worthless. A repeated call finds what the first kept.
        let record = blocking(move || {
            local.case_slip(case, now)?;
            local.begin_case(case, &params, &salt, now)
        })
        .await?;
        let opening = CaseOpening {
            version: Some(in_force.version),
            form_digest: Some(form_digest(record.salt.as_deref().unwrap_or_default(), &record.params)?),
            pulls: Some(wanted(workflow, &record.params)),
            days: workflow.days,
            certificate: Some(workflow.certificate.is_some()),
            ..CaseOpening::plain(workflow.name.clone(), workflow.title.clone(), Vec::new(), steps)
        };
        let committed = match self.reading(move |model| model.case(case)).await? {
            // A call that is repeated under its key, after a fault of the moment, goes on where the first one stopped.
            Some(known) => Committed { transaction_id: id, ledger_index: known.ledger_index },
            None => self.write_as(id, actor.clone(), Command::OpenCase(opening)).await?,
        };
        let progress = match self.run_case(&actor, case, false).await {
            Ok(progress) => progress,
            // The case stands; whoever looks at it sees how far it got, and can go on.
            Err(error) => {
                tracing::warn!(%case, %error, "a case was opened and could not be carried on");
                CaseProgress { case, state: CaseState::Waiting, problems: Vec::new() }
            }
        };
        Ok(OpenedCase { case_id: case, progress, committed })
    }

    /// Checks a filled-in form, and finds the department of each step.
    pub(super) fn checked(
        &self,
        workflow: &WorkflowFile,
        form: &Map<String, Value>,
    ) -> Result<Vec<SignOffStep>, ServiceError> {
        let mut faults: Vec<Fault> =
            workflow.check_form(form).into_iter().map(|fault| fault.within("/params")).collect();
        let mut steps = Vec::with_capacity(workflow.sign_offs.len());
        for step in &workflow.sign_offs {
            match step.department_in(form).filter(|id| self.chain.state().department(id).is_some()) {
                Some(department) => steps.push(step.on_ledger(department)),
                None if step.department.is_some() => {
                    return Err(ServiceError::missing(format_args!("the department of step {}", step.step)));
                }
                None => {
                    let field = step.department_from.as_ref().map(ToString::to_string).unwrap_or_default();
                    let field = field.trim_start_matches("form.").to_owned();
                    let why = "is not a department of the city";
                    faults.push(Fault::of(FaultCode::UnknownDepartment, format!("/params/{field}"), why));
                }
            }
        }
        if faults.is_empty() { Ok(steps) } else { Err(ServiceError::Invalid(faults)) }
    }
}

/// SM3 of a salt and of a form.
pub(super) fn form_digest(salt: &str, form: &Map<String, Value>) -> Result<Hash, ServiceError> {
    let form = serde_json::to_string(form).map_err(|e| ServiceError::Internal(e.to_string()))?;
    Ok(sm3(&[salt.as_bytes(), form.as_bytes()]))
}

/// What a form asks to be pulled.
pub(super) fn wanted(workflow: &WorkflowFile, form: &Map<String, Value>) -> Vec<Slug> {
    workflow.pulls.iter().filter(|pull| pull.is_wanted(form)).map(|pull| pull.name.clone()).collect()
}
