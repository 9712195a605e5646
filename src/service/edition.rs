//! Raising the ledger's edition, when every node's program knows the next one.

use serde::Serialize;

use crate::domain::command::Command;
use crate::domain::edition::{EditionChange, FIRST, NEWEST};
use crate::ids::DepartmentId;
use crate::policy::facts::{Action, Facts, Relation};

use super::Node;
use super::error::ServiceError;
use super::health::NodeView;
use super::principal::Principal;
use super::writes::Committed;

/// Which edition is in force, and which could be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Editions {
    /// In force on the ledger.
    pub edition: u32,
    /// The newest that this node's program knows.
    pub newest: u32,
    /// The newest that every node of the city is known to know: what the ledger may be raised to.
    pub ready: u32,
    /// The departments whose nodes hold it back: an older program, or not heard lately.
    pub waiting_for: Vec<DepartmentId>,
}

fn knows(node: &NodeView) -> u32 {
    node.edition.filter(|_| node.reachable).unwrap_or_default().max(FIRST)
}

impl Node {
    /// The edition in force, and how far the city could go.
    pub fn editions(&self) -> Editions {
        let mut nodes = self.cluster().nodes;
        nodes.retain(|node| node.wanted != "none");
        let ready = nodes.iter().map(knows).min().unwrap_or(FIRST);
        let waiting_for =
            nodes.iter().filter(|node| knows(node) < NEWEST).map(|node| node.department.clone()).collect();
        Editions { edition: self.chain.state().edition(), newest: NEWEST, ready, waiting_for }
    }

    /// Raises the ledger's edition. A node whose program does not know it would stop; so every node must be heard, and
    /// say that it does.
    ///
    /// # Errors
    /// `not_the_authority`, `upgrade_first` with the departments whose nodes are not ready, the ledger's refusal.
    pub async fn raise_edition(&self, who: &Principal, edition: u32) -> Result<Committed, ServiceError> {
        let actor = self.authorise(who, |role| Facts::new(Action::ManageKeys, role, Relation::Own))?;
        self.require_authority()?;
        let now = self.editions();
        if edition > now.ready {
            let names: Vec<String> = now.waiting_for.iter().map(ToString::to_string).collect();
            let detail = match names.is_empty() {
                true => {
                    format!("this city's programs know editions up to {}: install a newer version first", now.ready)
                }
                false => {
                    format!("not every node knows edition {edition}; upgrade or start those of: {}", names.join(", "))
                }
            };
            return Err(ServiceError::conflict("upgrade_first", detail));
        }
        self.write(who, actor, Command::SetEdition(EditionChange { edition })).await
    }
}
