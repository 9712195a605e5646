//! A department's PostgreSQL database: bound parameters, transactions that cannot write, and a time for each question.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use crate::ids::ItemName;
use crate::readmodel::server::address;
use diesel::connection::SimpleConnection;
use diesel::pg::{Pg, PgConnection, PgRowByRowLoadingMode};
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_types::{Nullable, Text};
use diesel::{Connection, QueryableByName, RunQueryDsl};
use parking_lot::Mutex;
use serde_json::{Map, Value};

use super::page::{Filling, Page};
use super::postgres_config::PostgresConfig;
use super::sql::{Bound, Dialect, Question, from, quoted};
use super::{ConnectorConfig, ConnectorError};

/// Types of the source's columns, by their quoted names: what a parameter's text is cast to.
type Types = BTreeMap<String, String>;

/// PostgreSQL's words.
struct Words<'a>(&'a Types);

impl Dialect for Words<'_> {
    fn place(&self, number: usize, column: Option<&str>) -> String {
        match column.and_then(|column| self.0.get(column)) {
            Some(kind) => format!("CAST(CAST(${number} AS TEXT) AS {kind})"),
            None => format!("CAST(${number} AS TEXT)"),
        }
    }

    fn object(&self, items: &[(&ItemName, String)]) -> String {
        let columns: Vec<String> = items.iter().map(|(item, column)| format!("{column} AS \"{item}\"")).collect();
        // Functions take 100 arguments only, a row has more columns.
        format!("(SELECT row_to_json(i) FROM (SELECT {}) AS i)", columns.join(", "))
    }

    fn array(&self, columns: &[String]) -> String {
        let texts: Vec<String> = columns.iter().map(|column| format!("CAST({column} AS TEXT)")).collect();
        format!("json_build_array({})", texts.join(", "))
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    found: String,
    #[diesel(sql_type = Text)]
    at: String,
}

#[derive(QueryableByName)]
struct Typed {
    #[diesel(sql_type = Text)]
    types: String,
}

/// Connections to one database; how many there are at a time is the caller's matter.
pub(super) struct Pool {
    config: Arc<ConnectorConfig>,
    source: PostgresConfig,
    base: PathBuf,
    idle: Mutex<Vec<PgConnection>>,
    types: Mutex<Option<Arc<Types>>>,
}

impl Pool {
    /// A pool that connects when first asked.
    pub(super) fn new(config: Arc<ConnectorConfig>, source: PostgresConfig, base: PathBuf) -> Self {
        Self { config, source, base, idle: Mutex::new(Vec::new()), types: Mutex::new(None) }
    }

    /// Asks for one page. Blocks: not for the async workers.
    pub(super) fn ask(&self, params: &Map<String, Value>, cursor: Option<&str>) -> Result<Page, ConnectorError> {
        let begun = Instant::now();
        let idle = self.idle.lock().pop();
        let answer = match idle {
            Some(connection) => match self.ask_over(connection, params, cursor, begun) {
                // The server was restarted meanwhile, and reading once more does no harm.
                Err(ConnectorError::Unreachable(_)) => self.ask_over(self.open()?, params, cursor, begun),
                answer => answer,
            },
            None => self.ask_over(self.open()?, params, cursor, begun),
        };
        if answer.is_err() {
            // The table may have been changed.
            *self.types.lock() = None;
        }
        answer
    }

    fn open(&self) -> Result<PgConnection, ConnectorError> {
        let password = self.source.password.as_ref().map(|place| place.read(&self.base)).transpose()?;
        let PostgresConfig { host, port, user, database, .. } = &self.source;
        let address = address(host, *port, database, user, password.as_deref());
        let failed = |cause: String| {
            tracing::warn!(entry = %self.config.entry, cause, "the department's database cannot be reached");
            ConnectorError::Unreachable("its database cannot be reached".into())
        };
        let mut connection = PgConnection::establish(&address).map_err(|cause| failed(cause.to_string()))?;
        let time = self.config.timeout_ms;
        let settings = format!(
            "SET default_transaction_read_only = on; SET statement_timeout = {time}; SET lock_timeout = {time}; \
             SET idle_in_transaction_session_timeout = {time}; SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'"
        );
        connection.batch_execute(&settings).map_err(|cause| failed(cause.to_string()))?;
        Ok(connection)
    }

    /// The connection is kept when all went well, and closed otherwise.
    fn ask_over(
        &self,
        mut connection: PgConnection,
        params: &Map<String, Value>,
        cursor: Option<&str>,
        begun: Instant,
    ) -> Result<Page, ConnectorError> {
        let known = self.types.lock().clone();
        let types = match known {
            Some(types) => types,
            None => {
                let types = Arc::new(self.learn(&mut connection, params, begun)?);
                *self.types.lock() = Some(types.clone());
                types
            }
        };
        let question = Question::new(&self.config, self.source.relation(), &Words(&types), params, cursor)?;
        let page = connection.build_transaction().read_only().run(|connection| {
            let query = bound(&question.sql, &question.values);
            let mut page = Filling::new(question.row_max);
            for row in query.load_iter::<Row, PgRowByRowLoadingMode>(connection)? {
                let Row { found, at } = row?;
                if !page.add(&found, at).map_err(Failed::Connector)? {
                    break;
                }
            }
            Ok(page.done())
        });
        let page = page.map_err(|failed| match failed {
            Failed::Connector(error) => error,
            Failed::Database(cause) => self.failure(&cause, &question.values, begun),
        })?;
        self.idle.lock().push(connection);
        Ok(page)
    }

    /// Asks for the types of the columns that parameters and pages are compared with; reads no row.
    fn learn(
        &self,
        connection: &mut PgConnection,
        params: &Map<String, Value>,
        begun: Instant,
    ) -> Result<Types, ConnectorError> {
        let names = self.config.params.values().chain(&self.source.order_by);
        let columns: Vec<String> = names.map(|name| quoted(name)).collect::<Result<_, _>>()?;
        let kinds: Vec<String> = columns.iter().map(|column| format!("CAST(pg_typeof({column}) AS TEXT)")).collect();
        let mut values = Vec::new();
        let relation = from(self.source.relation(), &Words(&Types::new()), params, &mut values)?;
        let sql = format!(
            "SELECT CAST(json_build_array({}) AS TEXT) AS types FROM (SELECT 1) AS one \
             LEFT JOIN (SELECT * FROM {relation} AS q LIMIT 0) AS s ON true",
            kinds.join(", ")
        );
        let asked = connection
            .build_transaction()
            .read_only()
            .run(|connection| bound(&sql, &values).get_result::<Typed>(connection));
        let Typed { types } = asked.map_err(|cause| self.failure(&cause, &values, begun))?;
        let types: Vec<String> = serde_json::from_str(&types)
            .map_err(|_| ConnectorError::Broken("the types of its columns are not readable".into()))?;
        // Without a length these two mean a length of 1, and a cast would cut the value.
        let whole = |kind: String| match kind.as_str() {
            "character" => "bpchar".to_owned(),
            "bit" => "varbit".to_owned(),
            _ => kind,
        };
        Ok(columns.into_iter().zip(types.into_iter().map(whole)).collect())
    }

    fn failure(&self, cause: &Error, values: &[Bound], begun: Instant) -> ConnectorError {
        let mut said = cause.to_string();
        // What the database says may quote a value, and values are personal.
        for text in values.iter().filter_map(Bound::text).filter(|text| !text.is_empty()) {
            said = said.replace(&text, "...");
        }
        tracing::warn!(entry = %self.config.entry, cause = said, "a connector's question failed");
        let spent = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        match cause {
            Error::DatabaseError(DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand, _)
            | Error::BrokenTransactionManager => {
                ConnectorError::Unreachable("its database closed the connection".into())
            }
            // The server ends a question at its time, in words of its own language.
            _ if spent + spent / 20 >= self.config.timeout_ms => ConnectorError::Late(self.config.timeout_ms),
            _ => ConnectorError::Broken("its table, columns or query do not fit connector.toml".into()),
        }
    }
}

/// Why a transaction ended.
enum Failed {
    Connector(ConnectorError),
    Database(Error),
}

impl From<Error> for Failed {
    fn from(cause: Error) -> Self {
        Self::Database(cause)
    }
}

fn bound<'a>(
    sql: &'a str,
    values: &[Bound],
) -> diesel::query_builder::BoxedSqlQuery<'a, Pg, diesel::query_builder::SqlQuery> {
    let mut query = diesel::sql_query(sql).into_boxed::<Pg>();
    for value in values {
        query = query.bind::<Nullable<Text>, _>(value.text());
    }
    query
}
