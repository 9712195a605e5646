//! `mulu health`: asks a running node how it is, for service managers and containers that have no HTTP client.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::service::config::NodeConfig;

use super::demo::client;
use super::error::CliError;
use super::runtime;

/// A node that is well answers within milliseconds.
const PATIENCE: Duration = Duration::from_secs(3);
/// The longest answer that is shown, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Exits with 0 when the node answers that it is well, with 1 otherwise; prints what it answered.
#[derive(Args)]
pub struct Health {
    /// The node's `node.toml`: asks where its portal listens
    #[arg(long, value_name = "FILE", required_unless_present = "url")]
    config: Option<PathBuf>,
    /// Asks here instead, such as http://127.0.0.1:8401
    #[arg(long, value_name = "URL", conflicts_with = "config")]
    url: Option<String>,
    /// Ask whether the node can do its work (/readyz), not only whether it lives (/healthz)
    #[arg(long)]
    ready: bool,
}

impl Health {
    pub(super) fn run(self) -> Result<(), CliError> {
        let base = match (self.url, self.config) {
            (Some(url), _) => url.trim_end_matches('/').to_owned(),
            (None, Some(file)) => format!("http://{}", reachable(NodeConfig::load(&file)?.web.listen)),
            (None, None) => return Err(CliError::usage("name the node with --config or --url")),
        };
        let url = format!("{base}{}", if self.ready { "/readyz" } else { "/healthz" });
        let (is_well, text) = runtime()?.block_on(ask(&url))?;
        println!("{text}");
        if is_well { Ok(()) } else { Err(CliError::failed(format_args!("{url}: not well"))) }
    }
}

/// Where to call a node on this machine: one that listens everywhere is called over the loopback.
pub(super) fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip: IpAddr = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// Whether the answer is 200, and what it says.
async fn ask(url: &str) -> Result<(bool, String), CliError> {
    let no_answer = |error: reqwest::Error| CliError::failed(format_args!("{url}: no answer: {error}"));
    let mut response = client::http()?.get(url).timeout(PATIENCE).send().await.map_err(no_answer)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(no_answer)? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(CliError::failed(format_args!("{url}: answers more than {ANSWER_BYTES_MAX} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((response.status() == reqwest::StatusCode::OK, String::from_utf8_lossy(&body).into_owned()))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    /// Answers one request and says for what it was.
    fn node(status: &'static str) -> (String, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let answering = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = [0u8; 1024];
            let read = stream.read(&mut head).unwrap();
            write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}").unwrap();
            String::from_utf8_lossy(&head[..read]).lines().next().unwrap_or_default().to_owned()
        });
        (url, answering)
    }

    #[test]
    fn only_a_node_that_says_so_is_well() {
        for (status, ready, is_well) in
            [("200 OK", false, true), ("200 OK", true, true), ("503 Service Unavailable", true, false)]
        {
            let (url, asked) = node(status);
            let health = Health { config: None, url: Some(url), ready };
            assert_eq!(health.run().is_ok(), is_well, "{status}");
            let path = if ready { "GET /readyz HTTP/1.1" } else { "GET /healthz HTTP/1.1" };
            assert_eq!(asked.join().unwrap(), path);
        }
    }

    #[test]
    fn a_node_that_is_not_there_is_not_well() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let health = Health { config: None, url: Some(format!("http://{free}")), ready: false };
        assert!(health.run().unwrap_err().to_string().contains("no answer"));
    }

    #[test]
    fn a_node_that_listens_everywhere_is_called_over_the_loopback() {
        let called = |listen: &str| reachable(listen.parse().unwrap()).to_string();
        assert_eq!(called("0.0.0.0:8401"), "127.0.0.1:8401");
        assert_eq!(called("[::]:8401"), "[::1]:8401");
        assert_eq!(called("10.1.2.3:8401"), "10.1.2.3:8401");
    }
}
