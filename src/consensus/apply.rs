//! The thread that applies committed blocks: checks every signature, changes the state, grows the
//! tree, answers whoever waits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use raft::eraftpb::{Entry, EntryType};

use crate::crypto::sign::{Check, PublicKey, verify_all};
use crate::ledger::block::Block;
use crate::storage::ledger_log::LedgerLog;

use super::ConsensusError;
use super::chain::Chain;
use super::cosign::{Book, Desk, report};
use super::handoff::{Handoff, Work};
use super::pool::Pool;
use super::stable::Stable;
use super::waiters::{Reply, Waiters};

/// How often the progress of checking signatures is noted.
const NOTE_EVERY: Duration = Duration::from_secs(1);

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
}

impl Applier {
    /// Applies until told to stop. Any error is fatal to the process.
    pub(super) fn run(self) -> Result<(), ConsensusError> {
        let trusted = self.stable.verified()?;
        let mut noted = (trusted, Instant::now());
        let mut all_valid = true;
        // The genesis block, entry 1, was applied when the chain was opened.
        let mut next = 2;
        loop {
            match self.handoff.next(next, &self.log, NOTE_EVERY)? {
                Work::Stop => break,
                Work::Idle => {}
                Work::Entries(entries) => {
                    for entry in entries {
                        all_valid &= self.apply(&entry, entry.index <= trusted)?;
                        next = entry.index + 1;
                    }
                }
            }
            // After an invalid signature the note stays: such a block is checked at every start.
            if all_valid && next - 1 > noted.0 && noted.1.elapsed() >= NOTE_EVERY {
                self.stable.put_verified(next - 1)?;
                noted = (next - 1, Instant::now());
            }
        }
        if all_valid && next - 1 > noted.0 {
            self.stable.put_verified(next - 1)?;
        }
        Ok(())
    }

    /// Applies one entry; answers whether all its signatures were valid.
    fn apply(&self, entry: &Entry, is_trusted: bool) -> Result<bool, ConsensusError> {
        if entry.get_entry_type() == EntryType::EntryNormal && !entry.data.is_empty() {
            match Block::decode(&entry.data) {
                Ok(block) => return self.apply_block(entry, &block, is_trusted),
                // The same on every node: the bytes are.
                Err(error) => {
                    tracing::error!(index = entry.index, %error, "a leader proposed what is no block; it is passed over")
                }
            }
        }
        self.chain.publish(entry.index);
        Ok(true)
    }

    fn apply_block(&self, entry: &Entry, block: &Block, is_trusted: bool) -> Result<bool, ConsensusError> {
        let expected = self.chain.height() + 1;
        if block.height != expected {
            tracing::error!(index = entry.index, block.height, expected, "a leader numbered a block wrongly");
        }
        let is_own = self.handoff.has_led(entry.term);
        let verified = if is_trusted || is_own {
            // Checked strictly before it was packed, or before a restart.
            vec![Some(true); block.transactions.len()]
        } else {
            self.verify(block)
        };
        let all_valid = !verified.contains(&Some(false));
        if !all_valid {
            tracing::error!(
                index = entry.index,
                term = entry.term,
                "a leader proposed a transaction whose signature does not fit: keep this node's ledger as evidence"
            );
        }
        let effect = self.chain.apply(entry.index, block, &verified)?;
        self.chain.publish(entry.index);
        self.desk.applied(effect.head);
        let before = effect.head.size.saturating_sub(effect.leaves.len() as u64);
        if let Err(contradiction) = self.book.applied(before, &effect.head) {
            report(&contradiction);
        }
        self.pool.applied(&effect.leaves);
        let replies = effect.leaves.into_iter().zip(effect.outcomes);
        self.waiters.complete(replies.map(|(leaf, outcome)| (leaf, Reply::Applied(self.chain.first_outcome(outcome)))));
        Ok(all_valid)
    }

    /// Checks a block's signatures together, and one by one if that fails. Always a whole block at
    /// a time: the batch's answer is a function of its contents, so it is the same on every node.
    fn verify(&self, block: &Block) -> Vec<Option<bool>> {
        let keys: Vec<Option<PublicKey>> = {
            let state = self.chain.state();
            block.transactions.iter().map(|tx| state.signer(tx.key()).map(|(_, key)| key.clone())).collect()
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
