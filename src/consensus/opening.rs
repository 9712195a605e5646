//! Opening the applied ledger: from the newest snapshot that fits the log, from an older one, or from the genesis.

use std::path::Path;
use std::sync::Arc;

use crate::ledger::block::Block;
use crate::storage::StorageError;
use crate::storage::ledger_log::LedgerLog;
use crate::storage::snapshots::Snapshots;
use crate::storage::tree_store::TreeStore;

use super::ConsensusError;
use super::apply::Previous;
use super::chain::{Chain, Head};
use super::snapshot::Snapshot;

/// The applied ledger, and from where the log is to be applied on.
pub(super) struct Opened {
    pub(super) chain: Chain,
    pub(super) previous: Previous,
    /// Index of the last entry of the log that is applied.
    pub(super) raft_index: u64,
    /// Whether this node found all signatures so far valid.
    pub(super) all_valid: bool,
    /// The last heads, oldest first, without the present one.
    pub(super) heads: Vec<Head>,
}

/// Opens the chain of a log as far as a snapshot helps; the rest of the log is to be applied. `node_id` is this node's.
pub(super) fn open(log: &Arc<LedgerLog>, snapshots: &Snapshots, node_id: u64) -> Result<Opened, ConsensusError> {
    for file in snapshots.list()? {
        let path = file.path.display();
        if file.raft_index > log.last_index() {
            tracing::warn!(%path, last = log.last_index(), "a snapshot is ahead of the ledger: it is not used");
            continue;
        }
        let opened = match Snapshot::open(&file.path) {
            Ok(snapshot) => resume(log, snapshot, node_id)?,
            Err(error) => {
                tracing::warn!(%path, %error, "a snapshot is damaged: it is set aside");
                snapshots.set_aside(&file)?;
                continue;
            }
        };
        match opened {
            Ok(opened) => {
                tracing::info!(%path, size = opened.chain.size(), "starting from a snapshot of the state");
                return Ok(opened);
            }
            Err(why) => tracing::warn!(%path, why, "a snapshot does not fit the ledger: it is not used"),
        }
    }
    let chain = Chain::open(log.clone())?;
    // The genesis block, which the chain has applied.
    let previous = Previous { raft_index: 1, height: 0, time: chain.tip().time };
    Ok(Opened { chain, previous, raft_index: 1, all_valid: true, heads: Vec::new() })
}

/// A chain from a snapshot, or why it does not fit the log.
fn resume(
    log: &Arc<LedgerLog>,
    snapshot: Snapshot,
    node_id: u64,
) -> Result<Result<Opened, &'static str>, ConsensusError> {
    let head = &snapshot.head;
    if log.term(head.raft_index) != Some(head.term) {
        return Ok(Err("its last entry is another"));
    }
    if Chain::open_id(log)? != head.chain {
        return Ok(Err("it is of another chain"));
    }
    let dir = log.dir().join("tree");
    let tree = match TreeStore::open_at(&dir, snapshot.frontier.clone())? {
        Some(tree) => tree,
        None => match rebuild(log, &snapshot, &dir)? {
            Some(tree) => tree,
            None => return Ok(Err("its tree is not that of the ledger")),
        },
    };
    let Some(last) = snapshot.blocks.last() else { return Ok(Err("it has no blocks")) };
    let height = (snapshot.blocks.len() as u64).saturating_sub(1);
    let previous = Previous { raft_index: last.raft_index, height, time: snapshot.time };
    let mut heads = Vec::new();
    let is_own = head.node_id == node_id;
    if is_own {
        heads.clone_from(&snapshot.heads);
        heads.pop();
    }
    let raft_index = head.raft_index;
    // What another node checked, this one did not.
    let all_valid = is_own && snapshot.all_valid;
    let chain = Chain::resume(log.clone(), snapshot, tree);
    Ok(Ok(Opened { chain, previous, raft_index, all_valid, heads }))
}

/// Builds the tree anew from the log's transactions; `None` when it is not the snapshot's then.
fn rebuild(log: &LedgerLog, snapshot: &Snapshot, dir: &Path) -> Result<Option<TreeStore>, ConsensusError> {
    tracing::warn!(path = %dir.display(), size = snapshot.head.size, "the stored tree is not whole: it is built anew");
    let mut tree = TreeStore::open(dir, snapshot.head.algorithm)?;
    for slot in &snapshot.blocks {
        let record = match log.entry(slot.raft_index) {
            Err(StorageError::Absent { .. }) => return Ok(None),
            record => record?,
        };
        let Ok(block) = Block::decode(&record.data) else { return Ok(None) };
        if tree.size() != slot.first_index {
            return Ok(None);
        }
        let leaves: Vec<_> = block.transactions.iter().map(|tx| tx.leaf(snapshot.head.algorithm)).collect();
        tree.append(&leaves)?;
    }
    if tree.view().frontier() != &snapshot.frontier {
        return Ok(None);
    }
    TreeStore::mended(dir)?;
    Ok(Some(tree))
}
