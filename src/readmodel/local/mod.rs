//! What belongs to one node alone: accounts, sessions, their log, settings, tokens, drafts, papers, idempotency keys.
//!
//! Every function blocks, and those that take a password take about 50 ms and 20 MiB besides: an async
//! caller runs them on a blocking thread.

pub mod accounts;
pub mod acts;
pub mod case_forms;
pub mod case_pulls;
pub mod case_slips;
pub mod cases;
pub mod certificates;
pub mod drafts;
pub mod idempotency;
pub mod preparations;
mod schema;
pub mod second_factor;
mod secrets;
pub mod sessions;
mod settings;
pub mod sign_in;
pub mod tokens;

use std::path::Path;
use std::sync::Arc;

use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use parking_lot::{Mutex, RwLock};
use serde::Serialize;
use tokio::sync::watch;

use super::columns::to_json;
use super::connection::{self, Durability, Pool};
use super::error::ReadError;

pub use accounts::{Account, NewAccount};
pub use acts::{Act, ActKind, ActView};
pub use case_forms::CaseForm;
pub use case_pulls::{CaseFact, PullAttempt, PullProblem};
pub use case_slips::CaseSlip;
pub use cases::{CaseMaterial, CaseRecord};
pub use certificates::CertificateDocument;
pub use drafts::{Draft, DraftState};
pub use idempotency::Begin;
pub use second_factor::SecondFactor;
pub use sessions::{NewSession, Session, SessionView};
pub use settings::LocalSettings;
pub use sign_in::SignIn;
pub use tokens::{SystemToken, TokenTerms};

/// The longest paper, in bytes of JSON: a case's materials, or a certificate's document.
pub const PAPER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Name of the file in a node's data directory.
pub const LOCAL_FILE: &str = "local.db";
const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/local");

/// The local database of one node. Cheap to clone.
#[derive(Clone)]
pub struct Local {
    shared: Arc<Shared>,
}

struct Shared {
    pool: Pool,
    /// One password at a time: bounds memory, and lets guesses made at once count one after another.
    hashing: Mutex<secrets::Hasher>,
    /// Changes with each change that people see on an open page.
    changed: watch::Sender<u64>,
    /// As the database has them.
    settings: RwLock<Arc<LocalSettings>>,
}

/// A line of SQLite's own check.
#[derive(QueryableByName)]
struct Checked {
    #[diesel(sql_type = diesel::sql_types::Text)]
    quick_check: String,
}

impl Local {
    /// Opens the local database in a node's data directory, or creates it.
    ///
    /// # Errors
    /// [`ReadError`]; a damaged file is an error, for nothing could fill it again but a backup.
    pub fn open(dir: &Path) -> Result<Self, ReadError> {
        let pool = connection::open(&dir.join(LOCAL_FILE), Durability::Durable, MIGRATIONS)?;
        let settings = RwLock::new(Arc::new(settings::load(&mut *pool.get()?)?));
        let shared = Shared { pool, hashing: Mutex::default(), changed: watch::Sender::new(0), settings };
        let local = Self { shared: Arc::new(shared) };
        local.release_claims()?;
        Ok(local)
    }

    /// A signal after each change that people see on an open page: drafts, and sessions that ended.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changed.subscribe()
    }

    fn tell(&self) {
        self.shared.changed.send_modify(|count| *count += 1);
    }

    /// Copies everything, as it is at one moment, into a new file. Others read and write meanwhile.
    ///
    /// # Errors
    /// [`ReadError`]; also when the file exists.
    pub fn copy_to(&self, path: &Path) -> Result<(), ReadError> {
        let copy = diesel::sql_query("VACUUM INTO ?").bind::<diesel::sql_types::Text, _>(path.to_string_lossy());
        self.with(|connection| Ok(copy.execute(connection).map(|_| ())?))
    }

    /// Reads a local database to its end and says whether it is whole.
    ///
    /// # Errors
    /// [`ReadError::Corrupt`] with what SQLite found first.
    pub fn check(dir: &Path) -> Result<(), ReadError> {
        if !dir.join(LOCAL_FILE).exists() {
            return Ok(());
        }
        let mut connection = connection::connect(&dir.join(LOCAL_FILE), Durability::Durable)?;
        let found: Vec<Checked> = diesel::sql_query("PRAGMA quick_check(1)").load(&mut connection)?;
        match found.into_iter().next() {
            Some(Checked { quick_check }) if quick_check != "ok" => Err(ReadError::Corrupt(quick_check)),
            _ => Ok(()),
        }
    }

    /// Runs one unit of work on a connection, without a transaction of its own.
    fn with<T>(&self, work: impl FnOnce(&mut SqliteConnection) -> Result<T, ReadError>) -> Result<T, ReadError> {
        work(&mut *self.shared.pool.get()?)
    }

    /// Runs one unit of work that reads and then writes: all of it or nothing, and alone.
    fn write<T>(&self, work: impl FnOnce(&mut SqliteConnection) -> Result<T, ReadError>) -> Result<T, ReadError> {
        self.shared.pool.get()?.immediate_transaction(work)
    }
}

/// An error for a value that is too long or empty.
fn bounded(what: &str, value: &str, chars_max: usize) -> Result<(), ReadError> {
    if value.trim().is_empty() || value.chars().count() > chars_max {
        return Err(ReadError::Invalid(format!("{what} is 1 to {chars_max} characters")));
    }
    Ok(())
}

/// A paper as JSON.
fn paper<T: Serialize>(value: &T) -> Result<String, ReadError> {
    let text = to_json(value)?;
    if text.len() > PAPER_BYTES_MAX {
        return Err(ReadError::Invalid(format!("a paper is at most {PAPER_BYTES_MAX} bytes")));
    }
    Ok(text)
}
