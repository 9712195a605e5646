//! The cluster: who leads, and how far each node has come.

use crate::domain::Role;
use crate::exchange::OUTBOX_MAX;
use crate::service::health::NodeView;

use super::desk::{Desk, Visitor};
use super::render::Answer;
use super::views::cluster::{AwaitedRow, Cluster, ClusterBody, MemberRow, NodeRow};

/// Two clocks under NTP differ by less; a report on its way takes less.
const CLOCK_SHOWN_MS: u64 = 1_000;

/// Every node.
pub async fn cluster(visitor: Visitor) -> Answer {
    let body = body(&visitor);
    if visitor.partial {
        return visitor.show(&body);
    }
    let members = members(&visitor);
    visitor.show(&Cluster { page: visitor.page(), t: visitor.t, body, members })
}

/// Whom an administrator of the authority may name in the forms.
fn members(desk: &Desk) -> Vec<MemberRow> {
    if !desk.is(Role::Admin) || !desk.node.is_authority() {
        return Vec::new();
    }
    let row = |node: NodeView| MemberRow {
        name: desk.t.pick(&node.name).to_owned(),
        votes: node.wanted == "voter",
        has_node: node.wanted != "none",
        department: node.department.to_string(),
    };
    desk.node.cluster().nodes.into_iter().map(row).collect()
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
        awaited: view.waits_for.as_ref().map(|awaited| AwaitedRow {
            code: awaited.code,
            name: awaited.department.as_ref().map(|department| desk.department(department)).unwrap_or_default(),
            lag: awaited.lag,
        }),
        troubles: desk
            .node
            .health()
            .checks
            .into_iter()
            .filter(|check| !check.ok || check.warning)
            .map(|check| (check.name.to_owned(), desk.t.word_with("trouble", check.seen.0, "seen", &check.seen.1)))
            .collect(),
        time: desk.node.clock.now().local_text(),
    }
}

/// `+61.4 s`.
fn clock(ahead_ms: i64) -> String {
    let (sign, ms) = (if ahead_ms < 0 { '−' } else { '+' }, ahead_ms.unsigned_abs());
    format!("{sign}{}.{} s", ms / 1_000, ms % 1_000 / 100)
}

/// The leader is one of the voters.
fn is_as_wanted(node: &NodeView) -> bool {
    node.role == node.wanted || (node.role, node.wanted) == ("leader", "voter")
}

fn row(desk: &Desk, node: &NodeView) -> NodeRow {
    let heard = node.reachable;
    NodeRow {
        name: desk.t.pick(&node.name).to_owned(),
        department: node.department.to_string(),
        role: if heard || node.wanted == "none" { node.role } else { "unreachable" }.to_owned(),
        wanted: if is_as_wanted(node) { String::new() } else { node.wanted.to_owned() },
        term: node.term.filter(|_| heard),
        commit: node.commit.filter(|_| heard),
        applied: node.applied.filter(|_| heard),
        projected: node.projected.filter(|_| heard),
        lag: node.lag.filter(|_| heard),
        clock: node
            .clock_ahead_ms
            .filter(|ms| heard && ms.unsigned_abs() >= CLOCK_SHOWN_MS)
            .map(clock)
            .unwrap_or_default(),
        troubles: if heard { node.troubles.clone() } else { Vec::new() },
        here: desk.is_own(&node.department),
    }
}
