//! Answers about cases and workflows.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::crypto::digest::Hash;
use crate::domain::case::{CaseState, Material};
use crate::domain::department_files::workflow::{FormField, WorkflowFile};
use crate::domain::{Actor, Text};
use crate::ids::{AccessId, CaseId, DepartmentId, EntryName, ItemName, Slug, TxId};
use crate::readmodel::cases as rows;
use crate::readmodel::local::cases::CaseMaterial;
use crate::service;

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
    /// A department's word on its step.
    CaseWord from rows::CaseWordView {
        /// Whether it agrees.
        agreed: bool,
        /// Its note.
        note: String,
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
        /// Title for people.
        title: Text,
        /// Data on which it rests.
        #[schema(value_type = Vec<MaterialAnswer>)]
        materials: List<MaterialAnswer>,
        /// Who must sign off, and what they said.
        #[schema(value_type = Vec<CaseStep>)]
        steps: List<CaseStep>,
        /// The certificate that ended it.
        certificate: Option<String>,
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

/// A case with the papers that this department may see.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaseDetail {
    /// As the ledger knows it.
    #[serde(flatten)]
    pub case: CaseAnswer,
    /// The papers, for the case's owner and the departments that sign it off.
    #[schema(value_type = Vec<Paper>)]
    pub papers: List<Paper>,
    /// Why there are no papers, when the owner's node did not give them.
    pub papers_missing: Option<String>,
}

impl From<service::cases::CaseDetail> for CaseDetail {
    fn from(detail: service::cases::CaseDetail) -> Self {
        Self { case: detail.case.into(), papers: detail.papers.into(), papers_missing: detail.papers_missing }
    }
}

/// An opened case.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenedCase {
    /// The case.
    pub id: CaseId,
    /// The case, under the name that queries use.
    pub case_id: CaseId,
    /// Where it stands.
    pub state: CaseState,
    /// The transaction that opened it.
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

impl From<WorkflowFile> for Workflow {
    fn from(file: WorkflowFile) -> Self {
        let param = |field: FormField| WorkflowParam {
            name: field.name,
            title: field.title,
            format: field.format.unwrap_or_else(|| field.kind.as_str().to_owned()),
            required: field.required,
        };
        let params = file.fields().into_iter().map(param).collect();
        let steps = file.sign_offs.into_iter();
        Self {
            name: file.name,
            title: file.title,
            summary: file.summary,
            purpose: file.purpose,
            params,
            form: file.form,
            entries: file.pulls.into_iter().map(|pull| pull.entry).collect(),
            steps: steps.map(|s| WorkflowStep { step: s.step, department: s.department, title: s.title }).collect(),
        }
    }
}
