//! What the driver touches besides its own memory, as traits: a node has files and sockets behind them, the
//! simulation disks that lose and a network that lies.

use raft::eraftpb::{ConfState, HardState};

use crate::storage::ledger_log::LedgerLog;
use crate::storage::{Record, RecordRef, StorageError};

use super::ConsensusError;
use super::frame::Frame;
use super::stable::Stable;
use super::transport::{Links, Sent};

/// The ledger's log, as [`LedgerLog`] explains it.
pub(super) trait Log {
    fn append(&self, entries: &[RecordRef<'_>]) -> Result<(), StorageError>;
    fn sync(&self) -> Result<(), StorageError>;
    fn entries(&self, low: u64, high: u64, bytes_max: u64) -> Result<Vec<Record>, StorageError>;
    fn entry(&self, index: u64) -> Result<Record, StorageError>;
    fn term(&self, index: u64) -> Option<u64>;
    fn kind(&self, index: u64) -> Option<u8>;
    fn last_index(&self) -> u64;
}

/// Vote, commit index and members, as [`Stable`] explains them. What is put is durable after a flush.
pub(super) trait StableStore {
    fn hard_state(&self) -> Result<Option<HardState>, ConsensusError>;
    fn put_hard_state(&self, state: &HardState) -> Result<(), ConsensusError>;
    fn members(&self) -> Result<Option<(u64, ConfState)>, ConsensusError>;
    fn put_members(&self, index: u64, state: &ConfState) -> Result<(), ConsensusError>;
    fn flush(&self) -> Result<(), StorageError>;
}

/// The way to the other nodes.
pub(super) trait Outlet {
    fn send(&self, to: u64, frame: &Frame) -> Sent;
}

/// What a driver stands on.
pub(super) trait Ports {
    type Log: Log;
    type Stable: StableStore;
    type Outlet: Outlet;
}

/// A node's files and connections.
pub(super) struct Machine;

impl Ports for Machine {
    type Log = LedgerLog;
    type Stable = Stable;
    type Outlet = Links;
}

impl Log for LedgerLog {
    fn append(&self, entries: &[RecordRef<'_>]) -> Result<(), StorageError> {
        Self::append(self, entries)
    }

    fn sync(&self) -> Result<(), StorageError> {
        Self::sync(self)
    }

    fn entries(&self, low: u64, high: u64, bytes_max: u64) -> Result<Vec<Record>, StorageError> {
        Self::entries(self, low, high, bytes_max)
    }

    fn entry(&self, index: u64) -> Result<Record, StorageError> {
        Self::entry(self, index)
    }

    fn term(&self, index: u64) -> Option<u64> {
        Self::term(self, index)
    }

    fn kind(&self, index: u64) -> Option<u8> {
        Self::kind(self, index)
    }

    fn last_index(&self) -> u64 {
        Self::last_index(self)
    }
}

impl StableStore for Stable {
    fn hard_state(&self) -> Result<Option<HardState>, ConsensusError> {
        Self::hard_state(self)
    }

    fn put_hard_state(&self, state: &HardState) -> Result<(), ConsensusError> {
        Self::put_hard_state(self, state)
    }

    fn members(&self) -> Result<Option<(u64, ConfState)>, ConsensusError> {
        Self::members(self)
    }

    fn put_members(&self, index: u64, state: &ConfState) -> Result<(), ConsensusError> {
        Self::put_members(self, index, state)
    }

    fn flush(&self) -> Result<(), StorageError> {
        Self::flush(self)
    }
}

impl Outlet for Links {
    fn send(&self, to: u64, frame: &Frame) -> Sent {
        Self::send(self, to, frame)
    }
}
