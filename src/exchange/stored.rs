//! The exchange's durable facts in the node's store.

use crate::storage::node_store::{Batch, NodeStore};

use super::journal::{Durable, Edit};

impl Durable for NodeStore {
    fn scan(&self, prefix: &[u8]) -> Result<Vec<(Vec<u8>, Vec<u8>)>, String> {
        self.scan_prefix(prefix, usize::MAX).map_err(|e| e.to_string())
    }

    fn write(&self, edits: &[Edit]) -> Result<(), String> {
        let mut batch = Batch::default();
        for edit in edits {
            match edit {
                Edit::Put(key, value) => batch.put(key, value),
                Edit::Delete(key) => batch.delete(key),
            }
        }
        self.apply(batch).and_then(|()| self.flush()).map_err(|e| e.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_of_one_write_take_effect_together() {
        let dir = tempfile::tempdir().unwrap();
        let store = NodeStore::open(dir.path()).unwrap();
        let put = |key: &str, value: &str| Edit::Put(key.into(), value.into());
        store.write(&[put("a/1", "x"), put("a/2", "y"), put("b", "z")]).unwrap();
        store.write(&[Edit::Delete(b"a/1".to_vec()), put("a/2", "w")]).unwrap();
        assert_eq!(Durable::scan(&store, b"a/").unwrap(), [(b"a/2".to_vec(), b"w".to_vec())]);
    }
}
