//! Calls to other departments' nodes: HTTPS with certificates on both sides, and no other authority than the city's.

use std::collections::BTreeMap;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::crypto::tls::node_name;
use crate::ids::DepartmentId;

use super::envelope::ANSWER_BYTES_MAX;
use super::{ExchangeError, QueryError};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const IDLE_PER_PEER: usize = 64;
const PATH: &str = "/peer/v1/query";

/// The other nodes.
pub(super) struct Peers {
    client: reqwest::Client,
    hosts: Hosts,
}

/// A node is asked for by the name in its certificate, wherever it lies: its host and port, by that name.
#[derive(Clone, Default)]
struct Hosts(Arc<RwLock<BTreeMap<String, (String, u16)>>>);

impl Resolve for Hosts {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.0.read().get(name.as_str()).cloned();
        Box::pin(async move {
            let (host, port) = found.ok_or("no such node")?;
            let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
            Ok::<Addrs, Box<dyn Error + Send + Sync>>(Box::new(addresses.into_iter()))
        })
    }
}

impl Peers {
    /// Prepares the calls; an address is `host:port`.
    pub(super) fn new(
        tls: &rustls::ClientConfig,
        addresses: BTreeMap<DepartmentId, String>,
        timeout: Duration,
    ) -> Result<Self, ExchangeError> {
        let hosts = Hosts::default();
        *hosts.0.write() = read(addresses)?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.clone())
            .dns_resolver(Arc::new(hosts.clone()))
            .https_only(true)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT.min(timeout))
            .timeout(timeout)
            .pool_max_idle_per_host(IDLE_PER_PEER)
            .build()
            .map_err(|e| ExchangeError::Crypto(e.to_string()))?;
        Ok(Self { client, hosts })
    }

    /// The nodes are elsewhere from now on.
    pub(super) fn find(&self, addresses: BTreeMap<DepartmentId, String>) -> Result<(), ExchangeError> {
        *self.hosts.0.write() = read(addresses)?;
        Ok(())
    }

    /// Sends a sealed request and reads the whole answer, up to [`ANSWER_BYTES_MAX`].
    pub(super) async fn ask(&self, provider: &DepartmentId, sealed: Vec<u8>) -> Result<Vec<u8>, QueryError> {
        let port = self.hosts.0.read().get(&node_name(provider)).map(|(_, port)| *port);
        let port = port.ok_or_else(|| QueryError::ProviderUnreachable(provider.clone()))?;
        let url = format!("https://{}:{port}{PATH}", node_name(provider));
        let failed = |cause: reqwest::Error| failure(provider, &cause);
        let request = self.client.post(url).header("content-type", "application/octet-stream").body(sealed);
        let mut response = request.send().await.map_err(failed)?;
        if response.status() != reqwest::StatusCode::OK {
            let why = format!("its node answered with status {}", response.status().as_u16());
            return Err(QueryError::ProviderAnswer { provider: provider.clone(), why });
        }
        let length = response.content_length().and_then(|length| usize::try_from(length).ok());
        let mut answer = Vec::with_capacity(length.unwrap_or_default().min(ANSWER_BYTES_MAX));
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if answer.len() + chunk.len() > ANSWER_BYTES_MAX {
                let why = format!("longer than {ANSWER_BYTES_MAX} bytes");
                return Err(QueryError::ProviderAnswer { provider: provider.clone(), why });
            }
            answer.extend_from_slice(&chunk);
        }
        Ok(answer)
    }
}

fn read(addresses: BTreeMap<DepartmentId, String>) -> Result<BTreeMap<String, (String, u16)>, ExchangeError> {
    let read = |(department, address): (DepartmentId, String)| {
        let parts = address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
        let (host, port) = parts.ok_or_else(|| ExchangeError::Form(format!("`{address}` is not host:port")))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok((node_name(&department), (host, port)))
    };
    addresses.into_iter().map(read).collect()
}

fn failure(provider: &DepartmentId, cause: &reqwest::Error) -> QueryError {
    let provider = provider.clone();
    tracing::warn!(%provider, cause = ?cause, "a call to a peer failed");
    if is_wrong_certificate(cause) {
        QueryError::ProviderCertificate(provider)
    } else if cause.is_connect() {
        // A peer whose machine is gone is unreachable, even if that shows as a timeout.
        QueryError::ProviderUnreachable(provider)
    } else if cause.is_timeout() {
        QueryError::ProviderLate(provider)
    } else {
        QueryError::ProviderUnreachable(provider)
    }
}

/// Whether the handshake failed on a certificate: ours, as the peer says, or the peer's.
fn is_wrong_certificate(error: &(dyn Error + 'static)) -> bool {
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return matches!(error, rustls::Error::InvalidCertificate(_) | rustls::Error::AlertReceived(_));
    }
    // An io error hides what it wraps from `source`.
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    wrapped.is_some_and(|inner| is_wrong_certificate(inner)) || error.source().is_some_and(is_wrong_certificate)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::crypto::ca::CityAuthority;
    use crate::crypto::tls::{TlsFiles, client_config, install_provider, server_config};

    /// A day within the certificates' years.
    fn now() -> crate::clock::Millis {
        crate::clock::Clock::now(&crate::clock::SystemClock)
    }

    struct Town {
        authority: CityAuthority,
        dir: tempfile::TempDir,
    }

    impl Town {
        fn new() -> Self {
            install_provider();
            Self { authority: CityAuthority::create("town", now()).unwrap(), dir: tempfile::tempdir().unwrap() }
        }

        fn files(&self, department: &str) -> TlsFiles {
            let dir = self.dir.path().join(department);
            if !dir.exists() {
                std::fs::create_dir(&dir).unwrap();
                self.authority.issue(&department.parse().unwrap(), &[], now()).unwrap().save(&dir).unwrap();
            }
            TlsFiles::in_dir(&dir)
        }

        /// A node that answers every request with the same words, or never.
        async fn node(&self, department: &str, answer: Option<&'static str>) -> u16 {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let tls = tokio_rustls::TlsAcceptor::from(server_config(&self.files(department)).unwrap());
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let Ok(mut stream) = tls.accept(stream).await else { continue };
                    let mut buffer = [0; 4096];
                    let _ = stream.read(&mut buffer).await;
                    match answer {
                        Some(answer) => drop(stream.write_all(answer.as_bytes()).await),
                        None => tokio::time::sleep(Duration::from_secs(60)).await,
                    }
                    let _ = stream.shutdown().await;
                }
            });
            port
        }

        async fn ask(&self, port: u16) -> Result<Vec<u8>, QueryError> {
            let tls = client_config(&self.files("tax")).unwrap();
            let housing: DepartmentId = "housing".parse().unwrap();
            let address = BTreeMap::from([(housing.clone(), format!("127.0.0.1:{port}"))]);
            Peers::new(&Arc::unwrap_or_clone(tls), address, Duration::from_millis(900))
                .unwrap()
                .ask(&housing, b"sealed".to_vec())
                .await
        }
    }

    #[tokio::test]
    async fn a_peer_is_known_by_its_certificate_wherever_it_lies() {
        let town = Town::new();
        let right = town.node("housing", Some("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")).await;
        assert_eq!(town.ask(right).await, Ok(b"ok".to_vec()));
        let impostor = town.node("health", Some("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")).await;
        assert_eq!(town.ask(impostor).await.unwrap_err().code(), "provider_certificate");
        let elsewhere = Town::new().node("housing", Some("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")).await;
        assert_eq!(town.ask(elsewhere).await.unwrap_err().code(), "provider_certificate");
    }

    #[tokio::test]
    async fn a_peer_that_is_down_slow_or_broken_is_said_to_be_so() {
        let town = Town::new();
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        assert_eq!(town.ask(free).await.unwrap_err().code(), "provider_unreachable");
        let slow = town.node("housing", None).await;
        assert_eq!(town.ask(slow).await.unwrap_err().code(), "provider_late");
        let broken = town.node("housing", Some("HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n")).await;
        assert_eq!(town.ask(broken).await.unwrap_err().code(), "provider_answer_invalid");
        let endless = town.node("housing", Some("HTTP/1.1 200 OK\r\ncontent-length: 9000000\r\n\r\nok")).await;
        assert!(town.ask(endless).await.is_err());
    }
}
