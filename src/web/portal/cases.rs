//! Cases of several departments: the list, and opening one.

use actix_web::http::StatusCode;

use crate::domain::Role;
use crate::domain::case::CaseState;
use crate::domain::catalog::Sharing;
use crate::domain::department_files::workflow::{FormField, Pull, Step, WorkflowFile};
use crate::domain::grant::GrantState;
use crate::ids::EntryName;
use crate::readmodel::PageRequest;
use crate::readmodel::cases::{CaseFilter, CaseView};
use crate::service::ServiceError;
use crate::service::cases::StartCase;
use crate::web::problem::Problem;

use super::case_form;
use super::desk::{Desk, Visitor};
use super::form::{Fields, Posted};
use super::listing::{cursor, pager};
use super::render::{Answer, FAULTY};
use super::views::cases::{CaseRow, CaseStart, Cases};
use super::views::{Choice, Fault, Faults};

const PAGE_SIZE: u32 = 30;
/// Where the form shows what will be pulled.
const SOURCES: &str = "sources";

/// Cases that the department handles or signs off.
pub async fn list(visitor: Visitor) -> Answer {
    let query = &visitor.query;
    let filter = CaseFilter {
        involved: Some(visitor.node.department.clone()),
        page: PageRequest { cursor: cursor(query), size: Some(PAGE_SIZE) },
        ..CaseFilter::default()
    };
    let page = visitor.node.cases(filter).await?;
    let (first_href, next_href) = pager("/cases", query, &[], page.next_cursor.as_deref());
    let opens = visitor.is(Role::Clerk) || visitor.is(Role::Reviewer);
    let workflow = |workflow: &WorkflowFile| Choice {
        value: workflow.name.to_string(),
        label: visitor.t.pick(&workflow.title).to_owned(),
        chosen: false,
    };
    let view = Cases {
        page: visitor.page(),
        t: visitor.t,
        rows: page.items.iter().map(|case| row(&visitor, case)).collect(),
        workflows: visitor.node.workflows().iter().filter(|_| opens).map(workflow).collect(),
        first_href,
        next_href,
    };
    visitor.show(&view)
}

fn row(desk: &Desk, case: &CaseView) -> CaseRow {
    let given = case.steps.iter().filter(|step| step.word.is_some()).count();
    let waits = case.steps.iter().any(|step| desk.is_own(&step.department) && step.word.is_none());
    CaseRow {
        id: case.id.to_string(),
        title: desk.t.pick(&case.title).to_owned(),
        owner: desk.department(&case.owner),
        opened_at: case.opened_at.local_text(),
        state: case.state.as_str().to_owned(),
        sign_offs: format!("{given} / {}", case.steps.len()),
        waits_for_us: waits && case.state == CaseState::InProgress,
    }
}

/// The form of a workflow.
pub async fn new(visitor: Visitor) -> Answer {
    let workflow = wanted(&visitor, visitor.query.get("workflow"))?;
    form(&visitor, StatusCode::OK, workflow, &Fields::default(), Faults::default())
}

fn wanted<'a>(desk: &'a Desk, name: &str) -> Result<&'a WorkflowFile, Problem> {
    let found = desk.node.workflows().iter().find(|workflow| workflow.name.as_str() == name);
    found.ok_or_else(|| Problem::new("not_found"))
}

fn form(desk: &Desk, status: StatusCode, workflow: &WorkflowFile, sent: &Fields, faults: Faults) -> Answer {
    let signer = |step: &Step| match &step.department {
        Some(department) => desk.department(department),
        None => desk.t.say("case-signer-chosen"),
    };
    let view = CaseStart {
        page: desk.page_at(&format!("/cases/new?workflow={}", workflow.name)),
        t: desk.t,
        workflow: workflow.name.to_string(),
        workflow_title: desk.t.pick(&workflow.title).to_owned(),
        summary: desk.t.pick(&workflow.summary).to_owned(),
        fields: workflow.fields().iter().map(|field| case_form::shown(desk, field, sent)).collect(),
        sources: sources(desk, workflow),
        signers: workflow.sign_offs.iter().map(signer).collect(),
        faults,
    };
    desk.show_as(status, &view)
}

/// What will be pulled, each with whether it can be.
fn sources(desk: &Desk, workflow: &WorkflowFile) -> Vec<Choice> {
    let source = |pull: &Pull| Choice {
        value: pull.entry.to_string(),
        label: desk.t.pick(&pull.title).to_owned(),
        chosen: can_pull(desk, &pull.entry, &workflow.purpose),
    };
    workflow.pulls.iter().map(source).collect()
}

fn can_pull(desk: &Desk, entry: &EntryName, purpose: &str) -> bool {
    let now = desk.node.clock.now();
    let state = desk.node.chain.state();
    let Some(history) = state.entry(entry) else { return false };
    let free = history.current().entry.sharing == Sharing::Unconditional || desk.is_own(&entry.provider);
    free || state
        .grants_of(&desk.node.department, entry)
        .any(|grant| grant.state(now) == GrantState::Active && grant.request.purpose == purpose)
}

/// Opens a case and pulls its data.
pub async fn open(Posted { visitor, form: sent }: Posted) -> Answer {
    let workflow = wanted(&visitor, sent.get("workflow"))?;
    let fields = workflow.fields();
    let mut faults = Faults::default();
    for source in sources(&visitor, workflow).iter().filter(|source| !source.chosen) {
        faults.add_named(visitor.t, SOURCES, &source.label, "need_grant");
    }
    case_form::missing(&visitor, &fields, &sent, &mut faults);
    if faults.is_empty() {
        let start = StartCase { workflow: workflow.name.clone(), params: case_form::values(&fields, &sent) };
        match visitor.node.start_case(&visitor.who, start).await {
            Ok(opened) => {
                let id = opened.committed.transaction_id;
                return visitor.done(&format!("/cases/{}", opened.case_id), "case_opened", Some(id));
            }
            Err(error) => explain(&visitor, &fields, error, &mut faults)?,
        }
    }
    form(&visitor, FAULTY, workflow, &sent, faults)
}

/// Faults that the clerk can mend in the form; anything else is a problem.
fn explain(desk: &Desk, fields: &[FormField], error: ServiceError, faults: &mut Faults) -> Result<(), Problem> {
    match error {
        ServiceError::Invalid(found) => {
            case_form::wrong(desk, fields, &found, faults);
            Ok(())
        }
        ServiceError::Conflict { code: code @ ("case_material_missing" | "case_data_disagree"), detail } => {
            let message = format!("{}{}{detail}", desk.t.word("problem", code), desk.t.say("colon"));
            faults.0.push(Fault { field: SOURCES.to_owned(), message });
            Ok(())
        }
        other => Err(other.into()),
    }
}
