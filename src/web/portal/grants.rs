//! Grants: the list, one grant, and its decision.

use actix_web::http::StatusCode;
use actix_web::web::Path;

use crate::clock::Millis;
use crate::domain::Role;
use crate::domain::catalog::Entry;
use crate::domain::grant::bounds::Bounds;
use crate::domain::grant::{Approval, GrantState};
use crate::ids::{GrantId, ItemName};
use crate::readmodel::PageRequest;
use crate::readmodel::grants::{ApprovalView, Due, GrantFilter, GrantStepView, GrantView};
use crate::service::ServiceError;
use crate::service::grants::{ItemLimit, Limits};

use super::codes;
use super::dates::end_of;
use super::desk::{Desk, Visitor};
use super::form::{Fields, Posted};
use super::grant_bounds::{self, Limited};
use super::grant_request;
use super::home::expires_soon;
use super::listing::{cursor, pager};
use super::render::{Answer, FAULTY};
use super::views::Faults;
use super::views::grants::{
    ApprovalFields, Approved, AskedItem, BoundsFields, Decided, GrantItem, GrantPage, GrantRow, GrantStep, Grants,
};
use super::views::masking::chosen;

const PAGE_SIZE: u32 = 30;
const OVERDUE: &str = "overdue";
const APPEALS: &str = "appeals";
const OF_US: &str = "asked_of_us";
const BY_US: &str = "asked_by_us";

/// Grants that the department asked for, or that others asked of it.
pub async fn list(visitor: Visitor) -> Answer {
    let query = &visitor.query;
    let (of_us, appeals) = (query.get("side") == OF_US, query.get("side") == APPEALS);
    let own = Some(visitor.node.department.clone());
    let (consumer, provider) = match (appeals, of_us) {
        (true, _) => (None, None),
        (_, true) => (None, own),
        _ => (own, None),
    };
    let filter = GrantFilter {
        consumer,
        provider,
        // One more choice of the same field: what is late is a request, too.
        state: if appeals { Some(GrantState::Appealed) } else { codes::value(query.get("state")) },
        overdue: (query.get("state") == OVERDUE).then(|| visitor.node.overdue()),
        page: PageRequest { cursor: cursor(query), size: Some(PAGE_SIZE) },
        ..GrantFilter::default()
    };
    let page = visitor.node.grants(filter).await?;
    let (first_href, next_href) = pager("/grants", query, &["side", "state"], page.next_cursor.as_deref());
    let now = visitor.node.clock.now();
    let view = Grants {
        page: visitor.page(),
        t: visitor.t,
        side: if appeals { APPEALS } else { side(of_us) }.to_owned(),
        authority: visitor.node.is_authority(),
        state: query.get("state").to_owned(),
        rows: page.items.iter().map(|grant| row(&visitor, grant, (of_us, appeals), now)).collect(),
        ledger_index: page.ledger_index,
        first_href,
        next_href,
    };
    visitor.show(&view)
}

fn side(of_us: bool) -> &'static str {
    if of_us { OF_US } else { BY_US }
}

fn row(desk: &Desk, grant: &GrantView, (of_us, appeals): (bool, bool), now: Millis) -> GrantRow {
    let ends = grant.approval.as_ref().map_or(grant.request.valid_until, |approval| approval.valid_until);
    GrantRow {
        id: grant.id.to_string(),
        entry: grant.request.entry.to_string(),
        entry_title: desk.entry_title(&grant.request.entry),
        partner: match (of_us, appeals) {
            (_, true) => format!("{} → {}", desk.department(&grant.consumer), desk.department(&grant.provider)),
            (true, _) => desk.department(&grant.consumer),
            _ => desk.department(&grant.provider),
        },
        purpose: grant.request.purpose.to_string(),
        purpose_name: desk.purpose(&grant.request.purpose),
        matter: grant.request.matter.to_string(),
        state: grant.state.as_str().to_owned(),
        requested_at: grant.requested_at.local_text(),
        valid_until: ends.date(),
        expires_soon: expires_soon(grant, now),
        decide_by: grant.decide_by.map(Millis::date).unwrap_or_default(),
        overdue: is_overdue(grant, now),
    }
}

/// One grant.
pub async fn show(visitor: Visitor, id: Path<GrantId>) -> Answer {
    let grant = visitor.node.grant(*id).await?;
    page(&visitor, StatusCode::OK, &grant, None, Faults::default())
}

fn page(desk: &Desk, status: StatusCode, grant: &GrantView, typed: Option<ApprovalFields>, faults: Faults) -> Answer {
    let request = &grant.request;
    let entry = desk.node.chain.state().entry(&request.entry).map(|history| history.current().entry.clone());
    let provides = desk.is_own(&grant.provider);
    let consumes = desk.is_own(&grant.consumer);
    let reviewer = desk.is(Role::Reviewer);
    let requested = grant.state == GrantState::Requested;
    let details = request.details.as_deref().cloned().unwrap_or_default();
    let own_first =
        requested && provides && grant.first_approval.as_ref().is_some_and(|one| desk.is_user(&one.by.user));
    let asked_self = consumes && desk.is_user(&grant.requested_by.user);
    let view = GrantPage {
        page: desk.page_at(&format!("/grants/{}", grant.id)),
        t: desk.t,
        id: grant.id.to_string(),
        entry: request.entry.to_string(),
        entry_title: desk.entry_title(&request.entry),
        version: request.version.to_string(),
        consumer: desk.department(&grant.consumer),
        provider: desk.department(&grant.provider),
        members: request.members().iter().map(|member| desk.department(member)).collect(),
        state: grant.state.as_str().to_owned(),
        requested_by: grant.requested_by.user.clone(),
        requested_at: grant.requested_at.local_text(),
        purpose: request.purpose.to_string(),
        purpose_name: desk.purpose(&request.purpose),
        legal_basis: request.legal_basis.to_string(),
        matter: request.matter.to_string(),
        mode: codes::word(&request.mode),
        purpose_text: details.purpose_text.map(Into::into).unwrap_or_default(),
        legal_clause: details.legal_clause.map(Into::into).unwrap_or_default(),
        letter: details.letter.map(|letter| letter.to_string()).unwrap_or_default(),
        assessment: details.assessment.unwrap_or_default(),
        system: details.system.map(Into::into).unwrap_or_default(),
        sides: grant_bounds::sides(desk, &asked_bounds(grant), allowed_bounds(grant).as_ref()),
        items: request.items.iter().map(|name| item(desk, grant, entry.as_ref(), name)).collect(),
        daily_max: request.daily_max,
        valid_until: request.valid_until.date(),
        approved: grant
            .approval
            .as_ref()
            .map(|approval| Approved { daily_max: approval.daily_max, valid_until: approval.valid_until.date() }),
        decision: decided(grant),
        first: grant.first_approval.as_ref().map(approved_by),
        decide_by: grant.decide_by.map(Millis::local_text).unwrap_or_default(),
        overdue: is_overdue(grant, desk.node.clock.now()),
        replaces: request.replaces.map(|old| old.to_string()).unwrap_or_default(),
        replaced_by: grant.replaced_by.map(|new| new.to_string()).unwrap_or_default(),
        steps: grant.steps.iter().map(|step| step_row(desk, step)).collect(),
        may_decide: provides && reviewer && requested && !asked_self && !own_first,
        own: asked_self,
        own_first,
        may_renew: consumes && grant.state == GrantState::Active && (reviewer || desk.is(Role::Clerk)),
        acts: acts(desk, grant),
        approval: typed.unwrap_or_else(|| as_asked(desk, grant, entry.as_ref())),
        faults,
    };
    desk.show_as(status, &view)
}

/// What the reader may do with a reason, by role, department and state; the node asks the rules again.
fn acts(desk: &Desk, grant: &GrantView) -> Vec<&'static str> {
    use GrantState as S;
    let (provides, consumes) = (desk.is_own(&grant.provider), desk.is_own(&grant.consumer));
    let (reviewer, bureau) = (desk.is(Role::Reviewer), desk.node.is_authority());
    let extended = !matches!(grant.due, Some(Due::Decide(_)));
    let appealed = grant.steps.iter().any(|step| step.kind == "grant.appeal");
    let all = [
        ("extend", grant.state == S::Requested && provides && reviewer && !extended),
        ("deny", grant.state == S::Requested && provides && reviewer),
        ("suspend", grant.state == S::Active && (provides || bureau) && reviewer),
        ("resume", grant.state == S::Suspended && (provides || bureau) && reviewer),
        ("revoke", matches!(grant.state, S::Active | S::Suspended) && (provides || consumes) && reviewer),
        ("appeal", grant.state == S::Denied && consumes && !appealed && (reviewer || desk.is(Role::Clerk))),
        ("uphold", grant.state == S::Appealed && bureau && reviewer),
        ("dismiss", grant.state == S::Appealed && bureau && reviewer),
    ];
    all.into_iter().filter(|(_, may)| *may).map(|(act, _)| act).collect()
}

/// Whether a request waits longer than its provider has.
pub fn is_overdue(grant: &GrantView, now: Millis) -> bool {
    grant.decide_by.is_some_and(|by| by < now)
}

fn step_row(desk: &Desk, step: &GrantStepView) -> GrantStep {
    GrantStep {
        kind: step.kind.clone(),
        by: step.by.user.clone(),
        department: desk.department(&step.department),
        at: step.at.local_text(),
        reason: step.reason.clone().unwrap_or_default(),
        index: step.ledger_index,
    }
}

fn item(desk: &Desk, grant: &GrantView, entry: Option<&Entry>, name: &ItemName) -> GrantItem {
    let known = entry.and_then(|entry| entry.item(name));
    let allowed = grant.approval.as_ref().and_then(|approval| approval.items.iter().find(|item| &item.name == name));
    let until = |bounds: &Bounds| bounds.term_of(name).map(Millis::date).unwrap_or_default();
    GrantItem {
        name: name.to_string(),
        title: known.map_or_else(|| name.to_string(), |item| desk.t.pick(&item.title).to_owned()),
        grade: known.map_or(1, |item| item.grade),
        sensitive: known.is_some_and(|item| item.sensitive),
        asked: true,
        asked_until: until(&asked_bounds(grant).bounds),
        allowed: allowed.map(|item| codes::word(&item.masking)),
        allowed_until: allowed_bounds(grant).map(|limited| until(&limited.bounds)).unwrap_or_default(),
    }
}

fn asked_bounds(grant: &GrantView) -> Limited {
    let request = &grant.request;
    let bounds = request.bounds.as_deref().cloned().unwrap_or_default();
    Limited { network_zone: request.network_zone.clone(), hours: request.hours, bounds }
}

/// What holds: the provider's word where there is one, else the request's.
fn allowed_bounds(grant: &GrantView) -> Option<Limited> {
    grant.approval.as_ref().map(|approval| limited_by(grant, approval))
}

fn limited_by(grant: &GrantView, approval: &ApprovalView) -> Limited {
    let asked = asked_bounds(grant);
    let bounds = approval.bounds.clone().within(asked.bounds);
    let network_zone = approval.network_zone.clone().or(asked.network_zone);
    Limited { network_zone, hours: approval.hours.or(asked.hours), bounds }
}

/// The last word on a grant.
fn decided(grant: &GrantView) -> Option<Decided> {
    if matches!(grant.state, GrantState::Suspended | GrantState::Appealed)
        && let Some(step) = grant.steps.last()
    {
        let (by, reason) = (step.by.user.clone(), step.reason.clone().unwrap_or_default());
        return Some(Decided { by, at: step.at.local_text(), reason, index: step.ledger_index });
    }
    if let Some(ending) = &grant.ending {
        let (by, reason) = (ending.by.user.clone(), ending.reason.clone());
        return Some(Decided { by, at: ending.at.local_text(), reason, index: ending.ledger_index });
    }
    grant.approval.as_ref().map(approved_by)
}

fn approved_by(approval: &ApprovalView) -> Decided {
    let (by, at) = (approval.by.user.clone(), approval.at.local_text());
    Decided { by, at, reason: String::new(), index: approval.ledger_index }
}

/// The approval's form as the first approver filled it in, else as it was asked for.
fn as_asked(desk: &Desk, grant: &GrantView, entry: Option<&Entry>) -> ApprovalFields {
    let (request, first) = (&grant.request, grant.first_approval.as_ref());
    let Limited { network_zone, hours, bounds } = match first {
        Some(first) => limited_by(grant, first),
        None => asked_bounds(grant),
    };
    let bounds = grant_bounds::fields(network_zone.as_deref(), hours, &bounds);
    let item = |name: &ItemName| {
        let allowed = first.map(|first| first.items.iter().find(|item| &item.name == name));
        let mut item = asked_item(desk, entry, name, &bounds, !matches!(allowed, Some(None)));
        if let Some(Some(allowed)) = allowed {
            item.masking = codes::word(&allowed.masking);
        }
        item
    };
    ApprovalFields {
        items: request.items.iter().map(item).collect(),
        daily_max: first.map_or(request.daily_max, |first| first.daily_max).to_string(),
        valid_until: first.map_or(request.valid_until, |first| first.valid_until).date(),
        bounds,
    }
}

/// An item to tick, masked as its entry says.
pub fn asked_item(
    desk: &Desk,
    entry: Option<&Entry>,
    name: &ItemName,
    bounds: &BoundsFields,
    chosen: bool,
) -> AskedItem {
    let known = entry.and_then(|entry| entry.item(name));
    AskedItem {
        name: name.to_string(),
        title: known.map_or_else(|| name.to_string(), |item| desk.t.pick(&item.title).to_owned()),
        grade: known.map_or(1, |item| item.grade),
        sensitive: known.is_some_and(|item| item.sensitive),
        masking: known.map(|item| codes::word(&item.masking)).unwrap_or_default(),
        until: bounds.until(name.as_str()),
        chosen,
    }
}

/// Grants what was asked for, or less.
pub async fn approve(Posted { visitor, form }: Posted, id: Path<GrantId>) -> Answer {
    let grant = visitor.node.grant(*id).await?;
    let mut faults = Faults::default();
    let entry = visitor.node.chain.state().entry(&grant.request.entry).map(|history| history.current().entry.clone());
    let limits = limits(&visitor, &form, &grant, entry.as_ref(), &mut faults);
    if faults.is_empty() {
        match visitor.node.approve_grant(&visitor.who, *id, limits).await {
            Ok((committed, state)) => {
                let said = if state == GrantState::Active { "grant_approved" } else { "grant_preapproved" };
                return visitor.done(&format!("/grants/{id}"), said, Some(committed.transaction_id));
            }
            Err(ServiceError::Invalid(found)) => {
                found.iter().for_each(|fault| grant_request::tell(visitor.t, fault, &mut faults));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let mut typed = as_asked(&visitor, &grant, entry.as_ref());
    typed.bounds = grant_bounds::typed(&form);
    for item in &mut typed.items {
        item.until = typed.bounds.until(&item.name);
        item.chosen = form.all("items").any(|name| name == item.name);
        let masking = masking(&form, &item.name);
        item.masking = if masking.is_empty() { item.masking.clone() } else { masking };
    }
    typed.daily_max = form.get("daily_max").to_owned();
    typed.valid_until = form.get("valid_until").to_owned();
    page(&visitor, FAULTY, &grant, Some(typed), faults)
}

/// The masking that the form says for an item.
fn masking(form: &Fields, name: &str) -> String {
    let [word, first, last, sign] =
        ["masking", "masking-first", "masking-last", "masking-sign"].map(|field| form.get(&format!("{field}-{name}")));
    chosen(word, first, last, sign)
}

fn limits(desk: &Desk, form: &Fields, grant: &GrantView, entry: Option<&Entry>, faults: &mut Faults) -> Limits {
    let t = desk.t;
    let items: Vec<ItemLimit> = form
        .all("items")
        .filter_map(|name| {
            let masking = masking(form, name);
            let known = codes::value(&masking);
            if known.is_none() && !masking.is_empty() {
                faults.add(t, "items", "item-masking", "bad_value");
            }
            Some(ItemLimit::Masked { name: name.parse().ok()?, masking: known })
        })
        .collect();
    if items.is_empty() {
        faults.add(t, "items", "grant-allowed-items", "no_items");
    }
    let daily_max = form.get("daily_max").parse::<u32>().ok().filter(|max| *max > 0);
    if daily_max.is_none() {
        faults.add(t, "daily_max", "daily-max", "bad_number");
    }
    let asked = grant.first_approval.as_ref().map_or(grant.request.valid_until, |first| first.valid_until);
    // The day that was asked for means the moment that was asked for.
    let until = end_of(form.get("valid_until")).map(|end| if end.date() == asked.date() { asked } else { end });
    match until {
        None => faults.add(t, "valid_until", "valid-until", "bad_date"),
        Some(until) if until <= desk.node.clock.now() => faults.add(t, "valid_until", "valid-until", "past_date"),
        Some(_) => {}
    }
    let typed = grant_bounds::typed(form);
    let limited = entry.map(|entry| grant_bounds::read(desk, &typed, entry, until, faults)).unwrap_or_default();
    let Limited { network_zone, hours, mut bounds } = limited;
    for term in bounds.item_terms.iter_mut().flatten() {
        let asked = grant.request.bounds.as_deref().and_then(|asked| asked.term_of(&term.item));
        // Here too the day that was asked for means the moment.
        term.valid_until = asked.filter(|asked| asked.date() == term.valid_until.date()).unwrap_or(term.valid_until);
    }
    let ceiling = grant.request.ceiling(grant.id);
    let allowed = Approval {
        daily_max: daily_max.unwrap_or_default(),
        valid_until: until.unwrap_or_default(),
        network_zone: network_zone.clone(),
        hours,
        bounds: bounds.clone().stated(),
        ..ceiling.clone()
    };
    if let Some((field, label)) = allowed.wider(&ceiling).map(grant_bounds::place) {
        faults.add(t, field, label, "wider");
    }
    Limits { items: Some(items), daily_max, valid_until: until, network_zone, hours, bounds }
}
