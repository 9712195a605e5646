//! What the shim wrote down: every change of a folder, in order. `shim.c` has the form.

use std::path::{Path, PathBuf};

/// One change.
#[derive(Debug)]
pub enum Change {
    /// A file came into being.
    Create { path: PathBuf, inode: u64 },
    /// Bytes were written.
    Write { inode: u64, offset: u64, data: Vec<u8> },
    /// A file was cut or extended.
    Truncate { inode: u64, length: u64 },
    /// A file's bytes are on disk.
    Sync { inode: u64 },
    /// A directory's names are on disk.
    SyncDirectory { path: PathBuf },
    /// A name changed.
    Rename { from: PathBuf, to: PathBuf },
    /// A file's name is gone.
    Unlink { path: PathBuf },
    /// A directory came into being.
    MakeDirectory { path: PathBuf },
    /// A directory is gone.
    RemoveDirectory { path: PathBuf },
}

/// A change, how long the journal was when it had been written, and when that was, by a clock that all nodes share.
pub struct Entry {
    pub end: u64,
    pub time: u64,
    pub change: Change,
}

/// How long a journal is now: what the program did until now stands before it.
pub fn position(journal: &Path) -> u64 {
    std::fs::metadata(journal).map_or(0, |found| found.len())
}

/// Reads a journal; an end that was cut off by a killed process is passed over.
pub fn read(journal: &Path) -> Vec<Entry> {
    let bytes = std::fs::read(journal).unwrap();
    let (mut rest, mut entries) = (bytes.as_slice(), Vec::new());
    while let Some((time, change, behind)) = next(rest) {
        rest = behind;
        entries.push(Entry { end: (bytes.len() - rest.len()) as u64, time, change });
    }
    entries
}

fn next(bytes: &[u8]) -> Option<(u64, Change, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<33>()?;
    let long = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().unwrap());
    let short = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().unwrap()) as usize;
    let (inode, number) = (long(1), long(9));
    let (path, rest) = rest.split_at_checked(short(17))?;
    let (data, rest) = rest.split_at_checked(short(21))?;
    let named = |bytes: &[u8]| PathBuf::from(std::str::from_utf8(bytes).unwrap());
    let path = named(path);
    let change = match head[0] {
        b'c' => Change::Create { path, inode },
        b'w' => Change::Write { inode, offset: number, data: data.to_vec() },
        b't' => Change::Truncate { inode, length: number },
        b's' => Change::Sync { inode },
        b'd' => Change::SyncDirectory { path },
        b'r' => Change::Rename { from: path, to: named(data) },
        b'u' => Change::Unlink { path },
        b'm' => Change::MakeDirectory { path },
        b'x' => Change::RemoveDirectory { path },
        other => panic!("the journal has a record of the kind {other}"),
    };
    Some((long(25), change, rest))
}
