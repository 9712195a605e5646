//! Answers about sessions.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::Role;
use crate::ids::DepartmentId;

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
