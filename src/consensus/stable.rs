//! What consensus must remember besides the log: its vote, its members, how far signatures were checked, and what was cosigned.

use std::sync::Arc;

use protobuf::Message as _;
use raft::eraftpb::{ConfState, HardState};

use crate::ledger::checkpoint::SignedCheckpoint;
use crate::ledger::note::NOTE_BYTES_MAX;
use crate::storage::StorageError;
use crate::storage::node_store::{Batch, NodeStore, VALUE_BYTES_MAX};

use super::ConsensusError;

const HARD_STATE: &[u8] = b"consensus/hard";
const MEMBERS: &[u8] = b"consensus/members";
const VERIFIED: &[u8] = b"consensus/verified";
const COSIGNED: &[u8] = b"consensus/cosigned";
const ANCHORED: &[u8] = b"consensus/anchored/";
const ANCHORED_PARTS_MAX: usize = NOTE_BYTES_MAX.div_ceil(VALUE_BYTES_MAX);

/// The keyed data of consensus.
#[derive(Clone)]
pub(super) struct Stable {
    store: Arc<NodeStore>,
}

fn unreadable(what: &str) -> ConsensusError {
    ConsensusError::Inconsistent(format!("{what} cannot be read"))
}

fn note(bytes: &[u8]) -> Option<SignedCheckpoint> {
    SignedCheckpoint::parse(std::str::from_utf8(bytes).ok()?).ok()
}

fn bytes(message: &impl protobuf::Message) -> Result<Vec<u8>, ConsensusError> {
    message.write_to_bytes().map_err(|e| ConsensusError::Inconsistent(e.to_string()))
}

impl Stable {
    pub(super) fn new(store: Arc<NodeStore>) -> Self {
        Self { store }
    }

    /// Term, vote and commit index; `None` before the genesis is installed.
    pub(super) fn hard_state(&self) -> Result<Option<HardState>, ConsensusError> {
        let found = self.store.get(HARD_STATE)?;
        found.map(|b| HardState::parse_from_bytes(&b).map_err(|_| unreadable("the vote"))).transpose()
    }

    /// Not durable before [`Stable::flush`].
    pub(super) fn put_hard_state(&self, state: &HardState) -> Result<(), ConsensusError> {
        Ok(self.store.put(HARD_STATE, &bytes(state)?)?)
    }

    /// The members, and the log index up to which changes of members are included.
    pub(super) fn members(&self) -> Result<Option<(u64, ConfState)>, ConsensusError> {
        let Some(found) = self.store.get(MEMBERS)? else { return Ok(None) };
        let (index, state) = found.split_first_chunk::<8>().ok_or_else(|| unreadable("the members"))?;
        let state = ConfState::parse_from_bytes(state).map_err(|_| unreadable("the members"))?;
        Ok(Some((u64::from_be_bytes(*index), state)))
    }

    /// Not durable before [`Stable::flush`].
    pub(super) fn put_members(&self, index: u64, state: &ConfState) -> Result<(), ConsensusError> {
        Ok(self.store.put(MEMBERS, &[index.to_be_bytes().as_slice(), &bytes(state)?].concat())?)
    }

    /// Up to which log index this node found every signature valid before. A restart need not
    /// check those again: it reads its own disk, under checksums.
    pub(super) fn verified(&self) -> Result<u64, StorageError> {
        let found = self.store.get(VERIFIED)?;
        Ok(found.and_then(|b| b.try_into().ok()).map_or(0, u64::from_be_bytes))
    }

    /// Not durable before [`Stable::flush`]; losing it costs only time.
    pub(super) fn put_verified(&self, index: u64) -> Result<(), StorageError> {
        self.store.put(VERIFIED, &index.to_be_bytes())
    }

    /// The note that this node cosigned last.
    pub(super) fn cosigned(&self) -> Result<Option<SignedCheckpoint>, ConsensusError> {
        let Some(found) = self.store.get(COSIGNED)? else { return Ok(None) };
        note(&found).map(Some).ok_or_else(|| unreadable("what this node cosigned last"))
    }

    /// Not durable before [`Stable::flush`], and nobody may hear of it before that.
    pub(super) fn put_cosigned(&self, note: &str) -> Result<(), StorageError> {
        self.store.put(COSIGNED, note.as_bytes())
    }

    /// The newest anchored note that was known.
    pub(super) fn anchored(&self) -> Result<Option<SignedCheckpoint>, StorageError> {
        let parts = self.store.scan_prefix(ANCHORED, ANCHORED_PARTS_MAX)?;
        let bytes: Vec<u8> = parts.into_iter().flat_map(|(_, part)| part).collect();
        // It is only ever learnt again: one that cannot be read is as good as none.
        Ok(note(&bytes))
    }

    /// In parts, for a note of many departments is longer than a value may be. Losing it costs nothing.
    pub(super) fn put_anchored(&self, note: &str) -> Result<(), StorageError> {
        let mut batch = Batch::default();
        let mut parts = note.as_bytes().chunks(VALUE_BYTES_MAX);
        for number in 0..u8::try_from(ANCHORED_PARTS_MAX).unwrap_or(u8::MAX) {
            let key = [ANCHORED, &[number]].concat();
            match parts.next() {
                Some(part) => batch.put(&key, part),
                None => batch.delete(&key),
            }
        }
        self.store.apply(batch)
    }

    pub(super) fn flush(&self) -> Result<(), StorageError> {
        self.store.flush()
    }
}
