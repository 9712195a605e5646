//! Replay protection: the access ids of the last quarter of an hour, in memory and on disk.

use std::collections::{HashSet, VecDeque};

use parking_lot::Mutex;

use crate::clock::Millis;
use crate::ids::AccessId;

use super::ExchangeError;
use super::journal::{Edit, Journal};

const PREFIX: &[u8] = b"exchange/seen/";
const BUCKET_MS: u64 = 300_000;
/// A request is acceptable for 5 minutes to either side of its time, so at most for 10 after its arrival.
const BUCKETS_KEPT: u64 = 4;
/// Ids in memory: a quarter of an hour at 4,000 queries a second.
const IDS_MAX: usize = 4_000_000;
/// Old ids removed from the disk with each new one.
const FORGOTTEN_AT_ONCE: usize = 3;

type Id = [u8; 16];

/// Why an id is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotNew {
    /// It came before.
    Replayed,
    /// More ids than can be kept.
    Full,
}

#[derive(Default)]
struct Kept {
    /// Oldest first; a bucket is a span of five minutes.
    buckets: VecDeque<(u64, HashSet<Id>)>,
    /// Out of time, still on disk.
    expired: VecDeque<(u64, Id)>,
    count: usize,
}

/// The ids.
pub(super) struct Seen(Mutex<Kept>);

fn key(bucket: u64, id: &Id) -> Vec<u8> {
    [PREFIX, &bucket.to_be_bytes(), id].concat()
}

impl Seen {
    /// Reads what was seen before the restart.
    pub(super) fn load(journal: &Journal) -> Result<Self, ExchangeError> {
        let mut kept = Kept::default();
        for (key, _) in journal.scan(PREFIX)? {
            let Some((bucket, id)) = key.get(PREFIX.len()..).and_then(<[u8]>::split_first_chunk::<8>) else { continue };
            if let Ok(id) = Id::try_from(id) {
                kept.insert(u64::from_be_bytes(*bucket), id);
            }
        }
        Ok(Self(Mutex::new(kept)))
    }

    /// Lets a new id in. The edits make it durable; they are to be written before anything is answered.
    pub(super) fn admit(&self, id: AccessId, now: Millis) -> Result<Vec<Edit>, NotNew> {
        let (bucket, id) = (now.0 / BUCKET_MS, *id.as_bytes());
        let mut kept = self.0.lock();
        kept.expire(bucket);
        if kept.buckets.iter().any(|(_, ids)| ids.contains(&id)) {
            return Err(NotNew::Replayed);
        }
        if kept.count >= IDS_MAX {
            return Err(NotNew::Full);
        }
        kept.insert(bucket, id);
        let mut edits = vec![Edit::Put(key(bucket, &id), Vec::new())];
        for _ in 0..FORGOTTEN_AT_ONCE {
            let Some((bucket, id)) = kept.expired.pop_front() else { break };
            edits.push(Edit::Delete(key(bucket, &id)));
        }
        Ok(edits)
    }
}

impl Kept {
    fn insert(&mut self, bucket: u64, id: Id) {
        // A clock set back must not hide a newer bucket: ids go into the newest one then.
        match self.buckets.back_mut() {
            Some((newest, ids)) if *newest >= bucket => drop(ids.insert(id)),
            _ => self.buckets.push_back((bucket, HashSet::from([id]))),
        }
        self.count += 1;
    }

    fn expire(&mut self, bucket: u64) {
        while self.buckets.front().is_some_and(|(oldest, _)| oldest + BUCKETS_KEPT <= bucket) {
            if let Some((oldest, ids)) = self.buckets.pop_front() {
                self.count = self.count.saturating_sub(ids.len());
                self.expired.extend(ids.into_iter().map(|id| (oldest, id)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::journal::Memory;
    use std::sync::Arc;

    const START: Millis = Millis(1_795_000_000_000);

    #[tokio::test]
    async fn an_id_is_let_in_once_even_after_a_restart_and_forgotten_in_time() {
        let store = Arc::new(Memory::default());
        let id = AccessId::new(START);
        {
            let journal = Journal::start(store.clone()).unwrap();
            let seen = Seen::load(&journal).unwrap();
            let edits = seen.admit(id, START).unwrap();
            journal.write(edits, || ()).durable().await.unwrap();
            assert_eq!(seen.admit(id, START.plus(1)), Err(NotNew::Replayed));
        }
        let journal = Journal::start(store).unwrap();
        let seen = Seen::load(&journal).unwrap();
        assert_eq!(seen.admit(id, START.plus(10 * 60_000)), Err(NotNew::Replayed));
        let edits = seen.admit(AccessId::new(START), START.plus(21 * 60_000)).unwrap();
        assert!(matches!(edits[..], [Edit::Put(..), Edit::Delete(_)]), "{edits:?}");
        journal.write(edits, || ()).durable().await.unwrap();
        assert_eq!(journal.scan(PREFIX).unwrap().len(), 1);
    }
}
