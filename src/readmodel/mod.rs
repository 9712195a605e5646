//! The read model: what listings, search and audit read, filled from the ledger; and what is local.
//!
//! Two SQLite files a node: `projection.db` is filled by the [`follower`] from the ledger and can be
//! thrown away at any time; `local.db` ([`local::Local`]) holds what stands nowhere else. Every function
//! here blocks: an async caller runs it on a blocking thread.

pub mod accesses;
pub mod audit_counts;
pub mod cases;
pub mod catalog;
pub mod certificates;
pub mod classes;
mod columns;
mod connection;
pub mod error;
pub mod findings;
pub mod follower;
pub mod grants;
#[cfg(test)]
mod grants_tests;
pub mod local;
pub mod page;
pub mod position;
#[cfg(test)]
pub mod postgres_server;
mod projector;
mod schema;
pub mod search;
pub mod stats;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod tombstones;
pub mod transactions;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use parking_lot::RwLock;
use tokio::sync::watch;

use crate::clock::{Clock as _, SystemClock};
use crate::storage::damaged::{self, DAMAGED_DIR};

pub use catalog::published_entry;
use connection::{Durability, Pool};
pub use error::ReadError;
pub use page::{Page, PageRequest};
pub use position::Projected;
use search::{SEARCH_DIR, Search};

/// Name of the projection's file in a node's data directory.
pub const PROJECTION_FILE: &str = "projection.db";
const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/projection");

/// The projection of one node. Cheap to clone.
#[derive(Clone)]
pub struct ReadModel {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    /// Where a damaged file is kept.
    aside: PathBuf,
    pool: RwLock<Pool>,
    search: Search,
    projected: watch::Sender<Projected>,
    /// A reader met damage; the follower will set the file aside.
    damaged: AtomicBool,
}

impl ReadModel {
    /// Opens the projection in a node's data directory, or begins one. A damaged file is set aside and
    /// a new one begun: the ledger fills it again.
    ///
    /// # Errors
    /// [`ReadError`] when the directory cannot be used.
    pub fn open(dir: &Path) -> Result<Self, ReadError> {
        Self::open_keeping(dir, &dir.join(DAMAGED_DIR))
    }

    /// The same, with another folder for what is damaged than one below the directory.
    ///
    /// # Errors
    /// As [`ReadModel::open`].
    pub fn open_keeping(dir: &Path, aside: &Path) -> Result<Self, ReadError> {
        let path = dir.join(PROJECTION_FILE);
        let opened = open_file(&path).or_else(|error| match error {
            ReadError::Corrupt(cause) => {
                set_aside(aside, &path, &cause)?;
                open_file(&path)
            }
            other => Err(other),
        });
        let (pool, projected) = opened?;
        let projected = watch::Sender::new(projected);
        let shared = Shared {
            path,
            aside: aside.to_owned(),
            pool: RwLock::new(pool),
            search: Search::new(dir.join(SEARCH_DIR)),
            projected,
            damaged: AtomicBool::new(false),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// How far the projection has come, and a signal each time it goes on.
    pub fn projected(&self) -> watch::Receiver<Projected> {
        self.shared.projected.subscribe()
    }

    /// Waits until the projection reflects a ledger of `size` transactions; says whether it does.
    pub async fn wait_for(&self, size: u64, timeout: Duration) -> bool {
        let mut projected = self.projected();
        let reached = projected.wait_for(|projected| projected.size >= size);
        matches!(tokio::time::timeout(timeout, reached).await, Ok(Ok(_)))
    }

    /// Whether no reader met damage since the file was opened.
    pub fn is_sound(&self) -> bool {
        !self.shared.damaged.load(Ordering::Relaxed)
    }

    /// Runs one reader in a snapshot, so that its rows and their ledger index belong together.
    fn read<T>(&self, reader: impl FnOnce(&mut SqliteConnection) -> Result<T, ReadError>) -> Result<T, ReadError> {
        let pool = self.shared.pool.read().clone();
        let mut connection = pool.get()?;
        let connection: &mut SqliteConnection = &mut connection;
        let answer = connection.transaction(reader);
        if let Err(ReadError::Corrupt(_)) = &answer {
            self.shared.damaged.store(true, Ordering::Relaxed);
        }
        answer
    }

    /// The follower's own connection.
    fn connect(&self) -> Result<SqliteConnection, ReadError> {
        let mut connection = connection::connect(&self.shared.path, Durability::Rebuildable)?;
        // Indexes of digests are written all over: what is in memory need not be read back.
        connection.batch_execute("PRAGMA cache_size = -16000")?;
        Ok(connection)
    }

    /// Begins the projection anew; the old file is kept aside when it was damaged. Readers that hold
    /// the old file finish on it.
    fn restart(&self, damage: Option<&str>) -> Result<(), ReadError> {
        let mut pool = self.shared.pool.write();
        match damage {
            Some(cause) => set_aside(&self.shared.aside, &self.shared.path, cause)?,
            None => remove(&self.shared.path)?,
        }
        self.shared.search.begin_anew()?;
        let (fresh, projected) = open_file(&self.shared.path)?;
        *pool = fresh;
        self.shared.damaged.store(false, Ordering::Relaxed);
        self.shared.projected.send_replace(projected);
        Ok(())
    }
}

/// Throws a node's projection away; the node fills a new one from the ledger when it starts. The node
/// must not be running.
///
/// # Errors
/// [`ReadError::File`] when a file cannot be removed.
pub fn rebuild(dir: &Path) -> Result<(), ReadError> {
    search::remove(&dir.join(SEARCH_DIR))?;
    remove(&dir.join(PROJECTION_FILE))
}

fn open_file(path: &Path) -> Result<(Pool, Projected), ReadError> {
    let pool = connection::open(path, Durability::Rebuildable, MIGRATIONS)?;
    let projected = position::projected(&mut *pool.get()?)?;
    Ok((pool, projected))
}

/// The database and the files that SQLite keeps beside it.
fn files(path: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|suffix| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    })
}

fn set_aside(aside: &Path, path: &Path, cause: &str) -> Result<(), ReadError> {
    let now = SystemClock.now();
    tracing::error!(cause, kept = %aside.display(), "the projection is damaged: beginning a new one from the ledger");
    for file in files(path).iter().filter(|file| file.exists()) {
        damaged::set_aside(aside, now, file)
            .map_err(|cause| ReadError::File { path: file.display().to_string(), cause: cause.to_string() })?;
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), ReadError> {
    files(path).iter().try_for_each(|file| remove_file(file))
}

fn remove_file(path: &Path) -> Result<(), ReadError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(ReadError::file(path, &error)),
        _ => Ok(()),
    }
}
