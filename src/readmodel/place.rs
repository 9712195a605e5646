//! Where a projection lies: a file of the node's own, or a schema of a PostgreSQL server.

use std::path::{Path, PathBuf};
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use super::connection::{self, Durability};
use super::database::Database;
use super::error::ReadError;
use super::position::{self, Projected};
use super::server::Server;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/projection");
/// How long a server gives one statement of a reader.
pub(super) const READ_TIME_MAX: Duration = Duration::from_secs(15);

/// Where a projection lies.
#[derive(Clone)]
pub(super) enum Place {
    File(PathBuf),
    Server(Server),
}

impl Place {
    /// Brings the tables to their newest form; says how far they are filled.
    pub fn prepare(&self) -> Result<Projected, ReadError> {
        let mut connection = match self {
            Self::File(path) => {
                let mut connection = connection::connect(path, Durability::Rebuildable)?;
                connection.run_pending_migrations(MIGRATIONS).map_err(|e| ReadError::from_migration(&*e))?;
                Database::Sqlite(connection)
            }
            Self::Server(_) => self.writer()?.0,
        };
        position::projected(&mut connection)
    }

    /// A reader's connection, to whose statements a server gives so much time each.
    pub fn reader(&self, time_max: Duration) -> Result<Database, ReadError> {
        Ok(match self {
            Self::File(path) => Database::Sqlite(connection::connect(path, Durability::Rebuildable)?),
            Self::Server(server) => Database::Postgres(server.reader(time_max)?),
        })
    }

    /// The one connection that writes, and whether the tables were made just now.
    pub fn writer(&self) -> Result<(Database, bool), ReadError> {
        match self {
            Self::File(path) => {
                let mut connection = connection::connect(path, Durability::Rebuildable)?;
                // Indexes of digests are written all over: what is in memory need not be read back.
                connection.batch_execute("PRAGMA cache_size = -16000")?;
                Ok((Database::Sqlite(connection), false))
            }
            Self::Server(server) => {
                server.writer().map(|(connection, is_new)| (Database::Postgres(connection), is_new))
            }
        }
    }

    /// A connection beside a node that may be running; nothing is changed.
    pub fn look(&self) -> Result<Database, ReadError> {
        match self {
            Self::File(path) => connection::look(path).map(Database::Sqlite),
            Self::Server(_) => self.reader(READ_TIME_MAX),
        }
    }

    /// Removes everything.
    pub fn remove(&self) -> Result<(), ReadError> {
        match self {
            Self::File(path) => files(path).iter().try_for_each(|file| super::remove_file(file)),
            Self::Server(server) => server.remove(),
        }
    }
}

/// The database and the files that SQLite keeps beside it.
pub(super) fn files(path: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|suffix| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    })
}
