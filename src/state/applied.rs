//! A block as the state machine applied it: what the floors above follow.

use crate::clock::Millis;
use crate::ledger::transaction::Transaction;

use super::outcome::Outcome;

/// A block with what became of each of its transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedBlock {
    /// Number of the block; the genesis block has 0.
    pub height: u64,
    /// Block time, as the state machine made it monotonic.
    pub time: Millis,
    /// Ledger index of the first transaction.
    pub first_index: u64,
    /// The transactions in their order.
    pub transactions: Vec<Transaction>,
    /// One outcome for each transaction, in the same order.
    pub outcomes: Vec<Outcome>,
}

impl AppliedBlock {
    /// Size of the ledger after this block.
    pub fn size(&self) -> u64 {
        self.first_index.saturating_add(u64::try_from(self.transactions.len()).unwrap_or(u64::MAX))
    }
}
