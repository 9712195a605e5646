//! `/grants`: ask for a grant, decide on it, end it.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::crypto::digest::Hash;
use crate::domain::grant::bounds::{Bounds, ItemTerm, Rate, RowScope};
use crate::domain::grant::{Details, GrantMode, GrantRequest, GrantState};
use crate::ids::{DepartmentId, EntryName, GrantId, ItemName, Version};
use crate::readmodel::grants::GrantFilter;
use crate::service::grants::{ItemLimit, Limits};
use crate::service::{Committed, Node};
use crate::web::extract::{ApiBody, Body, Caller, Filter, Wait};
use crate::web::problem::Problem;

use super::catalog::Why;
use super::listing::{Fresh, Moment, fresh, page};
use super::views::Page;
use super::views::grants::{GrantAnswer, GrantStep};

/// Filters of grants.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Asked for by this department.
    consumer: Option<DepartmentId>,
    /// On data of this department.
    provider: Option<DepartmentId>,
    /// Of which this department is consumer or provider.
    involved: Option<DepartmentId>,
    /// On this entry.
    entry: Option<EntryName>,
    /// In this state at this moment.
    state: Option<GrantState>,
    /// Waiting for a decision longer than the provider has, by this node's calendar.
    overdue: Option<bool>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items wanted, 1 to 200; 50 when left out.
    page_size: Option<u32>,
    /// Wait up to 5 s until the answer reflects the transaction of this ledger index.
    min_index: Option<u64>,
}

/// What a department asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    entry: EntryName,
    #[serde(default)]
    version: Option<Version>,
    purpose: String,
    legal_basis: String,
    matter: String,
    items: Vec<ItemName>,
    #[serde(default)]
    mode: GrantMode,
    daily_max: u32,
    valid_until: Moment,
    #[serde(default)]
    network_zone: Option<String>,
    #[serde(default)]
    hours: Option<(u8, u8)>,
    #[serde(default)]
    weekdays: Option<Vec<u8>>,
    #[serde(default)]
    rate: Option<Rate>,
    #[serde(default)]
    scope: Option<Vec<RowScope>>,
    #[serde(default)]
    item_terms: Option<Vec<Term>>,
    #[serde(default)]
    purpose_text: Option<String>,
    #[serde(default)]
    legal_clause: Option<String>,
    #[serde(default)]
    letter: Option<Hash>,
    #[serde(default)]
    assessment: Option<String>,
    #[serde(default)]
    system: Option<String>,
    #[serde(default)]
    replaces: Option<GrantId>,
    #[serde(default)]
    members: Option<Vec<DepartmentId>>,
}

impl ApiBody for Asked {
    const SCHEMA: Option<&'static str> = Some("grant");
}

/// The provider's own limits.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approved {
    #[serde(default)]
    items: Option<Vec<ItemLimit>>,
    #[serde(default)]
    daily_max: Option<u32>,
    #[serde(default)]
    valid_until: Option<Moment>,
    #[serde(default)]
    network_zone: Option<String>,
    #[serde(default)]
    hours: Option<(u8, u8)>,
    #[serde(default)]
    weekdays: Option<Vec<u8>>,
    #[serde(default)]
    rate: Option<Rate>,
    #[serde(default)]
    scope: Option<Vec<RowScope>>,
    #[serde(default)]
    item_terms: Option<Vec<Term>>,
}

/// Until when one item may be had.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Term {
    item: ItemName,
    valid_until: Moment,
}

fn terms(stated: Option<Vec<Term>>) -> Option<Vec<ItemTerm>> {
    let term = |Term { item, valid_until }| ItemTerm { item, valid_until: valid_until.0 };
    stated.map(|terms| terms.into_iter().map(term).collect())
}

impl ApiBody for Approved {
    const SCHEMA: Option<&'static str> = Some("approval");
    const OPTIONAL: bool = true;
}

impl Asked {
    fn request(self, version: Version) -> GrantRequest {
        let (purpose_text, legal_clause) = (self.purpose_text.map(Into::into), self.legal_clause.map(Into::into));
        let Self { letter, assessment, system, weekdays, rate, scope, item_terms, .. } = self;
        GrantRequest {
            entry: self.entry,
            version,
            purpose: self.purpose.into(),
            legal_basis: self.legal_basis.into(),
            matter: self.matter.into(),
            items: self.items.into(),
            mode: self.mode,
            daily_max: self.daily_max,
            valid_until: self.valid_until.0,
            network_zone: self.network_zone,
            hours: self.hours,
            details: Details { purpose_text, legal_clause, letter, assessment, system: system.map(Into::into) }
                .stated(),
            bounds: Bounds { weekdays, rate, scope, item_terms: terms(item_terms) }.stated(),
            replaces: self.replaces,
            members: self.members.map(Vec::into_boxed_slice),
        }
    }
}

/// A new term.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renewed {
    valid_until: Moment,
}

impl ApiBody for Renewed {
    const SCHEMA: Option<&'static str> = Some("renewal");
}

/// The authority's word on an appeal.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ruled {
    upheld: bool,
    reason: String,
}

impl ApiBody for Ruled {
    const SCHEMA: Option<&'static str> = Some("ruling");
}

/// **Permissions**: clerk, reviewer or system of the consumer.
pub async fn request(node: Data<Node>, caller: Caller, _: Wait, asked: Body<Asked>) -> Result<HttpResponse, Problem> {
    let version = match asked.0.version {
        Some(version) => version,
        None => node.entry(asked.0.entry.clone(), None).await?.current_version,
    };
    let request = asked.0.request(version);
    let committed = node.request_grant(&caller.0, request).await?;
    let step = step(committed.transaction_id.into(), GrantState::Requested, &committed);
    Ok(HttpResponse::Created().json(step))
}

/// **Permissions**: everybody signed in.
pub async fn list(node: Data<Node>, _: Caller, query: Filter<Search>) -> Result<Json<Page<GrantAnswer>>, Problem> {
    let Search { consumer, provider, involved, entry, state, overdue, cursor, page_size, min_index } = query.0;
    fresh(&node, min_index).await?;
    let overdue = overdue.unwrap_or(false).then(|| node.overdue());
    let filter = GrantFilter { consumer, provider, involved, entry, state, overdue, page: page(cursor, page_size) };
    Ok(Json(node.grants(filter).await?.into()))
}

/// **Permissions**: everybody signed in.
pub async fn show(
    node: Data<Node>,
    _: Caller,
    id: Path<GrantId>,
    query: Filter<Fresh>,
) -> Result<Json<GrantAnswer>, Problem> {
    fresh(&node, query.0.min_index).await?;
    Ok(Json(node.grant(*id).await?.into()))
}

/// **Permissions**: reviewer of the provider; on an entry of grade 4 two of them, one after the other.
pub async fn approve(
    node: Data<Node>,
    caller: Caller,
    id: Path<GrantId>,
    _: Wait,
    limits: Body<Approved>,
) -> Result<Json<GrantStep>, Problem> {
    let Approved { items, daily_max, valid_until, network_zone, hours, weekdays, rate, scope, item_terms } = limits.0;
    let valid_until = valid_until.map(|moment| moment.0);
    let bounds = Bounds { weekdays, rate, scope, item_terms: terms(item_terms) };
    let limits = Limits { items, daily_max, valid_until, network_zone, hours, bounds };
    let (committed, state) = node.approve_grant(&caller.0, *id, limits).await?;
    Ok(Json(step(*id, state, &committed)))
}

/// Handlers of the steps that take nothing but a reason: each with its use case and the state that follows.
macro_rules! with_a_reason {
    ($($(#[$permissions:meta])* $handler:ident: $use_case:ident => $state:ident;)+) => {$(
        $(#[$permissions])*
        pub async fn $handler(
            node: Data<Node>,
            caller: Caller,
            id: Path<GrantId>,
            _: Wait,
            why: Body<Why>,
        ) -> Result<Json<GrantStep>, Problem> {
            let committed = node.$use_case(&caller.0, *id, why.0.reason).await?;
            Ok(Json(step(*id, GrantState::$state, &committed)))
        }
    )+};
}

with_a_reason! {
    /// **Permissions**: reviewer of the provider.
    deny: deny_grant => Denied;
    /// **Permissions**: reviewer of the provider or of the consumer.
    revoke: revoke_grant => Revoked;
    /// **Permissions**: reviewer of the provider or of the authority.
    suspend: suspend_grant => Suspended;
    /// **Permissions**: reviewer of the department that suspended it, or of the authority.
    resume: resume_grant => Active;
    /// **Permissions**: reviewer of the provider.
    extend: extend_grant => Requested;
    /// **Permissions**: clerk or reviewer of the consumer.
    appeal: appeal_grant => Appealed;
}

/// **Permissions**: clerk, reviewer or system of the consumer.
pub async fn renew(
    node: Data<Node>,
    caller: Caller,
    id: Path<GrantId>,
    _: Wait,
    term: Body<Renewed>,
) -> Result<HttpResponse, Problem> {
    let committed = node.renew_grant(&caller.0, *id, term.0.valid_until.0).await?;
    let step = step(committed.transaction_id.into(), GrantState::Requested, &committed);
    Ok(HttpResponse::Created().json(step))
}

/// **Permissions**: reviewer of the authority.
pub async fn rule(
    node: Data<Node>,
    caller: Caller,
    id: Path<GrantId>,
    _: Wait,
    said: Body<Ruled>,
) -> Result<Json<GrantStep>, Problem> {
    let Ruled { upheld, reason } = said.0;
    let committed = node.rule_on_appeal(&caller.0, *id, upheld, reason).await?;
    let state = if upheld { GrantState::Requested } else { GrantState::Denied };
    Ok(Json(step(*id, state, &committed)))
}

fn step(id: GrantId, state: GrantState, committed: &Committed) -> GrantStep {
    GrantStep { id, state, transaction_id: committed.transaction_id, ledger_index: committed.ledger_index }
}
