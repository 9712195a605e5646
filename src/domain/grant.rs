//! Grants: who may use whose data, for what, until when.

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::ids::{DepartmentId, EntryName, GrantId, ItemName, Version};

use super::Actor;
use super::catalog::Masking;

/// What a consumer asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantRequest {
    /// The entry.
    pub entry: EntryName,
    /// Its version.
    pub version: Version,
    /// Purpose code; a query must state the same.
    pub purpose: String,
    /// Law and clause that entitle the consumer.
    pub legal_basis: String,
    /// The matter (事项) for which it is needed.
    pub matter: String,
    /// Items wanted.
    pub items: Vec<ItemName>,
    /// Fields, or yes/no only.
    #[serde(default)]
    pub mode: GrantMode,
    /// Queries a calendar day (UTC+8).
    pub daily_max: u32,
    /// Until when.
    pub valid_until: Millis,
    /// Network zone from which queries may come, when limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_zone: Option<String>,
    /// Hours of the day (UTC+8) in which queries may come, `[from, to)`, when limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<(u8, u8)>,
}

/// 查询 or 核验.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GrantMode {
    /// Returns fields.
    #[default]
    Query,
    /// Returns whether a record exists, and nothing of it.
    Verify,
}

/// One item as the provider grants it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantedItem {
    /// The item.
    pub name: ItemName,
    /// How its values are masked.
    pub masking: Masking,
}

/// The provider's own limits: an approval may narrow a request, never widen it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The grant.
    pub grant: GrantId,
    /// Items granted, each with its masking.
    pub items: Vec<GrantedItem>,
    /// Queries a calendar day.
    pub daily_max: u32,
    /// Until when.
    pub valid_until: Millis,
}

/// A grant on the ledger. Requested and approved values both stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Id of the requesting transaction.
    pub id: GrantId,
    /// Who asked.
    pub consumer: DepartmentId,
    /// Which person or system of the consumer asked.
    pub requested_by: Actor,
    /// Block time of the request.
    pub requested_at: Millis,
    /// What was asked.
    pub request: GrantRequest,
    /// What became of it.
    pub decision: GrantDecision,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum GrantDecision {
    /// Not decided yet.
    Requested,
    /// In force until its end.
    Active {
        /// What the provider allows.
        approval: Approval,
        /// The reviewer.
        by: Actor,
        /// Block time.
        at: Millis,
    },
    /// Refused.
    Denied {
        /// Why: the law asks for a reason.
        reason: String,
        /// The reviewer.
        by: Actor,
        /// Block time.
        at: Millis,
    },
    /// Ended before its time.
    Revoked {
        /// What had been allowed.
        approval: Approval,
        /// Why.
        reason: String,
        /// Who ended it.
        by: Actor,
        /// Block time.
        at: Millis,
    },
}

/// State of a grant at a moment: expiry follows from time, not from a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum GrantState {
    Requested,
    Active,
    Denied,
    Revoked,
    Expired,
}

impl GrantState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Requested, Self::Active, Self::Denied, Self::Revoked, Self::Expired];

    /// The word in JSON and rules.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Active => "active",
            Self::Denied => "denied",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }
}

impl Grant {
    /// The provider.
    pub fn provider(&self) -> &DepartmentId {
        &self.request.entry.provider
    }

    /// The state at a moment.
    pub fn state(&self, at: Millis) -> GrantState {
        match &self.decision {
            GrantDecision::Requested => GrantState::Requested,
            GrantDecision::Active { approval, .. } if approval.valid_until <= at => GrantState::Expired,
            GrantDecision::Active { .. } => GrantState::Active,
            GrantDecision::Denied { .. } => GrantState::Denied,
            GrantDecision::Revoked { .. } => GrantState::Revoked,
        }
    }

    /// What the provider allowed, if it ever did.
    pub fn approval(&self) -> Option<&Approval> {
        match &self.decision {
            GrantDecision::Active { approval, .. } | GrantDecision::Revoked { approval, .. } => Some(approval),
            GrantDecision::Requested | GrantDecision::Denied { .. } => None,
        }
    }
}
