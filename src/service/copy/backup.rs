//! A backup of the running node: everything that cannot be made again, and the ledger that it rests on.
//!
//! The order makes it consistent. First what is local, which may name transactions; then the ledger, up to a block that
//! came after; last the keys, which are written to their files before a transaction names them.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::consensus::Reached;
use crate::crypto::{key_file, pem};
use crate::policy::facts::{Action, Facts, Relation};
use crate::readmodel::local::LOCAL_FILE;
use crate::service::error::disk_full;
use crate::service::{Node, Principal, ServiceError};
use crate::storage::node_store::Pair;
use crate::storage::snapshots::{SnapshotFile, Snapshots};
use crate::storage::whole_file;

use super::CopyError;
use super::archive::{LedgerExtent, Manifest, SMALL_BYTES_MAX, VERSION, Writer, is_known};
use super::returned;

/// Pairs of the store in one file of the backup: a page is about a megabyte at most.
const PAGE_PAIRS: usize = 256;
/// The copy of `local.db` while it is handed out.
const LOCAL_COPY: &str = "local.db.backup";
const LAST_FILE: &str = "last-backup.json";
const RETRY_AFTER_S: u64 = 30;

/// The newest backup that a node handed out whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LastBackup {
    /// When it was begun.
    pub time: Millis,
    /// To whom it was given.
    pub user: String,
    /// Transactions in its ledger.
    pub size: u64,
}

/// The newest backup that a node says to have handed out, if any.
pub fn last_backup(data_dir: &Path) -> Option<LastBackup> {
    serde_json::from_slice(&fs::read(data_dir.join(LAST_FILE)).ok()?).ok()
}

/// A backup that may be written: one at a time.
pub struct Backup {
    node: Node,
    user: String,
    _place: Place,
}

struct Place(Arc<AtomicBool>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// A file that is removed in the end.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // It is removed before the next backup at the latest.
        let _ = fs::remove_file(&self.0);
    }
}

impl Node {
    /// The newest backup that this node handed out whole.
    pub fn last_backup(&self) -> Option<LastBackup> {
        last_backup(&self.config.data_dir)
    }

    /// Lets an administrator take a backup. It holds all that the node has, its keys among it.
    ///
    /// # Errors
    /// The policy's refusal; [`ServiceError::Unavailable`] while another is being taken.
    pub fn begin_backup(&self, who: &Principal) -> Result<Backup, ServiceError> {
        let actor = self.authorise(who, |role| Facts::new(Action::ManageKeys, role, Relation::Own))?;
        if !self.disk.takes_work() {
            // A copy of `local.db` lies on the disk while a backup is taken.
            return Err(disk_full("there is no room for the copy of local.db that a backup needs meanwhile"));
        }
        if self.backing_up.swap(true, Ordering::AcqRel) {
            let detail = "a backup of this node is being taken: wait until it is done".to_owned();
            return Err(ServiceError::Unavailable { code: "busy", detail, retry_after_s: RETRY_AFTER_S });
        }
        let place = Place(self.backing_up.clone());
        Ok(Backup { node: self.clone(), user: actor.user, _place: place })
    }
}

impl Backup {
    /// Writes the backup to its end. Blocks; keeps about a megabyte in memory, and on disk a copy of `local.db`.
    ///
    /// # Errors
    /// [`CopyError`]; what was written is then no backup, and says so.
    pub fn write(self, to: impl Write) -> Result<Manifest, CopyError> {
        let Self { node, user, .. } = &self;
        let config = &node.config;
        let time = node.clock.now();
        let mut out = Writer::new(to, time);
        local(node, &mut out)?;
        store(node, &mut out)?;
        folder(&mut out, &config.evidence_dir(), "data/evidence")?;
        small(&mut out, &config.data_dir.join("spent-numbers.json"), returned::PATH)?;
        let ledger = ledger(node, &mut out)?;
        let keys_encrypted = keys(node, &mut out)?;
        let manifest = Manifest {
            version: VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            chain: node.chain_id().to_owned(),
            department: node.department.clone(),
            number: node.consensus.node_id(),
            time,
            ledger,
            keys_encrypted,
            files: Vec::new(),
        };
        let manifest = out.finish(manifest).map_err(stream)?;
        let last = LastBackup { time, user: user.clone(), size: manifest.ledger.size };
        let text = serde_json::to_vec(&last).map_err(CopyError::not_valid)?;
        whole_file::replace(&config.data_dir.join(LAST_FILE), &text)?;
        tracing::info!(user, size = last.size, files = manifest.files.len(), "a backup was handed out");
        Ok(manifest)
    }
}

fn stream(cause: io::Error) -> CopyError {
    CopyError::Io { path: "the backup".into(), cause }
}

/// `local.db` as SQLite itself copies it.
fn local(node: &Node, out: &mut Writer<impl Write>) -> Result<(), CopyError> {
    let path = node.config.model_dir().join(LOCAL_COPY);
    let copy = Temporary(path);
    drop(Temporary(copy.0.clone()));
    node.local.copy_to(&copy.0)?;
    let file = File::open(&copy.0).map_err(CopyError::io(&copy.0))?;
    let bytes = file.metadata().map_err(CopyError::io(&copy.0))?.len();
    out.add(&format!("data/model/{LOCAL_FILE}"), bytes, file).map_err(stream)
}

/// The keyed store, page after page: its own files change under whoever copies them.
fn store(node: &Node, out: &mut Writer<impl Write>) -> Result<(), CopyError> {
    let mut after = Vec::new();
    for number in 0u32.. {
        let page = node.store.scan_after(b"", &after, PAGE_PAIRS)?;
        let Some((last, _)) = page.last() else { break };
        after.clone_from(last);
        let bytes = encode(&page);
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        out.add(&format!("store/{number:08}"), length, bytes.as_slice()).map_err(stream)?;
    }
    Ok(())
}

/// Each pair: length of the key (2), length of the value (4), key, value; numbers big endian.
fn encode(page: &[Pair]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (key, value) in page {
        bytes.extend_from_slice(&u16::try_from(key.len()).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(value);
    }
    bytes
}

/// Reads a page of the store.
pub(super) fn decode(mut bytes: &[u8]) -> Option<Vec<Pair>> {
    let mut pairs = Vec::new();
    while !bytes.is_empty() {
        let (key, rest) = bytes.split_first_chunk::<2>()?;
        let (value, rest) = rest.split_first_chunk::<4>()?;
        let (key, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*key)))?;
        let (value, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*value)).ok()?)?;
        pairs.push((key.to_vec(), value.to_vec()));
        bytes = rest;
    }
    Some(pairs)
}

/// The ledger up to its last applied block, with the checkpoint that proves it.
fn ledger(node: &Node, out: &mut Writer<impl Write>) -> Result<LedgerExtent, CopyError> {
    // Before the end is chosen, so that snapshot and checkpoint lie within.
    if let Some(newest) = Snapshots::of(&node.config.ledger_dir()).list()?.first() {
        snapshot(out, newest)?;
    }
    let note = node.consensus.anchored().borrow().as_ref().map(|anchored| anchored.note.encode());
    let reached = node.chain.reached();
    for part in node.chain.log().parts(reached.raft_index)? {
        out.add(&format!("data/ledger/{}", part.name()), part.length(), part).map_err(stream)?;
    }
    if let Some(note) = note {
        let bytes = u64::try_from(note.len()).unwrap_or(u64::MAX);
        out.add("data/ledger/checkpoint", bytes, note.as_bytes()).map_err(stream)?;
    }
    let Reached { raft_index: entries, size, root, state } = reached;
    Ok(LedgerExtent { entries, size, root, state })
}

/// The newest snapshot of the state, unless a newer one has just taken its place: the ledger does without.
fn snapshot(out: &mut Writer<impl Write>, newest: &SnapshotFile) -> Result<(), CopyError> {
    let file = match File::open(&newest.path) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file.map_err(CopyError::io(&newest.path))?,
    };
    let bytes = file.metadata().map_err(CopyError::io(&newest.path))?.len();
    let name = newest.path.file_name().unwrap_or_default().to_string_lossy();
    out.add(&format!("data/ledger/snapshots/{name}"), bytes, file).map_err(stream)
}

/// Configuration, genesis, keys and certificates; answers whether the private keys are encrypted.
fn keys(node: &Node, out: &mut Writer<impl Write>) -> Result<bool, CopyError> {
    let config = &node.config;
    small(out, &config.file, "node.toml")?;
    small(out, &config.genesis, "genesis.tx")?;
    for (path, name) in
        [(&config.tls.ca, "tls/ca.pem"), (&config.tls.cert, "tls/node.pem"), (&config.tls.key, "tls/node-key.pem")]
    {
        small(out, path, name)?;
    }
    folder(out, &config.keys_dir, "keys")?;
    let is_encrypted = |path: &Path| pem::read(path).map(|text| key_file::is_encrypted(&text));
    Ok(is_encrypted(&config.tls.key)? && is_encrypted(&config.keys_dir.join(crate::crypto::keyring::SIGNING_FILE))?)
}

/// The files of a folder that has few and small ones, and of the folders in it; one that is not there has none.
fn folder(out: &mut Writer<impl Write>, dir: &Path, name: &str) -> Result<(), CopyError> {
    let listing = match fs::read_dir(dir) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(()),
        listing => listing.map_err(CopyError::io(dir))?,
    };
    let mut paths = Vec::new();
    for item in listing {
        paths.push(item.map_err(CopyError::io(dir))?.path());
    }
    paths.sort();
    for path in paths {
        let file = format!("{name}/{}", path.file_name().unwrap_or_default().to_string_lossy());
        if path.is_dir() {
            folder(out, &path, &file)?;
        } else if is_known(&file) {
            small(out, &path, &file)?;
        }
    }
    Ok(())
}

/// A small file, if it is there. It is read before its length is written: it may be replaced meanwhile.
fn small(out: &mut Writer<impl Write>, path: &Path, name: &str) -> Result<(), CopyError> {
    let bytes = match fs::read(path) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(()),
        bytes => bytes.map_err(CopyError::io(path))?,
    };
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if length > SMALL_BYTES_MAX {
        let why = format!("{} has {length} bytes, which no such file has: it is not backed up", path.display());
        return Err(CopyError::NotValid(why));
    }
    out.add(name, length, bytes.as_slice()).map_err(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_the_store_is_read_as_it_was_written_and_not_when_cut() {
        let page: Vec<Pair> = vec![(b"k".to_vec(), vec![]), (b"longer".to_vec(), vec![7; 300])];
        let bytes = encode(&page);
        assert_eq!(decode(&bytes), Some(page));
        assert!((1..bytes.len()).filter(|end| *end != 7).all(|end| decode(&bytes[..end]).is_none()));
    }
}
