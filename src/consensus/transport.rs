//! Connections between nodes: mutual TLS, one outgoing connection to each peer. Frames that find
//! no room or no connection are dropped; raft and submitters repeat what matters.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader, BufWriter};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::crypto::tls;
use crate::ids::DepartmentId;

use super::directory::Route;
use super::frame::{FRAME_BYTES_MAX, Frame};
use super::inbound::Inbound;

/// More than may wait for an outcome on one node: a word that they are refused must never be lost for want of room.
const QUEUE_FRAMES_MAX: usize = 96 * 1024;
/// Frames that may lie in a queue when a transaction is put behind them, so that consensus' own words need not wait long.
const QUEUE_FRAMES_BEFORE_FORWARD_MAX: usize = 4096;
const QUEUE_BYTES_MAX: usize = 48 * 1024 * 1024;
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// The listening side says every so often that it lives, or a dead connection would look idle.
const PULSE_EVERY: Duration = Duration::from_secs(2);
const SILENCE_MAX: Duration = Duration::from_secs(10);
const BACKOFF_MIN: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(1);
const INBOUND_MAX: usize = 256;

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// On its way.
    Queued,
    /// Dropped: too much is on its way already.
    Full,
    /// Dropped: there is no connection.
    Unreachable,
}

#[derive(Default)]
struct Gauge {
    connected: AtomicBool,
    queued_bytes: AtomicUsize,
}

struct Link {
    route: Route,
    queue: mpsc::Sender<Vec<u8>>,
    gauge: Arc<Gauge>,
}

/// The sending ends of all connections.
#[derive(Default)]
pub(super) struct Links {
    links: RwLock<BTreeMap<u64, Link>>,
}

/// The other end of a link, for the task that holds its connection.
pub(super) struct Outbox {
    node_id: u64,
    route: Route,
    name: ServerName<'static>,
    frames: mpsc::Receiver<Vec<u8>>,
    gauge: Arc<Gauge>,
}

impl Links {
    /// Has links to exactly these nodes. One that is new, or that moved, begins anew; its outbox is to be kept.
    pub(super) fn set(&self, routes: &BTreeMap<u64, Route>) -> Vec<Outbox> {
        let mut links = self.links.write();
        links.retain(|node_id, link| routes.get(node_id) == Some(&link.route));
        let mut outboxes = Vec::new();
        for (node_id, route) in routes {
            if links.contains_key(node_id) {
                continue;
            }
            let Ok(name) = tls::server_name(&route.department) else { continue };
            let (queue, frames) = mpsc::channel(QUEUE_FRAMES_MAX);
            let gauge = Arc::new(Gauge::default());
            links.insert(*node_id, Link { route: route.clone(), queue, gauge: gauge.clone() });
            outboxes.push(Outbox { node_id: *node_id, route: route.clone(), name, frames, gauge });
        }
        outboxes
    }

    /// Sends a frame unless there is no connection or no room.
    pub(super) fn send(&self, to: u64, frame: &Frame) -> Sent {
        let links = self.links.read();
        let Some(link) = links.get(&to).filter(|link| link.is_connected()) else { return Sent::Unreachable };
        let queued = link.queue.max_capacity().saturating_sub(link.queue.capacity());
        if matches!(frame, Frame::Forward(_)) && queued >= QUEUE_FRAMES_BEFORE_FORWARD_MAX {
            return Sent::Full;
        }
        frame.encode().map_or(Sent::Full, |bytes| link.push(bytes))
    }

    /// Sends a frame to everyone.
    pub(super) fn broadcast(&self, frame: &Frame) {
        let Some(bytes) = frame.encode() else { return };
        for link in self.links.read().values().filter(|link| link.is_connected()) {
            link.push(bytes.clone());
        }
    }

    /// Every peer, and whether its connection stands.
    pub(super) fn connected(&self) -> Vec<(u64, bool)> {
        self.links.read().iter().map(|(peer, link)| (*peer, link.is_connected())).collect()
    }
}

impl Link {
    fn is_connected(&self) -> bool {
        self.gauge.connected.load(Ordering::Relaxed)
    }

    fn push(&self, bytes: Vec<u8>) -> Sent {
        let length = bytes.len();
        let queued = self.gauge.queued_bytes.fetch_add(length, Ordering::Relaxed);
        if queued + length > QUEUE_BYTES_MAX || self.queue.try_send(bytes).is_err() {
            self.gauge.queued_bytes.fetch_sub(length, Ordering::Relaxed);
            return Sent::Full;
        }
        Sent::Queued
    }
}

impl Outbox {
    /// Keeps a connection to the peer as long as there is a link; where it has several addresses, it is sought at each
    /// by turns.
    pub(super) async fn keep(mut self, connector: TlsConnector, inbound: Arc<Inbound>) {
        let mut backoff = BACKOFF_MIN;
        let addresses = std::mem::take(&mut self.route.addresses);
        for address in addresses.iter().cycle() {
            if let Err(error) = self.connect_and_send(address, &connector, &inbound, &mut backoff).await {
                tracing::debug!(peer = %self.route.department, address, %error, "no connection");
            }
            self.gauge.connected.store(false, Ordering::Relaxed);
            while let Ok(stale) = self.frames.try_recv() {
                self.gauge.queued_bytes.fetch_sub(stale.len(), Ordering::Relaxed);
            }
            if self.frames.is_closed() {
                return;
            }
            inbound.unreachable(self.node_id);
            tokio::time::sleep(backoff).await;
            backoff = (backoff * 2).min(BACKOFF_MAX);
        }
    }

    async fn connect_and_send(
        &mut self,
        address: &str,
        connector: &TlsConnector,
        inbound: &Inbound,
        backoff: &mut Duration,
    ) -> io::Result<()> {
        let connect = async {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            connector.connect(self.name.clone(), stream).await
        };
        let stream = timeout(HANDSHAKE_TIMEOUT, connect).await??;
        let (mut reader, writer) = tokio::io::split(stream);
        let mut writer = BufWriter::with_capacity(64 * 1024, writer);
        let hello = Frame::Hello { chain: inbound.chain_id().to_owned() }.encode().unwrap_or_default();
        timeout(WRITE_TIMEOUT, async {
            writer.write_all(&hello).await?;
            writer.flush().await
        })
        .await??;
        let mut pulse = [0u8; 16];
        // The listener's first pulse says that it accepted certificate and chain.
        if timeout(SILENCE_MAX, reader.read(&mut pulse)).await?? == 0 {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        self.gauge.connected.store(true, Ordering::Relaxed);
        *backoff = BACKOFF_MIN;
        tracing::info!(peer = %self.route.department, address, "connected");
        // Counted from the last pulse, however much is sent meanwhile: what nobody takes in is no sign of life.
        let mut heard = Instant::now();
        loop {
            tokio::select! {
                frame = self.frames.recv() => {
                    let Some(frame) = frame else { return Ok(()) };
                    timeout(WRITE_TIMEOUT, self.write(frame, &mut writer)).await??;
                }
                read = timeout_at(heard + SILENCE_MAX, reader.read(&mut pulse)) => {
                    if read?? == 0 {
                        return Err(io::ErrorKind::ConnectionAborted.into());
                    }
                    heard = Instant::now();
                }
            }
        }
    }

    /// Writes a frame and those that lie behind it, then lets them go.
    async fn write(&mut self, first: Vec<u8>, writer: &mut (impl AsyncWriteExt + Unpin)) -> io::Result<()> {
        let mut next = Some(first);
        while let Some(frame) = next {
            self.gauge.queued_bytes.fetch_sub(frame.len(), Ordering::Relaxed);
            writer.write_all(&frame).await?;
            next = self.frames.try_recv().ok();
        }
        writer.flush().await
    }
}

/// Hears peers for ever.
pub(super) async fn listen(listener: TcpListener, acceptor: TlsAcceptor, inbound: Arc<Inbound>) {
    let places = Arc::new(Semaphore::new(INBOUND_MAX));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(BACKOFF_MIN).await;
                continue;
            }
        };
        let Ok(place) = places.clone().try_acquire_owned() else { continue };
        let (acceptor, inbound) = (acceptor.clone(), inbound.clone());
        tokio::spawn(async move {
            if let Err(error) = hear(stream, &acceptor, &inbound).await {
                tracing::debug!(%error, "a peer's connection ended");
            }
            drop(place);
        });
    }
}

async fn hear(stream: TcpStream, acceptor: &TlsAcceptor, inbound: &Inbound) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let stream = timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await??;
    let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let certificate = certificate.ok_or_else(|| io::Error::other("no certificate"))?;
    let department: DepartmentId = tls::peer_department(certificate).map_err(io::Error::other)?;
    let stranger = || io::Error::other(format!("{department} is no peer"));
    let mut speaker = inbound.speaker(department.clone()).ok_or_else(stranger)?;
    let (reader, mut writer) = tokio::io::split(stream);
    let mut reader = BufReader::with_capacity(64 * 1024, reader);
    match timeout(HANDSHAKE_TIMEOUT, read_frame(&mut reader)).await?? {
        Frame::Hello { chain } if chain == inbound.chain_id() => {}
        Frame::Hello { chain } => {
            tracing::warn!(%department, chain, "a peer speaks of another chain");
            return Err(io::Error::other("another chain"));
        }
        _ => return Err(io::Error::other("no greeting")),
    }
    let pulses = async {
        loop {
            writer.write_all(&[0]).await?;
            writer.flush().await?;
            tokio::time::sleep(PULSE_EVERY).await;
        }
    };
    let frames = async {
        loop {
            let mut frames = vec![timeout(SILENCE_MAX, read_frame(&mut reader)).await??];
            // What came together is handed on together: to wake a thread costs more than to read a frame.
            while let Some(next) = read_ahead(&mut reader)? {
                frames.push(next);
            }
            if !inbound.frames(&mut speaker, frames) {
                return Err(io::Error::other(format!("{department} speaks for another node, or one that is out")));
            }
        }
    };
    tokio::select! {
        ended = pulses => ended,
        ended = frames => ended,
    }
}

async fn read_frame(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<Frame> {
    let length = usize::try_from(reader.read_u32().await?).unwrap_or(usize::MAX);
    if length > FRAME_BYTES_MAX {
        return Err(io::Error::other("a frame is too long"));
    }
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes).await?;
    Frame::decode(&bytes).map_err(io::Error::other)
}

/// The next frame, if the whole of it has come already.
fn read_ahead(reader: &mut BufReader<impl AsyncRead + Unpin>) -> io::Result<Option<Frame>> {
    let Some((length, rest)) = reader.buffer().split_first_chunk::<4>() else { return Ok(None) };
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    // A frame that is too long never lies here whole: reading it says so.
    let Some(bytes) = rest.get(..length) else { return Ok(None) };
    let frame = Frame::decode(bytes).map_err(io::Error::other)?;
    reader.consume(4 + length);
    Ok(Some(frame))
}
