//! Answers about sessions.

use std::net::IpAddr;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::Role;
use crate::ids::{DepartmentId, EntryName};
use crate::readmodel::local::SystemToken;

use super::Time;

/// A fresh session.
#[derive(Serialize, ToSchema)]
pub struct SessionOpened {
    /// Send it as `Authorization: Bearer <token>`.
    pub token: String,
    /// When it ends at the latest.
    pub expires_at: Time,
    /// Who signed in.
    pub user: String,
    /// What the account may be.
    pub roles: Vec<Role>,
}

/// Who is calling.
#[derive(Debug, Serialize, ToSchema)]
pub struct Myself {
    /// Account or system.
    pub user: String,
    /// Name for people.
    pub display: String,
    /// What it may be.
    pub roles: Vec<Role>,
    /// The department of this node.
    pub department: DepartmentId,
    /// For a session known by the portal's cookie: to be sent in `X-CSRF-Token` with every change.
    pub csrf: Option<String>,
    /// When such a session ends at the latest.
    pub expires_at: Option<Time>,
}

/// A system's token, without the token itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenAnswer {
    /// Name of the system.
    pub system: String,
    /// When it was issued.
    pub created: Time,
    /// When it ends.
    pub expires: Time,
    /// Whether its system may hand in transactions that it signed itself.
    pub submits: bool,
    /// Entries that it may query; empty for all.
    pub entries: Vec<EntryName>,
    /// Addresses from which it may come; empty for all.
    #[schema(value_type = Vec<String>)]
    pub sources: Vec<IpAddr>,
    /// When it was last used, to the minute.
    pub last_used: Option<Time>,
    /// From where.
    #[schema(value_type = Option<String>)]
    pub last_from: Option<IpAddr>,
    /// When it was last seen at two places at once, or at none of its own.
    pub alarm_at: Option<Time>,
    /// Where.
    #[schema(value_type = Option<String>)]
    pub alarm_from: Option<IpAddr>,
}

impl From<SystemToken> for TokenAnswer {
    fn from(token: SystemToken) -> Self {
        let SystemToken { name, created, terms, last_used, last_from, alarm_at, alarm_from, .. } = token;
        Self {
            system: name,
            created: created.into(),
            expires: terms.expires.into(),
            submits: terms.submits,
            entries: terms.entries,
            sources: terms.sources,
            last_used: last_used.map(Time::from),
            last_from,
            alarm_at: alarm_at.map(Time::from),
            alarm_from,
        }
    }
}
