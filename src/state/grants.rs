//! Grants on the ledger: asked for by the consumer, decided by the provider, ended by either.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::clock::{DAY_MS, Millis};
use crate::domain::catalog::{Entry, EntryState, Sharing};
use crate::domain::command::GrantEnding;
use crate::domain::grant::bounds::{Bounds, ItemTerm};
use crate::domain::grant::{Approval, Details, Grant, GrantDecision, GrantRequest, GrantState};
use crate::ids::{DepartmentId, EntryName, GrantId, ItemName};

use super::catalog::{ITEMS_MAX, reviewer};
use super::limits;
use super::machine::{Context, State};
use super::outcome::Refusal;

/// The longest term of a grant: five years and a day, for "long" terms must end too.
pub const TERM_MS_MAX: u64 = 1_827 * DAY_MS;
/// Grants that one consumer may have asked for on one entry.
const GRANTS_AN_ENTRY_MAX: usize = 10_000;
/// Departments for which one request asks beside the one that makes it.
const MEMBERS_MAX: usize = 100;

impl State {
    pub(super) fn request_grant(&mut self, by: &Context<'_>, request: GrantRequest) -> Result<(), Refusal> {
        self.check_request(by, &request)?;
        let id = GrantId::from(by.id);
        for consumer in std::iter::once(by.department).chain(request.members()) {
            let place = (consumer.clone(), request.entry.clone());
            if self.grants_of.get(&place).is_some_and(|ids| ids.len() >= GRANTS_AN_ENTRY_MAX) {
                return Err(Refusal::Conflict("too many grants on this entry".into()));
            }
        }
        let grant = Grant {
            id,
            consumer: by.department.clone(),
            requested_by: by.actor.clone().into(),
            requested_at: by.at,
            request,
            decision: GrantDecision::Requested,
            life: None,
        };
        self.add_grant(grant);
        Ok(())
    }

    pub(super) fn add_grant(&mut self, mut grant: Grant) {
        self.share_names(&mut grant);
        self.repeated.share(&mut grant);
        let tag = purpose_tag(&grant.request.purpose);
        // The same order whether the ledger or a snapshot tells of the grants: newest last.
        let before = |(_, id): &(u32, GrantId)| {
            let known = self.grants.get(id);
            known.is_some_and(|known| (known.requested_at, known.id) < (grant.requested_at, grant.id))
        };
        for consumer in std::iter::once(&grant.consumer).chain(grant.request.members()) {
            let place = (consumer.clone(), grant.request.entry.clone());
            let ids = Arc::make_mut(self.grants_of.entry(place).or_default());
            let at = ids.iter().rposition(before).map_or(0, |last| last + 1);
            ids.insert(at, (tag, grant.id));
        }
        self.grants.insert(grant.id, grant);
    }

    /// Lets a grant's names share the texts of department and entry: there may be a million grants.
    fn share_names(&self, grant: &mut Grant) {
        if let Some(department) = self.departments.get(&grant.consumer) {
            grant.consumer = department.id.clone();
        }
        for member in grant.request.members.iter_mut().flatten() {
            if let Some(department) = self.departments.get(member) {
                *member = department.id.clone();
            }
        }
        if let Some(history) = self.entries.get(&grant.request.entry) {
            grant.request.entry = history.current().entry.name.clone();
        }
    }

    /// The grants of a consumer on an entry for one purpose, newest first. Costs the same however many there
    /// are for other purposes.
    pub fn grants_for<'a>(
        &'a self,
        consumer: &DepartmentId,
        entry: &EntryName,
        purpose: &'a str,
    ) -> impl Iterator<Item = &'a Grant> {
        let tag = purpose_tag(purpose);
        let ids = self.grants_of.get(&(consumer.clone(), entry.clone())).map(|ids| ids.as_slice()).unwrap_or_default();
        let tagged = ids.iter().rev().filter(move |(other, _)| *other == tag);
        tagged.filter_map(|(_, id)| self.grants.get(id)).filter(move |grant| &*grant.request.purpose == purpose)
    }

    fn check_request(&self, by: &Context<'_>, request: &GrantRequest) -> Result<(), Refusal> {
        limits::purpose(&request.purpose)?;
        limits::text("legal_basis", &request.legal_basis, limits::TEXT_CHARS_MAX)?;
        limits::text("matter", &request.matter, limits::TEXT_CHARS_MAX)?;
        let unknown = || Refusal::Unknown(format!("entry {}", request.entry));
        let history = self.entries.get(&request.entry).ok_or_else(unknown)?;
        let entry = &history.current().entry;
        if history.state != EntryState::Published {
            return Err(Refusal::Conflict(format!("the entry is {}", history.state.as_str())));
        }
        if entry.version != request.version {
            return Err(Refusal::Conflict(format!("version {} is in force, not {}", entry.version, request.version)));
        }
        match entry.sharing {
            _ if &request.entry.provider == by.department => {
                return Err(Refusal::Invalid("a department needs no grant on its own data".into()));
            }
            Sharing::Unconditional => {
                return Err(Refusal::Invalid("the entry is shared unconditionally: no grant is needed".into()));
            }
            Sharing::NotShared => return Err(Refusal::NotAllowed("the entry is not shared".into())),
            Sharing::Conditional => {}
        }
        if request.items.is_empty() || request.items.len() > ITEMS_MAX {
            return Err(Refusal::Invalid("name at least one item".into()));
        }
        let distinct: BTreeSet<_> = request.items.iter().collect();
        if distinct.len() != request.items.len() {
            return Err(Refusal::Invalid("an item is named twice".into()));
        }
        if let Some(item) = request.items.iter().find(|item| entry.item(item).is_none()) {
            return Err(Refusal::Unknown(format!("item {item} of {}", request.entry)));
        }
        let kept = |name: &&ItemName| entry.item(name).is_some_and(|item| item.sharing_in(entry) == Sharing::NotShared);
        if let Some(item) = request.items.iter().find(kept) {
            return Err(Refusal::NotAllowed(format!("item {item} is not shared")));
        }
        if request.daily_max == 0 {
            return Err(Refusal::Invalid("daily_max is at least 1".into()));
        }
        check_window(request.hours, request.network_zone.as_deref())?;
        check_details(request.details.as_deref())?;
        check_bounds(request.bounds.as_deref(), entry)?;
        check_terms(by, request.bounds.as_deref(), request.valid_until, |item| request.items.contains(item))?;
        request.replaces.map_or(Ok(()), |old| self.check_replaced(by, request, old))?;
        self.check_members(by, request)?;
        check_end(by, request.valid_until)
    }

    fn check_members(&self, by: &Context<'_>, request: &GrantRequest) -> Result<(), Refusal> {
        let Some(members) = request.members.as_deref() else { return Ok(()) };
        if members.is_empty() || members.len() > MEMBERS_MAX {
            return Err(Refusal::Invalid(format!("members are 1 to {MEMBERS_MAX} other departments")));
        }
        let distinct: BTreeSet<_> = members.iter().collect();
        if distinct.len() != members.len() || distinct.contains(by.department) {
            return Err(Refusal::Invalid("a department is named twice".into()));
        }
        if distinct.contains(&request.entry.provider) {
            return Err(Refusal::Invalid("a department needs no grant on its own data".into()));
        }
        match members.iter().find(|member| !self.departments.contains_key(*member)) {
            // A word in the request, not what it is about: to be mended there.
            Some(unknown) => Err(Refusal::Invalid(format!("members: there is no department {unknown}"))),
            None => Ok(()),
        }
    }

    pub(super) fn approve_grant(&mut self, by: &Context<'_>, approval: Approval) -> Result<(), Refusal> {
        let grant = self.decidable(by, approval.grant)?;
        self.check_approval(by, grant, &approval)?;
        self.check_first_of_two(by, grant, &approval)?;
        let replaced = self.replaced_by(by, grant)?;
        if let Some(old) = replaced {
            let (id, at) = (approval.grant, by.at);
            self.grants.change(&old, |old| {
                if let GrantDecision::Active { approval, .. } = &old.decision {
                    old.decision = GrantDecision::Replaced { approval: approval.clone(), by: id, at };
                }
            });
        }
        self.decide(approval.grant, GrantDecision::Active { approval, by: by.actor.clone().into(), at: by.at });
        Ok(())
    }

    /// What an approval must keep to, the first of two as well as the last.
    pub(super) fn check_approval(&self, by: &Context<'_>, grant: &Grant, approval: &Approval) -> Result<(), Refusal> {
        let request = &grant.request;
        if approval.items.is_empty() {
            return Err(Refusal::Invalid("grant at least one item, or deny".into()));
        }
        let distinct: BTreeSet<_> = approval.items.iter().map(|item| &item.name).collect();
        if distinct.len() != approval.items.len() {
            return Err(Refusal::Invalid("an item is granted twice".into()));
        }
        if let Some(item) = approval.items.iter().find(|item| !request.items.contains(&item.name)) {
            return Err(Refusal::Invalid(format!("item {} was not asked for", item.name)));
        }
        if approval.daily_max == 0 {
            return Err(Refusal::Invalid("daily_max is at least 1".into()));
        }
        if let Some(what) = approval.wider(&request.ceiling(approval.grant)) {
            return Err(Refusal::Invalid(format!("{what} is wider than asked for")));
        }
        check_window(approval.hours, approval.network_zone.as_deref())?;
        if let Some(history) = self.entries.get(&request.entry) {
            check_bounds(approval.bounds.as_deref(), &history.current().entry)?;
        }
        let given = |item: &ItemName| approval.items.iter().any(|given| &given.name == item);
        check_terms(by, approval.bounds.as_deref(), approval.valid_until, given)?;
        check_end(by, approval.valid_until)
    }

    pub(super) fn deny_grant(&mut self, by: &Context<'_>, ending: GrantEnding) -> Result<(), Refusal> {
        limits::text("reason", &ending.reason, limits::TEXT_CHARS_MAX)?;
        self.decidable(by, ending.grant)?;
        let denied = GrantDecision::Denied { reason: ending.reason, by: by.actor.clone().into(), at: by.at };
        self.decide(ending.grant, denied);
        Ok(())
    }

    pub(super) fn revoke_grant(&mut self, by: &Context<'_>, ending: GrantEnding) -> Result<(), Refusal> {
        limits::text("reason", &ending.reason, limits::TEXT_CHARS_MAX)?;
        let unknown = || Refusal::Unknown(format!("grant {}", ending.grant));
        let grant = self.grants.get(&ending.grant).ok_or_else(unknown)?;
        if grant.provider() != by.department && &grant.consumer != by.department {
            return Err(Refusal::NotAllowed("only provider or consumer may revoke a grant".into()));
        }
        reviewer(by)?;
        let GrantDecision::Active { approval, .. } = &grant.decision else {
            return Err(Refusal::Conflict(format!("the grant is {}", grant.state(by.at).as_str())));
        };
        let approval = approval.clone();
        let revoked =
            GrantDecision::Revoked { approval, reason: ending.reason, by: by.actor.clone().into(), at: by.at };
        self.decide(ending.grant, revoked);
        Ok(())
    }

    pub(super) fn decide(&mut self, id: GrantId, mut decision: GrantDecision) {
        self.repeated.share_decision(&mut decision);
        self.grants.change(&id, |grant| grant.decision = decision);
    }

    /// A requested grant that this reviewer of the provider may decide.
    pub(super) fn decidable(&self, by: &Context<'_>, id: GrantId) -> Result<&Grant, Refusal> {
        let grant = self.grants.get(&id).ok_or_else(|| Refusal::Unknown(format!("grant {id}")))?;
        if grant.provider() != by.department {
            return Err(Refusal::NotAllowed("only the provider decides on a grant".into()));
        }
        reviewer(by)?;
        match grant.state(by.at) {
            GrantState::Requested => Ok(grant),
            other => Err(Refusal::Conflict(format!("the grant is {}", other.as_str()))),
        }
    }
}

/// By what most grants for another purpose are passed over without being looked at.
fn purpose_tag(purpose: &str) -> u32 {
    crc32fast::hash(purpose.as_bytes())
}

/// Hours and zone of a request or an approval.
fn check_window(hours: Option<(u8, u8)>, zone: Option<&str>) -> Result<(), Refusal> {
    if let Some((from, to)) = hours
        && !(from < to && to <= 24)
    {
        return Err(Refusal::Invalid("hours are [from, to) within 0 to 24".into()));
    }
    if zone.is_some_and(|zone| zone.is_empty() || zone.len() > 40) {
        return Err(Refusal::Invalid("network_zone has 1 to 40 characters".into()));
    }
    Ok(())
}

fn check_details(details: Option<&Details>) -> Result<(), Refusal> {
    let Some(Details { purpose_text, legal_clause, letter: _, assessment, system }) = details else { return Ok(()) };
    let texts = [
        ("purpose_text", purpose_text.as_deref()),
        ("legal_clause", legal_clause.as_deref()),
        ("assessment", assessment.as_deref()),
        ("system", system.as_deref()),
    ];
    texts
        .iter()
        .try_for_each(|(what, value)| value.map_or(Ok(()), |value| limits::text(what, value, limits::TEXT_CHARS_MAX)))
}

fn check_bounds(bounds: Option<&Bounds>, entry: &Entry) -> Result<(), Refusal> {
    bounds.map_or(Ok(()), |bounds| bounds.check(entry).map_err(Refusal::Invalid))
}

/// A term is of an item that is asked for or given, and ends before the whole does.
fn check_terms(
    by: &Context<'_>,
    bounds: Option<&Bounds>,
    end: Millis,
    named: impl Fn(&ItemName) -> bool,
) -> Result<(), Refusal> {
    for ItemTerm { item, valid_until } in bounds.iter().flat_map(|bounds| bounds.item_terms.iter().flatten()) {
        if !named(item) {
            return Err(Refusal::Invalid(format!("item_terms: {item} is not among the items")));
        }
        if *valid_until > end {
            return Err(Refusal::Invalid(format!("item_terms: {item} ends after the grant")));
        }
        check_end(by, *valid_until)?;
    }
    Ok(())
}

fn check_end(by: &Context<'_>, end: Millis) -> Result<(), Refusal> {
    if end <= by.at {
        Err(Refusal::Invalid("valid_until lies in the past".into()))
    } else if end.since(by.at) > TERM_MS_MAX {
        Err(Refusal::Invalid("valid_until is more than five years away".into()))
    } else {
        Ok(())
    }
}
