//! The outbox: access records that are durable here and not yet on the ledger. Bounded: when it is full or
//! too old, queries fail closed, because an access that cannot be recorded must not happen.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::clock::Millis;
use crate::crypto::digest::{Hash, sm3};
use crate::domain::access::AccessRecord;
use crate::ids::TxId;

use super::ExchangeError;
use super::journal::{Edit, Journal, Writing};

/// Records that may wait for the ledger.
pub const OUTBOX_MAX: usize = 10_000;
/// How long a record may wait for the ledger at most, in milliseconds: the longest promise.
pub const OUTBOX_AGE_MS_MAX: u64 = 600_000;
/// Records of one batch.
pub(super) const BATCH_RECORDS: usize = 100;
const BATCH_BYTES: usize = 50 * 1024;
/// How long a batch gathers.
const GATHER: Duration = Duration::from_millis(200);

const RECORDS: &[u8] = b"exchange/outbox/";
const BATCHES: &[u8] = b"exchange/batch/";
const PARKED: &[u8] = b"exchange/parked/";

/// A record and its JSON, of which the promise has the digest.
pub(super) struct Written {
    record: AccessRecord,
    json: Vec<u8>,
}

impl Written {
    /// Writes a record.
    pub(super) fn new(record: AccessRecord) -> Result<Self, ExchangeError> {
        let json = serde_json::to_vec(&record).map_err(|e| ExchangeError::Form(e.to_string()))?;
        Ok(Self { record, json })
    }

    /// SM3 of the JSON.
    pub(super) fn digest(&self) -> Hash {
        sm3(&[&self.json])
    }
}

struct Held {
    record: AccessRecord,
    bytes: usize,
    since: Instant,
}

#[derive(Default)]
struct Inner {
    records: BTreeMap<u64, Held>,
    next: u64,
    /// First record that is in no batch yet.
    untaken: u64,
}

/// Records `first..=last` under a transaction id that is chosen once and kept until its fate is known. The records
/// and the id give the same signed bytes each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Batch {
    pub first: u64,
    pub last: u64,
    pub id: TxId,
}

/// The outbox.
pub struct Outbox {
    journal: Arc<Journal>,
    /// How long a record may wait before queries fail closed: a promise would be broken then.
    age_ms_max: u64,
    inner: Mutex<Inner>,
    reserved: AtomicUsize,
    parked: AtomicUsize,
    news: Notify,
}

/// A place in the outbox, taken before data is touched; given back when dropped unused.
pub(super) struct Place(Arc<Outbox>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.reserved.fetch_sub(1, Ordering::AcqRel);
    }
}

fn key(prefix: &[u8], sequence: u64) -> Vec<u8> {
    [prefix, &sequence.to_be_bytes()].concat()
}

fn sequence(prefix: &[u8], key: &[u8]) -> Option<u64> {
    key.get(prefix.len()..)?.try_into().ok().map(u64::from_be_bytes)
}

impl Outbox {
    /// Reads what waited before the restart, and the batches whose fate is not known.
    pub(super) fn load(journal: Arc<Journal>, age_ms_max: u64) -> Result<(Arc<Self>, Vec<Batch>), ExchangeError> {
        let unreadable = |what: &str| ExchangeError::Store(format!("the outbox holds {what} that cannot be read"));
        let mut inner = Inner::default();
        for (key, value) in journal.scan(RECORDS)? {
            let number = sequence(RECORDS, &key).ok_or_else(|| unreadable("a key"))?;
            let record = serde_json::from_slice(&value).map_err(|_| unreadable("a record"))?;
            inner.records.insert(number, Held { record, bytes: value.len(), since: Instant::now() });
            inner.next = number + 1;
        }
        let mut batches = Vec::new();
        for (key, value) in journal.scan(BATCHES)? {
            let first = sequence(BATCHES, &key).ok_or_else(|| unreadable("a key"))?;
            let (last, id) = value.split_first_chunk::<8>().ok_or_else(|| unreadable("a batch"))?;
            let last = u64::from_be_bytes(*last);
            let id =
                std::str::from_utf8(id).ok().and_then(|id| id.parse().ok()).ok_or_else(|| unreadable("a batch"))?;
            inner.untaken = inner.untaken.max(last + 1);
            inner.next = inner.next.max(last + 1);
            batches.push(Batch { first, last, id });
        }
        let parked = journal.scan(PARKED)?;
        if let Some(newest) = parked.last().and_then(|(key, _)| sequence(PARKED, key)) {
            inner.next = inner.next.max(newest + 1);
        }
        let outbox = Self {
            journal,
            age_ms_max,
            inner: Mutex::new(inner),
            reserved: AtomicUsize::new(0),
            parked: AtomicUsize::new(parked.len()),
            news: Notify::new(),
        };
        Ok((Arc::new(outbox), batches))
    }

    /// Records that wait.
    pub fn len(&self) -> usize {
        self.inner.lock().records.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Records that the ledger refused; they stay on this node's disk for its operator.
    pub fn parked(&self) -> usize {
        self.parked.load(Ordering::Acquire)
    }

    /// How long the oldest record has waited, in milliseconds.
    pub fn oldest_ms(&self, now: Millis) -> u64 {
        self.inner.lock().records.values().next().map_or(0, |held| now.since(held.record.time))
    }

    /// Whether queries fail closed.
    pub fn is_full(&self, now: Millis) -> bool {
        let reserved = self.reserved.load(Ordering::Acquire);
        self.len() + reserved >= OUTBOX_MAX || self.oldest_ms(now) >= self.age_ms_max
    }

    /// Takes a place for one record, or none when the outbox is full.
    pub(super) fn reserve(self: &Arc<Self>, now: Millis) -> Option<Place> {
        let place = {
            self.reserved.fetch_add(1, Ordering::AcqRel);
            Place(self.clone())
        };
        let taken = self.len() + self.reserved.load(Ordering::Acquire);
        (taken <= OUTBOX_MAX && self.oldest_ms(now) < self.age_ms_max).then_some(place)
    }

    /// Hands a record and its JSON to the disk, together with `edits`. It counts as recorded when the writing is durable.
    pub(super) fn push(&self, place: Place, Written { record, json }: Written, mut edits: Vec<Edit>) -> Writing {
        let bytes = json.len();
        let mut inner = self.inner.lock();
        let number = inner.next;
        inner.next += 1;
        edits.push(Edit::Put(key(RECORDS, number), json));
        // Under the lock, so that the journal's order is the order of the numbers.
        self.journal.write(edits, move || {
            let outbox = place.0.clone();
            outbox.inner.lock().records.insert(number, Held { record, bytes, since: Instant::now() });
            drop(place);
            outbox.news.notify_one();
        })
    }

    /// Waits until a batch is full or has gathered long enough.
    pub(super) async fn ripe(&self) {
        loop {
            let news = self.news.notified();
            let wait = {
                let inner = self.inner.lock();
                let mut waiting = inner.records.range(inner.untaken..);
                let oldest = waiting.next().map(|(_, held)| GATHER.saturating_sub(held.since.elapsed()));
                if waiting.nth(BATCH_RECORDS - 2).is_some() { Some(Duration::ZERO) } else { oldest }
            };
            match wait {
                Some(Duration::ZERO) => return,
                Some(wait) => drop(tokio::time::timeout(wait, news).await),
                None => news.await,
            }
        }
    }

    /// Takes the next records for a batch: the first and the last number.
    pub(super) fn take(&self) -> Option<(u64, u64)> {
        let mut inner = self.inner.lock();
        let (mut bytes, mut first, mut last) = (0, None, 0);
        for (number, held) in inner.records.range(inner.untaken..).take(BATCH_RECORDS) {
            bytes += held.bytes + 1;
            if bytes > BATCH_BYTES && first.is_some() {
                break;
            }
            first = first.or(Some(*number));
            last = *number;
        }
        let first = first?;
        inner.untaken = last + 1;
        Some((first, last))
    }

    /// The records of a batch, in their order.
    pub(super) fn records(&self, batch: &Batch) -> Vec<(u64, AccessRecord)> {
        let inner = self.inner.lock();
        inner.records.range(batch.first..=batch.last).map(|(n, held)| (*n, held.record.clone())).collect()
    }

    /// Keeps the chosen ids, in place of `instead`, so that a crash cannot lead to other ones.
    pub(super) async fn keep(&self, batches: &[Batch], instead: Option<&Batch>) -> Result<(), ExchangeError> {
        let mut edits: Vec<Edit> = instead.map(|old| Edit::Delete(key(BATCHES, old.first))).into_iter().collect();
        edits.extend(batches.iter().map(|batch| {
            let value = [&batch.last.to_be_bytes()[..], batch.id.to_string().as_bytes()].concat();
            Edit::Put(key(BATCHES, batch.first), value)
        }));
        self.journal.write(edits, || ()).durable().await
    }

    /// Forgets a batch that stands on the ledger.
    pub(super) async fn anchored(self: &Arc<Self>, batch: &Batch) -> Result<(), ExchangeError> {
        self.clear(batch, Vec::new()).await
    }

    /// Sets a single record aside that the ledger refuses: kept on disk, and in nobody's way.
    pub(super) async fn park(self: &Arc<Self>, batch: &Batch) -> Result<(), ExchangeError> {
        let parked: Vec<Edit> = self
            .records(batch)
            .into_iter()
            .map(|(number, record)| Edit::Put(key(PARKED, number), serde_json::to_vec(&record).unwrap_or_default()))
            .collect();
        self.parked.fetch_add(parked.len(), Ordering::AcqRel);
        self.clear(batch, parked).await
    }

    async fn clear(self: &Arc<Self>, batch: &Batch, mut edits: Vec<Edit>) -> Result<(), ExchangeError> {
        let numbers: Vec<u64> = self.inner.lock().records.range(batch.first..=batch.last).map(|(n, _)| *n).collect();
        edits.push(Edit::Delete(key(BATCHES, batch.first)));
        edits.extend(numbers.iter().map(|number| Edit::Delete(key(RECORDS, *number))));
        let outbox = self.clone();
        let forget = move || {
            let mut inner = outbox.inner.lock();
            for number in &numbers {
                inner.records.remove(number);
            }
        };
        self.journal.write(edits, forget).durable().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::journal::Memory;
    use crate::exchange::testing::{START, record};

    async fn outbox(store: &Arc<Memory>) -> (Arc<Outbox>, Vec<Batch>) {
        Outbox::load(Arc::new(Journal::start(store.clone()).unwrap()), OUTBOX_AGE_MS_MAX).unwrap()
    }

    async fn push(outbox: &Arc<Outbox>, n: u64) {
        let place = outbox.reserve(START).unwrap();
        outbox.push(place, Written::new(record(START.plus(n))).unwrap(), vec![]).durable().await.unwrap();
    }

    #[tokio::test]
    async fn a_crash_loses_no_record_and_no_chosen_id() {
        let store = Arc::new(Memory::default());
        let id = TxId::new(START);
        {
            let (outbox, left) = outbox(&store).await;
            assert!(left.is_empty());
            for n in 0..130 {
                push(&outbox, n).await;
            }
            let (first, last) = outbox.take().unwrap();
            assert_eq!((first, last), (0, 72), "50 KiB are reached before 100 records");
            outbox.keep(&[Batch { first, last, id }], None).await.unwrap();
        }
        let (outbox, left) = outbox(&store).await;
        assert_eq!(left, [Batch { first: 0, last: 72, id }]);
        assert_eq!(outbox.len(), 130);
        assert_eq!(outbox.records(&left[0])[72].1.time, START.plus(72));
        assert_eq!(outbox.take(), Some((73, 129)));
        outbox.anchored(&left[0]).await.unwrap();
        assert_eq!(outbox.len(), 57);
        assert_eq!(outbox.take(), None);
    }

    #[tokio::test]
    async fn a_full_or_old_outbox_gives_no_place() {
        let store = Arc::new(Memory::default());
        let (outbox, _) = outbox(&store).await;
        let places: Vec<Place> = (0..OUTBOX_MAX).map(|_| outbox.reserve(START).unwrap()).collect();
        assert!(outbox.reserve(START).is_none());
        drop(places);
        push(&outbox, 0).await;
        assert!(outbox.reserve(START.plus(OUTBOX_AGE_MS_MAX - 1)).is_some());
        assert!(outbox.reserve(START.plus(OUTBOX_AGE_MS_MAX)).is_none());
        assert!(outbox.is_full(START.plus(OUTBOX_AGE_MS_MAX)));
    }

    #[tokio::test]
    async fn a_record_that_the_disk_does_not_take_is_not_recorded() {
        let store = Arc::new(Memory::default());
        let (outbox, _) = outbox(&store).await;
        store.broken.store(true, Ordering::Relaxed);
        let place = outbox.reserve(START).unwrap();
        assert!(outbox.push(place, Written::new(record(START)).unwrap(), vec![]).durable().await.is_err());
        assert_eq!((outbox.len(), outbox.reserved.load(Ordering::Relaxed)), (0, 0));
        store.broken.store(false, Ordering::Relaxed);
        push(&outbox, 1).await;
        assert_eq!(outbox.len(), 1);
    }
}
