//! What consensus is told at start.

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, ServerConfig};

use crate::clock::SharedClock;
use crate::crypto::keys::Keys;
use crate::ids::DepartmentId;
use crate::storage::disk::Disk;
use crate::storage::ledger_log::LedgerLog;
use crate::storage::node_store::NodeStore;

/// Another department's node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its number in consensus.
    pub node_id: u64,
    /// Whose node it is: its certificate must say so.
    pub department: DepartmentId,
    /// Host and port of its consensus listener.
    pub address: String,
}

/// Bounds of queues; what does not fit is refused, never kept.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Transactions that wait to be checked.
    pub unchecked: usize,
    /// Checked transactions that wait for a block, on the leader.
    pub unpacked: usize,
    /// Submissions that wait for their outcome.
    pub waiting: usize,
    /// Threads that check signatures before proposing.
    pub verify_threads: usize,
    /// When snapshots are written.
    pub snapshots: SnapshotPace,
}

/// After how much of the ledger a snapshot of the state is worth being written.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotPace {
    /// After so many transactions,
    pub transactions: u64,
    /// or after so many bytes of the log.
    pub bytes: u64,
    /// When the node stops, after so many transactions.
    pub transactions_at_end: u64,
}

impl Default for SnapshotPace {
    fn default() -> Self {
        Self { transactions: 250_000, bytes: 64 * 1024 * 1024, transactions_at_end: 4096 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            unchecked: 16_384,
            unpacked: 4_096,
            waiting: 65_536,
            verify_threads: cores.clamp(1, 8),
            snapshots: SnapshotPace::default(),
        }
    }
}

/// How consensus measures time.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Length of a tick; heartbeats come every fourth tick.
    pub tick: Duration,
    /// For this many ticks after it heard the leader, a node votes for nobody else. After a little
    /// more than that, and up to twice as long, a follower that hears nothing stands for election.
    pub election_ticks: usize,
    /// How long a submission waits for its outcome.
    pub submit_timeout: Duration,
    /// After how long a submission is sent again; repetition is harmless.
    pub retry: Duration,
    /// How long a fresh read waits.
    pub read_timeout: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            // Ticks are short so that two nodes seldom stand for election in the same one.
            tick: Duration::from_millis(25),
            election_ticks: 18,
            submit_timeout: Duration::from_secs(10),
            retry: Duration::from_secs(1),
            read_timeout: Duration::from_secs(5),
        }
    }
}

impl Timing {
    pub(super) const HEARTBEAT_TICKS: usize = 4;

    /// Shortest silence after which a follower stands. One heartbeat longer than voters are bound:
    /// they may have heard one more, and would turn the first candidate down.
    pub(super) fn election_ticks_min(&self) -> usize {
        self.election_ticks + Self::HEARTBEAT_TICKS
    }

    pub(super) fn election_ticks_max(&self) -> usize {
        self.election_ticks * 2 + Self::HEARTBEAT_TICKS
    }

    /// After this silence a leader is not counted on any more: every follower stands for election.
    pub(super) fn silence_max(&self) -> Duration {
        self.tick.saturating_mul(u32::try_from(self.election_ticks_max()).unwrap_or(u32::MAX))
    }
}

/// Everything a node's consensus needs.
pub struct Settings {
    /// Number of this node, from the genesis document.
    pub node_id: u64,
    /// Whose node this is.
    pub department: DepartmentId,
    /// The department's keys, with which this node cosigns.
    pub keys: Keys,
    /// The other nodes; an entry with this node's own number is passed over.
    pub peers: Vec<Peer>,
    /// The bound socket on which peers are heard.
    pub listener: TcpListener,
    /// How peers are heard: mutual TLS, certificates of the city's authority only.
    pub tls_server: Arc<ServerConfig>,
    /// How peers are called.
    pub tls_client: Arc<ClientConfig>,
    /// The ledger.
    pub log: Arc<LedgerLog>,
    /// The node's keyed data.
    pub store: Arc<NodeStore>,
    /// The room on the disk of both: while it is full, this node neither leads nor follows.
    pub disk: Arc<Disk>,
    /// Where other programs find the newest anchored checkpoint.
    pub checkpoint_file: PathBuf,
    /// Where evidence is kept when the ledger contradicts itself.
    pub evidence_dir: PathBuf,
    /// Where block times come from.
    pub clock: SharedClock,
    /// Bounds of queues.
    pub limits: Limits,
    /// Ticks and timeouts.
    pub timing: Timing,
}
