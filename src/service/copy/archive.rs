//! The form of a backup: a tar file that ends with a manifest, which names every other file with its length and digest,
//! and with the manifest's own digest.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::crypto::digest::{Hash, Sm3Stream, sm3};
use crate::ids::DepartmentId;

/// The manifest's name.
pub const MANIFEST: &str = "manifest.json";
/// The name of its digest, in hexadecimal digits. It is the last entry: a backup that was cut has none.
pub const SEAL: &str = "manifest.sm3";
/// The form's number.
pub const VERSION: u32 = 1;
/// The longest manifest, in bytes.
pub const MANIFEST_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// The longest of the small files (configuration, keys, evidence), in bytes.
pub const SMALL_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What a backup is of, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The form's number.
    pub version: u32,
    /// Version of the program that made it.
    pub program: String,
    /// The chain's id.
    pub chain: String,
    /// Whose node.
    pub department: DepartmentId,
    /// Its number in consensus when the backup was made.
    pub number: u64,
    /// When it was begun.
    pub time: Millis,
    /// The ledger in it.
    pub ledger: LedgerExtent,
    /// Whether the private keys in it are encrypted.
    pub keys_encrypted: bool,
    /// Every file in it but this one.
    pub files: Vec<FilePart>,
}

/// How far the ledger of a backup goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerExtent {
    /// Entries of consensus' log, all committed.
    pub entries: u64,
    /// Transactions.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
    /// Digest of the state after them.
    pub state: Hash,
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilePart {
    /// Where it lies, relative to the node's folder.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// Its SM3.
    pub sm3: Hash,
}

/// Bytes on their way, counted and hashed.
pub struct Measured<T> {
    inner: T,
    hash: Sm3Stream,
    bytes: u64,
}

impl<T> Measured<T> {
    /// Measures what passes through.
    pub fn new(inner: T) -> Self {
        Self { inner, hash: Sm3Stream::default(), bytes: 0 }
    }

    /// What passed.
    pub fn part(self, path: &str) -> FilePart {
        FilePart { path: path.to_owned(), bytes: self.bytes, sm3: self.hash.finish() }
    }

    fn note(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    }
}

impl<R: Read> Read for Measured<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.note(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}

/// A backup being written.
pub struct Writer<W: Write> {
    tar: tar::Builder<W>,
    time: Millis,
    files: Vec<FilePart>,
}

impl<W: Write> Writer<W> {
    /// Begins, with the time that every file in it bears.
    pub fn new(to: W, time: Millis) -> Self {
        Self { tar: tar::Builder::new(to), time, files: Vec::new() }
    }

    /// Adds a file of a length known before.
    ///
    /// # Errors
    /// Reading or writing failed, or the file ended early.
    pub fn add(&mut self, path: &str, bytes: u64, from: impl Read) -> io::Result<()> {
        let mut from = Measured::new(from.take(bytes));
        self.append(path, bytes, &mut from)?;
        let part = from.part(path);
        if part.bytes != bytes {
            return Err(io::Error::other(format!("{path} has {} bytes, {bytes} were expected", part.bytes)));
        }
        self.files.push(part);
        Ok(())
    }

    /// Ends the backup with its manifest, whose list of files is filled here.
    ///
    /// # Errors
    /// Writing failed.
    pub fn finish(mut self, mut manifest: Manifest) -> io::Result<Manifest> {
        manifest.files = std::mem::take(&mut self.files);
        let text = serde_json::to_vec_pretty(&manifest)?;
        self.append(MANIFEST, u64::try_from(text.len()).unwrap_or(u64::MAX), text.as_slice())?;
        let seal = sm3(&[&text]).to_string();
        self.append(SEAL, u64::try_from(seal.len()).unwrap_or(u64::MAX), seal.as_bytes())?;
        self.tar.finish()?;
        self.tar.get_mut().flush()?;
        Ok(manifest)
    }

    fn append(&mut self, path: &str, bytes: u64, from: impl Read) -> io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes);
        header.set_mode(0o600);
        header.set_mtime(self.time.0 / 1000);
        self.tar.append_data(&mut header, path, from)
    }
}

/// Whether a path may stand in a backup: below the places that a node has, and nothing that leads out of them.
pub fn is_known(path: &str) -> bool {
    let is_plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    let is_text = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte));
    let folders = ["keys/", "tls/", "store/", "data/ledger/", "data/evidence/"];
    let files = ["node.toml", "genesis.tx", "data/model/local.db", super::returned::PATH];
    is_plain && is_text && (files.contains(&path) || folders.iter().any(|folder| path.starts_with(folder)))
}

impl Manifest {
    /// Claims that the files found are those that are named, no more and no fewer.
    ///
    /// # Errors
    /// The first file at fault.
    pub fn check(&self, found: &[FilePart]) -> Result<(), String> {
        let names: BTreeSet<&str> = self.files.iter().map(|file| file.path.as_str()).collect();
        if names.len() != self.files.len() {
            return Err("the manifest names a file twice".into());
        }
        for file in found {
            match self.files.iter().find(|named| named.path == file.path) {
                None => return Err(format!("{} is not in the manifest", file.path)),
                Some(named) if named != file => return Err(format!("{} is damaged: its digest is another", file.path)),
                Some(_) => {}
            }
        }
        let is_there = |name: &str| found.iter().any(|file| file.path == name);
        match names.iter().find(|name| !is_there(name)) {
            Some(missing) => Err(format!("{missing} is missing")),
            None if found.len() == names.len() => Ok(()),
            None => Err("a file stands in it twice".into()),
        }
    }
}
