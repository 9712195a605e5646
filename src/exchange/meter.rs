//! Counters of the exchange, for `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::clock::Spent;

/// Upper bounds of the latency histogram's buckets, in milliseconds; a last one holds the rest.
pub const LATENCY_MS: [u64; 11] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 10_000];

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Allowed,
    Refused,
    Failed,
}

/// Processor time by the steps of a query, on either side.
#[derive(Debug, Default)]
pub(super) struct Steps {
    /// The consumer checks, signs and seals the call.
    pub enclose: Spent,
    /// The provider opens it, checks it and decides.
    pub judge: Spent,
    /// The provider checks rows against the schema, cuts and masks them.
    pub prepare: Spent,
    /// The provider writes, signs and seals answer and record.
    pub write: Spent,
    /// The consumer opens and checks the answer.
    pub believe: Spent,
}

impl Steps {
    /// What each step took so far.
    pub fn spent(&self) -> [(&'static str, Duration); 5] {
        let Self { enclose, judge, prepare, write, believe } = self;
        [("enclose", enclose), ("judge", judge), ("prepare", prepare), ("write", write), ("believe", believe)]
            .map(|(step, spent)| (step, spent.total()))
    }
}

/// Calls of one direction.
#[derive(Debug, Default)]
pub struct Meter {
    allowed: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    micros: AtomicU64,
    buckets: [AtomicU64; LATENCY_MS.len() + 1],
}

/// A meter's counts at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Calls that brought rows.
    pub allowed: u64,
    /// Calls that the rules or the quota refused.
    pub refused: u64,
    /// Calls that brought nothing for another reason.
    pub failed: u64,
    /// Time of all calls, in microseconds.
    pub micros: u64,
    /// Calls of each bucket of [`LATENCY_MS`], not cumulative; the last holds the rest.
    pub buckets: Vec<u64>,
}

impl Meter {
    pub(super) fn count(&self, fate: Fate, took: Duration) {
        let counter = match fate {
            Fate::Allowed => &self.allowed,
            Fate::Refused => &self.refused,
            Fate::Failed => &self.failed,
        };
        counter.fetch_add(1, Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Relaxed);
        let bucket = LATENCY_MS.iter().position(|ms| micros <= ms * 1_000).unwrap_or(LATENCY_MS.len());
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.fetch_add(1, Relaxed);
        }
    }

    /// The counts now.
    pub fn read(&self) -> Reading {
        Reading {
            allowed: self.allowed.load(Relaxed),
            refused: self.refused.load(Relaxed),
            failed: self.failed.load(Relaxed),
            micros: self.micros.load(Relaxed),
            buckets: self.buckets.iter().map(|bucket| bucket.load(Relaxed)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_falls_into_one_bucket() {
        let meter = Meter::default();
        meter.count(Fate::Allowed, Duration::from_millis(2));
        meter.count(Fate::Refused, Duration::from_micros(2_001));
        meter.count(Fate::Failed, Duration::from_secs(60));
        let reading = meter.read();
        assert_eq!((reading.allowed, reading.refused, reading.failed), (1, 1, 1));
        assert_eq!(reading.buckets, [0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    }
}
