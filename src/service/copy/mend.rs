//! What a node does about damage that it meets at its start: it says what is damaged, keeps the damaged files aside, and
//! brings back what others can give it and its own cosignature proves.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::clock::{Clock as _, Millis, SystemClock};
use crate::consensus::{Consensus, ConsensusError};
use crate::ledger::checkpoint::SignedCheckpoint;
use crate::readmodel::ReadError;
use crate::readmodel::local::LOCAL_FILE;
use crate::service::StartError;
use crate::service::config::NodeConfig;
use crate::storage::damaged::{DAMAGED_DIR, set_aside};
use crate::storage::ledger_mend::Damage;
use crate::storage::ledger_reader::LedgerReader;
use crate::storage::node_store::NodeStore;
use crate::storage::{Record, StorageError, whole_file};

use super::CopyError;
use super::backup::last_backup;
use super::lender::{Lender, Source, sources};
use super::returned::{self, Spent};
use super::witness::{Care, Witness};

/// Damaged places in one ledger that are mended; more than these are a disk to be replaced.
const PLACES_MAX: usize = 1_000;
/// A file that is gone comes back in files of about this length.
const FILE_BYTES: usize = 48 * 1024 * 1024;
/// More than this is not kept in memory for one place.
const FETCHED_BYTES_MAX: usize = 192 * 1024 * 1024;
/// Stands in place of a `local.db` that was set aside, so that nobody begins an empty one by accident.
pub const LOCAL_LOST: &str = "local.db.lost";

/// Sees to what kept a node from starting. `Some` says what was mended: the node may be started again.
///
/// # Errors
/// [`CopyError`]: what is lost, what was kept aside, and what the operator has to do.
pub async fn mend(config: &NodeConfig, why: &StartError) -> Result<Option<String>, CopyError> {
    // The attempt to start may have opened it.
    NodeStore::wait_until_free(&config.store_dir())?;
    match why {
        StartError::Storage(StorageError::Damaged { .. })
        | StartError::Consensus(ConsensusError::Storage(StorageError::Damaged { .. })) => {
            ledger(config).await.map(Some).map_err(|cause| CopyError::NotValid(format!("{why}; not mended: {cause}")))
        }
        StartError::Storage(StorageError::StoreDamaged { path, why }) => Err(store_lost(config, path, why)?),
        StartError::Consensus(lost @ (ConsensusError::TailLost { .. } | ConsensusError::StoreLost { .. })) => {
            give_up(config, &format!("what it had acknowledged is gone: {lost}"))?;
            Err(CopyError::NotValid(lost.to_string()))
        }
        StartError::Database(ReadError::Corrupt(cause)) => Err(local_lost(config, cause)?),
        _ => Ok(None),
    }
}

/// Claims that a node's `local.db` was not lost before.
///
/// # Errors
/// [`CopyError::NotValid`] with what to do.
pub fn check_local(config: &NodeConfig) -> Result<(), CopyError> {
    let mark = config.model_dir().join(LOCAL_LOST);
    match fs::read_to_string(&mark) {
        Ok(text) if !config.model_dir().join(LOCAL_FILE).exists() => Err(CopyError::NotValid(text)),
        _ => Ok(()),
    }
}

fn aside(config: &NodeConfig) -> PathBuf {
    config.data_dir.join(DAMAGED_DIR)
}

fn give_up(config: &NodeConfig, why: &str) -> Result<(), CopyError> {
    let Some(own) = config.own() else { return Ok(()) };
    let spent = Spent { number: own.node_id, why: why.to_owned(), time: SystemClock.now() };
    returned::give_up(&config.data_dir, spent)
}

/// The store is kept aside, and the number with it given up.
fn store_lost(config: &NodeConfig, path: &Path, why: &str) -> Result<CopyError, CopyError> {
    give_up(config, "its store, which said what it voted and cosigned, was damaged")?;
    let kept = set_aside(&aside(config), SystemClock.now(), path)?;
    Ok(CopyError::NotValid(format!(
        "{} is damaged ({why}) and kept in {}. Lost with it: what this node voted and cosigned, access records that waited \
         for the ledger, the day's quota counts. The node cannot go on under its number: have the authority give it a new \
         one (`mulu node replace`), then `mulu node rebuild --set-aside --config {}`",
        path.display(),
        kept.display(),
        config.file.display()
    )))
}

/// `local.db` is kept aside, and a mark left in its place.
fn local_lost(config: &NodeConfig, cause: &str) -> Result<CopyError, CopyError> {
    let (dir, now) = (config.model_dir(), SystemClock.now());
    let mut kept = PathBuf::new();
    for suffix in ["-shm", "-wal", ""] {
        let path = dir.join(format!("{LOCAL_FILE}{suffix}"));
        if path.exists() {
            kept = set_aside(&aside(config), now, &path)?;
        }
    }
    let newest = last_backup(&config.data_dir).map_or_else(
        || "this node knows of no backup of itself".to_owned(),
        |last| format!("the newest backup of this node was taken on {} by {}", last.time, last.user),
    );
    let mark = dir.join(LOCAL_LOST);
    let text = format!(
        "local.db is damaged ({cause}) and kept in {}. Lost with it, as far as no backup has them: accounts, sessions and \
         tokens, drafts, the papers of cases, the documents of certificates. {newest}: bring it back with `mulu restore \
         BACKUP --local {}`. To begin with an empty one instead, remove {}",
        kept.display(),
        config.file.display(),
        mark.display()
    );
    whole_file::replace(&mark, text.as_bytes())?;
    Ok(CopyError::NotValid(text))
}

/// Brings damaged entries of the ledger back from other nodes, if they lie below what this node itself cosigned.
async fn ledger(config: &NodeConfig) -> Result<String, CopyError> {
    let own = own_word(config)?;
    let mut reasons = Vec::new();
    for source in sources(config) {
        match ledger_from(config, &own, &source).await {
            Ok(said) => return Ok(said),
            Err(why @ (CopyError::Unavailable(_) | CopyError::NotValid(_))) => reasons.push(why.to_string()),
            Err(why) => return Err(why),
        }
    }
    Err(CopyError::Unavailable(reasons.join("; ")))
}

/// What this node cosigned last: the only word that it needs no one else for.
fn own_word(config: &NodeConfig) -> Result<SignedCheckpoint, CopyError> {
    let store = Arc::new(NodeStore::open(&config.store_dir())?);
    let word = Consensus::last_word(&store)?;
    drop(store);
    NodeStore::wait_until_free(&config.store_dir())?;
    word.ok_or_else(|| CopyError::Unavailable("this node has cosigned nothing yet that could prove it".into()))
}

async fn ledger_from(config: &NodeConfig, own: &SignedCheckpoint, source: &Source) -> Result<String, CopyError> {
    let lender = Lender::new(config, source).await?;
    let mut bench = Bench::lay_out(config)?;
    let mut care = Care::Weighty;
    for _ in 0..PLACES_MAX {
        let dir = bench.dir.clone();
        let size = own.checkpoint().size;
        let seen = super::pull::blocking(move || read_up_to(&dir, size, care)).await?;
        match seen {
            Seen::Damaged(path) => bench.mend(&lender, &path).await?,
            Seen::Reached(witness) if witness.is_as(own.checkpoint()) => {
                bench.check_below(&witness)?;
                return bench.put_in_place(config, SystemClock.now(), source);
            }
            // A transaction with a bad signature may stand in the ledger, refused by every node.
            Seen::Reached(_) if care == Care::Weighty => care = Care::All,
            Seen::Reached(_) => {
                let why = "with its entries the ledger is not the one that this node cosigned".to_owned();
                return Err(CopyError::NotValid(format!("{}: {why}", source.department)));
            }
        }
    }
    Err(CopyError::NotValid(format!("more than {PLACES_MAX} places are damaged")))
}

enum Seen {
    Damaged(PathBuf),
    Reached(Box<Witness>),
}

/// Reads a ledger until it has a size.
fn read_up_to(dir: &Path, size: u64, care: Care) -> Result<Seen, CopyError> {
    let mut witness = Witness::new(care);
    let mut reader = LedgerReader::open(dir)?;
    while witness.size() < size {
        match reader.next_entry() {
            Ok(Some(record)) => drop(witness.entry(&record)?),
            Ok(None) => {
                let why = format!("the ledger ends with {} transactions, this node cosigned {size}", witness.size());
                return Err(CopyError::NotValid(why));
            }
            Err(StorageError::Damaged { path, .. }) => return Ok(Seen::Damaged(path)),
            Err(other) => return Err(other.into()),
        }
    }
    Ok(Seen::Reached(Box::new(witness)))
}

/// The ledger laid out beside itself: links to its files, in whose place come mended ones.
struct Bench {
    dir: PathBuf,
    /// Mended files by their names, with the last entry that was brought back.
    mended: BTreeMap<PathBuf, u64>,
}

impl Drop for Bench {
    fn drop(&mut self) {
        // Links and copies: nothing of the node's own.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

impl Bench {
    fn lay_out(config: &NodeConfig) -> Result<Self, CopyError> {
        let dir = config.data_dir.join("ledger.mending");
        if dir.exists() {
            fs::remove_dir_all(&dir).map_err(CopyError::io(&dir))?;
        }
        fs::create_dir_all(&dir).map_err(CopyError::io(&dir))?;
        let bench = Self { dir, mended: BTreeMap::new() };
        let ledger = config.ledger_dir();
        for item in fs::read_dir(&ledger).map_err(CopyError::io(&ledger))? {
            let path = item.map_err(CopyError::io(&ledger))?.path();
            // Also what says that a part lies in an archive.
            if path.is_file() && path.file_name().is_some_and(|name| name != "LOCK") {
                let link = bench.dir.join(path.file_name().unwrap_or_default());
                symlink(&path, &link).map_err(CopyError::io(&link))?;
            }
        }
        Ok(bench)
    }

    async fn mend(&mut self, lender: &Lender, path: &Path) -> Result<(), CopyError> {
        let lost = || CopyError::NotValid(format!("nothing whole follows the damage in {}", path.display()));
        let mut damage = Damage::examine(&self.dir, path)?.ok_or_else(lost)?;
        let (mut entries, mut bytes): (Vec<Record>, usize) = (Vec::new(), 0);
        while let Some(next) = (damage.first..=damage.last).nth(entries.len()) {
            let more = lender.entries(next).await?;
            if more.is_empty() {
                return Err(CopyError::Unavailable(format!("{} does not have entry {next}", lender.department)));
            }
            bytes += more.iter().map(|record| record.data.len()).sum::<usize>();
            entries.extend(more.into_iter().take_while(|record| record.index <= damage.last));
            if bytes > FETCHED_BYTES_MAX {
                return Err(CopyError::NotValid("too much is missing to be mended: rebuild the node".into()));
            }
            if bytes > FILE_BYTES
                && let Some(last) = entries.last()
            {
                damage.end_with(last.index);
            }
        }
        let new = self.dir.join("mended");
        damage.write_mended(&new, &entries)?;
        let name = damage.file_name();
        whole_file::rename(&new, &self.dir.join(&name))?;
        self.mended.insert(name, damage.last);
        Ok(())
    }

    /// What came back must lie wholly below what this node cosigned: only that it vouches for itself.
    fn check_below(&self, witness: &Witness) -> Result<(), CopyError> {
        match self.mended.values().max() {
            None => Err(CopyError::NotValid("the damage lies above what this node cosigned".into())),
            Some(last) if *last > witness.entries() => {
                Err(CopyError::NotValid("the damage reaches above what this node cosigned".into()))
            }
            Some(_) => Ok(()),
        }
    }

    fn put_in_place(&self, config: &NodeConfig, now: Millis, source: &Source) -> Result<String, CopyError> {
        for name in self.mended.keys() {
            let path = config.ledger_dir().join(name);
            if path.exists() {
                set_aside(&aside(config), now, &path)?;
            }
            whole_file::rename(&self.dir.join(name), &path)?;
        }
        let names: Vec<String> = self.mended.keys().map(|name| name.display().to_string()).collect();
        let kept = aside(config).join(now.0.to_string());
        Ok(format!(
            "damaged entries of {} came back from {}, proven by what this node cosigned; the damaged files are kept in {}",
            names.join(", "),
            source.department,
            kept.display()
        ))
    }
}
