//! What the driver hands to the apply thread. The driver never waits: when the apply thread lags,
//! entries are not kept in memory but read from the log later.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use raft::eraftpb::Entry;

use crate::storage::StorageError;

use super::log_view;
use super::ports::Log;

const QUEUE_BYTES_MAX: usize = 8 * 1024 * 1024;
const READ_BYTES_MAX: u64 = 1024 * 1024;
/// More elections than this in one run of the process only cost a second check of signatures.
const TERMS_MAX: usize = 64;

#[derive(Default)]
struct Inner {
    commit: u64,
    queue: VecDeque<Entry>,
    bytes: usize,
    led: BTreeSet<u64>,
    stopped: bool,
}

/// What the apply thread is to do.
pub(super) enum Work {
    /// Entries that follow the last ones.
    Entries(Vec<Entry>),
    /// Nothing came in a while.
    Idle,
    /// The node stops.
    Stop,
}

/// Committed entries on their way to the state.
#[derive(Default)]
pub(super) struct Handoff {
    inner: Mutex<Inner>,
    news: Condvar,
}

impl Handoff {
    /// A handoff of a log whose entries up to `commit` are committed.
    pub(super) fn new(commit: u64) -> Self {
        Self { inner: Mutex::new(Inner { commit, ..Inner::default() }), news: Condvar::new() }
    }

    /// Takes committed entries, which lie durably in the log already.
    pub(super) fn push(&self, entries: Vec<Entry>) {
        let mut inner = self.inner.lock();
        for entry in entries {
            inner.commit = inner.commit.max(entry.index);
            if inner.bytes + entry.data.len() <= QUEUE_BYTES_MAX {
                inner.bytes += entry.data.len();
                inner.queue.push_back(entry);
            }
        }
        self.news.notify_one();
    }

    /// Index of the last committed entry.
    pub(super) fn commit(&self) -> u64 {
        self.inner.lock().commit
    }

    /// Notes a term in which this node leads: its entries are this node's own, checked before they
    /// were packed.
    pub(super) fn led(&self, term: u64) {
        let mut inner = self.inner.lock();
        inner.led.insert(term);
        while inner.led.len() > TERMS_MAX {
            inner.led.pop_first();
        }
    }

    /// Whether this node led in a term since it started.
    pub(super) fn has_led(&self, term: u64) -> bool {
        self.inner.lock().led.contains(&term)
    }

    pub(super) fn stop(&self) {
        self.inner.lock().stopped = true;
        self.news.notify_all();
    }

    /// Waits for the entries from `next` on.
    pub(super) fn next(&self, next: u64, log: &impl Log, patience: Duration) -> Result<Work, StorageError> {
        let high = {
            let mut inner = self.inner.lock();
            if inner.commit < next && !inner.stopped {
                self.news.wait_for(&mut inner, patience);
            }
            if inner.stopped {
                return Ok(Work::Stop);
            }
            if inner.commit < next {
                return Ok(Work::Idle);
            }
            while inner.queue.front().is_some_and(|entry| entry.index < next) {
                inner.pop();
            }
            let mut ready = Vec::new();
            while let Some(entry) = inner.queue.front() {
                if entry.index != next + ready.len() as u64 || ready.len() >= 64 {
                    break;
                }
                ready.extend(inner.pop());
            }
            if !ready.is_empty() {
                return Ok(Work::Entries(ready));
            }
            inner.queue.front().map_or(inner.commit + 1, |entry| entry.index)
        };
        let records = log.entries(next, high, READ_BYTES_MAX)?;
        Ok(Work::Entries(records.into_iter().map(log_view::entry).collect()))
    }
}

impl Inner {
    fn pop(&mut self) -> Option<Entry> {
        let entry = self.queue.pop_front()?;
        self.bytes -= entry.data.len();
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::RecordRef;
    use crate::storage::ledger_log::LedgerLog;

    #[test]
    fn what_does_not_fit_the_queue_comes_from_the_log_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let log = LedgerLog::open(dir.path()).unwrap();
        let data = vec![7u8; 100 * 1024];
        let handoff = Handoff::new(0);
        for index in 1..=200 {
            log.append(&[RecordRef { index, term: 1, kind: 0, data: &data }]).unwrap();
            if index > 3 {
                handoff.push(vec![log_view::entry(log.entry(index).unwrap())]);
            }
        }
        assert!(handoff.inner.lock().queue.len() < 100, "the queue is bounded");
        let mut next = 1;
        while next <= 200 {
            let Work::Entries(entries) = handoff.next(next, &log, Duration::from_secs(5)).unwrap() else {
                panic!("nothing at {next}")
            };
            for entry in entries {
                assert_eq!((entry.index, entry.data.len()), (next, data.len()));
                next += 1;
            }
        }
        assert!(matches!(handoff.next(next, &log, Duration::ZERO).unwrap(), Work::Idle));
        assert_eq!(handoff.inner.lock().bytes, 0);
    }
}
