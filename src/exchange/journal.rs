//! Group commit for the exchange's small durable facts: many queries share one flush to the disk.
//!
//! One thread owns the writing. Whoever writes hands over puts and deletes and awaits; the thread takes all
//! that has gathered, writes it as one batch, flushes once, then wakes them in their order. A flush costs the processor
//! a quarter of a millisecond: while several write, the thread lets more gather first; who writes alone never waits.

use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::ExchangeError;

/// Writes waiting for the thread; more wait at the door.
const WAITING_MAX: usize = 16_384;
/// Writes in one flush.
const GROUP_MAX: usize = 1_024;
/// After a flush with so many writes
const SEVERAL: usize = 2;
/// the next one gathers this long.
const GATHER: Duration = Duration::from_millis(3);

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// Where the facts lie: the node's store, or memory in tests.
pub trait Durable: Send + Sync + 'static {
    /// Whether there is room for facts that nothing demands yet.
    fn has_room(&self) -> bool;

    /// Every key that begins so, in order, with its value.
    ///
    /// # Errors
    /// What the store says.
    fn scan(&self, prefix: &[u8]) -> Result<Vec<Pair>, String>;

    /// Writes all or nothing; after the return a power cut does not lose it.
    ///
    /// # Errors
    /// What the store says.
    fn write(&self, edits: &[Edit]) -> Result<(), String>;
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Sets a key.
    Put(Vec<u8>, Vec<u8>),
    /// Removes a key.
    Delete(Vec<u8>),
}

type OnDurable = Box<dyn FnOnce() + Send>;

struct Job {
    edits: Vec<Edit>,
    on_durable: OnDurable,
    done: oneshot::Sender<Result<(), ExchangeError>>,
}

/// A handed-over write; await it to know that it is durable.
pub(super) struct Writing(oneshot::Receiver<Result<(), ExchangeError>>);

impl Writing {
    /// Waits for the flush.
    pub(super) async fn durable(self) -> Result<(), ExchangeError> {
        self.0.await.map_err(|_| ExchangeError::Store("the journal has ended".into()))?
    }
}

/// The journal. Ends when dropped, after what was handed over is written.
pub struct Journal {
    store: Arc<dyn Durable>,
    jobs: Mutex<Option<mpsc::SyncSender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Journal {
    /// Starts the thread.
    ///
    /// # Errors
    /// [`ExchangeError::Store`] when the system gives no thread.
    pub fn start(store: Arc<dyn Durable>) -> Result<Self, ExchangeError> {
        let (jobs, waiting) = mpsc::sync_channel(WAITING_MAX);
        let writer = store.clone();
        let thread = std::thread::Builder::new().name("exchange-journal".into());
        let thread = thread.spawn(move || run(&*writer, &waiting)).map_err(|e| ExchangeError::Store(e.to_string()))?;
        Ok(Self { store, jobs: Mutex::new(Some(jobs)), thread: Mutex::new(Some(thread)) })
    }

    /// Whether there is room for new facts.
    pub(super) fn has_room(&self) -> bool {
        self.store.has_room()
    }

    /// Reads what lies under a prefix; for the start, not for the hot path.
    pub(super) fn scan(&self, prefix: &[u8]) -> Result<Vec<Pair>, ExchangeError> {
        self.store.scan(prefix).map_err(ExchangeError::Store)
    }

    /// Writes at once and waits; for the start, when nothing else writes.
    pub(super) fn write_now(&self, edits: &[Edit]) -> Result<(), String> {
        self.store.write(edits)
    }

    /// Hands over a write. Calls keep their order. `on_durable` runs on the journal's thread after the flush
    /// and before the caller is woken; it must be short.
    pub(super) fn write(&self, edits: Vec<Edit>, on_durable: impl FnOnce() + Send + 'static) -> Writing {
        let (done, written) = oneshot::channel();
        let job = Job { edits, on_durable: Box::new(on_durable), done };
        let refused = match &*self.jobs.lock() {
            Some(jobs) => jobs.try_send(job).err().map(|full| match full {
                mpsc::TrySendError::Full(job) | mpsc::TrySendError::Disconnected(job) => job,
            }),
            None => Some(job),
        };
        if let Some(job) = refused {
            let _ = job.done.send(Err(ExchangeError::Store("more writes wait than the disk can take".into())));
        }
        Writing(written)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        drop(self.jobs.lock().take());
        if let Some(thread) = self.thread.lock().take() {
            let _ = thread.join();
        }
    }
}

fn run(store: &dyn Durable, waiting: &mpsc::Receiver<Job>) {
    let mut last = 0;
    while let Ok(first) = waiting.recv() {
        if last >= SEVERAL {
            std::thread::sleep(GATHER);
        }
        let mut edits = first.edits;
        let mut answers = vec![(first.on_durable, first.done)];
        while answers.len() < GROUP_MAX {
            let Ok(job) = waiting.try_recv() else { break };
            edits.extend(job.edits);
            answers.push((job.on_durable, job.done));
        }
        last = answers.len();
        let written = store.write(&edits).map_err(ExchangeError::Store);
        if let Err(cause) = &written {
            tracing::error!(%cause, "the exchange cannot write to the node's store; queries fail until it can");
        }
        for (on_durable, done) in answers {
            if written.is_ok() {
                on_durable();
            } else {
                // Gives back what it holds before anybody is told.
                drop(on_durable);
            }
            let _ = done.send(written.clone());
        }
    }
}

/// A store in memory, for tests; it counts its flushes and can refuse to write.
#[cfg(test)]
#[derive(Default)]
pub(super) struct Memory {
    map: Mutex<std::collections::BTreeMap<Vec<u8>, Vec<u8>>>,
    pub(super) flushes: std::sync::atomic::AtomicUsize,
    pub(super) broken: std::sync::atomic::AtomicBool,
    pub(super) full: std::sync::atomic::AtomicBool,
}

#[cfg(test)]
impl Durable for Memory {
    fn has_room(&self) -> bool {
        !self.full.load(std::sync::atomic::Ordering::Relaxed)
    }

    fn scan(&self, prefix: &[u8]) -> Result<Vec<Pair>, String> {
        let map = self.map.lock();
        let found = map.range(prefix.to_vec()..).take_while(|(key, _)| key.starts_with(prefix));
        Ok(found.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn write(&self, edits: &[Edit]) -> Result<(), String> {
        use std::sync::atomic::Ordering::Relaxed;
        if self.broken.load(Relaxed) {
            return Err("disk full".into());
        }
        self.flushes.fetch_add(1, Relaxed);
        let mut map = self.map.lock();
        for edit in edits {
            match edit {
                Edit::Put(key, value) => drop(map.insert(key.clone(), value.clone())),
                Edit::Delete(key) => drop(map.remove(key)),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering::Relaxed;

    #[tokio::test]
    async fn many_writes_share_few_flushes_and_keep_their_order() {
        let store = Arc::new(Memory::default());
        let journal = Journal::start(store.clone()).unwrap();
        let order = Arc::new(Mutex::new(Vec::new()));
        // The store's lock is held, so that everything gathers behind the first flush.
        let held = store.map.lock();
        let writes: Vec<Writing> = (0u8..200)
            .map(|n| {
                let order = order.clone();
                journal.write(vec![Edit::Put(b"k".to_vec(), vec![n])], move || order.lock().push(n))
            })
            .collect();
        drop(held);
        for writing in writes {
            writing.durable().await.unwrap();
        }
        assert_eq!(*order.lock(), (0..200).collect::<Vec<u8>>());
        assert_eq!(journal.scan(b"k").unwrap(), [(b"k".to_vec(), vec![199])]);
        assert!(store.flushes.load(Relaxed) <= 3, "{} flushes", store.flushes.load(Relaxed));
    }

    #[tokio::test]
    async fn a_broken_disk_is_said_and_leaves_no_trace() {
        let store = Arc::new(Memory::default());
        let journal = Journal::start(store.clone()).unwrap();
        store.broken.store(true, Relaxed);
        let called = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let mark = called.clone();
        let writing = journal.write(vec![Edit::Put(vec![1], vec![1])], move || mark.store(true, Relaxed));
        assert!(matches!(writing.durable().await, Err(ExchangeError::Store(_))));
        assert!(!called.load(Relaxed));
        drop(journal);
    }
}
