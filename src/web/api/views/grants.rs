//! Answers about grants.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::Actor;
use crate::domain::grant::{GrantMode, GrantRequest, GrantState};
use crate::ids::{DepartmentId, EntryName, GrantId, ItemName, TxId, Version};
use crate::readmodel::grants as rows;

use super::{Time, answer};

answer! {
    /// What a department asked for.
    Wish from GrantRequest {
        /// The entry.
        entry: EntryName,
        /// Its version.
        version: Version,
        /// Purpose code; a query must state the same.
        purpose: String,
        /// Law and clause that entitle the consumer.
        legal_basis: String,
        /// The matter for which it is needed.
        matter: String,
        /// Items wanted.
        items: Vec<ItemName>,
        /// Fields, or yes/no only.
        mode: GrantMode,
        /// Queries a calendar day (UTC+8).
        daily_max: u32,
        /// Until when.
        valid_until: Time,
        /// Network zone from which queries may come, when limited.
        network_zone: Option<String>,
        /// Hours of the day (UTC+8), from and to, when limited.
        #[schema(value_type = Option<Vec<u8>>)]
        hours: Option<(u8, u8)>,
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
