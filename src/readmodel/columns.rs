//! How values become columns and come back.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::ReadError;

/// More than any text that the ledger accepts where listings look for it.
const KEY_CHARS_MAX: usize = 256;

/// Both databases' integers are signed; no index or time of ours comes near the limit.
pub(super) fn column(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A count as a column.
pub(super) fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A column as a number; negative ones are never written.
pub(super) fn number(column: i64) -> u64 {
    u64::try_from(column).unwrap_or(0)
}

/// A text as a column. PostgreSQL takes no NUL, and what stands on the ledger must not stop the projection.
pub(super) fn words(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}

/// The same for a column with an index, whose rows PostgreSQL bounds. Filters by it go through here too.
pub(super) fn key(text: &str) -> String {
    text.chars().take(KEY_CHARS_MAX).map(|sign| if sign == '\0' { '\u{FFFD}' } else { sign }).collect()
}

/// A record as a JSON column.
pub(super) fn to_json<T: Serialize>(value: &T) -> Result<String, ReadError> {
    serde_json::to_string(value).map_err(|e| ReadError::Invalid(e.to_string()))
}

/// A JSON column as a record.
pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, ReadError> {
    serde_json::from_str(text).map_err(|e| ReadError::Corrupt(format!("a stored record: {e}")))
}

/// A text column as an identifier.
pub(super) fn from_text<T: std::str::FromStr>(text: &str) -> Result<T, ReadError> {
    text.parse()
        .map_err(|_| ReadError::Corrupt(format!("a stored name: {}", text.chars().take(40).collect::<String>())))
}

diesel::define_sql_function! {
    /// The place of a part in a text, from 1, or 0. Unlike LIKE it knows no wildcards. SQLite has it, and the migrations
    /// make it for PostgreSQL.
    fn instr(text: diesel::sql_types::Text, part: diesel::sql_types::Text) -> diesel::sql_types::Integer;
}
