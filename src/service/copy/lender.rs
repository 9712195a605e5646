//! Another department's node, asked over mutual TLS for the ledger.

use std::time::Duration;

use reqwest::{Client, StatusCode};

use crate::crypto::tls::{client_config, node_name};
use crate::ids::DepartmentId;
use crate::service::config::NodeConfig;
use crate::storage::{Record, decode_records};

use super::CopyError;
use super::lend::{LOAN_BYTES_MAX, Offer};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// How often a node that is busy is asked again, and after how long.
const ATTEMPTS: u32 = 60;
const PAUSE: Duration = Duration::from_millis(500);
const OFFER_BYTES_MAX: usize = 1024 * 1024;
/// One entry may be longer than an answer wants to be.
const ENTRIES_BYTES_MAX: usize = LOAN_BYTES_MAX as usize + 1024 * 1024;

/// Where another department's node is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Whose.
    pub department: DepartmentId,
    /// `host:port` of its exchange.
    pub address: String,
}

/// The nodes of the other departments, as `node.toml` names them.
pub fn sources(config: &NodeConfig) -> Vec<Source> {
    let others = config.nodes.iter().filter(|node| node.department != config.department);
    others.map(|node| Source { department: node.department.clone(), address: node.peer.clone() }).collect()
}

/// A node that can be asked.
pub(super) struct Lender {
    pub(super) department: DepartmentId,
    client: Client,
    base: String,
}

impl Lender {
    /// Prepares to ask a node. Its address is looked up now.
    ///
    /// # Errors
    /// The node's own certificate, or the other's address.
    pub(super) async fn new(config: &NodeConfig, source: &Source) -> Result<Self, CopyError> {
        let Source { department, address } = source;
        let not_found = |why: String| CopyError::Unavailable(format!("{department} at {address}: {why}"));
        let port = address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        let port = port.ok_or_else(|| not_found("is not host:port".into()))?;
        let found: Vec<_> = tokio::net::lookup_host(address).await.map_err(|e| not_found(e.to_string()))?.collect();
        let tls = client_config(&config.tls_files()?)?;
        let name = node_name(department);
        let client = Client::builder()
            .tls_backend_preconfigured((*tls).clone())
            .resolve_to_addrs(&name, &found)
            .https_only(true)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(ANSWER_TIMEOUT)
            .build()
            .map_err(|e| not_found(e.to_string()))?;
        let base = format!("https://{name}:{port}/peer/v1/ledger");
        Ok(Self { department: department.clone(), client, base })
    }

    /// What it can give.
    pub(super) async fn offer(&self) -> Result<Offer, CopyError> {
        let bytes = self.get(&self.base, OFFER_BYTES_MAX).await?;
        serde_json::from_slice(&bytes).map_err(|why| self.failed(format!("its offer cannot be read: {why}")))
    }

    /// Committed entries from one on; none after its last.
    pub(super) async fn entries(&self, from: u64) -> Result<Vec<Record>, CopyError> {
        let bytes = self.get(&format!("{}/entries/{from}", self.base), ENTRIES_BYTES_MAX).await?;
        let records = decode_records(&bytes).map_err(|why| self.failed(why))?;
        let in_order = (from..).zip(&records).all(|(index, record)| record.index == index);
        if in_order { Ok(records) } else { Err(self.failed("it sent entries out of order")) }
    }

    async fn get(&self, url: &str, bytes_max: usize) -> Result<Vec<u8>, CopyError> {
        let mut attempts = 1;
        loop {
            let mut answer = self.client.get(url).send().await.map_err(|e| self.failed(e))?;
            match answer.status() {
                StatusCode::OK => {}
                StatusCode::SERVICE_UNAVAILABLE if attempts < ATTEMPTS => {
                    attempts += 1;
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
                other => return Err(self.failed(format!("it answered with status {}", other.as_u16()))),
            }
            let mut bytes = Vec::new();
            while let Some(chunk) = answer.chunk().await.map_err(|e| self.failed(e))? {
                if bytes.len() + chunk.len() > bytes_max {
                    return Err(self.failed("it sent more than was asked for"));
                }
                bytes.extend_from_slice(&chunk);
            }
            return Ok(bytes);
        }
    }

    fn failed(&self, why: impl std::fmt::Display) -> CopyError {
        CopyError::Unavailable(format!("{}: {why}", self.department))
    }
}
