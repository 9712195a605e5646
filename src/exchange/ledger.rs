//! What the exchange needs of the node's ledger: its state, and a way to add to it.

use std::future::Future;
use std::pin::Pin;

use parking_lot::RwLockReadGuard;

use crate::ids::{AccessId, DepartmentId, TxId};
use crate::ledger::transaction::Transaction;
use crate::readmodel::accesses::{Recorded, RecordedPage};
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

    /// The next records after a place that name `consumer`, as far as this node has them; none when it cannot say now.
    fn records(&self, consumer: &DepartmentId, after: u64) -> Pending<'_, Option<RecordedPage>>;

    /// The first record of an access between two departments, as far as this node has it; none when it cannot say now.
    fn first_record(
        &self,
        access: AccessId,
        consumer: &DepartmentId,
        provider: &DepartmentId,
    ) -> Pending<'_, Option<Option<Recorded>>>;

    /// Waits until this node has everything that was committed anywhere before the call; says whether it has.
    fn caught_up(&self) -> Pending<'_, bool>;
}
