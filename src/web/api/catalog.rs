//! `/catalog`: find entries; draft, submit, approve and end one's own.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use crate::domain::catalog::{EntryState, Level, Sharing, UpdateCycle};
use crate::ids::{DepartmentId, EntryName, Slug, Version};
use crate::readmodel::catalog::EntryFilter;
use crate::service::catalog::EndingRequest;
use crate::service::{Committed, Node};
use crate::web::extract::{ApiBody, Body, Caller, Empty, Filter, Wait};
use crate::web::problem::Problem;

use super::listing::{Fresh, fresh, page};
use super::views::catalog::{DraftAnswer, EntryDetail, Published};
use super::views::catalog_list::EntryList;
use super::views::catalog_places::{ClassAnswer, DifferenceAnswer, NoticeAnswer, TombstoneAnswer};
use super::views::{Page, Written};

/// Filters of the catalog.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Words that must all occur in names, summary, code, classification or items.
    q: Option<String>,
    /// Of this provider.
    provider: Option<DepartmentId>,
    /// Of this sharing type.
    sharing: Option<Sharing>,
    /// In this state.
    state: Option<EntryState>,
    /// Of this level.
    level: Option<Level>,
    /// Of this class (类, in Chinese).
    class: Option<String>,
    /// Of this category (项) of the class.
    category: Option<String>,
    /// Of this topic (目) of the category.
    topic: Option<String>,
    /// Of this detail (细目) of the topic.
    detail: Option<String>,
    /// Of this grade, 1 to 4.
    grade: Option<u8>,
    /// Of this update cycle.
    update_cycle: Option<UpdateCycle>,
    /// Whether to count the entries found by provider, class, sharing type, grade, cycle, state and level.
    facets: Option<bool>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items wanted, 1 to 200; 50 when left out.
    page_size: Option<u32>,
    /// Wait up to 5 s until the answer reflects the transaction of this ledger index.
    min_index: Option<u64>,
}

/// Which version of an entry.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// The version; the current one when left out.
    version: Option<Version>,
    /// Wait up to 5 s until the answer reflects the transaction of this ledger index.
    min_index: Option<u64>,
}

/// Which two versions to compare.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    /// The older version; the one before `to` when left out.
    from: Option<Version>,
    /// The newer version; the current one when left out.
    to: Option<Version>,
}

/// A place of the classification.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ClassPlace {
    /// The class (类), in Chinese; all classes are told when left out.
    class: Option<String>,
    /// The category (项) of the class.
    category: Option<String>,
    /// The topic (目) of the category.
    topic: Option<String>,
}

/// From when on.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Since {
    /// Withdrawn by transactions from this ledger index on; all when left out.
    since: Option<u64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items wanted, 1 to 200; 50 when left out.
    page_size: Option<u32>,
    /// Wait up to 5 s until the answer reflects the transaction of this ledger index.
    min_index: Option<u64>,
}

/// Parts of a place as far as each stands in the one before.
fn place<const N: usize>(parts: [Option<String>; N]) -> Vec<String> {
    parts.into_iter().map_while(|part| part).collect()
}

/// `provider/name` in a path.
#[derive(Debug, Deserialize)]
pub struct Named {
    provider: DepartmentId,
    name: Slug,
}

impl Named {
    /// The entry.
    pub fn entry(&self) -> EntryName {
        EntryName { provider: self.provider.clone(), name: self.name.clone() }
    }
}

/// A catalog entry as its author writes it; the use case checks it whole.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct EntryDocument(Value);

impl EntryDocument {
    /// Answers show `provider` and `name` apart, so that a document made from an answer may too; the ledger's form
    /// has them in one.
    fn whole_name(self) -> Value {
        let mut document = self.0;
        if let Value::Object(fields) = &mut document
            && let Some(Value::String(provider)) = fields.get("provider").cloned()
            && let Some(Value::String(name)) = fields.get("name").cloned()
            && !name.contains('/')
        {
            fields.remove("provider");
            fields.insert("name".into(), Value::String(format!("{provider}/{name}")));
        }
        document
    }
}

impl ApiBody for EntryDocument {
    const SCHEMA: Option<&'static str> = None;
}

/// A reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Why {
    /// Why.
    pub reason: String,
}

impl ApiBody for Why {
    const SCHEMA: Option<&'static str> = Some("reason");
}

impl ApiBody for EndingRequest {
    const SCHEMA: Option<&'static str> = Some("ending");
}

/// **Permissions**: everybody signed in.
pub async fn list(node: Data<Node>, _: Caller, query: Filter<Search>) -> Result<Json<EntryList>, Problem> {
    let search = query.0;
    fresh(&node, search.min_index).await?;
    let wants_facets = search.facets == Some(true);
    let filter = EntryFilter {
        q: search.q,
        provider: search.provider,
        sharing: search.sharing,
        state: search.state,
        level: search.level,
        classes: place([search.class, search.category, search.topic, search.detail]),
        grade: search.grade,
        update_cycle: search.update_cycle,
        page: page(search.cursor, search.page_size),
        ..EntryFilter::default()
    };
    let facets = if wants_facets { node.facets(filter.clone()).await? } else { None };
    let words: Vec<String> = filter.q.iter().flat_map(|q| q.split_whitespace()).map(str::to_owned).collect();
    let page = node.entries(filter).await?;
    Ok(Json(EntryList::of(page, facets, &words)))
}

/// **Permissions**: everybody signed in.
pub async fn show(
    node: Data<Node>,
    _: Caller,
    named: Path<Named>,
    query: Filter<Which>,
) -> Result<Json<EntryDetail>, Problem> {
    fresh(&node, query.0.min_index).await?;
    let view = node.entry(named.entry(), query.0.version).await?;
    let around = node.surroundings(&view.entry);
    Ok(Json(EntryDetail::of(view, around)))
}

/// **Permissions**: everybody signed in.
pub async fn diff(
    node: Data<Node>,
    _: Caller,
    named: Path<Named>,
    query: Filter<Versions>,
) -> Result<Json<DifferenceAnswer>, Problem> {
    Ok(Json(node.difference(&named.entry(), query.0.from, query.0.to)?.into()))
}

/// **Permissions**: everybody signed in.
pub async fn classes(
    node: Data<Node>,
    _: Caller,
    query: Filter<ClassPlace>,
) -> Result<Json<Page<ClassAnswer>>, Problem> {
    let ClassPlace { class, category, topic } = query.0;
    let groups = node.classes(place([class, category, topic])).await?;
    Ok(Json(whole(&node, groups.into_iter().map(Into::into).collect())))
}

/// **Permissions**: everybody of the department.
pub async fn notices(node: Data<Node>, _: Caller, _: Filter<Fresh>) -> Result<Json<Page<NoticeAnswer>>, Problem> {
    let notices = node.notices().into_iter().map(Into::into).collect();
    Ok(Json(whole(&node, notices)))
}

/// **Permissions**: everybody signed in.
pub async fn tombstones(
    node: Data<Node>,
    _: Caller,
    query: Filter<Since>,
) -> Result<Json<Page<TombstoneAnswer>>, Problem> {
    let Since { since, cursor, page_size, min_index } = query.0;
    fresh(&node, min_index).await?;
    Ok(Json(node.tombstones(since.unwrap_or(0), page(cursor, page_size)).await?.into()))
}

/// A list that is short enough to be answered whole.
fn whole<T>(node: &Node, items: Vec<T>) -> Page<T> {
    Page { items, next_cursor: None, ledger_index: node.chain.size().saturating_sub(1) }
}

/// **Permissions**: clerk of the provider.
pub async fn draft(
    node: Data<Node>,
    caller: Caller,
    _: Wait,
    document: Body<EntryDocument>,
) -> Result<HttpResponse, Problem> {
    let draft = node.save_draft(&caller.0, document.0.whole_name()).await?;
    Ok(HttpResponse::Created().json(DraftAnswer::of(&node, draft)))
}

/// **Permissions**: everybody of the department.
pub async fn drafts(node: Data<Node>, caller: Caller, _: Filter<Fresh>) -> Result<Json<Page<DraftAnswer>>, Problem> {
    let drafts = node.drafts(&caller.0).await?;
    Ok(Json(whole(&node, drafts.into_iter().map(|draft| DraftAnswer::of(&node, draft)).collect())))
}

/// **Permissions**: everybody of the department.
pub async fn show_draft(
    node: Data<Node>,
    caller: Caller,
    named: Path<Named>,
    _: Filter<Fresh>,
) -> Result<Json<DraftAnswer>, Problem> {
    let draft = node.draft(&caller.0, &named.entry()).await?;
    Ok(Json(DraftAnswer::of(&node, draft)))
}

/// **Permissions**: clerk of the provider.
pub async fn submit(
    node: Data<Node>,
    caller: Caller,
    named: Path<Named>,
    _: Wait,
    _: Body<Empty>,
) -> Result<Json<DraftAnswer>, Problem> {
    let draft = node.submit_entry(&caller.0, &named.entry()).await?;
    Ok(Json(DraftAnswer::of(&node, draft)))
}

/// **Permissions**: reviewer of the provider, not the draft's author.
pub async fn approve(
    node: Data<Node>,
    caller: Caller,
    named: Path<Named>,
    _: Wait,
    _: Body<Empty>,
) -> Result<Json<Published>, Problem> {
    let id = named.entry();
    let Committed { transaction_id, ledger_index } = node.approve_entry(&caller.0, &id).await?;
    // The entry is published whether or not the receipt can be had this moment.
    let receipt = match node.receipt(transaction_id).await {
        Ok(receipt) => serde_json::to_value(&receipt).unwrap_or_default(),
        Err(error) => {
            tracing::warn!(%error, transaction = %transaction_id, "no receipt for a fresh transaction");
            Value::Null
        }
    };
    Ok(Json(Published { id, transaction_id, ledger_index, receipt }))
}

/// **Permissions**: reviewer of the provider, not the draft's author.
pub async fn reject(
    node: Data<Node>,
    caller: Caller,
    named: Path<Named>,
    _: Wait,
    why: Body<Why>,
) -> Result<Json<DraftAnswer>, Problem> {
    let draft = node.reject_entry(&caller.0, &named.entry(), why.0.reason).await?;
    Ok(Json(DraftAnswer::of(&node, draft)))
}

/// **Permissions**: reviewer of the provider.
pub async fn deprecate(
    node: Data<Node>,
    caller: Caller,
    named: Path<Named>,
    _: Wait,
    ending: Body<EndingRequest>,
) -> Result<Json<Written>, Problem> {
    Ok(Json(node.deprecate_entry(&caller.0, &named.entry(), ending.0).await?.into()))
}

/// **Permissions**: reviewer of the provider.
pub async fn withdraw(
    node: Data<Node>,
    caller: Caller,
    named: Path<Named>,
    _: Wait,
    ending: Body<EndingRequest>,
) -> Result<Json<Written>, Problem> {
    Ok(Json(node.withdraw_entry(&caller.0, &named.entry(), ending.0).await?.into()))
}
