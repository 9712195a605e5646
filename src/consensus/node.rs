//! A running node's consensus: its threads, and what others ask of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Runtime;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::clock::SharedClock;
use crate::crypto::digest::Hash;
use crate::domain::edition::NEWEST;
use crate::ids::DepartmentId;
use crate::ledger::checkpoint::SignedCheckpoint;
use crate::ledger::transaction::Transaction;
use crate::state::outcome::Outcome;
use crate::storage::disk::Disk;
use crate::storage::ledger_log::LedgerLog;
use crate::storage::node_store::NodeStore;

use super::chain::Chain;
use super::cosign::{Anchored, Book, Cosigning, Desk};
use super::evidence::{Guard, Halted};
use super::handoff::Handoff;
use super::intake::{Intake, Job};
use super::mailbox::{Input, Mailbox};
use super::membership::{Membership, Wanted};
use super::pool::Pool;
use super::router::Origin;
use super::settings::{Settings, Timing};
use super::status::{DriverStatus, Leadership, NodeReport, NodeRole, PeerStatus, Queues, Reports, Status};
use super::steward::{Configuration, Step, View, Waits};
use super::transport::Links;
use super::waiters::{Reply, Waiters};
use super::{ConsensusError, ReadError, SubmitError, genesis, start};

/// A fresh read asks again after this long: questions can be dropped in silence.
const READ_AGAIN: Duration = Duration::from_millis(300);
/// Submissions that may wait on one node before it repeats them more rarely.
const CROWD: usize = 2_048;
const READ_PAUSE: Duration = Duration::from_millis(20);
/// A node that was not heard for this long counts as away.
pub const REPORT_AGE_MS_MAX: u64 = 5_000;
const NETWORK_PATIENCE: Duration = Duration::from_secs(2);

/// What all parts of a node share.
pub(super) struct Shared {
    pub(super) node_id: u64,
    pub(super) timing: Timing,
    pub(super) chain: Arc<Chain>,
    pub(super) handoff: Arc<Handoff>,
    pub(super) intake: Arc<Intake>,
    pub(super) pool: Arc<Pool>,
    pub(super) waiters: Arc<Waiters>,
    pub(super) links: Arc<Links>,
    pub(super) reports: Arc<Reports>,
    pub(super) desk: Arc<Desk>,
    pub(super) book: Arc<Book>,
    pub(super) guard: Arc<Guard>,
    pub(super) disk: Arc<Disk>,
    pub(super) mailbox: Mailbox,
    pub(super) leadership: watch::Receiver<Leadership>,
    pub(super) driver: Arc<Mutex<DriverStatus>>,
    pub(super) membership: Arc<Membership>,
    /// Where the others reach this node, as its own `node.toml` says.
    pub(super) address: String,
    pub(super) projected: AtomicU64,
    pub(super) troubles: Mutex<Vec<String>>,
    pub(super) clock: SharedClock,
}

/// What ends with the node.
#[derive(Default)]
pub(super) struct Running {
    pub(super) threads: Vec<JoinHandle<()>>,
    pub(super) network: Option<Runtime>,
}

/// A node's part in consensus. Share it behind an `Arc`; it stops when dropped.
pub struct Consensus {
    shared: Arc<Shared>,
    running: Mutex<Running>,
}

impl Consensus {
    /// Writes the genesis block to an empty log. The transaction must be the very same on every
    /// node. Harmless when done already.
    ///
    /// # Errors
    /// [`ConsensusError::Genesis`] when the transaction is not a valid genesis,
    /// [`ConsensusError::OtherLedger`] when another one is installed, [`ConsensusError::Storage`].
    pub fn install_genesis(log: &LedgerLog, store: &Arc<NodeStore>, tx: &Transaction) -> Result<(), ConsensusError> {
        genesis::install(log, store, tx)
    }

    /// Starts this node's threads. Returns at once: the ledger on disk is applied in the
    /// background, and [`Consensus::status`] says how far that is.
    ///
    /// When consensus fails later the process ends with code 70, for a node that looks alive and
    /// is not would harm the others.
    ///
    /// # Errors
    /// [`ConsensusError`] when the files, the members or the sockets are not in order.
    pub fn start(settings: Settings) -> Result<Self, ConsensusError> {
        let (shared, running) = start::start(settings)?;
        Ok(Self { shared, running: Mutex::new(running) })
    }

    /// This node's number.
    pub fn node_id(&self) -> u64 {
        self.shared.node_id
    }

    /// The applied ledger.
    pub fn chain(&self) -> Arc<Chain> {
        self.shared.chain.clone()
    }

    /// Proposes a transaction and waits, for ten seconds by default, until this node has applied
    /// it. May be called on any node, thousands of times at once.
    ///
    /// # Errors
    /// [`SubmitError`]. A refusal by the state machine is not an error but an [`Outcome`].
    pub async fn submit(&self, tx: Transaction) -> Result<Outcome, SubmitError> {
        self.submit_within(tx, self.shared.timing.submit_timeout).await
    }

    /// As [`Consensus::submit`], with a time limit of the caller's.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub async fn submit_within(&self, tx: Transaction, limit: Duration) -> Result<Outcome, SubmitError> {
        let mut outcomes = self.submit_all(vec![tx], limit).await?;
        outcomes.pop().unwrap_or(Err(SubmitError::Stopped))
    }

    /// As [`Consensus::submit_within`], for many at once; each has its own answer, in their order. All are taken or none.
    ///
    /// # Errors
    /// [`SubmitError::Busy`] when there is no room for all of them, [`SubmitError::Halted`], [`SubmitError::Stopped`].
    pub async fn submit_all(
        &self,
        txs: Vec<Transaction>,
        limit: Duration,
    ) -> Result<Vec<Result<Outcome, SubmitError>>, SubmitError> {
        let shared = &self.shared;
        let deadline = Instant::now() + limit;
        let leaves: Vec<Hash> = txs.iter().map(|tx| tx.leaf(shared.chain.algorithm())).collect();
        let job = |(leaf, tx): (&Hash, &Transaction)| Job { leaf: *leaf, tx: tx.clone(), origin: Origin::Here };
        let mut halted = shared.guard.halted();
        if let Some(why) = halted.borrow_and_update().clone() {
            return Err(SubmitError::Halted(why.kind.clone()));
        }
        if !shared.disk.takes_work() {
            return Err(SubmitError::DiskFull);
        }
        let mut leadership = shared.leadership.clone();
        leadership.borrow_and_update();
        let waiting = shared.waiters.register(leaves.clone()).ok_or(SubmitError::Busy)?;
        if !shared.intake.push(leaves.iter().zip(&txs).map(job)) {
            return Err(SubmitError::Busy);
        }
        let mut attempts = 1u32;
        loop {
            // Ever more rarely, and the more so the more wait, or an overloaded ledger would be loaded with repetitions too.
            let crowd = u32::try_from(1 + shared.waiters.len() / CROWD).unwrap_or(u32::MAX);
            let pause = shared.timing.retry.saturating_mul(attempts.saturating_mul(crowd));
            let again = (Instant::now() + pause).min(deadline);
            tokio::select! {
                biased;
                () = waiting.answered() => break,
                Ok(why) = halted.wait_for(Option::is_some) => {
                    let kind = why.as_ref().map(|why| why.kind.clone());
                    return Err(SubmitError::Halted(kind.unwrap_or_default()));
                }
                changed = leadership.changed() => changed.map_err(|_| SubmitError::Stopped)?,
                () = sleep_until(again) => {}
            }
            if Instant::now() >= deadline {
                break;
            }
            if leadership.borrow().leader.is_some() {
                attempts += 1;
                waiting.insist();
                let open = waiting.open();
                // When there is no room, the next attempt may find some.
                shared.intake.push(open.iter().filter_map(|at| Some(job((leaves.get(*at)?, txs.get(*at)?)))));
            }
        }
        if waiting.is_closed() {
            return Err(SubmitError::Stopped);
        }
        let has_leader = leadership.borrow().leader.is_some();
        let late = || if has_leader { SubmitError::Timeout } else { SubmitError::NoLeader };
        let answer = |reply| match reply {
            Some(Reply::Applied(outcome)) => Ok(outcome),
            Some(Reply::Invalid(why)) => Err(SubmitError::Invalid(why)),
            Some(Reply::Busy) => Err(SubmitError::Busy),
            None => Err(late()),
        };
        Ok(waiting.replies().into_iter().map(answer).collect())
    }

    /// Waits until this node has applied everything that was committed anywhere when the call
    /// began: what it then reads is fresh.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn read_index(&self) -> Result<(), ReadError> {
        let shared = &self.shared;
        let deadline = Instant::now() + shared.timing.read_timeout;
        loop {
            let (asker, answer) = oneshot::channel();
            shared.mailbox.leave(Input::Read(asker));
            if let Ok(Ok(index)) = timeout_at((Instant::now() + READ_AGAIN).min(deadline), answer).await {
                let mut applied = shared.chain.applied();
                let reached = timeout_at(deadline, applied.wait_for(|applied| applied.raft_index >= index)).await;
                return reached.map_err(|_| ReadError::Timeout)?.map(|_| ()).map_err(|_| ReadError::Stopped);
            }
            if shared.leadership.has_changed().is_err() {
                return Err(ReadError::Stopped);
            }
            if Instant::now() >= deadline {
                return Err(ReadError::Timeout);
            }
            sleep(READ_PAUSE).await;
        }
    }

    /// The newest checkpoint that enough departments cosigned and that this node reached itself, and those to come.
    pub fn anchored(&self) -> watch::Receiver<Option<Arc<Anchored>>> {
        self.shared.book.anchored()
    }

    /// Waits, at most for `limit`, until a transaction is anchored; answers a checkpoint that covers it.
    pub async fn anchored_beyond(&self, index: u64, limit: Duration) -> Option<Arc<Anchored>> {
        let mut anchored = self.anchored();
        let covers = |known: &Option<Arc<Anchored>>| known.as_ref().is_some_and(|known| known.size() > index);
        let found = timeout_at(Instant::now() + limit, anchored.wait_for(covers)).await;
        found.ok()?.ok()?.clone()
    }

    /// The checkpoint over a transaction that most departments cosigned, anchored or not.
    pub fn covering(&self, index: u64) -> Option<SignedCheckpoint> {
        self.shared.book.covering(index)
    }

    /// The newest checkpoint that this node cosigned itself. It is durable: no other of its size will ever be signed.
    pub fn own_checkpoint(&self) -> Option<SignedCheckpoint> {
        self.shared.book.own()
    }

    /// The newest checkpoint that a department is known to have cosigned, with its cosignatures alone.
    pub fn word_of(&self, department: &DepartmentId) -> Option<SignedCheckpoint> {
        self.shared.book.word_of(department)
    }

    /// What the ledger says of nodes, and what it will say.
    pub fn wanted(&self) -> watch::Receiver<Arc<Wanted>> {
        self.shared.membership.follow_wanted()
    }

    /// Whether this node stands still because it met a contradiction, and which; and when that begins.
    pub fn halted(&self) -> watch::Receiver<Option<Arc<Halted>>> {
        self.shared.guard.halted()
    }

    /// Who cosigned what, and what is lacking.
    pub fn cosigning(&self) -> Cosigning {
        self.shared.book.status()
    }

    /// Says how large a ledger this node's read model reflects, for its reports to others.
    pub fn report_projected(&self, size: u64) {
        self.shared.projected.store(size, Ordering::Relaxed);
    }

    /// Says which of this node's checks do not hold, for its reports to others.
    pub fn report_troubles(&self, names: Vec<String>) {
        *self.shared.troubles.lock() = names;
    }

    /// This node's consensus at a glance.
    pub fn status(&self) -> Status {
        self.shared.status()
    }

    /// Ends all threads; what waits is answered with [`SubmitError::Stopped`]. May be called twice.
    pub fn shutdown(&self) {
        let mut running = self.running.lock();
        if let Some(network) = running.network.take() {
            // On a thread of its own, for this may be called from inside another runtime; and to
            // the end, so that the port is free again.
            let ended = std::thread::spawn(move || network.shutdown_timeout(NETWORK_PATIENCE)).join();
            if ended.is_err() {
                tracing::warn!("the network did not end in order");
            }
        }
        self.shared.intake.stop();
        self.shared.handoff.stop();
        self.shared.desk.stop();
        if !running.threads.is_empty() {
            self.shared.mailbox.stop();
        }
        for thread in running.threads.drain(..) {
            // A thread that failed has ended the process.
            let _ = thread.join();
        }
        self.shared.waiters.clear();
    }
}

impl Drop for Consensus {
    fn drop(&mut self) {
        self.shutdown();
    }
}

impl Shared {
    /// What this node tells the others.
    pub(super) fn report(&self) -> NodeReport {
        let driver = *self.driver.lock();
        let applied = self.chain.progress();
        NodeReport {
            node_id: self.node_id,
            term: driver.term,
            commit: driver.commit,
            applied: applied.raft_index,
            size: applied.size,
            projected: self.projected.load(Ordering::Relaxed),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            edition: NEWEST,
            clock: Some(self.clock.now()),
            troubles: self.troubles.lock().clone(),
            clock_ahead_ms: Some(0),
            address: self.address.clone(),
            age_ms: 0,
            lag: 0,
        }
    }

    fn status(&self) -> Status {
        let driver = *self.driver.lock();
        let applied = self.chain.progress();
        let silence = match driver.role {
            NodeRole::Leader => Some(Duration::ZERO),
            _ => driver.leader_heard.map(|heard| heard.elapsed()),
        };
        let mut reports = self.reports.all();
        reports.push(self.report());
        reports.sort_by_key(|report| report.node_id);
        let configuration = self.membership.configuration();
        let step = self.membership.step().unwrap_or_else(|| self.foresee(&driver, &configuration, &reports));
        Status {
            node_id: self.node_id,
            role: driver.role,
            leader: driver.leader,
            term: driver.term,
            commit: driver.commit,
            applied_raft_index: applied.raft_index,
            last_index: driver.last_index,
            height: applied.height,
            size: applied.size,
            has_quorum: driver.leader.is_some() && silence.is_some_and(|s| s <= self.timing.silence_max()),
            leader_contact_ms: silence.map(|s| u64::try_from(s.as_millis()).unwrap_or(u64::MAX)),
            queues: Queues {
                unchecked: self.intake.len(),
                unpacked: self.pool.len(),
                waiting: self.waiters.len(),
                unapplied: driver.commit.saturating_sub(applied.raft_index),
            },
            peers: self
                .links
                .connected()
                .into_iter()
                .map(|(node_id, connected)| PeerStatus { node_id, connected })
                .collect(),
            reports,
            configuration: (*configuration).clone(),
            standing: self.membership.standing(),
            step,
        }
    }

    /// What the leader's steward is about to do, by what this node has heard.
    fn foresee(&self, driver: &DriverStatus, configuration: &Configuration, reports: &[NodeReport]) -> Step {
        let Some(leader) = driver.leader else { return Step::Wait(Waits::Leader) };
        let heard = |report: &&NodeReport| report.age_ms <= REPORT_AGE_MS_MAX;
        let lag = |node_id| {
            let report = reports.iter().find(|report| report.node_id == node_id).filter(heard)?;
            Some(report.lag)
        };
        View { leader, configuration, wanted: &self.membership.wanted().votes(), lag }.plan()
    }
}

#[cfg(test)]
impl Consensus {
    /// What a dishonest leader could do: propose a transaction without checking it.
    pub(super) fn slip_in(&self, tx: Transaction) -> bool {
        let leaf = tx.leaf(self.shared.chain.algorithm());
        let taken = self.shared.pool.offer(leaf, tx) == super::pool::Offer::Taken;
        self.shared.mailbox.wake();
        taken
    }

    /// What a dishonest leader could do: propose any bytes as a block.
    pub(super) fn slip_in_block(&self, entry: Vec<u8>) {
        self.shared.mailbox.leave(Input::Slip(entry));
    }

    /// As if another node had sent it.
    pub(super) fn hear(&self, note: SignedCheckpoint) {
        self.shared.desk.heard(note);
    }
}
