//! Tokens of departmental systems.

use std::net::IpAddr;

use diesel::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clock::{DAY_MS, Millis};
use crate::ids::EntryName;
use crate::readmodel::columns::{column, count, number, to_json};
use crate::readmodel::error::ReadError;

use super::Local;
use super::schema::tokens;
use super::secrets::{random_token, token_digest};

/// Tokens of one node.
pub const TOKENS_MAX: usize = 200;
/// Letters of a system's name.
const SYSTEM_CHARS_MAX: usize = 64;
/// The longest life of a token, in days: none is forgotten and open for good.
pub const TOKEN_DAYS_MAX: u64 = 3_650;
/// Entries or addresses that one token names.
pub const TOKEN_LIMITS_MAX: usize = 100;

/// What a token is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenTerms {
    /// When it ends.
    pub expires: Millis,
    /// Whether its system may hand in transactions that it signed itself with the department's key.
    pub submits: bool,
    /// Entries that it may query; empty for all.
    pub entries: Vec<EntryName>,
    /// Addresses from which it may come; empty for all.
    pub sources: Vec<IpAddr>,
}

impl TokenTerms {
    /// Good for everything that the rules allow a system, until a moment.
    pub fn until(expires: Millis) -> Self {
        Self { expires, submits: false, entries: Vec::new(), sources: Vec::new() }
    }
}

/// A token, without the token itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemToken {
    /// Its number at this node.
    pub id: i64,
    /// Name of the system: the user under which it acts.
    pub name: String,
    /// When it was issued.
    pub created: Millis,
    /// What it is good for.
    pub terms: TokenTerms,
    /// When it was last used, to the minute.
    pub last_used: Option<Millis>,
    /// From where.
    pub last_from: Option<IpAddr>,
    /// When it was last seen where it should not be: at two places at once, or at none of its own.
    pub alarm_at: Option<Millis>,
    /// Where.
    pub alarm_from: Option<IpAddr>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = tokens)]
struct TokenRow {
    id: i64,
    name: String,
    created: i64,
    expires: i64,
    submits: bool,
    entries: String,
    sources: String,
    last_used: Option<i64>,
    last_from: Option<String>,
    alarm_at: Option<i64>,
    alarm_from: Option<String>,
}

#[derive(Insertable)]
#[diesel(table_name = tokens)]
struct NewToken<'a> {
    name: &'a str,
    token_hash: Vec<u8>,
    created: i64,
    expires: i64,
    submits: bool,
    entries: String,
    sources: String,
}

fn list<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, ReadError> {
    serde_json::from_str(text).map_err(|e| ReadError::Corrupt(format!("a token's terms: {e}")))
}

fn limited<T: Serialize>(what: &str, items: &[T]) -> Result<String, ReadError> {
    if items.len() > TOKEN_LIMITS_MAX {
        return Err(ReadError::Invalid(format!("a token names at most {TOKEN_LIMITS_MAX} {what}")));
    }
    to_json(&items)
}

impl TokenRow {
    fn view(self) -> Result<SystemToken, ReadError> {
        let (moment, address) =
            (|ms: Option<i64>| ms.map(|ms| Millis(number(ms))), |text: Option<String>| text?.parse().ok());
        Ok(SystemToken {
            id: self.id,
            name: self.name,
            created: Millis(number(self.created)),
            terms: TokenTerms {
                expires: Millis(number(self.expires)),
                submits: self.submits,
                entries: list(&self.entries)?,
                sources: list(&self.sources)?,
            },
            last_used: moment(self.last_used),
            last_from: address(self.last_from),
            alarm_at: moment(self.alarm_at),
            alarm_from: address(self.alarm_from),
        })
    }
}

/// By what a system is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A secret that it sends, made here.
    Token,
    /// The certificate of this fingerprint, whose key only it has.
    Certificate(String),
}

/// What stands for a certificate where tokens do. No token has a space, so nobody who merely knows the certificate can
/// send this in place of one.
pub fn of_certificate(fingerprint: &str) -> String {
    format!("certificate {fingerprint}")
}

/// Makes a token. A prefix, so that one left in a file is recognised for what it is.
fn make(
    connection: &mut SqliteConnection,
    (name, credential): (&str, &Credential),
    terms: &TokenTerms,
    now: Millis,
) -> Result<String, ReadError> {
    let token = match credential {
        Credential::Token => format!("mulu_{}", random_token()?),
        Credential::Certificate(fingerprint) => of_certificate(fingerprint),
    };
    let taken = tokens::table.filter(tokens::token_hash.eq(token_digest(&token))).select(tokens::name);
    if let Some(of) = taken.first::<String>(connection).optional()? {
        return Err(ReadError::Invalid(format!("this certificate is that of {of}")));
    }
    let known: i64 = tokens::table.count().get_result(connection)?;
    if known >= count(TOKENS_MAX) {
        return Err(ReadError::Full { what: "the list of system tokens", max: TOKENS_MAX });
    }
    let row = NewToken {
        name,
        token_hash: token_digest(&token),
        created: column(now.0),
        expires: column(terms.expires.0),
        submits: terms.submits,
        entries: limited("entries", &terms.entries)?,
        sources: limited("addresses", &terms.sources)?,
    };
    diesel::insert_into(tokens::table).values(row).execute(connection)?;
    Ok(token)
}

/// Whether a system can be called so: it acts under its name on the ledger, which has rules for names of users.
pub fn is_system_name(name: &str) -> bool {
    let begins = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let fits = |b: u8| begins(b) || matches!(b, b'.' | b'_' | b':' | b'@' | b'-');
    name.len() <= SYSTEM_CHARS_MAX && name.bytes().next().is_some_and(begins) && name.bytes().all(fits)
}

fn check_system(name: &str) -> Result<(), ReadError> {
    if is_system_name(name) {
        return Ok(());
    }
    let rule = format!(
        "a system's name is 1 to {SYSTEM_CHARS_MAX} of a-z, 0-9 and . _ : @ -, and begins with one of the first"
    );
    Err(ReadError::Invalid(rule))
}

fn in_bounds(expires: Millis, now: Millis) -> Result<(), ReadError> {
    if expires <= now {
        return Err(ReadError::Invalid("the token's end lies in the past".into()));
    }
    if expires > now.plus(TOKEN_DAYS_MAX * DAY_MS) {
        return Err(ReadError::Invalid(format!("a token lasts {TOKEN_DAYS_MAX} days at most")));
    }
    Ok(())
}

impl Local {
    /// Issues a token to a system, in place of those it had. The answer is the only copy.
    ///
    /// # Errors
    /// [`ReadError::Full`], [`ReadError::Invalid`] for a bad name, an end in the past or too far ahead, or too many limits.
    pub fn issue_token(&self, name: &str, terms: &TokenTerms, now: Millis) -> Result<String, ReadError> {
        self.admit_system(name, &Credential::Token, terms, now)
    }

    /// The same, by either credential; a certificate's fingerprint is no secret.
    ///
    /// # Errors
    /// As [`Local::issue_token`]; [`ReadError::Invalid`] also for a certificate that is another system's.
    pub fn admit_system(
        &self,
        name: &str,
        credential: &Credential,
        terms: &TokenTerms,
        now: Millis,
    ) -> Result<String, ReadError> {
        check_system(name)?;
        in_bounds(terms.expires, now)?;
        self.write(|connection| {
            diesel::delete(tokens::table.filter(tokens::name.eq(name))).execute(connection)?;
            make(connection, (name, credential), terms, now)
        })
    }

    /// Issues another token on the terms of the newest, and lets the others end at `until`: the system changes over
    /// without a gap. The answer is the only copy.
    ///
    /// # Errors
    /// [`ReadError::Unknown`] for a system without a token, [`ReadError::Full`], [`ReadError::Invalid`] for an end in the past
    /// or too far ahead.
    pub fn rotate_token(
        &self,
        name: &str,
        credential: &Credential,
        (expires, until): (Millis, Millis),
        now: Millis,
    ) -> Result<String, ReadError> {
        in_bounds(expires, now)?;
        self.write(|connection| {
            let of_system = tokens::table.filter(tokens::name.eq(name));
            let newest: Option<TokenRow> =
                of_system.order(tokens::id.desc()).select(TokenRow::as_select()).first(connection).optional()?;
            let newest = newest.ok_or_else(|| ReadError::Unknown(format!("the token of {name}")))?.view()?;
            diesel::delete(of_system.filter(tokens::expires.le(column(now.0)))).execute(connection)?;
            let too_long = tokens::table.filter(tokens::name.eq(name)).filter(tokens::expires.gt(column(until.0)));
            diesel::update(too_long).set(tokens::expires.eq(column(until.0))).execute(connection)?;
            make(connection, (name, credential), &TokenTerms { expires, ..newest.terms }, now)
        })
    }

    /// The system of a token, when the token has not ended.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn system(&self, token: &str, now: Millis) -> Result<Option<SystemToken>, ReadError> {
        self.with(|connection| {
            let row: Option<TokenRow> = tokens::table
                .filter(tokens::token_hash.eq(token_digest(token)))
                .filter(tokens::expires.gt(column(now.0)))
                .select(TokenRow::as_select())
                .first(connection)
                .optional()?;
            row.map(TokenRow::view).transpose()
        })
    }

    /// Notes when and whence a token was used.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn token_used(&self, id: i64, from: IpAddr, now: Millis) -> Result<(), ReadError> {
        let used = (tokens::last_used.eq(column(now.0)), tokens::last_from.eq(from.to_string()));
        self.with(|connection| Ok(diesel::update(tokens::table.find(id)).set(used).execute(connection).map(|_| ())?))
    }

    /// Notes that a token was seen where it should not be.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn token_alarm(&self, id: i64, from: IpAddr, now: Millis) -> Result<(), ReadError> {
        let seen = (tokens::alarm_at.eq(column(now.0)), tokens::alarm_from.eq(from.to_string()));
        self.with(|connection| Ok(diesel::update(tokens::table.find(id)).set(seen).execute(connection).map(|_| ())?))
    }

    /// All tokens by name, newest first, ended ones too.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn system_tokens(&self) -> Result<Vec<SystemToken>, ReadError> {
        self.with(|connection| {
            let order = (tokens::name.asc(), tokens::id.desc());
            let rows: Vec<TokenRow> = tokens::table.order(order).select(TokenRow::as_select()).load(connection)?;
            rows.into_iter().map(TokenRow::view).collect()
        })
    }

    /// Ends a system's tokens.
    ///
    /// # Errors
    /// [`ReadError::Unknown`].
    pub fn revoke_token(&self, name: &str) -> Result<(), ReadError> {
        let of_system = tokens::table.filter(tokens::name.eq(name));
        self.with(|connection| match diesel::delete(of_system).execute(connection)? {
            0 => Err(ReadError::Unknown(format!("the token of {name}"))),
            _ => Ok(()),
        })
    }
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

    #[test]
    fn a_token_counts_until_it_ends_is_replaced_or_revoked() {
        let (_dir, local) = local();
        let terms = TokenTerms::until(NOW.plus(1_000));
        let first = local.issue_token("registry", &terms, NOW).unwrap();
        let system = local.system(&first, NOW).unwrap().unwrap();
        assert_eq!((system.name.as_str(), &system.terms), ("registry", &terms));
        assert_eq!(local.system(&first, NOW.plus(1_000)), Ok(None));
        let second = local.issue_token("registry", &terms, NOW).unwrap();
        assert_eq!(local.system(&first, NOW), Ok(None), "a replaced token still counts");
        local.revoke_token("registry").unwrap();
        assert_eq!(local.system(&second, NOW), Ok(None));
        assert!(local.revoke_token("registry").is_err() && local.system_tokens().unwrap().is_empty());
        for end in [NOW, NOW.plus(TOKEN_DAYS_MAX * DAY_MS + 1)] {
            assert!(matches!(local.issue_token("registry", &TokenTerms::until(end), NOW), Err(ReadError::Invalid(_))));
        }
        for wrong in ["", "登记系统", "Registry", "-registry", "a b", &"r".repeat(65)] {
            assert!(matches!(local.issue_token(wrong, &terms, NOW), Err(ReadError::Invalid(_))), "{wrong}");
        }
    }

    #[test]
    fn a_rotated_token_has_the_terms_of_the_old_one_which_ends_later() {
        let (_dir, local) = local();
        assert!(matches!(
            local.rotate_token("registry", &Credential::Token, (NOW.plus(9), NOW), NOW),
            Err(ReadError::Unknown(_))
        ));
        let terms = TokenTerms {
            submits: true,
            entries: vec!["tax/deed-tax-payment".parse().unwrap()],
            sources: vec!["10.1.2.3".parse().unwrap()],
            ..TokenTerms::until(NOW.plus(10_000))
        };
        let old = local.issue_token("registry", &terms, NOW).unwrap();
        let new = local.rotate_token("registry", &Credential::Token, (NOW.plus(90_000), NOW.plus(500)), NOW).unwrap();
        let found = |token: &str, at: Millis| local.system(token, at).unwrap();
        assert!(found(&old, NOW.plus(499)).is_some() && found(&new, NOW).is_some(), "there is a gap");
        assert_eq!(found(&old, NOW.plus(500)), None);
        assert_eq!(found(&new, NOW).unwrap().terms, TokenTerms { expires: NOW.plus(90_000), ..terms });
    }

    #[test]
    fn a_certificate_is_one_systems_and_no_token() {
        let (_dir, local) = local();
        let (terms, own) = (TokenTerms::until(NOW.plus(1_000)), Credential::Certificate("ab12".into()));
        local.admit_system("registry", &own, &terms, NOW).unwrap();
        assert_eq!(local.system(&of_certificate("ab12"), NOW).unwrap().unwrap().name, "registry");
        assert_eq!(local.system("ab12", NOW), Ok(None));
        assert!(matches!(local.admit_system("archive", &own, &terms, NOW), Err(ReadError::Invalid(_))));
    }

    #[test]
    fn where_a_token_was_seen_stays_known() {
        let (_dir, local) = local();
        local.issue_token("registry", &TokenTerms::until(NOW.plus(1_000)), NOW).unwrap();
        let id = local.system_tokens().unwrap()[0].id;
        local.token_used(id, "10.1.2.3".parse().unwrap(), NOW).unwrap();
        local.token_alarm(id, "::1".parse().unwrap(), NOW.plus(1)).unwrap();
        let token = local.system_tokens().unwrap().remove(0);
        assert_eq!((token.last_used, token.last_from), (Some(NOW), "10.1.2.3".parse().ok()));
        assert_eq!((token.alarm_at, token.alarm_from), (Some(NOW.plus(1)), "::1".parse().ok()));
    }
}
