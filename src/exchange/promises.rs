//! The consumer's watch over promises: an access that its provider does not record in time raises an alarm.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::clock::{Millis, SharedClock};
use crate::domain::promise::Promise;
use crate::ids::{AccessId, DepartmentId};

use super::ledger::Ledger;

/// Promises that are watched; beyond, the oldest go unwatched and are counted.
const WATCHED_MAX: usize = 50_000;
/// A promise that holds just in time still needs its block to come here.
const GRACE_MS: u64 = 30_000;
const LOOK_EVERY: Duration = Duration::from_secs(5);
const LOOKED_AT_ONCE: usize = 500;

/// Promises whose time has not come. In memory: a restart forgets the watch, not the promise.
#[derive(Default)]
pub(super) struct Promises {
    watched: Mutex<BTreeMap<(Millis, AccessId), DepartmentId>>,
    broken: AtomicU64,
    unwatched: AtomicU64,
}

impl Promises {
    /// Watches a promise.
    pub(super) fn keep(&self, provider: &DepartmentId, promise: &Promise) {
        let mut watched = self.watched.lock();
        watched.insert((promise.by, promise.access_id), provider.clone());
        if watched.len() > WATCHED_MAX && watched.pop_first().is_some() {
            self.unwatched.fetch_add(1, Relaxed);
        }
    }

    /// Promises that providers broke.
    pub(super) fn broken(&self) -> u64 {
        self.broken.load(Relaxed)
    }

    /// Promises that were too many to be watched.
    pub(super) fn unwatched(&self) -> u64 {
        self.unwatched.load(Relaxed)
    }

    fn due(&self, now: Millis) -> Vec<((Millis, AccessId), DepartmentId)> {
        let watched = self.watched.lock();
        let due = watched.iter().take_while(|((by, _), _)| by.plus(GRACE_MS) <= now);
        due.take(LOOKED_AT_ONCE).map(|(key, provider)| (*key, provider.clone())).collect()
    }

    /// Looks once for every record whose time has come.
    pub(super) async fn look(&self, ledger: &dyn Ledger, now: Millis) {
        for (key, provider) in self.due(now) {
            match ledger.recorded(key.1).await {
                // This node is behind the ledger: nothing can be said yet, of this one or the next.
                None => return,
                Some(true) => {}
                Some(false) => {
                    self.broken.fetch_add(1, Relaxed);
                    tracing::error!(%provider, access_id = %key.1, "the provider has not recorded an access that it promised to record");
                }
            }
            self.watched.lock().remove(&key);
        }
    }
}

/// Looks again and again until `stop` says so.
pub(super) async fn run(
    promises: Arc<Promises>,
    ledger: Arc<dyn Ledger>,
    clock: SharedClock,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let stopped = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => true,
            () = tokio::time::sleep(LOOK_EVERY) => false,
        };
        if stopped {
            return;
        }
        promises.look(&*ledger, clock.now()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::digest::Hash;
    use crate::domain::Role;
    use crate::domain::command::{AccessBatch, Command};
    use crate::exchange::testing::{City, START, department, record};

    #[tokio::test]
    async fn a_promise_is_broken_only_when_its_time_is_over_and_the_ledger_lacks_the_record() {
        let city = City::new(crate::policy::default_document());
        let promises = Promises::default();
        let provider = department("public-security");
        let kept = record(START);
        let promise = |access_id| Promise { access_id, record_digest: Hash([0; 32]), by: START.plus(600_000) };
        promises.keep(&provider, &promise(kept.access_id));
        promises.keep(&provider, &promise(AccessId::new(START)));
        let batch = Command::RecordAccesses(AccessBatch { records: vec![kept] });
        city.does("public-security", "node", Role::System, batch);
        promises.look(&*city, START.plus(600_000)).await;
        assert_eq!((promises.broken(), promises.watched.lock().len()), (0, 2));
        promises.look(&*city, START.plus(600_000 + GRACE_MS)).await;
        assert_eq!((promises.broken(), promises.watched.lock().len()), (1, 0));
    }
}
