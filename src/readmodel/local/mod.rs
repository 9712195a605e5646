//! What belongs to one node alone: accounts, sessions, tokens, drafts, papers, idempotency keys.
//!
//! Every function blocks, and those that take a password take about 50 ms and 20 MiB besides: an async
//! caller runs them on a blocking thread.

pub mod accounts;
pub mod drafts;
pub mod idempotency;
pub mod papers;
mod schema;
mod secrets;
pub mod sessions;
pub mod sign_in;
pub mod tokens;

use std::path::Path;
use std::sync::Arc;

use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use parking_lot::Mutex;

use super::connection::{self, Durability, Pool};
use super::error::ReadError;

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
}

impl Local {
    /// Opens the local database in a node's data directory, or creates it.
    ///
    /// # Errors
    /// [`ReadError`]; a damaged file is an error, for nothing could fill it again but a backup.
    pub fn open(dir: &Path) -> Result<Self, ReadError> {
        let pool = connection::open(&dir.join(LOCAL_FILE), Durability::Durable, MIGRATIONS)?;
        let local = Self { shared: Arc::new(Shared { pool, hashing: Mutex::new(secrets::Hasher::default()) }) };
        local.release_claims()?;
        Ok(local)
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
