//! How a node begins with a ledger that was copied to it: from a backup, or from another node.

use std::sync::Arc;

use crate::ledger::checkpoint::SignedCheckpoint;
use crate::ledger::transaction::Transaction;
use crate::storage::ledger_log::LedgerLog;
use crate::storage::node_store::NodeStore;

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
    },
}

impl Consensus {
    /// The newest checkpoint that a stopped node cosigned.
    ///
    /// # Errors
    /// [`ConsensusError`] when it cannot be read.
    pub fn last_word(store: &Arc<NodeStore>) -> Result<Option<SignedCheckpoint>, ConsensusError> {
        Stable::new(store.clone()).cosigned()
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
            Copied::FromPeers { word } => {
                stable.put_verified(last)?;
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
