//! The thread that writes snapshots, so that a restart need not apply the whole ledger again.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use crate::storage::StorageError;
use crate::storage::disk::Disk;
use crate::storage::snapshots::Snapshots;

use super::ConsensusError;
use super::settings::SnapshotPace;
use super::snapshot::Capture;

#[derive(Default)]
struct Inner {
    /// What is to be written next; a newer one takes its place.
    next: Option<Capture>,
    is_writing: bool,
    stopped: bool,
    /// Bytes of the last snapshot that was written.
    bytes: u64,
}

/// The desk of the snapshots' writer.
pub(super) struct Keeper {
    snapshots: Snapshots,
    pace: SnapshotPace,
    disk: Arc<Disk>,
    inner: Mutex<Inner>,
    news: Condvar,
}

/// What was applied since a snapshot was taken.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Since {
    /// Transactions.
    pub(super) transactions: u64,
    /// Bytes of the log.
    pub(super) bytes: u64,
}

impl Keeper {
    pub(super) fn new(snapshots: Snapshots, pace: SnapshotPace, disk: Arc<Disk>) -> Self {
        Self { snapshots, pace, disk, inner: Mutex::default(), news: Condvar::new() }
    }

    /// Whether enough was applied since the last snapshot for another. A large one is written more rarely, so that never
    /// more is written for snapshots than for the ledger itself.
    pub(super) fn wants(&self, since: Since) -> bool {
        if since.transactions < self.pace.transactions && since.bytes < self.pace.bytes {
            return false;
        }
        let inner = self.inner.lock();
        !inner.is_writing && inner.next.is_none() && since.bytes >= inner.bytes && self.disk.takes_work()
    }

    /// Whether it is worth a snapshot at the end, for the next start.
    pub(super) fn wants_at_end(&self, since: Since) -> bool {
        since.transactions >= self.pace.transactions_at_end && self.disk.takes_work()
    }

    /// Takes a moment of the ledger, to be written soon.
    pub(super) fn take(&self, capture: Capture) {
        self.inner.lock().next = Some(capture);
        self.news.notify_one();
    }

    /// Ends the thread when it has written what it was given.
    pub(super) fn stop(&self) {
        self.inner.lock().stopped = true;
        self.news.notify_one();
    }

    /// Writes until told to stop. What fails is a warning: the ledger needs no snapshot, only the next start is slower.
    pub(super) fn run(&self) -> Result<(), ConsensusError> {
        while let Some(capture) = self.next() {
            let begun = std::time::Instant::now();
            let (size, raft_index) = (capture.head.size, capture.head.raft_index);
            let written = write_capture(&self.snapshots, &capture);
            drop(capture);
            let mut inner = self.inner.lock();
            inner.is_writing = false;
            match written {
                Ok(bytes) => {
                    inner.bytes = bytes;
                    let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                    tracing::info!(size, raft_index, bytes, ms, "a snapshot of the state was written");
                }
                Err(error) => tracing::warn!(%error, "a snapshot of the state was not written"),
            }
        }
        Ok(())
    }

    fn next(&self) -> Option<Capture> {
        let mut inner = self.inner.lock();
        loop {
            if let Some(capture) = inner.next.take() {
                inner.is_writing = true;
                return Some(capture);
            }
            if inner.stopped {
                return None;
            }
            self.news.wait(&mut inner);
        }
    }
}

/// Writes a moment of the ledger as a snapshot; answers its length in bytes.
pub(super) fn write_capture(snapshots: &Snapshots, capture: &Capture) -> Result<u64, StorageError> {
    // Before the snapshot has its name: whoever starts from it trusts the tree up to its size.
    capture.tree.sync()?;
    snapshots.write(capture.head.raft_index, |out| capture.write(out))
}
