//! Cases that several departments handle: the list, the start, one case.
#![expect(missing_docs, reason = "a field of a view is named after its place on the page")]

use askama::Template;

use super::{Choice, Faults, Page};
use crate::web::portal::words::Words;

/// `GET /cases`.
#[derive(Template)]
#[template(path = "cases.html")]
pub struct Cases {
    pub page: Page,
    pub t: Words,
    pub rows: Vec<CaseRow>,
    /// Workflows this department can start: value is the name.
    pub workflows: Vec<Choice>,
    pub first_href: Option<String>,
    pub next_href: Option<String>,
}

/// A case in the list.
#[derive(Clone, Debug, Default)]
pub struct CaseRow {
    pub id: String,
    pub title: String,
    pub owner: String,
    pub opened_at: String,
    pub state: String,
    /// Given of asked sign-offs, `1 / 2`.
    pub sign_offs: String,
    /// This department has to sign.
    pub waits_for_us: bool,
}

/// `GET /cases/new?workflow=real-estate-transfer`.
#[derive(Template)]
#[template(path = "case_start.html")]
pub struct CaseStart {
    pub page: Page,
    pub t: Words,
    pub workflow: String,
    pub workflow_title: String,
    pub summary: String,
    /// Sent as `param-{name}`.
    pub fields: Vec<CaseField>,
    /// What will be pulled: value is the entry, label its title, chosen whether a grant stands.
    pub sources: Vec<Choice>,
    /// Departments that will sign off.
    pub signers: Vec<String>,
    pub faults: Faults,
}

/// A field of a workflow's form.
#[derive(Clone, Debug, Default)]
pub struct CaseField {
    pub name: String,
    pub label: String,
    pub hint: String,
    pub value: String,
    pub required: bool,
    /// `text`, `number`, `date`, `area` or `select`.
    pub kind: &'static str,
    /// For `select`.
    pub options: Vec<Choice>,
}

/// `GET /cases/{id}`.
#[derive(Template)]
#[template(path = "case.html")]
pub struct CasePage {
    pub page: Page,
    pub t: Words,
    pub id: String,
    pub title: String,
    pub workflow_title: String,
    pub owner: String,
    pub opened_by: String,
    pub opened_at: String,
    pub state: String,
    pub progress: Vec<Mark>,
    /// Why the papers cannot be shown, when they should be.
    pub papers_missing: String,
    pub materials: Vec<MaterialView>,
    pub steps: Vec<StepView>,
    pub certificate: Option<String>,
    pub may_issue: bool,
    pub faults: Faults,
}

/// A point of the progress picture.
#[derive(Clone, Debug, Default)]
pub struct Mark {
    pub label: String,
    /// `done`, `current`, `waiting` or `failed`.
    pub state: &'static str,
    pub detail: String,
}

/// Data pulled for the case.
#[derive(Clone, Debug, Default)]
pub struct MaterialView {
    pub entry: String,
    pub title: String,
    pub provider: String,
    pub access_id: String,
    pub digest: String,
    /// Whether the rows can be shown: to the owner and to those who sign off; others see the digest only.
    pub held: bool,
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// A department's part.
#[derive(Clone, Debug, Default)]
pub struct StepView {
    pub step: String,
    pub title: String,
    pub department: String,
    /// `waiting`, `agreed` or `disagreed`.
    pub state: String,
    pub by: String,
    pub at: String,
    pub note: String,
    /// Index of its transaction, when signed.
    pub index: Option<u64>,
    pub may_sign: bool,
}
