//! Tokens of departmental systems.

use diesel::prelude::*;
use serde::Serialize;

use crate::clock::Millis;
use crate::readmodel::columns::{column, count, number};
use crate::readmodel::error::ReadError;

use super::schema::system_tokens;
use super::secrets::{random_token, token_digest};
use super::{Local, bounded};

/// Tokens of one node.
pub const TOKENS_MAX: usize = 200;

/// A token, without the token itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SystemToken {
    /// Name of the system: the user under which it acts.
    pub name: String,
    /// When it was issued.
    pub created: Millis,
    /// When it ends.
    pub expires: Millis,
    /// Whether it may hand in transactions that it signed itself.
    pub submits: bool,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = system_tokens)]
struct TokenRow {
    name: String,
    token_hash: Vec<u8>,
    created: i64,
    expires: i64,
    submits: bool,
}

impl TokenRow {
    fn view(self) -> SystemToken {
        SystemToken {
            name: self.name,
            created: Millis(number(self.created)),
            expires: Millis(number(self.expires)),
            submits: self.submits,
        }
    }
}

impl Local {
    /// Issues a token to a system, in place of the one it had. The answer is the only copy.
    ///
    /// # Errors
    /// [`ReadError::Full`], [`ReadError::Invalid`] for a bad name or an end in the past.
    pub fn issue_token(&self, name: &str, expires: Millis, now: Millis) -> Result<String, ReadError> {
        self.issue(name, expires, now, false)
    }

    /// The same for a system that may also hand in transactions that it signed itself with the department's key.
    ///
    /// # Errors
    /// As [`Local::issue_token`].
    pub fn issue_submitter_token(&self, name: &str, expires: Millis, now: Millis) -> Result<String, ReadError> {
        self.issue(name, expires, now, true)
    }

    fn issue(&self, name: &str, expires: Millis, now: Millis, submits: bool) -> Result<String, ReadError> {
        bounded("the system's name", name, 64)?;
        if expires <= now {
            return Err(ReadError::Invalid("the token's end lies in the past".into()));
        }
        // A prefix, so that a token left in a file is recognised for what it is.
        let token = format!("mulu_{}", random_token()?);
        let row = TokenRow {
            name: name.to_owned(),
            token_hash: token_digest(&token),
            created: column(now.0),
            expires: column(expires.0),
            submits,
        };
        self.write(|connection| {
            diesel::delete(system_tokens::table.find(name)).execute(connection)?;
            let tokens: i64 = system_tokens::table.count().get_result(connection)?;
            if tokens >= count(TOKENS_MAX) {
                return Err(ReadError::Full { what: "the list of system tokens", max: TOKENS_MAX });
            }
            diesel::insert_into(system_tokens::table).values(row).execute(connection)?;
            Ok(())
        })?;
        Ok(token)
    }

    /// The system of a token, when the token has not ended.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn system(&self, token: &str, now: Millis) -> Result<Option<SystemToken>, ReadError> {
        self.with(|connection| {
            let row: Option<TokenRow> = system_tokens::table
                .filter(system_tokens::token_hash.eq(token_digest(token)))
                .filter(system_tokens::expires.gt(column(now.0)))
                .select(TokenRow::as_select())
                .first(connection)
                .optional()?;
            Ok(row.map(TokenRow::view))
        })
    }

    /// All tokens by name, ended ones too.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn system_tokens(&self) -> Result<Vec<SystemToken>, ReadError> {
        self.with(|connection| {
            let rows: Vec<TokenRow> =
                system_tokens::table.order(system_tokens::name.asc()).select(TokenRow::as_select()).load(connection)?;
            Ok(rows.into_iter().map(TokenRow::view).collect())
        })
    }

    /// Ends a system's token.
    ///
    /// # Errors
    /// [`ReadError::Unknown`].
    pub fn revoke_token(&self, name: &str) -> Result<(), ReadError> {
        self.with(|connection| match diesel::delete(system_tokens::table.find(name)).execute(connection)? {
            0 => Err(ReadError::Unknown(format!("the token of {name}"))),
            _ => Ok(()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_counts_until_it_ends_is_replaced_or_revoked() {
        let dir = tempfile::tempdir().unwrap();
        let local = Local::open(dir.path()).unwrap();
        let now = Millis(1_795_000_000_000);
        let first = local.issue_token("registry", now.plus(1_000), now).unwrap();
        let system = local.system(&first, now).unwrap().unwrap();
        assert_eq!((system.name.as_str(), system.submits), ("registry", false));
        let signs = local.issue_submitter_token("archive", now.plus(1_000), now).unwrap();
        assert!(local.system(&signs, now).unwrap().unwrap().submits);
        local.revoke_token("archive").unwrap();
        assert_eq!(local.system(&first, now.plus(1_000)), Ok(None));
        let second = local.issue_token("registry", now.plus(1_000), now).unwrap();
        assert_eq!(local.system(&first, now), Ok(None), "a replaced token still counts");
        local.revoke_token("registry").unwrap();
        assert_eq!(local.system(&second, now), Ok(None));
        assert!(local.revoke_token("registry").is_err() && local.system_tokens().unwrap().is_empty());
        assert!(local.issue_token("registry", now, now).is_err());
    }
}
