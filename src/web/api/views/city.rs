//! Answers about departments, the cluster and this node's health.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::Text;
use crate::ids::DepartmentId;
use crate::service::health as service;

use super::membership::AwaitedAnswer;
use super::{List, Maybe, answer};

answer! {
    /// A department.
    Department from service::DepartmentView {
        /// Short name.
        id: DepartmentId,
        /// Names.
        name: Text,
        /// Unified social credit code.
        uscc: String,
        /// Whether its node votes.
        voter: bool,
        /// The key that signs for it.
        signing_key: String,
        /// Whether it is the authority.
        authority: bool,
        /// Whether it is the auditor.
        auditor: bool,
    }
}

/// All departments.
#[derive(Debug, Serialize, ToSchema)]
pub struct Departments {
    /// The departments, by name.
    pub items: Vec<Department>,
    /// Always null: there is one page.
    pub next_cursor: Option<String>,
    /// Index of the last transaction that the list reflects.
    pub ledger_index: u64,
}

answer! {
    /// One node of the cluster.
    ClusterNode from service::NodeView {
        /// Whose.
        department: DepartmentId,
        /// Its name.
        name: Text,
        /// Its number in consensus.
        node_id: u64,
        /// What it is: `leader`, `voter`, `learner`, or `none` when it is not in consensus.
        role: &'static str,
        /// What the ledger says that it shall be: `voter`, `learner` or `none`.
        wanted: &'static str,
        /// Whether it has what is committed, but for the last moments.
        caught_up: bool,
        /// Where its consensus is reached, by the ledger or its own word.
        raft: Option<String>,
        /// Where its exchange is reached, by the ledger.
        peer: Option<String>,
        /// Whether it was heard in the last seconds.
        reachable: bool,
        /// Its term.
        term: Option<u64>,
        /// Log index known to be committed there.
        commit: Option<u64>,
        /// Log index applied there.
        applied: Option<u64>,
        /// Transactions applied there.
        size: Option<u64>,
        /// Transactions in its read model.
        projected: Option<u64>,
        /// Log entries it is behind.
        lag: Option<u64>,
        /// Milliseconds since it was heard.
        heard_ms: Option<u64>,
        /// Version of its program.
        version: Option<String>,
        /// The newest edition of the ledger that its program knows.
        edition: Option<u32>,
        /// Milliseconds by which its clock is ahead of the answering node's.
        clock_ahead_ms: Option<i64>,
        /// Names of its checks that do not hold or warn, as it says itself.
        troubles: Vec<String>,
    }
}

answer! {
    /// Bytes of a node's files, by what they are.
    DiskBytes from crate::storage::disk_use::DiskUse {
        /// The ledger's segment files, and the indexes of those that are archived.
        log: u64,
        /// The ledger's tree.
        tree: u64,
        /// Snapshots of the state.
        snapshots: u64,
        /// The keyed store.
        store: u64,
        /// The read model.
        model: u64,
        /// What is the node's alone.
        local: u64,
    }
}

answer! {
    /// The cluster as this node knows it.
    Cluster from service::ClusterView {
        /// Chain id.
        chain: String,
        /// This node's department.
        department: DepartmentId,
        /// Who leads.
        leader: Option<DepartmentId>,
        /// The term.
        term: u64,
        /// Whether writes can be committed.
        has_quorum: bool,
        /// Transactions applied by this node.
        ledger_size: u64,
        /// Whether consensus is on its way from one set of voters to another.
        joint: bool,
        /// Whether consensus is what the ledger says.
        settled: bool,
        /// What the change of members waits for.
        #[schema(value_type = Option<AwaitedAnswer>)]
        waits_for: Maybe<AwaitedAnswer>,
        /// Bytes of the answering node's files.
        disk_bytes: DiskBytes,
        /// Every node.
        #[schema(value_type = Vec<ClusterNode>)]
        nodes: List<ClusterNode>,
    }
}

answer! {
    /// One thing that must hold.
    CheckAnswer from service::Check {
        /// Its stable name.
        name: &'static str,
        /// Whether it holds.
        ok: bool,
        /// It holds, and will not for long unless somebody does something.
        warning: bool,
        /// What was seen.
        detail: String,
    }
}

answer! {
    /// Whether this node can do its work.
    HealthAnswer from service::Health {
        /// Whether all checks hold.
        ready: bool,
        /// Each check.
        #[schema(value_type = Vec<CheckAnswer>)]
        checks: List<CheckAnswer>,
    }
}
