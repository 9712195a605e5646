//! A department's SQLite file, read only: parameters are bound, names come from the department's own file.

use std::fmt::Write as _;
use std::path::PathBuf;

use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Bool, Double, Text};
use diesel::sqlite::{Sqlite, SqliteConnection};
use diesel::{Connection, QueryableByName, RunQueryDsl};
use parking_lot::Mutex;
use serde_json::{Map, Value};

use crate::ids::ItemName;

use super::config::{ConnectorConfig, is_identifier};
use super::{ConnectorError, Page};

/// How far pages reach: a cursor beyond it is not ours.
const OFFSET_MAX: u64 = 100_000_000;

/// One question, with its values apart from its text.
pub(super) struct Question {
    sql: String,
    values: Vec<Bound>,
    offset: u64,
    row_max: u32,
}

enum Bound {
    Text(String),
    Integer(i64),
    Number(f64),
    Boolean(bool),
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    row: String,
}

impl Question {
    /// Writes the question for a page.
    pub(super) fn new(
        config: &ConnectorConfig,
        params: &Map<String, Value>,
        cursor: Option<&str>,
    ) -> Result<Self, ConnectorError> {
        let mut sql = String::from("SELECT json_object(");
        for (at, (item, column)) in config.items.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            // An item's name has no quote in it: its type allows a-z, 0-9 and _ only.
            let _ = write!(sql, "{comma}'{item}', {}", quoted(column)?);
        }
        let _ = write!(sql, ") AS row FROM {}", quoted(&config.table)?);
        let mut values = Vec::with_capacity(params.len());
        for (name, value) in params {
            let column = name.parse::<ItemName>().ok().and_then(|name| config.params.get(&name));
            let column = column.ok_or_else(|| ConnectorError::UnknownParameter(shown(name)))?;
            let joint = if values.is_empty() { "WHERE" } else { "AND" };
            let _ = write!(sql, " {joint} {} = ?", quoted(column)?);
            values.push(Bound::from_json(value).ok_or_else(|| ConnectorError::Parameter(shown(name)))?);
        }
        sql.push_str(" ORDER BY rowid LIMIT ? OFFSET ?");
        Ok(Self { sql, values, offset: offset(cursor)?, row_max: config.row_max })
    }
}

impl Bound {
    fn from_json(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::Text(text.clone())),
            Value::Bool(flag) => Some(Self::Boolean(*flag)),
            Value::Number(number) => number.as_i64().map(Self::Integer).or_else(|| number.as_f64().map(Self::Number)),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }
}

fn shown(name: &str) -> String {
    name.chars().take(64).collect()
}

fn quoted(name: &str) -> Result<String, ConnectorError> {
    if is_identifier(name) { Ok(format!("\"{name}\"")) } else { Err(ConnectorError::Source("wrong name".into())) }
}

fn offset(cursor: Option<&str>) -> Result<u64, ConnectorError> {
    let Some(text) = cursor else { return Ok(0) };
    let number: u64 = text.parse().map_err(|_| ConnectorError::Cursor)?;
    // One spelling only, and nothing that SQLite could take for a negative number.
    if number.to_string() == text && number <= OFFSET_MAX { Ok(number) } else { Err(ConnectorError::Cursor) }
}

/// Idle connections to one file; how many there are at a time is the caller's matter.
pub(super) struct Pool {
    path: PathBuf,
    idle: Mutex<Vec<SqliteConnection>>,
}

impl Pool {
    /// A pool that opens the file when first asked.
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::new(Vec::new()) }
    }

    /// Asks one question. Blocks: not for the async workers.
    pub(super) fn ask(&self, question: &Question, busy_ms: u64) -> Result<Page, ConnectorError> {
        let idle = self.idle.lock().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.open(busy_ms)?,
        };
        let page = question.ask(&mut connection)?;
        // After an error the connection is dropped instead: the file may have been replaced.
        self.idle.lock().push(connection);
        Ok(page)
    }

    fn open(&self, busy_ms: u64) -> Result<SqliteConnection, ConnectorError> {
        let mut url = String::from("file:");
        for byte in self.path.to_string_lossy().bytes() {
            // RFC 3986: what is not unreserved would end the path or begin the query.
            if byte.is_ascii_alphanumeric() || b"/._-~".contains(&byte) {
                url.push(char::from(byte));
            } else {
                let _ = write!(url, "%{byte:02X}");
            }
        }
        url.push_str("?mode=ro");
        let failed = |_| ConnectorError::Source("its database cannot be opened".into());
        let mut connection = SqliteConnection::establish(&url).map_err(failed)?;
        let pragmas = format!("PRAGMA query_only = ON; PRAGMA busy_timeout = {busy_ms}; PRAGMA trusted_schema = OFF;");
        connection.batch_execute(&pragmas).map_err(|_| ConnectorError::Source("its database does not open".into()))?;
        Ok(connection)
    }
}

impl Question {
    fn ask(&self, connection: &mut SqliteConnection) -> Result<Page, ConnectorError> {
        let mut query = diesel::sql_query(self.sql.as_str()).into_boxed::<Sqlite>();
        for value in &self.values {
            query = match value {
                Bound::Text(text) => query.bind::<Text, _>(text.as_str()),
                Bound::Integer(number) => query.bind::<BigInt, _>(*number),
                Bound::Number(number) => query.bind::<Double, _>(*number),
                Bound::Boolean(flag) => query.bind::<Bool, _>(*flag),
            };
        }
        // One row more than the page tells whether there is a next page.
        let query = query.bind::<BigInt, _>(i64::from(self.row_max) + 1);
        let query = query.bind::<BigInt, _>(i64::try_from(self.offset).unwrap_or(i64::MAX));
        let mut found: Vec<Row> = query.load(connection).map_err(|cause| {
            // The cause names tables and SQL: for the operator's log, not for the caller.
            tracing::warn!(%cause, "a connector's question failed");
            ConnectorError::Source("its table or columns do not fit connector.toml".into())
        })?;
        let page = usize::try_from(self.row_max).unwrap_or(usize::MAX);
        let more = found.len() > page;
        found.truncate(page);
        let rows: Result<Vec<_>, _> = found.iter().map(|row| read(&row.row)).collect();
        let next_cursor = more.then(|| (self.offset + u64::from(self.row_max)).to_string());
        Ok(Page { rows: rows?, next_cursor })
    }
}

fn read(text: &str) -> Result<Map<String, Value>, ConnectorError> {
    let mut row: Map<String, Value> =
        serde_json::from_str(text).map_err(|_| ConnectorError::Source("a row is not readable".into()))?;
    row.retain(|_, value| !value.is_null());
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn database(dir: &std::path::Path) -> PathBuf {
        // A name that must be quoted in the URL.
        let path = dir.join("a b?#%.db");
        let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        connection
            .batch_execute(
                "CREATE TABLE people (idn TEXT, name TEXT, size REAL, n INTEGER);
                 INSERT INTO people VALUES ('1', '王', 1.5, 1), ('1', '李', NULL, 2), ('2', '\"x\"', 2, 3), ('1', 'z', 0, 4);",
            )
            .unwrap();
        path
    }

    fn config(row_max: u32) -> ConnectorConfig {
        let text = format!(
            "version = 1\n[[connector]]\nentry = \"aa/bb\"\nkind = \"sqlite\"\ndatabase = \"x\"\ntable = \"people\"\nrow_max = {row_max}
             items = {{ name = \"name\", area = \"size\" }}\nparams = {{ id_number = \"idn\", number = \"n\" }}"
        );
        super::super::ConnectorFile::parse(&text).unwrap().connectors.remove(0)
    }

    fn ask(pool: &Pool, row_max: u32, params: Value, cursor: Option<&str>) -> Result<Page, ConnectorError> {
        let params = params.as_object().unwrap().clone();
        pool.ask(&Question::new(&config(row_max), &params, cursor)?, 100)
    }

    #[test]
    fn pages_follow_one_another_and_end() {
        let dir = tempfile::tempdir().unwrap();
        let pool = Pool::new(database(dir.path()));
        let first = ask(&pool, 2, json!({"id_number": "1"}), None).unwrap();
        assert_eq!(Value::from(first.rows.clone()), json!([{"name": "王", "area": 1.5}, {"name": "李"}]));
        let second = ask(&pool, 2, json!({"id_number": "1"}), first.next_cursor.as_deref()).unwrap();
        assert_eq!((second.rows.len(), second.next_cursor), (1, None));
        assert_eq!(ask(&pool, 2, json!({"id_number": "1", "number": 4}), None).unwrap().rows.len(), 1);
        for cursor in ["-1", "x", "01", "1 OR 1", "999999999999"] {
            assert_eq!(ask(&pool, 2, json!({}), Some(cursor)), Err(ConnectorError::Cursor));
        }
    }

    #[test]
    fn a_value_is_never_sql() {
        let dir = tempfile::tempdir().unwrap();
        let pool = Pool::new(database(dir.path()));
        for value in ["' OR '1'='1", "1' --", "1; DROP TABLE people", "?1", "%"] {
            assert_eq!(ask(&pool, 9, json!({"id_number": value}), None).unwrap().rows.len(), 0, "{value}");
        }
        assert_eq!(ask(&pool, 9, json!({"id_number": "2"}), None).unwrap().rows[0]["name"], "\"x\"");
        let name = "id_number\" = '1' OR \"n";
        assert!(matches!(ask(&pool, 9, json!({name: "1"}), None), Err(ConnectorError::UnknownParameter(_))));
        assert!(matches!(ask(&pool, 9, json!({"secret": "1"}), None), Err(ConnectorError::UnknownParameter(_))));
        assert!(matches!(ask(&pool, 9, json!({"id_number": ["1"]}), None), Err(ConnectorError::Parameter(_))));
        assert_eq!(ask(&pool, 9, json!({}), None).unwrap().rows.len(), 4);
    }

    #[test]
    fn the_department_s_data_cannot_be_written_or_created() {
        let dir = tempfile::tempdir().unwrap();
        let pool = Pool::new(database(dir.path()));
        let mut connection = pool.open(10).unwrap();
        assert!(connection.batch_execute("DELETE FROM people").is_err());
        let missing = Pool::new(dir.path().join("missing.db"));
        assert!(matches!(ask(&missing, 9, json!({}), None), Err(ConnectorError::Source(_))));
        assert!(!dir.path().join("missing.db").exists());
    }
}
