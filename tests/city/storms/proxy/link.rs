//! One direction between two nodes: the first calls, the second listens. Frames go one way, the listener's pulse the other.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use mulu::crypto::tls;
use mulu::ids::DepartmentId;
use mulu::service::config::NodeConfig;

use super::super::chance::Chance;
use super::weather::{Passage, Weather};

/// A node's longest frame, with its length.
const FRAME_BYTES_MAX: usize = 1024 * 1024 + 4;
/// What a link holds, like the buffers of a real one; beyond that the sender must wait.
const UNDER_WAY_BYTES_MAX: usize = 256 * 1024;

/// The link.
pub(super) struct Link {
    connector: TlsConnector,
    name: ServerName<'static>,
    target: SocketAddr,
    weather: watch::Sender<Weather>,
    chance: Mutex<Chance>,
    /// Frames lost, doubled, delivered.
    counts: [AtomicU64; 3],
    connections: AtomicU64,
}

/// Frames under way, by their time.
#[derive(Default)]
struct UnderWay {
    frames: BinaryHeap<Reverse<(Instant, u64, Vec<u8>)>>,
    bytes: usize,
    number: u64,
}

impl UnderWay {
    fn push(&mut self, due: Instant, frame: Vec<u8>) {
        self.bytes += frame.len();
        // Frames of one time keep their order.
        self.number += 1;
        self.frames.push(Reverse((due, self.number, frame)));
    }

    fn next_due(&self) -> Option<Instant> {
        self.frames.peek().map(|Reverse((due, ..))| *due)
    }

    fn pop(&mut self) -> Option<Vec<u8>> {
        let Reverse((_, _, frame)) = self.frames.pop()?;
        self.bytes -= frame.len();
        Some(frame)
    }
}

impl Link {
    pub(super) fn new(from: &NodeConfig, to: &NodeConfig, chance: Chance) -> Self {
        Self {
            connector: tls::client_config(&from.tls_files().unwrap()).unwrap().into(),
            name: tls::server_name(&to.department).unwrap(),
            target: to.raft.listen,
            weather: watch::Sender::new(Weather::default()),
            chance: Mutex::new(chance),
            counts: Default::default(),
            connections: AtomicU64::new(0),
        }
    }

    pub(super) fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    pub(super) fn counted(&self) -> [u64; 3] {
        self.counts.each_ref().map(|count| count.load(SeqCst))
    }

    pub(super) fn connections(&self) -> u64 {
        self.connections.load(SeqCst)
    }

    async fn carry(&self, from: TlsStream<TcpStream>) -> io::Result<()> {
        self.connections.fetch_add(1, SeqCst);
        let mut weather = self.weather.subscribe();
        let closed = async {
            // The sender lives as long as the link.
            let _ = weather.wait_for(|weather| weather.passage == Passage::Closed).await;
        };
        let carried = async {
            let stream = TcpStream::connect(self.target).await?;
            stream.set_nodelay(true)?;
            let to = self.connector.connect(self.name.clone(), stream).await?;
            let ((frames, pulse_out), (pulse_in, out)) = (tokio::io::split(from), tokio::io::split(to));
            let (queue, queued) = mpsc::channel(16);
            tokio::select! {
                ended = read_frames(frames, queue) => ended,
                ended = self.deliver(queued, out) => ended,
                ended = self.pass(pulse_in, pulse_out) => ended,
            }
        };
        tokio::select! {
            biased;
            () = closed => Ok(()),
            ended = carried => ended,
        }
    }

    /// Delivers frames as the weather is when they come.
    async fn deliver(&self, mut queued: mpsc::Receiver<Vec<u8>>, mut out: impl AsyncWrite + Unpin) -> io::Result<()> {
        // The greeting always passes: a connection without one is none.
        let Some(hello) = queued.recv().await else { return Ok(()) };
        out.write_all(&hello).await?;
        out.flush().await?;
        let mut under_way = UnderWay::default();
        loop {
            let due = under_way.next_due();
            tokio::select! {
                frame = queued.recv(), if under_way.bytes < UNDER_WAY_BYTES_MAX => {
                    let Some(frame) = frame else { return Ok(()) };
                    self.decide(&mut under_way, frame);
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    let Some(frame) = under_way.pop() else { continue };
                    if self.weather.borrow().passage != Passage::Open {
                        continue;
                    }
                    out.write_all(&frame).await?;
                    out.flush().await?;
                    self.counts[2].fetch_add(1, SeqCst);
                    let busy = self.weather.borrow().takes(frame.len());
                    if busy > Duration::ZERO {
                        sleep(busy).await;
                    }
                }
            }
        }
    }

    /// Passes the listener's pulse on as it comes.
    async fn pass(&self, mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) -> io::Result<()> {
        let mut pulse = [0; 16];
        loop {
            let read = from.read(&mut pulse).await?;
            if read == 0 {
                return Ok(());
            }
            if self.weather.borrow().passage != Passage::Frozen {
                to.write_all(&pulse[..read]).await?;
                to.flush().await?;
            }
        }
    }

    fn decide(&self, under_way: &mut UnderWay, frame: Vec<u8>) {
        let weather = self.weather.borrow().clone();
        let fates = weather.fates(&mut self.chance.lock().unwrap_or_else(PoisonError::into_inner));
        match fates.len() {
            0 => _ = self.counts[0].fetch_add(1, SeqCst),
            2 => _ = self.counts[1].fetch_add(1, SeqCst),
            _ => {}
        }
        let now = Instant::now();
        fates.into_iter().for_each(|delay| under_way.push(now + delay, frame.clone()));
    }
}

/// Takes the connections to one node for ever, each on its caller's link.
pub(super) async fn serve(
    listener: std::net::TcpListener,
    tls: Arc<ServerConfig>,
    callers: BTreeMap<DepartmentId, Arc<Link>>,
) {
    listener.set_nonblocking(true).unwrap();
    let (listener, acceptor) = (TcpListener::from_std(listener).unwrap(), TlsAcceptor::from(tls));
    let callers = Arc::new(callers);
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (acceptor, callers) = (acceptor.clone(), callers.clone());
        tokio::spawn(async move {
            stream.set_nodelay(true)?;
            let stream = acceptor.accept(stream).await?;
            let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
            let caller = tls::peer_department(certificate.expect("the handshake asks for one")).unwrap();
            // However a connection ends: the nodes make another.
            callers[&caller].carry(stream).await
        });
    }
}

/// Reads frames, each with the length before it.
async fn read_frames(mut from: impl AsyncRead + Unpin, queue: mpsc::Sender<Vec<u8>>) -> io::Result<()> {
    loop {
        let length = from.read_u32().await?;
        let mut frame = length.to_be_bytes().to_vec();
        frame.resize(4 + usize::try_from(length).unwrap_or(usize::MAX).min(FRAME_BYTES_MAX), 0);
        from.read_exact(&mut frame[4..]).await?;
        if queue.send(frame).await.is_err() {
            return Ok(());
        }
    }
}
