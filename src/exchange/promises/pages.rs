//! What the book holds in memory: calls, when each is to be looked at, what is to be reported, what is to be written.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::clock::{DAY_MS, Millis};
use crate::domain::finding::Mismatch;

use super::call::{Call, Found, Id, Verdict};
use super::coverage::Coverage;

/// Calls in the book; beyond, the oldest go unwatched and are counted.
pub(super) const CALLS_MAX: usize = 50_000;
/// How long a call stays whose record does not come.
pub(super) const KEPT_MS: u64 = DAY_MS;

/// What the book says about itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cover {
    pub coverage: Coverage,
    /// Place on the ledger up to which records were held against the book.
    pub read: u64,
    /// When this was written.
    pub written: Millis,
    /// Whether the node ended in order, so that nothing is missing.
    pub closed: bool,
}

struct Line {
    call: Call,
    due: Millis,
}

/// The pages. Every change goes through them, so that the three sets always fit the calls.
pub(super) struct Pages {
    calls: BTreeMap<Id, Line>,
    due: BTreeSet<(Millis, Id)>,
    /// Findings that are not on the ledger yet.
    untold: BTreeSet<Id>,
    /// What the store does not have as it is here.
    pub dirty: BTreeSet<Id>,
    pub cover: Cover,
    pub cover_dirty: bool,
    pub unwatched: u64,
}

impl Pages {
    pub(super) fn new(cover: Cover) -> Self {
        Self {
            calls: BTreeMap::new(),
            due: BTreeSet::new(),
            untold: BTreeSet::new(),
            dirty: BTreeSet::new(),
            cover,
            cover_dirty: true,
            unwatched: 0,
        }
    }

    pub(super) fn get(&self, id: &Id) -> Option<&Call> {
        self.calls.get(id).map(|line| &line.call)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Call> {
        self.calls.values().map(|line| &line.call)
    }

    pub(super) fn untold(&self) -> impl Iterator<Item = (&Id, &Call, &Found)> {
        self.untold.iter().filter_map(|id| {
            let call = self.get(id)?;
            Some((id, call, call.found.as_ref()?))
        })
    }

    /// The first calls whose time to be looked at has come.
    pub(super) fn due(&self, now: Millis, at_once: usize) -> Vec<Id> {
        let due = self.due.iter().take_while(|(at, _)| *at <= now);
        due.take(at_once).map(|(_, id)| id.clone()).collect()
    }

    /// Changes a call, or begins one, to be looked at at once.
    pub(super) fn change(&mut self, id: &Id, now: Millis, change: impl FnOnce(&mut Call)) {
        let line = self.calls.entry(id.clone()).or_insert_with(|| Line { call: Call::default(), due: now });
        change(&mut line.call);
        let is_untold = line.call.found.as_ref().is_some_and(|found| !found.told);
        if is_untold {
            self.untold.insert(id.clone())
        } else {
            self.untold.remove(id)
        };
        self.look_again(id, now);
        self.dirty.insert(id.clone());
        if self.calls.len() > CALLS_MAX {
            self.drop_oldest();
        }
    }

    fn look_again(&mut self, id: &Id, at: Millis) {
        if let Some(line) = self.calls.get_mut(id) {
            self.due.remove(&(line.due, id.clone()));
            line.due = at;
            self.due.insert((at, id.clone()));
        }
    }

    fn remove(&mut self, id: &Id) {
        if let Some(line) = self.calls.remove(id) {
            self.due.remove(&(line.due, id.clone()));
            self.untold.remove(id);
            self.dirty.insert(id.clone());
        }
    }

    /// Drops a call whose record has not come: of its time nothing can be said any more.
    fn forget(&mut self, id: &Id) {
        self.remove(id);
        self.cover.coverage.forget(id.0.time());
        self.cover_dirty = true;
    }

    fn drop_oldest(&mut self) {
        let Some(id) = self.calls.keys().next().cloned() else { return };
        self.forget(&id);
        self.unwatched += 1;
        if self.unwatched % 1_000 == 1 {
            let unwatched = self.unwatched;
            tracing::warn!(unwatched, "more calls wait for their records than the book of promises holds");
        }
    }

    /// Judges a call, and does what follows for the book. Something wrong becomes a finding.
    pub(super) fn settle(&mut self, id: &Id, now: Millis) -> Option<Verdict> {
        let call = self.get(id)?;
        let (verdict, has_record) = (call.verdict(id.0, now, KEPT_MS), call.record.is_some());
        match verdict {
            Verdict::Wait(at) => self.look_again(id, at),
            // Until the ledger has been asked.
            Verdict::Overdue => self.look_again(id, now),
            Verdict::Wrong(problem) => self.find(id, problem, now),
            Verdict::Done if has_record => self.remove(id),
            Verdict::Done => self.forget(id),
        }
        Some(verdict)
    }

    /// Notes a finding.
    pub(super) fn find(&mut self, id: &Id, problem: Mismatch, now: Millis) {
        let found = Found { problem, report: None, told: false, refused: 0, not_before: now };
        self.change(id, now, |call| call.found = Some(found));
    }
}
