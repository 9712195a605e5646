//! A disk that forgets what was not synced: in a power cut, it keeps any beginning of the log's unsynced records and any
//! of the unflushed values. It can fail at any operation, in the middle of a round too.

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use raft::eraftpb::{ConfState, HardState};

use crate::storage::{Record, RecordRef, StorageError};

use super::super::ConsensusError;
use super::super::ports::{Log, StableStore};
use super::dice::{Dice, mix};
use super::sabotage::Sabotage;

/// An entry and a digest of the log up to it.
struct Stored {
    term: u64,
    kind: u8,
    data: Arc<[u8]>,
    chain: u64,
}

#[derive(Clone, Default)]
struct Values {
    hard: Option<HardState>,
    members: Option<(u64, ConfState)>,
}

enum Put {
    Hard(HardState),
    Members(u64, ConfState),
}

impl Values {
    fn put(&mut self, put: &Put) {
        match put {
            Put::Hard(hard) => self.hard = Some(hard.clone()),
            Put::Members(index, members) => self.members = Some((*index, members.clone())),
        }
    }
}

struct Inner {
    dice: Dice,
    sabotage: Option<Sabotage>,
    entries: Vec<Stored>,
    /// So many entries survive a power cut.
    durable: usize,
    values: Values,
    durable_values: Values,
    unflushed: Vec<Put>,
    /// Index, term and digest of what was written since somebody asked.
    written: Vec<(u64, u64, u64)>,
    /// Operations until it fails; then all fail.
    operations_left: Option<u64>,
    /// Longest sync, in microseconds.
    sync_max: u64,
    /// Microseconds that operations took in this round.
    lapse: u64,
}

/// How a node ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The process alone: what was written is there.
    Killed,
    /// The machine: what was not synced is there or not.
    PowerCut,
}

/// One node's disk.
pub(super) struct Disk {
    inner: Mutex<Inner>,
}

fn digest(previous: u64, entry: &RecordRef<'_>) -> u64 {
    let data = crc32fast::hash(entry.data);
    mix(&[previous, entry.term, u64::from(entry.kind), u64::from(data), entry.data.len() as u64])
}

impl Inner {
    /// Counts an operation.
    fn operate(&mut self, what: &'static str) -> Result<(), StorageError> {
        match &mut self.operations_left {
            Some(0) => {
                return Err(StorageError::io(Path::new("disk"), what)(std::io::Error::other("simulated")));
            }
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(())
    }

    fn sync(&mut self, what: &'static str) -> Result<(), StorageError> {
        self.lapse += self.dice.below(self.sync_max);
        self.operate(what)
    }

    fn write(&mut self, entries: &[RecordRef<'_>]) {
        for entry in entries {
            let previous = self.entries.last().map_or(0, |last| last.chain);
            let (term, kind, chain) = (entry.term, entry.kind, digest(previous, entry));
            self.entries.push(Stored { term, kind, data: entry.data.into(), chain });
            self.written.push((entry.index, term, chain));
        }
    }

    fn put(&mut self, put: Put) -> Result<(), StorageError> {
        self.operate("writing a value")?;
        self.values.put(&put);
        self.unflushed.push(put);
        Ok(())
    }
}

impl Disk {
    /// A disk with a log of one entry, on which a node of these members begins.
    pub(super) fn new(dice: Dice, sabotage: Option<Sabotage>, genesis: &[u8], members: &ConfState) -> Arc<Self> {
        let hard = HardState { term: 1, commit: 1, ..HardState::default() };
        let values = Values { hard: Some(hard), members: Some((1, members.clone())) };
        let mut inner = Inner {
            dice,
            sabotage,
            entries: Vec::new(),
            durable: 1,
            durable_values: values.clone(),
            values,
            unflushed: Vec::new(),
            written: Vec::new(),
            operations_left: None,
            sync_max: 1000,
            lapse: 0,
        };
        inner.write(&[RecordRef { index: 1, term: 1, kind: 0, data: genesis }]);
        Arc::new(Self { inner: Mutex::new(inner) })
    }

    /// What is left when the node ended. Opening the log syncs it.
    pub(super) fn end(&self, how: End) {
        let mut guard = self.inner.lock();
        let inner = &mut *guard;
        if how == End::PowerCut {
            let kept = inner.dice.between(inner.durable as u64, inner.entries.len() as u64);
            inner.entries.truncate(usize::try_from(kept).unwrap());
            inner.values = inner.durable_values.clone();
            for put in std::mem::take(&mut inner.unflushed) {
                if inner.dice.chance(500) {
                    inner.values.put(&put);
                }
            }
        }
        inner.unflushed.clear();
        inner.durable_values = inner.values.clone();
        inner.durable = inner.entries.len();
        inner.operations_left = None;
        inner.lapse = 0;
    }

    /// Fails after so many operations.
    pub(super) fn fail_after(&self, operations: u64) {
        self.inner.lock().operations_left = Some(operations);
    }

    /// Does not fail.
    pub(super) fn mend(&self) {
        self.inner.lock().operations_left = None;
    }

    /// Whether an operation failed.
    pub(super) fn has_failed(&self) -> bool {
        self.inner.lock().operations_left == Some(0)
    }

    /// A sync takes up to so many microseconds.
    pub(super) fn set_sync_max(&self, micros: u64) {
        self.inner.lock().sync_max = micros;
    }

    /// How long operations took so far in this round.
    pub(super) fn lapse(&self) -> u64 {
        self.inner.lock().lapse
    }

    /// The same, at the end of a round.
    pub(super) fn take_lapse(&self) -> u64 {
        std::mem::take(&mut self.inner.lock().lapse)
    }

    /// Index, term and digest of the entries that were written since this was asked last.
    pub(super) fn take_written(&self) -> Vec<(u64, u64, u64)> {
        std::mem::take(&mut self.inner.lock().written)
    }

    /// Digest of the log up to an entry.
    pub(super) fn chain_at(&self, index: u64) -> Option<u64> {
        let at = usize::try_from(index.checked_sub(1)?).ok()?;
        self.inner.lock().entries.get(at).map(|entry| entry.chain)
    }

    /// Whether an entry, with this digest of the log up to it, survives a power cut.
    pub(super) fn holds(&self, index: u64, chain: u64) -> bool {
        self.inner.lock().durable as u64 >= index && self.chain_at(index) == Some(chain)
    }
}

impl Log for Disk {
    fn append(&self, entries: &[RecordRef<'_>]) -> Result<(), StorageError> {
        let Some(first) = entries.first() else { return Ok(()) };
        let mut inner = self.inner.lock();
        let keep = usize::try_from(first.index - 1).unwrap();
        assert!(keep >= 1 && keep <= inner.entries.len(), "the log has a gap before {}", first.index);
        if inner.sabotage == Some(Sabotage::CutForgotten) {
            let known = (inner.entries.len() - keep).min(entries.len());
            inner.write(&entries[known..]);
            return Ok(());
        }
        if keep < inner.entries.len() {
            inner.sync("cutting")?;
            // The cut itself is durable before anything is written behind it.
            inner.entries.truncate(keep);
            inner.durable = inner.durable.min(keep);
        }
        let outcome = inner.operate("writing");
        inner.write(entries);
        outcome
    }

    fn sync(&self) -> Result<(), StorageError> {
        let mut inner = self.inner.lock();
        inner.sync("syncing")?;
        if inner.sabotage != Some(Sabotage::SyncForgotten) {
            inner.durable = inner.entries.len();
        }
        Ok(())
    }

    fn entries(&self, low: u64, high: u64, bytes_max: u64) -> Result<Vec<Record>, StorageError> {
        let inner = self.inner.lock();
        let mut records = Vec::new();
        let mut total = 0;
        for index in low..high {
            let at = usize::try_from(index - 1).unwrap();
            let entry = inner.entries.get(at).ok_or(StorageError::Absent { index })?;
            total += entry.data.len() as u64;
            if total > bytes_max && !records.is_empty() {
                break;
            }
            records.push(Record { index, term: entry.term, kind: entry.kind, data: entry.data.to_vec() });
        }
        Ok(records)
    }

    fn entry(&self, index: u64) -> Result<Record, StorageError> {
        self.entries(index, index + 1, 0)?.pop().ok_or(StorageError::Absent { index })
    }

    fn term(&self, index: u64) -> Option<u64> {
        let Some(at) = index.checked_sub(1) else { return Some(0) };
        self.inner.lock().entries.get(usize::try_from(at).unwrap()).map(|entry| entry.term)
    }

    fn kind(&self, index: u64) -> Option<u8> {
        let at = usize::try_from(index.checked_sub(1)?).unwrap();
        self.inner.lock().entries.get(at).map(|entry| entry.kind)
    }

    fn last_index(&self) -> u64 {
        self.inner.lock().entries.len() as u64
    }
}

/// The same disk, as the stable store sees it.
pub(super) struct Store(pub(super) Arc<Disk>);

impl StableStore for Store {
    fn hard_state(&self) -> Result<Option<HardState>, ConsensusError> {
        Ok(self.0.inner.lock().values.hard.clone())
    }

    fn put_hard_state(&self, state: &HardState) -> Result<(), ConsensusError> {
        let mut inner = self.0.inner.lock();
        let mut state = state.clone();
        if inner.sabotage == Some(Sabotage::VoteForgotten) {
            state.vote = 0;
        }
        Ok(inner.put(Put::Hard(state))?)
    }

    fn members(&self) -> Result<Option<(u64, ConfState)>, ConsensusError> {
        Ok(self.0.inner.lock().values.members.clone())
    }

    fn put_members(&self, index: u64, state: &ConfState) -> Result<(), ConsensusError> {
        Ok(self.0.inner.lock().put(Put::Members(index, state.clone()))?)
    }

    fn flush(&self) -> Result<(), StorageError> {
        let mut inner = self.0.inner.lock();
        inner.sync("flushing")?;
        if inner.sabotage == Some(Sabotage::FlushForgotten) {
            return Ok(());
        }
        inner.unflushed.clear();
        inner.durable_values = inner.values.clone();
        Ok(())
    }
}
