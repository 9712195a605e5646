//! Answers about tokens of departmental systems.

use std::net::IpAddr;

use serde::Serialize;
use utoipa::ToSchema;

use crate::ids::EntryName;
use crate::readmodel::local::SystemToken;

use super::Time;

/// A fresh token.
#[derive(Serialize, ToSchema)]
pub struct TokenIssued {
    /// Name of the system.
    pub system: String,
    /// Send it as `Authorization: Bearer <token>`. It is shown this once: the node keeps only its digest.
    pub token: String,
    /// When it ends.
    pub expires: Time,
    /// When the tokens that the system had before end.
    pub previous_until: Time,
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
