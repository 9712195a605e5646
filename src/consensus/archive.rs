//! Which part of a ledger may be moved to an archive: closed, below a snapshot, and anchored.

use std::path::Path;
use std::sync::Arc;

use crate::clock::Millis;
use crate::storage::ledger_log::{LedgerLog, SegmentFile};
use crate::storage::node_store::NodeStore;
use crate::storage::snapshots::Snapshots;

use super::ConsensusError;
use super::chain::BlockSlot;
use super::snapshot::Snapshot;
use super::stable::Stable;

/// How much of the ledger an operator wants to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Transactions with an index below this.
    Index(u64),
    /// Transactions of blocks before this moment.
    Time(Millis),
    /// All segment files but so many of the newest.
    Keep(usize),
}

/// Moves whole segment files of a resting node's ledger to a folder, oldest first, and answers which. Each is copied,
/// synced, read again and compared before it is removed; after a crash the same may be done again.
///
/// The first file stays, because the genesis is read at every start; so does whatever is not below the newest snapshot
/// that is whole, or not anchored as far as this node knows: a start needs nothing of what was moved.
///
/// # Errors
/// [`ConsensusError::Inconsistent`] where there is no snapshot; [`ConsensusError::Storage`] of the first file that could
/// not be moved.
pub fn archive(
    log: &LedgerLog,
    store: &Arc<NodeStore>,
    until: Until,
    to: &Path,
) -> Result<Vec<SegmentFile>, ConsensusError> {
    let mut newest = None;
    for file in Snapshots::of(log.dir()).list()? {
        match Snapshot::open(&file.path) {
            Ok(snapshot) if log.term(file.raft_index) == Some(snapshot.head.term) => {
                newest = Some(snapshot);
                break;
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(path = %file.path.display(), %error, "a snapshot cannot be read"),
        }
    }
    let none =
        || ConsensusError::Inconsistent("there is no snapshot: let the node run until it has written one".into());
    let snapshot = newest.ok_or_else(none)?;
    let anchored = Stable::new(store.clone()).anchored()?.map_or(0, |note| note.checkpoint().size);
    let segments = log.segments();
    let closed = segments.len().saturating_sub(match until {
        Until::Keep(count) => count.max(1),
        _ => 1,
    });
    let mut moved = Vec::new();
    for segment in segments.into_iter().take(closed).skip(1).filter(|segment| !segment.is_archived) {
        let Some(next) = block_after(&snapshot.blocks, segment.last_index) else { break };
        let is_wanted = match until {
            Until::Index(index) => next.first_index <= index,
            Until::Time(time) => next.time < time,
            Until::Keep(_) => true,
        };
        if !is_wanted || segment.last_index >= snapshot.head.raft_index || next.first_index > anchored {
            break;
        }
        log.archive(segment.first_index, to)?;
        moved.push(segment);
    }
    Ok(moved)
}

/// The first block behind an entry of the log.
fn block_after(blocks: &[BlockSlot], raft_index: u64) -> Option<&BlockSlot> {
    blocks.get(blocks.partition_point(|block| block.raft_index <= raft_index))
}
