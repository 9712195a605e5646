//! The first page: what waits for the reader, what is overdue, what they sent and where it stands.

use crate::clock::{DAY_MS, Millis};
use crate::domain::Role;
use crate::domain::grant::GrantState;
use crate::readmodel::PageRequest;
use crate::readmodel::grants::{GrantFilter, GrantView};
use crate::readmodel::local::{Draft, DraftState};
use crate::service::catalog_places::{Notice, NoticeKind};
use crate::web::problem::Problem;

use super::case_tasks;
use super::desk::{Desk, Visitor};
use super::grants::is_overdue;
use super::render::Answer;
use super::sent;
use super::views::home::{Home, HomeBody, Strip, Task, Waiting};

/// Things looked at for one count; more are shown as this many with a `+`.
const COUNTED_MAX: u32 = 200;
/// Tasks on the page; the rest stands in its lists.
const TASKS_MAX: usize = 50;
/// A grant that ends within this time is about to expire.
const EXPIRY_MS: u64 = 30 * DAY_MS;

/// The first page, or the part of it that changes.
pub async fn home(visitor: Visitor) -> Answer {
    let body = body(&visitor).await?;
    if visitor.partial {
        return visitor.show(&body);
    }
    visitor.show(&Home { page: visitor.page(), t: visitor.t, begin: begin(&visitor), body })
}

/// What people of each role begin from here, the most frequent first.
const BEGIN: &[(Role, &str, &str)] = &[
    (Role::Clerk, "/cases", "begin-case"),
    (Role::Clerk, "/query", "begin-query"),
    (Role::Clerk, "/catalog", "begin-find"),
    (Role::Clerk, "/drafts/new", "begin-draft"),
    (Role::Reviewer, "/grants?side=asked_of_us", "begin-grants"),
    (Role::Reviewer, "/cases?which=waiting", "begin-sign-offs"),
    (Role::Auditor, "/audit", "begin-audit"),
    (Role::Auditor, "/audit/numbers", "audit-numbers"),
    (Role::Admin, "/admin", "begin-accounts"),
    (Role::Admin, "/cluster", "begin-cluster"),
];

fn begin(desk: &Desk) -> Vec<(&'static str, &'static str)> {
    BEGIN.iter().filter(|(role, ..)| desk.is(*role)).map(|(_, href, key)| (*href, *key)).collect()
}

/// Tasks of one kind, and whether there are more than were looked at.
pub(super) struct Pile {
    /// As in [`Task`].
    pub kind: &'static str,
    /// What is to be done.
    pub tasks: Vec<Task>,
    /// Whether there are more.
    pub is_cut: bool,
}

async fn body(visitor: &Visitor) -> Result<HomeBody, Problem> {
    let shown = visitor.query.get("show");
    let piles = piles(visitor).await?;
    let mut waiting = vec![chip("all", &piles.iter().collect::<Vec<_>>(), shown.is_empty())];
    waiting.extend(piles.iter().map(|pile| chip(pile.kind, &[pile], pile.kind == shown)));
    let is_shown = |pile: &Pile| shown.is_empty() || pile.kind == shown;
    let mut tasks: Vec<Task> = piles.into_iter().filter(is_shown).flat_map(|pile| pile.tasks).collect();
    tasks.sort_by_key(|task| task.since);
    let more = tasks.len().saturating_sub(TASKS_MAX);
    tasks.truncate(TASKS_MAX);
    Ok(HomeBody {
        t: visitor.t,
        findings: visitor.node.open_findings().await?,
        may_audit: visitor.is(Role::Auditor) || visitor.is(Role::Admin),
        waiting,
        tasks,
        more,
        sent: sent::sent(visitor).await?,
        strip: strip(visitor),
    })
}

fn chip(kind: &'static str, piles: &[&Pile], current: bool) -> Waiting {
    let count: usize = piles.iter().map(|pile| pile.tasks.len()).sum();
    let cut = if piles.iter().any(|pile| pile.is_cut) { "+" } else { "" };
    let href = if kind == "all" { "/".to_owned() } else { format!("/?show={kind}") };
    Waiting { kind, count: format!("{count}{cut}"), href, current }
}

/// What waits for this reader: of each kind what their roles may do something about.
async fn piles(visitor: &Visitor) -> Result<Vec<Pile>, Problem> {
    let (mut piles, mut overdue) = (Vec::new(), Vec::new());
    let now = visitor.node.clock.now();
    if visitor.is(Role::Reviewer) {
        let drafts = visitor.node.drafts(&visitor.who).await?;
        let others = |draft: &&Draft| draft.state == DraftState::Submitted && !visitor.is_user(&draft.drafted_by.user);
        let tasks = drafts.iter().filter(others).map(|draft| draft_task(visitor, draft)).collect();
        piles.push(Pile { kind: "drafts", tasks, is_cut: false });
        let (requests, is_cut) = requested_of_us(visitor).await?;
        let (late, timely): (Vec<_>, Vec<_>) = requests.iter().partition(|grant| is_overdue(grant, now));
        let tasks = timely.into_iter().map(|grant| grant_task(visitor, "grants", grant)).collect();
        piles.push(Pile { kind: "grants", tasks, is_cut });
        overdue.extend(late.into_iter().map(|grant| grant_task(visitor, "overdue", grant)));
        if visitor.node.is_authority() {
            let (appeals, is_cut) = appeals(visitor).await?;
            let tasks = appeals.iter().map(|grant| grant_task(visitor, "appeals", grant)).collect();
            piles.push(Pile { kind: "appeals", tasks, is_cut });
        }
    }
    if visitor.is(Role::Reviewer) || visitor.is(Role::Clerk) {
        let (late, cases) = case_tasks::piles(visitor).await?;
        overdue.extend(late);
        piles.extend(cases);
        piles.insert(0, Pile { kind: "overdue", tasks: overdue, is_cut: false });
    }
    if visitor.is(Role::Clerk) {
        let (expiring, is_cut) = about_to_expire(visitor).await?;
        let tasks = expiring.iter().map(|grant| expiry_task(visitor, grant)).collect();
        piles.push(Pile { kind: "expiring", tasks, is_cut });
    }
    let tasks = visitor.node.notices().iter().map(|notice| notice_task(visitor, notice)).collect();
    piles.push(Pile { kind: "changed", tasks, is_cut: false });
    Ok(piles)
}

/// How many things of a listing are looked at.
pub(super) fn counted() -> PageRequest {
    PageRequest { cursor: None, size: Some(COUNTED_MAX) }
}

async fn requested_of_us(desk: &Desk) -> Result<(Vec<GrantView>, bool), Problem> {
    let provider = Some(desk.node.department.clone());
    let filter =
        GrantFilter { provider, state: Some(GrantState::Requested), page: counted(), ..GrantFilter::default() };
    let page = desk.node.grants(filter).await?;
    Ok((page.items, page.next_cursor.is_some()))
}

async fn appeals(desk: &Desk) -> Result<(Vec<GrantView>, bool), Problem> {
    let filter = GrantFilter { state: Some(GrantState::Appealed), page: counted(), ..GrantFilter::default() };
    let page = desk.node.grants(filter).await?;
    Ok((page.items, page.next_cursor.is_some()))
}

async fn about_to_expire(desk: &Desk) -> Result<(Vec<GrantView>, bool), Problem> {
    let consumer = Some(desk.node.department.clone());
    let filter = GrantFilter { consumer, state: Some(GrantState::Active), page: counted(), ..GrantFilter::default() };
    let now = desk.node.clock.now();
    let page = desk.node.grants(filter).await?;
    let is_cut = page.next_cursor.is_some();
    Ok((page.items.into_iter().filter(|grant| expires_soon(grant, now)).collect(), is_cut))
}

/// Whether an active grant ends within thirty days.
pub fn expires_soon(grant: &GrantView, now: Millis) -> bool {
    let ends = grant.approval.as_ref().map(|approval| approval.valid_until);
    grant.state == GrantState::Active && ends.is_some_and(|ends| ends <= now.plus(EXPIRY_MS))
}

/// How long something has lasted, in calendar days.
pub(super) fn lasts(desk: &Desk, since: Millis) -> String {
    match desk.node.clock.now().day().saturating_sub(since.day()) {
        0 => desk.t.say("lasts-today"),
        days => desk.t.say_count("lasts-days", "count", days),
    }
}

fn draft_task(desk: &Desk, draft: &Draft) -> Task {
    let since = draft.submitted_at.unwrap_or(draft.drafted_at);
    Task {
        kind: "drafts",
        title: desk.t.pick(&draft.entry.title).to_owned(),
        detail: format!("{} {} · {}", draft.entry.name, draft.entry.version, draft.drafted_by.user),
        time: since.local_text(),
        lasts: lasts(desk, since),
        href: format!("/drafts/{}", draft.entry.name.name),
        since: since.0,
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
        lasts: lasts(desk, grant.requested_at),
        href: format!("/grants/{}", grant.id),
        since: grant.requested_at.0,
    }
}

fn expiry_task(desk: &Desk, grant: &GrantView) -> Task {
    let ends = grant.approval.as_ref().map(|approval| approval.valid_until);
    Task {
        kind: "expiring",
        title: desk.entry_title(&grant.request.entry),
        detail: format!("{} · {}", desk.department(&grant.provider), grant.request.matter),
        time: ends.map(|ends| ends.date()).unwrap_or_default(),
        lasts: String::new(),
        href: format!("/grants/{}", grant.id),
        since: ends.map_or(0, |ends| ends.0),
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
        lasts: String::new(),
        href,
        since: notice.at.0,
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
