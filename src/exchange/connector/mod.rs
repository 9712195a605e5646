//! Connectors: how a provider's node asks its department's own data.

pub mod config;
pub mod provider_database;
mod sqlite;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::Semaphore;

use crate::ids::EntryName;

pub use config::{ConnectorConfig, ConnectorFile, ConnectorKind};

/// Connections to one source at a time.
const CONNECTIONS: usize = 2;

/// Why a source gave no rows. The texts name no SQL and no data: they may be shown to operators.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectorError {
    /// The department serves no such entry.
    #[error("the department has no connector for {0}")]
    Missing(EntryName),
    /// A parameter has no column.
    #[error("the connector has no column for the parameter `{0}`")]
    UnknownParameter(String),
    /// A parameter is neither text, number nor boolean.
    #[error("the parameter `{0}` is neither text, number nor boolean")]
    Parameter(String),
    /// The cursor is not one that the connector gave.
    #[error("the cursor is not one that an answer gave")]
    Cursor,
    /// The source cannot be opened or asked.
    #[error("the department's data source does not answer: {0}")]
    Source(String),
    /// The source took longer than its time.
    #[error("the department's data source took longer than {0} ms")]
    Late(u64),
}

/// One page of a source's rows, items by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The rows, each with every item of the entry that has a value.
    pub rows: Vec<Map<String, Value>>,
    /// Where the next page begins, if there is one.
    pub next_cursor: Option<String>,
}

/// All sources of a department.
#[derive(Default)]
pub struct Connectors {
    sources: BTreeMap<EntryName, Source>,
}

struct Source {
    config: Arc<ConnectorConfig>,
    pool: Arc<sqlite::Pool>,
    permits: Arc<Semaphore>,
}

impl Connectors {
    /// Prepares the sources of a file; relative databases lie below `base`. Opens nothing yet: a source
    /// that is missing at the start may come later.
    pub fn new(file: ConnectorFile, base: &Path) -> Self {
        let source = |config: ConnectorConfig| {
            let pool = Arc::new(sqlite::Pool::new(base.join(&config.database)));
            let permits = Arc::new(Semaphore::new(CONNECTIONS));
            (config.entry.clone(), Source { config: Arc::new(config), pool, permits })
        };
        Self { sources: file.connectors.into_iter().map(source).collect() }
    }

    /// Entries that have a source.
    pub fn entries(&self) -> impl Iterator<Item = &EntryName> {
        self.sources.keys()
    }

    /// Asks for one page.
    ///
    /// A source that is late keeps its connection until it ends, so at most two slow questions burden it.
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
        let timeout_ms = source.config.timeout_ms;
        let question = sqlite::Question::new(&source.config, params, cursor)?;
        let (pool, permits) = (source.pool.clone(), source.permits.clone());
        let asked = async move {
            let permit = permits.acquire_owned().await.map_err(|_| ConnectorError::Source("closed".into()))?;
            let answer = tokio::task::spawn_blocking(move || {
                let answer = pool.ask(&question, timeout_ms);
                drop(permit);
                answer
            });
            answer.await.map_err(|_| ConnectorError::Source("interrupted".into()))?
        };
        match tokio::time::timeout(Duration::from_millis(timeout_ms), asked).await {
            Ok(answer) => answer,
            Err(_) => Err(ConnectorError::Late(timeout_ms)),
        }
    }
}
