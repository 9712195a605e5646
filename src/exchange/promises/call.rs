//! One call of this department in the book, from its sending until the ledger has kept what was promised.

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::crypto::digest::Hash;
use crate::domain::finding::{Finding, Mismatch};
use crate::domain::promise::{Promise, SignedPromise};
use crate::ids::{AccessId, DepartmentId, TxId};

/// A promise that holds just in time still needs its block to come here: as long again, and at most this.
const GRACE_MS_MAX: u64 = 30_000;
/// An answer that has not come after this time is lost: longer than any answer is waited for.
const ANSWER_MS_MAX: u64 = 120_000;

/// Which call, and to whom: an id that another provider copied is another call.
pub(super) type Id = (AccessId, DepartmentId);

/// A record on the ledger that names this department as the consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub index: u64,
    pub digest: Hash,
}

/// A finding on its way to the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Found {
    pub problem: Mismatch,
    /// The report that tells it, chosen before it is sent and kept until its fate is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<TxId>,
    /// Whether it stands on the ledger.
    #[serde(default)]
    pub told: bool,
    /// How often the ledger refused it.
    #[serde(default)]
    pub refused: u8,
    /// Not to be sent again before.
    #[serde(default)]
    pub not_before: Millis,
}

/// What the book knows of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Call {
    /// As it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promise: Option<SignedPromise>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Record>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Found>,
    /// This node ended before the answer came, so that its loss is not the provider's.
    #[serde(skip)]
    pub cut_off: bool,
}

/// What follows from what is known of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing yet; to be looked at again then.
    Wait(Millis),
    /// The ledger keeps what was promised, or nothing more can be said: to be dropped.
    Done,
    /// Something is wrong, and not reported yet.
    Wrong(Mismatch),
    /// Wrong only if the ledger, as it is now, has no record: to be looked up.
    Overdue,
}

impl Call {
    pub(super) fn promised(&self) -> Option<Promise> {
        self.promise.as_ref().and_then(SignedPromise::read)
    }

    /// Takes note of a record. What is on its way to the ledger as a finding is not changed any more.
    pub(super) fn meet(&mut self, record: Record) {
        let under_way = self.found.as_ref().filter(|found| !found.told).map(|found| found.problem);
        if under_way.is_none_or(|problem| !problem.has_record()) {
            self.record = Some(record);
        }
    }

    /// What follows at the moment `now`. `kept_ms` is how long a call that stays open is kept.
    pub(super) fn verdict(&self, id: AccessId, now: Millis, kept_ms: u64) -> Verdict {
        let ends = id.time().plus(kept_ms);
        let kept = matches!((self.promised(), self.record), (Some(p), Some(r)) if p.record_digest == r.digest);
        match &self.found {
            None if kept => Verdict::Done,
            None => self.first_verdict(id, now, ends),
            Some(found) if kept && found.report.is_none() => Verdict::Done,
            Some(found) if !found.told => Verdict::Wait(now.plus(kept_ms)),
            Some(_) if kept => Verdict::Done,
            Some(found) => match (found.problem, self.record) {
                (Mismatch::PromiseWithoutRecord, Some(_)) => Verdict::Wrong(Mismatch::RecordDiffers),
                // A late record may still come, but is not waited for without end.
                (Mismatch::PromiseWithoutRecord | Mismatch::RecordDiffers, _) => at(ends, now, Verdict::Done),
                _ => Verdict::Done,
            },
        }
    }

    fn first_verdict(&self, id: AccessId, now: Millis, ends: Millis) -> Verdict {
        match (self.promised(), self.record) {
            (Some(_), Some(_)) => Verdict::Wrong(Mismatch::RecordDiffers),
            (Some(promise), None) => at(promise.by.plus(grace(&promise)), now, Verdict::Overdue),
            (None, Some(_)) if self.cut_off => Verdict::Done,
            (None, Some(_)) => at(id.time().plus(ANSWER_MS_MAX), now, Verdict::Wrong(Mismatch::RecordWithoutPromise)),
            (None, None) => at(ends, now, Verdict::Done),
        }
    }

    /// The finding as it goes on the ledger.
    pub(super) fn finding(&self, (access_id, provider): &Id) -> Option<Finding> {
        let problem = self.found.as_ref()?.problem;
        Some(Finding {
            access_id: *access_id,
            provider: provider.clone(),
            problem,
            promise: self.promise.clone().filter(|_| problem.has_promise()),
            record_index: self.record.map(|record| record.index).filter(|_| problem.has_record()),
        })
    }
}

fn at(moment: Millis, now: Millis, then: Verdict) -> Verdict {
    if now >= moment { then } else { Verdict::Wait(moment) }
}

fn grace(promise: &Promise) -> u64 {
    promise.by.since(promise.access_id.time()).min(GRACE_MS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::DAY_MS;
    use crate::crypto::sign::SigningKey;

    const AT: Millis = Millis(1_795_000_000_000);
    const KEPT_MS: u64 = DAY_MS;

    fn promised(access_id: AccessId, ms: u64) -> Call {
        let promise = Promise { access_id, record_digest: Hash([1; 32]), by: AT.plus(ms) };
        Call {
            promise: Some(SignedPromise::sign(&promise, "city", &SigningKey::from_seed(&[1; 32]))),
            ..Call::default()
        }
    }

    fn record(digest: u8) -> Record {
        Record { index: 9, digest: Hash([digest; 32]) }
    }

    fn found(problem: Mismatch, told: bool) -> Option<Found> {
        Some(Found { problem, report: Some(TxId::new(AT)), told, refused: 0, not_before: AT })
    }

    #[test]
    fn a_call_is_judged_by_promise_record_and_time() {
        let id = AccessId::new(AT);
        let after = |call: &Call, ms| call.verdict(id, AT.plus(ms), KEPT_MS);
        let open = Call::default();
        assert_eq!((after(&open, 1), after(&open, KEPT_MS)), (Verdict::Wait(AT.plus(KEPT_MS)), Verdict::Done));
        let mut call = promised(id, 600_000);
        assert_eq!(after(&call, 0), Verdict::Wait(AT.plus(630_000)), "half a minute of grace");
        assert_eq!(after(&promised(id, 2_000), 4_000), Verdict::Overdue, "a short promise has a short grace");
        assert_eq!(after(&call, 630_000), Verdict::Overdue);
        call.meet(record(1));
        assert_eq!(after(&call, 0), Verdict::Done);
        call.meet(record(2));
        assert_eq!(after(&call, 0), Verdict::Wrong(Mismatch::RecordDiffers));
        let mut lost = Call { record: Some(record(1)), ..Call::default() };
        assert_eq!(after(&lost, 0), Verdict::Wait(AT.plus(ANSWER_MS_MAX)));
        assert_eq!(after(&lost, ANSWER_MS_MAX), Verdict::Wrong(Mismatch::RecordWithoutPromise));
        lost.cut_off = true;
        assert_eq!(after(&lost, ANSWER_MS_MAX), Verdict::Done, "this node's own end accuses nobody");
    }

    #[test]
    fn what_was_reported_waits_for_a_late_record() {
        let id = AccessId::new(AT);
        let after = |call: &Call, ms| call.verdict(id, AT.plus(ms), KEPT_MS);
        let mut silent = Call { found: found(Mismatch::PromiseWithoutRecord, true), ..promised(id, 1) };
        assert_eq!((after(&silent, 9), after(&silent, KEPT_MS)), (Verdict::Wait(AT.plus(KEPT_MS)), Verdict::Done));
        silent.meet(record(2));
        assert_eq!(after(&silent, 9), Verdict::Wrong(Mismatch::RecordDiffers));
        silent.meet(record(1));
        assert_eq!(after(&silent, 9), Verdict::Done);
        let mut sending =
            Call { found: found(Mismatch::RecordDiffers, false), record: Some(record(2)), ..promised(id, 1) };
        let before = sending.finding(&(id, "tax".parse().unwrap()));
        sending.meet(Record { index: 10, ..record(3) });
        assert_eq!(sending.finding(&(id, "tax".parse().unwrap())), before, "a report under way keeps its bytes");
    }
}
