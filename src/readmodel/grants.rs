//! Grants as listings show them: what was asked for, what was allowed, how it ended.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::domain::Actor;
use crate::domain::command::GrantEnding;
use crate::domain::grant::bounds::Bounds;
use crate::domain::grant::life::AppealRuling;
use crate::domain::grant::{Approval, GrantRequest, GrantState, GrantedItem};
use crate::domain::shared::Shared;
use crate::ids::{DepartmentId, EntryName, GrantId};

use super::ReadModel;
use super::columns::{column, from_json, number, to_json};
use super::database::{Database, on_each, save_row};
use super::error::ReadError;
use super::page::{Page, PageRequest};
use super::position::projected;
use super::projector::Origin;
use super::schema::{grant_members, grants};

/// A grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantView {
    /// Id of the requesting transaction.
    pub id: GrantId,
    /// Where it stands at the moment of reading.
    pub state: GrantState,
    /// Who asked.
    pub consumer: DepartmentId,
    /// Whose data it is.
    pub provider: DepartmentId,
    /// Which person or system asked.
    pub requested_by: Actor,
    /// Block time of the request.
    pub requested_at: Millis,
    /// Index of the request.
    pub ledger_index: u64,
    /// What was asked for; its `items`, `daily_max` and `valid_until` are wishes.
    pub request: GrantRequest,
    /// What the provider allowed.
    pub approval: Option<ApprovalView>,
    /// Refusal or revocation.
    pub ending: Option<GrantEndingView>,
    /// The first of two approvals.
    #[serde(default)]
    pub first_approval: Option<ApprovalView>,
    /// The renewed or changed grant that came in its place.
    #[serde(default)]
    pub replaced_by: Option<GrantId>,
    /// What the provider's time to decide is counted from, while it has to decide.
    #[serde(default)]
    pub due: Option<Due>,
    /// Until when it has to; none where the reader has no calendar.
    #[serde(default)]
    pub decide_by: Option<Millis>,
    /// Everything that happened, oldest first; of a very long story the newest part.
    #[serde(default)]
    pub steps: Vec<GrantStepView>,
}

/// What the provider's time to decide is counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Due {
    /// From the request.
    Decide(Millis),
    /// From the request, with the provider's extension.
    Extended(Millis),
    /// The authority named the moment when it upheld an appeal.
    Returned(Millis),
}

impl Due {
    fn columns(self) -> (&'static str, Millis) {
        match self {
            Self::Decide(from) => ("decide", from),
            Self::Extended(from) => ("extended", from),
            Self::Returned(until) => ("returned", until),
        }
    }
}

/// What waits longer than it should: requests made before these moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overdue {
    /// Plain requests.
    pub decide: Millis,
    /// Requests whose time was extended.
    pub extended: Millis,
    /// Those with a moment of their own.
    pub returned: Millis,
}

/// One thing that happened to a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantStepView {
    /// Kind of the transaction.
    pub kind: String,
    /// Who.
    pub by: Actor,
    /// For which department.
    pub department: DepartmentId,
    /// Why, where a reason is given.
    pub reason: Option<String>,
    /// Block time.
    pub at: Millis,
    /// Index of the transaction.
    pub ledger_index: u64,
}

/// Steps that a grant's view keeps.
const STEPS_MAX: usize = 100;

impl GrantView {
    fn step(&mut self, origin: &Origin<'_>, kind: &str, reason: Option<&str>) {
        if self.steps.len() >= STEPS_MAX {
            self.steps.remove(0);
        }
        self.steps.push(GrantStepView {
            kind: kind.to_owned(),
            by: origin.actor.clone(),
            department: origin.department.clone(),
            reason: reason.map(str::to_owned),
            at: origin.at,
            ledger_index: origin.index,
        });
    }

    /// The state at a moment: expiry follows from time, not from a transaction.
    fn at(mut self, now: Millis) -> Self {
        if matches!(self.state, GrantState::Active | GrantState::Suspended)
            && self.approval.as_ref().is_some_and(|a| a.valid_until <= now)
        {
            self.state = GrantState::Expired;
        }
        self
    }
}

/// What a provider allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalView {
    /// Items, each with its masking.
    pub items: Shared<[GrantedItem]>,
    /// Queries a calendar day.
    pub daily_max: u32,
    /// Until when.
    pub valid_until: Millis,
    /// Network zone, when the provider limits it.
    #[serde(default)]
    pub network_zone: Option<String>,
    /// Hours of the day, when the provider limits them.
    #[serde(default)]
    pub hours: Option<(u8, u8)>,
    /// Rate, days of the week and rows, as far as the provider limits them.
    #[serde(default)]
    pub bounds: Bounds,
    /// The reviewer.
    pub by: Actor,
    /// Block time.
    pub at: Millis,
    /// Index of the approval.
    pub ledger_index: u64,
}

/// A refusal or revocation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantEndingView {
    /// Why.
    pub reason: String,
    /// Who said so, and for which department.
    pub by: Actor,
    /// The department that ended it.
    pub department: DepartmentId,
    /// Block time.
    pub at: Millis,
    /// Index of the transaction.
    pub ledger_index: u64,
}

/// Which grants to list.
#[derive(Clone, Debug, Default)]
pub struct GrantFilter {
    /// Asked for by this department, alone or for it by another.
    pub consumer: Option<DepartmentId>,
    /// On data of this department.
    pub provider: Option<DepartmentId>,
    /// Of which this department is consumer or provider.
    pub involved: Option<DepartmentId>,
    /// On this entry.
    pub entry: Option<EntryName>,
    /// In this state at the moment of reading.
    pub state: Option<GrantState>,
    /// Waiting for a decision longer than the provider has.
    pub overdue: Option<Overdue>,
    /// Which page.
    pub page: PageRequest,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = grants, treat_none_as_default_value = false, treat_none_as_null = true)]
struct GrantRow {
    id: String,
    requested_index: i64,
    consumer: String,
    provider: String,
    entry: String,
    state: String,
    valid_until: i64,
    doc: String,
    due: Option<String>,
    due_from: Option<i64>,
}

pub(super) fn request(connection: &mut Database, origin: &Origin<'_>, request: GrantRequest) -> Result<(), ReadError> {
    let mut view = GrantView {
        id: origin.id.into(),
        state: GrantState::Requested,
        consumer: origin.department.clone(),
        provider: request.entry.provider.clone(),
        requested_by: origin.actor.clone(),
        requested_at: origin.at,
        ledger_index: origin.index,
        request,
        approval: None,
        ending: None,
        first_approval: None,
        replaced_by: None,
        due: Some(Due::Decide(origin.at)),
        decide_by: None,
        steps: Vec::new(),
    };
    view.step(origin, "grant.request", None);
    for member in view.request.members() {
        let row = (grant_members::grant_id.eq(view.id.to_string()), grant_members::department.eq(member.as_str()));
        on_each!(connection, |each| diesel::insert_into(grant_members::table)
            .values(row)
            .on_conflict_do_nothing()
            .execute(each))?;
    }
    save(connection, &view)
}

pub(super) fn preapprove(connection: &mut Database, origin: &Origin<'_>, approval: Approval) -> Result<(), ReadError> {
    let mut view = load(connection, approval.grant)?;
    view.first_approval = Some(ApprovalView::of(origin, approval));
    view.step(origin, "grant.preapprove", None);
    save(connection, &view)
}

pub(super) fn approve(connection: &mut Database, origin: &Origin<'_>, approval: Approval) -> Result<(), ReadError> {
    let mut view = load(connection, approval.grant)?;
    view.state = GrantState::Active;
    view.approval = Some(ApprovalView::of(origin, approval));
    view.due = None;
    view.step(origin, "grant.approve", None);
    save(connection, &view)?;
    let Some(old) = view.request.replaces else { return Ok(()) };
    let mut old = load(connection, old)?;
    if old.state == GrantState::Active {
        old.state = GrantState::Replaced;
        old.replaced_by = Some(view.id);
        old.step(origin, "grant.approve", None);
        save(connection, &old)?;
    }
    Ok(())
}

pub(super) fn end(
    connection: &mut Database,
    origin: &Origin<'_>,
    ending: GrantEnding,
    state: GrantState,
) -> Result<(), ReadError> {
    let mut view = load(connection, ending.grant)?;
    view.state = state;
    view.due = None;
    let kind = if state == GrantState::Denied { "grant.deny" } else { "grant.revoke" };
    view.step(origin, kind, Some(&ending.reason));
    view.ending = Some(GrantEndingView {
        reason: ending.reason,
        by: origin.actor.clone(),
        department: origin.department.clone(),
        at: origin.at,
        ledger_index: origin.index,
    });
    save(connection, &view)
}

/// A step after which the grant stands in another state, or waits for longer.
pub(super) fn turn(
    connection: &mut Database,
    origin: &Origin<'_>,
    said: &GrantEnding,
    kind: &str,
    state: GrantState,
) -> Result<(), ReadError> {
    let mut view = load(connection, said.grant)?;
    view.state = state;
    if let (GrantState::Requested, Some(Due::Decide(from))) = (state, view.due) {
        view.due = Some(Due::Extended(from));
    }
    view.step(origin, kind, Some(&said.reason));
    save(connection, &view)
}

pub(super) fn rule(connection: &mut Database, origin: &Origin<'_>, ruling: AppealRuling) -> Result<(), ReadError> {
    let mut view = load(connection, ruling.grant)?;
    view.step(origin, "grant.rule", Some(&ruling.reason));
    view.state = GrantState::Denied;
    if ruling.upheld {
        view.state = GrantState::Requested;
        view.due = ruling.decide_by.map(Due::Returned);
        view.ending = None;
        view.first_approval = None;
    }
    save(connection, &view)
}

impl ApprovalView {
    fn of(origin: &Origin<'_>, approval: Approval) -> Self {
        Self {
            items: approval.items,
            daily_max: approval.daily_max,
            valid_until: approval.valid_until,
            network_zone: approval.network_zone,
            hours: approval.hours,
            bounds: approval.bounds.map(|bounds| *bounds).unwrap_or_default(),
            by: origin.actor.clone(),
            at: origin.at,
            ledger_index: origin.index,
        }
    }
}

#[diesel::dsl::auto_type(no_type_alias)]
fn shared_by<'a>(department: &'a DepartmentId) -> _ {
    let department: &'a str = department.as_str();
    grant_members::table.filter(grant_members::department.eq(department)).select(grant_members::grant_id)
}

fn load(connection: &mut Database, id: GrantId) -> Result<GrantView, ReadError> {
    let doc: Option<String> = grants::table.find(id.to_string()).select(grants::doc).first(connection).optional()?;
    from_json(&doc.ok_or_else(|| ReadError::Corrupt(format!("grant {id} is missing in the projection")))?)
}

fn save(connection: &mut Database, view: &GrantView) -> Result<(), ReadError> {
    let valid_until = view.approval.as_ref().map_or(view.request.valid_until, |approval| approval.valid_until);
    let row = GrantRow {
        id: view.id.to_string(),
        requested_index: column(view.ledger_index),
        consumer: view.consumer.to_string(),
        provider: view.provider.to_string(),
        entry: view.request.entry.to_string(),
        state: view.state.as_str().to_owned(),
        valid_until: column(valid_until.0),
        doc: to_json(view)?,
        due: view.due.map(|due| due.columns().0.to_owned()),
        due_from: view.due.map(|due| column(due.columns().1.0)),
    };
    save_row!(connection, grants::table, grants::id, &row)?;
    Ok(())
}

impl ReadModel {
    /// Grants, the newest request first, in the state of the moment `now`.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn grants(&self, filter: &GrantFilter, now: Millis) -> Result<Page<GrantView>, ReadError> {
        let (limit, below) = (filter.page.limit()?, filter.page.below('g')?);
        let mut query = grants::table.filter(grants::requested_index.lt(below)).into_boxed();
        if let Some(consumer) = &filter.consumer {
            query = query.filter(grants::consumer.eq(consumer.to_string()).or(grants::id.eq_any(shared_by(consumer))));
        }
        if let Some(provider) = &filter.provider {
            query = query.filter(grants::provider.eq(provider.as_str()));
        }
        if let Some(department) = &filter.involved {
            let (consumer, provider) = (department.to_string(), department.to_string());
            let shared = grants::id.eq_any(shared_by(department));
            query = query.filter(grants::consumer.eq(consumer).or(grants::provider.eq(provider)).or(shared));
        }
        if let Some(entry) = &filter.entry {
            query = query.filter(grants::entry.eq(entry.to_string()));
        }
        if let Some(Overdue { decide, extended, returned }) = filter.overdue {
            let late =
                |due: &'static str, before: Millis| grants::due.eq(due).and(grants::due_from.lt(column(before.0)));
            let any = late("decide", decide).or(late("extended", extended)).or(late("returned", returned));
            query = query.filter(any.assume_not_null());
        }
        let running = [GrantState::Active.as_str(), GrantState::Suspended.as_str()];
        query = match filter.state {
            None => query,
            Some(state @ (GrantState::Active | GrantState::Suspended)) => {
                query.filter(grants::state.eq(state.as_str())).filter(grants::valid_until.gt(column(now.0)))
            }
            Some(GrantState::Expired) => {
                query.filter(grants::state.eq_any(running)).filter(grants::valid_until.le(column(now.0)))
            }
            Some(state) => query.filter(grants::state.eq(state.as_str())),
        };
        self.read(|connection| {
            let rows: Vec<(i64, String)> = query
                .order(grants::requested_index.desc())
                .limit(limit)
                .select((grants::requested_index, grants::doc))
                .load(connection)?;
            let index = projected(connection)?.ledger_index();
            let view = |(_, doc): (i64, String)| from_json::<GrantView>(&doc).map(|view| view.at(now));
            filter.page.page('g', rows, index, |row| number(row.0), view)
        })
    }

    /// How many requests wait for a provider's decision; only those that are late by `late`, when it is given.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn grants_to_decide(&self, provider: &DepartmentId, late: Option<Overdue>) -> Result<u64, ReadError> {
        let mut query = grants::table
            .filter(grants::provider.eq(provider.to_string()))
            .filter(grants::due.is_not_null())
            .into_boxed();
        if let Some(Overdue { decide, extended, returned }) = late {
            let late =
                |due: &'static str, before: Millis| grants::due.eq(due).and(grants::due_from.lt(column(before.0)));
            let any = late("decide", decide).or(late("extended", extended)).or(late("returned", returned));
            query = query.filter(any.assume_not_null());
        }
        self.read(|connection| Ok(number(query.count().get_result(connection)?)))
    }

    /// One grant in its state of the moment `now`.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn grant(&self, id: GrantId, now: Millis) -> Result<Option<GrantView>, ReadError> {
        self.read(|connection| {
            let doc: Option<String> =
                grants::table.find(id.to_string()).select(grants::doc).first(connection).optional()?;
            doc.map(|doc| from_json::<GrantView>(&doc).map(|view| view.at(now))).transpose()
        })
    }
}
