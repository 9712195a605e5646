//! The read model: what listings, search and audit read, filled from the ledger; and what is local.
//!
//! Two databases a node: the projection, `projection.db` or a schema of a PostgreSQL [`server`], is filled by the
//! [`follower`] from the ledger and can be thrown away at any time; `local.db` ([`local::Local`]) holds what stands
//! nowhere else. Every function here blocks: an async caller goes through [`ReadModel::ask`], or a blocking thread.

pub mod accesses;
mod asking;
pub mod audit_counts;
pub mod cases;
pub mod catalog;
pub mod certificates;
pub mod classes;
mod columns;
mod connection;
mod database;
pub mod error;
pub mod findings;
pub mod follower;
pub mod grants;
#[cfg(test)]
mod grants_tests;
pub mod local;
pub mod page;
mod place;
mod pool;
pub mod position;
#[cfg(test)]
pub mod postgres_server;
mod projector;
mod schema;
pub mod search;
pub mod server;
#[cfg(test)]
mod server_tests;
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
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;

use crate::clock::{Clock as _, SystemClock};
use crate::storage::damaged::{self, DAMAGED_DIR};

pub use catalog::published_entry;
use database::Database;
pub use error::ReadError;
pub use page::{Page, PageRequest};
use place::Place;
use pool::Pool;
pub use position::Projected;
use search::{SEARCH_DIR, Search};
use server::Server;

/// Name of the projection's file in a node's data directory.
pub const PROJECTION_FILE: &str = "projection.db";

/// For how long a server may give the follower no sign of life, which it asks for every second.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// The projection of one node. Cheap to clone.
#[derive(Clone)]
pub struct ReadModel {
    shared: Arc<Shared>,
}

struct Shared {
    place: Place,
    /// Where a damaged file is kept.
    aside: PathBuf,
    pool: RwLock<Arc<Pool>>,
    search: Search,
    projected: watch::Sender<Projected>,
    /// A reader met damage; the follower will begin anew.
    damaged: AtomicBool,
    /// What keeps the follower from going on.
    trouble: RwLock<Option<ReadError>>,
    /// Since when the follower has waited for the database's word, while it does.
    asked: Mutex<Option<Instant>>,
}

impl ReadModel {
    /// Opens the projection in a node's data directory, or begins one. A damaged file is set aside and
    /// a new one begun: the ledger fills it again.
    ///
    /// # Errors
    /// [`ReadError`] when the directory cannot be used.
    pub fn open(dir: &Path) -> Result<Self, ReadError> {
        Self::open_keeping(dir, &dir.join(DAMAGED_DIR), None)
    }

    /// The same, with another folder for what is damaged than one below the directory, and perhaps with the rows on a
    /// server instead of in a file. A server that cannot be reached is no error: the follower tries again.
    ///
    /// # Errors
    /// As [`ReadModel::open`].
    pub fn open_keeping(dir: &Path, aside: &Path, server: Option<Server>) -> Result<Self, ReadError> {
        let place = place_of(dir, server);
        let mut trouble = None;
        let projected = match (place.prepare(), &place) {
            (Ok(projected), _) => projected,
            (Err(ReadError::Corrupt(cause)), Place::File(path)) => {
                set_aside(aside, path, &cause)?;
                place.prepare()?
            }
            (Err(error), Place::File(_)) => return Err(error),
            (Err(error), Place::Server(_)) => {
                tracing::warn!(%error, "the projection waits");
                trouble = Some(error);
                Projected::default()
            }
        };
        let shared = Shared {
            pool: RwLock::new(Arc::new(Pool::new(place.clone()))),
            place,
            aside: aside.to_owned(),
            search: Search::new(dir.join(SEARCH_DIR)),
            projected: watch::Sender::new(projected),
            damaged: AtomicBool::new(false),
            trouble: RwLock::new(trouble),
            asked: Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// How far the projection has come, and a signal each time it goes on.
    pub fn projected(&self) -> watch::Receiver<Projected> {
        self.shared.projected.subscribe()
    }

    /// Waits until the projection reflects a ledger of `size` transactions; says whether it does. Nobody waits for a
    /// server that cannot be reached.
    pub async fn wait_for(&self, size: u64, timeout: Duration) -> bool {
        let mut projected = self.projected();
        if self.is_away() {
            return projected.borrow().size >= size;
        }
        let reached = projected.wait_for(|projected| projected.size >= size);
        matches!(tokio::time::timeout(timeout, reached).await, Ok(Ok(_)))
    }

    /// Whether no reader met damage since the file was opened, and the follower reaches its database.
    pub fn is_sound(&self) -> bool {
        let is_stopped = matches!(self.standing(), Some(ReadError::Unreachable(_) | ReadError::Taken(_)));
        !self.is_damaged() && !is_stopped
    }

    /// Whether a reader met damage since the tables were made.
    fn is_damaged(&self) -> bool {
        self.shared.damaged.load(Ordering::Relaxed)
    }

    /// What keeps the projection from going on, for the operator.
    pub fn trouble(&self) -> Option<String> {
        self.standing().as_ref().map(ToString::to_string)
    }

    /// The server that keeps the projection; none where it is a file.
    pub fn server(&self) -> Option<&Server> {
        match &self.shared.place {
            Place::File(_) => None,
            Place::Server(server) => Some(server),
        }
    }

    fn is_away(&self) -> bool {
        matches!(self.standing(), Some(ReadError::Unreachable(_)))
    }

    /// What the follower met last, unless it still waits for a word.
    fn standing(&self) -> Option<ReadError> {
        if self.is_silent() {
            return Some(ReadError::Unreachable("it takes connections, and does not answer".into()));
        }
        self.shared.trouble.read().clone()
    }

    /// Whether the server has left the follower without an answer for too long.
    fn is_silent(&self) -> bool {
        let asked = *self.shared.asked.lock();
        self.server().is_some() && asked.is_some_and(|since| since.elapsed() > SILENCE_MAX)
    }

    /// Notes that the follower begins to wait for the database.
    fn note_asked(&self) {
        *self.shared.asked.lock() = Some(Instant::now());
    }

    /// Notes that it waits no more.
    fn note_answered(&self) {
        *self.shared.asked.lock() = None;
    }

    /// Notes what became of the follower's last step; the log tells each trouble once.
    fn note(&self, trouble: Option<&ReadError>) {
        if self.shared.trouble.read().as_ref() == trouble {
            return;
        }
        match trouble {
            Some(error) => tracing::error!(%error, "the projection waits"),
            None => tracing::info!("the projection goes on"),
        }
        *self.shared.trouble.write() = trouble.cloned();
    }

    /// Runs one reader in a snapshot, so that its rows and their ledger index belong together.
    fn read<T>(&self, reader: impl FnOnce(&mut Database) -> Result<T, ReadError>) -> Result<T, ReadError> {
        if let Some(away @ ReadError::Unreachable(_)) = self.standing() {
            return Err(away);
        }
        let pool = self.shared.pool.read().clone();
        let answer = pool.read(reader);
        if let Err(ReadError::Corrupt(_)) = &answer {
            self.shared.damaged.store(true, Ordering::Relaxed);
        }
        answer
    }

    /// The follower's own connection, and whether its tables were made just now.
    fn connect(&self) -> Result<(Database, bool), ReadError> {
        self.shared.place.writer()
    }

    /// Begins the projection anew; the old file is kept aside when it was damaged. Readers that hold
    /// the old file finish on it.
    fn restart(&self, damage: Option<&str>) -> Result<(), ReadError> {
        let place = &self.shared.place;
        let mut pool = self.shared.pool.write();
        match (damage, place) {
            (Some(cause), Place::File(path)) => set_aside(&self.shared.aside, path, cause)?,
            (Some(cause), Place::Server(_)) => {
                tracing::error!(cause, "the projection is damaged: beginning a new one from the ledger");
                place.remove()?;
            }
            (None, _) => place.remove()?,
        }
        self.shared.search.begin_anew()?;
        let projected = place.prepare()?;
        *pool = Arc::new(Pool::new(place.clone()));
        self.shared.damaged.store(false, Ordering::Relaxed);
        self.shared.projected.send_replace(projected);
        Ok(())
    }
}

fn place_of(dir: &Path, server: Option<Server>) -> Place {
    server.map_or_else(|| Place::File(dir.join(PROJECTION_FILE)), Place::Server)
}

/// Throws a node's projection away; the node fills a new one from the ledger when it starts. The node
/// must not be running.
///
/// # Errors
/// [`ReadError::File`] when a file cannot be removed; what the server says otherwise.
pub fn rebuild(dir: &Path, server: Option<Server>) -> Result<(), ReadError> {
    search::remove(&dir.join(SEARCH_DIR))?;
    place_of(dir, server).remove()
}

fn set_aside(aside: &Path, path: &Path, cause: &str) -> Result<(), ReadError> {
    let now = SystemClock.now();
    tracing::error!(cause, kept = %aside.display(), "the projection is damaged: beginning a new one from the ledger");
    for file in place::files(path).iter().filter(|file| file.exists()) {
        damaged::set_aside(aside, now, file)
            .map_err(|cause| ReadError::File { path: file.display().to_string(), cause: cause.to_string() })?;
    }
    Ok(())
}

fn remove_file(path: &Path) -> Result<(), ReadError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(ReadError::file(path, &error)),
        _ => Ok(()),
    }
}
