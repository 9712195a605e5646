//! The node's small keyed data: consensus' hard state, promises, outbox, counters.
//!
//! One tree; callers keep apart by a prefix of the key. Writes are atomic, and durable when
//! [`NodeStore::flush`] has returned.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::StorageError;
use super::data_dir::{create_directory, sync_directory};
use super::sled_tree::{Tree, failed};

/// The longest value, in bytes: longer ones could spill into files that sled never syncs.
pub const VALUE_BYTES_MAX: usize = 4 * 1024;
/// The longest key, in bytes.
pub const KEY_BYTES_MAX: usize = 256;
const END_PATIENCE: Duration = Duration::from_secs(5);
const END_PAUSE: Duration = Duration::from_millis(2);

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// Writes that take effect together or not at all.
#[derive(Debug, Default)]
pub struct Batch {
    operations: sled::Batch,
    too_long: Option<usize>,
}

impl Batch {
    /// Sets a value.
    pub fn put(&mut self, key: &[u8], value: &[u8]) {
        if value.len() > VALUE_BYTES_MAX || key.len() > KEY_BYTES_MAX {
            self.too_long = Some(value.len().max(key.len()));
        } else {
            self.operations.insert(key, value);
        }
    }

    /// Removes a value.
    pub fn delete(&mut self, key: &[u8]) {
        self.operations.remove(key);
    }
}

/// A durable map from short keys to short values. Cheap to share behind an `Arc`.
#[derive(Debug)]
pub struct NodeStore {
    tree: Tree,
    file: File,
    path: PathBuf,
    /// Whether a flush failed.
    poisoned: AtomicBool,
}

/// Makes an empty store that is there whole or not at all: sled itself syncs neither its configuration nor any name, and
/// opens nothing that was torn.
fn create(dir: &Path) -> Result<(), StorageError> {
    let (parent, mut name) =
        (dir.parent().unwrap_or(Path::new(".")), dir.file_name().map(ToOwned::to_owned).unwrap_or_default());
    name.push(".new");
    let begun = parent.join(name);
    match fs::remove_dir_all(&begun) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(StorageError::io(&begun, "removing")(error));
        }
        _ => create_directory(&begun)?,
    }
    Tree::open(&begun)?.close()?;
    wait_for_its_end(&begun)?;
    for file in listed(&begun)? {
        let opened = File::open(&file).and_then(|file| file.sync_all());
        opened.map_err(StorageError::io(&file, "syncing"))?;
    }
    sync_directory(&begun)?;
    fs::rename(&begun, dir).map_err(StorageError::io(dir, "renaming"))?;
    sync_directory(parent)
}

/// Threads of sled hold its lock for a moment after it was dropped.
fn wait_for_its_end(dir: &Path) -> Result<(), StorageError> {
    let path = dir.join("db");
    let deadline = Instant::now() + END_PATIENCE;
    let held = || File::open(&path).map(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)));
    while held().map_err(StorageError::io(&path, "opening"))? && Instant::now() < deadline {
        std::thread::sleep(END_PAUSE);
    }
    Ok(())
}

/// A snapshot that a crash interrupted would be taken for a damaged one; what it would have held is in the log.
fn remove_unfinished(dir: &Path) -> Result<(), StorageError> {
    for file in listed(dir)? {
        if file.extension().is_some_and(|extension| extension == "generating") {
            fs::remove_file(&file).map_err(StorageError::io(&file, "removing"))?;
        }
    }
    Ok(())
}

fn listed(dir: &Path) -> Result<Vec<PathBuf>, StorageError> {
    let listing = fs::read_dir(dir).map_err(StorageError::io(dir, "listing"))?;
    listing.map(|item| item.map(|item| item.path()).map_err(StorageError::io(dir, "listing"))).collect()
}

impl NodeStore {
    /// Opens the store of a directory, which this process owns from then on.
    ///
    /// # Errors
    /// [`StorageError::Store`] when the directory is in use, [`StorageError::StoreDamaged`], [`StorageError::Io`].
    pub fn open(dir: &Path) -> Result<Self, StorageError> {
        if !dir.is_dir() {
            create(dir)?;
        }
        remove_unfinished(dir)?;
        let tree = Tree::open(dir)?;
        // Opening wrote a snapshot of the pages' places, in place of the one before.
        sync_directory(dir)?;
        let path = dir.join("db");
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(StorageError::io(&path, "opening"))?;
        Ok(Self { tree, file, path, poisoned: AtomicBool::new(false) })
    }

    /// Waits until a store that this process dropped can be opened again.
    ///
    /// # Errors
    /// [`StorageError::Io`].
    pub fn wait_until_free(dir: &Path) -> Result<(), StorageError> {
        if dir.join("db").exists() { wait_for_its_end(dir) } else { Ok(()) }
    }

    /// Reads a value.
    ///
    /// # Errors
    /// [`StorageError::Store`].
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.tree.get(key).map_err(failed)?.map(|value| value.to_vec()))
    }

    /// Sets a value; not durable before [`NodeStore::flush`].
    ///
    /// # Errors
    /// [`StorageError::TooLong`] or [`StorageError::Store`].
    pub fn put(&self, key: &[u8], value: &[u8]) -> Result<(), StorageError> {
        let mut batch = Batch::default();
        batch.put(key, value);
        self.apply(batch)
    }

    /// Removes a value, if there is one.
    ///
    /// # Errors
    /// [`StorageError::Store`].
    pub fn delete(&self, key: &[u8]) -> Result<(), StorageError> {
        self.tree.remove(key).map(|_| ()).map_err(failed)
    }

    /// Makes all writes of a batch at once; not durable before [`NodeStore::flush`].
    ///
    /// # Errors
    /// [`StorageError::TooLong`] when one of them is, and then none is made;
    /// [`StorageError::Store`].
    pub fn apply(&self, batch: Batch) -> Result<(), StorageError> {
        match batch.too_long {
            Some(bytes) => Err(StorageError::TooLong { bytes }),
            None => self.tree.apply_batch(batch.operations).map_err(failed),
        }
    }

    /// The first pairs whose keys begin with a prefix, in the order of their keys.
    ///
    /// # Errors
    /// [`StorageError::Store`].
    pub fn scan_prefix(&self, prefix: &[u8], limit: usize) -> Result<Vec<Pair>, StorageError> {
        pairs(self.tree.scan_prefix(prefix), limit)
    }

    /// The first pairs with a prefix whose keys come after `after`, in the order of their keys.
    ///
    /// # Errors
    /// [`StorageError::Store`].
    pub fn scan_after(&self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Pair>, StorageError> {
        use std::ops::Bound::{Excluded, Unbounded};
        let range = (Excluded(after), Unbounded);
        let following = self.tree.range::<&[u8], _>(range);
        // Read errors stay in, so that they are reported rather than taken for the end.
        let within = following.take_while(|item| item.as_ref().map_or(true, |(key, _)| key.starts_with(prefix)));
        pairs(within, limit)
    }

    /// How many keys begin with a prefix. Reads them all: for counts at start, not for every call.
    ///
    /// # Errors
    /// [`StorageError::Store`].
    pub fn count(&self, prefix: &[u8]) -> Result<usize, StorageError> {
        self.tree.scan_prefix(prefix).keys().try_fold(0, |count, key| key.map(|_| count + 1)).map_err(failed)
    }

    /// What failed in the background, if anything did: then nothing is known about what lies on disk, others may wait for
    /// ever, and the process must end. Waits for nothing itself.
    pub fn failure(&self) -> Option<StorageError> {
        self.tree.failure()
    }

    /// Waits until every write so far is on disk.
    ///
    /// # Errors
    /// [`StorageError::Store`] or [`StorageError::Io`]: nothing is known then about what lies on
    /// disk, no later flush is tried, and the process must end.
    pub fn flush(&self) -> Result<(), StorageError> {
        // The system tells of a lost page once: a second sync would say that all is well.
        if self.poisoned.load(Ordering::Acquire) {
            return Err(StorageError::Poisoned);
        }
        let flushed = self.tree.flush().map_err(failed);
        // sled hands its pages to the kernel and goes no further: neither the drive's cache nor
        // the file's length would survive a power cut.
        let synced = flushed.and_then(|_| self.file.sync_data().map_err(StorageError::io(&self.path, "syncing")));
        self.poisoned.fetch_or(synced.is_err(), Ordering::AcqRel);
        synced
    }
}

fn pairs(
    items: impl Iterator<Item = sled::Result<(sled::IVec, sled::IVec)>>,
    limit: usize,
) -> Result<Vec<Pair>, StorageError> {
    items.take(limit).map(|item| item.map(|(key, value)| (key.to_vec(), value.to_vec())).map_err(failed)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_there_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        {
            let store = NodeStore::open(dir.path()).unwrap();
            let mut batch = Batch::default();
            for n in [3u8, 1, 2] {
                batch.put(&[b'o', b'/', n], &[n; 9]);
            }
            batch.put(b"p/1", b"other");
            store.apply(batch).unwrap();
            store.delete(b"o/\x02").unwrap();
            store.flush().unwrap();
        }
        let store = NodeStore::open(dir.path()).unwrap();
        let keys: Vec<Vec<u8>> = store.scan_prefix(b"o/", 10).unwrap().into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, [b"o/\x01".to_vec(), b"o/\x03".to_vec()]);
        assert_eq!(store.count(b"o/").unwrap(), 2);
        assert_eq!(store.get(b"p/1").unwrap().as_deref(), Some(b"other".as_slice()));
        assert_eq!(store.get(b"o/\x02").unwrap(), None);
    }

    #[test]
    fn a_scan_is_bounded_and_goes_on_where_it_ended() {
        let dir = tempfile::tempdir().unwrap();
        let store = NodeStore::open(dir.path()).unwrap();
        for n in 0..5u8 {
            store.put(&[b'a', n], &[n]).unwrap();
        }
        store.put(b"b", b"next prefix").unwrap();
        let first = store.scan_prefix(b"a", 2).unwrap();
        assert_eq!(first, [(vec![b'a', 0], vec![0]), (vec![b'a', 1], vec![1])]);
        let rest = store.scan_after(b"a", &first[1].0, 10).unwrap();
        assert_eq!(rest.iter().map(|(_, value)| value[0]).collect::<Vec<_>>(), [2, 3, 4]);
    }

    #[test]
    fn a_long_value_is_refused_and_takes_its_batch_along() {
        let dir = tempfile::tempdir().unwrap();
        let store = NodeStore::open(dir.path()).unwrap();
        let mut batch = Batch::default();
        batch.put(b"short", b"1");
        batch.put(b"long", &[0; VALUE_BYTES_MAX + 1]);
        assert!(matches!(store.apply(batch), Err(StorageError::TooLong { .. })));
        assert_eq!(store.get(b"short").unwrap(), None);
        assert!(store.put(b"k", &[0; VALUE_BYTES_MAX]).is_ok());
    }
}
