//! Replays a ledger from its leaves: every rule, the whole tree, the state, in order.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::cli::error::CliError;
use crate::crypto::digest::{Hash, HashAlgorithm};
use crate::crypto::sign::{KeyId, PublicKey};
use crate::domain::command::Payload;
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::frontier::Frontier;
use crate::ledger::tile_builder::TileBuilder;
use crate::ledger::tiles::Tile;
use crate::ledger::transaction::Transaction;
use crate::state::{Refusal, State};
use crate::storage::tree_reader::TreeReader;

use super::resume::Verified;
use super::source::Leaf;
use super::workers::{Checked, Ground};

/// What must hold when the ledger has so many transactions.
pub struct Milestone {
    /// For people: who says so.
    pub who: String,
    /// So many.
    pub size: u64,
    /// The tree's root.
    pub root: Hash,
    /// The state's digest.
    pub state: Hash,
}

/// A ledger, as far as it was read.
pub struct Replay {
    state: State,
    frontier: Frontier,
    tiles: TileBuilder,
    /// Tiles that were completed by the leaves of the present group.
    whole: Vec<(Tile, Vec<u8>)>,
    /// A node's own stored tree, when there is one beside the ledger.
    stored: Option<TreeReader>,
    milestones: Vec<Milestone>,
    trusted: u64,
    blocks: u64,
    refusals: BTreeMap<&'static str, u64>,
}

impl Replay {
    /// Before the first leaf.
    pub fn new(stored: Option<TreeReader>) -> Self {
        Self {
            state: State::new(),
            frontier: Frontier::new(HashAlgorithm::Sm3),
            tiles: TileBuilder::default(),
            whole: Vec::new(),
            stored,
            milestones: Vec::new(),
            trusted: 0,
            blocks: 0,
            refusals: BTreeMap::new(),
        }
    }

    /// Demands what a checkpoint says.
    pub fn demand(&mut self, who: &str, checkpoint: &Checkpoint) {
        let Checkpoint { size, root, state, .. } = checkpoint.clone();
        self.milestones.push(Milestone { who: who.to_owned(), size, root, state });
    }

    /// Takes the signatures of an earlier audit for checked, and demands the very ledger that it saw.
    pub fn resume(&mut self, verified: &Verified) {
        self.trusted = verified.size;
        let who = "an earlier audit".to_owned();
        let Verified { size, root, state, .. } = verified.clone();
        self.milestones.push(Milestone { who, size, root, state });
    }

    /// What is needed to look into the next leaves.
    pub fn ground(&self) -> Ground {
        let keys: BTreeMap<KeyId, PublicKey> = self.state.keys().map(|(id, known)| (*id, known.key.clone())).collect();
        Ground {
            chain: Arc::from(self.state.chain()),
            algorithm: self.frontier.algorithm(),
            keys: Arc::new(keys),
            trusted: self.trusted,
        }
    }

    /// Applies leaves, then compares the tiles that came with them.
    ///
    /// # Errors
    /// [`CliError::NotValid`] naming the first leaf or tile that is wrong.
    pub fn apply(&mut self, checked: Checked) -> Result<(), CliError> {
        self.whole.clear();
        for (leaf, fits) in checked.group.leaves.iter().zip(&checked.fits) {
            self.leaf(leaf, *fits)?;
        }
        for (tile, bytes) in &checked.group.tiles {
            let whole = self.whole.iter().find(|(known, _)| known == tile).map(|(_, bytes)| bytes.as_slice());
            let computed =
                whole.or_else(|| self.tiles.partial().find(|(known, _)| known == tile).map(|(_, bytes)| bytes));
            if computed != Some(bytes) {
                return Err(CliError::NotValid(format!("{tile} does not hold the hashes of the ledger's leaves")));
            }
        }
        Ok(())
    }

    fn leaf(&mut self, leaf: &Leaf, fits: Option<bool>) -> Result<(), CliError> {
        let tx = &leaf.transaction;
        let is_genesis = self.state.genesis().is_none();
        let verified = fits.unwrap_or_else(|| {
            let known = self.state.key(tx.key());
            known.is_some_and(|known| tx.verify(self.state.chain(), &known.key).is_ok())
        });
        if leaf.time > self.state.time() || is_genesis {
            self.blocks += 1;
        }
        let outcome = self.state.apply(tx, leaf.time, verified);
        // The genesis brings its own key; the state checks it.
        if (!verified && !is_genesis) || outcome.result == Err(Refusal::Signature) {
            return Err(CliError::NotValid(bad_leaf(tx, outcome.index)));
        }
        if is_genesis {
            let genesis = self.state.genesis().ok_or_else(|| {
                let why = outcome.result.as_ref().err().map(ToString::to_string).unwrap_or_default();
                CliError::NotValid(format!("leaf 0 begins no chain: {why}"))
            })?;
            self.frontier = Frontier::new(genesis.hash);
        }
        if let Err(refusal) = outcome.result {
            *self.refusals.entry(refusal.code()).or_default() += 1;
        }
        self.grow(tx.leaf(self.frontier.algorithm()))?;
        self.check_milestones()
    }

    fn grow(&mut self, hash: Hash) -> Result<(), CliError> {
        let (tiles, whole, stored) = (&mut self.tiles, &mut self.whole, &mut self.stored);
        let mut differs = Ok(());
        self.frontier.push(hash, |level, hash| {
            whole.extend(tiles.add(level, hash));
            if let (Some(stored), Ok(())) = (stored.as_mut(), &differs) {
                differs = stored.compare(level, &hash);
            }
        });
        differs.map_err(|e| CliError::NotValid(e.to_string()))
    }

    fn check_milestones(&self) -> Result<(), CliError> {
        let size = self.size();
        for Milestone { who, root, state, .. } in self.milestones.iter().filter(|milestone| milestone.size == size) {
            let what = if *root != self.root() {
                "another root: they are not the transactions"
            } else if *state != self.state.digest() {
                "another state: rules, outcomes or block times are not those"
            } else {
                continue;
            };
            return Err(CliError::NotValid(format!("the first {size} transactions have {what} that {who} saw")));
        }
        Ok(())
    }

    /// Says what is still wrong when all leaves were read.
    ///
    /// # Errors
    /// [`CliError::NotValid`].
    pub fn finish(&self) -> Result<(), CliError> {
        match self.milestones.iter().find(|milestone| milestone.size > self.size()) {
            Some(Milestone { who, size, .. }) => {
                Err(CliError::NotValid(format!("{who} saw {size} transactions, here are only {}", self.size())))
            }
            None => Ok(()),
        }
    }

    /// The node's stored tree, read up to here.
    pub fn stored(&mut self) -> Option<&mut TreeReader> {
        self.stored.as_mut()
    }

    /// The state.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What is verified so far.
    pub fn verified(&self) -> Verified {
        Verified::new(self.state.chain(), self.frontier.algorithm(), self.size(), self.root(), self.state.digest())
    }

    /// Transactions applied.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// How many different block times they have.
    pub fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Root over all of them.
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// Transactions that the ledger's rules refused.
    pub fn refused(&self) -> u64 {
        self.refusals.values().sum()
    }

    /// How many were refused, by code.
    pub fn refusals(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.refusals.iter().map(|(code, count)| (*code, *count))
    }
}

/// What no honest leader would have let in.
fn bad_leaf(tx: &Transaction, index: u64) -> String {
    let named = match Payload::decode(tx.payload()) {
        Ok(payload) => format!("transaction {} of {}, {}", payload.id, payload.department, payload.command.kind()),
        Err(_) => "a transaction that cannot be read".to_owned(),
    };
    format!("leaf {index}: {named}: the signature of key {} does not fit", tx.key())
}

#[cfg(test)]
#[path = "replay_tests.rs"]
pub(crate) mod tests;
