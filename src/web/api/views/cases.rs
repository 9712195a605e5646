//! Answers about cases and workflows.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::crypto::digest::Hash;
use crate::domain::case::{CaseState, Fact, Material, RuleResult, StepKind};
use crate::domain::department_files::workflow::FormField;
use crate::domain::{Actor, Role, Text};
use crate::ids::{AccessId, CaseId, DepartmentId, EntryName, ItemName, Slug, TxId};
use crate::readmodel;
use crate::readmodel::cases as rows;
use crate::readmodel::local::cases::CaseMaterial;
use crate::service;
use crate::service::workflows::WorkflowStanding;

use super::{List, Maybe, Time, answer};

answer! {
    /// Data on which a case rests.
    MaterialAnswer from Material {
        /// Where it came from.
        entry: EntryName,
        /// The access that fetched it.
        access_id: AccessId,
        /// SM3 of the rows.
        digest: Hash,
    }
}

answer! {
    /// What a step recorded; its content stays at the node of its department.
    FactAnswer from Fact {
        /// What it is.
        kind: StepKind,
        /// SM3 of a salt and of its content.
        digest: Hash,
    }
}

answer! {
    /// A pull of a case, as the ledger knows it.
    CasePull from rows::CasePullView {
        /// Its name in the workflow.
        pull: Slug,
        /// What came; null while it is missing.
        #[schema(value_type = Option<MaterialAnswer>)]
        material: Maybe<MaterialAnswer>,
        /// When.
        #[schema(value_type = Option<Time>)]
        at: Maybe<Time>,
        /// Index of the transaction.
        ledger_index: Option<u64>,
    }
}

answer! {
    /// What a rule said.
    CaseRule from RuleResult {
        /// The rule.
        rule: Slug,
        /// Whether it held.
        held: bool,
    }
}

answer! {
    /// What the rules said of what was pulled.
    CaseCheck from rows::CaseCheckView {
        /// Each rule that applied.
        #[schema(value_type = Vec<CaseRule>)]
        results: List<CaseRule>,
        /// Block time.
        at: Time,
        /// Index of the transaction.
        ledger_index: u64,
    }
}

answer! {
    /// One thing that happened in a case.
    CaseEvent from rows::CaseEventView {
        /// The transaction's kind, such as `case.return`.
        kind: String,
        /// The department.
        department: DepartmentId,
        /// The person.
        by: Actor,
        /// Block time.
        at: Time,
        /// The transaction.
        transaction_id: TxId,
        /// Its index in the ledger.
        ledger_index: u64,
        /// The pull, step or certificate that it is about; `form` when that was corrected.
        about: Option<String>,
        /// Reason or note.
        text: Option<String>,
    }
}

answer! {
    /// A department's word on its step.
    CaseWord from rows::CaseWordView {
        /// Whether it agrees.
        agreed: bool,
        /// Its note.
        note: String,
        /// What was recorded, for a step that is done so.
        #[schema(value_type = Option<FactAnswer>)]
        fact: Maybe<FactAnswer>,
        /// The person.
        by: Actor,
        /// Block time.
        at: Time,
        /// Index of the transaction.
        ledger_index: u64,
    }
}

answer! {
    /// One department's part in a case.
    CaseStep from rows::CaseStepView {
        /// Name of the step.
        step: Slug,
        /// Who signs it off.
        department: DepartmentId,
        /// What is to be checked.
        title: Text,
        /// How it is done.
        kind: StepKind,
        /// Who of the department may; null for a reviewer.
        role: Option<Role>,
        /// The one person who may.
        user: Option<String>,
        /// Steps that must be agreed before.
        after: Vec<Slug>,
        /// Working days from when its turn came.
        days: Option<u8>,
        /// When its turn came; null while it waits for another.
        #[schema(value_type = Option<Time>)]
        since: Maybe<Time>,
        /// Why its department gave the case back, until it is brought again.
        returned: Option<String>,
        /// The department's word; null while it waits.
        #[schema(value_type = Option<CaseWord>)]
        word: Maybe<CaseWord>,
    }
}

answer! {
    /// A case.
    CaseAnswer from rows::CaseView {
        /// Id of the opening transaction.
        id: CaseId,
        /// Where it stands.
        state: CaseState,
        /// Who handles it.
        owner: DepartmentId,
        /// Who opened it.
        opened_by: Actor,
        /// Block time.
        opened_at: Time,
        /// Index of the opening.
        ledger_index: u64,
        /// Name of the workflow.
        workflow: Slug,
        /// Its version; null before edition 4.
        version: Option<u32>,
        /// Title for people.
        title: Text,
        /// Data on which it rests.
        #[schema(value_type = Vec<MaterialAnswer>)]
        materials: List<MaterialAnswer>,
        /// What is to be pulled, and when it was.
        #[schema(value_type = Vec<CasePull>)]
        pulls: List<CasePull>,
        /// What the rules said last.
        #[schema(value_type = Option<CaseCheck>)]
        check: Maybe<CaseCheck>,
        /// Who must sign off, and what they said.
        #[schema(value_type = Vec<CaseStep>)]
        steps: List<CaseStep>,
        /// Working days for all of it.
        days: Option<u8>,
        /// Whether a certificate ends it.
        ends_in_certificate: bool,
        /// The certificate that ended it.
        certificate: Option<String>,
        /// When it ended.
        #[schema(value_type = Option<Time>)]
        ended_at: Maybe<Time>,
        /// SM3 of what the applicant was told.
        notice_digest: Option<Hash>,
    }
}

answer! {
    /// One answer that a case rests on, with its rows.
    Paper from CaseMaterial {
        /// Its name in the workflow.
        name: Slug,
        /// What it is.
        title: Text,
        /// Where it came from.
        entry: EntryName,
        /// The access that fetched it.
        access_id: AccessId,
        /// SM3 of the rows as their provider wrote them.
        digest: Hash,
        /// The rows, as the grant gives them.
        #[schema(value_type = Vec<Object>)]
        rows: Value,
    }
}

answer! {
    /// What a step recorded, as a party may see it.
    PartyFact from service::cases::PartyFacts {
        /// The step.
        step: Slug,
        /// Who recorded it.
        department: DepartmentId,
        /// What it says; null when it could not be had.
        #[schema(value_type = Option<Object>)]
        content: Option<Value>,
        /// Whether its digest is the one on the ledger.
        fits: bool,
        /// Why it could not be had.
        missing: Option<String>,
    }
}

/// Why a pull brought nothing.
#[derive(Debug, Serialize, ToSchema)]
pub struct PullProblem {
    /// Its name in the workflow.
    pub pull: Slug,
    /// Stable code, such as `no_grant`, `provider_unreachable`, `rows_missing`.
    pub code: String,
    /// For people.
    pub text: Text,
}

/// Problems in the API's form.
pub fn problems(found: Vec<(Slug, readmodel::local::PullProblem)>) -> Vec<PullProblem> {
    found.into_iter().map(|(pull, problem)| PullProblem { pull, code: problem.code, text: problem.text }).collect()
}

/// A rule of the workflow, and whether it holds.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaseRuleAnswer {
    /// Its name.
    pub rule: Slug,
    /// What must hold.
    pub title: Text,
    /// Whether it does; null while it was not looked at, or does not apply.
    pub held: Option<bool>,
}

/// When a case is due, by this department's calendar.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaseTiming {
    /// The whole case.
    pub due: Option<Time>,
    /// Whether that has passed.
    pub overdue: bool,
    /// Steps that are late.
    pub late_steps: Vec<Slug>,
}

/// A case with what this department may see of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaseDetail {
    /// As the ledger knows it.
    #[serde(flatten)]
    pub case: CaseAnswer,
    /// What happened, oldest first.
    #[schema(value_type = Vec<CaseEvent>)]
    pub events: List<CaseEvent>,
    /// When it is due.
    pub timing: CaseTiming,
    /// Pulls that brought nothing, at the owner.
    pub problems: Vec<PullProblem>,
    /// What must hold of what is pulled.
    pub rules: Vec<CaseRuleAnswer>,
    /// What the clerk filled in, for the parties.
    #[schema(value_type = Option<Object>)]
    pub form: Option<Map<String, Value>>,
    /// What stood there before it was corrected last.
    #[schema(value_type = Option<Object>)]
    pub former: Option<Map<String, Value>>,
    /// The papers, for the case's owner and the departments that sign it off.
    #[schema(value_type = Vec<Paper>)]
    pub papers: List<Paper>,
    /// Why there are no papers, when the owner's node did not give them.
    pub papers_missing: Option<String>,
    /// Payments, documents and answers, for the parties.
    #[schema(value_type = Vec<PartyFact>)]
    pub facts: List<PartyFact>,
    /// What the applicant is told, at the owner.
    pub notice: Option<Text>,
    /// The number on the applicant's slip, at the owner.
    pub number: Option<String>,
}

/// What an applicant takes home.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaseSlip {
    /// The number of the case at this department.
    pub number: String,
    /// The code that shows how the case stands, together with the number.
    pub code: String,
    /// Where that is asked for.
    pub url: String,
}

impl From<service::cases::CaseDetail> for CaseDetail {
    fn from(detail: service::cases::CaseDetail) -> Self {
        let found = detail.pulls.into_iter().filter_map(|pull| Some((pull.pull, pull.problem?))).collect();
        let rule =
            |one: service::cases::RuleStanding| CaseRuleAnswer { rule: one.rule, title: one.title, held: one.held };
        Self {
            case: detail.case.into(),
            events: detail.events.into(),
            timing: CaseTiming {
                due: detail.timing.due.map(Time::from),
                overdue: detail.timing.overdue,
                late_steps: detail.timing.late,
            },
            problems: problems(found),
            rules: detail.rules.into_iter().map(rule).collect(),
            form: detail.form,
            former: detail.former,
            papers: detail.papers.into(),
            papers_missing: detail.papers_missing,
            facts: detail.facts.into(),
            notice: detail.notice,
            number: detail.number,
        }
    }
}

/// How far a case got.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaseProgress {
    /// The case.
    pub id: CaseId,
    /// The case, under the name that queries use.
    pub case_id: CaseId,
    /// Where it stands.
    pub state: CaseState,
    /// Pulls that brought nothing.
    pub problems: Vec<PullProblem>,
    /// Index of the ledger that this answer reflects.
    pub ledger_index: u64,
}

/// A version of a workflow that came into force.
#[derive(Debug, Serialize, ToSchema)]
pub struct PublishedWorkflow {
    /// Its name.
    pub name: Slug,
    /// Its version.
    pub version: u32,
    /// The transaction.
    pub transaction_id: TxId,
    /// Its index in the ledger.
    pub ledger_index: u64,
}

/// An opened case.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenedCase {
    /// The case.
    pub id: CaseId,
    /// The case, under the name that queries use.
    pub case_id: CaseId,
    /// Where it stands: `waiting` when something could not be pulled or does not agree.
    pub state: CaseState,
    /// Pulls that brought nothing.
    pub problems: Vec<PullProblem>,
    /// The transaction that opened it.
    pub transaction_id: TxId,
    /// Its index in the ledger.
    pub ledger_index: u64,
}

/// A case that was brought again.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResubmittedCase {
    /// Where it stands: `waiting` when something could not be pulled or does not agree.
    pub state: CaseState,
    /// Pulls that brought nothing.
    pub problems: Vec<PullProblem>,
    /// The transaction that brought it.
    pub transaction_id: TxId,
    /// Its index in the ledger.
    pub ledger_index: u64,
}

/// A workflow of this department.
#[derive(Debug, Serialize, ToSchema)]
pub struct Workflow {
    /// Its name.
    pub name: Slug,
    /// Its title.
    pub title: Text,
    /// What it does.
    pub summary: Text,
    /// Purpose of its queries.
    pub purpose: String,
    /// The version in force; null while none is published. `params` and all that follows are that version's.
    pub version: Option<u32>,
    /// Whether the file says something else than the version in force.
    pub file_differs: bool,
    /// What the clerk fills in, in the order of the page.
    pub params: Vec<WorkflowParam>,
    /// The same as JSON Schema 2020-12: `params` of a new case must fit it.
    #[schema(value_type = Object)]
    pub form: Value,
    /// Entries that it asks for.
    pub entries: Vec<EntryName>,
    /// Departments that sign off, by step.
    pub steps: Vec<WorkflowStep>,
}

/// A field of a case's form.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkflowParam {
    /// Its name.
    pub name: ItemName,
    /// Its label.
    pub title: Text,
    /// Its format, such as `id_number`; its type, where it has none.
    pub format: String,
    /// Whether it must be filled in.
    pub required: bool,
}

/// A step of a workflow.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkflowStep {
    /// Its name.
    pub step: Slug,
    /// Who signs it off; null when the form says it.
    pub department: Option<DepartmentId>,
    /// What is to be checked.
    pub title: Text,
}

impl Workflow {
    /// A workflow as it stands.
    pub fn of(standing: WorkflowStanding) -> Option<Self> {
        let file = standing.workflow()?.clone();
        let (version, file_differs) = (standing.in_force.map(|one| one.version), standing.differs);
        let param = |field: FormField| WorkflowParam {
            name: field.name,
            title: field.title,
            format: field.format.unwrap_or_else(|| field.kind.as_str().to_owned()),
            required: field.required,
        };
        let params = file.fields().into_iter().map(param).collect();
        let steps = file.sign_offs.into_iter();
        Some(Self {
            version,
            file_differs,
            name: file.name,
            title: file.title,
            summary: file.summary,
            purpose: file.purpose,
            params,
            form: file.form,
            entries: file.pulls.into_iter().map(|pull| pull.entry).collect(),
            steps: steps.map(|s| WorkflowStep { step: s.step, department: s.department, title: s.title }).collect(),
        })
    }
}
