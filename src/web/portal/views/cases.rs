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
    /// Workflows of this department, to filter by.
    pub every_workflow: Vec<Choice>,
    /// `involved`, `waiting`, `owned` or `all`.
    pub which: String,
    pub state: String,
    pub late: bool,
    /// A number that was asked for and that no case has.
    pub number: String,
    pub first_href: Option<String>,
    pub next_href: Option<String>,
}

/// A case in the list.
#[derive(Clone, Debug, Default)]
pub struct CaseRow {
    pub id: String,
    pub title: String,
    /// On the applicant's slip; empty where another department handles the case.
    pub number: String,
    pub owner: String,
    pub opened_by: String,
    pub opened_at: String,
    pub state: String,
    /// Given of asked sign-offs, `1 / 2`.
    pub sign_offs: String,
    /// This department has to sign.
    pub waits_for_us: bool,
    /// Last day of the whole; empty without a deadline.
    pub due: String,
    pub late: bool,
}

/// `GET /workflows`.
#[derive(Template)]
#[template(path = "workflows.html")]
pub struct Workflows {
    pub page: Page,
    pub t: Words,
    pub rows: Vec<WorkflowRow>,
    pub may_publish: bool,
}

/// A workflow in the list.
#[derive(Clone, Debug, Default)]
pub struct WorkflowRow {
    pub name: String,
    pub title: String,
    /// In force; none while none is published.
    pub version: Option<u32>,
    pub by: String,
    pub at: String,
    /// The file says something else.
    pub differs: bool,
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
    /// Required of who agrees.
    pub if_agreed: bool,
    /// `text`, `number`, `date`, `area` or `select`.
    pub kind: &'static str,
    /// For `select`.
    pub options: Vec<Choice>,
}

impl CaseField {
    /// What is said of a field that the browser does not ask for.
    pub fn aside(&self) -> &'static str {
        if self.if_agreed { "case-fact-needed" } else { "optional" }
    }
}

/// `GET /cases/{id}`.
#[derive(Template)]
#[template(path = "case.html")]
pub struct CasePage {
    pub page: Page,
    pub t: Words,
    pub id: String,
    /// On the applicant's slip; empty elsewhere than at the owner.
    pub number: String,
    pub title: String,
    pub workflow_title: String,
    pub version: Option<u32>,
    pub owner: String,
    pub opened_by: String,
    pub opened_at: String,
    pub state: String,
    /// From its opening to its end, or until now.
    pub took: String,
    /// Last day of the whole; empty without a deadline.
    pub due: String,
    pub late: bool,
    pub progress: Vec<Mark>,
    /// What the clerk filled in.
    pub form: Vec<FormRow>,
    /// To correct it; empty where that cannot be.
    pub fields: Vec<CaseField>,
    /// Why the papers cannot be shown, when they should be.
    pub papers_missing: String,
    /// Pulls that brought nothing.
    pub problems: Vec<ProblemView>,
    pub materials: Vec<MaterialView>,
    pub rules: Vec<RuleView>,
    pub steps: Vec<StepView>,
    /// To give a step to.
    pub departments: Vec<Choice>,
    pub ends_in_certificate: bool,
    pub certificate: Option<String>,
    /// What the applicant is told.
    pub notice: String,
    pub notice_digest: String,
    pub events: Vec<EventView>,
    pub may_retry: bool,
    pub may_resubmit: bool,
    /// What was written about a correction that was not taken.
    pub note: String,
    pub may_issue: bool,
    pub may_complete: bool,
    pub may_withdraw: bool,
    pub faults: Faults,
}

/// What the clerk filled in.
#[derive(Clone, Debug, Default)]
pub struct FormRow {
    pub label: String,
    pub value: String,
    /// What stood there before it was corrected.
    pub was: Option<String>,
}

/// A point of the progress picture.
#[derive(Clone, Debug, Default)]
pub struct Mark {
    pub label: String,
    /// `done`, `current`, `waiting` or `failed`.
    pub state: &'static str,
    pub detail: String,
}

/// A pull that brought nothing.
#[derive(Clone, Debug, Default)]
pub struct ProblemView {
    pub pull: String,
    pub title: String,
    pub provider: String,
    pub code: String,
    pub reason: String,
    /// The form to ask for the grant that is missing.
    pub grant_href: String,
}

/// Data pulled for the case.
#[derive(Clone, Debug, Default)]
pub struct MaterialView {
    pub entry: String,
    pub title: String,
    pub provider: String,
    pub access_id: String,
    pub digest: String,
    /// From the opening until it was there.
    pub took: String,
    /// Whether the rows can be shown: to the owner and to those who sign off; others see the digest only.
    pub held: bool,
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// A rule on what was pulled.
#[derive(Clone, Debug, Default)]
pub struct RuleView {
    pub title: String,
    /// `held`, `broken` or `open`.
    pub state: &'static str,
}

/// A department's part.
#[derive(Clone, Debug, Default)]
pub struct StepView {
    pub step: String,
    pub title: String,
    pub department: String,
    /// `sign_off`, `payment`, `document` or `answer`.
    pub kind: &'static str,
    /// `waiting`, `later`, `returned`, `agreed` or `disagreed`.
    pub state: &'static str,
    /// The one person who may.
    pub user: String,
    /// Titles of the steps before it.
    pub after: String,
    pub by: String,
    pub at: String,
    /// From its turn to its word.
    pub took: String,
    /// Last day; empty without a deadline.
    pub due: String,
    pub late: bool,
    pub note: String,
    /// Index of its transaction, when signed.
    pub index: Option<u64>,
    /// What was recorded: label and value.
    pub fact: Vec<(String, String)>,
    pub fact_digest: String,
    pub fact_fits: bool,
    /// Why it cannot be shown.
    pub fact_missing: String,
    /// To record it.
    pub fact_fields: Vec<CaseField>,
    /// What was chosen, `yes` or `no`, and noted in a form that had faults.
    pub agreed: String,
    pub said: String,
    pub may_sign: bool,
    /// To a person or another department.
    pub may_assign: bool,
    /// To another department.
    pub may_delegate: bool,
}

/// One thing that happened.
#[derive(Clone, Debug, Default)]
pub struct EventView {
    pub kind: String,
    pub about: String,
    pub text: String,
    pub department: String,
    pub by: String,
    pub at: String,
    /// Since the opening.
    pub took: String,
    pub index: u64,
}
