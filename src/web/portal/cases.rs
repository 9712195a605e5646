//! Cases of several departments: the list, and opening one.

use actix_web::http::StatusCode;

use crate::clock::Millis;
use crate::domain::Role;
use crate::domain::case::CaseState;
use crate::domain::catalog::Sharing;
use crate::domain::department_files::workflow::{Pull, Step, WorkflowFile};
use crate::domain::grant::GrantState;
use crate::ids::EntryName;
use crate::readmodel::PageRequest;
use crate::readmodel::cases::{CaseFilter, CaseView};
use crate::service::ServiceError;
use crate::service::cases::StartCase;
use crate::web::problem::Problem;

use super::case_form;
use super::codes;
use super::desk::{Desk, Visitor};
use super::form::{Fields, Posted};
use super::listing::{cursor, pager};
use super::render::{Answer, FAULTY};
use super::views::cases::{CaseRow, CaseStart, Cases};
use super::views::{Choice, Faults};

const PAGE_SIZE: u32 = 30;

/// Cases that the department handles or signs off, or as the filter says.
pub async fn list(visitor: Visitor) -> Answer {
    let query = &visitor.query;
    let number = query.get("number");
    if !number.is_empty() {
        match visitor.node.case_of_number(&visitor.who, number).await {
            Ok(id) => return Ok(visitor.go(&format!("/cases/{id}"))),
            Err(ServiceError::NotFound(_) | ServiceError::Refused(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let own = Some(visitor.node.department.clone());
    let (which, late) = (query.get("which"), query.get("late") == "yes");
    let (involved, owner, waiting_for) = match which {
        "all" => (None, None, None),
        "owned" => (None, own, None),
        "waiting" => (None, None, own),
        _ => (own, None, None),
    };
    let filter = CaseFilter {
        involved,
        owner,
        waiting_for,
        state: codes::value(query.get("state")),
        workflow: query.get("workflow").parse().ok(),
        overdue: if late { Some(visitor.node.case_terms().await?) } else { None },
        page: PageRequest { cursor: cursor(query), size: Some(PAGE_SIZE) },
    };
    let page = visitor.node.cases(filter).await?;
    let numbers = visitor.node.case_numbers(page.items.iter().map(|case| case.id).collect()).await?;
    let fields = ["which", "state", "workflow", "late"];
    let (first_href, next_href) = pager("/cases", query, &fields, page.next_cursor.as_deref());
    let opens = visitor.is(Role::Clerk) || visitor.is(Role::Reviewer);
    let standings = visitor.node.workflow_standings()?;
    let choice = |workflow: &WorkflowFile| Choice {
        value: workflow.name.to_string(),
        label: visitor.t.pick(&workflow.title).to_owned(),
        chosen: workflow.name.as_str() == query.get("workflow"),
    };
    let in_force = standings.iter().filter(|_| opens).filter_map(|one| one.in_force.as_ref());
    let view = Cases {
        page: visitor.page(),
        t: visitor.t,
        rows: page.items.iter().map(|case| row(&visitor, case, numbers.get(&case.id))).collect(),
        workflows: in_force.map(|one| choice(&one.workflow)).collect(),
        every_workflow: standings.iter().filter_map(|one| one.workflow()).map(choice).collect(),
        which: which.to_owned(),
        state: query.get("state").to_owned(),
        late,
        number: number.to_owned(),
        first_href,
        next_href,
    };
    visitor.show(&view)
}

fn row(desk: &Desk, case: &CaseView, number: Option<&String>) -> CaseRow {
    let given = case.steps.iter().filter(|step| step.word.is_some()).count();
    let timing = desk.node.case_timing(case);
    CaseRow {
        id: case.id.to_string(),
        title: desk.t.pick(&case.title).to_owned(),
        number: number.cloned().unwrap_or_default(),
        owner: desk.department(&case.owner),
        opened_by: case.opened_by.user.clone(),
        opened_at: case.opened_at.local_text(),
        state: case.state.as_str().to_owned(),
        sign_offs: format!("{given} / {}", case.steps.len()),
        waits_for_us: case.steps.iter().any(|step| desk.is_own(&step.department) && case.is_due(step)),
        due: timing.due.map(Millis::date).unwrap_or_default(),
        late: timing.overdue || !timing.late.is_empty(),
    }
}

/// The form of a workflow.
pub async fn new(visitor: Visitor) -> Answer {
    let workflow = wanted(&visitor, visitor.query.get("workflow"))?;
    form(&visitor, StatusCode::OK, &workflow, &Fields::default(), Faults::default())
}

fn wanted(desk: &Desk, name: &str) -> Result<WorkflowFile, Problem> {
    let name = name.parse().map_err(|_| Problem::new("not_found"))?;
    Ok(desk.node.workflow_in_force(&name)?.workflow)
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
        .any(|grant| grant.state(now) == GrantState::Active && &*grant.request.purpose == purpose)
}

/// Opens a case and pulls its data. What cannot be pulled now leaves it waiting.
pub async fn open(Posted { visitor, form: sent }: Posted) -> Answer {
    let workflow = wanted(&visitor, sent.get("workflow"))?;
    let fields = workflow.fields();
    let mut faults = Faults::default();
    case_form::missing(&visitor, &fields, &sent, &mut faults);
    if faults.is_empty() {
        let start = StartCase { workflow: workflow.name.clone(), params: case_form::values(&fields, &sent) };
        match visitor.node.start_case(&visitor.who, start).await {
            Ok(opened) => {
                let flash = if opened.progress.state == CaseState::Waiting { "case_waits" } else { "case_opened" };
                let id = opened.committed.transaction_id;
                return visitor.done(&format!("/cases/{}", opened.case_id), flash, Some(id));
            }
            Err(ServiceError::Invalid(found)) => case_form::wrong(visitor.t, &fields, &found, &mut faults),
            Err(other) => return Err(other.into()),
        }
    }
    form(&visitor, FAULTY, &workflow, &sent, faults)
}
