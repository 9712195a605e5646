//! The log of sign-ins and settings: added to, never rewritten. Each line bears a digest over all lines before it.
//!
//! Kept for two years, and at most 200,000 lines; older ones are dropped at the old end. Failures at signing in, which
//! strangers can cause, take at most 1,000 lines of a day.

use std::net::IpAddr;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::{DAY_MS, Millis};
use crate::crypto::digest::sm3;
use crate::readmodel::columns::{column, count, number};
use crate::readmodel::error::ReadError;
use crate::readmodel::page::{Page, PageRequest};

use super::Local;
use super::schema::acts;

/// Lines that are kept.
pub const LINES_MAX: usize = 200_000;
/// How long a line is kept, in milliseconds.
pub const AGE_MS_MAX: u64 = 730 * DAY_MS;
/// Lines of one day about failures at signing in.
pub const FAILURES_A_DAY_MAX: usize = 1_000;
/// Who acts at the node's own command line.
pub const OPERATOR: &str = "operator";
/// A setting of 500 characters, before and after.
const TEXT_CHARS_MAX: usize = 1_010;

macro_rules! kinds {
    ($($kind:ident $word:literal;)*) => {
        /// What was done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        #[expect(missing_docs, reason = "each kind is named after what was done")]
        pub enum ActKind {
            $($kind,)*
        }

        impl ActKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];
            /// The word of every kind.
            pub const WORDS: &[&str] = &[$($word,)*];

            /// The word in the log.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $word,)*
                }
            }

            /// The kind of a word.
            pub fn of(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
            }
        }
    };
}

kinds! {
    SignedIn "signed_in";
    SignInFailed "sign_in_failed";
    AccountLocked "account_locked";
    SignedOut "signed_out";
    SessionsEnded "sessions_ended";
    PasswordChanged "password_changed";
    PasswordReset "password_reset";
    SecondFactorSet "second_factor_set";
    SecondFactorRemoved "second_factor_removed";
    RecoveryCodeUsed "recovery_code_used";
    AccountCreated "account_created";
    AccountDisabled "account_disabled";
    AccountEnabled "account_enabled";
    AccountUnlocked "account_unlocked";
    RolesChanged "roles_changed";
    TokenIssued "token_issued";
    TokenRotated "token_rotated";
    TokenRevoked "token_revoked";
    TokenAlarm "token_alarm";
    NodeStarted "node_started";
    KeysRotated "keys_rotated";
    KeyRevoked "key_revoked";
    KeyEndorsed "key_endorsed";
    PolicyActed "policy_acted";
    MembersChanged "members_changed";
    BackupTaken "backup_taken";
    SubjectOpened "subject_opened";
    AccessesExported "accesses_exported";
    LogAnchored "log_anchored";
    SettingsChanged "settings_changed";
}

/// One act, to be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// What was done.
    pub kind: ActKind,
    /// By whom: an account, a system, or [`OPERATOR`].
    pub user: String,
    /// From where, as the node saw it.
    pub from: Option<IpAddr>,
    /// To whom or to what, when that is not the one who did it.
    pub subject: String,
    /// More about it.
    pub detail: String,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActView {
    /// Its number; numbers only grow.
    pub id: u64,
    /// When.
    pub at: Millis,
    /// The act; its kind may be one of a newer program.
    pub kind: String,
    /// By whom.
    pub user: String,
    /// From where.
    pub from: Option<IpAddr>,
    /// To whom or what.
    pub subject: String,
    /// More about it.
    pub detail: String,
    /// SM3 over the digest of the line before and this line, in hexadecimal.
    pub digest: String,
}

/// Which lines.
#[derive(Clone, Debug, Default)]
pub struct ActFilter {
    /// Of one kind.
    pub kind: Option<ActKind>,
    /// By or about one account, system or thing.
    pub about: Option<String>,
    /// Not before.
    pub from: Option<Millis>,
    /// Not after.
    pub to: Option<Millis>,
    /// Which page.
    pub page: PageRequest,
}

#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = acts)]
struct Row {
    id: i64,
    at: i64,
    kind: String,
    user: String,
    address: Option<String>,
    subject: String,
    detail: String,
    digest: Vec<u8>,
}

#[derive(Insertable)]
#[diesel(table_name = acts)]
struct NewRow<'a> {
    at: i64,
    kind: &'a str,
    user: &'a str,
    address: Option<String>,
    subject: &'a str,
    detail: &'a str,
    digest: Vec<u8>,
}

impl Row {
    fn view(self) -> ActView {
        ActView {
            id: number(self.id),
            at: Millis(number(self.at)),
            kind: self.kind,
            user: self.user,
            from: self.address.and_then(|from| from.parse().ok()),
            subject: self.subject,
            detail: self.detail,
            digest: hex::encode(self.digest),
        }
    }

    fn digest(&self, before: &[u8]) -> Vec<u8> {
        let address = self.address.as_deref().unwrap_or_default();
        digest(before, self.at, [&self.kind, &self.user, address, &self.subject, &self.detail])
    }
}

/// Each text comes with its length, so that no two lines have the same bytes.
fn digest(before: &[u8], at: i64, texts: [&str; 5]) -> Vec<u8> {
    let mut line = Vec::with_capacity(256);
    line.extend_from_slice(&at.to_be_bytes());
    for text in texts {
        line.extend_from_slice(&count(text.len()).to_be_bytes());
        line.extend_from_slice(text.as_bytes());
    }
    sm3(&[b"mulu-act-v1\n", before, &line]).0.to_vec()
}

fn short(text: &str) -> &str {
    text.char_indices().nth(TEXT_CHARS_MAX).map_or(text, |(end, _)| text.get(..end).unwrap_or_default())
}

impl Local {
    /// Writes an act down, and drops what is too old.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn note(&self, act: &Act, now: Millis) -> Result<(), ReadError> {
        self.write(|connection| {
            if act.kind == ActKind::SignInFailed && !has_room_for_failure(connection, now)? {
                return Ok(());
            }
            add(connection, act, now)
        })
    }

    /// A page of the log, newest first.
    ///
    /// # Errors
    /// [`ReadError::Cursor`], [`ReadError`] of the database.
    pub fn acts(&self, filter: &ActFilter) -> Result<Page<ActView>, ReadError> {
        let mut query = acts::table.filter(acts::id.lt(filter.page.below('L')?)).into_boxed();
        if let Some(kind) = filter.kind {
            query = query.filter(acts::kind.eq(kind.as_str()));
        }
        if let Some(about) = &filter.about {
            query = query.filter(acts::user.eq(about).or(acts::subject.eq(about)));
        }
        if let Some(from) = filter.from {
            query = query.filter(acts::at.ge(column(from.0)));
        }
        if let Some(to) = filter.to {
            query = query.filter(acts::at.le(column(to.0)));
        }
        let query = query.order(acts::id.desc()).limit(filter.page.limit()?).select(Row::as_select());
        let rows: Vec<Row> = self.with(|connection| Ok(query.load(connection)?))?;
        filter.page.page('L', rows, 0, |row| number(row.id), |row| Ok(row.view()))
    }

    /// The last line before a moment.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn last_act_before(&self, moment: Millis) -> Result<Option<ActView>, ReadError> {
        let before = acts::table.filter(acts::at.lt(column(moment.0))).order(acts::id.desc()).select(Row::as_select());
        self.with(|connection| Ok(before.first(connection).optional()?.map(Row::view)))
    }

    /// Checks the digests of all lines that are kept.
    ///
    /// # Errors
    /// [`ReadError::Corrupt`] with the first line that does not follow from the one before it.
    pub fn check_acts(&self) -> Result<(), ReadError> {
        let rows: Vec<Row> =
            self.with(|connection| Ok(acts::table.order(acts::id.asc()).select(Row::as_select()).load(connection)?))?;
        let follows = |pair: &&[Row]| matches!(pair, [one, next] if next.digest(&one.digest) == next.digest);
        match rows.windows(2).find(|pair| !follows(pair)) {
            None => Ok(()),
            Some(pair) => {
                let id = pair.last().map_or(0, |row| row.id);
                Err(ReadError::Corrupt(format!("line {id} of the log does not follow from the one before it")))
            }
        }
    }
}

/// Adds a line within a unit of work that writes.
pub(super) fn add(connection: &mut SqliteConnection, act: &Act, now: Millis) -> Result<(), ReadError> {
    let last: Option<(i64, Vec<u8>)> =
        acts::table.order(acts::id.desc()).select((acts::at, acts::digest)).first(connection).optional()?;
    let (before_at, before) = last.unwrap_or_default();
    // A clock that was set back must not make lines look older than those before them.
    let at = column(now.0).max(before_at);
    let (user, subject, detail) = (short(&act.user), short(&act.subject), short(&act.detail));
    let address = act.from.map(|from| from.to_string());
    let texts = [act.kind.as_str(), user, address.as_deref().unwrap_or_default(), subject, detail];
    let digest = digest(&before, at, texts);
    let row = NewRow { at, kind: act.kind.as_str(), user, address, subject, detail, digest };
    diesel::insert_into(acts::table).values(row).execute(connection)?;
    drop_old(connection, now)
}

fn has_room_for_failure(connection: &mut SqliteConnection, now: Millis) -> Result<bool, ReadError> {
    let today = column(now.0.saturating_sub(DAY_MS));
    let failures = acts::table.filter(acts::kind.eq(ActKind::SignInFailed.as_str())).filter(acts::at.gt(today));
    Ok(failures.count().get_result::<i64>(connection)? < count(FAILURES_A_DAY_MAX))
}

fn drop_old(connection: &mut SqliteConnection, now: Millis) -> Result<(), ReadError> {
    let last: Option<i64> = acts::table.select(diesel::dsl::max(acts::id)).first(connection)?;
    // Numbers are given one after another, so the oldest line that stays is known without counting.
    let surplus = last.unwrap_or_default().saturating_sub(count(LINES_MAX));
    let old = acts::id.le(surplus).or(acts::at.lt(column(now.0.saturating_sub(AGE_MS_MAX))));
    diesel::delete(acts::table.filter(old)).execute(connection)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_795_000_000_000);

    fn local() -> (tempfile::TempDir, Local) {
        let dir = tempfile::tempdir().unwrap();
        let local = Local::open(dir.path()).unwrap();
        (dir, local)
    }

    fn act(kind: ActKind, user: &str, subject: &str) -> Act {
        let from = "10.1.2.3".parse().ok();
        Act { kind, user: user.into(), from, subject: subject.into(), detail: String::new() }
    }

    #[test]
    fn lines_are_found_by_kind_person_and_time_and_follow_from_one_another() {
        let (_dir, local) = local();
        local.note(&act(ActKind::SignedIn, "li.na", ""), NOW).unwrap();
        local.note(&act(ActKind::AccountCreated, "admin1", "li.na"), NOW.plus(5)).unwrap();
        local.note(&act(ActKind::SignedIn, "zhao", ""), Millis(NOW.0 - 9)).unwrap();
        let ids = |filter: ActFilter| local.acts(&filter).unwrap().items.iter().map(|a| a.id).collect::<Vec<_>>();
        assert_eq!(ids(ActFilter::default()), [3, 2, 1]);
        assert_eq!(ids(ActFilter { kind: Some(ActKind::SignedIn), ..ActFilter::default() }), [3, 1]);
        assert_eq!(ids(ActFilter { about: Some("li.na".into()), ..ActFilter::default() }), [2, 1]);
        assert_eq!(ids(ActFilter { from: Some(NOW.plus(1)), ..ActFilter::default() }), [3, 2]);
        assert_eq!(ids(ActFilter { to: Some(NOW.plus(1)), ..ActFilter::default() }), [1]);
        let page = PageRequest { cursor: None, size: Some(2) };
        let first = local.acts(&ActFilter { page, ..ActFilter::default() }).unwrap();
        let page = PageRequest { cursor: first.next_cursor, size: Some(2) };
        assert_eq!(ids(ActFilter { page, ..ActFilter::default() }), [1]);
        assert_eq!(first.items[1].from, "10.1.2.3".parse().ok());
        assert_eq!(local.last_act_before(NOW.plus(1)).unwrap().map(|act| act.id), Some(1));
        assert_eq!(local.check_acts(), Ok(()));
    }

    #[test]
    fn a_line_cannot_be_changed_and_one_that_is_missing_is_noticed() {
        let (_dir, local) = local();
        (0..4).for_each(|n| local.note(&act(ActKind::SignedIn, "li.na", ""), NOW.plus(n)).unwrap());
        let changed = local.with(|connection| {
            Ok(diesel::update(acts::table.find(2)).set(acts::user.eq("nobody")).execute(connection)?)
        });
        assert!(changed.is_err_and(|error| error.to_string().contains("not rewritten")));
        local.with(|connection| Ok(diesel::delete(acts::table.find(2)).execute(connection)?)).unwrap();
        assert!(matches!(local.check_acts(), Err(ReadError::Corrupt(what)) if what.contains("line 3")));
    }

    #[test]
    fn old_lines_go_and_strangers_cannot_push_them_out() {
        let (_dir, local) = local();
        local.note(&act(ActKind::SignedIn, "li.na", ""), NOW).unwrap();
        for _ in 0..FAILURES_A_DAY_MAX + 3 {
            local.note(&act(ActKind::SignInFailed, "guess", ""), NOW.plus(1)).unwrap();
        }
        let all: i64 = local.with(|connection| Ok(acts::table.count().get_result(connection)?)).unwrap();
        assert_eq!(all, count(FAILURES_A_DAY_MAX + 1));
        local.note(&act(ActKind::SignedIn, "li.na", ""), NOW.plus(AGE_MS_MAX + 2)).unwrap();
        let left = local.acts(&ActFilter::default()).unwrap().items;
        assert_eq!(left.len(), 1, "lines of more than two years ago are kept");
    }

    #[test]
    fn every_kind_has_its_word() {
        assert_eq!(ActKind::ALL.len(), ActKind::WORDS.len());
        for kind in ActKind::ALL {
            assert_eq!(ActKind::of(kind.as_str()), Some(*kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
