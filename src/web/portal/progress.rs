//! How a case stands, for its applicant: without account, by the number and the code of the slip; nothing personal.

use actix_web::http::StatusCode;

use crate::clock::Millis;
use crate::domain::case::{CaseState, StepKind};
use crate::readmodel::cases::{CaseStepView, CaseView};
use crate::service::ServiceError;
use crate::service::cases::PublicCase;
use crate::web::extract::Passed;
use crate::web::problem::Problem;

use super::cookies;
use super::desk::Desk;
use super::form::PostedByGuest;
use super::render::{Answer, FAULTY};
use super::views::Faults;
use super::views::progress::{Awaited, Progress, ProgressPage, ProgressRow};

/// The form.
pub async fn ask(_: Passed, desk: Desk) -> Answer {
    let number = desk.query.get("number").to_owned();
    show(&desk, StatusCode::OK, number, None, Faults::default())
}

/// The answer. The code comes by a form, so that it stands in no address and no log.
pub async fn answer(_: Passed, PostedByGuest { desk, form }: PostedByGuest) -> Answer {
    let number = form.get("number").to_owned();
    match desk.node.public_case(&number, form.get("code")).await {
        Ok(found) => show(&desk, StatusCode::OK, number, Some(progress(&desk, &found)), Faults::default()),
        Err(ServiceError::NotFound(_)) => {
            let mut faults = Faults::default();
            faults.add(desk.t, "code", "progress-code", "not_of_slip");
            show(&desk, FAULTY, number, None, faults)
        }
        Err(error) => Err(error.into()),
    }
}

fn show(desk: &Desk, status: StatusCode, number: String, found: Option<Progress>, faults: Faults) -> Answer {
    let mut page = desk.page_at("/progress");
    let fresh = if page.csrf.is_empty() { cookies::new_guest(desk.secure()) } else { None };
    if let Some((secret, _)) = &fresh {
        page.csrf.clone_from(secret);
    }
    let mut response = desk.show_as(status, &ProgressPage { page, t: desk.t, number, found, faults })?;
    if let Some((_, mut cookie)) = fresh {
        cookie.set_path("/progress");
        response.add_cookie(&cookie).map_err(Problem::internal)?;
    }
    Ok(response)
}

fn progress(desk: &Desk, found: &PublicCase) -> Progress {
    let PublicCase { number, case, timing, title } = found;
    let mut rows = vec![row("done", desk.t.say("progress-accepted"), desk.department(&case.owner), case.opened_at)];
    if case.version.is_some() && !case.pulls.is_empty() {
        let checked = case.check.as_ref().filter(|_| case.state != CaseState::Waiting);
        let label = desk.t.say("progress-data");
        rows.push(match checked {
            Some(check) => row("done", label, desk.department(&case.owner), check.at),
            None => {
                ProgressRow { state: "current", label, department: desk.department(&case.owner), at: String::new() }
            }
        });
    }
    rows.extend(case.steps.iter().map(|step| step_row(desk, case, step)));
    if let Some(ended) = case.ended_at {
        let state = if case.state == CaseState::Completed { "done" } else { "failed" };
        let label = desk.t.word("case", case.state.as_str());
        rows.push(row(state, label, desk.department(&case.owner), ended));
    }
    Progress {
        number: number.clone(),
        matter: desk.t.pick(title).to_owned(),
        department: desk.department(&case.owner),
        state: case.state.as_str().to_owned(),
        accepted_at: case.opened_at.local_text(),
        due: timing.due.map(Millis::date).unwrap_or_default(),
        awaited: awaited(desk, found),
        rows,
        certificate: case.certificate.clone(),
        asked_at: desk.node.clock.now().local_text(),
    }
}

fn row(state: &'static str, label: String, department: String, at: Millis) -> ProgressRow {
    ProgressRow { state, label, department, at: at.local_text() }
}

fn step_row(desk: &Desk, case: &CaseView, step: &CaseStepView) -> ProgressRow {
    let state = match &step.word {
        Some(word) if word.agreed => "done",
        Some(_) => "failed",
        None if step.returned.is_some() => "failed",
        None if case.is_due(step) => "current",
        None => "waiting",
    };
    let at = step.word.as_ref().map(|word| word.at.local_text()).unwrap_or_default();
    ProgressRow { state, label: desk.t.pick(&step.title).to_owned(), department: desk.department(&step.department), at }
}

/// What is awaited: who has to do what by when, or what the applicant is asked for.
fn awaited(desk: &Desk, found: &PublicCase) -> Vec<Awaited> {
    let PublicCase { case, timing, .. } = found;
    let of_owner = |kind| Awaited { kind, department: desk.department(&case.owner), ..Awaited::default() };
    let of_step = |kind, step: &CaseStepView, text: &str| Awaited {
        kind,
        department: desk.department(&step.department),
        text: text.to_owned(),
        due: timing.steps.get(&step.step).map(|due| due.date()).unwrap_or_default(),
    };
    let steps = case.steps.iter();
    match case.state {
        CaseState::Waiting if case.pulls.iter().any(|pull| pull.material.is_none()) => vec![of_owner("data")],
        CaseState::Waiting => vec![of_owner("clarity")],
        CaseState::InProgress => steps
            .filter(|step| case.is_due(step))
            .map(|step| {
                let kind = if step.kind == StepKind::Payment { "payment" } else { "step" };
                of_step(kind, step, desk.t.pick(&step.title))
            })
            .collect(),
        CaseState::Returned => {
            steps.filter_map(|step| Some(of_step("correction", step, step.returned.as_deref()?))).collect()
        }
        CaseState::Rejected => {
            let refused = steps.filter_map(|step| Some((step, step.word.as_ref().filter(|word| !word.agreed)?)));
            refused.map(|(step, word)| of_step("refused", step, &word.note)).collect()
        }
        CaseState::Agreed => vec![of_owner("end")],
        CaseState::Withdrawn | CaseState::Completed => Vec::new(),
    }
}
