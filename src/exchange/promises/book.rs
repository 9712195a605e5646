//! The book of this department's calls: what was sent, what was promised, what the ledger shows of it.
//!
//! It is kept in memory and written to the node's store a moment later, so that a query waits for no disk. A crash
//! loses what was noted since the last writing: the book then knows of which moments it cannot speak, and accuses
//! nobody because of them.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::clock::Millis;
use crate::domain::finding::Mismatch;
use crate::domain::promise::SignedPromise;
use crate::ids::AccessId;

use super::super::ExchangeError;
use super::super::journal::{Edit, Journal, Writing};
use super::call::{Call, Id, Record, Verdict};
use super::coverage::Coverage;
use super::pages::{CALLS_MAX, Cover, Pages};

/// Without calls the book still says this often that it is whole.
const MARK_EVERY_MS: u64 = 60_000;
/// A call gets its id up to so long before it is noted: one that a crash took may have an id from before the last writing.
const SENDING_MS: u64 = 5_000;

const CALLS: &[u8] = b"exchange/promises/call/";
const COVER: &[u8] = b"exchange/promises/cover";

/// The book.
pub(super) struct Book {
    journal: Arc<Journal>,
    pub(super) pages: Mutex<Pages>,
    /// Everything up to this moment is on disk.
    durable: Mutex<Millis>,
}

/// Changes on their way to the disk.
pub(super) struct Changes {
    writing: Writing,
    ids: Vec<Id>,
    at: Millis,
}

fn key((access_id, provider): &Id) -> Vec<u8> {
    [CALLS, format!("{access_id}/{provider}").as_bytes()].concat()
}

fn id_of(key: &[u8]) -> Option<Id> {
    let (access_id, provider) = std::str::from_utf8(key.get(CALLS.len()..)?).ok()?.split_once('/')?;
    Some((access_id.parse().ok()?, provider.parse().ok()?))
}

impl Book {
    /// Reads what an earlier run left, and notes that the book is open.
    pub(super) fn open(journal: Arc<Journal>, now: Millis) -> Result<Self, ExchangeError> {
        let unreadable = || ExchangeError::Store("the book of promises cannot be read".into());
        let mut cover = Cover { coverage: Coverage::begin(now), read: 0, written: now, closed: true };
        if let Some((_, bytes)) = journal.scan(COVER)?.first() {
            cover = serde_json::from_slice(bytes).map_err(|_| unreadable())?;
        }
        if !cover.closed {
            let since = cover.written;
            tracing::warn!(%since, "this node did not end in order: of calls since then the book of promises may lack some");
            cover.coverage.tear(Millis(since.0.saturating_sub(SENDING_MS)), now);
        }
        let mut pages = Pages::new(cover);
        for (key, bytes) in journal.scan(CALLS)? {
            let id = id_of(&key).ok_or_else(unreadable)?;
            let call: Call = serde_json::from_slice(&bytes).map_err(|_| unreadable())?;
            let cut_off = call.promise.is_none();
            pages.change(&id, now, |fresh| *fresh = Call { cut_off, ..call });
        }
        pages.dirty.clear();
        // Before the first call: a crash right after it must find the book open.
        journal.write_now(&edits(&mut pages, now, false)).map_err(ExchangeError::Store)?;
        Ok(Self { journal, pages: Mutex::new(pages), durable: Mutex::new(now) })
    }

    /// Notes a call that is about to be sent.
    pub(super) fn sent(&self, id: &Id, now: Millis) {
        let mut pages = self.pages.lock();
        pages.change(id, now, |_| ());
        pages.settle(id, now);
    }

    /// Notes the provider's word; says what is wrong when a record came first that is not the promised one.
    pub(super) fn promised(&self, id: &Id, promise: SignedPromise, now: Millis) -> Option<Mismatch> {
        let mut pages = self.pages.lock();
        pages.change(id, now, |call| call.promise = Some(promise));
        pages.settle(id, now).and_then(Verdict::wrong)
    }

    /// Holds a record against its call; none when there is no such call, else what is wrong.
    pub(super) fn meet(&self, id: &Id, record: Record, now: Millis) -> Option<Option<Mismatch>> {
        let mut pages = self.pages.lock();
        pages.get(id)?;
        pages.change(id, now, |call| call.meet(record));
        Some(pages.settle(id, now).and_then(Verdict::wrong))
    }

    /// Notes something wrong, to be reported; `record` is that of a call which was never sent.
    pub(super) fn find(&self, id: &Id, problem: Mismatch, record: Option<Record>, now: Millis) {
        let mut pages = self.pages.lock();
        if let Some(record) = record {
            pages.change(id, now, |call| call.record = Some(record));
        }
        pages.find(id, problem, now);
        pages.settle(id, now);
    }

    /// Whether a call of that id, which the provider decided at that time, would stand here, had there been one. Ids may be
    /// much older than their calls: a case asks again under the same one.
    pub(super) fn speaks_of(&self, access_id: AccessId, decided: Millis) -> bool {
        let coverage = &self.pages.lock().cover.coverage;
        coverage.holds(access_id.time()) && coverage.holds(decided)
    }

    /// Up to which place of the ledger records were held against the book.
    pub(super) fn read(&self) -> u64 {
        self.pages.lock().cover.read
    }

    /// Records up to a place are held against the book.
    pub(super) fn read_to(&self, place: u64) {
        let mut pages = self.pages.lock();
        pages.cover_dirty |= pages.cover.read != place;
        pages.cover.read = place;
    }

    /// Judges the calls whose time has come: those that are wrong unless the ledger has their records, and what was
    /// found wrong.
    pub(super) fn judge(&self, now: Millis, at_once: usize) -> (Vec<Id>, Vec<(Id, Mismatch)>) {
        let mut pages = self.pages.lock();
        let (mut overdue, mut wrong) = (Vec::new(), Vec::new());
        for id in pages.due(now, at_once) {
            match pages.settle(&id, now) {
                Some(Verdict::Overdue) => overdue.push(id),
                Some(Verdict::Wrong(problem)) => wrong.push((id, problem)),
                _ => {}
            }
        }
        (overdue, wrong)
    }

    /// Promises whose records have not come.
    pub(super) fn open_promises(&self) -> usize {
        let is_open = |call: &&Call| call.promise.is_some() && call.record.is_none() && call.found.is_none();
        self.pages.lock().all().filter(is_open).count()
    }

    /// Hands what changed to the disk; none when nothing did.
    pub(super) fn write(&self, now: Millis, closed: bool) -> Option<Changes> {
        let mut pages = self.pages.lock();
        let idle = pages.dirty.is_empty() && !pages.cover_dirty && !closed;
        if idle && now.since(pages.cover.written) < MARK_EVERY_MS {
            return None;
        }
        let edits = edits(&mut pages, now, closed);
        let ids = std::mem::take(&mut pages.dirty).into_iter().collect();
        // Under the lock: the disk must see the changes in their order.
        Some(Changes { writing: self.journal.write(edits, || ()), ids, at: now })
    }

    /// Waits until changes are on disk; says whether they are. Those that are not are written again next time.
    pub(super) async fn written(&self, changes: Changes) -> bool {
        let done = changes.writing.durable().await.is_ok();
        let mut pages = self.pages.lock();
        let mut durable = self.durable.lock();
        if done {
            *durable = changes.at;
            return true;
        }
        pages.dirty.extend(changes.ids);
        pages.cover_dirty = true;
        if pages.dirty.len() > 2 * CALLS_MAX {
            // The disk has failed for long: as if a crash had taken what is not written.
            pages.cover.coverage.tear(*durable, changes.at);
            pages.dirty.clear();
            tracing::error!(since = %durable, "the book of promises cannot be written: calls since then are lost to it");
        }
        false
    }
}

/// What the disk lacks.
fn edits(pages: &mut Pages, now: Millis, closed: bool) -> Vec<Edit> {
    (pages.cover.written, pages.cover.closed, pages.cover_dirty) = (now, closed, false);
    let put = |key, value: Result<Vec<u8>, _>| Edit::Put(key, value.unwrap_or_default());
    let calls = pages.dirty.iter().map(|id| match pages.get(id) {
        Some(call) => put(key(id), serde_json::to_vec(call)),
        None => Edit::Delete(key(id)),
    });
    calls.chain([put(COVER.to_vec(), serde_json::to_vec(&pages.cover))]).collect()
}

impl Verdict {
    fn wrong(self) -> Option<Mismatch> {
        if let Self::Wrong(problem) = self { Some(problem) } else { None }
    }
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;
