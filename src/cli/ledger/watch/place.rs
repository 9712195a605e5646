//! One place that shows a ledger: a node's API, or static tiles at any web server. Nothing that it says is believed here.

use std::path::Path;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client};
use serde::Deserialize;

use crate::cli::error::CliError;
use crate::crypto::digest::{Hash, HashAlgorithm};
use crate::ledger::checkpoint::SignedCheckpoint;
use crate::ledger::merkle;
use crate::ledger::note::NOTE_BYTES_MAX;
use crate::ledger::tile_nodes::TileNodes;
use crate::ledger::tiles::{CHECKPOINT_PATH, TILE_WIDTH, Tile};

const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
const CALL_PATIENCE: Duration = Duration::from_secs(10);
/// A proof between trees of at most 2^64 leaves, in JSON.
const PROOF_BYTES_MAX: usize = 16 * 1024;
const TILE_BYTES_MAX: usize = 256 * 32;
/// More than any consistency proof takes.
const TILES_MAX: usize = 64;

/// A client that follows nobody elsewhere: a redirect could take the token along. Trusts the given authorities, or
/// those of this machine where something is asked over TLS.
///
/// # Errors
/// What is wrong with the file, or with the machine's authorities.
pub fn http(ca: Option<&Path>, needs_tls: bool) -> Result<Client, CliError> {
    let mut builder = Client::builder().no_proxy().redirect(Policy::none());
    builder = builder.connect_timeout(CONNECT_PATIENCE).timeout(CALL_PATIENCE);
    if let Some(path) = ca {
        let pem = std::fs::read(path).map_err(|e| CliError::io(path, &e))?;
        let certificates = Certificate::from_pem_bundle(&pem);
        builder =
            builder.tls_certs_only(certificates.map_err(|e| CliError::usage(format_args!("{}: {e}", path.display())))?);
    } else if !needs_tls {
        builder = builder.tls_certs_only(std::iter::empty());
    }
    builder.build().map_err(|e| CliError::failed(format_args!("setting up HTTP: {e}")))
}

/// Where a ledger's parts lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// A node's API.
    Node,
    /// C2SP tlog-tiles in this folder.
    Tiles(&'static str),
}

const LAYOUTS: [Layout; 3] = [Layout::Node, Layout::Tiles(""), Layout::Tiles("/tiles")];

/// A place.
pub struct Place {
    url: String,
    token: Option<String>,
    layout: Option<Layout>,
}

/// Why nothing was fetched.
enum Missed {
    /// An answer, and not the one asked for.
    Answered(String),
    /// No answer, or none at the moment.
    Passing(String),
}

#[derive(Deserialize)]
struct Consistency {
    proof: Vec<Hash>,
}

impl Place {
    /// A place, with the token to show there.
    pub fn new(url: &str, token: Option<String>) -> Self {
        Self { url: url.trim_end_matches('/').to_owned(), token, layout: None }
    }

    /// Its newest signed checkpoint.
    ///
    /// # Errors
    /// Why there is none, for people.
    pub async fn checkpoint(&mut self, http: &Client) -> Result<String, String> {
        let mut first = None;
        for layout in self.layout.into_iter().chain(LAYOUTS) {
            let path = match layout {
                Layout::Node => "/api/v1/ledger/checkpoint".to_owned(),
                Layout::Tiles(folder) => format!("{folder}/{CHECKPOINT_PATH}"),
            };
            let why = match self.fetch(http, &path, NOTE_BYTES_MAX).await {
                Ok(bytes) => match String::from_utf8(bytes).ok().filter(|text| SignedCheckpoint::parse(text).is_ok()) {
                    Some(note) => {
                        self.layout = Some(layout);
                        return Ok(note);
                    }
                    None => format!("{path}: no checkpoint"),
                },
                Err(Missed::Answered(why)) => why,
                Err(Missed::Passing(why)) => return Err(why),
            };
            first.get_or_insert(why);
        }
        Err(first.unwrap_or_default())
    }

    /// Its proof that the tree of `from` leaves is the beginning of that of `to` leaves.
    ///
    /// # Errors
    /// Why there is none, for people.
    pub async fn proof(
        &self,
        http: &Client,
        algorithm: HashAlgorithm,
        from: u64,
        to: u64,
    ) -> Result<Vec<Hash>, String> {
        let told = |missed| match missed {
            Missed::Answered(why) | Missed::Passing(why) => why,
        };
        match self.layout {
            None => Err("it has shown nothing yet".into()),
            Some(Layout::Node) => {
                let path = format!("/api/v1/ledger/consistency?from={from}&to={to}");
                let bytes = self.fetch(http, &path, PROOF_BYTES_MAX).await.map_err(told)?;
                serde_json::from_slice(&bytes).map(|answer: Consistency| answer.proof).map_err(|e| e.to_string())
            }
            Some(Layout::Tiles(folder)) => {
                let mut nodes = TileNodes::new(algorithm, to);
                for _ in 0..TILES_MAX {
                    match merkle::consistency(&nodes, from, to) {
                        Ok(proof) => return proof.ok_or_else(|| "no tree has such sizes".into()),
                        Err(tile) => {
                            let bytes = self.tile(http, folder, tile).await.map_err(told)?;
                            nodes.put(tile, &bytes).map_err(|e| e.to_string())?;
                        }
                    }
                }
                Err("the proof takes too many tiles".into())
            }
        }
    }

    /// A tile, or the whole one that replaced it.
    async fn tile(&self, http: &Client, folder: &str, tile: Tile) -> Result<Vec<u8>, Missed> {
        let part = self.fetch(http, &format!("{folder}/{tile}"), TILE_BYTES_MAX).await;
        if tile.is_whole() || !matches!(part, Err(Missed::Answered(_))) {
            return part;
        }
        let whole = Tile { width: TILE_WIDTH, ..tile };
        self.fetch(http, &format!("{folder}/{whole}"), TILE_BYTES_MAX).await.or(part)
    }

    async fn fetch(&self, http: &Client, path: &str, bytes_max: usize) -> Result<Vec<u8>, Missed> {
        let passing = |error: reqwest::Error| Missed::Passing(format!("{path}: {}", plain(&error)));
        let mut request = http.get(format!("{}{path}", self.url));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let mut response = request.send().await.map_err(passing)?;
        let status = response.status();
        if status.is_server_error() || matches!(status.as_u16(), 408 | 429) {
            return Err(Missed::Passing(format!("{path}: {status}")));
        }
        if !status.is_success() {
            return Err(Missed::Answered(format!("{path}: {status}")));
        }
        let mut bytes = Vec::new();
        while let Some(part) = response.chunk().await.map_err(passing)? {
            if bytes.len() + part.len() > bytes_max {
                return Err(Missed::Answered(format!("{path}: longer than {bytes_max} bytes")));
            }
            bytes.extend_from_slice(&part);
        }
        Ok(bytes)
    }
}

/// The innermost cause says most: "connection refused".
pub fn plain(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
