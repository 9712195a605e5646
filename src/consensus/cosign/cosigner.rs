//! The thread that cosigns: it signs what is due, keeps it, sends it, and checks what others sent.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::clock::SharedClock;
use crate::crypto::keys::Keys;
use crate::ids::DepartmentId;
use crate::ledger::checkpoint::SignedCheckpoint;
use crate::storage::disk::Disk;
use crate::storage::whole_file;

use super::super::ConsensusError;
use super::super::chain::{Chain, Head};
use super::super::evidence::Guard;
use super::super::frame::Frame;
use super::super::stable::Stable;
use super::super::transport::Links;
use super::book::{Anchored, Book};
use super::desk::{Desk, Round};

/// How often the newest notes are sent again: frames get lost, and nodes come back.
const BEAT: Duration = Duration::from_secs(1);
/// A head so much older than what others agree on is not worth a signature.
const BEHIND_MAX: u64 = 10_000;

/// What the cosign thread works with.
pub(in super::super) struct Cosigner {
    pub(in super::super) department: DepartmentId,
    pub(in super::super) keys: Keys,
    pub(in super::super) clock: SharedClock,
    pub(in super::super) chain: Arc<Chain>,
    pub(in super::super) desk: Arc<Desk>,
    pub(in super::super) book: Arc<Book>,
    pub(in super::super) links: Arc<Links>,
    pub(in super::super) guard: Arc<Guard>,
    pub(in super::super) disk: Arc<Disk>,
    pub(in super::super) stable: Stable,
    /// Where other programs find the newest anchored note.
    pub(in super::super) file: PathBuf,
}

impl Cosigner {
    /// Cosigns until told to stop. Any error is fatal to the process.
    pub(in super::super) fn run(self) -> Result<(), ConsensusError> {
        let mut kept = self.stable.anchored()?;
        let mut written: Option<Arc<Anchored>> = None;
        let mut beat = Instant::now() + BEAT;
        while let Some(Round { due, heard }) = self.desk.next(beat) {
            if self.guard.is_halted() || !self.disk.takes_work() {
                // A node that stands still vouches for nothing, and one without room cannot keep its word.
                beat = Instant::now() + BEAT;
                continue;
            }
            for note in &heard {
                self.add(note)?;
            }
            self.sign(&due)?;
            if Instant::now() < beat {
                continue;
            }
            beat = Instant::now() + BEAT;
            // What was anchored before the start counts again as soon as this node has come so far.
            if let Some(note) = kept.take_if(|note| note.checkpoint().size <= self.chain.size()) {
                self.add(&note)?;
            }
            let anchored = self.book.anchored().borrow().clone();
            self.repeat(anchored.as_deref())?;
            self.keep(&mut written)?;
        }
        // What was anchored within the last second, for whoever audits the files of a node at rest.
        if self.guard.is_halted() { Ok(()) } else { self.keep(&mut written) }
    }

    /// Writes the newest anchored note down, if it is not what was written last.
    fn keep(&self, written: &mut Option<Arc<Anchored>>) -> Result<(), ConsensusError> {
        let anchored = self.book.anchored().borrow().clone();
        if let Some(anchored) = anchored.filter(|anchored| written.as_ref() != Some(anchored)) {
            let text = anchored.note.encode();
            self.stable.put_anchored(&text)?;
            // Others' copy: nothing of this node rests on it.
            if let Err(error) = whole_file::replace(&self.file, text.as_bytes()) {
                tracing::warn!(%error, "the newest anchored checkpoint was not written");
            }
            *written = Some(anchored);
        }
        Ok(())
    }

    /// Signs heads that are larger than everything signed before: so no size is ever signed twice.
    fn sign(&self, due: &[Head]) -> Result<(), ConsensusError> {
        if !self.book.may_sign() || self.guard.is_halted() {
            return Ok(());
        }
        let last = self.book.own();
        if let Some(last) = &last
            && self.chain.root_at(last.checkpoint().size) != Some(last.checkpoint().root)
        {
            tracing::error!(size = last.checkpoint().size, "what this node cosigned last is not in its tree any more");
            return Ok(());
        }
        let mut signed_size = last.map_or(0, |last| last.checkpoint().size);
        let worth = self.book.agreed().saturating_sub(BEHIND_MAX);
        let mut notes = Vec::new();
        for head in due {
            if head.size > signed_size && head.size >= worth {
                signed_size = head.size;
                let checkpoint = self.chain.checkpoint_of(head);
                let note = checkpoint.cosign(&self.department, &self.keys.get().signing, self.clock.now().0 / 1000);
                notes.push(note.map_err(|error| ConsensusError::Inconsistent(error.to_string()))?);
            }
        }
        let Some(newest) = notes.last() else { return Ok(()) };
        // Before anyone hears of it: what is sent can never be forgotten, whatever happens to this process.
        self.stable.put_cosigned(&newest.encode())?;
        self.stable.flush()?;
        self.book.put_own(newest.clone());
        for note in notes {
            self.add(&note)?;
            self.links.broadcast(&Frame::Cosignature(note));
        }
        Ok(())
    }

    fn repeat(&self, anchored: Option<&Anchored>) -> Result<(), ConsensusError> {
        let size = anchored.map_or(0, Anchored::size);
        if let Some(anchored) = anchored {
            self.links.broadcast(&Frame::Anchored(anchored.note.clone()));
        }
        if let Some(own) = self.book.own().filter(|own| own.checkpoint().size > size && self.book.may_sign()) {
            self.add(&own)?;
            self.links.broadcast(&Frame::Cosignature(own));
        }
        Ok(())
    }

    fn add(&self, note: &SignedCheckpoint) -> Result<(), ConsensusError> {
        if let Err(contradiction) = self.book.add(note) {
            let keys = self.chain.state().cosigner_keys();
            self.guard.contradicted(contradiction, &self.book, keys)?;
        }
        Ok(())
    }
}
