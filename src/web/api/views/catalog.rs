//! Answers about the catalog and its drafts.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::catalog::{EntryState, Level, Sharing, SharingMeans, UpdateCycle};
use crate::domain::{Actor, Text};
use crate::ids::{DepartmentId, EntryName, ItemName, Slug, TxId, Version};
use crate::readmodel::catalog as rows;
use crate::readmodel::local::drafts::{Draft, DraftState};
use crate::service::Node;
use crate::service::catalog_places::Surroundings;

use super::catalog_places::{PlaceAnswer, RelatedAnswer};
use super::{Maybe, Time, answer};

/// An entry in a listing.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntrySummary {
    /// `provider/name`.
    pub id: EntryName,
    /// Who provides it.
    pub provider: DepartmentId,
    /// Its name with the provider: the second half of `id`.
    pub name: Slug,
    /// The version in force.
    pub version: Version,
    /// Name for people.
    pub title: Text,
    /// What it holds.
    pub summary: Text,
    /// Sharing type.
    pub sharing: Sharing,
    /// Level of the catalog.
    pub level: Level,
    /// Where it stands.
    pub state: EntryState,
    /// Whether society may have it.
    pub open: bool,
    /// The highest grade of its items, 1 to 4.
    pub grade: u8,
    /// How often its data change.
    pub update_cycle: UpdateCycle,
    /// Code of the information resource (2017 guide).
    pub code: String,
    /// Class, category, topic, detail.
    #[schema(value_type = Object)]
    pub classification: Value,
    /// The entry one level above.
    pub parent: Option<EntryName>,
    /// Number of its items.
    pub item_count: u64,
    /// When the version in force was published.
    pub published_at: Time,
    /// Index of the transaction that changed it last.
    pub ledger_index: u64,
}

impl From<rows::EntrySummary> for EntrySummary {
    fn from(row: rows::EntrySummary) -> Self {
        Self {
            provider: row.provider,
            name: row.id.name.clone(),
            id: row.id,
            version: row.version,
            title: row.name,
            summary: row.summary,
            sharing: row.sharing,
            level: row.level,
            state: row.state,
            open: row.open,
            grade: row.grade,
            update_cycle: row.update_cycle,
            code: row.code,
            classification: serde_json::to_value(&row.classification).unwrap_or_default(),
            parent: row.parent,
            item_count: row.item_count,
            published_at: row.published_at.into(),
            ledger_index: row.ledger_index,
        }
    }
}

answer! {
    /// How a version came onto the ledger.
    Publication from rows::Publication {
        /// Who drafted it.
        drafted_by: Actor,
        /// Who approved it: someone else.
        approved_by: Actor,
        /// Block time.
        published_at: Time,
        /// The transaction.
        transaction_id: TxId,
        /// Its index.
        ledger_index: u64,
    }
}

answer! {
    /// Why an entry is deprecated or withdrawn.
    Ending from rows::EndingView {
        /// Why.
        reason: String,
        /// What to use instead.
        successor: Option<EntryName>,
        /// Who ended it.
        by: Actor,
        /// Block time.
        at: Time,
        /// The transaction.
        transaction_id: TxId,
        /// Its index.
        ledger_index: u64,
    }
}

/// A version in an entry's history.
#[derive(Debug, Serialize, ToSchema)]
pub struct PublishedVersion {
    /// The version.
    pub version: Version,
    /// How it came onto the ledger.
    #[serde(flatten)]
    pub publication: Publication,
}

impl From<rows::VersionView> for PublishedVersion {
    fn from(view: rows::VersionView) -> Self {
        Self { version: view.version, publication: view.publication.into() }
    }
}

/// One version of an entry, in full.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntryDetail {
    /// `provider/name`.
    pub id: EntryName,
    /// Who provides it.
    pub provider: DepartmentId,
    /// Its name with the provider: the second half of `id`.
    pub name: Slug,
    /// This version.
    pub version: Version,
    /// Name for people.
    pub title: Text,
    /// What it holds.
    pub summary: Text,
    /// The provider's unified social credit code.
    pub provider_code: String,
    /// Sharing type.
    pub sharing: Sharing,
    /// Condition of sharing, or the reason for none.
    pub sharing_condition: Option<Text>,
    /// By which way the data comes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub sharing_means: Option<SharingMeans>,
    /// Level of the catalog.
    pub level: Level,
    /// The entry one level above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<EntryName>,
    /// What is above it, from the top.
    pub above: Vec<PlaceAnswer>,
    /// What is directly below it, by name; 200 at most.
    pub below: Vec<PlaceAnswer>,
    /// Where the entry stands.
    pub state: EntryState,
    /// Code of the information resource (2017 guide).
    pub code: String,
    /// Class, category, topic, detail.
    #[schema(value_type = Object)]
    pub classification: Value,
    /// The statutory duty from which the data comes.
    pub duty: Text,
    /// Category and type of the data's format.
    #[schema(value_type = Object)]
    pub format: Value,
    /// Whether society may have it.
    pub open: bool,
    /// On which condition society may have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_condition: Option<Text>,
    /// How often its data change.
    pub update_cycle: UpdateCycle,
    /// Day of issue.
    pub issue_date: String,
    /// Codes of related resources.
    pub related_codes: Vec<String>,
    /// The entries of those codes.
    pub related: Vec<RelatedAnswer>,
    /// The parameter that names whose data is asked for.
    pub subject: Option<ItemName>,
    /// The data items with type, length, sensitivity, grade and masking.
    #[schema(value_type = Vec<Object>)]
    pub items: Value,
    /// JSON Schema 2020-12 of a query's `params`.
    #[schema(value_type = Object)]
    pub request_schema: Value,
    /// JSON Schema 2020-12 of one row of the answer.
    #[schema(value_type = Object)]
    pub response_schema: Value,
    /// The highest grade of its items, 1 to 4.
    pub grade: u8,
    /// The version in force.
    pub current_version: Version,
    /// How this version came onto the ledger.
    pub publication: Publication,
    /// Why the entry ended, if it did.
    pub ending: Option<Ending>,
    /// All versions, newest first.
    pub history: Vec<PublishedVersion>,
}

impl EntryDetail {
    /// The answer about a version and what stands around it.
    pub fn of(view: rows::EntryView, around: Surroundings) -> Self {
        let entry = view.entry;
        Self {
            above: around.above.into_iter().map(Into::into).collect(),
            below: around.below.into_iter().map(Into::into).collect(),
            related: around.related.into_iter().map(Into::into).collect(),
            sharing_means: entry.sharing_means,
            parent: entry.parent.clone(),
            open_condition: entry.open_condition.clone(),
            version: entry.version,
            provider: entry.name.provider.clone(),
            sharing: entry.sharing,
            level: entry.level,
            state: view.state,
            classification: serde_json::to_value(&entry.classification).unwrap_or_default(),
            format: serde_json::to_value(&entry.format).unwrap_or_default(),
            items: serde_json::to_value(&entry.items).unwrap_or_default(),
            open: entry.open,
            grade: entry.grade(),
            update_cycle: entry.update_cycle,
            name: entry.name.name.clone(),
            id: entry.name,
            title: entry.title,
            summary: entry.summary,
            provider_code: entry.provider_code,
            sharing_condition: entry.sharing_condition,
            code: entry.code,
            duty: entry.duty,
            issue_date: entry.issue_date,
            related_codes: entry.related_codes,
            subject: entry.subject,
            request_schema: entry.request_schema,
            response_schema: entry.response_schema,
            current_version: view.current_version,
            publication: view.publication.into(),
            ending: view.ending.map(Into::into),
            history: view.history.into_iter().map(Into::into).collect(),
        }
    }
}

/// A draft of an entry, with the provider until a second person approves it.
#[derive(Debug, Serialize, ToSchema)]
pub struct DraftAnswer {
    /// `provider/name`.
    pub id: EntryName,
    /// The version that it would become.
    pub version: Version,
    /// Where it stands.
    pub state: DraftState,
    /// The entry as it would be published.
    #[schema(value_type = Object)]
    pub entry: Value,
    /// Related codes that no entry of the catalog bears yet: perhaps mistyped.
    pub unknown_codes: Vec<String>,
    /// Who wrote it last: the one who may not approve it.
    pub drafted_by: Actor,
    /// When.
    pub drafted_at: Time,
    /// When it was submitted.
    #[schema(value_type = Option<Time>)]
    pub submitted_at: Maybe<Time>,
    /// Who approved or rejected it.
    pub decided_by: Option<Actor>,
    /// When.
    #[schema(value_type = Option<Time>)]
    pub decided_at: Maybe<Time>,
    /// Why it was sent back.
    pub rejected_reason: Option<String>,
    /// The transaction that published it.
    pub transaction_id: Option<TxId>,
}

impl DraftAnswer {
    /// A draft, beside the catalog as it is now.
    pub fn of(node: &Node, draft: Draft) -> Self {
        Self {
            unknown_codes: node.unknown_related(&draft.entry),
            entry: serde_json::to_value(&draft.entry).unwrap_or_default(),
            id: draft.entry.name,
            version: draft.entry.version,
            state: draft.state,
            drafted_by: draft.drafted_by,
            drafted_at: draft.drafted_at.into(),
            submitted_at: draft.submitted_at.into(),
            decided_by: draft.decided_by,
            decided_at: draft.decided_at.into(),
            rejected_reason: draft.rejected_reason,
            transaction_id: draft.transaction_id,
        }
    }
}

/// A published version.
#[derive(Debug, Serialize, ToSchema)]
pub struct Published {
    /// `provider/name`.
    pub id: EntryName,
    /// The transaction.
    pub transaction_id: TxId,
    /// Its index in the ledger.
    pub ledger_index: u64,
    /// The receipt: transaction, inclusion proof and checkpoint, to be verified offline.
    #[schema(value_type = Object)]
    pub receipt: Value,
}
