//! How a node begins with a ledger that was copied to it: from a backup, or from another node.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::clock::Millis;
use crate::ledger::checkpoint::SignedCheckpoint;
use crate::ledger::transaction::Transaction;
use crate::state::State;
use crate::state::outcome::Refusal;
use crate::storage::ledger_log::LedgerLog;
use crate::storage::node_store::NodeStore;
use crate::storage::snapshots::Snapshots;
use crate::storage::tree_store::TreeStore;

use super::chain::{BlockSlot, Chain, Mark};
use super::keeper::write_capture;
use super::stable::Stable;
use super::{Consensus, ConsensusError, genesis};

/// Where a copied ledger comes from.
#[derive(Clone, Debug)]
pub enum Copied {
    /// A backup of this node, its keyed data with it. An old vote still binds where all nodes go back together, and only
    /// there.
    FromBackup {
        /// Whether it is kept.
        keeps_vote: bool,
    },
    /// Other nodes, all of it proven against a cosigned checkpoint.
    FromPeers {
        /// The newest that this department is known to have cosigned: it never signs another of that size.
        word: Option<SignedCheckpoint>,
        /// Whether no signature in it was found to be bad.
        all_valid: bool,
    },
}

/// What a ledger's blocks are and which of its transactions were refused, as whoever followed a copy saw it.
#[derive(Default)]
pub struct Annals {
    blocks: Vec<BlockSlot>,
    refusals: BTreeMap<u64, Refusal>,
}

impl Annals {
    /// Notes the next block: its entry of consensus' log, its first transaction, its time.
    pub fn block(&mut self, raft_index: u64, first_index: u64, time: Millis) {
        self.blocks.push(BlockSlot { raft_index, first_index, time });
    }

    /// Notes that a transaction was refused.
    pub fn refused(&mut self, index: u64, refusal: Refusal) {
        self.refusals.insert(index, refusal);
    }
}

/// A copied ledger at its end, for whoever followed it there from its genesis.
pub struct Followed {
    /// The state, proven.
    pub state: State,
    /// The tree, proven.
    pub tree: TreeStore,
    /// Blocks and refusals.
    pub annals: Annals,
    /// Whether no signature in it was found to be bad.
    pub all_valid: bool,
}

impl Consensus {
    /// The newest checkpoint that a stopped node cosigned.
    ///
    /// # Errors
    /// [`ConsensusError`] when it cannot be read.
    pub fn last_word(store: &Arc<NodeStore>) -> Result<Option<SignedCheckpoint>, ConsensusError> {
        Stable::new(store.clone()).cosigned()
    }

    /// Writes a snapshot of the state at the end of a copied log, so that the node that is to live on it, under this
    /// number, need not apply all of it once more.
    ///
    /// # Errors
    /// [`ConsensusError::Storage`].
    pub fn write_snapshot(log: &Arc<LedgerLog>, node_id: u64, followed: Followed) -> Result<(), ConsensusError> {
        let (raft_index, all_valid) = (log.last_index(), followed.all_valid);
        let Annals { blocks, refusals } = followed.annals;
        let time = blocks.last().map_or(Millis(0), |block| block.time);
        let chain = Arc::new(Chain::of_copy(log.clone(), (followed.state, followed.tree), blocks, refusals));
        let capture = chain.capture(node_id, raft_index, Mark { time, all_valid, heads: vec![chain.tip()] });
        write_capture(&Snapshots::of(log.dir()), &capture)?;
        Ok(())
    }

    /// Makes the node's keyed data fit a ledger of which every entry was committed when it was copied.
    ///
    /// # Errors
    /// [`ConsensusError::OtherLedger`] when the ledger does not begin with this genesis; [`ConsensusError::Storage`].
    pub fn install_copy(
        log: &LedgerLog,
        store: &Arc<NodeStore>,
        genesis: &Transaction,
        copied: Copied,
    ) -> Result<(), ConsensusError> {
        let stable = Stable::new(store.clone());
        let last = log.last_index();
        if last == 0 {
            return Err(ConsensusError::NotInitialised);
        }
        genesis::complete(log, store, genesis)?;
        let mut hard = stable.hard_state()?.ok_or(ConsensusError::NotInitialised)?;
        let last_term = log.term(last).unwrap_or_default();
        let keeps_vote = matches!(copied, Copied::FromBackup { keeps_vote: true });
        if !keeps_vote || last_term > hard.term {
            hard.vote = 0;
        }
        hard.term = hard.term.max(last_term);
        hard.commit = last;
        stable.put_hard_state(&hard)?;
        match copied {
            // A restored store may say more than the ledger beside it holds.
            Copied::FromBackup { .. } => stable.put_verified(stable.verified()?.min(last))?,
            Copied::FromPeers { word, all_valid } => {
                // A block with a bad signature is checked at every start.
                stable.put_verified(if all_valid { last } else { 0 })?;
                word.map_or(Ok(()), |word| stable.put_cosigned(&word.encode()))?;
            }
        }
        Ok(stable.flush()?)
    }
}

#[cfg(test)]
mod tests {
    use raft::eraftpb::{ConfState, HardState};

    use super::*;
    use crate::storage::RecordRef;

    #[test]
    fn a_copy_is_committed_to_its_end_and_votes_for_nobody_unless_all_go_back() {
        for keeps_vote in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let log = LedgerLog::open(&dir.path().join("ledger")).unwrap();
            let store = Arc::new(NodeStore::open(&dir.path().join("store")).unwrap());
            let genesis = crate::consensus::tests::genesis(3, 0);
            Consensus::install_genesis(&log, &store, &genesis).unwrap();
            log.append(&[RecordRef { index: 2, term: 3, kind: 0, data: b"" }]).unwrap();
            let stable = Stable::new(store.clone());
            stable.put_hard_state(&HardState { term: 4, vote: 2, commit: 1, ..HardState::default() }).unwrap();
            stable.put_members(1, &ConfState::from((vec![1, 2, 3], vec![]))).unwrap();
            stable.put_verified(9).unwrap();
            Consensus::install_copy(&log, &store, &genesis, Copied::FromBackup { keeps_vote }).unwrap();
            let hard = stable.hard_state().unwrap().unwrap();
            assert_eq!((hard.term, hard.commit, hard.vote), (4, 2, if keeps_vote { 2 } else { 0 }));
            assert_eq!(stable.verified().unwrap(), 2);
        }
    }
}
