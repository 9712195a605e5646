//! The first page: what waits for the reader.

use crate::clock::Millis;
use crate::domain::Role;
use crate::domain::case::CaseState;
use crate::domain::grant::GrantState;
use crate::readmodel::PageRequest;
use crate::readmodel::cases::{CaseFilter, CaseView};
use crate::readmodel::grants::{GrantFilter, GrantView};
use crate::readmodel::local::{Draft, DraftState};
use crate::service::catalog_places::{Notice, NoticeKind};
use crate::web::problem::Problem;

use super::desk::{Desk, Visitor};
use super::grants::is_overdue;
use super::render::Answer;
use super::views::home::{Home, Strip, Task, Waiting};

/// Things looked at for one count; more are shown as this many.
const COUNTED_MAX: u32 = 200;
/// Tasks of one kind on the page; the rest stands in its list.
const TASKS_MAX: usize = 6;
/// A grant that ends within this time is about to expire.
const EXPIRY_MS: u64 = 30 * 86_400_000;

/// The first page.
pub async fn home(visitor: Visitor) -> Answer {
    let drafts = visitor.node.drafts(&visitor.who).await?;
    let submitted: Vec<Draft> = drafts.into_iter().filter(|draft| draft.state == DraftState::Submitted).collect();
    let requests = requested_of_us(&visitor).await?;
    let cases = waiting_for_us(&visitor).await?;
    let expiring = about_to_expire(&visitor).await?;
    let notices = visitor.node.notices();
    let overdue = requests.iter().filter(|grant| is_overdue(grant, visitor.node.clock.now())).count();
    let appeals = if visitor.node.is_authority() { appeals(&visitor).await? } else { Vec::new() };
    let waiting = |kind, count: usize, href: &str| Waiting {
        kind,
        count: u64::try_from(count).unwrap_or(u64::MAX),
        href: href.to_owned(),
    };
    let mut counts = vec![
        waiting("drafts", submitted.len(), "/drafts"),
        waiting("grants", requests.len(), "/grants?side=asked_of_us&state=requested"),
        waiting("overdue", overdue, "/grants?side=asked_of_us&state=overdue"),
        waiting("sign_offs", cases.len(), "/cases"),
        waiting("expiring", expiring.len(), "/grants?side=asked_by_us&state=active"),
        waiting("changed", notices.len(), "/grants?side=asked_by_us&state=active"),
    ];
    if visitor.node.is_authority() {
        counts.push(waiting("appeals", appeals.len(), "/grants?side=appeals"));
    }
    let mut tasks = Vec::new();
    if visitor.is(Role::Reviewer) {
        let others = submitted.iter().filter(|draft| !visitor.is_user(&draft.drafted_by.user));
        tasks.extend(others.take(TASKS_MAX).map(|draft| draft_task(&visitor, draft)));
        tasks.extend(appeals.iter().take(TASKS_MAX).map(|grant| grant_task(&visitor, "appeals", grant)));
        let task = |grant| {
            let late = is_overdue(grant, visitor.node.clock.now());
            grant_task(&visitor, if late { "overdue" } else { "grants" }, grant)
        };
        // The longest waiting first: they are listed newest first.
        tasks.extend(requests.iter().rev().take(TASKS_MAX).map(task));
        tasks.extend(cases.iter().take(TASKS_MAX).map(|case| case_task(&visitor, case)));
    }
    tasks.extend(notices.iter().take(TASKS_MAX).map(|notice| notice_task(&visitor, notice)));
    if visitor.is(Role::Clerk) {
        tasks.extend(expiring.iter().take(TASKS_MAX).map(|grant| expiry_task(&visitor, grant)));
    }
    visitor.show(&Home {
        page: visitor.page(),
        t: visitor.t,
        findings: visitor.node.open_findings().await?,
        may_audit: visitor.is(Role::Auditor) || visitor.is(Role::Admin),
        waiting: counts,
        tasks,
        strip: strip(&visitor),
    })
}

fn counted() -> PageRequest {
    PageRequest { cursor: None, size: Some(COUNTED_MAX) }
}

async fn requested_of_us(desk: &Desk) -> Result<Vec<GrantView>, Problem> {
    let provider = Some(desk.node.department.clone());
    let filter =
        GrantFilter { provider, state: Some(GrantState::Requested), page: counted(), ..GrantFilter::default() };
    Ok(desk.node.grants(filter).await?.items)
}

async fn appeals(desk: &Desk) -> Result<Vec<GrantView>, Problem> {
    let filter = GrantFilter { state: Some(GrantState::Appealed), page: counted(), ..GrantFilter::default() };
    Ok(desk.node.grants(filter).await?.items)
}

async fn waiting_for_us(desk: &Desk) -> Result<Vec<CaseView>, Problem> {
    let waiting_for = Some(desk.node.department.clone());
    let state = Some(CaseState::InProgress);
    Ok(desk.node.cases(CaseFilter { waiting_for, state, page: counted(), ..CaseFilter::default() }).await?.items)
}

async fn about_to_expire(desk: &Desk) -> Result<Vec<GrantView>, Problem> {
    let consumer = Some(desk.node.department.clone());
    let filter = GrantFilter { consumer, state: Some(GrantState::Active), page: counted(), ..GrantFilter::default() };
    let now = desk.node.clock.now();
    let mut grants = desk.node.grants(filter).await?.items;
    grants.retain(|grant| expires_soon(grant, now));
    Ok(grants)
}

/// Whether an active grant ends within thirty days.
pub fn expires_soon(grant: &GrantView, now: Millis) -> bool {
    let ends = grant.approval.as_ref().map(|approval| approval.valid_until);
    grant.state == GrantState::Active && ends.is_some_and(|ends| ends <= now.plus(EXPIRY_MS))
}

fn draft_task(desk: &Desk, draft: &Draft) -> Task {
    Task {
        kind: "drafts",
        title: desk.t.pick(&draft.entry.title).to_owned(),
        detail: format!("{} {} · {}", draft.entry.name, draft.entry.version, draft.drafted_by.user),
        time: draft.submitted_at.unwrap_or(draft.drafted_at).local_text(),
        href: format!("/drafts/{}", draft.entry.name.name),
    }
}

fn grant_task(desk: &Desk, kind: &'static str, grant: &GrantView) -> Task {
    Task {
        kind,
        title: desk.entry_title(&grant.request.entry),
        detail: format!("{} · {}", desk.department(&grant.consumer), grant.request.matter),
        time: match grant.decide_by {
            Some(by) => desk.t.say_with("grant-decide-by", "time", by.date()),
            None => grant.requested_at.local_text(),
        },
        href: format!("/grants/{}", grant.id),
    }
}

fn case_task(desk: &Desk, case: &CaseView) -> Task {
    let own = case.steps.iter().find(|step| desk.is_own(&step.department) && step.word.is_none());
    let step = own.map(|step| desk.t.pick(&step.title).to_owned()).unwrap_or_default();
    Task {
        kind: "sign_offs",
        title: desk.t.pick(&case.title).to_owned(),
        detail: format!("{} · {step}", desk.department(&case.owner)),
        time: case.opened_at.local_text(),
        href: format!("/cases/{}", case.id),
    }
}

fn expiry_task(desk: &Desk, grant: &GrantView) -> Task {
    Task {
        kind: "expiring",
        title: desk.entry_title(&grant.request.entry),
        detail: format!("{} · {}", desk.department(&grant.provider), grant.request.matter),
        time: grant.approval.as_ref().map(|approval| approval.valid_until.date()).unwrap_or_default(),
        href: format!("/grants/{}", grant.id),
    }
}

/// An entry that this department uses, and that is no longer what was granted.
fn notice_task(desk: &Desk, notice: &Notice) -> Task {
    let what = desk.t.word("notice", notice.kind.as_str());
    let (granted, current) = (notice.granted_version, notice.current_version);
    let href = match notice.kind {
        NoticeKind::NewMajorVersion => format!("/catalog/{}/diff?from={granted}&to={current}", notice.entry),
        NoticeKind::Deprecated | NoticeKind::Withdrawn => format!("/catalog/{}", notice.entry),
    };
    Task {
        kind: "changed",
        title: desk.t.pick(&notice.title).to_owned(),
        detail: format!("{what} · {granted} → {current}"),
        time: notice.at.local_text(),
        href,
    }
}

fn strip(desk: &Desk) -> Strip {
    let status = desk.node.consensus.status();
    let time = desk.node.chain.state().time();
    Strip {
        proposed: u64::try_from(status.queues.waiting).unwrap_or(u64::MAX),
        committed: status.size,
        projected: desk.node.model.projected().borrow().size,
        time: time.local_text(),
    }
}
