//! What a node says of itself and of the others.

use std::collections::BTreeMap;
use std::time::Instant;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::domain::node::ADDRESS_CHARS_MAX;

use super::membership::Standing;
use super::steward::{Configuration, Step};

const VERSION_CHARS_MAX: usize = 64;
const TROUBLES_MAX: usize = 16;
/// Nodes whose reports are kept: more than a city has, for numbers are never used again.
const REPORTS_MAX: usize = 1_024;

/// What a node is to the others at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeRole {
    /// Orders the transactions.
    Leader,
    /// Votes and stores.
    #[default]
    Follower,
    /// Stands for election.
    Candidate,
    /// Stores without a vote.
    Learner,
}

/// Who leads, as this node knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Leadership {
    pub(super) leader: Option<u64>,
    pub(super) term: u64,
}

/// What the driver says after each round.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DriverStatus {
    pub(super) role: NodeRole,
    pub(super) leader: Option<u64>,
    pub(super) term: u64,
    pub(super) commit: u64,
    pub(super) last_index: u64,
    /// When the leader was last heard.
    pub(super) leader_heard: Option<Instant>,
}

/// What every node tells every other once a second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeReport {
    /// Which node.
    pub node_id: u64,
    /// Its term.
    pub term: u64,
    /// Log index that it knows to be committed.
    pub commit: u64,
    /// Log index up to which it has applied.
    pub applied: u64,
    /// Transactions that it has applied.
    pub size: u64,
    /// Transactions that its read model reflects.
    pub projected: u64,
    /// Version of its program.
    pub version: String,
    /// The newest edition of the ledger that its program knows; 0 from programs that do not say.
    #[serde(default)]
    pub edition: u32,
    /// What its clock showed when it wrote this; older programs do not say.
    #[serde(default)]
    pub clock: Option<Millis>,
    /// Names of the checks that do not hold there.
    #[serde(default)]
    pub troubles: Vec<String>,
    /// By how many milliseconds its clock was ahead of this node's when the report came, with the time that the report
    /// took on its way counted against it.
    #[serde(skip_deserializing)]
    pub clock_ahead_ms: Option<i64>,
    /// Where it says that its consensus is reached.
    #[serde(default)]
    pub address: String,
    /// Milliseconds since the report came; 0 for the node's own.
    #[serde(default)]
    pub age_ms: u64,
    /// Log entries that it was behind this node when the report came; 0 for the node's own.
    #[serde(default)]
    pub lag: u64,
}

/// Whether a peer can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PeerStatus {
    /// Which node.
    pub node_id: u64,
    /// Whether this node's connection to it stands.
    pub connected: bool,
}

/// Lengths of a node's queues.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Queues {
    /// Transactions to be checked.
    pub unchecked: usize,
    /// Transactions waiting for a block, on the leader.
    pub unpacked: usize,
    /// Submissions waiting for an outcome.
    pub waiting: usize,
    /// Committed log entries not yet applied.
    pub unapplied: u64,
}

/// A node's consensus at a glance.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// This node.
    pub node_id: u64,
    /// What it is at the moment.
    pub role: NodeRole,
    /// Who leads, if anyone does.
    pub leader: Option<u64>,
    /// The term.
    pub term: u64,
    /// Log index known to be committed.
    pub commit: u64,
    /// Log index up to which this node has applied.
    pub applied_raft_index: u64,
    /// Last log index on this node's disk.
    pub last_index: u64,
    /// Number of the last applied block.
    pub height: u64,
    /// Transactions applied.
    pub size: u64,
    /// Whether a leader with a majority is there: on the leader itself by the quorum it checks, on
    /// the others by having heard it within the longest election timeout.
    pub has_quorum: bool,
    /// Milliseconds since the leader was last heard; 0 on the leader.
    pub leader_contact_ms: Option<u64>,
    /// Lengths of queues.
    pub queues: Queues,
    /// Connections to the others.
    pub peers: Vec<PeerStatus>,
    /// The last report of every node, this one's included, by node.
    pub reports: Vec<NodeReport>,
    /// Who is in consensus.
    pub configuration: Configuration,
    /// Where this node stands with its own ledger.
    pub standing: Standing,
    /// What brings consensus to what the ledger wants.
    pub step: Step,
}

/// The last report of every other node.
#[derive(Default)]
pub(super) struct Reports {
    last: Mutex<BTreeMap<u64, (NodeReport, Instant)>>,
}

impl Reports {
    /// Keeps a report, and how far its node's clock was ahead and its log behind this node's. The caller has checked
    /// that it comes from the node that it names.
    pub(super) fn put(&self, mut report: NodeReport, now: Millis, commit: u64) {
        report.version = report.version.chars().take(VERSION_CHARS_MAX).collect();
        report.address = report.address.chars().take(ADDRESS_CHARS_MAX).collect();
        report.troubles.truncate(TROUBLES_MAX);
        report.troubles.iter_mut().for_each(|name| *name = name.chars().take(VERSION_CHARS_MAX).collect());
        report.clock_ahead_ms = report.clock.map(|clock| {
            let ms = |time: Millis| i64::try_from(time.0).unwrap_or(i64::MAX);
            ms(clock).saturating_sub(ms(now))
        });
        report.lag = commit.saturating_sub(report.commit);
        let mut last = self.last.lock();
        if last.len() >= REPORTS_MAX && !last.contains_key(&report.node_id) {
            let oldest = last.values().min_by_key(|(_, at)| *at).map(|(oldest, _)| oldest.node_id);
            oldest.map(|oldest| last.remove(&oldest));
        }
        last.insert(report.node_id, (report, Instant::now()));
    }

    /// All reports with their age.
    pub(super) fn all(&self) -> Vec<NodeReport> {
        let last = self.last.lock();
        let aged = last.values().map(|(report, at)| {
            let age_ms = u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX);
            NodeReport { age_ms, ..report.clone() }
        });
        aged.collect()
    }
}
