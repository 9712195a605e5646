//! The exchange's durable facts in the node's store.

use std::sync::Arc;

use crate::consensus;
use crate::storage::StorageError;
use crate::storage::disk::Disk;
use crate::storage::node_store::{Batch, NodeStore};

use super::journal::{Durable, Edit};

/// The node's store, as long as its disk has room.
pub struct Stored {
    store: Arc<NodeStore>,
    disk: Arc<Disk>,
}

impl Stored {
    /// A store and the disk below it.
    pub fn new(store: Arc<NodeStore>, disk: Arc<Disk>) -> Self {
        Self { store, disk }
    }
}

impl Durable for Stored {
    fn has_room(&self) -> bool {
        self.disk.takes_work()
    }

    fn scan(&self, prefix: &[u8]) -> Result<Vec<(Vec<u8>, Vec<u8>)>, String> {
        self.store.scan_prefix(prefix, usize::MAX).map_err(|e| e.to_string())
    }

    fn write(&self, edits: &[Edit]) -> Result<(), String> {
        let mut batch = Batch::default();
        for edit in edits {
            match edit {
                Edit::Put(key, value) => batch.put(key, value),
                Edit::Delete(key) => batch.delete(key),
            }
        }
        match self.store.apply(batch).and_then(|()| self.store.flush()) {
            // Too long a value is the writer's fault and reaches no disk.
            Err(error @ StorageError::TooLong { .. }) => Err(error.to_string()),
            // What lies on disk is not known any more: only a process that reads it anew knows.
            Err(error) => consensus::end("exchange", &error),
            Ok(()) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::disk::Verdict;

    #[test]
    fn edits_of_one_write_take_effect_together() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::unwatched();
        let stored = Stored::new(Arc::new(NodeStore::open(dir.path()).unwrap()), disk.clone());
        let put = |key: &str, value: &str| Edit::Put(key.into(), value.into());
        stored.write(&[put("a/1", "x"), put("a/2", "y"), put("b", "z")]).unwrap();
        stored.write(&[Edit::Delete(b"a/1".to_vec()), put("a/2", "w")]).unwrap();
        assert_eq!(stored.scan(b"a/").unwrap(), [(b"a/2".to_vec(), b"w".to_vec())]);
        assert!(stored.write(&[Edit::Put(b"c".to_vec(), vec![0; 5_000])]).is_err());
        assert!(stored.has_room());
        disk.pretend(Verdict::Full);
        assert!(!stored.has_room());
    }
}
