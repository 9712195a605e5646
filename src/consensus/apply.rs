//! The thread that applies committed blocks: checks every signature, changes the state, grows the
//! tree, answers whoever waits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use raft::eraftpb::{Entry, EntryType};

use crate::clock::Millis;
use crate::crypto::sign::{Check, PublicKey, verify_all};
use crate::ledger::block::Block;
use crate::ledger::evidence::Finding;
use crate::storage::ledger_log::LedgerLog;

use super::ConsensusError;
use super::chain::{Chain, Mark};
use super::cosign::{BLOCKS_EVERY, Book, Desk};
use super::evidence::Guard;
use super::handoff::{Handoff, Work};
use super::keeper::{Keeper, Since};
use super::membership::Membership;
use super::pool::Pool;
use super::stable::Stable;
use super::waiters::{Reply, Waiters};

/// How often the progress of checking signatures is noted.
const NOTE_EVERY: Duration = Duration::from_secs(1);
/// Heads that a snapshot keeps: what was cosigned shortly before a restart can be judged after it.
const SNAPSHOT_HEADS_MAX: usize = 512;

/// What the apply thread works with.
pub(super) struct Applier {
    pub(super) chain: Arc<Chain>,
    pub(super) log: Arc<LedgerLog>,
    pub(super) handoff: Arc<Handoff>,
    pub(super) pool: Arc<Pool>,
    pub(super) waiters: Arc<Waiters>,
    pub(super) stable: Stable,
    pub(super) desk: Arc<Desk>,
    pub(super) book: Arc<Book>,
    pub(super) guard: Arc<Guard>,
    pub(super) membership: Arc<Membership>,
    pub(super) previous: Previous,
    pub(super) node_id: u64,
    /// Index of the last entry that is applied already.
    pub(super) applied: u64,
    /// Whether this node found all signatures so far valid.
    pub(super) all_valid: bool,
    pub(super) keeper: Arc<Keeper>,
    pub(super) since: Since,
}

/// The block that was applied last, as its leader wrote it.
pub(super) struct Previous {
    pub(super) raft_index: u64,
    pub(super) height: u64,
    pub(super) time: Millis,
}

impl Applier {
    /// Applies until told to stop, or until the node meets what it must not go on from. Any error is fatal to the
    /// process.
    pub(super) fn run(mut self) -> Result<(), ConsensusError> {
        let trusted = self.stable.verified()?;
        let mut noted = (trusted, Instant::now());
        let mut next = self.applied + 1;
        while !self.guard.is_halted() {
            match self.handoff.next(next, self.log.as_ref(), NOTE_EVERY)? {
                Work::Stop => break,
                Work::Idle => {}
                Work::Entries(entries) => {
                    for entry in entries {
                        let Some(is_valid) = self.apply(&entry, entry.index <= trusted)? else { break };
                        self.all_valid &= is_valid;
                        next = entry.index + 1;
                        self.consider_snapshot(&entry);
                    }
                }
            }
            // After an invalid signature the note stays: such a block is checked at every start.
            if self.all_valid && next - 1 > noted.0 && noted.1.elapsed() >= NOTE_EVERY {
                self.stable.put_verified(next - 1)?;
                noted = (next - 1, Instant::now());
            }
        }
        if self.all_valid && next - 1 > noted.0 {
            self.stable.put_verified(next - 1)?;
        }
        if self.keeper.wants_at_end(self.since) {
            self.take_snapshot(next - 1);
        }
        self.keeper.stop();
        Ok(())
    }

    /// Takes a snapshot after an entry if it is time for one, and if all nodes cosign there: then others can prove it.
    fn consider_snapshot(&mut self, entry: &Entry) {
        self.since.bytes += entry.data.len() as u64;
        if self.previous.height.is_multiple_of(BLOCKS_EVERY) && self.keeper.wants(self.since) {
            self.take_snapshot(entry.index);
        }
    }

    /// A node that stands still vouches for nothing, and takes none.
    fn take_snapshot(&mut self, raft_index: u64) {
        if self.guard.is_halted() {
            return;
        }
        let heads = self.desk.recent(SNAPSHOT_HEADS_MAX);
        let mark = Mark { time: self.previous.time, all_valid: self.all_valid, heads };
        self.keeper.take(self.chain.capture(self.node_id, raft_index, mark));
        self.since = Since::default();
    }

    /// Applies one entry; answers whether all its signatures were valid, or nothing when the node stands still before
    /// or after it.
    fn apply(&mut self, entry: &Entry, is_trusted: bool) -> Result<Option<bool>, ConsensusError> {
        if self.guard.is_halted() {
            return Ok(None);
        }
        if entry.get_entry_type() == EntryType::EntryNormal && !entry.data.is_empty() {
            match Block::decode(&entry.data) {
                Ok(block) => return self.apply_block(entry, &block, is_trusted),
                Err(_) => {
                    let (raft_index, term, block) = (entry.index, entry.term, BASE64.encode(&entry.data));
                    if self.meets(Finding::NoBlock { raft_index, term, block })? {
                        return Ok(None);
                    }
                }
            }
        }
        self.publish(entry.index);
        Ok(Some(true))
    }

    fn apply_block(&mut self, entry: &Entry, block: &Block, is_trusted: bool) -> Result<Option<bool>, ConsensusError> {
        if !self.follows(entry, block)? {
            return Ok(None);
        }
        let is_own = self.handoff.has_led(entry.term);
        let verified = if is_trusted || is_own {
            // Checked strictly before it was packed, or before a restart.
            vec![Some(true); block.transactions.len()]
        } else {
            self.chain.spent.0.count(|| self.verify(block))
        };
        let bad = verified.iter().position(|fits| *fits == Some(false));
        if let Some(position) = bad
            && let Some(finding) = self.invalid_signature(entry, block, position)
            && self.meets(finding)?
        {
            return Ok(None);
        }
        let effect = self.chain.apply(entry.index, block, &verified)?;
        self.since.transactions += effect.leaves.len() as u64;
        self.publish(entry.index);
        self.desk.applied(effect.head);
        let before = effect.head.size.saturating_sub(effect.leaves.len() as u64);
        if let Err(contradiction) = self.book.applied(before, &effect.head) {
            let keys = self.chain.state().cosigner_keys();
            self.guard.contradicted(contradiction, &self.book, keys)?;
        }
        self.pool.applied(&effect.leaves);
        let replies = effect.leaves.into_iter().zip(effect.outcomes);
        self.waiters.complete(replies.map(|(leaf, outcome)| (leaf, Reply::Applied(self.chain.first_outcome(outcome)))));
        Ok(Some(bad.is_none()))
    }

    fn publish(&self, raft_index: u64) {
        self.membership.applied(&self.chain.state(), raft_index);
        self.chain.publish(raft_index);
    }

    /// Whether the node may go on with a block after the one before it: its number and time must follow.
    fn follows(&mut self, entry: &Entry, block: &Block) -> Result<bool, ConsensusError> {
        let (raft_index, term) = (entry.index, entry.term);
        let data = |bytes: &[u8]| BASE64.encode(bytes);
        let before = &self.previous;
        let finding = if block.height != before.height.saturating_add(1) {
            let previous = data(&self.log.entry(before.raft_index)?.data);
            Some(Finding::BlockHeight { raft_index, term, block: data(&entry.data), previous })
        } else if block.time < before.time {
            let previous = data(&self.log.entry(before.raft_index)?.data);
            Some(Finding::BlockTime { raft_index, term, block: data(&entry.data), previous })
        } else {
            None
        };
        if let Some(finding) = finding
            && self.meets(finding)?
        {
            return Ok(false);
        }
        self.previous = Previous { raft_index, height: block.height, time: block.time };
        Ok(true)
    }

    fn invalid_signature(&self, entry: &Entry, block: &Block, position: usize) -> Option<Finding> {
        let tx = block.transactions.get(position)?;
        let state = self.chain.state();
        // Also of a key that may sign no more: a signature that does not fit is a lie all the same.
        let known = state.key(tx.key())?;
        Some(Finding::InvalidSignature {
            raft_index: entry.index,
            term: entry.term,
            block: BASE64.encode(&entry.data),
            position,
            department: known.department.clone(),
            key: known.key.clone(),
        })
    }

    /// Whether the node must stop for a finding.
    fn meets(&self, finding: Finding) -> Result<bool, ConsensusError> {
        let (own, anchored) = self.book.reached();
        self.guard.meets(finding, own, anchored)
    }

    /// Checks a block's signatures together, and one by one if that fails. Always a whole block at
    /// a time: the batch's answer is a function of its contents, so it is the same on every node. Whether
    /// a key may still sign is not asked here: a transaction before it in the block may have ended it.
    fn verify(&self, block: &Block) -> Vec<Option<bool>> {
        let keys: Vec<Option<PublicKey>> = {
            let state = self.chain.state();
            block.transactions.iter().map(|tx| state.key(tx.key()).map(|known| known.key.clone())).collect()
        };
        let messages: Vec<Vec<u8>> = block.transactions.iter().map(|tx| tx.message(self.chain.id())).collect();
        let known = block.transactions.iter().zip(&keys).zip(&messages);
        let checks: Vec<Check<'_>> = known
            .filter_map(|((tx, key), message)| Some(Check { key: key.as_ref()?, message, signature: tx.signature() }))
            .collect();
        // The tag is not in what is signed, so that only this comparison sees a wrong one.
        let tags_fit = block
            .transactions
            .iter()
            .zip(&keys)
            .all(|(tx, key)| key.as_ref().is_none_or(|key| key.algorithm() == tx.algorithm()));
        let all_fit = tags_fit && verify_all(&checks);
        let each = block.transactions.iter().zip(&keys);
        each.map(|(tx, key)| key.as_ref().map(|key| all_fit || tx.verify(self.chain.id(), key).is_ok())).collect()
    }
}
