//! Grants: who may use whose data, for what, until when.

pub mod bounds;
pub mod life;

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::crypto::digest::Hash;
use crate::ids::{DepartmentId, EntryName, GrantId, ItemName, Version};

use super::Actor;
use super::catalog::Masking;
use super::edition::present;
use super::shared::Shared;
use bounds::{Bounds, Rate, RowScope};
use life::Life;

/// What a consumer asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantRequest {
    /// The entry.
    pub entry: EntryName,
    /// Its version.
    pub version: Version,
    /// Purpose code; a query must state the same.
    pub purpose: Shared<str>,
    /// Law and clause that entitle the consumer.
    pub legal_basis: Shared<str>,
    /// The matter (事项) for which it is needed.
    pub matter: Shared<str>,
    /// Items wanted.
    pub items: Shared<[ItemName]>,
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
    /// What the application says besides (edition 3).
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub details: Option<Box<Details>>,
    /// Rate, days of the week and rows, when limited (edition 3), and terms of single items (edition 5).
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub bounds: Option<Box<Bounds>>,
    /// The grant in whose place this one comes when it is approved: a renewal or a change (edition 3).
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub replaces: Option<GrantId>,
    /// Other departments that may use the grant as the consumer may, such as all districts of a city; `daily_max` and rate
    /// hold for each of them by itself (edition 4).
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub members: Option<Box<[DepartmentId]>>,
}

/// What stands in an application beside its limits (网络数据安全管理条例 §12: purpose, means and scope are agreed).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Details {
    /// The purpose in words.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub purpose_text: Option<Shared<str>>,
    /// The clause of the legal basis.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub legal_clause: Option<Shared<str>>,
    /// Digest of the official letter; a `digest.record` of the consumer says whose and when.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub letter: Option<Hash>,
    /// Reference of the impact assessment (PIPL §55).
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub assessment: Option<String>,
    /// The system of the consumer's that will use the data (edition 5).
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub system: Option<Shared<str>>,
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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
    pub items: Shared<[GrantedItem]>,
    /// Queries a calendar day.
    pub daily_max: u32,
    /// Until when.
    pub valid_until: Millis,
    /// The network zone, when the provider limits it (edition 3).
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub network_zone: Option<String>,
    /// Hours of the day (UTC+8), `[from, to)`, when the provider limits them (edition 3).
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub hours: Option<(u8, u8)>,
    /// Rate, days of the week and rows, when the provider limits them (edition 3), and terms of single items (edition 5).
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub bounds: Option<Box<Bounds>>,
}

impl Details {
    /// These details, if there is any.
    pub fn stated(self) -> Option<Box<Self>> {
        (self != Self::default()).then(|| Box::new(self))
    }
}

impl Approval {
    /// The first limit that is wider than in `ceiling`, items and masking left aside.
    pub fn wider(&self, ceiling: &Self) -> Option<&'static str> {
        let zone = |(own, most): (&String, &String)| own != most;
        let hours = |((from, to), (first, last)): ((u8, u8), (u8, u8))| from < first || to > last;
        if self.daily_max > ceiling.daily_max {
            Some("daily_max")
        } else if self.valid_until > ceiling.valid_until {
            Some("valid_until")
        } else if self.network_zone.as_ref().zip(ceiling.network_zone.as_ref()).is_some_and(zone) {
            Some("network_zone")
        } else if self.hours.zip(ceiling.hours).is_some_and(hours) {
            Some("hours")
        } else {
            self.bounds.as_deref().zip(ceiling.bounds.as_deref()).and_then(|(own, most)| own.wider(most))
        }
    }
}

impl Approval {
    /// Whether a second approval keeps within a first one: what the first states, the second states too, the same or
    /// narrower; a masking is the same, or hides all.
    ///
    /// # Errors
    /// What is not.
    pub fn within_first(&self, first: &Self) -> Result<(), String> {
        for item in &self.items {
            let known = first.items.iter().find(|known| known.name == item.name);
            let same = known.is_some_and(|known| known.masking == item.masking || item.masking == Masking::Full);
            if !same {
                return Err(format!("item {} was not approved so by the first approver", item.name));
            }
        }
        let none = Bounds::default();
        let (own, before) = (self.bounds.as_deref().unwrap_or(&none), first.bounds.as_deref().unwrap_or(&none));
        let drops =
            (first.network_zone.is_some() && self.network_zone.is_none())
                || (first.hours.is_some() && self.hours.is_none())
                || (before.weekdays.is_some() && own.weekdays.is_none())
                || (before.rate.is_some() && Rate::lower(own.rate, before.rate) != own.rate)
                || (before.scope.is_some() && own.scope.is_none())
                || before.item_terms.iter().flatten().any(|term| {
                    self.items.iter().any(|item| item.name == term.item) && own.term_of(&term.item).is_none()
                });
        match self.wider(first) {
            Some(what) => Err(format!("{what} is wider than the first approver's")),
            None if drops => Err("a limit of the first approver is left out".into()),
            None => Ok(()),
        }
    }
}

impl GrantRequest {
    /// For whom it is asked beside the consumer itself.
    pub fn members(&self) -> &[DepartmentId] {
        self.members.as_deref().unwrap_or_default()
    }

    /// All that was asked for as limits: what an approval may not exceed.
    pub fn ceiling(&self, grant: GrantId) -> Approval {
        let item = |name: &ItemName| GrantedItem { name: name.clone(), masking: Masking::None };
        Approval {
            grant,
            items: self.items.iter().map(item).collect(),
            daily_max: self.daily_max,
            valid_until: self.valid_until,
            network_zone: self.network_zone.clone(),
            hours: self.hours,
            bounds: self.bounds.clone(),
        }
    }
}

/// A grant on the ledger. Requested and approved values both stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Id of the requesting transaction.
    pub id: GrantId,
    /// Who asked.
    pub consumer: DepartmentId,
    /// Which person or system of the consumer asked.
    pub requested_by: Shared<Actor>,
    /// Block time of the request.
    pub requested_at: Millis,
    /// What was asked.
    pub request: GrantRequest,
    /// What became of it.
    pub decision: GrantDecision,
    /// What happened to it besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub life: Option<Box<Life>>,
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
        by: Shared<Actor>,
        /// Block time.
        at: Millis,
    },
    /// Refused.
    Denied {
        /// Why: the law asks for a reason.
        reason: String,
        /// The reviewer.
        by: Shared<Actor>,
        /// Block time.
        at: Millis,
    },
    /// A renewed or changed grant came in its place.
    Replaced {
        /// What had been allowed.
        approval: Approval,
        /// The grant that came.
        by: GrantId,
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
        by: Shared<Actor>,
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
    Suspended,
    Denied,
    Appealed,
    Revoked,
    Replaced,
    Expired,
}

impl GrantState {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Requested,
        Self::Active,
        Self::Suspended,
        Self::Denied,
        Self::Appealed,
        Self::Revoked,
        Self::Replaced,
        Self::Expired,
    ];

    /// The word in JSON and rules.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Denied => "denied",
            Self::Appealed => "appealed",
            Self::Revoked => "revoked",
            Self::Replaced => "replaced",
            Self::Expired => "expired",
        }
    }
}

impl Grant {
    /// The provider.
    pub fn provider(&self) -> &DepartmentId {
        &self.request.entry.provider
    }

    /// What happened to it beside its decision, if anything did.
    pub fn life(&self) -> Option<&Life> {
        self.life.as_deref()
    }

    /// The first of two approvals, while the second is awaited, and after.
    pub fn first_approval(&self) -> Option<&life::FirstApproval> {
        self.life().and_then(|life| life.first.as_ref())
    }

    fn appeal_waits(&self) -> bool {
        self.life().and_then(|life| life.appeal.as_ref()).is_some_and(|appeal| appeal.ruling.is_none())
    }

    /// The state at a moment.
    pub fn state(&self, at: Millis) -> GrantState {
        match &self.decision {
            GrantDecision::Requested => GrantState::Requested,
            GrantDecision::Active { approval, .. } if approval.valid_until <= at => GrantState::Expired,
            GrantDecision::Active { .. } if self.life().is_some_and(|life| life.pause.is_some()) => {
                GrantState::Suspended
            }
            GrantDecision::Active { .. } => GrantState::Active,
            GrantDecision::Denied { .. } if self.appeal_waits() => GrantState::Appealed,
            GrantDecision::Denied { .. } => GrantState::Denied,
            GrantDecision::Replaced { .. } => GrantState::Replaced,
            GrantDecision::Revoked { .. } => GrantState::Revoked,
        }
    }

    /// What the provider allowed, if it ever did.
    pub fn approval(&self) -> Option<&Approval> {
        match &self.decision {
            GrantDecision::Active { approval, .. }
            | GrantDecision::Revoked { approval, .. }
            | GrantDecision::Replaced { approval, .. } => Some(approval),
            GrantDecision::Requested | GrantDecision::Denied { .. } => None,
        }
    }

    /// The network zone from which queries may come, when limited: the provider's word, else the request's.
    pub fn network_zone(&self) -> Option<&str> {
        let allowed = self.approval().and_then(|approval| approval.network_zone.as_deref());
        allowed.or(self.request.network_zone.as_deref())
    }

    /// The hours in which they may come, when limited.
    pub fn hours(&self) -> Option<(u8, u8)> {
        self.approval().and_then(|approval| approval.hours).or(self.request.hours)
    }

    /// The days of the week on which they may come, when limited.
    pub fn weekdays(&self) -> Option<&[u8]> {
        self.bound(|bounds| bounds.weekdays.as_deref())
    }

    /// The rows that they may reach, when limited.
    pub fn scope(&self) -> &[RowScope] {
        self.bound(|bounds| bounds.scope.as_deref()).unwrap_or_default()
    }

    /// The most queries in a second and a minute, when limited: the lower of what was asked and allowed.
    pub fn rate(&self) -> Option<Rate> {
        let of = |bounds: Option<&Bounds>| bounds.and_then(|bounds| bounds.rate);
        Rate::lower(of(self.allowed_bounds()), of(self.request.bounds.as_deref()))
    }

    /// From when on an item may not be had, where request or approval give it a term of its own: the earlier of both.
    pub fn item_term(&self, item: &ItemName) -> Option<Millis> {
        let both = self.allowed_bounds().into_iter().chain(self.request.bounds.as_deref());
        both.filter_map(|bounds| bounds.term_of(item)).min()
    }

    /// Whether an item is granted and may be had at a moment; whether the grant itself is in force then is another matter.
    pub fn gives(&self, item: &ItemName, at: Millis) -> bool {
        let granted = self.approval().is_some_and(|approval| approval.items.iter().any(|given| &given.name == item));
        granted && self.item_term(item).is_none_or(|until| at < until)
    }

    /// All that request and approval limit beside zone and hours.
    pub fn bounds(&self) -> Bounds {
        let asked = self.request.bounds.as_deref().cloned().unwrap_or_default();
        self.allowed_bounds().cloned().unwrap_or_default().within(asked)
    }

    fn allowed_bounds(&self) -> Option<&Bounds> {
        self.approval().and_then(|approval| approval.bounds.as_deref())
    }

    fn bound<'a, T>(&'a self, of: impl Fn(&'a Bounds) -> Option<T>) -> Option<T> {
        self.allowed_bounds().and_then(&of).or_else(|| self.request.bounds.as_deref().and_then(&of))
    }
}
