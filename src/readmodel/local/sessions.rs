//! Sessions of the portal: a random token in the browser, its digest here.

use diesel::prelude::*;

use crate::clock::Millis;
use crate::readmodel::columns::{column, count, number};
use crate::readmodel::error::ReadError;

use super::Local;
use super::accounts::{Account, AccountRow};
use super::schema::{accounts, sessions};
use super::secrets::{random_token, token_digest};

/// A session ends after this long without a request, in milliseconds.
pub const IDLE_MS_MAX: u64 = 30 * 60_000;
/// A session ends this long after signing in, in milliseconds.
pub const AGE_MS_MAX: u64 = 8 * 3_600_000;
/// Sessions of one account; a further one ends the oldest.
pub const SESSIONS_MAX: usize = 5;
/// A use is written down at most this often: every write waits for the disk.
const TOUCH_MS: u64 = 60_000;

/// A fresh session: the only moment at which its token is known here.
#[derive(Clone)]
pub struct NewSession {
    /// Goes into the browser's cookie.
    pub token: String,
    /// Goes into every form.
    pub csrf: String,
}

/// A session that a request belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Whose.
    pub account: Account,
    /// What every form must bring back.
    pub csrf: String,
    /// When it ends at the latest.
    pub ends: Millis,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions)]
struct SessionRow {
    token_hash: Vec<u8>,
    user: String,
    csrf: String,
    created: i64,
    last_seen: i64,
}

impl SessionRow {
    fn expired(&self, now: Millis) -> bool {
        let age = |since: i64| now.since(Millis(number(since)));
        age(self.created) >= AGE_MS_MAX || age(self.last_seen) >= IDLE_MS_MAX
    }
}

impl Local {
    /// Opens a session for an account that has signed in.
    ///
    /// # Errors
    /// [`ReadError::Unknown`] when there is no such account.
    pub fn open_session(&self, user: &str, now: Millis) -> Result<NewSession, ReadError> {
        let new = NewSession { token: random_token()?, csrf: random_token()? };
        let row = SessionRow {
            token_hash: token_digest(&new.token),
            user: user.to_owned(),
            csrf: new.csrf.clone(),
            created: column(now.0),
            last_seen: column(now.0),
        };
        self.write(|connection| {
            if AccountRow::load(connection, user)?.is_none() {
                return Err(ReadError::Unknown(format!("the account {user}")));
            }
            let old = sessions::created
                .le(column(now.0.saturating_sub(AGE_MS_MAX)))
                .or(sessions::last_seen.le(column(now.0.saturating_sub(IDLE_MS_MAX))));
            diesel::delete(sessions::table.filter(old)).execute(connection)?;
            let surplus: Vec<Vec<u8>> = sessions::table
                .filter(sessions::user.eq(user))
                .order(sessions::created.desc())
                .offset(count(SESSIONS_MAX) - 1)
                .limit(count(SESSIONS_MAX))
                .select(sessions::token_hash)
                .load(connection)?;
            diesel::delete(sessions::table.filter(sessions::token_hash.eq_any(surplus))).execute(connection)?;
            diesel::insert_into(sessions::table).values(row).execute(connection)?;
            Ok(())
        })?;
        Ok(new)
    }

    /// The session of a token, when it has not ended; counts as a use.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn session(&self, token: &str, now: Millis) -> Result<Option<Session>, ReadError> {
        let digest = token_digest(token);
        self.with(|connection| {
            let found: Option<(SessionRow, AccountRow)> = sessions::table
                .inner_join(accounts::table.on(accounts::user.eq(sessions::user)))
                .filter(sessions::token_hash.eq(&digest))
                .select((SessionRow::as_select(), AccountRow::as_select()))
                .first(connection)
                .optional()?;
            let Some((row, account)) = found else { return Ok(None) };
            if row.expired(now) {
                diesel::delete(sessions::table.find(&digest)).execute(connection)?;
                return Ok(None);
            }
            if now.since(Millis(number(row.last_seen))) >= TOUCH_MS {
                let seen = sessions::last_seen.eq(column(now.0));
                let touched = diesel::update(sessions::table.find(&digest)).set(seen).execute(connection);
                // On a full or read-only disk people read on, until their session counts as idle.
                if let Err(error) = touched {
                    tracing::warn!(%error, "the use of a session was not noted");
                }
            }
            let ends = Millis(number(row.created)).plus(AGE_MS_MAX);
            Ok(Some(Session { account: account.account()?, csrf: row.csrf, ends }))
        })
    }

    /// Ends a session; ending one that is not there is fine.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn close_session(&self, token: &str) -> Result<(), ReadError> {
        self.with(|connection| {
            diesel::delete(sessions::table.find(token_digest(token))).execute(connection)?;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::accounts::NewAccount;
    use super::*;
    use crate::domain::Role;

    const NOW: Millis = Millis(1_795_000_000_000);

    fn local() -> (tempfile::TempDir, Local) {
        let dir = tempfile::tempdir().unwrap();
        let local = Local::open(dir.path()).unwrap();
        let roles = &[Role::Clerk, Role::Auditor];
        let new = NewAccount { user: "li.na", display_name: "李娜", password: "12345678", roles, lang: "zh" };
        local.create_account(&new, NOW).unwrap();
        (dir, local)
    }

    #[test]
    fn a_session_ends_when_idle_and_after_a_working_day() {
        let (_dir, local) = local();
        let idle = local.open_session("li.na", NOW).unwrap();
        let found = local.session(&idle.token, NOW.plus(IDLE_MS_MAX - 1)).unwrap().unwrap();
        assert_eq!((found.csrf, found.account.roles.len()), (idle.csrf, 2));
        assert!(local.session(&idle.token, NOW.plus(2 * IDLE_MS_MAX - 2)).unwrap().is_some());
        assert_eq!(local.session(&idle.token, NOW.plus(3 * IDLE_MS_MAX)), Ok(None));
        assert_eq!(local.session(&idle.token, NOW), Ok(None), "an ended session came back");

        let busy = local.open_session("li.na", NOW).unwrap();
        for minutes in (20..480).step_by(20) {
            assert!(local.session(&busy.token, NOW.plus(minutes * 60_000)).unwrap().is_some());
        }
        assert_eq!(local.session(&busy.token, NOW.plus(AGE_MS_MAX)), Ok(None));
    }

    #[test]
    fn sessions_of_an_account_are_few_and_end_with_it() {
        let (_dir, local) = local();
        let opened: Vec<_> = (0..7).map(|n| local.open_session("li.na", NOW.plus(n)).unwrap()).collect();
        let alive = |token: &str| local.session(token, NOW.plus(10)).unwrap().is_some();
        assert_eq!(
            opened.iter().map(|s| alive(&s.token)).collect::<Vec<_>>(),
            [false, false, true, true, true, true, true]
        );
        local.close_session(&opened[6].token).unwrap();
        assert!(!alive(&opened[6].token) && alive(&opened[5].token) && !alive("guess"));
        local.set_roles("li.na", &[Role::Admin]).unwrap();
        assert!(!alive(&opened[5].token));
        assert!(matches!(local.open_session("nobody", NOW), Err(ReadError::Unknown(_))));
    }
}
