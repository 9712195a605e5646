//! Compares a node's stored tree with what an audit computes, without owning the files.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::crypto::digest::Hash;

use super::StorageError;
use super::tree_store::{NODE_BYTES, level_path};

/// The files of a stored tree, read once from their beginning.
pub struct TreeReader {
    dir: PathBuf,
    levels: Vec<LevelReader>,
}

struct LevelReader {
    path: PathBuf,
    /// `None` once the file has ended.
    file: Option<BufReader<File>>,
    nodes: u64,
}

impl TreeReader {
    /// The tree of a folder, which may hold none.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), levels: Vec::new() }
    }

    /// Compares the next node of a level. A tree that ends early is no fault: the files are never synced.
    ///
    /// # Errors
    /// [`StorageError::Damaged`] at the first byte of a node that differs, [`StorageError::Io`].
    pub fn compare(&mut self, level: usize, hash: &Hash) -> Result<(), StorageError> {
        while self.levels.len() <= level {
            self.levels.push(LevelReader::open(level_path(&self.dir, self.levels.len()))?);
        }
        self.levels.get_mut(level).map_or(Ok(()), |level| level.compare(hash))
    }

    /// Bytes behind the nodes that were compared, with the file that has them: more leaves than the audit knows.
    ///
    /// # Errors
    /// [`StorageError::Io`].
    pub fn rest(&mut self) -> Result<Option<(PathBuf, u64)>, StorageError> {
        for level in &mut self.levels {
            let Some(mut file) = level.file.take() else { continue };
            let rest =
                std::io::copy(&mut file, &mut std::io::sink()).map_err(StorageError::io(&level.path, "reading"))?;
            if rest > 0 {
                return Ok(Some((level.path.clone(), rest)));
            }
        }
        Ok(None)
    }
}

impl LevelReader {
    fn open(path: PathBuf) -> Result<Self, StorageError> {
        let file = match File::open(&path) {
            Ok(file) => Some(BufReader::new(file)),
            Err(cause) if cause.kind() == ErrorKind::NotFound => None,
            Err(cause) => return Err(StorageError::io(&path, "opening")(cause)),
        };
        Ok(Self { path, file, nodes: 0 })
    }

    fn compare(&mut self, hash: &Hash) -> Result<(), StorageError> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut stored = Vec::with_capacity(hash.0.len());
        let read = file.take(NODE_BYTES).read_to_end(&mut stored);
        read.map_err(StorageError::io(&self.path, "reading"))?;
        // What a crash tore off the end is compared as far as it is there.
        if !hash.0.starts_with(&stored) {
            let (path, offset) = (self.path.clone(), self.nodes * NODE_BYTES);
            let why = "the stored node is not that of the ledger's leaves".to_owned();
            return Err(StorageError::Damaged { path, offset, why });
        }
        if stored.len() < hash.0.len() {
            self.file = None;
        }
        self.nodes += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::digest::HashAlgorithm;
    use crate::ledger::frontier::Frontier;
    use crate::ledger::merkle::tests::leaf;
    use crate::storage::tree_store::TreeStore;

    const ALGORITHM: HashAlgorithm = HashAlgorithm::Sm3;

    fn audit(dir: &Path, leaves: u64) -> Result<Option<(PathBuf, u64)>, StorageError> {
        let (mut reader, mut frontier, mut nodes) = (TreeReader::new(dir), Frontier::new(ALGORITHM), Vec::new());
        (0..leaves).for_each(|n| _ = frontier.push(leaf(ALGORITHM, n), |level, hash| nodes.push((level, hash))));
        nodes.iter().try_for_each(|(level, hash)| reader.compare(*level, hash))?;
        reader.rest()
    }

    #[test]
    fn every_flipped_byte_of_the_stored_tree_is_found_and_a_short_tree_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let leaves: Vec<Hash> = (0..21).map(|n| leaf(ALGORITHM, n)).collect();
        TreeStore::open(dir.path(), ALGORITHM).unwrap().append(&leaves).unwrap();
        assert_eq!(audit(dir.path(), 21).unwrap(), None);
        for level in 0..5 {
            let path = level_path(dir.path(), level);
            let whole = std::fs::read(&path).unwrap();
            for at in 0..whole.len() {
                let mut flipped = whole.clone();
                flipped[at] ^= 1;
                std::fs::write(&path, &flipped).unwrap();
                assert!(audit(dir.path(), 21).is_err(), "level {level}, byte {at}");
            }
            std::fs::write(&path, &whole[..whole.len() - 5]).unwrap();
            assert_eq!(audit(dir.path(), 21).unwrap(), None);
            std::fs::write(&path, &whole).unwrap();
        }
        assert_eq!(audit(dir.path(), 20).unwrap().map(|(_, bytes)| bytes), Some(32));
        assert_eq!(audit(&dir.path().join("none"), 20).unwrap(), None);
    }
}
