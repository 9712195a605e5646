//! The projection's database, a SQLite file or a schema of a PostgreSQL server: one connection over both.

use diesel::connection::{AnsiTransactionManager, SimpleConnection as _, TransactionManager as _};
use diesel::pg::PgConnection;
use diesel::sqlite::SqliteConnection;

use super::error::ReadError;

/// A connection to either. Queries are written once; what the two do not share goes through [`on_each`].
#[derive(diesel::MultiConnection)]
pub(super) enum Database {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// Rows of one statement over PostgreSQL: its parameters are counted with 16 bits.
pub(super) const ROWS_MAX: usize = 1_000;

/// Runs a statement that each of the two understands, and that diesel's common connection cannot promise, such as
/// `ON CONFLICT`.
macro_rules! on_each {
    ($connection:expr, |$each:ident| $work:expr) => {
        match $connection {
            $crate::readmodel::database::Database::Sqlite($each) => $work,
            $crate::readmodel::database::Database::Postgres($each) => $work,
        }
    };
}

/// Inserts a row, or writes it over the one of the same key.
macro_rules! save_row {
    ($connection:expr, $table:expr, $key:expr, $row:expr) => {
        $crate::readmodel::database::on_each!($connection, |each| diesel::insert_into($table)
            .values($row)
            .on_conflict($key)
            .do_update()
            .set($row)
            .execute(each))
    };
}

/// Inserts rows: over SQLite with one statement a row, prepared once; over PostgreSQL with one for all, because each
/// costs a way to the server and back.
macro_rules! insert_rows {
    ($connection:expr, $table:expr, $rows:expr, |$insert:ident| $whole:expr) => {
        match $connection {
            $crate::readmodel::database::Database::Sqlite(each) => {
                for row in $rows {
                    let $insert = diesel::insert_into($table).values(row);
                    $whole.execute(each)?;
                }
            }
            $crate::readmodel::database::Database::Postgres(each) => {
                for part in $rows.chunks($crate::readmodel::database::ROWS_MAX) {
                    let $insert = diesel::insert_into($table).values(part);
                    $whole.execute(each)?;
                }
            }
        }
    };
}
pub(super) use {insert_rows, on_each, save_row};

impl Database {
    /// Whether it is a server, which plans with statistics and can be away.
    pub fn is_server(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Fails when the server cannot be reached any more.
    pub fn ping(&mut self) -> Result<(), ReadError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(connection) => Ok(connection.batch_execute("SELECT 1")?),
        }
    }

    /// Begins to read what is there at one moment.
    pub fn begin_snapshot(&mut self) -> Result<(), ReadError> {
        match self {
            Self::Sqlite(connection) => AnsiTransactionManager::begin_transaction_sql(connection, "BEGIN")?,
            Self::Postgres(connection) => {
                let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
                AnsiTransactionManager::begin_transaction_sql(connection, begin)?;
            }
        }
        Ok(())
    }

    /// All of the work or nothing, beside readers and no other writer.
    pub fn write<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, ReadError>) -> Result<T, ReadError> {
        match self {
            Self::Sqlite(connection) => AnsiTransactionManager::begin_transaction_sql(connection, "BEGIN IMMEDIATE")?,
            Self::Postgres(connection) => AnsiTransactionManager::begin_transaction_sql(connection, "BEGIN")?,
        }
        self.finish(work)
    }

    /// Does the work of a transaction that was begun, and ends it.
    pub fn finish<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, ReadError>) -> Result<T, ReadError> {
        match work(self) {
            Ok(value) => {
                Self::commit_transaction(self)?;
                Ok(value)
            }
            Err(error) => match Self::rollback_transaction(self) {
                // A server that cannot take this word either is gone, whatever it said before.
                Err(_) if self.is_server() => Err(ReadError::Unreachable(error.to_string())),
                _ => Err(error),
            },
        }
    }
}
