//! Second factors of accounts (RFC 6238): the sealed secret, the last step whose code was used, and recovery codes.

use diesel::prelude::*;

use crate::clock::Millis;
use crate::readmodel::columns::{column, number};
use crate::readmodel::error::ReadError;

use super::Local;
use super::schema::{recovery_codes, second_factors};
use super::secrets::{recovery_code, recovery_digest};

/// Codes for the day on which the device is lost; each counts once.
pub const RECOVERY_CODES: usize = 10;

/// An account's second factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondFactor {
    /// Its secret, sealed to the department's own key.
    pub sealed: Vec<u8>,
    /// Since when it is asked for; none while it is being set up.
    pub confirmed: Option<Millis>,
    /// Recovery codes that were not used.
    pub recovery_left: u64,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = second_factors)]
struct Row {
    user: String,
    sealed: Vec<u8>,
    begun: i64,
    confirmed: Option<i64>,
    last_step: i64,
}

/// What came of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeCheck {
    /// It fits, and is used up.
    Right,
    /// It was a recovery code, and is used up.
    Recovery,
    /// It does not fit, or was used.
    Wrong,
    /// Too many failures: not even the right code helps before `until`.
    Locked {
        /// When the name is free again.
        until: Millis,
    },
}

/// Whether an account is asked for a code.
pub(super) fn is_confirmed(connection: &mut SqliteConnection, user: &str) -> Result<bool, ReadError> {
    let confirmed = second_factors::table.find(user).filter(second_factors::confirmed.is_not_null());
    Ok(confirmed.count().get_result::<i64>(connection)? > 0)
}

impl Local {
    /// The second factor of an account, also one that is being set up.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn second_factor(&self, user: &str) -> Result<Option<SecondFactor>, ReadError> {
        self.with(|connection| {
            let row: Option<Row> =
                second_factors::table.find(user).select(Row::as_select()).first(connection).optional()?;
            let left: i64 =
                recovery_codes::table.filter(recovery_codes::user.eq(user)).count().get_result(connection)?;
            Ok(row.map(|row| SecondFactor {
                sealed: row.sealed,
                confirmed: row.confirmed.map(|at| Millis(number(at))),
                recovery_left: number(left),
            }))
        })
    }

    /// Whether an account is asked for a code.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn has_second_factor(&self, user: &str) -> Result<bool, ReadError> {
        self.with(|connection| is_confirmed(connection, user))
    }

    /// Names of the accounts that are asked for a code.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn with_second_factor(&self) -> Result<Vec<String>, ReadError> {
        let confirmed = second_factors::table.filter(second_factors::confirmed.is_not_null());
        self.with(|connection| {
            Ok(confirmed.order(second_factors::user.asc()).select(second_factors::user).load(connection)?)
        })
    }

    /// Begins to set a second factor up, in place of one that was never confirmed.
    ///
    /// # Errors
    /// [`ReadError::Conflict`] when one is confirmed, [`ReadError`] of the database.
    pub fn begin_second_factor(&self, user: &str, sealed: &[u8], now: Millis) -> Result<(), ReadError> {
        let row =
            Row { user: user.to_owned(), sealed: sealed.to_vec(), begun: column(now.0), confirmed: None, last_step: 0 };
        self.write(|connection| {
            if is_confirmed(connection, user)? {
                return Err(ReadError::Conflict("a second factor is set up: remove it first".into()));
            }
            diesel::replace_into(second_factors::table).values(&row).execute(connection)?;
            Ok(())
        })
    }

    /// Has a second factor asked for from now on: its owner has shown the code of a step. Answers the recovery codes:
    /// the only moment at which they are known here.
    ///
    /// # Errors
    /// [`ReadError::Conflict`] when none is being set up.
    pub fn confirm_second_factor(&self, user: &str, step: u64, now: Millis) -> Result<Vec<String>, ReadError> {
        let codes = (0..RECOVERY_CODES).map(|_| recovery_code()).collect::<Result<Vec<_>, _>>()?;
        self.write(|connection| {
            let pending = second_factors::table.find(user).filter(second_factors::confirmed.is_null());
            let set = (second_factors::confirmed.eq(column(now.0)), second_factors::last_step.eq(column(step)));
            if diesel::update(pending).set(set).execute(connection)? == 0 {
                return Err(ReadError::Conflict("no second factor is being set up".into()));
            }
            let rows: Vec<_> = codes
                .iter()
                .map(|code| (recovery_codes::code_hash.eq(recovery_digest(code)), recovery_codes::user.eq(user)))
                .collect();
            diesel::insert_into(recovery_codes::table).values(rows).execute(connection)?;
            Ok(())
        })?;
        Ok(codes)
    }

    /// Checks a code and uses it up. `step` says of the sealed secret which step's code it is, if it is one of now.
    /// Guesses made at once count one after another.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn check_code(
        &self,
        user: &str,
        code: &str,
        step: impl Fn(&[u8]) -> Option<u64>,
        now: Millis,
    ) -> Result<CodeCheck, ReadError> {
        let _alone = self.shared.hashing.lock();
        if let Some(until) = self.locked_until(user, now)? {
            return Ok(CodeCheck::Locked { until });
        }
        let found = self.second_factor(user)?.filter(|found| found.confirmed.is_some());
        let right = match found.as_ref().and_then(|found| step(&found.sealed)) {
            Some(step) => self.use_step(user, step)?,
            None => false,
        };
        let recovered = !right && found.is_some() && self.use_recovery_code(user, code)?;
        if right || recovered {
            self.unlock(user)?;
            return Ok(if right { CodeCheck::Right } else { CodeCheck::Recovery });
        }
        self.wrong_code(user, now)
    }

    /// Uses up the code of a step, and with it every earlier one; says whether that was still possible.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    fn use_step(&self, user: &str, step: u64) -> Result<bool, ReadError> {
        let unused = second_factors::table.find(user).filter(second_factors::last_step.lt(column(step)));
        let set = second_factors::last_step.eq(column(step));
        self.with(|connection| Ok(diesel::update(unused).set(set).execute(connection)? > 0))
    }

    /// Uses up a recovery code; says whether it was one.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    fn use_recovery_code(&self, user: &str, code: &str) -> Result<bool, ReadError> {
        let kept = recovery_codes::table
            .filter(recovery_codes::user.eq(user))
            .filter(recovery_codes::code_hash.eq(recovery_digest(code)));
        self.with(|connection| Ok(diesel::delete(kept).execute(connection)? > 0))
    }

    /// Removes a second factor with its recovery codes; says whether there was one.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn remove_second_factor(&self, user: &str) -> Result<bool, ReadError> {
        self.with(|connection| Ok(diesel::delete(second_factors::table.find(user)).execute(connection)? > 0))
    }
}

#[cfg(test)]
mod tests {
    use super::super::accounts::NewAccount;
    use super::*;
    use crate::domain::Role;

    const NOW: Millis = Millis(1_795_000_000_000);

    #[test]
    fn a_code_and_a_recovery_code_count_once() {
        let dir = tempfile::tempdir().unwrap();
        let local = Local::open(dir.path()).unwrap();
        let roles = &[Role::Reviewer];
        let new =
            NewAccount { user: "li.na", display_name: "李娜", password: "12345678", once: false, roles, lang: "zh" };
        local.create_account(&new, NOW).unwrap();
        assert!(local.begin_second_factor("nobody", b"x", NOW).is_err());
        local.begin_second_factor("li.na", b"first", NOW).unwrap();
        local.begin_second_factor("li.na", b"second", NOW).unwrap();
        assert_eq!(local.second_factor("li.na").unwrap().unwrap().sealed, b"second");
        assert_eq!(local.has_second_factor("li.na"), Ok(false), "nobody has shown a code yet");

        let codes = local.confirm_second_factor("li.na", 7, NOW).unwrap();
        assert_eq!(codes.len(), RECOVERY_CODES);
        assert!(matches!(local.confirm_second_factor("li.na", 8, NOW), Err(ReadError::Conflict(_))));
        assert!(matches!(local.begin_second_factor("li.na", b"third", NOW), Err(ReadError::Conflict(_))));
        assert_eq!(
            [7, 8, 8, 7, 9].map(|step| local.use_step("li.na", step).unwrap()),
            [false, true, false, false, true]
        );
        assert_eq!(local.use_recovery_code("zhao", &codes[0]), Ok(false));
        assert_eq!([0, 0].map(|n| local.use_recovery_code("li.na", &codes[n]).unwrap()), [true, false]);
        let stands = local.second_factor("li.na").unwrap().unwrap();
        assert_eq!((stands.confirmed, stands.recovery_left), (Some(NOW), 9));
        assert_eq!(local.with_second_factor().unwrap(), ["li.na"]);

        assert_eq!(local.remove_second_factor("li.na"), Ok(true));
        assert_eq!(local.second_factor("li.na"), Ok(None));
        assert_eq!(local.use_recovery_code("li.na", &codes[1]), Ok(false), "a code outlived its factor");
    }
}
