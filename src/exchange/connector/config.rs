//! `connector.toml`: where a department's own data lies, entry by entry.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use crate::ids::{EntryName, ItemName};

/// Rows of one page, at most, as data-sharing platforms answer in practice.
pub const PAGE_ROWS_MAX: u32 = 1_000;
/// Items or parameters of one entry, at most: SQLite's functions take 127 arguments.
pub const COLUMNS_MAX: usize = 60;
const CONNECTORS_MAX: usize = 200;
const TIMEOUT_MS_MAX: u64 = 8_000;

/// A department's connectors.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectorFile {
    /// Form of the file: 1.
    pub version: u32,
    /// One for each entry that the department serves.
    #[serde(default, rename = "connector")]
    pub connectors: Vec<ConnectorConfig>,
}

/// How one entry's rows are found.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectorConfig {
    /// The entry it serves.
    pub entry: EntryName,
    /// What is asked.
    pub kind: ConnectorKind,
    /// The database file, relative to the department's data folder.
    pub database: PathBuf,
    /// The table in it; not a view, since pages follow its `rowid`.
    pub table: String,
    /// Column of each item. A NULL is left out of the row.
    pub items: BTreeMap<ItemName, String>,
    /// Column that a parameter must equal. A parameter without a column is refused, never ignored.
    pub params: BTreeMap<ItemName, String>,
    /// Rows of one page, at most.
    #[serde(default = "default_rows")]
    pub row_max: u32,
    /// Longest time for one page, in milliseconds.
    #[serde(default = "default_timeout")]
    pub timeout_ms: u64,
}

/// Kind of the department's source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConnectorKind {
    /// An SQLite file, opened for reading only.
    Sqlite,
}

fn default_rows() -> u32 {
    PAGE_ROWS_MAX
}

fn default_timeout() -> u64 {
    2_000
}

impl ConnectorFile {
    /// Reads and checks the file's text.
    ///
    /// # Errors
    /// What is wrong, for the operator.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: Self = toml::from_str(text).map_err(|e| e.to_string())?;
        if file.version != 1 {
            return Err(format!("version {} is not known; write version = 1", file.version));
        }
        if file.connectors.len() > CONNECTORS_MAX {
            return Err(format!("at most {CONNECTORS_MAX} connectors"));
        }
        let mut seen = std::collections::BTreeSet::new();
        for connector in &file.connectors {
            connector.check().map_err(|why| format!("{}: {why}", connector.entry))?;
            if !seen.insert(&connector.entry) {
                return Err(format!("{} has two connectors", connector.entry));
            }
        }
        Ok(file)
    }
}

impl ConnectorConfig {
    /// Checks what serde cannot: names of tables and columns, and the limits.
    ///
    /// # Errors
    /// What is wrong, for the operator.
    pub fn check(&self) -> Result<(), String> {
        let columns = self.items.values().chain(self.params.values());
        if let Some(wrong) = std::iter::once(&self.table).chain(columns).find(|name| !is_identifier(name)) {
            return Err(format!(
                "`{wrong}` is not a table or column name: 1 to 63 of a-z, 0-9 and _, no leading digit"
            ));
        }
        if self.items.is_empty() || self.items.len() > COLUMNS_MAX || self.params.len() > COLUMNS_MAX {
            return Err(format!("needs 1 to {COLUMNS_MAX} items and at most {COLUMNS_MAX} params"));
        }
        if !(1..=PAGE_ROWS_MAX).contains(&self.row_max) {
            return Err(format!("row_max must be 1 to {PAGE_ROWS_MAX}"));
        }
        if !(10..=TIMEOUT_MS_MAX).contains(&self.timeout_ms) {
            return Err(format!("timeout_ms must be 10 to {TIMEOUT_MS_MAX}"));
        }
        Ok(())
    }
}

/// Whether a text may stand, quoted, as a table's or column's name in SQL.
pub fn is_identifier(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && !text.starts_with(|first: char| first.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
        version = 1
        [[connector]]
        entry = "water/water-account"
        kind = "sqlite"
        database = "water.db"
        table = "accounts"
        items = { account_number = "number", holder_name = "name" }
        params = { id_number = "holder_id" }
    "#;

    #[test]
    fn a_file_has_defaults_and_no_unknown_keys() {
        let file = ConnectorFile::parse(FILE).unwrap();
        assert_eq!(file.connectors[0].row_max, 1_000);
        assert_eq!(file.connectors[0].timeout_ms, 2_000);
        assert!(ConnectorFile::parse(&FILE.replace("table =", "tabel =")).is_err());
        assert!(ConnectorFile::parse(&FILE.replace("version = 1", "version = 2")).is_err());
    }

    #[test]
    fn names_that_could_be_sql_are_refused() {
        for name in ["a\\\"; drop table x; --", "Name", "a b", "", "1a", "名"] {
            let text = FILE.replace("\"holder_id\"", &format!("\"{name}\""));
            assert!(ConnectorFile::parse(&text).is_err(), "{name:?} passed");
        }
    }
}
