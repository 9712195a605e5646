//! Accounts of the department's people.

use diesel::prelude::*;
use serde::Serialize;

use crate::clock::Millis;
use crate::domain::Role;
use crate::readmodel::columns::{column, from_json, number, to_json};
use crate::readmodel::error::ReadError;

use super::schema::{accounts, sessions, sign_in_failures};
use super::{Local, bounded};

/// Accounts of one node.
pub const ACCOUNTS_MAX: usize = 1_000;
/// Shortest password, in characters.
pub const PASSWORD_CHARS_MIN: usize = 8;
/// Longest password, in characters.
pub const PASSWORD_CHARS_MAX: usize = 128;
/// Longest account name.
pub const USER_CHARS_MAX: usize = 64;

/// A person's account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Name to sign in with.
    pub user: String,
    /// Name for people.
    pub display_name: String,
    /// What the account may do.
    pub roles: Vec<Role>,
    /// Language of the portal.
    pub lang: String,
    /// When it was made.
    pub created: Millis,
    /// Since when nobody signs in with it.
    pub disabled: Option<Millis>,
    /// Whether its password was chosen by somebody else, and is to be changed first of all.
    pub must_change: bool,
}

/// What is needed to make an account.
#[derive(Clone, Debug)]
pub struct NewAccount<'a> {
    /// Name to sign in with: letters a-z, digits, `.`, `-` and `_`.
    pub user: &'a str,
    /// Name for people.
    pub display_name: &'a str,
    /// Its first password.
    pub password: &'a str,
    /// Whether that must be changed at the first sign-in.
    pub once: bool,
    /// What it may do, at least one.
    pub roles: &'a [Role],
    /// `zh` or `en`.
    pub lang: &'a str,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = accounts)]
pub(super) struct AccountRow {
    pub user: String,
    pub display_name: String,
    pub password_hash: String,
    pub roles: String,
    pub lang: String,
    pub created: i64,
    pub disabled: Option<i64>,
    pub must_change: bool,
}

impl AccountRow {
    pub(super) fn account(self) -> Result<Account, ReadError> {
        Ok(Account {
            user: self.user,
            display_name: self.display_name,
            roles: from_json(&self.roles)?,
            lang: self.lang,
            created: Millis(number(self.created)),
            disabled: self.disabled.map(|at| Millis(number(at))),
            must_change: self.must_change,
        })
    }

    pub(super) fn load(connection: &mut SqliteConnection, user: &str) -> Result<Option<Self>, ReadError> {
        Ok(accounts::table.find(user).select(Self::as_select()).first(connection).optional()?)
    }
}

impl Local {
    /// Makes an account. Hashes the password.
    ///
    /// # Errors
    /// [`ReadError::Conflict`] when the name is taken, [`ReadError::Invalid`] for a bad name, password or
    /// role, [`ReadError::Full`].
    pub fn create_account(&self, new: &NewAccount<'_>, now: Millis) -> Result<Account, ReadError> {
        check_user(new.user)?;
        check_password(new.password)?;
        check_roles(new.roles)?;
        check_lang(new.lang)?;
        bounded("the display name", new.display_name, USER_CHARS_MAX)?;
        let row = AccountRow {
            user: new.user.to_owned(),
            display_name: new.display_name.to_owned(),
            password_hash: self.shared.hashing.lock().hash(new.password)?,
            roles: to_json(&new.roles)?,
            lang: new.lang.to_owned(),
            created: column(now.0),
            disabled: None,
            must_change: new.once,
        };
        self.write(|connection| {
            if AccountRow::load(connection, new.user)?.is_some() {
                return Err(ReadError::Conflict(format!("the account {} exists", new.user)));
            }
            let count: i64 = accounts::table.count().get_result(connection)?;
            if number(count) >= number(crate::readmodel::columns::count(ACCOUNTS_MAX)) {
                return Err(ReadError::Full { what: "the list of accounts", max: ACCOUNTS_MAX });
            }
            diesel::insert_into(accounts::table).values(&row).execute(connection)?;
            Ok(())
        })?;
        row.account()
    }

    /// All accounts by name.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn accounts(&self) -> Result<Vec<Account>, ReadError> {
        let rows: Vec<AccountRow> = self.with(|connection| {
            Ok(accounts::table.order(accounts::user.asc()).select(AccountRow::as_select()).load(connection)?)
        })?;
        rows.into_iter().map(AccountRow::account).collect()
    }

    /// One account.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn account(&self, user: &str) -> Result<Option<Account>, ReadError> {
        self.with(|connection| AccountRow::load(connection, user))?.map(AccountRow::account).transpose()
    }

    /// Gives an account a new password, for `once` or for good, unlocks it and ends its sessions.
    ///
    /// # Errors
    /// [`ReadError::Unknown`], [`ReadError::Invalid`] for a bad password.
    pub fn set_password(&self, user: &str, password: &str, once: bool) -> Result<(), ReadError> {
        check_password(password)?;
        let hash = self.shared.hashing.lock().hash(password)?;
        self.write(|connection| {
            let new = (accounts::password_hash.eq(hash), accounts::must_change.eq(once));
            known(user, diesel::update(accounts::table.find(user)).set(new).execute(connection)?)?;
            diesel::delete(sign_in_failures::table.find(user)).execute(connection)?;
            diesel::delete(sessions::table.filter(sessions::user.eq(user))).execute(connection)?;
            Ok(())
        })?;
        self.tell();
        Ok(())
    }

    /// Gives an account other roles and ends its sessions, so that none goes on with old ones.
    ///
    /// # Errors
    /// [`ReadError::Unknown`], [`ReadError::Invalid`].
    pub fn set_roles(&self, user: &str, roles: &[Role]) -> Result<(), ReadError> {
        check_roles(roles)?;
        let roles = to_json(&roles)?;
        self.write(|connection| {
            let row = diesel::update(accounts::table.find(user)).set(accounts::roles.eq(roles));
            known(user, row.execute(connection)?)?;
            diesel::delete(sessions::table.filter(sessions::user.eq(user))).execute(connection)?;
            Ok(())
        })?;
        self.tell();
        Ok(())
    }

    /// Lets an account rest from a moment on and ends its sessions, or lets it be used again.
    ///
    /// # Errors
    /// [`ReadError::Unknown`].
    pub fn set_disabled(&self, user: &str, since: Option<Millis>) -> Result<(), ReadError> {
        let since = since.map(|at| column(at.0));
        self.write(|connection| {
            let row = diesel::update(accounts::table.find(user)).set(accounts::disabled.eq(since));
            known(user, row.execute(connection)?)?;
            if since.is_some() {
                diesel::delete(sessions::table.filter(sessions::user.eq(user))).execute(connection)?;
            }
            Ok(())
        })?;
        self.tell();
        Ok(())
    }

    /// Frees a name that too many failures have locked.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn unlock(&self, user: &str) -> Result<(), ReadError> {
        self.with(|connection| {
            diesel::delete(sign_in_failures::table.find(user)).execute(connection)?;
            Ok(())
        })
    }

    /// Sets the language of an account's portal.
    ///
    /// # Errors
    /// [`ReadError::Unknown`], [`ReadError::Invalid`].
    pub fn set_lang(&self, user: &str, lang: &str) -> Result<(), ReadError> {
        check_lang(lang)?;
        self.with(|connection| {
            known(user, diesel::update(accounts::table.find(user)).set(accounts::lang.eq(lang)).execute(connection)?)
        })
    }

    /// Removes an account with its sessions. What the person did stays on the ledger.
    ///
    /// # Errors
    /// [`ReadError::Unknown`].
    pub fn delete_account(&self, user: &str) -> Result<(), ReadError> {
        self.with(|connection| known(user, diesel::delete(accounts::table.find(user)).execute(connection)?))
    }
}

fn known(user: &str, rows: usize) -> Result<(), ReadError> {
    if rows == 0 { Err(ReadError::Unknown(format!("the account {user}"))) } else { Ok(()) }
}

fn check_user(user: &str) -> Result<(), ReadError> {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_');
    if user.is_empty() || user.len() > USER_CHARS_MAX || !user.bytes().all(fits) {
        return Err(ReadError::Invalid(format!("an account's name is 1 to {USER_CHARS_MAX} of a-z, 0-9, . - and _")));
    }
    Ok(())
}

fn check_password(password: &str) -> Result<(), ReadError> {
    if !(PASSWORD_CHARS_MIN..=PASSWORD_CHARS_MAX).contains(&password.chars().count()) {
        let bounds = format!("a password has {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters");
        return Err(ReadError::Invalid(bounds));
    }
    Ok(())
}

/// Systems act with tokens, not with accounts.
fn check_roles(roles: &[Role]) -> Result<(), ReadError> {
    if roles.is_empty() || roles.len() > Role::ALL.len() || roles.contains(&Role::System) {
        return Err(ReadError::Invalid("an account has one or more of clerk, reviewer, admin, auditor".into()));
    }
    Ok(())
}

fn check_lang(lang: &str) -> Result<(), ReadError> {
    if matches!(lang, "zh" | "en") { Ok(()) } else { Err(ReadError::Invalid("the language is zh or en".into())) }
}
