//! Time as a parameter: the only module that reads the wall clock.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::{Timestamp, ToSpan, tz};
use serde::{Deserialize, Serialize};

/// A moment in milliseconds since the Unix epoch: the unit of every time on the ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub u64);

/// A day in milliseconds.
pub const DAY_MS: u64 = 86_400_000;
/// Chinese law counts days at UTC+8, the whole year round.
const OFFSET_MS: u64 = 8 * 3_600_000;

impl Millis {
    /// This moment moved by `ms` milliseconds into the future.
    pub fn plus(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this moment, 0 if `earlier` is later.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Number of the calendar day at UTC+8 in which this moment lies: the unit of daily quotas.
    pub fn day(self) -> u64 {
        self.0.saturating_add(OFFSET_MS) / DAY_MS
    }

    /// The first moment of a calendar day at UTC+8, by its number.
    pub fn of_day(day: u64) -> Self {
        Self(day.saturating_mul(DAY_MS).saturating_sub(OFFSET_MS))
    }

    /// Day of the week at UTC+8 (ISO 8601): 1 Monday to 7 Sunday.
    pub fn weekday(self) -> u8 {
        // 1970-01-01 was a Thursday.
        u8::try_from((self.day() + 3) % 7 + 1).unwrap_or(1)
    }

    /// Milliseconds until the next midnight at UTC+8.
    pub fn until_midnight(self) -> u64 {
        DAY_MS - self.0.saturating_add(OFFSET_MS) % DAY_MS
    }

    /// Parses an RFC 3339 time.
    ///
    /// # Errors
    /// The text when it is not RFC 3339 or lies before 1970.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parsed: Timestamp = text.parse().map_err(|_| text.to_owned())?;
        u64::try_from(parsed.as_millisecond()).map(Self).map_err(|_| text.to_owned())
    }

    /// The calendar date at UTC+8, `2026-11-21`.
    pub fn date(self) -> String {
        self.local().map(|local| local.date().to_string()).unwrap_or_default()
    }

    /// Date and time at UTC+8 for people, `2026-11-21 10:15:30`.
    pub fn local_text(self) -> String {
        self.local().map(|local| local.strftime("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default()
    }

    fn local(self) -> Option<jiff::civil::DateTime> {
        let stamp = Timestamp::from_millisecond(i64::try_from(self.0).ok()?).ok()?;
        let shifted = stamp.checked_add(8.hours()).ok()?;
        Some(tz::Offset::UTC.to_datetime(shifted))
    }
}

/// RFC 3339 in UTC with milliseconds, as the API shows it.
impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match i64::try_from(self.0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()) {
            Some(stamp) => write!(f, "{stamp:.3}"),
            None => write!(f, "{}ms", self.0),
        }
    }
}

/// Where the current time comes from; tests pass a clock of their own.
pub trait Clock: Send + Sync {
    /// The current time.
    fn now(&self) -> Millis;
}

/// A shared clock.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
        let now = Timestamp::now();
        Millis(u64::try_from(now.as_millisecond()).unwrap_or(0))
    }
}

/// Processor time that a part of the work took, counted over all threads that do it.
#[derive(Debug, Default)]
pub struct Spent(AtomicU64);

impl Spent {
    /// Does the work and counts the processor time that this thread used for it.
    pub fn count<T>(&self, work: impl FnOnce() -> T) -> T {
        let before = thread_time();
        let done = work();
        let used = thread_time().saturating_sub(before);
        self.0.fetch_add(u64::try_from(used.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        done
    }

    /// How much it was so far.
    pub fn total(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

/// Processor time of this thread.
fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_counted_and_waiting_is_not() {
        let spent = Spent::default();
        let sum: u64 = spent.count(|| (0..3_000_000u64).map(std::hint::black_box).sum());
        assert!(sum > 0 && spent.total() > Duration::ZERO);
        let worked = spent.total();
        let (_open, closed) = std::sync::mpsc::channel::<()>();
        assert!(spent.count(|| closed.recv_timeout(Duration::from_millis(60))).is_err());
        assert!(spent.total() - worked < Duration::from_millis(30));
    }

    #[test]
    fn a_day_begins_at_midnight_in_beijing() {
        let before = Millis::parse("2026-11-20T15:59:59.999Z").unwrap();
        let after = Millis::parse("2026-11-20T16:00:00Z").unwrap();
        assert_eq!(before.day() + 1, after.day());
        assert_eq!(before.until_midnight(), 1);
        assert_eq!(after.date(), "2026-11-21");
        assert_eq!(after.local_text(), "2026-11-21 00:00:00");
        assert_eq!(after.to_string(), "2026-11-20T16:00:00.000Z");
    }
}
