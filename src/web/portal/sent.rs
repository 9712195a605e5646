//! What the reader sent, and where it stands: drafts, requests for grants, cases.

use crate::domain::grant::GrantState;
use crate::readmodel::cases::{CaseFilter, CaseView};
use crate::readmodel::grants::{GrantFilter, GrantView};
use crate::readmodel::local::{Draft, DraftState};
use crate::web::problem::Problem;

use super::codes;
use super::desk::{Desk, Visitor};
use super::grants::is_overdue;
use super::home::{counted, lasts};
use super::views::home::Sent;

/// Things shown.
const SENT_MAX: usize = 50;
/// What was decided stays on the page for so many days.
const DECIDED_DAYS: u64 = 7;
/// States in which a case needs nobody any more.
const CASE_ENDS: [&str; 3] = ["completed", "rejected", "withdrawn"];

/// Oldest first.
pub async fn sent(visitor: &Visitor) -> Result<Vec<Sent>, Problem> {
    let drafts = visitor.node.drafts(&visitor.who).await?;
    let own = drafts.iter().filter(|draft| visitor.is_user(&draft.drafted_by.user));
    let mut sent: Vec<Sent> = own.map(|draft| of_draft(visitor, draft)).collect();
    let consumer = Some(visitor.node.department.clone());
    let grants = visitor.node.grants(GrantFilter { consumer, page: counted(), ..GrantFilter::default() }).await?;
    let own = grants.items.iter().filter(|grant| visitor.is_user(&grant.requested_by.user));
    sent.extend(own.filter(|grant| is_news(visitor, grant)).map(|grant| of_grant(visitor, grant)));
    let owner = Some(visitor.node.department.clone());
    let cases = visitor.node.cases(CaseFilter { owner, page: counted(), ..CaseFilter::default() }).await?;
    let own = cases.items.iter().filter(|case| visitor.is_user(&case.opened_by.user));
    sent.extend(own.filter(|case| is_open(case)).map(|case| of_case(visitor, case)));
    sent.sort_by_key(|one| one.since);
    sent.truncate(SENT_MAX);
    Ok(sent)
}

/// Whether a request still waits for somebody, or was decided lately.
fn is_news(desk: &Desk, grant: &GrantView) -> bool {
    let decided = grant.steps.last().map_or(grant.requested_at, |step| step.at);
    let is_fresh = desk.node.clock.now().day().saturating_sub(decided.day()) <= DECIDED_DAYS;
    let waits = matches!(grant.state, GrantState::Requested | GrantState::Appealed);
    waits || is_fresh && matches!(grant.state, GrantState::Active | GrantState::Denied)
}

fn is_open(case: &CaseView) -> bool {
    !CASE_ENDS.contains(&codes::word(&case.state).as_str())
}

fn of_draft(desk: &Desk, draft: &Draft) -> Sent {
    let (state, since) = match draft.state {
        DraftState::Submitted => ("under_review", draft.submitted_at),
        DraftState::Rejected => ("rejected", draft.decided_at),
        DraftState::Draft | DraftState::Published => ("draft", None),
    };
    let since = since.unwrap_or(draft.drafted_at);
    Sent {
        kind: "draft",
        state: state.to_owned(),
        title: desk.t.pick(&draft.entry.title).to_owned(),
        detail: format!("{} {}", draft.entry.name, draft.entry.version),
        lasts: lasts(desk, since),
        href: format!("/drafts/{}", draft.entry.name.name),
        since: since.0,
    }
}

fn of_grant(desk: &Desk, grant: &GrantView) -> Sent {
    let late = grant.state == GrantState::Requested && is_overdue(grant, desk.node.clock.now());
    let since = grant.steps.last().map_or(grant.requested_at, |step| step.at);
    Sent {
        kind: "grant",
        state: if late { "overdue".to_owned() } else { codes::word(&grant.state) },
        title: desk.entry_title(&grant.request.entry),
        detail: format!("{} · {}", desk.department(&grant.provider), grant.request.matter),
        lasts: lasts(desk, since),
        href: format!("/grants/{}", grant.id),
        since: since.0,
    }
}

fn of_case(desk: &Desk, case: &CaseView) -> Sent {
    let open = case.steps.iter().filter(|step| step.word.is_none());
    let waits: Vec<String> = open.map(|step| desk.department(&step.department)).collect();
    let last = case.steps.iter().filter_map(|step| step.word.as_ref()).map(|word| word.at).max();
    let since = last.unwrap_or(case.opened_at);
    Sent {
        kind: "case",
        state: codes::word(&case.state),
        title: desk.t.pick(&case.title).to_owned(),
        detail: waits.join(" · "),
        lasts: lasts(desk, since),
        href: format!("/cases/{}", case.id),
        since: since.0,
    }
}
