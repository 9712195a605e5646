//! What the exchange needs of the node's ledger: its state, and a way to add to it.

use std::future::Future;
use std::pin::Pin;

use parking_lot::RwLockReadGuard;

use crate::ids::{AccessId, TxId};
use crate::ledger::transaction::Transaction;
use crate::state::{Outcome, State};

/// A future that outlives the call's frame.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The node's ledger: consensus in a running node, a state in memory in tests.
pub trait Ledger: Send + Sync + 'static {
    /// The state as this node has applied it; held briefly.
    fn state(&self) -> RwLockReadGuard<'_, State>;

    /// Submits a transaction and waits until this node has applied it. An error says that its fate is unknown.
    fn submit(&self, tx: Transaction) -> Pending<'_, Result<Outcome, String>>;

    /// Whether a transaction of this id stands on the ledger and was executed; none when it cannot be said now.
    fn committed(&self, id: TxId) -> Pending<'_, Option<bool>>;

    /// Whether the record of an access stands on the ledger; none when it cannot be said now.
    fn recorded(&self, access: AccessId) -> Pending<'_, Option<bool>>;
}
