//! Connections of the projection's readers: opened when asked for, then kept, a few at a time.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::database::Database;
use super::error::ReadError;
use super::place::{Place, READ_TIME_MAX};

/// A few connections are enough for one department, and thirteen nodes may share a machine.
const CONNECTIONS_MAX: usize = 4;
const CONNECTION_WAIT: Duration = Duration::from_secs(5);
/// Readers that do not come back from a server, beside whom others get a place.
const LOST_MAX: usize = 8;

/// Readers' connections to one database.
pub(super) struct Pool {
    place: Place,
    /// How long a server may take for one statement.
    time_max: Duration,
    seats: Mutex<Seats>,
    freed: Condvar,
}

#[derive(Default)]
struct Seats {
    idle: Vec<Database>,
    /// When each reader began, by its number.
    taken: BTreeMap<u64, Instant>,
    next: u64,
}

impl Seats {
    /// Whether one more may read. Nobody waits for those who have been away longer than a server gives a statement twice.
    fn has_room(&self, time_max: Duration) -> bool {
        let here = self.taken.values().filter(|began| began.elapsed() < 2 * time_max).count();
        here < CONNECTIONS_MAX && self.taken.len() < CONNECTIONS_MAX + LOST_MAX
    }
}

/// A reader's place; it is free again when this is dropped.
struct Seat<'a> {
    pool: &'a Pool,
    number: u64,
    kept: Option<Database>,
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut seats = self.pool.seats.lock();
        seats.taken.remove(&self.number);
        if seats.idle.len() < CONNECTIONS_MAX {
            seats.idle.extend(self.kept.take());
        }
        self.pool.freed.notify_one();
    }
}

impl Pool {
    /// A pool without connections yet.
    pub fn new(place: Place) -> Self {
        Self::with_time(place, READ_TIME_MAX)
    }

    /// The same with another bound of a statement's time.
    pub fn with_time(place: Place, time_max: Duration) -> Self {
        Self { place, time_max, seats: Mutex::default(), freed: Condvar::new() }
    }

    /// Runs one reader in a snapshot, so that its rows and their ledger index belong together.
    pub fn read<T>(&self, reader: impl FnOnce(&mut Database) -> Result<T, ReadError>) -> Result<T, ReadError> {
        let mut seat = self.take()?;
        let idle = self.seats.lock().idle.pop();
        let mut connection = match idle.map(begun) {
            Some(Ok(connection)) => connection,
            // A server was restarted meanwhile: the others that were kept are of no use either.
            Some(Err(_)) => {
                self.seats.lock().idle.clear();
                begun(self.place.reader(self.time_max)?)?
            }
            None => begun(self.place.reader(self.time_max)?)?,
        };
        let began = Instant::now();
        let answer = connection.finish(reader);
        let late = connection.is_server() && began.elapsed() >= self.time_max;
        if answer.as_ref().err().is_none_or(|error| !error.is_of_the_database()) {
            seat.kept = Some(connection);
        }
        match answer {
            // The server ends a question at its time, in words of its own language.
            Err(ReadError::Database(_)) if late => Err(ReadError::Busy("the question took too long".into())),
            answer => answer,
        }
    }

    fn take(&self) -> Result<Seat<'_>, ReadError> {
        let deadline = Instant::now() + CONNECTION_WAIT;
        let mut seats = self.seats.lock();
        while !seats.has_room(self.time_max) {
            if self.freed.wait_until(&mut seats, deadline).timed_out() {
                return Err(ReadError::Busy("all connections are in use".into()));
            }
        }
        let number = seats.next;
        seats.next += 1;
        seats.taken.insert(number, Instant::now());
        Ok(Seat { pool: self, number, kept: None })
    }
}

fn begun(mut connection: Database) -> Result<Database, ReadError> {
    connection.begin_snapshot()?;
    Ok(connection)
}
