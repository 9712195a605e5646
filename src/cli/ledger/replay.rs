//! Replays a ledger from its entries: every signature, every rule, the whole tree.

use std::collections::BTreeMap;

use crate::cli::error::CliError;
use crate::clock::Millis;
use crate::crypto::digest::{Hash, HashAlgorithm};
use crate::crypto::sign::{Check, PublicKey, verify_all};
use crate::domain::command::Payload;
use crate::ledger::block::Block;
use crate::ledger::checkpoint::Keys;
use crate::ledger::merkle::{Nodes as _, Tree};
use crate::ledger::transaction::Transaction;
use crate::state::{Outcome, Refusal, State};
use crate::storage::Record;

/// How consensus marks an entry that may carry a block.
const KIND_NORMAL: u8 = 0;
/// Signatures that are checked together.
const BATCH: usize = 256;

/// A ledger, as far as it was read.
pub struct Replay {
    state: State,
    tree: Tree,
    blocks: u64,
    refusals: BTreeMap<&'static str, u64>,
    /// Blocks whose signatures are not checked yet.
    waiting: Vec<(Millis, Vec<Transaction>)>,
    waiting_count: usize,
}

impl Default for Replay {
    fn default() -> Self {
        Self {
            state: State::new(),
            tree: Tree::new(HashAlgorithm::Sm3),
            blocks: 0,
            refusals: BTreeMap::new(),
            waiting: Vec::new(),
            waiting_count: 0,
        }
    }
}

impl Replay {
    /// Takes the next entry of consensus.
    ///
    /// # Errors
    /// [`CliError::NotValid`] naming the entry or leaf.
    pub fn entry(&mut self, record: &Record) -> Result<(), CliError> {
        // The other entries are consensus' own: a leader's first, and changes of its members.
        if record.kind != KIND_NORMAL || record.data.is_empty() {
            return Ok(());
        }
        let wrong = |e| CliError::NotValid(format!("entry {}: {e}", record.index));
        let block = Block::decode(&record.data).map_err(wrong)?;
        self.blocks += 1;
        self.waiting_count += block.transactions.len();
        self.waiting.push((block.time, block.transactions));
        // The genesis names the keys of all others: nothing can be checked together with it.
        if self.waiting_count >= BATCH || self.state.genesis().is_none() { self.apply() } else { Ok(()) }
    }

    /// Checks and applies what is still waiting.
    ///
    /// # Errors
    /// [`CliError::NotValid`] naming the leaf.
    pub fn finish(&mut self) -> Result<(), CliError> {
        self.apply()
    }

    fn apply(&mut self) -> Result<(), CliError> {
        let blocks = std::mem::take(&mut self.waiting);
        self.waiting_count = 0;
        let all_fit = self.all_fit(&blocks);
        for (time, transactions) in &blocks {
            for tx in transactions {
                let verified = all_fit || self.fits(tx);
                // The genesis brings its own key; the state checks it.
                let is_forged = !verified && self.state.genesis().is_some();
                let outcome = self.state.apply(tx, *time, verified);
                if is_forged || outcome.result == Err(Refusal::Signature) {
                    return Err(CliError::NotValid(bad_leaf(tx, outcome.index)));
                }
                self.push(tx, outcome)?;
            }
        }
        Ok(())
    }

    /// Checks many signatures at once. A `false` says only that they must be looked at one by one, also when a
    /// key is not known yet.
    fn all_fit(&self, blocks: &[(Millis, Vec<Transaction>)]) -> bool {
        let chain = self.state.chain();
        let mut signed: Vec<(&PublicKey, &Transaction, Vec<u8>)> = Vec::with_capacity(BATCH);
        for tx in blocks.iter().flat_map(|(_, transactions)| transactions) {
            match self.state.signer(tx.key()) {
                Some((_, key)) if key.algorithm() == tx.algorithm() => signed.push((key, tx, tx.message(chain))),
                _ => return false,
            }
        }
        let checks: Vec<Check<'_>> =
            signed.iter().map(|(key, tx, message)| Check { key, message, signature: tx.signature() }).collect();
        verify_all(&checks)
    }

    fn fits(&self, tx: &Transaction) -> bool {
        self.state.signer(tx.key()).is_some_and(|(_, key)| tx.verify(self.state.chain(), key).is_ok())
    }

    /// Takes a transaction into the tree.
    fn push(&mut self, tx: &Transaction, outcome: Outcome) -> Result<(), CliError> {
        if self.tree.size() == 0 {
            let genesis = self.state.genesis().ok_or_else(|| {
                let why = outcome.result.as_ref().err().map(ToString::to_string).unwrap_or_default();
                CliError::NotValid(format!("leaf 0 begins no chain: {why}"))
            })?;
            self.tree = Tree::new(genesis.hash);
        }
        if let Err(refusal) = outcome.result {
            *self.refusals.entry(refusal.code()).or_default() += 1;
        }
        self.tree.push(tx.leaf(self.tree.algorithm()));
        Ok(())
    }

    /// The chain's id.
    pub fn chain(&self) -> &str {
        self.state.chain()
    }

    /// Transactions applied.
    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    /// Blocks read.
    pub fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Root over all of them.
    pub fn root(&self) -> Hash {
        self.tree.root()
    }

    /// Root when the ledger had `size` transactions.
    pub fn root_at(&self, size: u64) -> Option<Hash> {
        self.tree.root_at(size)
    }

    /// Transactions that the ledger's rules refused.
    pub fn refused(&self) -> u64 {
        self.refusals.values().sum()
    }

    /// How many were refused, by code.
    pub fn refusals(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.refusals.iter().map(|(code, count)| (*code, *count))
    }

    /// The departments' keys.
    pub fn keys(&self) -> Keys {
        self.state.cosigner_keys()
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
mod tests;
