//! The ledger's log as the raft library wants to see it.

use std::sync::Arc;

use raft::eraftpb::{Entry, EntryType, Snapshot};
use raft::{GetEntriesContext, RaftState, Storage};

use crate::storage::{Record, RecordRef, StorageError};

use super::ports::Log;

/// Read access for the raft library. Nothing is ever compacted, so snapshots are never needed.
pub(super) struct LogView<L> {
    pub(super) log: Arc<L>,
    pub(super) initial: RaftState,
}

/// The kind under which an entry is stored.
pub(super) fn kind(entry_type: EntryType) -> u8 {
    match entry_type {
        EntryType::EntryNormal => 0,
        EntryType::EntryConfChange => 1,
        EntryType::EntryConfChangeV2 => 2,
    }
}

/// An entry of the raft library from a stored record. Entries carry no context here.
pub(super) fn entry(record: Record) -> Entry {
    let mut entry = Entry::default();
    entry.set_entry_type(match record.kind {
        0 => EntryType::EntryNormal,
        1 => EntryType::EntryConfChange,
        _ => EntryType::EntryConfChangeV2,
    });
    entry.index = record.index;
    entry.term = record.term;
    entry.data = record.data.into();
    entry
}

/// How an entry is stored.
pub(super) fn record(entry: &Entry) -> RecordRef<'_> {
    RecordRef { index: entry.index, term: entry.term, kind: kind(entry.get_entry_type()), data: &entry.data }
}

fn unavailable(error: StorageError) -> raft::Error {
    match error {
        StorageError::Absent { .. } => raft::Error::Store(raft::StorageError::Unavailable),
        // Whoever lacks it gets it when the archive is mounted, or takes a copy; anything else would end this process.
        StorageError::Archived { .. } => raft::Error::Store(raft::StorageError::Compacted),
        other => raft::Error::Store(raft::StorageError::Other(Box::new(other))),
    }
}

impl<L: Log> Storage for LogView<L> {
    fn initial_state(&self) -> raft::Result<RaftState> {
        Ok(self.initial.clone())
    }

    fn entries(
        &self,
        low: u64,
        high: u64,
        max_size: impl Into<Option<u64>>,
        _context: GetEntriesContext,
    ) -> raft::Result<Vec<Entry>> {
        let records = self.log.entries(low, high, max_size.into().unwrap_or(u64::MAX)).map_err(unavailable)?;
        Ok(records.into_iter().map(entry).collect())
    }

    fn term(&self, index: u64) -> raft::Result<u64> {
        self.log.term(index).ok_or(raft::Error::Store(raft::StorageError::Unavailable))
    }

    fn first_index(&self) -> raft::Result<u64> {
        Ok(1)
    }

    fn last_index(&self) -> raft::Result<u64> {
        Ok(self.log.last_index())
    }

    fn snapshot(&self, _request_index: u64, _to: u64) -> raft::Result<Snapshot> {
        Err(raft::Error::Store(raft::StorageError::SnapshotTemporarilyUnavailable))
    }
}
