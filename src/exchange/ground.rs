//! What a decision rests on: the entry in force, the one grant that could apply, and the facts for the rules.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Map, Value};

use crate::clock::Millis;
use crate::domain::catalog::{Entry, EntryState, Sharing};
use crate::domain::grant::bounds::{RowScope, is_on};
use crate::domain::grant::{Approval, Grant, GrantMode, GrantState};
use crate::domain::schema::Schema;
use crate::domain::{Role, Text};
use crate::ids::{DepartmentId, EntryName, ItemName};
use crate::policy::facts::{Action, Facts, Match, Relation};
use crate::policy::reason::{self, Reason};
use crate::policy::{Decision, Engine};
use crate::state::State;

use super::answer::{Explanation, ReasonText};
use super::ledger::Ledger;

const HOUR_MS: u64 = 3_600_000;
const ENTRIES_CACHED: usize = 4_096;
/// What decides when the rules allow a call and the rows that its grant reaches do not.
pub const SCOPE_RULE: &str = "grant-scope";
/// Since this edition records state the facts.
const FACTS_EDITION: u32 = 3;
/// The ledger may change between two looks at it.
const LOOKS_MAX: usize = 8;

/// A published entry with its compiled schemas.
pub(super) struct Served {
    pub entry: Entry,
    pub request: Schema,
    pub response: Schema,
    index: u64,
}

/// Compiled entries and the rules' engine, made anew when the ledger changes them.
#[derive(Default)]
pub(super) struct Compiled {
    entries: Mutex<HashMap<EntryName, Arc<Served>>>,
    engine: Mutex<Option<(u64, Arc<Engine>)>>,
}

/// One call, as far as the rules look at it.
pub struct Call<'a> {
    /// Who asks.
    pub consumer: &'a DepartmentId,
    /// In which role.
    pub role: Role,
    /// What for.
    pub entry: &'a EntryName,
    /// Purpose code.
    pub purpose: &'a str,
    /// Items asked for; none means all that the grant gives.
    pub items: &'a [ItemName],
    /// None where nothing is known of them, as in a general question for an explanation.
    pub params: Option<&'a Map<String, Value>>,
    /// Network zone from which it comes.
    pub zone: Option<&'a str>,
    /// When.
    pub now: Millis,
}

/// What a state says of a call.
pub struct Seen {
    /// The one grant that could apply.
    pub grant: Option<Grant>,
    /// Items that the call asks for; all that it may have, when it names none.
    pub items: Vec<ItemName>,
    /// What the rules are given.
    pub facts: Facts,
    /// Whether the parameters name rows that the grant does not reach.
    pub out_of_scope: bool,
}

/// What one decision rests on.
pub(super) struct Ground {
    pub served: Option<Arc<Served>>,
    pub grant: Option<Grant>,
    pub items: Vec<ItemName>,
    /// Size of the ledger.
    pub basis: u64,
    pub facts: Facts,
    /// Whether the ledger's edition has a place for the facts in a record.
    pub records_facts: bool,
    pub engine: Arc<Engine>,
    out_of_scope: bool,
}

impl Compiled {
    /// The current version of an entry, and where it stands.
    pub(super) fn entry(
        &self,
        ledger: &dyn Ledger,
        name: &EntryName,
    ) -> Result<Option<(Arc<Served>, EntryState)>, String> {
        let (fresh, state) = {
            let state = ledger.state();
            let Some(history) = state.entry(name) else { return Ok(None) };
            let current = history.current();
            if let Some(known) = self.entries.lock().get(name)
                && known.index == current.index
            {
                return Ok(Some((known.clone(), history.state)));
            }
            ((current.entry.clone(), current.index), history.state)
        };
        // Compiled without holding the state: applying blocks must not wait for it.
        let (entry, index) = fresh;
        let request = Schema::compile(&entry.request_schema)?;
        let response = Schema::compile(&entry.response_schema)?;
        let served = Arc::new(Served { entry, request, response, index });
        let mut entries = self.entries.lock();
        if entries.len() >= ENTRIES_CACHED {
            entries.clear();
        }
        entries.insert(name.clone(), served.clone());
        Ok(Some((served, state)))
    }

    fn engine(&self, ledger: &dyn Ledger) -> Result<Arc<Engine>, String> {
        let document = {
            let state = ledger.state();
            let document = state.policy().ok_or("the chain has not begun")?;
            if let Some((version, engine)) = &*self.engine.lock()
                && *version == document.version
            {
                return Ok(engine.clone());
            }
            document.clone()
        };
        let engine = Arc::new(Engine::new(&document).map_err(|e| e.to_string())?);
        *self.engine.lock() = Some((document.version, engine.clone()));
        Ok(engine)
    }

    /// Looks up what a call's decision rests on: all of it as it stands at one size of the ledger.
    pub(super) fn ground(&self, ledger: &dyn Ledger, call: &Call<'_>) -> Result<Ground, String> {
        for _ in 0..LOOKS_MAX {
            let engine = self.engine(ledger)?;
            let (served, stands) = self.entry(ledger, call.entry)?.unzip();
            let state = ledger.state();
            let now = state.entry(call.entry).map(|history| (history.current().index, history.state));
            let is_same = now == served.as_ref().map(|served| served.index).zip(stands);
            if is_same && state.policy().is_some_and(|policy| policy.version == engine.version()) {
                let Seen { grant, items, facts, out_of_scope } = look(&state, call);
                let (basis, records_facts) = (state.size(), state.edition() >= FACTS_EDITION);
                return Ok(Ground { served, grant, items, basis, facts, records_facts, engine, out_of_scope });
            }
        }
        Err("the entry or the rules change faster than they can be read".into())
    }
}

/// Looks a call up in a state: the entry in force, the grant that could apply, and the facts that follow. Costs the
/// same with ten grants or ten million.
pub fn look(state: &State, call: &Call<'_>) -> Seen {
    let history = state.entry(call.entry);
    let entry = history.map(|history| &history.current().entry);
    let own = call.consumer == &call.entry.provider;
    let needs_grant = !own && entry.is_some_and(|entry| entry.sharing == Sharing::Conditional);
    let grant = if needs_grant { best_grant(state, call) } else { None };
    let items = wanted(call, entry, grant.filter(|grant| grant.approval().is_some()), needs_grant);
    let facts = facts(call, entry, history.map(|history| history.state), grant, &items);
    let out_of_scope = grant.is_some_and(|grant| is_out_of_scope(grant, call, entry));
    Seen { grant: grant.cloned(), items, facts, out_of_scope }
}

impl Ground {
    /// Asks the rules.
    pub(super) fn decide(&self) -> Explanation {
        let mut decision = self.engine.decide(&self.facts);
        if decision.allowed && self.out_of_scope {
            decision = Decision { allowed: false, rule: SCOPE_RULE.to_owned(), reasons: vec![reason::OUTSIDE_SCOPE] };
        }
        let reason = |reason: Reason| ReasonText {
            code: reason.code.to_owned(),
            text: Text { zh: reason.zh.to_owned(), en: reason.en.to_owned() },
        };
        Explanation {
            allowed: decision.allowed,
            rule: decision.rule,
            reasons: decision.reasons.into_iter().map(reason).collect(),
            grant: self.grant.as_ref().map(|grant| grant.id),
            ledger_index: self.basis,
        }
    }

    /// Whether the grant gives yes or no only.
    pub(super) fn verifies_only(&self) -> bool {
        self.grant.as_ref().is_some_and(|grant| grant.request.mode == GrantMode::Verify)
    }

    /// The rows that the grant reaches; all of them when it is empty.
    pub(super) fn scope(&self) -> &[RowScope] {
        self.grant.as_ref().map(Grant::scope).unwrap_or_default()
    }

    /// What the grant's provider allowed.
    pub(super) fn approval(&self) -> Option<&Approval> {
        self.grant.as_ref().and_then(Grant::approval)
    }
}

/// Of the consumer's grants on the entry, the one that could apply: an active one for the same purpose first,
/// then the one that explains best why none does.
fn best_grant<'a>(state: &'a State, call: &Call<'a>) -> Option<&'a Grant> {
    let is_active = |grant: &&Grant| grant.state(call.now) == GrantState::Active;
    let fits = |grant: &&Grant| is_active(grant) && gives_all(grant, call.items, call.now);
    // Newest first, so the newest of the best.
    let same = || state.grants_for(call.consumer, call.entry, call.purpose);
    let any = || state.grants_of(call.consumer, call.entry);
    let of_purpose = same().find(fits).or_else(|| same().find(is_active)).or_else(|| same().next());
    of_purpose.or_else(|| any().find(is_active)).or_else(|| any().next())
}

fn gives_all(grant: &Grant, items: &[ItemName], at: Millis) -> bool {
    items.iter().all(|item| grant.gives(item, at))
}

/// Whether nothing can be had any more of a grant whose items have terms of their own.
fn is_used_up(grant: &Grant, at: Millis) -> bool {
    let given = grant.approval().map(|approval| &*approval.items).unwrap_or_default();
    !given.is_empty() && !given.iter().any(|item| grant.gives(&item.name, at))
}

fn wanted(call: &Call<'_>, entry: Option<&Entry>, grant: Option<&Grant>, needs_grant: bool) -> Vec<ItemName> {
    match (entry, grant) {
        _ if !call.items.is_empty() => call.items.to_vec(),
        (Some(entry), Some(grant)) => {
            let granted = grant.approval().into_iter().flat_map(|approval| &approval.items).map(|item| &item.name);
            granted.filter(|name| entry.item(name).is_some() && grant.gives(name, call.now)).cloned().collect()
        }
        (Some(entry), None) if !needs_grant => entry.items.iter().map(|item| item.name.clone()).collect(),
        _ => Vec::new(),
    }
}

fn facts(
    call: &Call<'_>,
    entry: Option<&Entry>,
    state: Option<EntryState>,
    grant: Option<&Grant>,
    items: &[ItemName],
) -> Facts {
    let own = call.consumer == &call.entry.provider;
    let relation = if own {
        Relation::Own
    } else if grant.is_some() {
        Relation::Consumer
    } else {
        Relation::Foreign
    };
    let within = match (grant, entry) {
        (Some(grant), _) => grant.approval().map(|_| gives_all(grant, items, call.now) && !is_used_up(grant, call.now)),
        (None, Some(entry)) => Some(items.iter().all(|item| entry.item(item).is_some())),
        (None, None) => None,
    };
    let zone = grant.and_then(Grant::network_zone);
    Facts {
        action: Action::Query,
        role: call.role,
        relation,
        same_person: false,
        entry: state,
        sharing: entry.map(|entry| entry.sharing),
        grade: entry.map_or(0, Entry::grade),
        grant: grant.map(|grant| grant.state(call.now)),
        purpose: matches(grant.map(|grant| &*grant.request.purpose == call.purpose)),
        items: matches(within),
        zone: matches(zone.map(|zone| call.zone == Some(zone))),
        hours: matches(grant.and_then(|grant| is_in_time(grant, call.now))),
    }
}

/// Whether a moment lies in the grant's hours and days of the week; `None` when it limits neither.
fn is_in_time(grant: &Grant, at: Millis) -> Option<bool> {
    let hours = grant.hours().map(|hours| is_within(hours, at));
    let days = grant.weekdays().map(|days| is_on(days, at));
    hours.into_iter().chain(days).reduce(|one, other| one && other)
}

/// Whether a parameter has a value that the grant does not allow. Where a restriction is not of a parameter, rows are
/// left out instead; a parameter that is left out, and of which the rows tell nothing, could name anything.
fn is_out_of_scope(grant: &Grant, call: &Call<'_>, entry: Option<&Entry>) -> bool {
    let (Some(params), Some(entry)) = (call.params, entry) else { return false };
    grant.scope().iter().any(|scope| match scope.holds(params) {
        Some(holds) => !holds,
        None => entry.item(&scope.field).is_none(),
    })
}

fn matches(answer: Option<bool>) -> Match {
    match answer {
        Some(true) => Match::Yes,
        Some(false) => Match::No,
        None => Match::NotApplicable,
    }
}

/// Whether a moment lies in the hours `[from, to)` at UTC+8; a window may go over midnight.
fn is_within((from, to): (u8, u8), at: Millis) -> bool {
    let hour = (at.0 / HOUR_MS + 8) % 24;
    let (from, to) = (u64::from(from), u64::from(to));
    if from <= to { (from..to).contains(&hour) } else { hour >= from || hour < to }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_of_hours_may_go_over_midnight() {
        // 10:15 in Beijing.
        let at = Millis::parse("2026-11-21T02:15:00Z").unwrap();
        assert!(is_within((10, 11), at) && is_within((0, 24), at) && is_within((22, 11), at));
        assert!(!is_within((11, 18), at) && !is_within((22, 10), at) && !is_within((8, 10), at));
    }
}
