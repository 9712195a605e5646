//! The exchange: one query from the consumer's node to the provider's, recorded before it is answered.
//!
//! [`Exchange::query`] is the consumer's side, [`Exchange::serve`] the provider's. Between them lie an
//! envelope (signed by its maker, sealed to its reader), the rules' decision, the quota, the department's
//! connector, and the outbox from which access records go to the ledger.

mod anchor;
mod answer;
pub mod connector;
mod cursor;
mod envelope;
mod error;
#[cfg(test)]
mod exact_tests;
#[cfg(test)]
mod fuzz;
mod ground;
mod journal;
mod ledger;
mod limits;
mod materials;
mod meter;
mod outbox;
mod peers;
mod promises;
mod query;
mod quota;
mod receive;
mod rows;
mod sample;
mod seen;
mod serve;
#[cfg(test)]
mod serve_restart_tests;
#[cfg(test)]
mod serve_terms_tests;
#[cfg(test)]
mod serve_tests;
mod stored;
mod submit;
#[cfg(test)]
mod testing;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit, watch};
use tokio::task::JoinHandle;

use crate::clock::SharedClock;
use crate::crypto::keys::Keys;
use crate::ids::{DepartmentId, EntryName, GrantId};

pub use answer::{AnswerError, Explanation, FaultText, ReasonText};
pub use envelope::{ANSWER_BYTES_MAX, REQUEST_BYTES_MAX};
pub use error::{ExchangeError, QueryError};
pub use ground::{Call, SCOPE_RULE, Seen, look};
pub use journal::{Durable, Edit};
pub use ledger::{Ledger, Pending};
pub use limits::PURPOSE_CHARS_MAX;
pub use materials::{CASE_MATERIALS, CaseMaterials};
pub use meter::{LATENCY_MS, Meter, Reading};
pub use outbox::{OUTBOX_AGE_MS_MAX, OUTBOX_MAX, Outbox};
pub use query::{Explained, ItemSaid, QueryAnswer, QueryCall};
pub use sample::{Sample, SampleError, SampledItem, sample};
pub use stored::Stored;

/// Calls that are worked on at a time, in each direction; more wait for a moment, then are turned away.
const CALLS_AT_ONCE: usize = 256;
const WAIT_FOR_TURN: Duration = Duration::from_secs(2);
const FORGET_EVERY: Duration = Duration::from_secs(1);

/// The longest text, in bytes, that is sealed, opened or checked where it is met: some 0.3 ms at most.
const SHORT_BYTES: usize = 16 * 1024;

/// What an exchange is made of.
pub struct Settings {
    /// The node's department.
    pub department: DepartmentId,
    /// Its keys.
    pub keys: Keys,
    /// Where the other departments' nodes answer for peers, `host:port`.
    pub peers: BTreeMap<DepartmentId, String>,
    /// For calls to peers: the city's authority, and this node's certificate.
    pub tls: Arc<rustls::ClientConfig>,
    /// How long a peer may take, [`PEER_TIMEOUT`] by default.
    pub peer_timeout: Duration,
    /// How long this node gives itself to record an access that it answers, [`OUTBOX_AGE_MS_MAX`] at most.
    pub promise: Duration,
    /// Network zone that this node states in its calls.
    pub zone: Option<String>,
    /// The department's data.
    pub connectors: connector::Connectors,
    /// Papers of the department's own cases.
    pub materials: Arc<dyn CaseMaterials>,
    /// The node's store.
    pub store: Arc<dyn Durable>,
    /// The node's ledger.
    pub ledger: Arc<dyn Ledger>,
    /// The time.
    pub clock: SharedClock,
}

/// How long a peer may take to answer.
pub const PEER_TIMEOUT: Duration = Duration::from_secs(10);

/// A node's exchange. Cheap to clone.
#[derive(Clone)]
pub struct Exchange {
    inner: Arc<Inner>,
}

struct Inner {
    department: DepartmentId,
    keys: Keys,
    zone: Option<String>,
    peers: peers::Peers,
    connectors: connector::Connectors,
    materials: Arc<dyn CaseMaterials>,
    ledger: Arc<dyn Ledger>,
    clock: SharedClock,
    journal: Arc<journal::Journal>,
    outbox: Arc<Outbox>,
    seen: seen::Seen,
    quotas: quota::Quotas,
    compiled: ground::Compiled,
    promises: Arc<promises::Promises>,
    promise_ms: u64,
    /// Set when, since its start, this node once had all that was acknowledged anywhere before.
    current: OnceCell<()>,
    serving: Semaphore,
    asking: Semaphore,
    long_steps: Semaphore,
    served: Meter,
    asked: Meter,
    steps: meter::Steps,
    stop: watch::Sender<bool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Exchange {
    /// Reads what an earlier run left, and begins to bring access records to the ledger. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`ExchangeError`] when the store or the certificates are not usable.
    pub fn start(settings: Settings) -> Result<Self, ExchangeError> {
        let journal = Arc::new(journal::Journal::start(settings.store)?);
        let promise_ms = u64::try_from(settings.promise.as_millis()).unwrap_or(u64::MAX).min(OUTBOX_AGE_MS_MAX);
        let (outbox, left) = Outbox::load(journal.clone(), promise_ms)?;
        let submitter = submit::Submitter {
            department: settings.department.clone(),
            keys: settings.keys.clone(),
            ledger: settings.ledger.clone(),
            clock: settings.clock.clone(),
        };
        let promises = Arc::new(promises::Promises::open(journal.clone(), submitter.clone())?);
        let anchorer = Arc::new(anchor::Anchorer { outbox: outbox.clone(), submitter });
        let (stop, stopped) = watch::channel(false);
        let watching = promises::run(&promises, &stopped);
        let forgetting = tokio::spawn(forget(settings.keys.clone(), stopped.clone()));
        let inner = Inner {
            department: settings.department,
            keys: settings.keys,
            zone: settings.zone,
            peers: peers::Peers::new(&settings.tls, settings.peers, settings.peer_timeout)?,
            connectors: settings.connectors,
            materials: settings.materials,
            ledger: settings.ledger,
            clock: settings.clock,
            seen: seen::Seen::load(&journal)?,
            quotas: quota::Quotas::load(&journal)?,
            journal,
            outbox,
            compiled: ground::Compiled::default(),
            promises,
            promise_ms,
            current: OnceCell::new(),
            serving: Semaphore::new(CALLS_AT_ONCE),
            asking: Semaphore::new(CALLS_AT_ONCE),
            long_steps: Semaphore::new(std::thread::available_parallelism().map_or(2, usize::from)),
            served: Meter::default(),
            asked: Meter::default(),
            steps: meter::Steps::default(),
            stop,
            tasks: Mutex::new(vec![tokio::spawn(anchor::run(anchorer, left, stopped)), watching, forgetting]),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Ends the work on the outbox; what waits in it goes on after the next start.
    pub async fn shutdown(&self) {
        let _ = self.inner.stop.send(true);
        let tasks = std::mem::take(&mut *self.inner.tasks.lock());
        for task in tasks {
            let _ = task.await;
        }
    }

    /// Says where the departments' nodes answer for peers from now on, `host:port`.
    pub fn find_peers(&self, addresses: BTreeMap<DepartmentId, String>) {
        if let Err(error) = self.inner.peers.find(addresses) {
            tracing::error!(%error, "the peers' addresses cannot be used");
        }
    }

    /// The department's own data sources, and how each has done.
    pub fn sources(&self) -> Vec<(EntryName, &'static str, connector::Fortune)> {
        self.inner.connectors.fortunes()
    }

    /// Access records that are not on the ledger yet.
    pub fn outbox_len(&self) -> usize {
        self.inner.outbox.len()
    }

    /// How long the oldest of them has waited, in milliseconds.
    pub fn outbox_oldest_ms(&self) -> u64 {
        self.inner.outbox.oldest_ms(self.inner.clock.now())
    }

    /// Whether queries to this node fail closed because accesses cannot be recorded.
    pub fn outbox_full(&self) -> bool {
        self.inner.outbox.is_full(self.inner.clock.now())
    }

    /// Access records that the ledger refused and that the operator must look at.
    pub fn outbox_parked(&self) -> usize {
        self.inner.outbox.parked()
    }

    /// Promises of providers whose records have not come yet.
    pub fn promises_open(&self) -> usize {
        self.inner.promises.open_promises()
    }

    /// Promises that providers broke, and records that they made up, since the start: an alarm for the operator.
    pub fn promises_broken(&self) -> u64 {
        self.inner.promises.broken()
    }

    /// Calls that were too many for their promises to be watched, since the start.
    pub fn promises_unwatched(&self) -> u64 {
        self.inner.promises.unwatched()
    }

    /// Queries of a grant on this department's data, so far today (UTC+8).
    pub fn quota_used(&self, grant: GrantId) -> u32 {
        self.inner.quotas.used(grant, self.inner.clock.now())
    }

    /// Calls that this node answered as a provider.
    pub fn served(&self) -> &Meter {
        &self.inner.served
    }

    /// Processor time of this node's work on queries, by step.
    pub fn spent(&self) -> [(&'static str, Duration); 5] {
        self.inner.steps.spent()
    }

    /// Calls that this node made as a consumer.
    pub fn asked(&self) -> &Meter {
        &self.inner.asked
    }
}

/// Wipes again and again what was shared with readers and is not used any more, also when nothing is sealed.
async fn forget(keys: Keys, mut stop: watch::Receiver<bool>) {
    while tokio::time::timeout(FORGET_EVERY, stop.wait_for(|stop| *stop)).await.is_err() {
        keys.get().forget();
    }
}

/// Waits for a turn, but not for long.
async fn turn(turns: &Semaphore) -> Option<SemaphorePermit<'_>> {
    tokio::time::timeout(WAIT_FOR_TURN, turns.acquire()).await.ok()?.ok()
}

impl Inner {
    /// Whether this node knows at least what it knew before it was started: after a crash its own ledger's end may be
    /// there and not known to be committed, and a grant that ended there would still seem to be in force.
    async fn is_current(&self) -> bool {
        let caught_up = || async { if self.ledger.caught_up().await { Ok(()) } else { Err(()) } };
        self.current.get_or_try_init(caught_up).await.is_ok()
    }

    /// Runs a step of a query: where it is met when it is short, since handing it to another thread and back costs as
    /// much as such a step itself; else off the async workers, whose other calls it would hold up.
    async fn step<T: Send + 'static>(
        self: &Arc<Self>,
        short: bool,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Option<T> {
        if short {
            return Some(work(self));
        }
        // They compute: more at once than there are processors would only hold memory.
        let _turn = self.long_steps.acquire().await.ok()?;
        self.blocking(work).await
    }

    /// Runs work that computes or reads long enough to hold up others, off the async workers.
    async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Option<T> {
        let inner = self.clone();
        tokio::task::spawn_blocking(move || work(&inner)).await.ok()
    }
}
