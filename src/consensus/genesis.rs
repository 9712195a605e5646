//! How a node's ledger begins: the genesis block is entry 1 of the log, the same on every node.

use std::sync::Arc;

use raft::eraftpb::{ConfState, HardState};

use crate::domain::command::{Command, Payload};
use crate::domain::department::Genesis;
use crate::ledger::block::Block;
use crate::ledger::transaction::Transaction;
use crate::state::State;
use crate::storage::RecordRef;
use crate::storage::ledger_log::LedgerLog;
use crate::storage::node_store::NodeStore;

use super::ConsensusError;
use super::stable::Stable;

fn document(tx: &Transaction) -> Result<(Payload, Genesis), ConsensusError> {
    let payload = Payload::decode(tx.payload()).map_err(ConsensusError::Genesis)?;
    let Command::Genesis(genesis) = payload.command.clone() else {
        return Err(ConsensusError::Genesis("it is of another kind".into()));
    };
    Ok((payload, genesis))
}

/// Writes the genesis block. Its time is the one in the transaction's id, so that the block is the
/// same on every node. Doing it twice with the same transaction is harmless: an interrupted
/// installation is completed. But a node that lost its ledger or its store must not begin anew: it would forget what
/// it acknowledged.
pub(super) fn install(log: &LedgerLog, store: &Arc<NodeStore>, tx: &Transaction) -> Result<(), ConsensusError> {
    let last = log.last_index();
    match Stable::new(store.clone()).hard_state()? {
        Some(hard) if hard.commit > last => Err(ConsensusError::TailLost { last, committed: hard.commit }),
        None if last > 1 => Err(ConsensusError::StoreLost { last }),
        _ => complete(log, store, tx),
    }
}

/// As [`install`], for a ledger that may be longer than what the store knows.
pub(super) fn complete(log: &LedgerLog, store: &Arc<NodeStore>, tx: &Transaction) -> Result<(), ConsensusError> {
    let (payload, genesis) = document(tx)?;
    let time = payload.id.time();
    State::new().apply(tx, time, true).result.map_err(|refusal| ConsensusError::Genesis(refusal.to_string()))?;
    let block = Block { height: 0, time, transactions: vec![tx.clone()] }.encode();
    if log.last_index() == 0 {
        log.append(&[RecordRef { index: 1, term: 1, kind: 0, data: &block }])?;
        log.sync()?;
    } else if log.entry(1)?.data != block {
        return Err(ConsensusError::OtherLedger);
    }
    let stable = Stable::new(store.clone());
    if stable.hard_state()?.is_none() {
        let members = |voter| genesis.departments.iter().filter(move |d| d.voter == voter).map(|d| d.node_id);
        let (voters, learners): (Vec<u64>, Vec<u64>) = (members(true).collect(), members(false).collect());
        if voters.is_empty() {
            return Err(ConsensusError::Genesis("no department votes".into()));
        }
        stable.put_members(1, &ConfState::from((voters, learners)))?;
        stable.put_hard_state(&HardState { term: 1, commit: 1, ..HardState::default() })?;
        stable.flush()?;
    }
    Ok(())
}
