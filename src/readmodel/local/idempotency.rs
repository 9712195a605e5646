//! Idempotency keys: the same request again gets the first answer, and its work is done once.

use diesel::prelude::*;

use crate::clock::Millis;
use crate::crypto::digest::Hash;
use crate::ids::TxId;
use crate::readmodel::columns::{column, count, from_text, number};
use crate::readmodel::error::ReadError;

use super::schema::idempotency_keys as keys;
use super::{Local, bounded};

/// How long an answer is kept, in milliseconds.
pub const KEPT_MS: u64 = 24 * 3_600_000;
/// Work that takes longer than this was given up, in milliseconds: the next request takes it up again.
pub const CLAIM_MS: u64 = 60_000;
/// Keys of one node; the oldest give way.
pub const KEYS_MAX: usize = 100_000;
/// The longest key, in characters.
pub const KEY_CHARS_MAX: usize = 128;
/// The longest answer that is kept, in bytes.
pub const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// Old keys removed with each new one: more than one, so that the table shrinks.
const REMOVED_MAX: i64 = 20;

/// What to do with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// Do it, then call [`Local::finish`] or [`Local::abandon`]. A transaction made for it takes this id:
    /// work that a crash interrupted gets the same id again, and the ledger counts an id once.
    New {
        /// The transaction's id.
        reserved: TxId,
    },
    /// It was done: give this answer.
    Replay {
        /// HTTP status.
        status: u16,
        /// Body.
        body: String,
    },
    /// It is being done at this moment.
    InProgress,
    /// The key was used for another request.
    Mismatch,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = keys)]
struct KeyRow {
    scope: String,
    key: String,
    digest: Vec<u8>,
    reserved: String,
    begun: i64,
    claimed: i64,
    status: Option<i32>,
    body: Option<String>,
}

impl Local {
    /// Looks a request up and claims it when it is new. `scope` names the account or system, `digest` the
    /// request with its method, path and body.
    ///
    /// # Errors
    /// [`ReadError::Invalid`] for an empty or overlong key.
    pub fn begin(&self, scope: &str, key: &str, digest: Hash, now: Millis) -> Result<Begin, ReadError> {
        bounded("an idempotency key", key, KEY_CHARS_MAX)?;
        self.write(|connection| {
            remove_old(connection, now)?;
            let row: Option<KeyRow> =
                keys::table.find((scope, key)).select(KeyRow::as_select()).first(connection).optional()?;
            let live = row.filter(|row| now.since(Millis(number(row.begun))) < KEPT_MS);
            let reserved = match live {
                Some(row) if row.digest != digest.0 => return Ok(Begin::Mismatch),
                Some(KeyRow { status: Some(status), body: Some(body), .. }) => {
                    return Ok(Begin::Replay { status: u16::try_from(status).unwrap_or(500), body });
                }
                Some(row) if now.since(Millis(number(row.claimed))) < CLAIM_MS => return Ok(Begin::InProgress),
                Some(row) => from_text(&row.reserved)?,
                None => TxId::new(now),
            };
            let begun = now.0.min(reserved.time().0);
            let row = KeyRow {
                scope: scope.to_owned(),
                key: key.to_owned(),
                digest: digest.0.to_vec(),
                reserved: reserved.to_string(),
                begun: column(begun),
                claimed: column(now.0),
                status: None,
                body: None,
            };
            diesel::replace_into(keys::table).values(row).execute(connection)?;
            Ok(Begin::New { reserved })
        })
    }

    /// Keeps the answer of a request that was begun. An answer that is too long is not kept, and its
    /// request stays claimed until its time is over.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn finish(&self, scope: &str, key: &str, status: u16, body: &str) -> Result<(), ReadError> {
        if body.len() > ANSWER_BYTES_MAX {
            return Err(ReadError::Invalid(format!("an answer to keep is at most {ANSWER_BYTES_MAX} bytes")));
        }
        self.with(|connection| {
            diesel::update(keys::table.find((scope, key)))
                .set((keys::status.eq(i32::from(status)), keys::body.eq(body)))
                .execute(connection)?;
            Ok(())
        })
    }

    /// Forgets a request that was begun and changed nothing, so that it can be tried again at once.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn abandon(&self, scope: &str, key: &str) -> Result<(), ReadError> {
        self.with(|connection| {
            diesel::delete(keys::table.find((scope, key)).filter(keys::status.is_null())).execute(connection)?;
            Ok(())
        })
    }

    /// Lets a request that was begun, and may be half done, be taken up again at once under the same id.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn release(&self, scope: &str, key: &str) -> Result<(), ReadError> {
        self.with(|connection| {
            let open = keys::table.find((scope, key)).filter(keys::status.is_null());
            diesel::update(open).set(keys::claimed.eq(0)).execute(connection)?;
            Ok(())
        })
    }

    /// Nothing is in progress when a node starts.
    pub(super) fn release_claims(&self) -> Result<(), ReadError> {
        self.with(|connection| {
            let open = keys::table.filter(keys::status.is_null());
            diesel::update(open).set(keys::claimed.eq(0)).execute(connection)?;
            Ok(())
        })
    }
}

fn remove_old(connection: &mut SqliteConnection, now: Millis) -> Result<(), ReadError> {
    let oldest: Vec<(String, String, i64)> = keys::table
        .order(keys::begun.asc())
        .limit(REMOVED_MAX)
        .select((keys::scope, keys::key, keys::begun))
        .load(connection)?;
    let rows: i64 = keys::table.count().get_result(connection)?;
    let mut surplus = rows.saturating_sub(count(KEYS_MAX) - 1);
    for (scope, key, begun) in oldest {
        if surplus <= 0 && now.since(Millis(number(begun))) < KEPT_MS {
            break;
        }
        surplus -= 1;
        diesel::delete(keys::table.find((scope, key))).execute(connection)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_795_000_000_000);
    const ONE: Hash = Hash([1; 32]);
    const TWO: Hash = Hash([2; 32]);

    fn reserved(begin: Result<Begin, ReadError>) -> TxId {
        match begin {
            Ok(Begin::New { reserved }) => reserved,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_same_request_gets_the_first_answer() {
        let dir = tempfile::tempdir().unwrap();
        let local = Local::open(dir.path()).unwrap();
        reserved(local.begin("li.na", "k", ONE, NOW));
        assert_eq!(local.begin("li.na", "k", ONE, NOW.plus(1)), Ok(Begin::InProgress));
        assert_eq!(local.begin("li.na", "k", TWO, NOW.plus(1)), Ok(Begin::Mismatch));
        reserved(local.begin("wang", "k", TWO, NOW));
        local.finish("li.na", "k", 201, "{\"id\":1}").unwrap();
        let replay = Begin::Replay { status: 201, body: "{\"id\":1}".into() };
        assert_eq!(local.begin("li.na", "k", ONE, NOW.plus(KEPT_MS - 1)), Ok(replay));
        assert_eq!(local.begin("li.na", "k", TWO, NOW.plus(5)), Ok(Begin::Mismatch));
        reserved(local.begin("li.na", "k", TWO, NOW.plus(KEPT_MS)));
        assert!(matches!(local.begin("li.na", "", ONE, NOW), Err(ReadError::Invalid(_))));
    }

    #[test]
    fn interrupted_work_is_taken_up_under_the_same_id() {
        let dir = tempfile::tempdir().unwrap();
        let first = reserved(Local::open(dir.path()).unwrap().begin("li.na", "k", ONE, NOW));
        let local = Local::open(dir.path()).unwrap();
        assert_eq!(reserved(local.begin("li.na", "k", ONE, NOW.plus(1))), first);
        assert_eq!(local.begin("li.na", "k", ONE, NOW.plus(2)), Ok(Begin::InProgress));
        assert_eq!(reserved(local.begin("li.na", "k", ONE, NOW.plus(1 + CLAIM_MS))), first);
        local.release("li.na", "k").unwrap();
        assert_eq!(reserved(local.begin("li.na", "k", ONE, NOW.plus(3))), first);
        local.abandon("li.na", "k").unwrap();
        assert_ne!(reserved(local.begin("li.na", "k", TWO, NOW.plus(3))), first);
    }
}
