//! Answers about changes of members.

use serde::Serialize;
use utoipa::ToSchema;

use crate::ids::{DepartmentId, TxId};
use crate::service::membership::{Awaited, Changed};

/// What a change of members waits for.
#[derive(Debug, Serialize, ToSchema)]
pub struct AwaitedAnswer {
    /// `under_way`, `leader`, `unheard`, `lagging` or `majority`.
    pub code: &'static str,
    /// Whose node is awaited.
    pub department: Option<DepartmentId>,
    /// Log entries that it lacks.
    pub lag: Option<u64>,
    /// The same for people.
    pub text: String,
}

impl From<Awaited> for AwaitedAnswer {
    fn from(awaited: Awaited) -> Self {
        let text = awaited.text();
        Self { code: awaited.code, department: awaited.department, lag: awaited.lag, text }
    }
}

/// What became of a change of members.
#[derive(Debug, Serialize, ToSchema)]
pub struct MembershipChange {
    /// The transaction.
    pub transaction_id: TxId,
    /// Its index in the ledger.
    pub ledger_index: u64,
    /// The number of the node that was set.
    pub node_id: Option<u64>,
    /// Whether consensus is what the ledger says by now.
    pub settled: bool,
    /// What the change waits for, if it is not done.
    pub waits_for: Option<AwaitedAnswer>,
}

impl From<Changed> for MembershipChange {
    fn from(changed: Changed) -> Self {
        Self {
            transaction_id: changed.committed.transaction_id,
            ledger_index: changed.committed.ledger_index,
            node_id: changed.node_id,
            settled: changed.settled,
            waits_for: changed.waits_for.map(Into::into),
        }
    }
}
