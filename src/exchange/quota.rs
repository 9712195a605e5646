//! Daily quotas: queries of each grant in a calendar day at UTC+8, counted durably before data is touched.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::clock::Millis;
use crate::ids::GrantId;

use super::ExchangeError;
use super::journal::{Edit, Journal, Writing};

const PREFIX: &[u8] = b"exchange/quota/";

/// The quota of the day is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exceeded {
    /// Seconds until the next day begins at UTC+8.
    pub retry_after_s: u64,
}

/// The counters.
pub(super) struct Quotas(Mutex<HashMap<(u64, GrantId), u32>>);

fn key(day: u64, grant: GrantId) -> Vec<u8> {
    [PREFIX, &day.to_be_bytes(), grant.to_string().as_bytes()].concat()
}

impl Quotas {
    /// Reads the counters as they were before the restart.
    pub(super) fn load(journal: &Journal) -> Result<Self, ExchangeError> {
        let mut counts = HashMap::new();
        for (key, value) in journal.scan(PREFIX)? {
            let Some((day, grant)) = key.get(PREFIX.len()..).and_then(<[u8]>::split_first_chunk::<8>) else { continue };
            let grant = std::str::from_utf8(grant).ok().and_then(|text| text.parse().ok());
            if let (Some(grant), Ok(count)) = (grant, <[u8; 4]>::try_from(value.as_slice())) {
                counts.insert((u64::from_be_bytes(*day), grant), u32::from_be_bytes(count));
            }
        }
        Ok(Self(Mutex::new(counts)))
    }

    /// Takes one query of the day and hands its count to the journal, together with `edits`. What was taken
    /// is not given back when the query fails later: a source that fails cannot be asked without end.
    pub(super) fn take(
        &self,
        journal: &Journal,
        grant: GrantId,
        daily_max: u32,
        now: Millis,
        mut edits: Vec<Edit>,
    ) -> Result<Writing, (Exceeded, Vec<Edit>)> {
        let today = now.day();
        let mut counts = self.0.lock();
        let known = counts.get(&(today, grant)).copied();
        let taken = known.unwrap_or(0);
        if taken >= daily_max {
            return Err((Exceeded { retry_after_s: now.until_midnight().div_ceil(1000) }, edits));
        }
        if known.is_none() {
            // The first query of a grant in a day clears what earlier days left of it.
            counts.retain(|(day, of), _| {
                let stale = *of == grant && *day < today;
                if stale {
                    edits.push(Edit::Delete(key(*day, grant)));
                }
                !stale
            });
        }
        counts.insert((today, grant), taken + 1);
        edits.push(Edit::Put(key(today, grant), (taken + 1).to_be_bytes().to_vec()));
        // Still under the lock: the disk must see the counts in their order.
        Ok(journal.write(edits, || ()))
    }

    /// Queries of a grant so far in the day of `now`.
    pub(super) fn used(&self, grant: GrantId, now: Millis) -> u32 {
        self.0.lock().get(&(now.day(), grant)).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::journal::Memory;
    use std::sync::Arc;

    #[tokio::test]
    async fn a_quota_ends_at_its_number_and_begins_anew_at_midnight_in_beijing() {
        let store = Arc::new(Memory::default());
        let late = Millis::parse("2026-11-20T15:59:58Z").unwrap();
        let grant = GrantId::new(late);
        {
            let journal = Journal::start(store.clone()).unwrap();
            let quotas = Quotas::load(&journal).unwrap();
            for _ in 0..2 {
                quotas.take(&journal, grant, 3, late, vec![]).ok().unwrap().durable().await.unwrap();
            }
        }
        // A restart forgets nothing.
        let journal = Journal::start(store.clone()).unwrap();
        let quotas = Quotas::load(&journal).unwrap();
        assert_eq!(quotas.used(grant, late), 2);
        quotas.take(&journal, grant, 3, late, vec![]).ok().unwrap().durable().await.unwrap();
        let refused = quotas.take(&journal, grant, 3, late, vec![]).err().unwrap();
        assert_eq!(refused.0, Exceeded { retry_after_s: 2 });
        let midnight = late.plus(2_000);
        quotas.take(&journal, grant, 3, midnight, vec![]).ok().unwrap().durable().await.unwrap();
        assert_eq!(quotas.used(grant, midnight), 1);
        assert_eq!(journal.scan(PREFIX).unwrap().len(), 1, "yesterday's counter is gone");
    }
}
