//! Connections to the SQLite files: settings, pools and migrations.

use std::path::Path;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::{self, ConnectionManager, CustomizeConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};

use super::error::ReadError;

/// A few connections are enough for one department, and thirteen nodes may share a machine.
const CONNECTIONS_MAX: u32 = 4;
const CONNECTION_WAIT: Duration = Duration::from_secs(5);

pub(super) type Pool = r2d2::Pool<ConnectionManager<SqliteConnection>>;

/// How much a crash of the machine may cost.
#[derive(Clone, Copy, Debug)]
pub(super) enum Durability {
    /// The last transactions; they come from the ledger again.
    Rebuildable,
    /// Nothing.
    Durable,
}

impl Durability {
    fn settings(self) -> String {
        // What can be rebuilt is written back seldom: each time waits for the disk, as the ledger does.
        let (synchronous, checkpoint_pages, cache_kib) = match self {
            Self::Rebuildable => ("NORMAL", 4_000, 2_000),
            Self::Durable => ("FULL", 1_000, 2_000),
        };
        // The wait comes first: already changing the journal's mode may meet a lock.
        format!(
            "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; \
             PRAGMA foreign_keys = ON; PRAGMA cache_size = -{cache_kib}; \
             PRAGMA wal_autocheckpoint = {checkpoint_pages}; PRAGMA journal_size_limit = 16777216;"
        )
    }
}

impl CustomizeConnection<SqliteConnection, r2d2::Error> for Durability {
    fn on_acquire(&self, connection: &mut SqliteConnection) -> Result<(), r2d2::Error> {
        connection.batch_execute(&self.settings()).map_err(r2d2::Error::QueryError)
    }
}

/// One connection outside of the pool. A new node has neither the file nor its folder yet.
pub(super) fn connect(path: &Path, durability: Durability) -> Result<SqliteConnection, ReadError> {
    if let Some(folder) = path.parent() {
        crate::storage::create_directory(folder)
            .map_err(|cause| ReadError::File { path: folder.display().to_string(), cause: cause.to_string() })?;
    }
    let mut connection = SqliteConnection::establish(&path.to_string_lossy())?;
    connection.batch_execute(&durability.settings())?;
    Ok(connection)
}

/// A connection that reads only, beside whoever writes; the file must be there.
pub(super) fn look(path: &Path) -> Result<SqliteConnection, ReadError> {
    let missing = |cause: String| ReadError::File { path: path.display().to_string(), cause };
    std::fs::metadata(path).map_err(|cause| missing(cause.to_string()))?;
    let mut connection = SqliteConnection::establish(&path.to_string_lossy())?;
    connection.batch_execute("PRAGMA busy_timeout = 5000; PRAGMA query_only = ON")?;
    Ok(connection)
}

/// Brings the file to the newest schema, then opens a pool on it. Damage is found here, not by the
/// pool, which would try again until its wait is over.
pub(super) fn open(path: &Path, durability: Durability, migrations: EmbeddedMigrations) -> Result<Pool, ReadError> {
    let mut connection = connect(path, durability)?;
    connection.run_pending_migrations(migrations).map_err(|e| ReadError::from_migration(&*e))?;
    let pool = Pool::builder()
        .max_size(CONNECTIONS_MAX)
        .min_idle(Some(1))
        .test_on_check_out(false)
        .connection_timeout(CONNECTION_WAIT)
        .connection_customizer(Box::new(durability))
        .build_unchecked(ConnectionManager::new(path.to_string_lossy()));
    Ok(pool)
}
