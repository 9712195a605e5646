//! Cases: pull what the departments already have, let them sign off, end in a certificate.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::case::{CaseOpening, Material, SignOff, SignOffStep};
use crate::domain::case_rules::Ground;
use crate::domain::command::Command;
use crate::domain::department_files::workflow::{Pull, WorkflowFile};
use crate::domain::schema::Fault;
use crate::domain::{Actor, Text};
use crate::exchange::QueryCall;
use crate::ids::{CaseId, Slug};
use crate::policy::facts::{Action, Facts, Relation};
use crate::readmodel::Page;
use crate::readmodel::cases::{CaseFilter, CaseView};
use crate::readmodel::local::cases::CaseMaterial;

use super::Node;
use super::blocking::blocking;
use super::error::ServiceError;
use super::principal::Principal;
use super::writes::Committed;

/// What a clerk fills in to open a case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartCase {
    /// Name of the workflow, of `departments/<own>/workflows/`.
    pub workflow: Slug,
    /// What its form asks for.
    pub params: Map<String, Value>,
}

/// An opened case.
#[derive(Clone, Debug, Serialize)]
pub struct OpenedCase {
    /// The case.
    pub case_id: CaseId,
    /// The transaction that opened it.
    #[serde(flatten)]
    pub committed: Committed,
}

/// A department's word.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignOffWord {
    /// Whether it agrees.
    pub agreed: bool,
    /// A note, required when it does not.
    #[serde(default)]
    pub note: String,
}

/// A case with the papers that this department may see.
#[derive(Clone, Debug, Serialize)]
pub struct CaseDetail {
    /// As the ledger knows it.
    #[serde(flatten)]
    pub case: CaseView,
    /// The papers: the owner's own, or as the owner's node gave them to a department that signs off.
    pub papers: Vec<CaseMaterial>,
    /// Why there are no papers, when the owner's node did not give them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub papers_missing: Option<String>,
}

impl Node {
    /// The workflows of this department.
    pub fn workflows(&self) -> &[WorkflowFile] {
        &self.workflows
    }

    /// Opens a case: asks every department for its part through the granted interfaces, keeps the
    /// answers here, and puts their digests on the ledger.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for parameters, the query's error when a department refuses or is away.
    pub async fn start_case(&self, who: &Principal, start: StartCase) -> Result<OpenedCase, ServiceError> {
        let actor = self.authorise(who, |role| Facts::new(Action::OpenCase, role, Relation::Own))?;
        let workflow = self.workflows.iter().find(|workflow| workflow.name == start.workflow);
        let workflow = workflow.ok_or_else(|| ServiceError::missing(format_args!("workflow {}", start.workflow)))?;
        let steps = self.checked(workflow, &start.params)?;
        let id = self.next_id(who);
        let case = CaseId::from(id);
        let mut papers = Vec::with_capacity(workflow.pulls.len());
        for pull in workflow.pulls.iter().filter(|pull| pull.is_wanted(&start.params)) {
            papers.push(self.pull(&actor, workflow, pull, &start.params, case).await?);
        }
        self.judge(workflow, &start.params, &papers)?;
        let opening = CaseOpening {
            workflow: workflow.name.clone(),
            title: workflow.title.clone(),
            materials: papers.iter().map(material).collect(),
            steps,
        };
        let (local, now, params) = (self.local.clone(), self.clock.now(), start.params);
        blocking(move || local.keep_case(case, &params, &papers, now)).await?;
        let committed = self.write_as(id, actor, Command::OpenCase(opening)).await?;
        Ok(OpenedCase { case_id: case, committed })
    }

    async fn pull(
        &self,
        actor: &Actor,
        workflow: &WorkflowFile,
        pull: &Pull,
        params: &Map<String, Value>,
        case: CaseId,
    ) -> Result<CaseMaterial, ServiceError> {
        let call = QueryCall {
            actor: actor.clone(),
            entry: pull.entry.clone(),
            version: None,
            purpose: workflow.purpose.clone(),
            cause: workflow.cause.clone(),
            case_id: Some(case.to_string()),
            params: Value::Object(pull.params_of(params)),
            items: pull.items.clone(),
            cursor: None,
            access_id: None,
        };
        let answer = self.exchange.query(call).await?;
        if answer.rows.len() < usize::try_from(pull.rows_min).unwrap_or(usize::MAX) {
            let Text { zh, en } = &pull.title;
            let detail = format!("{zh} / {en}: {} found, {} needed", answer.rows.len(), pull.rows_min);
            return Err(ServiceError::conflict("case_material_missing", detail));
        }
        Ok(CaseMaterial {
            name: pull.name.clone(),
            title: pull.title.clone(),
            entry: pull.entry.clone(),
            access_id: answer.access_id,
            digest: answer.rows_digest,
            rows: Value::Array(answer.rows),
        })
    }

    /// Checks a filled-in form, and finds the department of each step.
    fn checked(&self, workflow: &WorkflowFile, form: &Map<String, Value>) -> Result<Vec<SignOffStep>, ServiceError> {
        let mut faults: Vec<Fault> = workflow.check_form(form).into_iter().map(in_params).collect();
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
                    faults.push(Fault::new(format!("/params/{field}"), "is not a department of the city"));
                }
            }
        }
        if faults.is_empty() { Ok(steps) } else { Err(ServiceError::Invalid(faults)) }
    }

    /// Fails with the rules that do not hold.
    fn judge(
        &self,
        workflow: &WorkflowFile,
        form: &Map<String, Value>,
        papers: &[CaseMaterial],
    ) -> Result<(), ServiceError> {
        let rows =
            |pull: &Pull| papers.iter().find(|paper| paper.name == pull.name)?.rows.as_array().map(Vec::as_slice);
        let pulls = workflow.pulls.iter().map(|pull| (pull.name.clone(), rows(pull))).collect::<BTreeMap<_, _>>();
        let today = self.clock.now().date();
        let results = Ground { form, pulls: &pulls, today: &today }.judge(&workflow.rules);
        let broken =
            |rule: &&crate::domain::case_rules::Rule| results.iter().any(|one| one.rule == rule.name && !one.held);
        let titles: Vec<String> =
            workflow.rules.iter().filter(broken).map(|rule| format!("{} / {}", rule.title.zh, rule.title.en)).collect();
        if titles.is_empty() { Ok(()) } else { Err(ServiceError::conflict("case_data_disagree", titles.join("; "))) }
    }

    /// Cases of the city, newest first.
    ///
    /// # Errors
    /// A cursor of another listing.
    pub async fn cases(&self, filter: CaseFilter) -> Result<Page<CaseView>, ServiceError> {
        let model = self.model.clone();
        blocking(move || model.cases(&filter)).await
    }

    /// One case; with its papers for its owner, and for a department that signs off (the owner's node
    /// records that it looked).
    ///
    /// # Errors
    /// The policy's refusal, [`ServiceError::NotFound`].
    pub async fn case(&self, who: &Principal, id: CaseId) -> Result<CaseDetail, ServiceError> {
        let model = self.model.clone();
        let case = blocking(move || model.case(id)).await?;
        let case = case.ok_or_else(|| ServiceError::missing(format_args!("case {id}")))?;
        let involved = case.steps.iter().any(|step| step.department == self.department);
        let relation = if case.owner == self.department || involved { Relation::Own } else { Relation::Foreign };
        // Everybody sees how a case stands; its papers are for those who handle it.
        let Ok(actor) = self.authorise(who, |role| Facts::new(Action::ReadCase, role, relation)) else {
            return Ok(CaseDetail { case, papers: Vec::new(), papers_missing: None });
        };
        let (papers, papers_missing) = if case.owner == self.department {
            let local = self.local.clone();
            (blocking(move || local.case_materials(id)).await?, None)
        } else {
            match self.papers_of_owner(actor, &case).await {
                Ok(papers) => (papers, None),
                Err(error) => (Vec::new(), Some(error.to_string())),
            }
        };
        Ok(CaseDetail { case, papers, papers_missing })
    }

    async fn papers_of_owner(&self, actor: Actor, case: &CaseView) -> Result<Vec<CaseMaterial>, ServiceError> {
        let answer = self.exchange.case_materials(actor, case.id, &case.title.zh).await?;
        let papers = answer.rows.into_iter().next().unwrap_or_default();
        serde_json::from_value(papers).map_err(|e| ServiceError::Internal(format!("papers of case {}: {e}", case.id)))
    }

    /// Gives this department's word on its step. Reviewers may.
    ///
    /// # Errors
    /// The policy's or the ledger's refusal.
    pub async fn sign_off(
        &self,
        who: &Principal,
        id: CaseId,
        step: Slug,
        word: SignOffWord,
    ) -> Result<Committed, ServiceError> {
        let relation = self.relation_to_step(id, &step)?;
        let actor = self.authorise(who, |role| Facts::new(Action::SignOffCase, role, relation))?;
        let SignOffWord { agreed, note } = word;
        self.write(who, actor, Command::SignOffCase(SignOff { case: id, step, agreed, note })).await
    }

    fn relation_to_step(&self, id: CaseId, step: &Slug) -> Result<Relation, ServiceError> {
        let state = self.chain.state();
        let case = state.case(id).ok_or_else(|| ServiceError::missing(format_args!("case {id}")))?;
        let step = case.opening.steps.iter().find(|known| &known.step == step);
        let step = step.ok_or_else(|| ServiceError::missing(format_args!("this step of case {id}")))?;
        Ok(if step.department == self.department { Relation::Own } else { Relation::Foreign })
    }
}

/// What the ledger learns of a paper: where it came from, and its digest.
fn material(paper: &CaseMaterial) -> Material {
    Material { entry: paper.entry.clone(), access_id: paper.access_id, digest: paper.digest }
}

/// A fault of the form, in the place where a call has it.
fn in_params(fault: Fault) -> Fault {
    Fault::new(format!("/params{}", fault.pointer), fault.message)
}
