//! Files that hold a node's state at one place of the ledger: whole and checked, or not there at all.
//!
//! Form of a file, `ledger/snapshots/<index of the log's entry>.snap`: `MULUSNF1`; then pieces of at most 64 KiB, each its
//! length (4), the CRC-32 of length and content (4) and the content; a piece without content ends the file. Numbers are
//! big endian. What the contents say is the floor above's matter.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use super::StorageError;
use super::data_dir::sync_directory;
use super::segment::as_u64;

const MAGIC: &[u8; 8] = b"MULUSNF1";
const PIECE_BYTES_MAX: usize = 64 * 1024;
/// So much is written at most before it is synced: one long sync at the end would hold up the ledger's own.
const SYNC_EVERY_BYTES: u64 = 4 * 1024 * 1024;
/// Snapshots that stay: the newest, and one more in case that is damaged.
const KEPT: usize = 2;

/// The snapshots of one ledger.
#[derive(Clone, Debug)]
pub struct Snapshots {
    dir: PathBuf,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotFile {
    /// Index of the last entry of consensus' log that it includes.
    pub raft_index: u64,
    /// Where it lies.
    pub path: PathBuf,
}

impl Snapshots {
    /// The snapshots of the ledger in a folder.
    pub fn of(ledger: &Path) -> Self {
        Self { dir: ledger.join("snapshots") }
    }

    /// All that are there, newest first; none when the folder is absent.
    ///
    /// # Errors
    /// [`StorageError::Io`].
    pub fn list(&self) -> Result<Vec<SnapshotFile>, StorageError> {
        let mut files = Vec::new();
        for path in self.files()? {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let index = name.strip_suffix(".snap").and_then(|index| index.parse().ok());
            files.extend(index.map(|raft_index| SnapshotFile { raft_index, path: path.clone() }));
        }
        files.sort_by_key(|file| std::cmp::Reverse(file.raft_index));
        Ok(files)
    }

    fn files(&self) -> Result<Vec<PathBuf>, StorageError> {
        match fs::read_dir(&self.dir) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            listing => {
                let listing = listing.map_err(StorageError::io(&self.dir, "listing"))?;
                let paths: io::Result<Vec<_>> = listing.map(|item| item.map(|item| item.path())).collect();
                paths.map_err(StorageError::io(&self.dir, "listing"))
            }
        }
    }

    /// Where the snapshot of an index lies, or would.
    pub fn path(&self, raft_index: u64) -> PathBuf {
        self.dir.join(format!("{raft_index:020}.snap"))
    }

    /// Writes a snapshot, which is there under its name only when it is whole and durable, and removes all but the
    /// newest two. Answers its length in bytes.
    ///
    /// # Errors
    /// [`StorageError::Io`]: then there is none, and nothing else has changed.
    pub fn write(
        &self,
        raft_index: u64,
        contents: impl FnOnce(&mut SnapshotWriter) -> io::Result<()>,
    ) -> Result<u64, StorageError> {
        fs::create_dir_all(&self.dir).map_err(StorageError::io(&self.dir, "creating the directory"))?;
        if let Some(ledger) = self.dir.parent() {
            sync_directory(ledger)?;
        }
        let path = self.path(raft_index);
        let unfinished = path.with_extension("unfinished");
        let written = SnapshotWriter::create(&unfinished).and_then(|mut writer| {
            contents(&mut writer)?;
            writer.finish()
        });
        let bytes = written.map_err(|cause| {
            // Best effort: the next one removes what is left.
            let _ = fs::remove_file(&unfinished);
            StorageError::io(&unfinished, "writing")(cause)
        })?;
        fs::rename(&unfinished, &path).map_err(StorageError::io(&path, "renaming"))?;
        sync_directory(&self.dir)?;
        self.tidy()?;
        Ok(bytes)
    }

    /// Removes what is neither whole nor among the newest.
    fn tidy(&self) -> Result<(), StorageError> {
        let old = self.list()?.into_iter().skip(KEPT).map(|file| file.path);
        let unfinished = self.files()?.into_iter().filter(|path| path.extension().is_some_and(|e| e == "unfinished"));
        for path in old.chain(unfinished) {
            fs::remove_file(&path).map_err(StorageError::io(&path, "removing"))?;
        }
        Ok(())
    }

    /// Keeps a damaged one out of the way, for whoever wants to know what happened to it.
    ///
    /// # Errors
    /// [`StorageError::Io`].
    pub fn set_aside(&self, file: &SnapshotFile) -> Result<(), StorageError> {
        let aside = file.path.with_extension("snap.damaged");
        fs::rename(&file.path, &aside).map_err(StorageError::io(&file.path, "renaming"))?;
        sync_directory(&self.dir)
    }
}

/// Takes a snapshot's contents, in pieces under checksums.
#[derive(Debug)]
pub struct SnapshotWriter {
    file: File,
    piece: Vec<u8>,
    bytes: u64,
    synced: u64,
}

impl SnapshotWriter {
    fn create(path: &Path) -> io::Result<Self> {
        let mut file = File::create(path)?;
        file.write_all(MAGIC)?;
        Ok(Self { file, piece: Vec::with_capacity(PIECE_BYTES_MAX), bytes: as_u64(MAGIC.len()), synced: 0 })
    }

    fn end_piece(&mut self) -> io::Result<()> {
        let length = u32::try_from(self.piece.len()).unwrap_or(u32::MAX).to_be_bytes();
        let header = [length, checksum(length, &self.piece).to_be_bytes()].concat();
        self.file.write_all(&header)?;
        self.file.write_all(&self.piece)?;
        self.bytes += as_u64(header.len() + self.piece.len());
        self.piece.clear();
        if self.bytes - self.synced >= SYNC_EVERY_BYTES {
            self.file.sync_data()?;
            self.synced = self.bytes;
        }
        Ok(())
    }

    fn finish(mut self) -> io::Result<u64> {
        if !self.piece.is_empty() {
            self.end_piece()?;
        }
        self.end_piece()?;
        self.file.sync_all()?;
        Ok(self.bytes)
    }
}

impl Write for SnapshotWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = PIECE_BYTES_MAX - self.piece.len();
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.piece.extend_from_slice(taken);
        if self.piece.len() == PIECE_BYTES_MAX {
            self.end_piece()?;
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads a snapshot's contents. No byte is given out before its piece was found to fit its checksum.
#[derive(Debug)]
pub struct SnapshotReader<R> {
    input: R,
    piece: Vec<u8>,
    used: usize,
    ended: bool,
}

impl SnapshotReader<BufReader<File>> {
    /// Opens a snapshot's file.
    ///
    /// # Errors
    /// The system's, and [`io::ErrorKind::InvalidData`] for what is none.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::new(BufReader::with_capacity(PIECE_BYTES_MAX, File::open(path)?))
    }
}

impl<R: Read> SnapshotReader<R> {
    /// Reads what a snapshot's file holds from anywhere.
    ///
    /// # Errors
    /// Those of `input`, and [`io::ErrorKind::InvalidData`] for what is none.
    pub fn new(mut input: R) -> io::Result<Self> {
        let mut magic = [0; 8];
        input.read_exact(&mut magic)?;
        if magic != *MAGIC {
            return Err(damaged("it does not begin with MULUSNF1"));
        }
        Ok(Self { input, piece: Vec::new(), used: 0, ended: false })
    }

    /// Makes sure that nothing follows.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`], also when the file ends before its end is written.
    pub fn finish(mut self) -> io::Result<()> {
        if self.read(&mut [0])? != 0 || self.input.read(&mut [0])? != 0 {
            return Err(damaged("something follows its end"));
        }
        Ok(())
    }

    fn next_piece(&mut self) -> io::Result<()> {
        let mut header = [0; 8];
        self.input.read_exact(&mut header)?;
        let [l0, l1, l2, l3, c0, c1, c2, c3] = header;
        let length_bytes = [l0, l1, l2, l3];
        let length = u32::from_be_bytes(length_bytes);
        if usize::try_from(length).is_ok_and(|length| length > PIECE_BYTES_MAX) {
            return Err(damaged("a piece has an impossible length"));
        }
        self.piece.clear();
        self.used = 0;
        self.input.by_ref().take(u64::from(length)).read_to_end(&mut self.piece)?;
        let is_whole = as_u64(self.piece.len()) == u64::from(length);
        if !is_whole || checksum(length_bytes, &self.piece) != u32::from_be_bytes([c0, c1, c2, c3]) {
            return Err(damaged("a piece does not fit its checksum"));
        }
        self.ended = length == 0;
        Ok(())
    }
}

impl<R: Read> Read for SnapshotReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        if self.used == self.piece.len() && !self.ended {
            self.next_piece()?;
        }
        let rest = self.piece.get(self.used..).unwrap_or_default();
        let length = rest.len().min(out.len());
        if let (Some(out), Some(rest)) = (out.get_mut(..length), rest.get(..length)) {
            out.copy_from_slice(rest);
        }
        self.used += length;
        Ok(length)
    }
}

fn checksum(length: [u8; 4], content: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length);
    hasher.update(content);
    hasher.finalize()
}

fn damaged(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
#[path = "snapshots_tests.rs"]
mod tests;
