//! The cluster: who leads, and how far each node has come.

use crate::exchange::OUTBOX_MAX;
use crate::service::health::NodeView;

use super::desk::{Desk, Visitor};
use super::render::Answer;
use super::views::cluster::{Cluster, ClusterBody, NodeRow};

/// Every node.
pub async fn cluster(visitor: Visitor) -> Answer {
    let body = body(&visitor);
    if visitor.partial {
        return visitor.show(&body);
    }
    visitor.show(&Cluster { page: visitor.page(), t: visitor.t, body })
}

fn body(desk: &Desk) -> ClusterBody {
    let status = desk.node.consensus.status();
    let view = desk.node.cluster();
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    ClusterBody {
        t: desk.t,
        leader: view.leader.as_ref().map(|leader| desk.department(leader)).unwrap_or_default(),
        term: view.term,
        commit: status.commit,
        applied: status.applied_raft_index,
        projected: desk.node.model.projected().borrow().size,
        quorum: view.has_quorum,
        outbox: count(desk.node.exchange.outbox_len()),
        outbox_max: count(OUTBOX_MAX),
        nodes: view.nodes.iter().map(|node| row(desk, node)).collect(),
        time: desk.node.clock.now().local_text(),
    }
}

fn row(desk: &Desk, node: &NodeView) -> NodeRow {
    let heard = node.reachable;
    NodeRow {
        name: desk.t.pick(&node.name).to_owned(),
        department: node.department.to_string(),
        role: if heard { node.role } else { "unreachable" }.to_owned(),
        term: node.term.filter(|_| heard),
        commit: node.commit.filter(|_| heard),
        applied: node.applied.filter(|_| heard),
        projected: node.projected.filter(|_| heard),
        lag: node.lag.filter(|_| heard),
        here: desk.is_own(&node.department),
    }
}
