//! The listeners of a node: portal and API over HTTP, the exchange with other nodes over mutual TLS, and where it is
//! configured the API for systems that show a certificate.

use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data};
use actix_web::{App, HttpServer};
use futures_util::future::join_all;

use crate::crypto::tls;
use crate::service::Node;

use super::error::WebError;
use super::metrics::Metrics;
use super::middleware::{Frame, frame};
use super::{api, extract, peer, portal, root, tiles};

/// Workers of each listener: many nodes may share one machine, and a worker does not wait for anything.
const WORKERS: usize = 2;
/// Threads of each worker for blocking work, such as SQLite and password hashing.
const BLOCKING_THREADS: usize = 8;
const CONNECTIONS_MAX: usize = 1_000;
const BACKLOG: u32 = 256;
const HEAD_TIME_MAX: Duration = Duration::from_secs(10);
const KEEP_ALIVE: Duration = Duration::from_secs(60);
const DISCONNECT_TIME_MAX: Duration = Duration::from_secs(2);
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(5);
/// How long requests in progress may take to end when the node stops.
const SHUTDOWN_TIME_MAX_S: u64 = 5;

/// What all listeners have in common. The server's type has no name that a function could take it by.
macro_rules! bounded {
    ($server:expr) => {
        $server
            .workers(WORKERS)
            .worker_max_blocking_threads(BLOCKING_THREADS)
            .max_connections(CONNECTIONS_MAX)
            .backlog(BACKLOG)
            .client_request_timeout(HEAD_TIME_MAX)
            .client_disconnect_timeout(DISCONNECT_TIME_MAX)
            .keep_alive(KEEP_ALIVE)
            .shutdown_timeout(SHUTDOWN_TIME_MAX_S)
            .disable_signals()
    };
}

/// Serves until `stop` ends, then lets requests in progress end.
///
/// # Errors
/// [`WebError`] when an address or certificate cannot be used, or a server fails.
pub async fn serve(node: Node, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), WebError> {
    let metrics = Metrics::new()?;
    let web = web_server(&node, &metrics)?;
    let peers = peer_server(&node, &metrics)?;
    let servers: Vec<Server> = [web, peers].into_iter().chain(systems_server(&node, &metrics)?).collect();
    tracing::info!(web = %node.config.web.listen, peer = %node.config.peer.listen, "serving");
    let handles: Vec<_> = servers.iter().map(Server::handle).collect();
    let changes = node.changes.clone();
    let stopping = tokio::spawn(async move {
        stop.await;
        // A stream to an open page would hold the server until its time is over.
        changes.end();
        join_all(handles.iter().map(|handle| handle.stop(true))).await;
    });
    let ended = join_all(servers).await;
    stopping.abort();
    ended.into_iter().try_for_each(|ended| Ok(ended?))
}

/// Portal, API and what lies at the root.
fn web_server(node: &Node, metrics: &Metrics) -> Result<Server, WebError> {
    let listener = listen("portal and API", node.config.web.listen)?;
    let (node, counters) = (node.clone(), metrics.clone());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(Data::new(node.clone()))
            .app_data(Data::new(counters.clone()))
            .app_data(Data::new(framed(&node, &counters)))
            .wrap(from_fn(frame))
            .configure(api::configure)
            .configure(root::configure)
            .configure(tiles::configure)
            .configure(portal::routes)
    });
    Ok(bounded!(server).listen(listener)?.run())
}

/// The API for systems that show a certificate. Who has none of the department's is turned away in the handshake.
fn systems_server(node: &Node, metrics: &Metrics) -> Result<Option<Server>, WebError> {
    let Some((address, files)) = node.config.systems_tls()? else { return Ok(None) };
    let (listener, config) = (listen("systems", address)?, tls::server_config(&files)?);
    let (node, counters) = (node.clone(), metrics.clone());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(Data::new(node.clone()))
            .app_data(Data::new(framed(&node, &counters)))
            .wrap(from_fn(frame))
            .configure(api::configure)
            .default_service(web::to(root::unknown))
    });
    let server = bounded!(server).tls_handshake_timeout(HANDSHAKE_TIME_MAX).on_connect(extract::identify_system);
    Ok(Some(server.listen_rustls_0_23(listener, (*config).clone())?.run()))
}

/// Other nodes. Who has no certificate of the city is turned away in the handshake.
fn peer_server(node: &Node, metrics: &Metrics) -> Result<Server, WebError> {
    let listener = listen("other nodes", node.config.peer.listen)?;
    let config = tls::server_config(&node.config.tls_files()?)?;
    let (node, counters) = (node.clone(), metrics.clone());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(Data::new(node.clone()))
            .app_data(Data::new(framed(&node, &counters)))
            .wrap(from_fn(frame))
            .configure(peer::configure)
    });
    let server = bounded!(server).tls_handshake_timeout(HANDSHAKE_TIME_MAX).on_connect(peer::identify);
    Ok(server.listen_rustls_0_23(listener, (*config).clone())?.run())
}

fn framed(node: &Node, metrics: &Metrics) -> Frame {
    let https = node.config.web.public_url().starts_with("https://");
    Frame { clock: node.clock.clone(), metrics: metrics.clone(), department: node.department.to_string(), https }
}

fn listen(what: &'static str, address: SocketAddr) -> Result<TcpListener, WebError> {
    TcpListener::bind(address).map_err(|cause| WebError::Listen { what, address, cause })
}
