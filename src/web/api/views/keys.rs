//! Answers about departments' keys.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::keys::{Endorser, KeyRecord, KeyState};
use crate::ids::DepartmentId;
use crate::service::keys as service;

use super::Time;

/// The keys that a department has and had.
#[derive(Debug, Serialize, ToSchema)]
pub struct DepartmentKeys {
    /// Whose.
    pub department: DepartmentId,
    /// To which others seal.
    pub sealing_key: String,
    /// Signing keys, newest first.
    pub items: Vec<SigningKeyAnswer>,
    /// Words of other departments for another key, not enough yet.
    pub endorsements: Vec<StandingEndorsement>,
    /// How many such words make a key the department's.
    pub endorsements_min: usize,
}

/// A signing key and where it stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct SigningKeyAnswer {
    /// Its short name.
    pub id: String,
    /// The public key.
    pub key: String,
    /// `current`, `retiring`, `retired`, `expired` or `revoked`.
    pub state: &'static str,
    /// Index of the transaction that brought it.
    pub from_index: u64,
    /// Since when.
    pub from: Time,
    /// Announced end.
    pub valid_until: Option<Time>,
    /// From when on it signs no more, because another took its place.
    pub retired_at: Option<Time>,
    /// Index from which on it is refused.
    pub revoked_at_index: Option<u64>,
    /// Why it was revoked.
    pub revoke_reason: Option<String>,
    /// Who vouched for it: `registration`, the id of the key before it, or departments.
    pub endorsed_by: Vec<String>,
}

/// One department's word for another's key.
#[derive(Debug, Serialize, ToSchema)]
pub struct StandingEndorsement {
    /// Who gave it.
    pub by: DepartmentId,
    /// The key.
    pub key: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Time,
}

impl From<(KeyRecord, KeyState)> for SigningKeyAnswer {
    fn from((record, state): (KeyRecord, KeyState)) -> Self {
        let (revoked_at_index, revoke_reason) = record.revocation.map(|r| (r.index, r.reason)).unzip();
        Self {
            id: record.key.id().to_string(),
            key: record.key.to_string(),
            state: state.as_str(),
            from_index: record.from_index,
            from: record.from_time.into(),
            valid_until: record.valid_until.map(Time),
            retired_at: record.retired_at.map(Time),
            revoked_at_index,
            revoke_reason,
            endorsed_by: match record.endorsed_by {
                Endorser::Registration => vec!["registration".to_owned()],
                Endorser::Predecessor { key } => vec![key.to_string()],
                Endorser::Departments { departments } => departments.iter().map(ToString::to_string).collect(),
            },
        }
    }
}

impl From<service::DepartmentKeys> for DepartmentKeys {
    fn from(keys: service::DepartmentKeys) -> Self {
        let word = |(by, given): (DepartmentId, crate::state::Endorsement)| StandingEndorsement {
            by,
            key: given.endorsement.signing.key.to_string(),
            reason: given.endorsement.reason,
            at: given.at.into(),
        };
        Self {
            department: keys.department,
            sealing_key: keys.sealing_key,
            items: keys.signing_keys.into_iter().map(Into::into).collect(),
            endorsements: keys.endorsements.into_iter().map(word).collect(),
            endorsements_min: keys.endorsements_min,
        }
    }
}
