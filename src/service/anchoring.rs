//! How far the ledger is anchored, and who cosigned what.

use std::sync::Arc;

use crate::consensus::{DepartmentWord, Halted};

use super::Node;

/// How anchoring stands.
#[derive(Clone, Debug, Default)]
pub struct Anchoring {
    /// Transactions covered by the newest anchored checkpoint.
    pub size: u64,
    /// Transactions applied here and not anchored.
    pub lag: u64,
    /// Milliseconds since the block time of the oldest of them; 0 when there is none.
    pub lag_ms: u64,
    /// Departments that must cosign a checkpoint to anchor it.
    pub needed: usize,
    /// The newest word of each department that was heard.
    pub departments: Vec<DepartmentWord>,
}

impl Node {
    /// Why this node stands still, if it does: it met a contradiction and waits for its operator.
    pub fn halted(&self) -> Option<Arc<Halted>> {
        self.consensus.halted().borrow().clone()
    }

    /// How anchoring stands at this moment, as this node knows it.
    pub fn anchoring(&self) -> Anchoring {
        let cosigning = self.consensus.cosigning();
        let size = self.consensus.anchored().borrow().as_ref().map_or(0, |anchored| anchored.size());
        let oldest = self.chain.time_of(size);
        Anchoring {
            size,
            lag: cosigning.lag,
            lag_ms: oldest.map_or(0, |time| self.clock.now().since(time)),
            needed: cosigning.needed,
            departments: cosigning.departments,
        }
    }

    /// State of a transaction that this node has applied: `anchored` when enough departments cosigned a checkpoint that
    /// covers it, else `committed`.
    pub fn state_of(&self, index: u64) -> &'static str {
        let anchored = self.consensus.anchored();
        let size = anchored.borrow().as_ref().map_or(0, |anchored| anchored.size());
        if index < size { "anchored" } else { "committed" }
    }
}
