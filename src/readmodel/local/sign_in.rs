//! Signing in with a password: guesses are counted, and too many lock the name for a while.

use diesel::prelude::*;

use crate::clock::Millis;
use crate::readmodel::columns::{column, count, number};
use crate::readmodel::error::ReadError;

use super::Local;
use super::accounts::{Account, AccountRow, PASSWORD_CHARS_MAX, USER_CHARS_MAX};
use super::schema::sign_in_failures;
use super::second_factor::{CodeCheck, is_confirmed};

/// Failures that lock a name.
pub const FAILURES_MAX: u64 = 5;
/// The first lock, in milliseconds; each further failure doubles it.
pub const LOCK_MS: u64 = 15 * 60_000;
/// The longest lock; failures older than this are forgotten.
pub const LOCK_MS_MAX: u64 = 24 * 3_600_000;
/// Names whose failures are kept.
const NAMES_MAX: usize = 10_000;

/// What came of signing in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignIn {
    /// Name and password fit, and no more is asked.
    Welcome(Account),
    /// They fit, and a code of the second factor is asked besides.
    Code(Account),
    /// They fit, and the account rests.
    Disabled,
    /// They do not; nothing tells which of the two.
    Wrong,
    /// Too many failures: not even the right password helps before `until`.
    Locked {
        /// When the name is free again.
        until: Millis,
    },
}

#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = sign_in_failures)]
struct FailureRow {
    user: String,
    failures: i64,
    last: i64,
    locked_until: i64,
}

impl Local {
    /// Checks a password. Takes as long for a name without an account as for one with, and locks it alike.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn verify_password(&self, user: &str, password: &str, now: Millis) -> Result<SignIn, ReadError> {
        if user.chars().count() > USER_CHARS_MAX || password.chars().count() > PASSWORD_CHARS_MAX {
            return Ok(SignIn::Wrong);
        }
        let mut hasher = self.shared.hashing.lock();
        let (account, failures) =
            self.with(|connection| Ok((AccountRow::load(connection, user)?, FailureRow::load(connection, user)?)))?;
        let failures = failures.filter(|row| now.since(Millis(number(row.last))) < LOCK_MS_MAX);
        let locked_until = failures.as_ref().map_or(0, |row| number(row.locked_until));
        if locked_until > now.0 {
            return Ok(SignIn::Locked { until: Millis(locked_until) });
        }
        if hasher.fits(password, account.as_ref().map(|row| row.password_hash.as_str()))?
            && let Some(account) = account
        {
            if account.disabled.is_some() {
                return Ok(SignIn::Disabled);
            }
            // Only who has come in altogether is forgiven: else a known password would free guesses at the code.
            if self.with(|connection| is_confirmed(connection, user))? {
                return account.account().map(SignIn::Code);
            }
            if failures.is_some() {
                self.unlock(user)?;
            }
            return account.account().map(SignIn::Welcome);
        }
        let until = self.write(|connection| failed(connection, user, failures, now))?;
        Ok(if until > now { SignIn::Locked { until } } else { SignIn::Wrong })
    }

    /// Counts a wrong code like a wrong password.
    pub(super) fn wrong_code(&self, user: &str, now: Millis) -> Result<CodeCheck, ReadError> {
        let until = self.write(|connection| {
            let failures = FailureRow::load(connection, user)?;
            failed(connection, user, failures.filter(|row| now.since(Millis(number(row.last))) < LOCK_MS_MAX), now)
        })?;
        Ok(if until > now { CodeCheck::Locked { until } } else { CodeCheck::Wrong })
    }

    /// Until when a name is locked, if it is.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn locked_until(&self, user: &str, now: Millis) -> Result<Option<Millis>, ReadError> {
        let failures = self.with(|connection| FailureRow::load(connection, user))?;
        Ok(failures.map(|row| Millis(number(row.locked_until))).filter(|until| *until > now))
    }
}

impl FailureRow {
    fn load(connection: &mut SqliteConnection, user: &str) -> Result<Option<Self>, ReadError> {
        Ok(sign_in_failures::table.find(user).select(Self::as_select()).first(connection).optional()?)
    }
}

/// Counts one more failure; says until when the name is locked.
fn failed(
    connection: &mut SqliteConnection,
    user: &str,
    before: Option<FailureRow>,
    now: Millis,
) -> Result<Millis, ReadError> {
    let failures = before.map_or(0, |row| number(row.failures)).saturating_add(1);
    let until = match failures.checked_sub(FAILURES_MAX) {
        None => Millis(0),
        Some(further) => now.plus(LOCK_MS.saturating_mul(1 << further.min(16)).min(LOCK_MS_MAX)),
    };
    let row = FailureRow {
        user: user.to_owned(),
        failures: column(failures),
        last: column(now.0),
        locked_until: column(until.0),
    };
    diesel::replace_into(sign_in_failures::table).values(row).execute(connection)?;
    // Names that are not locked go first: inventing names must not free a locked one.
    let surplus = sign_in_failures::table
        .select(sign_in_failures::user)
        .order((sign_in_failures::locked_until.desc(), sign_in_failures::last.desc()))
        .offset(count(NAMES_MAX))
        .limit(count(NAMES_MAX))
        .load::<String>(connection)?;
    diesel::delete(sign_in_failures::table.filter(sign_in_failures::user.eq_any(surplus))).execute(connection)?;
    Ok(until)
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
        let new = NewAccount {
            user: "li.na",
            display_name: "李娜",
            password: "correct horse",
            once: false,
            roles: &[Role::Clerk],
            lang: "zh",
        };
        local.create_account(&new, NOW).unwrap();
        assert!(matches!(local.create_account(&new, NOW), Err(ReadError::Conflict(_))));
        (dir, local)
    }

    #[test]
    fn five_failures_lock_a_name_and_the_next_lock_is_longer() {
        let (_dir, local) = local();
        for user in ["li.na", "nobody"] {
            for _ in 0..4 {
                assert_eq!(local.verify_password(user, "wrong horse", NOW), Ok(SignIn::Wrong));
            }
            let until = NOW.plus(LOCK_MS);
            assert_eq!(local.verify_password(user, "wrong horse", NOW), Ok(SignIn::Locked { until }));
            let during = Millis(until.0 - 1);
            assert_eq!(local.verify_password(user, "correct horse", during), Ok(SignIn::Locked { until }));
            let longer = SignIn::Locked { until: until.plus(2 * LOCK_MS) };
            assert_eq!(local.verify_password(user, "wrong horse", until), Ok(longer));
        }
        let free = NOW.plus(3 * LOCK_MS);
        assert!(matches!(local.verify_password("li.na", "correct horse", free), Ok(SignIn::Welcome(_))));
        assert_eq!(local.verify_password("li.na", "wrong horse", free), Ok(SignIn::Wrong));
    }

    #[test]
    fn a_new_password_replaces_the_old_and_frees_the_name() {
        let (_dir, local) = local();
        for _ in 0..5 {
            local.verify_password("li.na", "wrong horse", NOW).unwrap();
        }
        local.set_password("li.na", "battery staple", false).unwrap();
        assert_eq!(local.verify_password("li.na", "correct horse", NOW), Ok(SignIn::Wrong));
        let SignIn::Welcome(account) = local.verify_password("li.na", "battery staple", NOW).unwrap() else {
            panic!("the new password does not fit");
        };
        assert_eq!((account.display_name.as_str(), account.roles.as_slice()), ("李娜", &[Role::Clerk][..]));
        assert!(matches!(local.set_password("nobody", "battery staple", false), Err(ReadError::Unknown(_))));
    }

    #[test]
    fn weak_accounts_are_not_made() {
        let (_dir, local) = local();
        let good = NewAccount {
            user: "zhao",
            display_name: "赵",
            password: "long enough",
            once: false,
            roles: &[Role::Admin],
            lang: "en",
        };
        for bad in [
            NewAccount { user: "Zhao", ..good.clone() },
            NewAccount { user: "", ..good.clone() },
            NewAccount { password: "short", ..good.clone() },
            NewAccount { roles: &[], ..good.clone() },
            NewAccount { roles: &[Role::System], ..good.clone() },
            NewAccount { lang: "fr", ..good.clone() },
        ] {
            assert!(matches!(local.create_account(&bad, NOW), Err(ReadError::Invalid(_))), "{bad:?} passed");
        }
        assert_eq!(local.accounts().unwrap().len(), 1);
        local.delete_account("li.na").unwrap();
        assert_eq!(local.account("li.na"), Ok(None));
    }

    #[test]
    fn wrong_codes_lock_a_name_and_a_right_password_does_not_forgive_them() {
        let (_dir, local) = local();
        local.begin_second_factor("li.na", b"sealed", NOW).unwrap();
        assert!(matches!(local.verify_password("li.na", "correct horse", NOW), Ok(SignIn::Welcome(_))));
        local.confirm_second_factor("li.na", 1, NOW).unwrap();
        let guess = |code: &str, now| {
            let step = |_: &[u8]| (code == "123456").then_some(2);
            local.check_code("li.na", code, step, now).unwrap()
        };
        for _ in 0..4 {
            assert!(matches!(local.verify_password("li.na", "correct horse", NOW), Ok(SignIn::Code(_))));
            assert_eq!(guess("000000", NOW), CodeCheck::Wrong);
        }
        let until = NOW.plus(LOCK_MS);
        assert_eq!(guess("000000", NOW), CodeCheck::Locked { until });
        assert_eq!(guess("123456", NOW), CodeCheck::Locked { until }, "a lock holds against the right code too");
        assert_eq!(local.verify_password("li.na", "correct horse", NOW), Ok(SignIn::Locked { until }));
        assert_eq!(local.locked_until("li.na", NOW), Ok(Some(until)));
        assert_eq!(guess("123456", until), CodeCheck::Right);
        assert_eq!(local.locked_until("li.na", until), Ok(None));
        assert_eq!(guess("123456", until), CodeCheck::Wrong, "a code counted twice");
    }

    #[test]
    fn an_account_that_rests_lets_nobody_in_and_tells_only_who_knows_the_password() {
        let (_dir, local) = local();
        local.set_disabled("li.na", Some(NOW)).unwrap();
        assert_eq!(local.verify_password("li.na", "wrong horse", NOW), Ok(SignIn::Wrong));
        assert_eq!(local.verify_password("li.na", "correct horse", NOW), Ok(SignIn::Disabled));
        local.set_disabled("li.na", None).unwrap();
        assert!(matches!(local.verify_password("li.na", "correct horse", NOW), Ok(SignIn::Welcome(_))));
    }
}
