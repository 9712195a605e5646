//! Whether this node can do its work, and how the whole cluster stands.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::Serialize;

use crate::consensus::{CAUGHT_UP_ENTRIES, NodeRole, REPORT_AGE_MS_MAX, Status, Step};
use crate::domain::Text;
use crate::exchange::OUTBOX_MAX;
use crate::ids::DepartmentId;
use crate::storage::disk::{Room, Verdict};
use crate::storage::disk_use::DiskUse;

use super::listings::LAG_MAX;
use super::membership::Awaited;
use super::{Node, cluster_health};

/// How often a node tells the others what is the matter with it.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// The truth about this node.
#[derive(Clone, Debug, Serialize)]
pub struct Health {
    /// Whether all checks hold.
    pub ready: bool,
    /// Each check.
    pub checks: Vec<Check>,
}

/// One thing that must hold.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// Its stable name.
    pub name: &'static str,
    /// Whether it holds.
    pub ok: bool,
    /// It holds, and will not for long unless somebody does something.
    pub warning: bool,
    /// What was seen.
    pub detail: String,
    /// The same as a code and the one figure or name that belongs to it, for who says it in the reader's language.
    #[serde(skip)]
    pub seen: (&'static str, String),
}

impl Check {
    pub(super) fn new(name: &'static str, ok: bool, detail: impl Into<String>) -> Self {
        Self { name, ok, warning: false, detail: detail.into(), seen: (name, String::new()) }
    }

    /// The same, with a code of its own in place of the check's name, and what belongs to it.
    pub(super) fn seen(self, code: &'static str, what: impl ToString) -> Self {
        Self { seen: (code, what.to_string()), ..self }
    }

    /// The same, with a warning when it holds.
    pub(super) fn warning(self, warning: bool) -> Self {
        Self { warning: warning && self.ok, ..self }
    }
}

/// The cluster as this node knows it.
#[derive(Clone, Debug, Serialize)]
pub struct ClusterView {
    /// Chain id.
    pub chain: String,
    /// This node's department.
    pub department: DepartmentId,
    /// Who leads.
    pub leader: Option<DepartmentId>,
    /// The term.
    pub term: u64,
    /// Whether writes can be committed.
    pub has_quorum: bool,
    /// Transactions applied by this node.
    pub ledger_size: u64,
    /// Whether consensus is on its way from one set of voters to another.
    pub joint: bool,
    /// Whether consensus is what the ledger says.
    pub settled: bool,
    /// What the change of members waits for.
    pub waits_for: Option<Awaited>,
    /// Bytes of this node's files.
    pub disk_bytes: DiskUse,
    /// Every node.
    pub nodes: Vec<NodeView>,
}

/// One node of the cluster.
#[derive(Clone, Debug, Serialize)]
pub struct NodeView {
    /// Whose.
    pub department: DepartmentId,
    /// Its name.
    pub name: Text,
    /// Its number in consensus.
    pub node_id: u64,
    /// What it is: `leader`, `voter`, `learner`, or `none` when it is not in consensus.
    pub role: &'static str,
    /// What the ledger says that it shall be: `voter`, `learner` or `none`.
    pub wanted: &'static str,
    /// Whether it has what is committed, but for the last moments.
    pub caught_up: bool,
    /// Where its consensus is reached, by the ledger or its own word.
    pub raft: Option<String>,
    /// Where its exchange is reached, by the ledger.
    pub peer: Option<String>,
    /// Whether it was heard in the last seconds.
    pub reachable: bool,
    /// Its term.
    pub term: Option<u64>,
    /// Log index known to be committed there.
    pub commit: Option<u64>,
    /// Log index applied there.
    pub applied: Option<u64>,
    /// Transactions applied there.
    pub size: Option<u64>,
    /// Transactions in its read model.
    pub projected: Option<u64>,
    /// Log entries it is behind this node's knowledge of the commit.
    pub lag: Option<u64>,
    /// Milliseconds since it was heard.
    pub heard_ms: Option<u64>,
    /// Version of its program.
    pub version: Option<String>,
    /// The newest edition of the ledger that its program knows.
    pub edition: Option<u32>,
    /// Milliseconds by which its clock is ahead of this node's.
    pub clock_ahead_ms: Option<i64>,
    /// Names of its checks that do not hold or warn, as it says itself.
    pub troubles: Vec<String>,
}

/// A department as the ledger knows it.
#[derive(Clone, Debug, Serialize)]
pub struct DepartmentView {
    /// Short name.
    pub id: DepartmentId,
    /// Names.
    pub name: Text,
    /// Unified social credit code.
    pub uscc: String,
    /// Whether its node votes.
    pub voter: bool,
    /// The key that signs for it.
    pub signing_key: String,
    /// Whether it is the authority.
    pub authority: bool,
    /// Whether it is the auditor.
    pub auditor: bool,
}

impl Node {
    /// Whether this node is ready to serve, and what stands against it.
    pub fn health(&self) -> Health {
        let status = self.consensus.status();
        let projected = self.model.projected().borrow().size;
        let lag = status.size.saturating_sub(projected);
        let trouble = self.model.trouble();
        let model_seen = match &trouble {
            Some(why) => ("projection_waits", why.clone()),
            None => ("projection", format!("{projected} / {}", status.size)),
        };
        let outbox = self.exchange.outbox_len();
        let anchoring = self.anchoring();
        let halted = self.halted();
        let room = self.disk.room();
        let lag_check = cluster_health::lag_check(&status, &self.caught_up);
        let caught_up = self.caught_up.load(Ordering::Relaxed);
        let checks = vec![
            Check::new("quorum", status.has_quorum, quorum_detail(&status)),
            Self::membership_check(&status),
            lag_check,
            cluster_health::clock_check(&status),
            Check::new(
                "projection",
                self.model.is_sound()
                    && projected <= status.size
                    && self.listings.keep_up(projected, status.size, caught_up),
                match &trouble {
                    Some(why) => format!("{projected} of {} transactions are projected: {why}", status.size),
                    None => format!("{projected} of {} transactions are projected", status.size),
                },
            )
            .seen(model_seen.0, model_seen.1)
            .warning(lag > LAG_MAX || trouble.is_some()),
            Check::new(
                "outbox",
                !self.exchange.outbox_full(),
                format!("{outbox} of {OUTBOX_MAX} access records wait for the ledger"),
            )
            .seen("outbox", format!("{outbox} / {OUTBOX_MAX}"))
            .warning(outbox > OUTBOX_MAX / 2),
            disk_check(&room),
            Check::new(
                "halted",
                halted.is_none(),
                halted.as_ref().map_or("no contradiction was met".into(), |halted| halted.advice()),
            )
            .seen("halted", halted.as_ref().map(|halted| halted.name()).unwrap_or_default()),
            self.keys_check(),
            self.policy_check(),
            // The node can do its work without the others' cosignatures; an operator wants to see that they lack.
            Check::new("anchored", true, format!("{} of {} transactions are anchored", anchoring.size, status.size)),
        ];
        Health { ready: checks.iter().all(|check| check.ok), checks }
    }

    /// Keys that are not the ledger's sign nothing; ones that end soon are for the operator to replace in time.
    fn keys_check(&self) -> Check {
        let held = self.holds_keys();
        let ends: Vec<String> = self.expiries().iter().filter_map(super::expiry::Expiry::warning).collect();
        let detail = match (held, ends.is_empty()) {
            (false, _) => "the department's keys on the ledger are not in this node's folder".to_owned(),
            (true, false) => format!("warning: {}", ends.join("; ")),
            (true, true) => "in force, and none ends soon".to_owned(),
        };
        let code = if held { "keys_end" } else { "keys_foreign" };
        Check::new("keys", held, detail).seen(code, "").warning(!ends.is_empty())
    }

    /// Bytes of this node's files.
    pub fn disk_use(&self) -> DiskUse {
        DiskUse::of(&self.config.ledger_dir(), &self.config.store_dir(), &self.config.model_dir())
    }

    /// Leader, term and progress of every node.
    pub fn cluster(&self) -> ClusterView {
        let status = self.consensus.status();
        let waits_for = self.awaited(&status);
        let state = self.chain.state();
        let leader = state.departments().find(|known| Some(known.node_id) == status.leader);
        let nodes = state.departments().map(|department| {
            let report = status.reports.iter().find(|report| report.node_id == department.node_id);
            let member = state.member(&department.id);
            let place = member.as_ref().and_then(|member| member.place.as_ref());
            let said = || report.map(|report| report.address.clone()).filter(|address| !address.is_empty());
            NodeView {
                department: department.id.clone(),
                name: department.name.clone(),
                node_id: department.node_id,
                role: match department.node_id {
                    node_id if Some(node_id) == status.leader => "leader",
                    node_id if status.configuration.voters.contains(&node_id) => "voter",
                    node_id if status.configuration.contains(node_id) => "learner",
                    _ => "none",
                },
                wanted: match member.as_ref().map(|member| member.voter) {
                    Some(true) => "voter",
                    Some(false) => "learner",
                    None => "none",
                },
                caught_up: report.is_some_and(|report| report.lag <= CAUGHT_UP_ENTRIES),
                raft: place.map(|place| place.raft.clone()).or_else(said),
                peer: place.map(|place| place.peer.clone()),
                reachable: report.is_some_and(|report| report.age_ms <= REPORT_AGE_MS_MAX),
                term: report.map(|report| report.term),
                commit: report.map(|report| report.commit),
                applied: report.map(|report| report.applied),
                size: report.map(|report| report.size),
                projected: report.map(|report| report.projected),
                lag: report.map(|report| status.commit.saturating_sub(report.applied)),
                heard_ms: report.map(|report| report.age_ms),
                version: report.map(|report| report.version.clone()),
                edition: report.map(|report| report.edition),
                clock_ahead_ms: report.and_then(|report| report.clock_ahead_ms),
                troubles: report.map(|report| report.troubles.clone()).unwrap_or_default(),
            }
        });
        ClusterView {
            chain: state.chain().to_owned(),
            department: self.department.clone(),
            leader: leader.map(|leader| leader.id.clone()),
            term: status.term,
            has_quorum: status.has_quorum,
            ledger_size: state.size(),
            joint: status.configuration.is_joint(),
            settled: status.step == Step::Settled,
            waits_for,
            disk_bytes: self.disk_use(),
            nodes: nodes.collect(),
        }
    }

    /// The departments of the city.
    pub fn departments(&self) -> Vec<DepartmentView> {
        let state = self.chain.state();
        let genesis = state.genesis();
        let view = |department: &crate::domain::department::Department| DepartmentView {
            id: department.id.clone(),
            name: department.name.clone(),
            uscc: department.uscc.clone(),
            voter: department.voter,
            signing_key: department.signing_key.to_string(),
            authority: genesis.is_some_and(|genesis| genesis.authority == department.id),
            auditor: genesis.is_some_and(|genesis| genesis.auditor == department.id),
        };
        state.departments().map(view).collect()
    }
}

/// Tells the others which checks do not hold here, and the log each time that this changes.
pub(super) async fn tell(node: Node) {
    let mut told: Vec<String> = Vec::new();
    loop {
        let health = node.health();
        let names: Vec<String> = health
            .checks
            .iter()
            .filter(|check| !check.ok || check.warning)
            .map(|check| check.name.to_owned())
            .collect();
        if names != told {
            for check in health.checks.iter().filter(|check| !check.ok || check.warning) {
                tracing::warn!(check = check.name, ok = check.ok, "{}", check.detail);
            }
            if names.is_empty() {
                tracing::info!("every check holds, and none warns");
            }
            node.consensus.report_troubles(names.clone());
            told = names;
        }
        tokio::time::sleep(TELL_EVERY).await;
    }
}

fn disk_check(room: &Room) -> Check {
    let check = Check::new("disk", room.takes_work(), room.detail()).warning(room.verdict == Verdict::Low);
    match (room.verdict, &room.why) {
        (Verdict::Enough | Verdict::Low, _) => check.seen("disk_low", room.free_mebibytes()),
        (Verdict::Full, None) => check.seen("disk_full", room.free_mebibytes()),
        (Verdict::Full | Verdict::Unwritable, why) => check.seen("disk_unwritable", why.as_deref().unwrap_or("–")),
    }
}

fn quorum_detail(status: &Status) -> String {
    match (status.has_quorum, status.role, status.leader) {
        (true, NodeRole::Leader, _) => format!("this node leads in term {}", status.term),
        (true, _, Some(leader)) => format!("node {leader} leads in term {}", status.term),
        _ => "no leader with a majority of voters: is a majority of their nodes running and reachable?".into(),
    }
}
