//! Cases on the first page: steps whose turn has come, and cases of the department's own that wait for it.

use crate::domain::Role;
use crate::domain::case::CaseState;
use crate::readmodel::cases::{CaseFilter, CaseStepView, CaseView};
use crate::web::problem::Problem;

use super::desk::{Desk, Visitor};
use super::home::{Pile, counted, lasts};
use super::views::home::Task;

/// States in which a case waits for its owner, and what they are called on the page.
const OWNERS: [(CaseState, &str); 3] =
    [(CaseState::Waiting, "stuck"), (CaseState::Returned, "returned"), (CaseState::Agreed, "agreed")];

/// Steps that wait for this reader, the late ones apart; and cases that wait for their owner.
pub async fn piles(visitor: &Visitor) -> Result<(Vec<Task>, Vec<Pile>), Problem> {
    let waiting_for = Some(visitor.node.department.clone());
    let page = visitor.node.cases(CaseFilter { waiting_for, page: counted(), ..CaseFilter::default() }).await?;
    let (mut late, mut timely) = (Vec::new(), Vec::new());
    for case in &page.items {
        let timing = visitor.node.case_timing(case);
        for step in case.steps.iter().filter(|step| case.is_due(step) && is_mine(visitor, step)) {
            let is_late = timing.late.contains(&step.step);
            let due = timing.steps.get(&step.step).map(|due| visitor.t.say_with("grant-decide-by", "time", due.date()));
            let task = step_task(visitor, case, step, if is_late { "overdue" } else { "sign_offs" }, due);
            if is_late { late.push(task) } else { timely.push(task) }
        }
    }
    let mut piles = vec![Pile { kind: "sign_offs", tasks: timely, is_cut: page.next_cursor.is_some() }];
    for (state, kind) in OWNERS {
        // Issuing what all have agreed to is for a reviewer, mending a case for who brings it.
        let role = if state == CaseState::Agreed { Role::Reviewer } else { Role::Clerk };
        if !visitor.is(role) {
            continue;
        }
        let (owner, state) = (Some(visitor.node.department.clone()), Some(state));
        let page = visitor.node.cases(CaseFilter { owner, state, page: counted(), ..CaseFilter::default() }).await?;
        let numbers = visitor.node.case_numbers(page.items.iter().map(|case| case.id).collect()).await?;
        let tasks = page.items.iter().map(|case| case_task(visitor, case, kind, numbers.get(&case.id))).collect();
        piles.push(Pile { kind, tasks, is_cut: page.next_cursor.is_some() });
    }
    Ok((late, piles))
}

/// Whether a step is for this reader: their department's, their role's, and nobody else's in person.
fn is_mine(desk: &Desk, step: &CaseStepView) -> bool {
    desk.is_own(&step.department)
        && desk.is(step.role.unwrap_or(Role::Reviewer))
        && step.user.as_deref().is_none_or(|user| desk.is_user(user))
}

fn step_task(desk: &Desk, case: &CaseView, step: &CaseStepView, kind: &'static str, due: Option<String>) -> Task {
    let since = step.since.unwrap_or(case.opened_at);
    Task {
        kind,
        title: desk.t.pick(&case.title).to_owned(),
        detail: [
            desk.department(&case.owner),
            desk.t.pick(&step.title).to_owned(),
            case.opened_by.user.clone(),
            case.opened_at.local_text(),
        ]
        .join(" · "),
        time: due.unwrap_or_else(|| since.local_text()),
        lasts: lasts(desk, since),
        href: format!("/cases/{}", case.id),
        since: since.0,
    }
}

fn case_task(desk: &Desk, case: &CaseView, kind: &'static str, number: Option<&String>) -> Task {
    let timing = desk.node.case_timing(case);
    let due = timing.due.map(|due| desk.t.say_with("grant-decide-by", "time", due.date()));
    Task {
        kind,
        title: desk.t.pick(&case.title).to_owned(),
        detail: number.into_iter().chain([&case.opened_by.user]).map(String::as_str).collect::<Vec<_>>().join(" · "),
        time: due.unwrap_or_else(|| case.opened_at.local_text()),
        lasts: lasts(desk, case.opened_at),
        href: format!("/cases/{}", case.id),
        since: case.opened_at.0,
    }
}
