//! Sessions of the portal: a random token in the browser, its digest here.

use std::net::IpAddr;

use diesel::prelude::*;

use crate::clock::Millis;
use crate::domain::settings::Settings;
use crate::readmodel::columns::{column, count, number};
use crate::readmodel::error::ReadError;

use super::Local;
use super::accounts::{Account, AccountRow};
use super::schema::{accounts, sessions};
use super::secrets::{random_token, token_digest};

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

/// A session as its owner sees it in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionView {
    /// Names it: the digest of its token, in hexadecimal.
    pub id: String,
    /// When it began.
    pub created: Millis,
    /// When it was last used, to the minute.
    pub last_seen: Millis,
    /// From where it was opened, as the node saw it.
    pub from: Option<IpAddr>,
}

/// The name of a token's session in a list.
pub fn session_id(token: &str) -> String {
    hex::encode(token_digest(token))
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions)]
struct SessionRow {
    token_hash: Vec<u8>,
    user: String,
    csrf: String,
    created: i64,
    last_seen: i64,
    address: Option<String>,
}

impl SessionRow {
    fn expired(&self, by: &Settings, now: Millis) -> bool {
        let age = |since: i64| now.since(Millis(number(since)));
        age(self.created) >= by.age_ms() || age(self.last_seen) >= by.idle_ms()
    }

    fn session(self, account: AccountRow, by: &Settings) -> Result<Session, ReadError> {
        let ends = Millis(number(self.created)).plus(by.age_ms());
        Ok(Session { account: account.account()?, csrf: self.csrf, ends })
    }
}

/// Ends the sessions that are over by some settings.
pub(super) fn end_old(connection: &mut SqliteConnection, by: &Settings, now: Millis) -> Result<(), ReadError> {
    let old = sessions::created
        .le(column(now.0.saturating_sub(by.age_ms())))
        .or(sessions::last_seen.le(column(now.0.saturating_sub(by.idle_ms()))));
    diesel::delete(sessions::table.filter(old)).execute(connection)?;
    Ok(())
}

impl Local {
    /// Opens a session for an account that has signed in.
    ///
    /// # Errors
    /// [`ReadError::Unknown`] when there is no such account.
    pub fn open_session(&self, user: &str, from: Option<IpAddr>, now: Millis) -> Result<NewSession, ReadError> {
        let new = NewSession { token: random_token()?, csrf: random_token()? };
        let row = SessionRow {
            token_hash: token_digest(&new.token),
            user: user.to_owned(),
            csrf: new.csrf.clone(),
            created: column(now.0),
            last_seen: column(now.0),
            address: from.map(|from| from.to_string()),
        };
        self.write(|connection| {
            if AccountRow::load(connection, user)?.is_none() {
                return Err(ReadError::Unknown(format!("the account {user}")));
            }
            end_old(connection, &self.settings().settings, now)?;
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

    /// The session of a token, when it has not ended. Counts as a use when a person asked: what a page that lies
    /// open asks by itself must not keep its session alive.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn session(&self, token: &str, attended: bool, now: Millis) -> Result<Option<Session>, ReadError> {
        let (digest, kept) = (token_digest(token), self.settings());
        let by = &kept.settings;
        self.with(|connection| {
            let found: Option<(SessionRow, AccountRow)> = sessions::table
                .inner_join(accounts::table.on(accounts::user.eq(sessions::user)))
                .filter(sessions::token_hash.eq(&digest))
                .select((SessionRow::as_select(), AccountRow::as_select()))
                .first(connection)
                .optional()?;
            let Some((row, account)) = found else { return Ok(None) };
            if row.expired(by, now) {
                diesel::delete(sessions::table.find(&digest)).execute(connection)?;
                return Ok(None);
            }
            if !attended {
                return row.session(account, by).map(Some);
            }
            if now.since(Millis(number(row.last_seen))) >= TOUCH_MS {
                let seen = sessions::last_seen.eq(column(now.0));
                let touched = diesel::update(sessions::table.find(&digest)).set(seen).execute(connection);
                // On a full or read-only disk people read on, until their session counts as idle.
                if let Err(error) = touched {
                    tracing::warn!(%error, "the use of a session was not noted");
                }
            }
            row.session(account, by).map(Some)
        })
    }

    /// Sessions of an account that have not ended, newest first.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn sessions_of(&self, user: &str, now: Millis) -> Result<Vec<SessionView>, ReadError> {
        let rows: Vec<SessionRow> = self.with(|connection| {
            let of_user = sessions::table.filter(sessions::user.eq(user)).order(sessions::created.desc());
            Ok(of_user.limit(count(SESSIONS_MAX)).select(SessionRow::as_select()).load(connection)?)
        })?;
        let view = |row: SessionRow| SessionView {
            id: hex::encode(&row.token_hash),
            created: Millis(number(row.created)),
            last_seen: Millis(number(row.last_seen)),
            from: row.address.and_then(|from| from.parse().ok()),
        };
        let kept = self.settings();
        Ok(rows.into_iter().filter(|row| !row.expired(&kept.settings, now)).map(view).collect())
    }

    /// Ends one session of an account by its name in the list; says whether there was one.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn end_session(&self, user: &str, id: &str) -> Result<bool, ReadError> {
        let Ok(digest) = hex::decode(id) else { return Ok(false) };
        let of_user = sessions::table.filter(sessions::user.eq(user)).filter(sessions::token_hash.eq(digest));
        let ended = self.with(|connection| Ok(diesel::delete(of_user).execute(connection)? > 0));
        self.tell();
        ended
    }

    /// Ends every session of an account.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn end_sessions(&self, user: &str) -> Result<(), ReadError> {
        self.with(|connection| {
            diesel::delete(sessions::table.filter(sessions::user.eq(user))).execute(connection)?;
            Ok(())
        })?;
        self.tell();
        Ok(())
    }

    /// Ends a session; ending one that is not there is fine.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn close_session(&self, token: &str) -> Result<(), ReadError> {
        self.with(|connection| {
            diesel::delete(sessions::table.find(token_digest(token))).execute(connection)?;
            Ok(())
        })?;
        self.tell();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::accounts::NewAccount;
    use super::*;
    use crate::domain::Role;

    const NOW: Millis = Millis(1_795_000_000_000);
    const IDLE_MS_MAX: u64 = 30 * 60_000;
    const AGE_MS_MAX: u64 = 8 * 3_600_000;

    fn local() -> (tempfile::TempDir, Local) {
        let dir = tempfile::tempdir().unwrap();
        let local = Local::open(dir.path()).unwrap();
        let roles = &[Role::Clerk, Role::Auditor];
        let new =
            NewAccount { user: "li.na", display_name: "李娜", password: "12345678", once: false, roles, lang: "zh" };
        local.create_account(&new, NOW).unwrap();
        (dir, local)
    }

    #[test]
    fn a_session_ends_when_idle_and_after_a_working_day() {
        let (_dir, local) = local();
        let idle = local.open_session("li.na", None, NOW).unwrap();
        let found = local.session(&idle.token, true, NOW.plus(IDLE_MS_MAX - 1)).unwrap().unwrap();
        assert_eq!((found.csrf, found.account.roles.len()), (idle.csrf, 2));
        assert!(local.session(&idle.token, true, NOW.plus(2 * IDLE_MS_MAX - 2)).unwrap().is_some());
        assert_eq!(local.session(&idle.token, true, NOW.plus(3 * IDLE_MS_MAX)), Ok(None));
        assert_eq!(local.session(&idle.token, true, NOW), Ok(None), "an ended session came back");

        let busy = local.open_session("li.na", None, NOW).unwrap();
        for minutes in (20..480).step_by(20) {
            assert!(local.session(&busy.token, true, NOW.plus(minutes * 60_000)).unwrap().is_some());
        }
        assert_eq!(local.session(&busy.token, true, NOW.plus(AGE_MS_MAX)), Ok(None));
    }

    #[test]
    fn sessions_of_an_account_are_few_and_end_with_it() {
        let (_dir, local) = local();
        let opened: Vec<_> = (0..7).map(|n| local.open_session("li.na", None, NOW.plus(n)).unwrap()).collect();
        let alive = |token: &str| local.session(token, true, NOW.plus(10)).unwrap().is_some();
        assert_eq!(
            opened.iter().map(|s| alive(&s.token)).collect::<Vec<_>>(),
            [false, false, true, true, true, true, true]
        );
        local.close_session(&opened[6].token).unwrap();
        assert!(!alive(&opened[6].token) && alive(&opened[5].token) && !alive("guess"));
        local.set_roles("li.na", &[Role::Admin]).unwrap();
        assert!(!alive(&opened[5].token));
        assert!(matches!(local.open_session("nobody", None, NOW), Err(ReadError::Unknown(_))));
    }

    #[test]
    fn a_page_that_lies_open_does_not_keep_its_session_alive() {
        let (_dir, local) = local();
        let opened = local.open_session("li.na", "10.1.2.3".parse().ok(), NOW).unwrap();
        for minutes in 1..30 {
            assert!(local.session(&opened.token, false, NOW.plus(minutes * 60_000)).unwrap().is_some());
        }
        assert_eq!(local.session(&opened.token, false, NOW.plus(IDLE_MS_MAX)), Ok(None));
    }

    #[test]
    fn a_person_ends_a_session_of_the_list_and_only_of_their_own() {
        let (_dir, local) = local();
        let (one, other) = (local.open_session("li.na", "10.1.2.3".parse().ok(), NOW).unwrap(), NOW.plus(1));
        let other = local.open_session("li.na", None, other).unwrap();
        let listed = local.sessions_of("li.na", NOW.plus(1)).unwrap();
        assert_eq!(
            listed.iter().map(|one| one.id.clone()).collect::<Vec<_>>(),
            [session_id(&other.token), session_id(&one.token)]
        );
        assert_eq!(listed[1].from, "10.1.2.3".parse().ok());
        assert_eq!(local.end_session("zhao", &listed[1].id), Ok(false));
        assert_eq!(local.end_session("li.na", "no id"), Ok(false));
        assert_eq!(local.end_session("li.na", &listed[1].id), Ok(true));
        assert_eq!(local.session(&one.token, true, NOW.plus(1)), Ok(None));
        local.end_sessions("li.na").unwrap();
        assert!(local.sessions_of("li.na", NOW.plus(1)).unwrap().is_empty());
        let resting = local.open_session("li.na", None, NOW).unwrap();
        local.set_disabled("li.na", Some(NOW)).unwrap();
        assert_eq!(local.session(&resting.token, true, NOW), Ok(None), "an account that rests has a session");
    }
}
