//! Who asks: an account or a system of the node's own department.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use crate::domain::{Actor, Role};
use crate::ids::{EntryName, TxId};
use crate::policy::Decision;
use crate::policy::facts::Facts;

use super::Node;
use super::error::ServiceError;

/// An authenticated account or system of this department.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Account or system name, unique within the department.
    pub user: String,
    /// Name for people.
    pub display: String,
    /// What it may be.
    pub roles: BTreeSet<Role>,
    /// Whether it is a system that may hand in transactions which it signed itself.
    pub submits: bool,
    /// Entries that it may query, when its token is limited to some.
    pub entries: Option<Arc<[EntryName]>>,
    /// The id that the transaction of this call must take: the same for a repeated call, so that it counts once.
    pub reserved: Option<TxId>,
    /// From where it calls, as the node sees it.
    pub from: Option<IpAddr>,
}

impl Principal {
    /// Whether it has a role.
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Whether its token is good for an entry.
    ///
    /// # Errors
    /// `token_scope`.
    pub fn may_query(&self, entry: &EntryName) -> Result<(), ServiceError> {
        if self.entries.as_ref().is_none_or(|entries| entries.contains(entry)) {
            return Ok(());
        }
        let detail =
            format!("this token of {} is not good for {entry}: ask your administrator for one that is", self.user);
        Err(ServiceError::NotAllowed { code: "token_scope", detail })
    }

    /// This principal acting in a role.
    pub fn acting(&self, role: Role) -> Actor {
        Actor { user: self.user.clone(), role }
    }
}

impl Node {
    /// Asks the policy once for each role of the principal; the first role that may act acts.
    ///
    /// # Errors
    /// [`ServiceError::Refused`] with the decision that came closest.
    pub fn authorise(&self, who: &Principal, facts: impl Fn(Role) -> Facts) -> Result<Actor, ServiceError> {
        let engine = self.policy()?;
        let mut refused: Option<Decision> = None;
        for role in &who.roles {
            let decision = engine.decide(&facts(*role));
            if decision.allowed {
                return Ok(who.acting(*role));
            }
            // A refusal for the matter itself explains more than one for the role.
            let is_about_role = |d: &Decision| d.reasons.iter().any(|reason| reason.code == "role_not_allowed");
            if refused.as_ref().is_none_or(|kept| is_about_role(kept) && !is_about_role(&decision)) {
                refused = Some(decision);
            }
        }
        refused.map_or(Err(ServiceError::NotSignedIn), |decision| Err(ServiceError::Refused(decision)))
    }
}
