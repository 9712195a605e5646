//! A node's applied ledger: the real state machine and tree over the real blocks, without files.

use std::collections::BTreeMap;

use raft::eraftpb::{Entry, EntryType};

use crate::clock::Millis;
use crate::crypto::digest::Hash;
use crate::ledger::block::Block;
use crate::ledger::frontier::Frontier;
use crate::state::{Refusal, State};

use super::fixtures::Fixtures;
use super::sabotage::Sabotage;

/// What a node has applied since it started.
pub(super) struct Ledger {
    state: State,
    tree: Frontier,
    /// Index of the next entry of the log.
    pub(super) next: u64,
    height: u64,
    time: Millis,
    sabotage: Option<Sabotage>,
    /// How often each transaction changed the state.
    done: BTreeMap<Hash, u64>,
}

/// What must be equal on all nodes that have applied the same entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stand {
    state: Hash,
    root: Hash,
    size: u64,
}

impl Ledger {
    pub(super) fn new(fixtures: &Fixtures, sabotage: Option<Sabotage>) -> Self {
        Self {
            state: fixtures.state.clone(),
            tree: fixtures.tree.clone(),
            next: 2,
            height: 0,
            time: super::fixtures::NOON,
            sabotage,
            done: BTreeMap::new(),
        }
    }

    /// Index of the last applied entry.
    pub(super) fn applied(&self) -> u64 {
        self.next - 1
    }

    /// Applies the next entry; answers the leaves of its transactions.
    pub(super) fn apply(&mut self, entry: &Entry) -> Vec<Hash> {
        assert_eq!(entry.index, self.next, "entries are applied in their order");
        self.next += 1;
        if entry.get_entry_type() != EntryType::EntryNormal || entry.data.is_empty() {
            return Vec::new();
        }
        let block = Block::decode(&entry.data).unwrap();
        assert_eq!(block.height, self.height + 1, "block numbers follow one another");
        assert!(block.time >= self.time, "blocks never go back in time");
        (self.height, self.time) = (block.height, block.time);
        let late = u64::from(self.sabotage == Some(Sabotage::OwnTime));
        let mut leaves = Vec::new();
        for tx in &block.transactions {
            let leaf = tx.leaf(self.tree.algorithm());
            match self.state.apply(tx, block.time.plus(late), true).result {
                Ok(()) => *self.done.entry(leaf).or_default() += 1,
                Err(Refusal::Repeated { .. }) => {}
                // The authority may want what cannot be.
                Err(Refusal::Conflict(_) | Refusal::Unknown(_)) if tx.payload().contains("\"admin\"") => {}
                Err(other) => panic!("a valid transaction was refused: {other}"),
            }
            self.tree.push(leaf, |_, _| {});
            leaves.push(leaf);
        }
        leaves
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    pub(super) fn stand(&self) -> Stand {
        Stand { state: self.state.digest(), root: self.tree.root(), size: self.tree.size() }
    }

    /// How often a transaction changed the state.
    pub(super) fn count(&self, leaf: &Hash) -> u64 {
        self.done.get(leaf).copied().unwrap_or(0)
    }
}
