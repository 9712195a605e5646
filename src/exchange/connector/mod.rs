//! Connectors: how a provider's node asks its department's own data.
//!
//! Each entry has one source: a database (`sqlite`, `postgres`), a service (`http`), or the department's own e-licences
//! (`certificates`). What is common to them
//! stands here: a bound on questions at a time, a time for each, and a `breaker` for a source that fails.

mod breaker;
pub mod config;
mod http;
mod http_config;
mod http_rows;
mod http_template;
#[cfg(test)]
mod http_tests;
#[cfg(test)]
mod https_tests;
mod licences;
mod page;
mod postgres;
mod postgres_config;
#[cfg(test)]
mod postgres_tests;
pub mod provider_database;
mod secret;
mod sql;
mod sqlite;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::ids::EntryName;

pub use breaker::Fortune;
pub use config::{ConnectorConfig, ConnectorFile, SourceConfig};
pub use licences::{LicenceQuestion, LicenceShelf};
pub use page::Page;

/// Questions to one file at a time.
const SQLITE_AT_ONCE: usize = 2;
/// Questions to one service at a time.
const HTTP_AT_ONCE: usize = 16;
/// Questions to the department's own e-licences at a time.
const LICENCES_AT_ONCE: usize = 2;

/// Why a source gave no rows. The texts name no SQL, no secret and no data: they may be shown to operators.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectorError {
    /// The department serves no such entry.
    #[error("the department has no connector for {0}")]
    Missing(EntryName),
    /// A parameter has no place.
    #[error("the connector has no place for the parameter `{0}`")]
    UnknownParameter(String),
    /// A parameter cannot be asked with.
    #[error("the parameter `{0}` is missing, or is not text, number or boolean that can be asked with")]
    Parameter(String),
    /// The cursor is not one that the connector gave.
    #[error("the cursor is not one that an answer gave")]
    Cursor,
    /// The source cannot be opened or does not answer.
    #[error("the department's data source does not answer: {0}")]
    Unreachable(String),
    /// What `connector.toml` says and what the source is do not fit.
    #[error("the department's connector does not work: {0}")]
    Broken(String),
    /// More questions than the source takes at a time.
    #[error("the department's data source has more questions than it can take")]
    Overloaded,
    /// The source failed again and again, and is left alone.
    #[error("the department's data source failed repeatedly: it is asked again in {0} s")]
    Resting(u64),
    /// The source took longer than its time.
    #[error("the department's data source took longer than {0} ms")]
    Late(u64),
}

/// All sources of a department.
#[derive(Default)]
pub struct Connectors {
    sources: BTreeMap<EntryName, Source>,
    /// On a running node.
    licences: Option<Arc<dyn LicenceShelf>>,
}

struct Source {
    config: Arc<ConnectorConfig>,
    driver: Driver,
    permits: Arc<Semaphore>,
    breaker: breaker::Breaker,
}

enum Driver {
    Sqlite(Arc<sqlite::Pool>),
    Postgres(Arc<postgres::Pool>),
    Http(Arc<http::Service>),
    Certificates(licences::LicencesConfig),
}

impl Connectors {
    /// Prepares the sources of a file; relative paths lie below `base`. Opens nothing yet: a source that is missing at
    /// the start may come later.
    pub fn new(file: ConnectorFile, base: &Path) -> Self {
        let source = |config: ConnectorConfig| (config.entry.clone(), Source::new(config, base));
        Self { sources: file.connectors.into_iter().map(source).collect(), licences: None }
    }

    /// The same with the department's e-licences at hand.
    pub fn with_licences(self, licences: Arc<dyn LicenceShelf>) -> Self {
        Self { licences: Some(licences), ..self }
    }

    /// Entries that have a source.
    pub fn entries(&self) -> impl Iterator<Item = &EntryName> {
        self.sources.keys()
    }

    /// Every source: its entry, its sort, and how it has done.
    pub fn fortunes(&self) -> Vec<(EntryName, &'static str, Fortune)> {
        let sort = |driver: &Driver| match driver {
            Driver::Sqlite(_) => "sqlite",
            Driver::Postgres(_) => "postgres",
            Driver::Http(_) => "http",
            Driver::Certificates(_) => "certificates",
        };
        let fortune =
            |(entry, source): (&EntryName, &Source)| (entry.clone(), sort(&source.driver), source.breaker.fortune());
        self.sources.iter().map(fortune).collect()
    }

    /// Asks for one page.
    ///
    /// A database that is late keeps its connection until it ends, so slow questions burden it no further than that; a
    /// question to a service ends with the wait for it.
    ///
    /// # Errors
    /// [`ConnectorError`]; nothing was answered then.
    pub async fn fetch(
        &self,
        entry: &EntryName,
        params: &Map<String, Value>,
        cursor: Option<&str>,
    ) -> Result<Page, ConnectorError> {
        let source = self.sources.get(entry).ok_or_else(|| ConnectorError::Missing(entry.clone()))?;
        let trial = source.breaker.enter().map_err(ConnectorError::Resting)?;
        let answer = source.ask(params, cursor, self.licences.as_ref()).await;
        trial.end(matches!(answer, Err(ConnectorError::Unreachable(_) | ConnectorError::Late(_))));
        answer
    }
}

impl Source {
    fn new(config: ConnectorConfig, base: &Path) -> Self {
        let config = Arc::new(config);
        let (driver, at_once) = match &config.source {
            SourceConfig::Sqlite(source) => {
                let pool = sqlite::Pool::new(config.clone(), source.clone(), base);
                (Driver::Sqlite(Arc::new(pool)), SQLITE_AT_ONCE)
            }
            SourceConfig::Postgres(source) => {
                let pool = postgres::Pool::new(config.clone(), source.clone(), base.to_owned());
                (Driver::Postgres(Arc::new(pool)), source.connections)
            }
            SourceConfig::Certificates(source) => (Driver::Certificates(source.clone()), LICENCES_AT_ONCE),
            SourceConfig::Http(source) => {
                let service = http::Service::new(config.clone(), source.clone(), base.to_owned());
                (Driver::Http(Arc::new(service)), HTTP_AT_ONCE)
            }
        };
        Self { config, driver, permits: Arc::new(Semaphore::new(at_once)), breaker: breaker::Breaker::default() }
    }

    /// One question with its time, of which waiting for a turn is a part.
    async fn ask(
        &self,
        params: &Map<String, Value>,
        cursor: Option<&str>,
        shelf: Option<&Arc<dyn LicenceShelf>>,
    ) -> Result<Page, ConnectorError> {
        let timeout_ms = self.config.timeout_ms;
        let deadline = tokio::time::Instant::now() + Duration::from_millis(timeout_ms);
        let permit = tokio::time::timeout_at(deadline, self.permits.clone().acquire_owned()).await;
        let permit = permit.ok().and_then(Result::ok).ok_or(ConnectorError::Overloaded)?;
        let asked = async {
            match &self.driver {
                Driver::Http(service) => {
                    let _permit = permit;
                    service.ask(params, cursor).await
                }
                Driver::Certificates(licences) => {
                    let closed = || ConnectorError::Unreachable("only a running node reads its e-licences".into());
                    let (shelf, params) = (shelf.cloned().ok_or_else(closed)?, params.clone());
                    let (config, licences) = (self.config.clone(), licences.clone());
                    blocking(permit, move || licences::ask(&config, &licences, &shelf, &params)).await
                }
                Driver::Sqlite(pool) => {
                    let (pool, params, cursor) = (pool.clone(), params.clone(), cursor.map(str::to_owned));
                    blocking(permit, move || pool.ask(&params, cursor.as_deref())).await
                }
                Driver::Postgres(pool) => {
                    let (pool, params, cursor) = (pool.clone(), params.clone(), cursor.map(str::to_owned));
                    blocking(permit, move || pool.ask(&params, cursor.as_deref())).await
                }
            }
        };
        tokio::time::timeout_at(deadline, asked).await.unwrap_or(Err(ConnectorError::Late(timeout_ms)))
    }
}

/// Asks on a thread of its own, which keeps its turn until it ends, even when nobody waits for it any more.
async fn blocking(
    permit: OwnedSemaphorePermit,
    ask: impl FnOnce() -> Result<Page, ConnectorError> + Send + 'static,
) -> Result<Page, ConnectorError> {
    let answer = tokio::task::spawn_blocking(move || {
        let answer = ask();
        drop(permit);
        answer
    });
    answer.await.map_err(|_| ConnectorError::Unreachable("interrupted".into()))?
}
