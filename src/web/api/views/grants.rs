//! Answers about grants.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::crypto::digest::Hash;
use crate::domain::Actor;
use crate::domain::grant::bounds::{Bounds, ItemTerm, Rate, RowScope};
use crate::domain::grant::{GrantMode, GrantRequest, GrantState};
use crate::ids::{DepartmentId, EntryName, GrantId, ItemName, TxId, Version};
use crate::readmodel::grants as rows;

use super::{Time, answer};

/// What a department asked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct Wish {
    /// The entry.
    pub entry: EntryName,
    /// Its version.
    pub version: Version,
    /// Purpose code; a query must state the same.
    pub purpose: String,
    /// The purpose in words.
    pub purpose_text: Option<String>,
    /// The law that entitles the consumer, perhaps with its clause.
    pub legal_basis: String,
    /// The clause, where it is stated apart.
    pub legal_clause: Option<String>,
    /// The matter for which it is needed.
    pub matter: String,
    /// Digest of the official letter.
    pub letter: Option<Hash>,
    /// Reference of the impact assessment.
    pub assessment: Option<String>,
    /// The system that will use the data.
    pub system: Option<String>,
    /// Items wanted.
    pub items: Vec<ItemName>,
    /// Fields, or yes/no only.
    pub mode: GrantMode,
    /// Queries a calendar day (UTC+8).
    pub daily_max: u32,
    /// Until when.
    pub valid_until: Time,
    /// The grant in whose place this one comes when it is approved.
    pub replaces: Option<GrantId>,
    /// Other departments that may use it as the consumer may, each within its own daily maximum and rate.
    pub members: Vec<DepartmentId>,
    /// Where from, when and how fast, when limited.
    #[serde(flatten)]
    pub bounds: BoundsAnswer,
}

impl From<GrantRequest> for Wish {
    fn from(request: GrantRequest) -> Self {
        let details = *request.details.unwrap_or_default();
        Self {
            entry: request.entry,
            version: request.version,
            purpose: request.purpose.into(),
            purpose_text: details.purpose_text.map(Into::into),
            legal_basis: request.legal_basis.into(),
            legal_clause: details.legal_clause.map(Into::into),
            matter: request.matter.into(),
            letter: details.letter,
            assessment: details.assessment,
            system: details.system.map(Into::into),
            items: request.items.to_vec(),
            mode: request.mode,
            daily_max: request.daily_max,
            valid_until: request.valid_until.into(),
            replaces: request.replaces,
            members: request.members.map(Vec::from).unwrap_or_default(),
            bounds: BoundsAnswer::of(request.network_zone, request.hours, *request.bounds.unwrap_or_default()),
        }
    }
}

/// Bounds of use; null where there is none.
#[derive(Debug, Serialize, ToSchema)]
pub struct BoundsAnswer {
    /// Network zone from which queries may come.
    pub network_zone: Option<String>,
    /// Hours of the day (UTC+8), from and to.
    #[schema(value_type = Option<Vec<u8>>)]
    pub hours: Option<(u8, u8)>,
    /// Days of the week (UTC+8), 1 Monday to 7 Sunday.
    pub weekdays: Option<Vec<u8>>,
    /// Queries in each second and minute: `per_second`, `per_minute`.
    #[schema(value_type = Option<Object>)]
    pub rate: Option<Rate>,
    /// Rows: a list of `field` (parameter or item) and its `values`.
    #[schema(value_type = Option<Vec<Object>>)]
    pub scope: Option<Vec<RowScope>>,
    /// Until when single items may be had, where that is before the whole ends.
    pub item_terms: Option<Vec<ItemTermAnswer>>,
}

answer! {
    /// Until when one item may be had.
    ItemTermAnswer from ItemTerm {
        /// The item.
        item: ItemName,
        /// From this moment on it is refused.
        valid_until: Time,
    }
}

impl BoundsAnswer {
    pub(super) fn of(network_zone: Option<String>, hours: Option<(u8, u8)>, bounds: Bounds) -> Self {
        let Bounds { weekdays, rate, scope, item_terms } = bounds;
        let item_terms = item_terms.map(|terms| terms.into_iter().map(Into::into).collect());
        Self { network_zone, hours, weekdays, rate, scope, item_terms }
    }
}

/// What the provider allowed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Allowance {
    /// Items, each with its masking.
    #[schema(value_type = Vec<Object>)]
    pub items: Value,
    /// Queries a calendar day (UTC+8).
    pub daily_max: u32,
    /// Until when.
    pub valid_until: Time,
    /// What the provider limits beside; where it is null, the request's limit holds.
    #[serde(flatten)]
    pub bounds: BoundsAnswer,
    /// The reviewer.
    pub by: Actor,
    /// Block time.
    pub at: Time,
    /// Index of the approval.
    pub ledger_index: u64,
}

impl From<rows::ApprovalView> for Allowance {
    fn from(view: rows::ApprovalView) -> Self {
        Self {
            items: serde_json::to_value(&view.items).unwrap_or_default(),
            daily_max: view.daily_max,
            valid_until: view.valid_until.into(),
            bounds: BoundsAnswer::of(view.network_zone, view.hours, view.bounds),
            by: view.by,
            at: view.at.into(),
            ledger_index: view.ledger_index,
        }
    }
}

answer! {
    /// A refusal or revocation.
    GrantEnding from rows::GrantEndingView {
        /// Why.
        reason: String,
        /// Who said so.
        by: Actor,
        /// For which department.
        department: DepartmentId,
        /// Block time.
        at: Time,
        /// Index of the transaction.
        ledger_index: u64,
    }
}

/// A grant.
#[derive(Debug, Serialize, ToSchema)]
pub struct GrantAnswer {
    /// Id of the requesting transaction.
    pub id: GrantId,
    /// Where it stands at this moment.
    pub state: GrantState,
    /// The entry.
    pub entry: EntryName,
    /// Who asked.
    pub consumer: DepartmentId,
    /// Whose data it is.
    pub provider: DepartmentId,
    /// Which person or system asked.
    pub requested_by: Actor,
    /// Block time of the request.
    pub requested_at: Time,
    /// Index of the request.
    pub ledger_index: u64,
    /// What was asked for.
    pub request: Wish,
    /// What the provider allowed.
    pub approval: Option<Allowance>,
    /// Refusal or revocation.
    pub ending: Option<GrantEnding>,
    /// The first of two approvals, on an entry of grade 4.
    pub first_approval: Option<Allowance>,
    /// The renewed or changed grant that came in its place.
    pub replaced_by: Option<GrantId>,
    /// Until when the provider has to decide, by this node's calendar; null when nothing is to be decided.
    pub decide_by: Option<Time>,
    /// Everything that happened, oldest first.
    pub steps: Vec<GrantEvent>,
}

answer! {
    /// One thing that happened to a grant.
    GrantEvent from rows::GrantStepView {
        /// Kind of the transaction.
        kind: String,
        /// Who.
        by: Actor,
        /// For which department.
        department: DepartmentId,
        /// Why, where a reason is given.
        reason: Option<String>,
        /// Block time.
        at: Time,
        /// Index of the transaction.
        ledger_index: u64,
    }
}

impl From<rows::GrantView> for GrantAnswer {
    fn from(view: rows::GrantView) -> Self {
        Self {
            id: view.id,
            state: view.state,
            entry: view.request.entry.clone(),
            consumer: view.consumer,
            provider: view.provider,
            requested_by: view.requested_by,
            requested_at: view.requested_at.into(),
            ledger_index: view.ledger_index,
            request: view.request.into(),
            approval: view.approval.map(Into::into),
            ending: view.ending.map(Into::into),
            first_approval: view.first_approval.map(Into::into),
            replaced_by: view.replaced_by,
            decide_by: view.decide_by.map(Into::into),
            steps: view.steps.into_iter().map(Into::into).collect(),
        }
    }
}

/// A grant after a step.
#[derive(Debug, Serialize, ToSchema)]
pub struct GrantStep {
    /// The grant.
    pub id: GrantId,
    /// Where it stands now.
    pub state: GrantState,
    /// The transaction of the step.
    pub transaction_id: TxId,
    /// Its index in the ledger.
    pub ledger_index: u64,
}
