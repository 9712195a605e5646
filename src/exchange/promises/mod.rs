//! The consumer's watch over promises: what providers promised is held against what the ledger shows.
//!
//! A promise without its record, a record that is not the promised one, and a record of a call that was never sent
//! raise an alarm and go on the ledger as findings, for the auditor to see.

mod book;
mod call;
mod coverage;
mod pages;
mod report;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::clock::Millis;
use crate::domain::finding::Mismatch;
use crate::domain::promise::SignedPromise;
use crate::ids::{AccessId, DepartmentId};
use crate::readmodel::accesses::Recorded;

use super::ExchangeError;
use super::journal::Journal;
use super::submit::Submitter;
use book::Book;
use call::{Id, Record};

/// What changed in the book is gathered this long before it is written.
const WRITE_EVERY: Duration = Duration::from_millis(250);
const LOOK_EVERY: Duration = Duration::from_secs(1);
const LOOKED_AT_ONCE: usize = 500;

/// The watch.
pub(super) struct Promises {
    book: Book,
    submitter: Submitter,
    broken: AtomicU64,
}

impl Promises {
    /// Reads the book of an earlier run. `submitter` is the consumer.
    pub(super) fn open(journal: Arc<Journal>, submitter: Submitter) -> Result<Self, ExchangeError> {
        let book = Book::open(journal, submitter.clock.now())?;
        Ok(Self { book, submitter, broken: AtomicU64::new(0) })
    }

    /// Notes a call before it is sent.
    pub(super) fn sent(&self, access_id: AccessId, provider: &DepartmentId) {
        self.book.sent(&(access_id, provider.clone()), self.submitter.clock.now());
    }

    /// Notes the provider's word, before anybody gets the answer.
    pub(super) fn promised(&self, access_id: AccessId, provider: &DepartmentId, promise: &SignedPromise) {
        let id = (access_id, provider.clone());
        let wrong = self.book.promised(&id, promise.clone(), self.submitter.clock.now());
        self.alarm(&id, wrong);
    }

    /// Promises whose records have not come.
    pub(super) fn open_promises(&self) -> usize {
        self.book.open_promises()
    }

    /// Findings that accuse a provider, since the start.
    pub(super) fn broken(&self) -> u64 {
        self.broken.load(Relaxed)
    }

    /// Calls that were too many to be watched, since the start.
    pub(super) fn unwatched(&self) -> u64 {
        self.book.pages.lock().unwatched
    }

    fn alarm(&self, (access_id, provider): &Id, wrong: Option<Mismatch>) {
        let Some(problem) = wrong else { return };
        let problem = match problem {
            Mismatch::PromiseWithoutRecord => "the provider has not recorded an access that it promised to record",
            Mismatch::RecordDiffers => "the provider recorded an access otherwise than it promised",
            Mismatch::RecordWithoutCall => "the provider recorded an access that this department did not make",
            Mismatch::RecordWithoutPromise => {
                tracing::warn!(%provider, %access_id, "the ledger has a record of a call whose answer was lost");
                return;
            }
        };
        self.broken.fetch_add(1, Relaxed);
        tracing::error!(%provider, %access_id, "{problem}");
    }

    /// Looks once: at the records that are new, at what is due, and at what is to be reported.
    async fn look(&self, now: Millis) {
        self.read_on(now).await;
        let (overdue, wrong) = self.book.judge(now, LOOKED_AT_ONCE);
        wrong.iter().for_each(|(id, problem)| self.alarm(id, Some(*problem)));
        // What nobody here has seen may still stand on the ledger, if this node is behind.
        if !overdue.is_empty() && self.submitter.ledger.caught_up().await && self.read_on(now).await {
            for id in overdue {
                self.overdue(&id, now).await;
            }
        }
        report::report(&self.book, &self.submitter).await;
    }

    /// Holds the records that came since the last time against the book; says whether it came to the end.
    async fn read_on(&self, now: Millis) -> bool {
        loop {
            let after = self.book.read();
            let page = self.submitter.ledger.records(&self.submitter.department, after).await;
            let Some(page) = page else { return false };
            for recorded in page.records.iter().filter(|it| it.provider != self.submitter.department) {
                if !self.meet(recorded, now).await {
                    return false;
                }
            }
            self.book.read_to(page.read_to);
            if page.is_last {
                return true;
            }
        }
    }

    /// Holds one record against the book; says whether that could be done.
    async fn meet(&self, recorded: &Recorded, now: Millis) -> bool {
        let id = (recorded.access_id, recorded.provider.clone());
        let record = Record { index: recorded.ledger_index, digest: recorded.digest };
        if let Some(wrong) = self.book.meet(&id, record, now) {
            self.alarm(&id, wrong);
            return true;
        }
        if !self.book.speaks_of(id.0, recorded.time) {
            tracing::debug!(provider = %id.1, access_id = %id.0, "a record of a time of which the book cannot speak");
            return true;
        }
        // A call leaves the book with its record: the same record again says nothing new.
        let Some(first) = self.first_record(&id).await else { return false };
        if first.is_none_or(|first| first.place == recorded.place || first.digest != recorded.digest) {
            self.book.find(&id, Mismatch::RecordWithoutCall, Some(record), now);
            self.alarm(&id, Some(Mismatch::RecordWithoutCall));
        }
        true
    }

    async fn overdue(&self, id: &Id, now: Millis) {
        match self.first_record(id).await {
            None => {}
            Some(Some(first)) => {
                let record = Record { index: first.ledger_index, digest: first.digest };
                self.alarm(id, self.book.meet(id, record, now).flatten());
            }
            Some(None) => {
                self.book.find(id, Mismatch::PromiseWithoutRecord, None, now);
                self.alarm(id, Some(Mismatch::PromiseWithoutRecord));
            }
        }
    }

    async fn first_record(&self, (access_id, provider): &Id) -> Option<Option<Recorded>> {
        let Submitter { ledger, department, .. } = &self.submitter;
        ledger.first_record(*access_id, department, provider).await
    }

    async fn write(&self, closed: bool) {
        if let Some(changes) = self.book.write(self.submitter.clock.now(), closed) {
            self.book.written(changes).await;
        }
    }
}

/// Looks and writes again and again until `stop` says so.
pub(super) fn run(promises: &Arc<Promises>, stop: &watch::Receiver<bool>) -> JoinHandle<()> {
    let (promises, stop) = (promises.clone(), stop.clone());
    tokio::spawn(async move {
        let looking = async {
            while pause(&stop, LOOK_EVERY).await {
                promises.look(promises.submitter.clock.now()).await;
            }
        };
        let writing = async {
            while pause(&stop, WRITE_EVERY).await {
                promises.write(false).await;
            }
        };
        tokio::join!(looking, writing);
        promises.write(true).await;
    })
}

/// Waits; says whether to go on.
async fn pause(stop: &watch::Receiver<bool>, wait: Duration) -> bool {
    let mut stop = stop.clone();
    let stopped = tokio::time::timeout(wait, stop.wait_for(|stop| *stop)).await;
    stopped.is_err()
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
