//! Follows a copied ledger from its genesis, so that a cosigned checkpoint can prove it.
//!
//! What enough departments cosigned needs no second check of every signature: root and state could not be the same with
//! another transaction. But *who* the departments are, and by which keys they sign, the ledger says itself. So the
//! signatures of transactions about departments, keys and nodes are always checked, from the genesis on, which the
//! reader holds already; those of all others only when the state does not come out as it was cosigned, for then a
//! transaction with a bad signature may stand in the ledger, refused by every node.

use std::borrow::Cow;

use serde::Deserialize;

use crate::clock::Millis;
use crate::crypto::digest::{Hash, HashAlgorithm};
use crate::ids::DepartmentId;
use crate::ledger::block::Block;
use crate::ledger::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::ledger::frontier::Frontier;
use crate::ledger::transaction::Transaction;
use crate::state::State;
use crate::state::outcome::Refusal;
use crate::storage::Record;

use super::CopyError;

/// How consensus marks an entry that may carry a block.
const KIND_NORMAL: u8 = 0;
/// Kinds of transactions that say who may sign, and how the others are read.
const WEIGHTY: [&str; 7] = ["chain.", "department.", "edition.", "key.", "node.", "voters.", "policy."];

/// How much of the signatures is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Care {
    /// Those of transactions that say who may sign.
    Weighty,
    /// All.
    All,
}

/// A ledger, as far as its entries were shown.
pub struct Witness {
    care: Care,
    state: State,
    frontier: Frontier,
    /// Entries seen, of consensus' own too.
    entries: u64,
    term: u64,
    height: u64,
    time: Millis,
    /// Log index of the last block.
    block_at: u64,
    /// Whether every signature that was checked fits.
    all_fit: bool,
}

/// A block, as it was shown.
pub struct Shown {
    /// Log index of the block.
    pub raft_index: u64,
    /// Ledger index of its first transaction.
    pub first_index: u64,
    /// Its time.
    pub time: Millis,
    /// The leaves of its transactions.
    pub leaves: Vec<Hash>,
    /// The transactions that the state refused, by ledger index.
    pub refusals: Vec<(u64, Refusal)>,
}

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
}

impl Witness {
    /// Before the first entry.
    pub fn new(care: Care) -> Self {
        Self {
            care,
            state: State::new(),
            frontier: Frontier::new(HashAlgorithm::default()),
            entries: 0,
            term: 0,
            height: 0,
            time: Millis(0),
            block_at: 0,
            all_fit: true,
        }
    }

    /// Takes the next entry of consensus' log; answers the block in it, if there is one.
    ///
    /// # Errors
    /// [`CopyError::NotValid`] for what no log holds.
    pub fn entry(&mut self, record: &Record) -> Result<Option<Shown>, CopyError> {
        let wrong = |why: String| CopyError::NotValid(format!("entry {}: {why}", record.index));
        if record.index != self.entries + 1 || record.term < self.term {
            return Err(wrong("it is out of order".into()));
        }
        self.entries += 1;
        self.term = record.term;
        if record.kind != KIND_NORMAL || record.data.is_empty() {
            return Ok(None);
        }
        let block = Block::decode(&record.data).map_err(|e| wrong(e.to_string()))?;
        if block.height != self.height || block.time < self.time {
            return Err(wrong(format!("block {} does not follow the one before it", block.height)));
        }
        (self.height, self.time, self.block_at) = (self.height + 1, block.time, record.index);
        let (raft_index, first_index, time) = (record.index, self.size(), block.time);
        let mut shown = Shown { raft_index, first_index, time, leaves: Vec::new(), refusals: Vec::new() };
        block.transactions.iter().try_for_each(|tx| self.transaction(tx, &mut shown)).map_err(wrong)?;
        Ok(Some(shown))
    }

    fn transaction(&mut self, tx: &Transaction, shown: &mut Shown) -> Result<(), String> {
        let is_genesis = self.state.genesis().is_none();
        let fits = is_genesis || !self.must_check(tx) || self.signature_fits(tx);
        self.all_fit &= fits;
        let outcome = self.state.apply(tx, shown.time, fits);
        if is_genesis {
            // The state itself checks the signature of the genesis.
            outcome.result.map_err(|refusal| refusal.to_string())?;
            let algorithm = self.state.genesis().map(|genesis| genesis.hash).unwrap_or_default();
            self.frontier = Frontier::new(algorithm);
        } else if let Err(refusal) = outcome.result {
            shown.refusals.push((outcome.index, refusal));
        }
        let leaf = tx.leaf(self.frontier.algorithm());
        self.frontier.push(leaf, |_, _| {});
        shown.leaves.push(leaf);
        Ok(())
    }

    fn signature_fits(&self, tx: &Transaction) -> bool {
        let known = self.state.key(tx.key());
        known.is_some_and(|known| tx.verify(self.state.chain(), &known.key).is_ok())
    }

    /// Also what cannot be read is checked: a payload must not pass by being written strangely.
    fn must_check(&self, tx: &Transaction) -> bool {
        let kind = serde_json::from_str::<Kind<'_>>(tx.payload());
        self.care == Care::All || kind.map_or(true, |it| WEIGHTY.iter().any(|weighty| it.kind.starts_with(weighty)))
    }

    /// Entries seen.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// Log index of the last block seen.
    pub fn block_at(&self) -> u64 {
        self.block_at
    }

    /// Transactions seen.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The digest of their tree.
    pub fn algorithm(&self) -> HashAlgorithm {
        self.frontier.algorithm()
    }

    /// Whether no signature that was checked was found to be bad; no bad one among the others would have passed.
    pub fn all_valid(&self) -> bool {
        self.all_fit
    }

    /// Root over them.
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// The state after them.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The state after them, to be kept.
    pub fn into_state(self) -> State {
        self.state
    }

    /// Whether a checkpoint speaks of the very ledger seen so far.
    pub fn is_as(&self, checkpoint: &Checkpoint) -> bool {
        let own = Checkpoint::new(
            self.state.chain(),
            self.frontier.algorithm(),
            self.size(),
            self.root(),
            self.state.digest(),
        );
        own == *checkpoint
    }

    /// Claims that enough departments cosigned the ledger seen so far; answers who.
    ///
    /// # Errors
    /// [`CopyError::NotValid`] with what is lacking.
    pub fn proven_by(&self, note: &SignedCheckpoint) -> Result<Vec<DepartmentId>, CopyError> {
        let size = note.checkpoint().size;
        if !self.is_as(note.checkpoint()) {
            let why = format!("the first {} transactions are not those that were cosigned at size {size}", self.size());
            return Err(CopyError::NotValid(why));
        }
        let cosigners = note.cosigners(&self.state.cosigner_keys()).map_err(CopyError::not_valid)?;
        let (found, needed) = (cosigners.len(), self.state.cosignatures_min());
        if found < needed {
            return Err(CopyError::NotValid(format!(
                "the checkpoint of size {size} bears the signatures of {found} departments, {needed} are needed"
            )));
        }
        Ok(cosigners.into_iter().map(|cosigner| cosigner.department).collect())
    }
}
