//! From a backup to a node's folder: proven first, whole or not at all.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::clock::Millis;
use crate::consensus::{Consensus, Copied};
use crate::ids::DepartmentId;
use crate::ledger::chain::chain_id;
use crate::ledger::checkpoint::SignedCheckpoint;
use crate::ledger::transaction::Transaction;
use crate::readmodel::local::{LOCAL_FILE, Local};
use crate::service::config::NodeConfig;
use crate::storage::ledger_log::LedgerLog;
use crate::storage::ledger_reader::LedgerReader;
use crate::storage::node_store::{Batch, NodeStore, Pair};
use crate::storage::whole_file;

use super::CopyError;
use super::archive::Manifest;
use super::backup::decode;
use super::mend::LOCAL_LOST;
use super::returned::{self, Spent};
use super::unpack::unpack;
use super::witness::{Care, Witness};

/// What a backup was found to be.
#[derive(Clone, Debug)]
pub struct Found {
    /// What it says of itself.
    pub manifest: Manifest,
    /// Size of the cosigned checkpoint that proves its ledger, and who cosigned it; none when it holds no checkpoint.
    pub proven: Option<(u64, Vec<DepartmentId>)>,
    /// Paths in its `node.toml` that lead elsewhere than into the restored folder.
    pub elsewhere: Vec<PathBuf>,
}

/// What becomes of the node's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Return {
    /// The node alone comes back: it needs a new number.
    Alone,
    /// Every node of the city is put back at the same time.
    WholeCity,
}

/// Reads a backup's files against its manifest, and nothing else: whether it came over whole.
///
/// # Errors
/// [`CopyError`].
pub fn check_files(file: &Path) -> Result<Manifest, CopyError> {
    unpack(file, None)
}

/// Verifies everything in a backup, in a temporary folder beside it.
///
/// # Errors
/// [`CopyError`] with the first thing that is wrong.
pub fn check(file: &Path) -> Result<Found, CopyError> {
    let scratch = Scratch::beside(file, "checking")?;
    let manifest = unpack(file, Some(&scratch.0))?;
    verify(&scratch.0, manifest)
}

/// Makes a node's folder of a backup. The folder must be empty or absent; it is there whole in the end, or as before.
///
/// # Errors
/// [`CopyError`] with the first thing that is wrong.
pub fn restore(file: &Path, into: &Path, how: Return, now: Millis) -> Result<Found, CopyError> {
    let is_empty = match fs::read_dir(into) {
        Ok(mut listing) => listing.next().is_none(),
        Err(cause) => cause.kind() == std::io::ErrorKind::NotFound,
    };
    if !is_empty {
        return Err(CopyError::Usage(format!("{} is not empty: choose a new folder", into.display())));
    }
    let scratch = Scratch::beside(into, "restoring")?;
    let dir = &scratch.0;
    let manifest = unpack(file, Some(dir))?;
    let found = verify(dir, manifest)?;
    settle(dir, &found.manifest, how, now)?;
    whole_file::sync_all(dir)?;
    whole_file::rename(dir, into)?;
    let elsewhere = elsewhere(into)?;
    Ok(Found { elsewhere, ..found })
}

/// Takes `local.db` alone out of a backup, for a node that lost it.
///
/// # Errors
/// [`CopyError`]; also when the node has one, or the backup is another node's.
pub fn restore_local(file: &Path, config: &NodeConfig) -> Result<Manifest, CopyError> {
    let to = config.model_dir().join(LOCAL_FILE);
    if to.exists() {
        return Err(CopyError::Usage(format!("{} is there: it is not replaced", to.display())));
    }
    let scratch = Scratch::beside(&to, "restoring")?;
    let manifest = unpack(file, Some(&scratch.0))?;
    if manifest.department != config.department {
        let why = format!("this is a backup of {}, not of {}", manifest.department, config.department);
        return Err(CopyError::Usage(why));
    }
    let model = scratch.0.join("data/model");
    Local::check(&model)?;
    whole_file::sync_all(&model)?;
    whole_file::rename(&model.join(LOCAL_FILE), &to)?;
    let mark = config.model_dir().join(LOCAL_LOST);
    if mark.exists() {
        fs::remove_file(&mark).map_err(CopyError::io(&mark))?;
    }
    Ok(manifest)
}

/// A folder that is removed unless it was given its name.
struct Scratch(PathBuf);

impl Scratch {
    fn beside(path: &Path, what: &str) -> Result<Self, CopyError> {
        let path = std::path::absolute(path).map_err(CopyError::io(path))?;
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{what}-{}", std::process::id()));
        let dir = path.with_file_name(name);
        DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(CopyError::io(&dir))?;
        Ok(Self(dir))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.0.exists() {
            // What cannot be removed is named after what it was for.
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

fn verify(dir: &Path, manifest: Manifest) -> Result<Found, CopyError> {
    let witness = match follow(dir, &manifest, Care::Weighty) {
        // A transaction with a bad signature may stand in the ledger, refused by every node.
        Err(CopyError::NotValid(_)) => follow(dir, &manifest, Care::All)?,
        followed => followed?,
    };
    let (proven, witness) = witness;
    let genesis = genesis(dir)?;
    let chain = witness.state().chain();
    if chain != chain_id(genesis.payload()) || chain != manifest.chain {
        return Err(CopyError::NotValid("ledger, genesis.tx and manifest are not of one chain".into()));
    }
    Local::check(&dir.join("data/model"))?;
    pages(dir, &manifest).try_for_each(|page| page.map(|_| ()))?;
    Ok(Found { proven, elsewhere: Vec::new(), manifest })
}

type Proven = Option<(u64, Vec<DepartmentId>)>;

/// Follows the ledger to its end, which must be as the manifest says, past the checkpoint in it.
fn follow(dir: &Path, manifest: &Manifest, care: Care) -> Result<(Proven, Witness), CopyError> {
    let ledger = dir.join("data/ledger");
    let note = match fs::read_to_string(ledger.join("checkpoint")) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => None,
        text => Some(SignedCheckpoint::parse(&text.map_err(CopyError::io(&ledger))?).map_err(CopyError::not_valid)?),
    };
    let mut proven = None;
    let mut witness = Witness::new(care);
    let mut reader = LedgerReader::open(&ledger)?;
    while let Some(record) = reader.next_entry()? {
        witness.entry(&record)?;
        if let Some(note) = note.as_ref().filter(|note| note.checkpoint().size == witness.size())
            && proven.is_none()
        {
            proven = Some((witness.size(), witness.proven_by(note)?));
        }
    }
    let extent = &manifest.ledger;
    let reached = (witness.entries(), witness.size(), witness.root(), witness.state().digest());
    if reached != (extent.entries, extent.size, extent.root, extent.state) || reader.torn().is_some() {
        return Err(CopyError::NotValid("the ledger is not the one that the manifest tells of".into()));
    }
    if note.is_some() && proven.is_none() {
        return Err(CopyError::NotValid("the ledger ends before the checkpoint that lies with it".into()));
    }
    Ok((proven, witness))
}

fn genesis(dir: &Path) -> Result<Transaction, CopyError> {
    let path = dir.join("genesis.tx");
    let bytes = fs::read(&path).map_err(CopyError::io(&path))?;
    Transaction::decode(&bytes).map_err(CopyError::not_valid)
}

/// The pages of the node's keyed store.
fn pages<'a>(dir: &'a Path, manifest: &'a Manifest) -> impl Iterator<Item = Result<Vec<Pair>, CopyError>> + 'a {
    let names = manifest.files.iter().filter(|file| file.path.starts_with("store/"));
    names.map(|name| {
        let path = dir.join(&name.path);
        let page = decode(&fs::read(&path).map_err(CopyError::io(&path))?);
        page.ok_or_else(|| CopyError::NotValid(format!("{} cannot be read", name.path)))
    })
}

/// Makes the node's keyed store of its pages, fits it to the ledger, and gives the old number up.
fn settle(dir: &Path, manifest: &Manifest, how: Return, now: Millis) -> Result<(), CopyError> {
    let unpacked = dir.join("store");
    let store = Arc::new(NodeStore::open(&dir.join("data/store"))?);
    for page in pages(dir, manifest) {
        let mut batch = Batch::default();
        page?.iter().for_each(|(key, value)| batch.put(key, value));
        store.apply(batch)?;
    }
    store.flush()?;
    let log = LedgerLog::open(&dir.join("data/ledger"))?;
    let keeps_vote = how == Return::WholeCity;
    Consensus::install_copy(&log, &store, &genesis(dir)?, Copied::FromBackup { keeps_vote })?;
    if unpacked.exists() {
        fs::remove_dir_all(&unpacked).map_err(CopyError::io(&unpacked))?;
    }
    if how == Return::Alone {
        let why = format!("it was restored from a backup of {}", manifest.time);
        returned::give_up(&dir.join("data"), Spent { number: manifest.number, why, time: now })?;
    }
    Ok(())
}

/// What `node.toml` names outside of the folder it lies in: other files than those just restored.
fn elsewhere(dir: &Path) -> Result<Vec<PathBuf>, CopyError> {
    let dir = std::path::absolute(dir).map_err(CopyError::io(dir))?;
    let config = NodeConfig::load(&dir.join("node.toml"))?;
    let secret = [config.keys.key_file, config.keys.passphrase_file].into_iter().flatten();
    let own = [config.data_dir, config.genesis, config.keys_dir, config.tls.ca, config.tls.cert, config.tls.key];
    let others = secret.chain([config.departments_dir, config.provider_dir]);
    let outside = own.into_iter().filter(|path| !path.starts_with(&dir));
    Ok(outside.chain(others.filter(|path| !path.exists())).collect())
}
