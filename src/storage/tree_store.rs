//! The ledger's tree on disk: every complete node once, so that proofs read O(log n) hashes and memory holds none.
//!
//! Form: one file a level, `00`, `01`, …, in the folder `tree`; the hash of node `i` of level `k` is at byte `32 * i` of
//! file `k`. What lies below a snapshot of the state was synced before that had its name; the rest is not trusted after
//! a restart: replaying the log gives every node again, and one that differs is cut away with all that follows it. Lost
//! or damaged files are no loss: the log gives them again. One that was found damaged is remembered by the file `damaged`.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::crypto::digest::{Hash, HashAlgorithm};
use crate::ledger::frontier::Frontier;
use crate::ledger::merkle::{self, Nodes, verify_consistency, verify_inclusion};

use super::StorageError;
use super::data_dir::sync_directory;
use super::segment::as_u64;

/// Bytes of a node.
pub const NODE_BYTES: u64 = 32;
/// Nodes of an earlier run that are read at once while they are compared.
const WINDOW_NODES: u64 = 1024;

/// In the tree's folder when a proof could not be made of its files: they are built anew at the next start.
const DAMAGED: &str = "damaged";

/// The file of a level, in the folder of the tree.
pub fn level_path(dir: &Path, level: usize) -> PathBuf {
    dir.join(format!("{level:02}"))
}

/// The tree of one ledger, as one thread lets it grow.
#[derive(Debug)]
pub struct TreeStore {
    dir: PathBuf,
    frontier: Frontier,
    levels: Vec<Level>,
    files: Arc<Vec<Arc<File>>>,
}

#[derive(Debug)]
struct Level {
    path: PathBuf,
    file: Arc<File>,
    /// Nodes known to be right.
    known: u64,
    /// Nodes that an earlier run left; those from `known` on are not believed yet.
    left: u64,
    /// New nodes, not yet in the file.
    new: Vec<u8>,
    /// Some of what an earlier run left, and the node with which it begins.
    window: Vec<u8>,
    window_start: u64,
}

impl TreeStore {
    /// Begins a tree without leaves in a folder, which may hold what an earlier run left.
    ///
    /// # Errors
    /// [`StorageError::Io`].
    pub fn open(dir: &Path, algorithm: HashAlgorithm) -> Result<Self, StorageError> {
        fs::create_dir_all(dir).map_err(StorageError::io(dir, "creating the directory"))?;
        let frontier = Frontier::new(algorithm);
        Ok(Self { dir: dir.to_owned(), frontier, levels: Vec::new(), files: Arc::default() })
    }

    /// Goes on with the tree that an earlier run left, from a size on at which its files were synced. `None` when they
    /// are not there, are not this tree's, or were found damaged: then the tree must be built anew from its leaves.
    ///
    /// # Errors
    /// [`StorageError::Io`].
    pub fn open_at(dir: &Path, frontier: Frontier) -> Result<Option<Self>, StorageError> {
        if dir.join(DAMAGED).exists() {
            return Ok(None);
        }
        let mut tree = Self::open(dir, frontier.algorithm())?;
        let size = frontier.size();
        tree.reach(size)?;
        for (at, level) in tree.levels.iter_mut().enumerate() {
            level.known = size >> at;
            if level.left < level.known {
                return Ok(None);
            }
        }
        tree.frontier = frontier;
        let (view, peaks) = (tree.view(), tree.frontier.peaks());
        let levels = (0..u64::BITS).rev().filter(|level| size >> level & 1 == 1);
        for (level, peak) in levels.zip(peaks) {
            if view.node(level, (size >> level) - 1)? != *peak {
                return Ok(None);
            }
        }
        Ok(Some(tree))
    }

    /// Notes that every node was compared or written anew: what was found damaged is mended.
    ///
    /// # Errors
    /// [`StorageError::Io`].
    pub fn mended(dir: &Path) -> Result<(), StorageError> {
        let mark = dir.join(DAMAGED);
        match fs::remove_file(&mark) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                Err(StorageError::io(&mark, "removing")(cause))
            }
            _ => Ok(()),
        }
    }

    /// Opens the files of all levels that a tree of a size has.
    fn reach(&mut self, size: u64) -> Result<(), StorageError> {
        let needed = usize::try_from(size.max(1).ilog2()).unwrap_or(usize::MAX);
        while self.levels.len() <= needed {
            self.levels.push(Level::open(level_path(&self.dir, self.levels.len()))?);
            self.files = Arc::new(self.levels.iter().map(|level| level.file.clone()).collect());
        }
        Ok(())
    }

    /// Adds leaf hashes. When it returns, they can be read.
    ///
    /// # Errors
    /// [`StorageError::Io`]: the process must end and open the tree anew.
    pub fn append(&mut self, leaves: &[Hash]) -> Result<(), StorageError> {
        self.reach(self.frontier.size() + as_u64(leaves.len()))?;
        let levels = &mut self.levels;
        for leaf in leaves {
            self.frontier.push(*leaf, |level, hash| {
                if let Some(level) = levels.get_mut(level) {
                    level.new.extend_from_slice(&hash.0);
                }
            });
        }
        levels.iter_mut().try_for_each(Level::flush)
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The root over all leaves.
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// The tree as it is now, to be read without stopping its growth.
    pub fn view(&self) -> TreeView {
        TreeView { dir: self.dir.clone(), frontier: self.frontier.clone(), files: self.files.clone() }
    }
}

impl Level {
    fn open(path: PathBuf) -> Result<Self, StorageError> {
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(false).read(true).write(true).open(&path);
        let file = Arc::new(file.map_err(StorageError::io(&path, "opening"))?);
        let left = file.metadata().map_err(StorageError::io(&path, "measuring"))?.len() / NODE_BYTES;
        Ok(Self { path, file, known: 0, left, new: Vec::new(), window: Vec::new(), window_start: 0 })
    }

    /// Compares new nodes with what an earlier run left, and writes those that it did not.
    fn flush(&mut self) -> Result<(), StorageError> {
        let new = std::mem::take(&mut self.new);
        let mut rest = new.as_slice();
        while self.known < self.left {
            let Some((node, behind)) = rest.split_first_chunk::<32>() else { return Ok(()) };
            if !self.had(node)? {
                tracing::warn!(path = %self.path.display(), node = self.known, "the stored tree does not fit the ledger: it is built anew from here");
                self.left = self.known;
                let end = self.known * NODE_BYTES;
                self.file.set_len(end).map_err(StorageError::io(&self.path, "cutting"))?;
                break;
            }
            self.known += 1;
            rest = behind;
        }
        if self.known >= self.left {
            self.window = Vec::new();
        }
        if !rest.is_empty() {
            let end = self.known * NODE_BYTES;
            self.file.write_all_at(rest, end).map_err(StorageError::io(&self.path, "writing"))?;
            self.known += as_u64(rest.len()) / NODE_BYTES;
        }
        // The buffer is used again, unless a long run of leaves made it large.
        self.new = new;
        self.new.clear();
        self.new.shrink_to(64 * 1024);
        Ok(())
    }

    /// Whether an earlier run left this very node where the next one belongs.
    fn had(&mut self, node: &[u8; 32]) -> Result<bool, StorageError> {
        let in_window = |level: &Self| {
            let start = usize::try_from((level.known - level.window_start) * NODE_BYTES).ok()?;
            level.window.get(start..start + 32).map(|stored| stored == node)
        };
        if let Some(same) = in_window(self) {
            return Ok(same);
        }
        let nodes = (self.left - self.known).min(WINDOW_NODES);
        self.window.resize(usize::try_from(nodes * NODE_BYTES).unwrap_or_default(), 0);
        self.window_start = self.known;
        let read = self.file.read_exact_at(&mut self.window, self.known * NODE_BYTES);
        read.map_err(StorageError::io(&self.path, "reading"))?;
        Ok(in_window(self).unwrap_or_default())
    }
}

/// The tree at one moment. It holds the right edge in memory, so that whatever is read from files is proven against the
/// root before it is handed out: a file damaged meanwhile gives an error, never a wrong proof.
#[derive(Clone, Debug)]
pub struct TreeView {
    dir: PathBuf,
    frontier: Frontier,
    files: Arc<Vec<Arc<File>>>,
}

impl Nodes for TreeView {
    type Error = StorageError;

    fn algorithm(&self) -> HashAlgorithm {
        self.frontier.algorithm()
    }

    fn size(&self) -> u64 {
        self.frontier.size()
    }

    fn node(&self, level: u32, index: u64) -> Result<Hash, StorageError> {
        let complete = self.size().checked_shr(level).unwrap_or_default();
        let at = usize::try_from(level).unwrap_or(usize::MAX);
        let file = self.files.get(at).filter(|_| index < complete).ok_or(StorageError::Absent { index })?;
        let mut hash = Hash([0; 32]);
        let read = file.read_exact_at(&mut hash.0, index * NODE_BYTES);
        read.map_err(StorageError::io(&level_path(&self.dir, at), "reading"))?;
        Ok(hash)
    }
}

impl TreeView {
    /// The root over all leaves.
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// The hashes of the nodes `[start, end)` of a level, one after another; `None` when not all are complete. They are
    /// not proven: whoever holds tiles proves them together.
    ///
    /// # Errors
    /// [`StorageError::Io`].
    pub fn hashes(&self, level: u32, start: u64, end: u64) -> Result<Option<Vec<u8>>, StorageError> {
        let complete = self.size().checked_shr(level).unwrap_or_default();
        let at = usize::try_from(level).unwrap_or(usize::MAX);
        let Some(file) = self.files.get(at).filter(|_| start < end && end <= complete) else { return Ok(None) };
        let mut hashes = vec![0; usize::try_from((end - start) * NODE_BYTES).unwrap_or_default()];
        let read = file.read_exact_at(&mut hashes, start * NODE_BYTES);
        read.map_err(StorageError::io(&level_path(&self.dir, at), "reading"))?;
        Ok(Some(hashes))
    }

    /// The right edge of the tree.
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// Waits until every node of this tree is on disk. Readers and the tree's growth do not wait.
    ///
    /// # Errors
    /// [`StorageError::Io`].
    pub fn sync(&self) -> Result<(), StorageError> {
        for (at, file) in self.files.iter().enumerate() {
            file.sync_data().map_err(StorageError::io(&level_path(&self.dir, at), "syncing"))?;
        }
        sync_directory(&self.dir)
    }

    fn sure<T>(&self, value: T, fits: bool) -> Result<T, StorageError> {
        if fits {
            return Ok(value);
        }
        let path = self.dir.clone();
        if let Err(error) = File::create(path.join(DAMAGED)) {
            tracing::warn!(path = %path.display(), %error, "the damage could not be noted for the next start");
        }
        Err(StorageError::Tree { path })
    }

    /// The root at a size; `None` when the tree never had it.
    ///
    /// # Errors
    /// [`StorageError::Io`]; [`StorageError::Tree`] when the files do not give the tree's own root.
    pub fn root_at(&self, size: u64) -> Result<Option<Hash>, StorageError> {
        if size == self.size() {
            return Ok(Some(self.root()));
        }
        let (Some(root), Some(proof)) = (merkle::root_at(self, size)?, merkle::consistency(self, size, self.size())?)
        else {
            return Ok(None);
        };
        let now = (self.size(), self.root());
        let fits = verify_consistency(self.algorithm(), (size, root), now, &proof).is_ok();
        self.sure(Some(root), fits)
    }

    /// A leaf with its inclusion path in the tree of a size; `None` outside the tree.
    ///
    /// # Errors
    /// As [`TreeView::root_at`].
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Option<(Hash, Vec<Hash>)>, StorageError> {
        let (Some(path), Some(root)) = (merkle::inclusion(self, index, size)?, self.root_at(size)?) else {
            return Ok(None);
        };
        let leaf = self.node(0, index)?;
        let fits = verify_inclusion(self.algorithm(), leaf, index, size, &path, root).is_ok();
        self.sure(Some((leaf, path)), fits)
    }

    /// Proof that one tree is the beginning of another; `None` outside the tree.
    ///
    /// # Errors
    /// As [`TreeView::root_at`].
    pub fn consistency(&self, from: u64, to: u64) -> Result<Option<Vec<Hash>>, StorageError> {
        let Some(proof) = merkle::consistency(self, from, to)? else { return Ok(None) };
        let (Some(old), Some(new)) = (self.root_at(from)?, self.root_at(to)?) else { return Ok(None) };
        let fits = verify_consistency(self.algorithm(), (from, old), (to, new), &proof).is_ok();
        self.sure(Some(proof), fits)
    }
}

#[cfg(test)]
#[path = "tree_store_tests.rs"]
mod tests;
