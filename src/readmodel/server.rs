//! A PostgreSQL server that keeps projections: its address, the schema of one node, and the one who may write there.

use std::path::PathBuf;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};
use zeroize::Zeroizing;

use crate::crypto::digest::sm3;
use crate::ids::DepartmentId;

use super::error::ReadError;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/projection-postgres");
/// Holds the password when the configuration names no file.
pub const PASSWORD_VARIABLE: &str = "MULU_DATABASE_PASSWORD";
const PASSWORD_BYTES_MAX: usize = 8 * 1024;
/// How long a server gives one statement of the follower: a new index of ten million rows takes minutes.
const WRITE_TIME_MAX: Duration = Duration::from_secs(600);
/// How long to wait for whoever wrote before: a process that ended a moment ago.
const TURN_WAIT_MS: u32 = 3_000;
/// Characters of a department's name in the name of its schema, which PostgreSQL bounds.
const NAME_CHARS: usize = 40;
const FORM: &str = "postgresql://ROLE@127.0.0.1:5432/DATABASE, or with the folder of its socket as host, its slashes \
                    as %2F: postgresql://ROLE@%2Fvar%2Frun%2Fpostgresql/DATABASE";

/// A node's schema on a server. It is named after department and chain, so that several nodes may share a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    host: String,
    port: u16,
    user: String,
    database: String,
    password_file: Option<PathBuf>,
    schema: String,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Bool)]
    found: bool,
}

impl Server {
    /// A node's schema on the server of a URL.
    ///
    /// # Errors
    /// What is wrong with the URL, for the operator.
    pub fn new(
        url: &str,
        password_file: Option<PathBuf>,
        department: &DepartmentId,
        chain: &str,
    ) -> Result<Self, String> {
        let wrong = || format!("is not of the form {FORM}");
        let rest = url.strip_prefix("postgresql://").or_else(|| url.strip_prefix("postgres://")).ok_or_else(wrong)?;
        let (user, rest) = rest.split_once('@').ok_or_else(wrong)?;
        let (place, database) = rest.split_once('/').ok_or_else(wrong)?;
        if user.contains(':') {
            return Err("holds a password: write it into the file that database_password_file names".into());
        }
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| wrong())?),
            _ => (place, 5432),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let decoded = |text: &str| decoded(text).filter(|text| !text.is_empty()).ok_or_else(wrong);
        let (host, user, database) = (decoded(host)?, decoded(user)?, decoded(database)?);
        if !is_near(&host) {
            return Err("host is the folder of the server's socket, 127.0.0.1 or ::1: the connection has no TLS, so \
                        bring a server elsewhere here through a tunnel"
                .into());
        }
        Ok(Self { host, port, user, database, password_file, schema: schema(department, chain) })
    }

    /// Name of the schema.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// Where it is, without anything secret: for the operator.
    pub fn place(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        format!("{host}:{}/{} ({})", self.port, self.database, self.schema)
    }

    /// Asks the server for its version, to learn whether it can be reached.
    ///
    /// # Errors
    /// [`ReadError::Unreachable`].
    pub fn version(&self) -> Result<String, ReadError> {
        let mut connection = self.connect(WRITE_TIME_MAX)?;
        line(&mut connection, "SELECT current_setting('server_version') AS line")
    }

    pub(super) fn reader(&self, time_max: Duration) -> Result<PgConnection, ReadError> {
        self.connect(time_max)
    }

    /// The one connection that writes, on tables of the newest form; says whether they were made just now.
    ///
    /// # Errors
    /// [`ReadError::Taken`] while another process writes there, [`ReadError::Unreachable`] otherwise.
    pub(super) fn writer(&self) -> Result<(PgConnection, bool), ReadError> {
        let mut connection = self.connect(WRITE_TIME_MAX)?;
        self.take_turn(&mut connection)?;
        let is_new = self.make(&mut connection).map_err(ReadError::unusable)?;
        // What a crash of the server takes, the ledger gives again: the position goes with it.
        connection.batch_execute("SET synchronous_commit = off")?;
        Ok((connection, is_new))
    }

    /// Drops the schema.
    ///
    /// # Errors
    /// As [`Server::writer`].
    pub(super) fn remove(&self) -> Result<(), ReadError> {
        let mut connection = self.connect(WRITE_TIME_MAX)?;
        self.take_turn(&mut connection)?;
        connection.batch_execute(&format!("DROP SCHEMA IF EXISTS {} CASCADE", self.schema)).map_err(Into::into)
    }

    fn connect(&self, time_max: Duration) -> Result<PgConnection, ReadError> {
        let address = address(&self.host, self.port, &self.database, &self.user, self.password()?.as_deref());
        let mut connection =
            PgConnection::establish(&address).map_err(|cause| ReadError::Unreachable(one_line(&cause.to_string())))?;
        let (schema, time) = (&self.schema, time_max.as_millis());
        // A connection that is cut must not keep the writer's place for hours.
        let settings = format!(
            "SET search_path TO {schema}; SET statement_timeout = {time}; SET lock_timeout = {time}; \
             SET idle_in_transaction_session_timeout = {time}; SET client_min_messages = warning; \
             SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3; \
             SET tcp_user_timeout = 60000"
        );
        connection.batch_execute(&settings).map_err(|error| ReadError::Unreachable(error.to_string()))?;
        Ok(connection)
    }

    /// Reads the password anew, so that a changed one holds from the next connection on.
    fn password(&self) -> Result<Option<Zeroizing<String>>, ReadError> {
        let unusable = |why: String| ReadError::Unreachable(format!("its password: {why}"));
        let text = match &self.password_file {
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|e| unusable(format!("{}: {e}", path.display())))?;
                Some(Zeroizing::new(text))
            }
            None => std::env::var(PASSWORD_VARIABLE).ok().map(Zeroizing::new),
        };
        let Some(text) = text else { return Ok(None) };
        let word = text.trim_end_matches(['\r', '\n']);
        if word.is_empty() || word.len() > PASSWORD_BYTES_MAX || word.chars().any(char::is_control) {
            return Err(unusable("it is empty, too long, or holds control characters".into()));
        }
        Ok(Some(Zeroizing::new(word.to_owned())))
    }

    /// Only one process fills a schema; the server lets go when its connection ends.
    fn take_turn(&self, connection: &mut PgConnection) -> Result<(), ReadError> {
        let digest = sm3(&[b"mulu projection", self.schema.as_bytes()]).0;
        let key = digest.first_chunk().map_or(0, |bytes| i64::from_be_bytes(*bytes));
        connection.batch_execute(&format!("SET lock_timeout = {TURN_WAIT_MS}"))?;
        let taken = diesel::sql_query("SELECT pg_advisory_lock($1)").bind::<BigInt, _>(key).execute(connection);
        taken.map_err(|cause| match ReadError::from(cause) {
            ReadError::Unreachable(cause) => ReadError::Unreachable(cause),
            _ => ReadError::Taken(self.schema.clone()),
        })?;
        Ok(connection.batch_execute(&format!("SET lock_timeout = {}", WRITE_TIME_MAX.as_millis()))?)
    }

    fn make(&self, connection: &mut PgConnection) -> Result<bool, ReadError> {
        let encoding = line(connection, "SELECT current_setting('server_encoding') AS line")?;
        if encoding != "UTF8" {
            return Err(ReadError::Database(format!("its encoding is {encoding}: make one with ENCODING 'UTF8'")));
        }
        let known = "SELECT to_regnamespace($1) IS NOT NULL AS found";
        let Found { found } = diesel::sql_query(known).bind::<Text, _>(&self.schema).get_result(connection)?;
        if !found {
            connection.batch_execute(&format!("CREATE SCHEMA {}", self.schema))?;
        }
        connection.run_pending_migrations(MIGRATIONS).map_err(|e| ReadError::from_migration(&*e))?;
        Ok(!found)
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn line(connection: &mut PgConnection, sql: &str) -> Result<String, ReadError> {
    Ok(diesel::sql_query(sql).get_result::<Line>(connection)?.line)
}

/// Whether a connection without TLS stays on this machine.
pub fn is_near(host: &str) -> bool {
    host.starts_with('/') || ["127.0.0.1", "::1", "localhost"].contains(&host)
}

/// A connection's parameters as libpq reads them. Connecting takes 3 s at most, and a connection that was cut is noticed.
pub fn address(host: &str, port: u16, database: &str, user: &str, password: Option<&String>) -> Zeroizing<String> {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('\'', "\\'");
    let (host, database, user) = (quoted(host), quoted(database), quoted(user));
    let mut address = Zeroizing::new(format!(
        "host='{host}' port='{port}' dbname='{database}' user='{user}' connect_timeout='3' application_name='mulu' \
         client_encoding='UTF8' keepalives_idle='30' keepalives_interval='10' keepalives_count='3' \
         tcp_user_timeout='60000'"
    ));
    if let Some(password) = password {
        address.push_str(&format!(" password='{}'", quoted(password)));
    }
    address
}

/// Letters, digits and underscores only, so that it needs no quotes anywhere.
fn schema(department: &DepartmentId, chain: &str) -> String {
    let digest = sm3(&[department.as_str().as_bytes(), b"\n", chain.as_bytes()]).to_string();
    let name: String = department.as_str().replace('-', "_").chars().take(NAME_CHARS).collect();
    format!("mulu_{name}_{}", digest.get(..16).unwrap_or_default())
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => bytes.extend(hex::decode([rest.next()?, rest.next()?]).ok()?),
            b'?' | b'#' | 0..=b' ' => return None,
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok().filter(|text| !text.chars().any(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(url: &str) -> Result<Server, String> {
        Server::new(url, None, &"public-security".parse().unwrap(), "a chain")
    }

    #[test]
    fn a_url_names_a_server_near_by_and_no_password() {
        let known = server("postgresql://mulu@127.0.0.1:5433/city").unwrap();
        assert_eq!((known.host.as_str(), known.port, known.database.as_str()), ("127.0.0.1", 5433, "city"));
        let socket = server("postgres://m%C3%BC@%2Frun%2Fpostgresql/city").unwrap();
        assert_eq!((socket.host.as_str(), socket.port, socket.user.as_str()), ("/run/postgresql", 5432, "mü"));
        assert_eq!(server("postgresql://mulu@[::1]:1/city").unwrap().host, "::1");
        assert_eq!(known.place(), format!("127.0.0.1:5433/city ({})", known.schema));
        assert_eq!(server("postgresql://mulu@[::1]/city").unwrap().port, 5432);
        for (url, said) in [
            ("sqlite://x", "of the form"),
            ("postgrestypo://a@127.0.0.1/b", "of the form"),
            ("postgresql://127.0.0.1/b", "of the form"),
            ("postgresql://a@127.0.0.1/", "of the form"),
            ("postgresql://a@127.0.0.1:x/b", "of the form"),
            ("postgresql://a@127.0.0.1/b?sslmode=require", "of the form"),
            ("postgresql://a@127.0.0.1/b%0", "of the form"),
            ("postgresql://a:secret@127.0.0.1/b", "holds a password"),
            ("postgresql://a@db.example.org/b", "no TLS"),
        ] {
            let error = server(url).unwrap_err();
            assert!(error.contains(said) && !error.contains("secret"), "{url}: {error}");
        }
    }

    #[test]
    fn each_department_of_each_chain_has_a_schema_of_its_own() {
        let long: DepartmentId = format!("a{}", "b".repeat(63)).parse().unwrap();
        let names = [
            schema(&"public-security".parse().unwrap(), "one"),
            schema(&"public-security".parse().unwrap(), "two"),
            schema(&"tax".parse().unwrap(), "one"),
            schema(&long, "one"),
        ];
        for (place, name) in names.iter().enumerate() {
            assert!(name.len() <= 63 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'), "{name}");
            assert!(!names[..place].contains(name));
        }
        assert!(names[0].starts_with("mulu_public_security_"));
    }
}
