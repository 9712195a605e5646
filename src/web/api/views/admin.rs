//! Answers about the log of sign-ins and settings.

use serde::Serialize;
use utoipa::ToSchema;

use crate::readmodel::local::{ActKind, ActView};

use super::Time;

/// A line of the log.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActAnswer {
    /// Its number; numbers only grow.
    pub id: u64,
    /// When.
    pub at: Time,
    /// What was done, such as `signed_in`, `sign_in_failed` or `roles_changed`.
    #[schema(value_type = ActKind)]
    pub kind: String,
    /// By which account or system; `operator` for the node's command line, `node` for the node itself.
    pub user: String,
    /// From where, as the node saw it; null where that is not known.
    pub from: Option<String>,
    /// To whom or to what.
    pub subject: String,
    /// More about it.
    pub detail: String,
    /// SM3 over the digest of the line before and this line, in hexadecimal.
    pub digest: String,
}

impl From<ActView> for ActAnswer {
    fn from(act: ActView) -> Self {
        let ActView { id, at, kind, user, from, subject, detail, digest } = act;
        Self { id, at: at.into(), kind, user, from: from.map(|from| from.to_string()), subject, detail, digest }
    }
}
