//! From the book to the ledger: findings in reports, each under an id that is kept until its fate is known.

use crate::clock::Millis;
use crate::domain::command::Command;
use crate::domain::finding::{FINDINGS_MAX, Finding, FindingReport};
use crate::ids::TxId;
use crate::state::Refusal;

use super::super::submit::{Fate, Submitter};
use super::book::Book;
use super::call::{Found, Id};

const REPORT_BYTES: usize = 50 * 1024;
/// A finding that the ledger refuses is tried alone, a minute apart, this often in all: a clock may be ahead.
const TRIES_MAX: u8 = 5;
const TRY_EVERY_MS: u64 = 60_000;

/// Brings every finding to the ledger, as far as it goes now.
pub(super) async fn report(book: &Book, submitter: &Submitter) {
    loop {
        let now = submitter.clock.now();
        let Some((id, findings)) = book.next_report(submitter.id(), now) else { return };
        // Another id after a crash would be another report.
        if let Some(changes) = book.write(now, false)
            && !book.written(changes).await
        {
            return;
        }
        match submitter.submit(id, Command::ReportFindings(FindingReport { findings })).await {
            Fate::Committed => book.told(id, now),
            Fate::TooOld => book.each_of(id, now, |found| found.report = None),
            Fate::Refused(refusal) => book.refused(id, &refusal, now),
            Fate::Unknown => return,
        }
    }
}

impl Book {
    /// A report that was begun, or a new one.
    fn next_report(&self, fresh: TxId, now: Millis) -> Option<(TxId, Vec<Finding>)> {
        let begun = self.pages.lock().untold().find_map(|(_, _, found)| found.report);
        let id = begun.unwrap_or(fresh);
        if begun.is_none() {
            let mut pages = self.pages.lock();
            let (mut bytes, mut chosen) = (0, Vec::<Id>::new());
            for (of, call, found) in pages.untold().filter(|(_, _, found)| found.not_before <= now) {
                let length =
                    call.finding(of).and_then(|finding| serde_json::to_vec(&finding).ok()).map_or(0, |it| it.len());
                bytes += length;
                let is_alone = found.refused > 0;
                let is_full = bytes > REPORT_BYTES || chosen.len() >= FINDINGS_MAX;
                if chosen.is_empty() || !(is_alone || is_full) {
                    chosen.push(of.clone());
                }
                if is_alone || is_full {
                    break;
                }
            }
            for of in &chosen {
                pages.change(of, now, |call| call.found.iter_mut().for_each(|found| found.report = Some(id)));
                pages.settle(of, now);
            }
        }
        let pages = self.pages.lock();
        let of_report = pages.untold().filter(|(_, _, found)| found.report == Some(id));
        let findings: Vec<Finding> = of_report.filter_map(|(of, call, _)| call.finding(of)).collect();
        (!findings.is_empty()).then_some((id, findings))
    }

    /// Changes every finding of a report.
    fn each_of(&self, report: TxId, now: Millis, change: impl Fn(&mut Found)) {
        let mut pages = self.pages.lock();
        let ids = pages.untold().filter(|(_, _, found)| found.report == Some(report)).map(|(id, _, _)| id.clone());
        for id in ids.collect::<Vec<_>>() {
            pages.change(&id, now, |call| call.found.iter_mut().for_each(&change));
            pages.settle(&id, now);
        }
    }

    fn told(&self, report: TxId, now: Millis) {
        self.each_of(report, now, |found| found.told = true);
    }

    fn refused(&self, report: TxId, refusal: &Refusal, now: Millis) {
        tracing::error!(%refusal, %report, "the ledger refused a report of broken promises");
        self.each_of(report, now, |found| {
            found.report = None;
            found.refused += 1;
            // The first refusal may be another finding's: each is tried alone at once.
            let wait = if found.refused > 1 { TRY_EVERY_MS } else { 0 };
            found.not_before = now.plus(wait);
            found.told = found.refused >= TRIES_MAX;
        });
    }
}
