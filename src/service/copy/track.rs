//! Follows a copied ledger for a node that is to live on it: its tree and its blocks are noted on the way, so that the
//! node goes on where the copy ends and does not apply everything a second time.

use std::path::{Path, PathBuf};

use crate::consensus::{Annals, Followed};
use crate::crypto::digest::Hash;
use crate::storage::ledger_log::LedgerLog;
use crate::storage::tree_store::TreeStore;
use crate::storage::{Record, RecordRef};

use super::CopyError;
use super::witness::{Care, Witness};

/// Entries read at once from what an interrupted copy left.
const READ_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Leaves that go into the tree together.
const LEAVES_AT_ONCE: usize = 4096;

/// A copied ledger, as far as it was followed.
pub(super) struct Track {
    /// What was shown, to be proven.
    pub(super) witness: Witness,
    dir: PathBuf,
    /// There once the genesis said by which digest.
    tree: Option<TreeStore>,
    leaves: Vec<Hash>,
    annals: Annals,
}

impl Track {
    /// Before the first entry of the ledger in a folder.
    pub(super) fn new(ledger: &Path, care: Care) -> Self {
        let (dir, leaves) = (ledger.join("tree"), Vec::new());
        Self { witness: Witness::new(care), dir, tree: None, leaves, annals: Annals::default() }
    }

    /// Follows a log from its first entry to its last.
    ///
    /// # Errors
    /// [`CopyError`]: of the files, and for what no log holds.
    pub(super) fn of(log: &LedgerLog, care: Care) -> Result<Self, CopyError> {
        let mut track = Self::new(log.dir(), care);
        while track.witness.entries() < log.last_index() {
            for record in log.entries(track.witness.entries() + 1, log.last_index() + 1, READ_BYTES_MAX)? {
                track.entry(&record)?;
            }
        }
        track.grow()?;
        Ok(track)
    }

    /// Takes new entries into the log, up to the block that fills the size.
    ///
    /// # Errors
    /// As [`Track::of`].
    pub(super) fn take(&mut self, log: &LedgerLog, records: &[Record], size: u64) -> Result<(), CopyError> {
        let mut entries: Vec<RecordRef<'_>> = Vec::new();
        for record in records {
            if self.witness.size() >= size {
                break;
            }
            self.entry(record)?;
            entries.push(record.as_ref());
        }
        log.append(&entries)?;
        self.grow()?;
        Ok(log.sync()?)
    }

    fn entry(&mut self, record: &Record) -> Result<(), CopyError> {
        let Some(shown) = self.witness.entry(record)? else { return Ok(()) };
        self.annals.block(shown.raft_index, shown.first_index, shown.time);
        for (index, refusal) in shown.refusals {
            self.annals.refused(index, refusal);
        }
        self.leaves.extend(shown.leaves);
        if self.leaves.len() >= LEAVES_AT_ONCE { self.grow() } else { Ok(()) }
    }

    fn grow(&mut self) -> Result<(), CopyError> {
        if self.leaves.is_empty() {
            return Ok(());
        }
        let tree = match &mut self.tree {
            Some(tree) => tree,
            none => none.insert(TreeStore::open(&self.dir, self.witness.algorithm())?),
        };
        tree.append(&self.leaves)?;
        self.leaves.clear();
        Ok(())
    }

    /// What a node needs to go on here.
    ///
    /// # Errors
    /// [`CopyError::NotValid`] for a ledger without a genesis.
    pub(super) fn end(self) -> Result<Followed, CopyError> {
        let tree = self.tree.ok_or_else(|| CopyError::NotValid("the ledger is empty".into()))?;
        let all_valid = self.witness.all_valid();
        Ok(Followed { state: self.witness.into_state(), tree, annals: self.annals, all_valid })
    }
}

#[cfg(test)]
#[path = "track_tests.rs"]
mod tests;
