//! Threads that check transactions before they are proposed, on the leader, and hand them to it on the other nodes:
//! signatures cost too much for the driver or for the threads that serve requests.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use crate::clock::SharedClock;
use crate::crypto::digest::Hash;
use crate::ledger::transaction::Transaction;

use super::ConsensusError;
use super::admission::{NotAdmitted, admit};
use super::chain::Chain;
use super::handoff::Handoff;
use super::router::{Origin, Router};

/// Jobs that a thread takes at once.
const JOBS_AT_ONCE: usize = 32;

/// A transaction to be checked.
pub(super) struct Job {
    pub(super) leaf: Hash,
    pub(super) tx: Transaction,
    pub(super) origin: Origin,
}

#[derive(Default)]
struct Inner {
    jobs: VecDeque<Job>,
    stopped: bool,
}

/// Transactions that wait to be checked, at most `max`.
pub(super) struct Intake {
    inner: Mutex<Inner>,
    news: Condvar,
    max: usize,
}

impl Intake {
    pub(super) fn new(max: usize) -> Self {
        Self { inner: Mutex::default(), news: Condvar::new(), max }
    }

    /// Whether the jobs were taken, all of them; if not, there is no room.
    pub(super) fn push(&self, jobs: impl IntoIterator<Item = Job>) -> bool {
        let mut inner = self.inner.lock();
        let before = inner.jobs.len();
        inner.jobs.extend(jobs);
        if inner.jobs.len() > self.max || inner.stopped {
            inner.jobs.truncate(before);
            return false;
        }
        if inner.jobs.len() - before > JOBS_AT_ONCE {
            self.news.notify_all();
        } else {
            self.news.notify_one();
        }
        true
    }

    pub(super) fn len(&self) -> usize {
        self.inner.lock().jobs.len()
    }

    pub(super) fn stop(&self) {
        self.inner.lock().stopped = true;
        self.news.notify_all();
    }

    fn is_stopped(&self) -> bool {
        self.inner.lock().stopped
    }

    /// The next jobs; `None` when the node stops.
    fn take(&self) -> Option<Vec<Job>> {
        let mut inner = self.inner.lock();
        while inner.jobs.is_empty() && !inner.stopped {
            self.news.wait(&mut inner);
        }
        let count = inner.jobs.len().min(JOBS_AT_ONCE);
        (!inner.stopped).then(|| inner.jobs.drain(..count).collect())
    }
}

/// What a verify thread works with.
#[derive(Clone)]
pub(super) struct Verifier {
    pub(super) intake: Arc<Intake>,
    pub(super) chain: Arc<Chain>,
    pub(super) handoff: Arc<Handoff>,
    pub(super) router: Arc<Router>,
    pub(super) clock: SharedClock,
}

impl Verifier {
    /// Checks jobs until the node stops.
    pub(super) fn run(self) -> Result<(), ConsensusError> {
        while let Some(jobs) = self.intake.take() {
            if !self.router.leads() {
                // Whoever leads checks them; twice would gain nothing and cost as much again.
                jobs.into_iter().for_each(|job| self.router.forward(job.leaf, job.tx, job.origin));
                continue;
            }
            let is_behind = self.chain.progress().raft_index < self.handoff.commit();
            let now = self.clock.now();
            for Job { leaf, tx, origin } in jobs {
                if self.router.is_known(&leaf) {
                    continue;
                }
                match admit(&self.chain, &tx, now, is_behind) {
                    Ok(()) => while !self.router.propose(leaf, &tx) && !self.intake.is_stopped() {},
                    Err(NotAdmitted::Invalid(why)) => self.router.refuse(leaf, origin, why),
                    // Whoever submitted it sends it again.
                    Err(NotAdmitted::TooEarly) => {}
                }
            }
        }
        Ok(())
    }
}
