//! Quotas: queries of each grant in a calendar day at UTC+8, in each second and each minute, counted before data is touched
//! and durable before an answer leaves. A department has one node that serves, so what it counts holds for the whole city.

use std::collections::HashMap;
use std::fmt;

use parking_lot::Mutex;

use crate::clock::Millis;
use crate::domain::grant::Grant;
use crate::domain::grant::bounds::Rate;
use crate::ids::{DepartmentId, GrantId};

use super::ExchangeError;
use super::journal::{Edit, Journal};

const DAYS: &[u8] = b"exchange/quota/";
const MINUTES: &[u8] = b"exchange/rate/";
const SECOND_MS: u64 = 1_000;
const MINUTE_MS: u64 = 60_000;

/// Codes of what can be exceeded.
pub(super) const CODES: [&str; 2] = ["quota_exceeded", "rate_exceeded"];

/// Whose queries are counted: of a grant that several departments share, each one's by itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Counted {
    grant: GrantId,
    /// None for the department that asked for the grant.
    member: Option<DepartmentId>,
}

/// What a grant allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Quota {
    counted: Counted,
    daily_max: u32,
    rate: Rate,
}

/// The quota of the day, or the rate of the moment, is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exceeded {
    code: &'static str,
    /// Seconds until the next query may succeed.
    pub retry_after_s: u64,
}

/// A query that was counted; its counts go to the disk with its record.
#[derive(Debug)]
pub(super) struct Taken {
    counted: Counted,
    day: u64,
    /// Whether the grant has a rate.
    paced: bool,
    /// Counters of earlier days, to be removed.
    stale: Vec<u64>,
}

/// Queries of one grant in the second and the minute of its last one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Pace {
    second: u64,
    in_second: u32,
    minute: u64,
    in_minute: u32,
}

#[derive(Default)]
struct Counts {
    days: HashMap<(u64, Counted), u32>,
    /// Of grants with a rate only.
    paces: HashMap<Counted, Pace>,
}

/// The counters.
pub(super) struct Quotas(Mutex<Counts>);

impl Quota {
    /// What a grant allows one of its consumers; `None` when it was never approved.
    pub(super) fn of(grant: &Grant, consumer: &DepartmentId) -> Option<Self> {
        let approval = grant.approval()?;
        let member = Some(consumer).filter(|consumer| **consumer != grant.consumer).cloned();
        let counted = Counted { grant: grant.id, member };
        Some(Self { counted, daily_max: approval.daily_max, rate: grant.rate().unwrap_or_default() })
    }
}

impl Exceeded {
    /// A stable code for programs.
    pub(super) fn code(&self) -> &'static str {
        self.code
    }
}

impl Pace {
    /// The counts with one more query at `now`, if the rate allows it.
    fn next(self, rate: Rate, now: Millis) -> Result<Self, Exceeded> {
        let (second, minute) = (now.0 / SECOND_MS, now.0 / MINUTE_MS);
        let in_second = if second == self.second { self.in_second } else { 0 };
        let in_minute = if minute == self.minute { self.in_minute } else { 0 };
        let code = "rate_exceeded";
        if rate.per_minute.is_some_and(|most| in_minute >= most) {
            let left_ms = MINUTE_MS - now.0 % MINUTE_MS;
            return Err(Exceeded { code, retry_after_s: left_ms.div_ceil(SECOND_MS) });
        }
        if rate.per_second.is_some_and(|most| in_second >= most) {
            return Err(Exceeded { code, retry_after_s: 1 });
        }
        Ok(Self { second, in_second: in_second + 1, minute, in_minute: in_minute + 1 })
    }
}

fn day_key(day: u64, counted: &Counted) -> Vec<u8> {
    [DAYS, &day.to_be_bytes(), counted.to_string().as_bytes()].concat()
}

fn minute_key(counted: &Counted) -> Vec<u8> {
    [MINUTES, counted.to_string().as_bytes()].concat()
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.member {
            None => self.grant.fmt(f),
            Some(member) => write!(f, "{}/{member}", self.grant),
        }
    }
}

fn counted_of(key: &[u8]) -> Option<Counted> {
    let text = std::str::from_utf8(key).ok()?;
    let (grant, member) = text.split_once('/').map_or((text, None), |(grant, member)| (grant, Some(member)));
    Some(Counted { grant: grant.parse().ok()?, member: member.map(str::parse).transpose().ok()? })
}

impl Quotas {
    /// Reads the counters as they were before the restart. The second's is not kept: no restart is that short.
    pub(super) fn load(journal: &Journal) -> Result<Self, ExchangeError> {
        let mut counts = Counts::default();
        for (key, value) in journal.scan(DAYS)? {
            let Some((day, grant)) = key.get(DAYS.len()..).and_then(<[u8]>::split_first_chunk::<8>) else { continue };
            if let (Some(counted), Ok(count)) = (counted_of(grant), <[u8; 4]>::try_from(value.as_slice())) {
                counts.days.insert((u64::from_be_bytes(*day), counted), u32::from_be_bytes(count));
            }
        }
        for (key, value) in journal.scan(MINUTES)? {
            let Some((minute, count)) = value.split_first_chunk::<8>() else { continue };
            let counted = key.get(MINUTES.len()..).and_then(counted_of);
            if let (Some(counted), Ok(count)) = (counted, <[u8; 4]>::try_from(count)) {
                let (minute, in_minute) = (u64::from_be_bytes(*minute), u32::from_be_bytes(count));
                counts.paces.insert(counted, Pace { minute, in_minute, ..Pace::default() });
            }
        }
        Ok(Self(Mutex::new(counts)))
    }

    /// Counts one query. What was taken is not given back when the query fails later: a source that fails cannot be
    /// asked without end. Only a query of which nothing came to the disk is forgotten by a restart.
    pub(super) fn take(&self, quota: &Quota, now: Millis) -> Result<Taken, Exceeded> {
        let Quota { counted, daily_max, rate } = quota;
        let today = now.day();
        let mut counts = self.0.lock();
        let known = counts.days.get(&(today, counted.clone())).copied();
        let taken = known.unwrap_or(0);
        if taken >= *daily_max {
            let retry_after_s = now.until_midnight().div_ceil(1000);
            return Err(Exceeded { code: "quota_exceeded", retry_after_s });
        }
        let paced = *rate != Rate::default();
        if paced {
            let pace = counts.paces.get(counted).copied().unwrap_or_default().next(*rate, now)?;
            counts.paces.insert(counted.clone(), pace);
        }
        let mut stale = Vec::new();
        if known.is_none() {
            // The first query of a grant in a day clears what earlier days left of it.
            counts.days.retain(|(day, of), _| {
                let is_stale = of == counted && *day < today;
                if is_stale {
                    stale.push(*day);
                }
                !is_stale
            });
        }
        counts.days.insert((today, counted.clone()), taken + 1);
        Ok(Taken { counted: counted.clone(), day: today, paced, stale })
    }

    /// Lets `write` hand `edits` and the counts, as they are now, to the journal.
    pub(super) fn write<T>(&self, taken: &Taken, mut edits: Vec<Edit>, write: impl FnOnce(Vec<Edit>) -> T) -> T {
        let Taken { counted, day, paced, stale } = taken;
        let counts = self.0.lock();
        edits.extend(stale.iter().map(|day| Edit::Delete(day_key(*day, counted))));
        // Later queries may be counted in them: what is on the disk is never less than what left.
        if let Some(count) = counts.days.get(&(*day, counted.clone())) {
            edits.push(Edit::Put(day_key(*day, counted), count.to_be_bytes().to_vec()));
        }
        if let Some(pace) = counts.paces.get(counted).filter(|_| *paced) {
            let value = [&pace.minute.to_be_bytes()[..], &pace.in_minute.to_be_bytes()].concat();
            edits.push(Edit::Put(minute_key(counted), value));
        }
        // Still under the lock: the disk must see the counts in their order.
        write(edits)
    }

    /// Queries of a grant so far in the day of `now`, by the department that asked for it.
    pub(super) fn used(&self, grant: GrantId, now: Millis) -> u32 {
        self.0.lock().days.get(&(now.day(), Counted { grant, member: None })).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::journal::Memory;
    use std::sync::Arc;

    fn daily(grant: GrantId, daily_max: u32) -> Quota {
        Quota { counted: Counted { grant, member: None }, daily_max, rate: Rate::default() }
    }

    /// Counts a query and writes its counts.
    async fn ask(quotas: &Quotas, journal: &Journal, quota: &Quota, now: Millis) -> Result<(), Exceeded> {
        let taken = quotas.take(quota, now)?;
        quotas.write(&taken, vec![], |edits| journal.write(edits, || ())).durable().await.unwrap();
        Ok(())
    }

    #[tokio::test]
    async fn a_quota_ends_at_its_number_and_begins_anew_at_midnight_in_beijing() {
        let store = Arc::new(Memory::default());
        let late = Millis::parse("2026-11-20T15:59:58Z").unwrap();
        let grant = GrantId::new(late);
        let quota = daily(grant, 3);
        {
            let journal = Journal::start(store.clone()).unwrap();
            let quotas = Quotas::load(&journal).unwrap();
            for _ in 0..2 {
                ask(&quotas, &journal, &quota, late).await.unwrap();
            }
        }
        // A restart forgets nothing.
        let journal = Journal::start(store.clone()).unwrap();
        let quotas = Quotas::load(&journal).unwrap();
        assert_eq!(quotas.used(grant, late), 2);
        ask(&quotas, &journal, &quota, late).await.unwrap();
        let refused = ask(&quotas, &journal, &quota, late).await.unwrap_err();
        assert_eq!((refused.code(), refused.retry_after_s), ("quota_exceeded", 2));
        let midnight = late.plus(2_000);
        ask(&quotas, &journal, &quota, midnight).await.unwrap();
        assert_eq!(quotas.used(grant, midnight), 1);
        assert_eq!(journal.scan(DAYS).unwrap().len(), 1, "yesterday's counter is gone");
        assert!(journal.scan(MINUTES).unwrap().is_empty(), "a grant without a rate has no counter for it");
    }

    #[tokio::test]
    async fn departments_that_share_a_grant_are_counted_each_by_itself() {
        let store = Arc::new(Memory::default());
        let now = Millis::parse("2026-11-20T08:00:00Z").unwrap();
        let alone = Quota { rate: Rate { per_second: None, per_minute: Some(9) }, ..daily(GrantId::new(now), 1) };
        let member = Counted { member: "tax".parse().ok(), ..alone.counted.clone() };
        let member = Quota { counted: member, ..alone.clone() };
        let journal = Journal::start(store.clone()).unwrap();
        let quotas = Quotas::load(&journal).unwrap();
        ask(&quotas, &journal, &alone, now).await.unwrap();
        ask(&quotas, &journal, &member, now).await.unwrap();
        drop((quotas, journal));
        let journal = Journal::start(store).unwrap();
        let quotas = Quotas::load(&journal).unwrap();
        for used_up in [&alone, &member] {
            assert!(quotas.take(used_up, now).is_err(), "after a restart, too");
        }
        assert_eq!(quotas.used(alone.counted.grant, now), 1);
    }

    #[tokio::test]
    async fn a_rate_holds_in_each_second_and_minute_and_survives_a_restart() {
        let store = Arc::new(Memory::default());
        let begin = Millis::parse("2026-11-20T08:00:30.100Z").unwrap();
        let rate = Rate { per_second: Some(2), per_minute: Some(3) };
        let quota = Quota { rate, ..daily(GrantId::new(begin), 100) };
        let journal = Journal::start(store.clone()).unwrap();
        let quotas = Quotas::load(&journal).unwrap();
        let take = async |quotas: &Quotas, journal: &Journal, at: Millis| {
            let refused = ask(quotas, journal, &quota, at).await.err();
            refused.map(|exceeded| (exceeded.code(), exceeded.retry_after_s))
        };
        assert_eq!(take(&quotas, &journal, begin).await, None);
        assert_eq!(take(&quotas, &journal, begin.plus(500)).await, None);
        assert_eq!(take(&quotas, &journal, begin.plus(800)).await, Some(("rate_exceeded", 1)));
        assert_eq!(take(&quotas, &journal, begin.plus(900)).await, None, "the next second");
        assert_eq!(take(&quotas, &journal, begin.plus(5_000)).await, Some(("rate_exceeded", 25)));
        assert_eq!(quotas.used(quota.counted.grant, begin), 3, "what is refused costs nothing of the day");
        drop((quotas, journal));
        let journal = Journal::start(store).unwrap();
        let quotas = Quotas::load(&journal).unwrap();
        assert_eq!(take(&quotas, &journal, begin.plus(6_000)).await, Some(("rate_exceeded", 24)));
        assert_eq!(take(&quotas, &journal, begin.plus(30_000)).await, None, "the next minute");
    }

    #[tokio::test]
    async fn counts_that_are_written_in_another_order_than_they_were_taken_are_not_set_back() {
        let store = Arc::new(Memory::default());
        let now = Millis::parse("2026-11-20T08:00:00Z").unwrap();
        let quota = Quota { rate: Rate { per_second: None, per_minute: Some(3) }, ..daily(GrantId::new(now), 9) };
        {
            let journal = Journal::start(store.clone()).unwrap();
            let quotas = Quotas::load(&journal).unwrap();
            let [first, second] = [now, now].map(|now| quotas.take(&quota, now).unwrap());
            assert_eq!(quotas.used(quota.counted.grant, now), 2, "counted before anything is written");
            assert!(journal.scan(DAYS).unwrap().is_empty());
            for taken in [second, first] {
                quotas.write(&taken, vec![], |edits| journal.write(edits, || ())).durable().await.unwrap();
            }
            // Of this one nothing is written.
            quotas.take(&quota, now).unwrap();
            assert!(quotas.take(&quota, now).is_err());
        }
        let journal = Journal::start(store).unwrap();
        let quotas = Quotas::load(&journal).unwrap();
        assert_eq!(quotas.used(quota.counted.grant, now), 2);
        ask(&quotas, &journal, &quota, now).await.unwrap();
        assert!(quotas.take(&quota, now).is_err(), "three in the minute");
    }
}
