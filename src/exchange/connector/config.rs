//! `connector.toml`: where a department's own data lies, entry by entry.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::ids::{EntryName, ItemName};

use super::http_config::HttpConfig;
use super::licences::LicencesConfig;
use super::postgres_config::PostgresConfig;
use super::sqlite::SqliteConfig;

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
#[serde(try_from = "Written")]
pub struct ConnectorConfig {
    /// The entry it serves.
    pub entry: EntryName,
    /// What is asked.
    pub source: SourceConfig,
    /// Where each item stands: a column of a database, a JSON pointer or name in a service's row. A NULL is left out.
    pub items: BTreeMap<ItemName, String>,
    /// Where each parameter goes: a column that must equal it, or its name in the service's query or body. A parameter
    /// without a place is refused, never ignored.
    pub params: BTreeMap<ItemName, String>,
    /// Rows of one page, at most.
    pub row_max: u32,
    /// Longest time for one page, in milliseconds.
    pub timeout_ms: u64,
}

/// The department's source, by kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceConfig {
    /// An SQLite file, opened for reading only.
    Sqlite(SqliteConfig),
    /// A PostgreSQL database, read in transactions that cannot write.
    Postgres(PostgresConfig),
    /// A service that answers with JSON.
    Http(HttpConfig),
    /// The department's own e-licences.
    Certificates(LicencesConfig),
}

/// The table as it stands in the file: what all kinds have, and the rest for the kind.
#[derive(Deserialize)]
struct Written {
    entry: EntryName,
    kind: Kind,
    items: BTreeMap<ItemName, String>,
    #[serde(default)]
    params: BTreeMap<ItemName, String>,
    #[serde(default = "default_rows")]
    row_max: u32,
    #[serde(default = "default_timeout")]
    timeout_ms: u64,
    #[serde(flatten)]
    rest: toml::Table,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Sqlite,
    Postgres,
    Http,
    Certificates,
}

fn default_rows() -> u32 {
    PAGE_ROWS_MAX
}

fn default_timeout() -> u64 {
    2_000
}

impl TryFrom<Written> for ConnectorConfig {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { entry, kind, items, params, row_max, timeout_ms, rest } = written;
        let wrong = |error: toml::de::Error| format!("{entry}: {}", error.message());
        let source = match kind {
            Kind::Sqlite => SourceConfig::Sqlite(rest.try_into().map_err(wrong)?),
            Kind::Postgres => SourceConfig::Postgres(rest.try_into().map_err(wrong)?),
            Kind::Http => SourceConfig::Http(rest.try_into().map_err(wrong)?),
            Kind::Certificates => SourceConfig::Certificates(rest.try_into().map_err(wrong)?),
        };
        let connector = Self { entry, source, items, params, row_max, timeout_ms };
        connector.check().map_err(|why| format!("{}: {why}", connector.entry))?;
        Ok(connector)
    }
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
            if !seen.insert(&connector.entry) {
                return Err(format!("{} has two connectors", connector.entry));
            }
        }
        Ok(file)
    }
}

impl ConnectorConfig {
    /// File and table of an SQLite source that reads a whole table.
    pub fn sqlite_table(&self) -> Option<(&Path, &str)> {
        match &self.source {
            SourceConfig::Sqlite(source) => Some((&source.database, source.table.as_deref()?)),
            SourceConfig::Postgres(_) | SourceConfig::Http(_) | SourceConfig::Certificates(_) => None,
        }
    }

    /// Whether a parameter has a place.
    pub fn takes(&self, param: &ItemName) -> bool {
        let placed = match &self.source {
            SourceConfig::Sqlite(source) => source.relation().takes(param),
            SourceConfig::Postgres(source) => source.relation().takes(param),
            SourceConfig::Http(source) => source.url.takes(param.as_str()),
            SourceConfig::Certificates(_) => false,
        };
        placed || self.params.contains_key(param)
    }

    /// Checks what serde cannot: names of tables and columns, and the limits.
    fn check(&self) -> Result<(), String> {
        if self.items.is_empty() || self.items.len() > COLUMNS_MAX || self.params.len() > COLUMNS_MAX {
            return Err(format!("needs 1 to {COLUMNS_MAX} items and at most {COLUMNS_MAX} params"));
        }
        if !(1..=PAGE_ROWS_MAX).contains(&self.row_max) {
            return Err(format!("row_max must be 1 to {PAGE_ROWS_MAX}"));
        }
        if !(10..=TIMEOUT_MS_MAX).contains(&self.timeout_ms) {
            return Err(format!("timeout_ms must be 10 to {TIMEOUT_MS_MAX}"));
        }
        match &self.source {
            SourceConfig::Sqlite(source) => self.check_columns().and_then(|()| source.relation().check(false)),
            SourceConfig::Postgres(source) => self.check_columns().and_then(|()| source.check()),
            SourceConfig::Http(source) => source.check(&self.items, &self.params),
            SourceConfig::Certificates(source) => source.check(self.params.values()),
        }
    }

    fn check_columns(&self) -> Result<(), String> {
        match self.items.values().chain(self.params.values()).find(|name| !is_identifier(name)) {
            Some(wrong) => Err(format!("`{wrong}` is not a column name: 1 to 63 of a-z, 0-9 and _, no leading digit")),
            None => Ok(()),
        }
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

    fn refused(text: &str, says: &str) {
        let error = ConnectorFile::parse(text).expect_err(text);
        assert!(error.contains(says), "{error}\nshould say: {says}");
    }

    #[test]
    fn a_file_has_defaults_and_no_unknown_keys() {
        let file = ConnectorFile::parse(FILE).unwrap();
        assert_eq!(file.connectors[0].row_max, 1_000);
        assert_eq!(file.connectors[0].timeout_ms, 2_000);
        refused(&FILE.replace("table =", "tabel ="), "tabel");
        refused(&FILE.replace("version = 1", "version = 2"), "version 2");
        refused(&FILE.replace("table =", "host = \"::1\"\ntable ="), "host");
    }

    #[test]
    fn names_that_could_be_sql_are_refused() {
        for name in ["a\\\"; drop table x; --", "Name", "a b", "", "1a", "名"] {
            refused(&FILE.replace("\"holder_id\"", &format!("\"{name}\"")), "is not a column name");
            refused(&FILE.replace("\"accounts\"", &format!("\"{name}\"")), "is not a table");
        }
    }

    #[test]
    fn what_a_source_reads_is_said_once_and_pages_need_an_order() {
        refused(&FILE.replace("table = \"accounts\"", ""), "needs `table` or `query`");
        let query = "query = 'SELECT * FROM a WHERE id = {id_number}'";
        refused(&FILE.replace("table =", &format!("{query}\ntable =")), "needs `table` or `query`, not both");
        let by_query = FILE.replace("table = \"accounts\"", query);
        refused(&by_query, "order_by");
        let ordered = by_query.replace("kind =", "order_by = [\"number\"]\nkind =");
        let file = ConnectorFile::parse(&ordered).unwrap();
        assert!(file.connectors[0].takes(&"id_number".parse().unwrap()));
        assert!(!file.connectors[0].takes(&"number".parse().unwrap()));
        refused(&ordered.replace("= {id_number}", "= {id_number"), "has no end");
    }

    #[test]
    fn a_postgres_source_never_crosses_a_network_in_clear_and_holds_no_password() {
        let file = FILE
            .replace("\"sqlite\"", "\"postgres\"\nhost = \"127.0.0.1\"\nuser = \"reader\"\norder_by = [\"number\"]")
            .replace("water.db", "water");
        ConnectorFile::parse(&file).unwrap();
        ConnectorFile::parse(&file.replace("127.0.0.1", "/run/postgresql")).unwrap();
        refused(&file.replace("127.0.0.1", "10.1.2.3"), "tunnel");
        refused(&file.replace("order_by = [\"number\"]", ""), "order_by");
        refused(&file.replace("user =", "password = \"x\"\nuser ="), "no secret stands in");
        ConnectorFile::parse(&file.replace("user =", "password = { file = \"secrets/pg\" }\nuser =")).unwrap();
        refused(&file.replace("user =", "connections = 99\nuser ="), "connections");
    }

    #[test]
    fn a_service_s_url_has_places_for_parameters_where_they_can_do_no_harm() {
        let file = r#"
            version = 1
            [[connector]]
            entry = "water/water-account"
            kind = "http"
            url = "http://127.0.0.1:9/accounts/{id_number}"
            rows = "/data"
            items = { holder_name = "/holder/name", account_number = "number" }
        "#;
        ConnectorFile::parse(file).unwrap();
        refused(&file.replace("127.0.0.1:9", "{id_number}"), "path or the query");
        refused(&file.replace("127.0.0.1:9", "user:secret@127.0.0.1:9"), "name nor password");
        refused(&file.replace("http://127", "ftp://127"), "http:// or https://");
        refused(&file.replace("/data", "data"), "JSON pointer");
        refused(&file.replace("rows =", "method = \"PUT\"\nrows ="), "PUT");
        refused(&file.replace("rows =", "headers = { authorization = \"Bearer x\" }\nrows ="), "no secret stands in");
        let secret = "headers = { authorization = { env = \"TOKEN\", prefix = \"Bearer \" } }\nrows =";
        ConnectorFile::parse(&file.replace("rows =", secret)).unwrap();
    }
}
