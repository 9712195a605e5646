//! The applied ledger as a row of leaves, whatever blocks they came in.

use crate::clock::Millis;
use crate::ledger::transaction::Transaction;

use super::chain::Chain;

impl Chain {
    /// The transactions from `first` up to and without `end`, each with the time of its block. `None` when not all are
    /// applied yet, or cannot be read, which is reported in the node's log.
    pub fn leaves(&self, first: u64, end: u64) -> Option<Vec<(Millis, Transaction)>> {
        let mut leaves = Vec::new();
        let mut next = first;
        while next < end {
            let (block, offset) = self.at(next)?;
            for tx in block.transactions.into_iter().skip(offset) {
                leaves.push((block.time, tx));
                next += 1;
                if next == end {
                    break;
                }
            }
        }
        Some(leaves)
    }
}
