//! What the departments cosigned, checked and counted.
#![expect(
    clippy::result_large_err,
    reason = "a contradiction ends the node's work: it is on no path that must be fast"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Included};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::crypto::digest::Hash;
use crate::ids::DepartmentId;
use crate::ledger::checkpoint::{Checkpoint, Cosigner, SignedCheckpoint};

use super::super::chain::{Chain, Head};
use super::desk::Desk;

/// Sizes remembered of one department; beyond that the smallest is forgotten.
const SIZES_MAX: usize = 128;

/// A checkpoint that enough departments cosigned and that this node reached itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchored {
    /// The note with all cosignatures known so far.
    pub note: SignedCheckpoint,
    /// Who cosigned it, and when.
    pub cosigners: Vec<Cosigner>,
}

impl Anchored {
    /// Transactions that are anchored: those with an index below this.
    pub fn size(&self) -> u64 {
        self.note.checkpoint().size
    }
}

/// The last that a department cosigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DepartmentWord {
    /// Who.
    pub department: DepartmentId,
    /// Size of its newest checkpoint.
    pub size: u64,
    /// When it signed that, by its own clock, in seconds since 1970.
    pub time_s: u64,
    /// How long ago this node learnt of it.
    pub age: Duration,
}

/// How cosigning stands.
#[derive(Clone, Debug, Default)]
pub struct Cosigning {
    /// Departments that must cosign a checkpoint to anchor it.
    pub needed: usize,
    /// Transactions applied by this node and not yet anchored.
    pub lag: u64,
    /// The newest word of each department that was heard, by department.
    pub departments: Vec<DepartmentWord>,
}

/// Words that cannot all be true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Contradiction {
    /// Enough departments cosigned something else than this node holds.
    OtherLedger { own: Checkpoint, cosigned: SignedCheckpoint, needed: usize },
    /// A department cosigned two checkpoints of one size.
    TwoRoots { department: DepartmentId, one: SignedCheckpoint, other: SignedCheckpoint },
    /// This node's ledger is not what it cosigned itself.
    OwnHistory { cosigned: SignedCheckpoint, own: Checkpoint },
}

struct Word {
    cosigner: Cosigner,
    note: SignedCheckpoint,
}

#[derive(Default)]
struct Inner {
    words: BTreeMap<u64, Vec<Word>>,
    sizes: BTreeMap<DepartmentId, BTreeSet<u64>>,
    newest: BTreeMap<DepartmentId, (u64, u64, Instant)>,
    /// Largest size on which enough departments agree, reached by this node or not.
    agreed: u64,
    /// What this node signed before it was started, until its ledger is found to hold it.
    promised: Option<SignedCheckpoint>,
    /// What this node signed last.
    own: Option<SignedCheckpoint>,
}

/// The cosignatures of all departments.
pub(in super::super) struct Book {
    chain: Arc<Chain>,
    desk: Arc<Desk>,
    inner: Mutex<Inner>,
    anchored: watch::Sender<Option<Arc<Anchored>>>,
}

/// What this node holds at a size.
struct Own {
    root: Hash,
    /// Unknown where no block of the last ones ended.
    state: Option<Hash>,
}

impl Own {
    fn is(&self, other: &Checkpoint) -> bool {
        self.root == other.root && self.state.is_none_or(|state| state == other.state)
    }
}

impl Book {
    /// A book that knows what this node signed last before it was started.
    pub(in super::super) fn new(chain: Arc<Chain>, desk: Arc<Desk>, signed: Option<SignedCheckpoint>) -> Self {
        let inner = Inner { promised: signed.clone(), own: signed, ..Inner::default() };
        Self { chain, desk, inner: Mutex::new(inner), anchored: watch::Sender::new(None) }
    }

    /// The newest anchored checkpoint, and those to come.
    pub(in super::super) fn anchored(&self) -> watch::Receiver<Option<Arc<Anchored>>> {
        self.anchored.subscribe()
    }

    /// How far the ledger is: the text of this node's checkpoint, and the newest anchored note.
    pub(in super::super) fn reached(&self) -> (String, Option<String>) {
        let own = self.chain.checkpoint_of(&self.chain.tip()).text();
        (own, self.anchored.borrow().as_ref().map(|anchored| anchored.note.encode()))
    }

    /// What this node cosigned last, durably.
    pub(in super::super) fn own(&self) -> Option<SignedCheckpoint> {
        self.inner.lock().own.clone()
    }

    /// Notes what this node cosigned, when that is durable.
    pub(super) fn put_own(&self, note: SignedCheckpoint) {
        self.inner.lock().own = Some(note);
    }

    /// Whether this node reached again what it had signed before it was started.
    pub(super) fn may_sign(&self) -> bool {
        self.inner.lock().promised.is_none()
    }

    /// Largest size on which enough departments agree.
    pub(super) fn agreed(&self) -> u64 {
        self.inner.lock().agreed
    }

    /// The note over a transaction, applied here, that most departments signed, anchored or not.
    pub(in super::super) fn covering(&self, index: u64) -> Option<SignedCheckpoint> {
        let applied = self.chain.size();
        let inner = self.inner.lock();
        let sizes = inner.words.range(index.saturating_add(1)..=applied.max(index.saturating_add(1)));
        let notes = sizes.filter_map(|(size, words)| {
            let own = self.holds(*size)?;
            let fitting = words.iter().filter(|word| own.is(word.note.checkpoint()));
            merged(fitting).map(|(note, cosigners)| (cosigners.len(), *size, note))
        });
        notes.max_by_key(|(count, size, _)| (*count, *size)).map(|(_, _, note)| note)
    }

    /// The newest note that a department signed, as far as it is remembered.
    pub(in super::super) fn word_of(&self, department: &DepartmentId) -> Option<SignedCheckpoint> {
        let inner = self.inner.lock();
        let newest = inner.sizes.get(department)?.last()?;
        let words = inner.words.get(newest)?;
        words.iter().find(|word| &word.cosigner.department == department).map(|word| word.note.clone())
    }

    /// How cosigning stands.
    pub(in super::super) fn status(&self) -> Cosigning {
        let needed = self.chain.state().cosignatures_min();
        let anchored = self.anchored.borrow().as_ref().map_or(0, |anchored| anchored.size());
        let inner = self.inner.lock();
        let newest = inner.newest.iter().map(|(department, (size, time_s, at))| DepartmentWord {
            department: department.clone(),
            size: *size,
            time_s: *time_s,
            age: at.elapsed(),
        });
        Cosigning { needed, lag: self.chain.size().saturating_sub(anchored), departments: newest.collect() }
    }

    /// Takes a note: the cosignatures of departments of this ledger that fit are kept and counted, others are not.
    ///
    /// # Errors
    /// The first contradiction that it brings to light.
    pub(in super::super) fn add(&self, note: &SignedCheckpoint) -> Result<(), Contradiction> {
        let checkpoint = note.checkpoint();
        if checkpoint.chain() != self.chain.id() || checkpoint.algorithm() != self.chain.algorithm() {
            return Ok(());
        }
        let mut found = Ok(());
        let mut keys = self.chain.state().cosigner_keys();
        for department in note.named() {
            let Some(own_keys) = keys.remove(&department).filter(|_| !self.knows(&department, checkpoint)) else {
                continue;
            };
            let single = note.only(&department);
            match single.cosigners(&BTreeMap::from([(department.clone(), own_keys)])) {
                Ok(cosigners) => {
                    for cosigner in cosigners {
                        // One liar must not keep the others' words from being counted.
                        found = found.and(self.keep(Word { cosigner, note: single.clone() }));
                    }
                }
                Err(error) => tracing::warn!(%department, size = checkpoint.size, %error, "a cosignature was not kept"),
            }
        }
        found.and(self.judge(checkpoint.size))
    }

    fn knows(&self, department: &DepartmentId, checkpoint: &Checkpoint) -> bool {
        let inner = self.inner.lock();
        let words = inner.words.get(&checkpoint.size).map(Vec::as_slice).unwrap_or_default();
        words.iter().any(|word| &word.cosigner.department == department && word.note.checkpoint() == checkpoint)
    }

    fn keep(&self, word: Word) -> Result<(), Contradiction> {
        let (size, Cosigner { department, time_s }) = (word.note.checkpoint().size, word.cosigner.clone());
        let mut inner = self.inner.lock();
        let inner = &mut *inner;
        let words = inner.words.entry(size).or_default();
        if let Some(other) = words.iter().find(|other| other.cosigner.department == department) {
            if other.note.checkpoint() == word.note.checkpoint() {
                return Ok(());
            }
            return Err(Contradiction::TwoRoots { department, one: other.note.clone(), other: word.note });
        }
        words.push(word);
        let newest = inner.newest.entry(department.clone()).or_insert((0, 0, Instant::now()));
        if newest.0 <= size {
            *newest = (size, time_s, Instant::now());
        }
        let sizes = inner.sizes.entry(department.clone()).or_default();
        sizes.insert(size);
        if sizes.len() > SIZES_MAX
            && let Some(smallest) = sizes.pop_first()
            && let Some(words) = inner.words.get_mut(&smallest)
        {
            words.retain(|word| word.cosigner.department != department);
            if words.is_empty() {
                inner.words.remove(&smallest);
            }
        }
        Ok(())
    }

    /// Takes what a block left: the node holds these sizes now.
    ///
    /// # Errors
    /// The first contradiction with what was cosigned of them.
    pub(in super::super) fn applied(&self, before: u64, head: &Head) -> Result<(), Contradiction> {
        let (promised, sizes) = {
            let inner = self.inner.lock();
            let promised = inner.promised.clone().filter(|promised| promised.checkpoint().size <= head.size);
            let sizes: Vec<u64> =
                inner.words.range((Excluded(before), Included(head.size))).map(|(size, _)| *size).collect();
            (promised, sizes)
        };
        if let Some(promised) = promised {
            let own = self.chain.checkpoint_of(head);
            let said = promised.checkpoint();
            // A start from a snapshot may pass over that size: of its state nothing can be said then, but the tree has it.
            // Where its files do not tell, nothing is signed on it either.
            let fits = if said.size > before {
                said == &own
            } else {
                self.chain.root_at(said.size).is_none_or(|root| root == said.root)
            };
            if !fits {
                return Err(Contradiction::OwnHistory { cosigned: promised, own });
            }
            self.inner.lock().promised = None;
        }
        sizes.into_iter().try_for_each(|size| self.judge(size))
    }

    /// What this node holds at a size; `None` when it has not come so far.
    fn holds(&self, size: u64) -> Option<Own> {
        if let Some(head) = self.desk.find(size) {
            return Some(Own { root: head.root, state: Some(head.state) });
        }
        self.chain.root_at(size).map(|root| Own { root, state: None })
    }

    /// Counts the words on a size, and holds them against what this node has there.
    fn judge(&self, size: u64) -> Result<(), Contradiction> {
        let needed = self.chain.state().cosignatures_min();
        let own = self.holds(size);
        let mut inner = self.inner.lock();
        let inner = &mut *inner;
        let words = inner.words.get(&size).map(Vec::as_slice).unwrap_or_default();
        let mut said: Vec<&Checkpoint> = Vec::new();
        for word in words {
            if !said.contains(&word.note.checkpoint()) {
                said.push(word.note.checkpoint());
            }
        }
        let mut found = Ok(());
        for checkpoint in said {
            let same = words.iter().filter(|word| word.note.checkpoint() == checkpoint);
            let Some((note, cosigners)) = merged(same) else { continue };
            let is_enough = cosigners.len() >= needed;
            if is_enough {
                inner.agreed = inner.agreed.max(size);
            }
            let Some(own) = &own else { continue };
            if own.is(checkpoint) {
                // Of a state that is not remembered any more nothing can be said; newer ones were anchored since.
                if is_enough && own.state.is_some() {
                    self.anchor(Anchored { note, cosigners });
                }
                continue;
            }
            tracing::error!(size, count = cosigners.len(), "departments cosigned another ledger than this node holds");
            if is_enough {
                let state = own.state.unwrap_or(checkpoint.state);
                let own = Checkpoint { root: own.root, state, ..checkpoint.clone() };
                found = found.and(Err(Contradiction::OtherLedger { own, cosigned: note, needed }));
            }
        }
        found
    }

    fn anchor(&self, anchored: Anchored) {
        self.anchored.send_if_modified(|known| {
            let is_news = known.as_ref().is_none_or(|known| {
                (known.size(), known.cosigners.len()) < (anchored.size(), anchored.cosigners.len())
            });
            if is_news {
                *known = Some(Arc::new(anchored));
            }
            is_news
        });
    }
}

/// One note with all these words, which are of one checkpoint, in the order of their departments.
fn merged<'a>(words: impl Iterator<Item = &'a Word>) -> Option<(SignedCheckpoint, Vec<Cosigner>)> {
    let mut words: Vec<&Word> = words.collect();
    words.sort_by(|one, other| one.cosigner.department.cmp(&other.cosigner.department));
    let mut note = words.first()?.note.clone();
    words.iter().for_each(|word| note.merge(&word.note));
    Some((note, words.into_iter().map(|word| word.cosigner.clone()).collect()))
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;
