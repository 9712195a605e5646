//! A department's SQLite file, read only: parameters are bound, names come from the department's own file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use diesel::connection::{DefaultLoadingMode, SimpleConnection};
use diesel::sql_types::{BigInt, Bool, Double, Nullable, Text};
use diesel::sqlite::{Sqlite, SqliteConnection};
use diesel::{Connection, QueryableByName, RunQueryDsl};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::ids::ItemName;

use super::page::{Filling, Page};
use super::sql::{Bound, Dialect, Question, Relation};
use super::{ConnectorConfig, ConnectorError};

/// An SQLite file and what is read in it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SqliteConfig {
    /// The file, relative to the department's data folder.
    pub database: PathBuf,
    /// The table or view in it.
    #[serde(default)]
    pub table: Option<String>,
    /// Instead of a table: a SELECT, with `{parameter}` where a parameter's value is bound.
    #[serde(default)]
    pub query: Option<String>,
    /// Columns that together name a row, none of them NULL. A table has its `rowid`; views and queries need them.
    #[serde(default)]
    pub order_by: Vec<String>,
}

impl SqliteConfig {
    pub(super) fn relation(&self) -> Relation<'_> {
        Relation { table: self.table.as_deref(), query: self.query.as_deref(), order_by: &self.order_by }
    }
}

/// SQLite's words.
pub(super) struct Words;

impl Dialect for Words {
    fn place(&self, number: usize, _column: Option<&str>) -> String {
        format!("?{number}")
    }

    fn object(&self, items: &[(&ItemName, String)]) -> String {
        // An item's name has no quote in it: its type allows a-z, 0-9 and _ only.
        let pairs: Vec<String> = items.iter().map(|(item, column)| format!("'{item}', {column}")).collect();
        format!("json_object({})", pairs.join(", "))
    }

    fn array(&self, columns: &[String]) -> String {
        format!("json_array({})", columns.join(", "))
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    found: String,
    #[diesel(sql_type = Text)]
    at: String,
}

/// Idle connections to one file; how many there are at a time is the caller's matter.
pub(super) struct Pool {
    config: Arc<ConnectorConfig>,
    source: SqliteConfig,
    path: PathBuf,
    idle: Mutex<Vec<SqliteConnection>>,
}

impl Pool {
    /// A pool that opens the file, relative to `base`, when first asked.
    pub(super) fn new(config: Arc<ConnectorConfig>, source: SqliteConfig, base: &Path) -> Self {
        let path = base.join(&source.database);
        Self { config, source, path, idle: Mutex::new(Vec::new()) }
    }

    /// Asks for one page. Blocks: not for the async workers.
    pub(super) fn ask(&self, params: &Map<String, Value>, cursor: Option<&str>) -> Result<Page, ConnectorError> {
        let question = Question::new(&self.config, self.source.relation(), &Words, params, cursor)?;
        let idle = self.idle.lock().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.open(self.config.timeout_ms)?,
        };
        let page = read(&question, &mut connection)?;
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
        let failed = |_| ConnectorError::Unreachable("its database cannot be opened".into());
        let mut connection = SqliteConnection::establish(&url).map_err(failed)?;
        let pragmas = format!("PRAGMA query_only = ON; PRAGMA busy_timeout = {busy_ms}; PRAGMA trusted_schema = OFF;");
        let failed = |_| ConnectorError::Unreachable("its database does not open".into());
        connection.batch_execute(&pragmas).map_err(failed)?;
        Ok(connection)
    }
}

fn read(question: &Question, connection: &mut SqliteConnection) -> Result<Page, ConnectorError> {
    let failed = |cause: diesel::result::Error| {
        // The cause names tables and SQL: for the operator's log, not for the caller.
        tracing::warn!(%cause, "a connector's question failed");
        ConnectorError::Broken("its table, columns or query do not fit connector.toml".into())
    };
    let mut query = diesel::sql_query(question.sql.as_str()).into_boxed::<Sqlite>();
    for value in &question.values {
        query = match value {
            Bound::Null => query.bind::<Nullable<Text>, _>(None::<String>),
            Bound::Text(text) => query.bind::<Text, _>(text.as_str()),
            Bound::Integer(number) => query.bind::<BigInt, _>(*number),
            Bound::Number(number) => query.bind::<Double, _>(*number),
            Bound::Boolean(flag) => query.bind::<Bool, _>(*flag),
        };
    }
    let mut page = Filling::new(question.row_max);
    for row in query.load_iter::<Row, DefaultLoadingMode>(connection).map_err(failed)? {
        let Row { found, at } = row.map_err(failed)?;
        if !page.add(&found, at)? {
            break;
        }
    }
    Ok(page.done())
}

#[cfg(test)]
mod tests {
    use super::super::SourceConfig;
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

    fn pool(path: &std::path::Path, config: ConnectorConfig) -> Pool {
        let SourceConfig::Sqlite(source) = config.source.clone() else { panic!("not SQLite") };
        let source = SqliteConfig { database: path.to_owned(), ..source };
        Pool::new(Arc::new(config), source, std::path::Path::new("/"))
    }

    fn ask(pool: &Pool, params: Value, cursor: Option<&str>) -> Result<Page, ConnectorError> {
        pool.ask(params.as_object().unwrap(), cursor)
    }

    #[test]
    fn pages_follow_one_another_and_end() {
        let dir = tempfile::tempdir().unwrap();
        let pool = pool(&database(dir.path()), config(2));
        let first = ask(&pool, json!({"id_number": "1"}), None).unwrap();
        assert_eq!(Value::from(first.rows.clone()), json!([{"name": "王", "area": 1.5}, {"name": "李"}]));
        let second = ask(&pool, json!({"id_number": "1"}), first.next_cursor.as_deref()).unwrap();
        assert_eq!((second.rows.len(), second.next_cursor), (1, None));
        assert_eq!(ask(&pool, json!({"id_number": "1", "number": 4}), None).unwrap().rows.len(), 1);
        for cursor in ["", "1", "x", "[]", "[1,2]", "[[1]]", "[null]"] {
            assert_eq!(ask(&pool, json!({}), Some(cursor)), Err(ConnectorError::Cursor));
        }
    }

    #[test]
    fn a_value_is_never_sql() {
        let dir = tempfile::tempdir().unwrap();
        let pool = pool(&database(dir.path()), config(9));
        for value in ["' OR '1'='1", "1' --", "1; DROP TABLE people", "?1", "%"] {
            assert_eq!(ask(&pool, json!({"id_number": value}), None).unwrap().rows.len(), 0, "{value}");
        }
        assert_eq!(ask(&pool, json!({"id_number": "2"}), None).unwrap().rows[0]["name"], "\"x\"");
        let name = "id_number\" = '1' OR \"n";
        assert!(matches!(ask(&pool, json!({name: "1"}), None), Err(ConnectorError::UnknownParameter(_))));
        assert!(matches!(ask(&pool, json!({"secret": "1"}), None), Err(ConnectorError::UnknownParameter(_))));
        assert!(matches!(ask(&pool, json!({"id_number": ["1"]}), None), Err(ConnectorError::Parameter(_))));
        assert_eq!(ask(&pool, json!({}), None).unwrap().rows.len(), 4);
    }

    #[test]
    fn the_department_s_data_cannot_be_written_or_created() {
        let dir = tempfile::tempdir().unwrap();
        let pool = pool(&database(dir.path()), config(9));
        let mut connection = pool.open(10).unwrap();
        assert!(connection.batch_execute("DELETE FROM people").is_err());
        let missing = self::pool(&dir.path().join("missing.db"), config(9));
        assert!(matches!(ask(&missing, json!({}), None), Err(ConnectorError::Unreachable(_))));
        assert!(!dir.path().join("missing.db").exists());
    }

    #[test]
    fn views_and_queries_are_paged_by_their_own_order_even_when_rows_come_and_go() {
        let dir = tempfile::tempdir().unwrap();
        let path = database(dir.path());
        let mut writer = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        writer.batch_execute("CREATE VIEW sized AS SELECT idn, name, n, size FROM people").unwrap();
        for relation in [
            "table = \"sized\"\nparams = { id_number = \"idn\" }",
            "query = \"SELECT * FROM people WHERE idn = {id_number} -- all\"",
        ] {
            let text = format!(
                "version = 1\n[[connector]]\nentry = \"aa/bb\"\nkind = \"sqlite\"\ndatabase = \"x\"\n{relation}
                 order_by = [\"idn\", \"n\"]\nrow_max = 1\nitems = {{ name = \"name\", n = \"n\" }}"
            );
            let config = super::super::ConnectorFile::parse(&text).unwrap().connectors.remove(0);
            let pool = pool(&path, config);
            let params = || json!({"id_number": "1"});
            let first = ask(&pool, params(), None).unwrap();
            writer.batch_execute("INSERT INTO people VALUES ('1', 'new', 9, 0)").unwrap();
            let second = ask(&pool, params(), first.next_cursor.as_deref()).unwrap();
            let third = ask(&pool, params(), second.next_cursor.as_deref()).unwrap();
            let seen = [&first, &second, &third].map(|page| page.rows[0]["n"].clone());
            assert_eq!((Value::from(seen.to_vec()), third.next_cursor), (json!([1, 2, 4]), None), "{relation}");
            writer.batch_execute("DELETE FROM people WHERE n = 0").unwrap();
            assert_eq!(ask(&pool, json!({"id_number": "' OR 1=1 --"}), None).unwrap().rows.len(), 0);
            let unknown = ask(&pool, json!({"id_number": "1", "other": 1}), None);
            assert_eq!(unknown, Err(ConnectorError::UnknownParameter("other".into())));
        }
    }
}
