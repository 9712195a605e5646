//! Tiles of a web server: a node's `/tiles/`, or any that serves exported files.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use reqwest::{Client, StatusCode};
use tokio::runtime::Runtime;

use crate::cli::error::CliError;
use crate::crypto::tls::install_provider;
use crate::ledger::tiles::{Tile, tiles};

use super::tiles::FILE_BYTES_MAX;

/// How long a server may take for one file.
const PATIENCE: Duration = Duration::from_secs(30);
/// Files that are asked for at once.
const AT_ONCE: usize = 16;

/// A web server with tiles.
#[derive(Clone)]
pub struct Remote {
    http: Client,
    base: String,
    token: Option<String>,
}

impl Remote {
    /// The tiles below an address. A node wants a token; `token_file` holds it.
    ///
    /// # Errors
    /// The file cannot be read, or the address is none.
    pub fn new(url: &str, token_file: Option<&Path>) -> Result<Self, CliError> {
        install_provider();
        let parsed = reqwest::Url::parse(url).ok().filter(|url| ["http", "https"].contains(&url.scheme()));
        let base = parsed.ok_or_else(|| CliError::usage(format_args!("{url} is no http or https address")))?;
        let token =
            token_file.map(|path| std::fs::read_to_string(path).map_err(|e| CliError::io(path, &e))).transpose()?;
        let builder = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE);
        let http = builder.build().map_err(|e| CliError::failed(format_args!("setting up HTTP: {e}")))?;
        let base = base.as_str().trim_end_matches('/').to_owned();
        Ok(Self { http, base, token: token.map(|token| token.trim().to_owned()) })
    }

    /// One file.
    ///
    /// # Errors
    /// What the server answered instead.
    pub fn get(&self, path: &str) -> Result<Vec<u8>, CliError> {
        runtime()?.block_on(self.fetch(path))
    }

    /// All tiles of a tree of a size, in the order of [`tiles`]; some are asked for ahead.
    ///
    /// # Errors
    /// The system refuses a thread.
    #[expect(clippy::type_complexity, reason = "an iterator has no shorter name")]
    pub fn tiles(&self, size: u64) -> Result<Box<dyn Iterator<Item = Result<(Tile, Vec<u8>), CliError>>>, CliError> {
        let (runtime, remote) = (runtime()?, self.clone());
        let (answers, taken) = sync_channel(AT_ONCE);
        let ahead = async move {
            let mut asked = VecDeque::new();
            let mut due = tiles(size);
            loop {
                while asked.len() < AT_ONCE {
                    let Some(tile) = due.next() else { break };
                    let remote = remote.clone();
                    asked.push_back((tile, tokio::spawn(async move { remote.fetch(&tile.to_string()).await })));
                }
                let Some((tile, answer)) = asked.pop_front() else { break };
                let answer = answer.await.unwrap_or_else(|e| Err(CliError::failed(e)));
                // Whoever reads may have seen enough.
                if answers.send(answer.map(|bytes| (tile, bytes))).is_err() {
                    break;
                }
            }
        };
        let spawned = std::thread::Builder::new().name("tiles".into()).spawn(move || runtime.block_on(ahead));
        spawned.map_err(|e| CliError::failed(format_args!("starting a thread: {e}")))?;
        Ok(Box::new(taken.into_iter()))
    }

    async fn fetch(&self, path: &str) -> Result<Vec<u8>, CliError> {
        let url = format!("{}/{path}", self.base);
        let failed = |why: &dyn std::fmt::Display| CliError::failed(format_args!("{url}: {why}"));
        let mut request = self.http.get(&url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let mut answer = request.send().await.map_err(|e| failed(&e.without_url()))?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Err(CliError::NotValid(format!("{url} is missing"))),
            StatusCode::UNAUTHORIZED => {
                return Err(CliError::usage(format_args!("{url}: give a token with --token-file")));
            }
            other => return Err(failed(&other)),
        }
        let mut bytes = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(|e| failed(&e.without_url()))? {
            bytes.extend_from_slice(&part);
            if u64::try_from(bytes.len()).is_ok_and(|length| length > FILE_BYTES_MAX) {
                return Err(CliError::NotValid(format!("{url} is too long")));
            }
        }
        Ok(bytes)
    }
}

fn runtime() -> Result<Runtime, CliError> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    built.map_err(|e| CliError::failed(format_args!("starting the runtime: {e}")))
}
