//! The auditor's pages: every access, one of them, and whose data it was.

use actix_web::web::Path;

use crate::domain::Role;
use crate::ids::AccessId;
use crate::readmodel::PageRequest;
use crate::readmodel::accesses::{AccessFilter, AccessView};
use crate::readmodel::audit_counts::SubjectLine;
use crate::service::ServiceError;
use crate::service::audit::AuditFilter as Wanted;
use crate::service::replay::{Replay, ReplayedFact};
use crate::web::problem::Problem;

use super::codes;
use super::dates::{end_of, start_of};
use super::desk::{Desk, Visitor};
use super::findings;
use super::form::{Fields, Posted};
use super::href::href;
use super::listing::{cursor, departments, pager};
use super::render::Answer;
use super::views::audit::{AccessPage, AccessRow, Audit, AuditFilter, AuditResults, ReplayRow, TraceRow};

const PAGE_SIZE: u32 = 50;

/// Names of the filters in an address.
const FILTERS: [&str; 9] = ["subject", "consumer", "provider", "operator", "entry", "grant", "decision", "from", "to"];

/// Accesses by subject, department, person, entry, grant, decision and time.
pub async fn list(visitor: Visitor) -> Answer {
    let results = results(&visitor).await?;
    if visitor.partial {
        return visitor.show(&results);
    }
    let query = &visitor.query;
    let field = |name: &str| query.get(name).to_owned();
    let view = Audit {
        page: visitor.page(),
        t: visitor.t,
        filter: AuditFilter {
            subject: field("subject"),
            operator: field("operator"),
            grant: field("grant"),
            entry: field("entry"),
            decision: field("decision"),
            from: field("from"),
            to: field("to"),
        },
        consumers: departments(&visitor, query.get("consumer")),
        providers: departments(&visitor, query.get("provider")),
        results,
    };
    visitor.show(&view)
}

/// The filters of an address.
///
/// # Errors
/// `invalid_parameter` for one that cannot be read.
pub fn wanted(query: &Fields) -> Result<Wanted, Problem> {
    let given = |name: &str| Some(query.get(name).to_owned()).filter(|value| !value.is_empty());
    // A filter that cannot be read must not widen the listing.
    let wrong = || Problem::new("invalid_parameter");
    let entry = given("entry").map(|entry| entry.parse().map_err(|_| wrong())).transpose()?;
    let from = given("from").map(|day| start_of(&day).ok_or_else(wrong)).transpose()?;
    let to = given("to").map(|day| end_of(&day).ok_or_else(wrong)).transpose()?;
    Ok(Wanted {
        subject: given("subject").map(|subject| subject.to_uppercase()),
        filter: AccessFilter {
            consumer: given("consumer").map(|id| id.parse().map_err(|_| wrong())).transpose()?,
            provider: given("provider").map(|id| id.parse().map_err(|_| wrong())).transpose()?,
            entry,
            actor: given("operator"),
            grant: given("grant").map(|id| id.parse().map_err(|_| wrong())).transpose()?,
            decision: given("decision").map(|word| codes::value(&word).ok_or_else(wrong)).transpose()?,
            from,
            to: to.map(|last| last.plus(1)),
            page: PageRequest { cursor: cursor(query), size: Some(PAGE_SIZE) },
            ..AccessFilter::default()
        },
    })
}

async fn results(visitor: &Visitor) -> Result<AuditResults, Problem> {
    let query = &visitor.query;
    let page = visitor.node.accesses(&visitor.who, wanted(query)?).await?;
    let (first_href, next_href) = pager("/audit", query, &FILTERS, page.next_cursor.as_deref());
    let file = |format| {
        let fields = FILTERS.iter().map(|field| (*field, query.get(field))).chain([("format", format)]);
        href("/audit/export", &fields.collect::<Vec<_>>())
    };
    let trace = match query.get("subject") {
        "" => Vec::new(),
        subject => visitor.node.subject_lines(&visitor.who, &subject.to_uppercase()).await?,
    };
    Ok(AuditResults {
        t: visitor.t,
        rows: page.items.iter().map(|access| row(visitor, access)).collect(),
        trace: trace.iter().map(|line| trace_row(visitor, line)).collect(),
        xlsx_href: file("xlsx"),
        csv_href: file("csv"),
        ledger_index: page.ledger_index,
        first_href,
        next_href,
    })
}

fn trace_row(desk: &Desk, line: &SubjectLine) -> TraceRow {
    TraceRow {
        consumer: desk.department(&line.consumer),
        entry_title: desk.entry_title(&line.entry),
        entry: line.entry.to_string(),
        decision: line.decision.clone(),
        accesses: line.accesses,
        last: line.last.local_text(),
    }
}

fn row(desk: &Desk, access: &AccessView) -> AccessRow {
    let record = &access.record;
    AccessRow {
        access_id: record.access_id.to_string(),
        time: record.time.local_text(),
        consumer: desk.department(&record.consumer),
        actor: record.actor.user.clone(),
        entry: record.entry.to_string(),
        entry_title: desk.entry_title(&record.entry),
        version: record.entry_version.map(|version| version.to_string()).unwrap_or_default(),
        decision: record.decision.as_str().to_owned(),
        rule: record.rule.clone(),
        reasons: record.reasons.clone(),
        purpose: record.purpose.clone(),
        purpose_name: desk.purpose(&record.purpose),
        cause: record.cause.clone(),
        case_id: record.case_id.clone().unwrap_or_default(),
        rows: record.rows,
        state: desk.node.state_of(access.ledger_index).to_owned(),
    }
}

/// One access.
pub async fn show(visitor: Visitor, id: Path<AccessId>) -> Answer {
    page(&visitor, *id, None).await
}

async fn page(visitor: &Visitor, id: AccessId, subject: Option<String>) -> Answer {
    let found = findings::of_access(visitor, id).await?;
    let access = match visitor.node.access(&visitor.who, id).await {
        Ok(detail) => detail.access,
        // Where the provider kept silent there is no record, but there is its promise.
        Err(ServiceError::NotFound(_)) if !found.is_empty() => return findings::page(visitor, id, found),
        Err(error) => return Err(error.into()),
    };
    let record = &access.record;
    let entry = visitor.node.chain.state().entry(&record.entry).map(|history| history.current().entry.clone());
    let title = |name: &crate::ids::ItemName| {
        let known = entry.as_ref().and_then(|entry| entry.item(name));
        known.map_or_else(|| name.to_string(), |item| visitor.t.pick(&item.title).to_owned())
    };
    let is_auditor = visitor.node.chain.state().genesis().is_some_and(|genesis| visitor.is_own(&genesis.auditor));
    let block_time = visitor.node.transaction(access.transaction_id).await?.transaction.time;
    let (replay, replay_fault) = match visitor.node.replay(&visitor.who, id).await {
        Ok(replay) => (Some(replay_row(replay)), String::new()),
        Err(why) => (None, why.to_string()),
    };
    let view = AccessPage {
        replay,
        replay_fault,
        page: visitor.page_at(&format!("/audit/{id}")),
        t: visitor.t,
        findings: found,
        access: row(visitor, &access),
        provider: visitor.department(&access.provider),
        role: record.actor.role.as_str().to_owned(),
        grant: record.grant.map(|grant| grant.to_string()).unwrap_or_default(),
        items: record.items.iter().map(title).collect(),
        request_digest: record.request_digest.to_string(),
        answer_digest: record.answer_digest.map(|digest| digest.to_string()).unwrap_or_default(),
        basis: record.basis,
        transaction: access.transaction_id.to_string(),
        index: access.ledger_index,
        height: access.block_height,
        block_time: block_time.local_text(),
        sealed: record.subject.is_some(),
        may_open: is_auditor && visitor.is(Role::Auditor) && record.subject.is_some(),
        subject,
    };
    visitor.show(&view)
}

fn replay_row(replay: Replay) -> ReplayRow {
    let fact = |fact: &ReplayedFact| (fact.attribute, fact.stated.unwrap_or_default(), fact.found.unwrap_or_default());
    ReplayRow {
        same: replay.same,
        decision: if replay.replayed.allowed { "allowed" } else { "refused" },
        rule: replay.replayed.rule,
        after: replay.after_rules.unwrap_or_default(),
        policy_version: replay.policy_version,
        transactions: replay.transactions,
        facts: replay.facts.iter().map(fact).collect(),
    }
}

/// Opens the sealed subject; the answer is not kept by browsers.
pub async fn open(Posted { visitor, .. }: Posted, id: Path<AccessId>) -> Answer {
    let subject = visitor.node.open_subject(&visitor.who, *id).await?;
    page(&visitor, *id, Some(subject)).await
}
