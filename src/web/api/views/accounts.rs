//! Answers about accounts of the department's people.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::Role;
use crate::service::staff::StaffAccount;

use super::Time;

/// An account.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountAnswer {
    /// Name to sign in with.
    pub user: String,
    /// Name for people.
    pub display: String,
    /// What it may do.
    pub roles: Vec<Role>,
    /// `zh` or `en`.
    pub lang: String,
    /// When it was made.
    pub created: Time,
    /// Since when nobody signs in with it; null while it may be used.
    pub disabled: Option<Time>,
    /// Whether its password was chosen by somebody else and must be changed at the next sign-in.
    pub must_change: bool,
    /// Whether a code is asked for beside the password.
    pub second_factor: bool,
    /// Until when too many failures keep it locked.
    pub locked_until: Option<Time>,
}

impl From<StaffAccount> for AccountAnswer {
    fn from(staff: StaffAccount) -> Self {
        let StaffAccount { account, has_second_factor, locked_until } = staff;
        Self {
            user: account.user,
            display: account.display_name,
            roles: account.roles,
            lang: account.lang,
            created: account.created.into(),
            disabled: account.disabled.map(Time::from),
            must_change: account.must_change,
            second_factor: has_second_factor,
            locked_until: locked_until.map(Time::from),
        }
    }
}

/// A password that is good for one sign-in, at which its owner chooses another.
#[derive(Serialize, ToSchema)]
pub struct PasswordOnce {
    /// Whose.
    pub user: String,
    /// It is shown this once: the node keeps only its hash.
    pub password: String,
}
