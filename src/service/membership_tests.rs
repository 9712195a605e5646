//! When a change of members is refused, and when a node is out.

use super::*;
use crate::consensus::{Configuration, NodeReport, NodeRole, PeerStatus, Queues};

fn status(lags: &[(u64, u64, bool)]) -> Status {
    let report = |(node_id, lag, _): &(u64, u64, bool)| NodeReport {
        node_id: *node_id,
        term: 1,
        commit: 9,
        applied: 9,
        size: 9,
        projected: 9,
        version: String::new(),
        edition: 2,
        clock: None,
        troubles: Vec::new(),
        clock_ahead_ms: None,
        address: String::new(),
        age_ms: 0,
        lag: *lag,
    };
    let peer = |(node_id, _, connected): &(u64, u64, bool)| PeerStatus { node_id: *node_id, connected: *connected };
    Status {
        node_id: 1,
        role: NodeRole::Leader,
        leader: Some(1),
        term: 1,
        commit: 9,
        applied_raft_index: 9,
        last_index: 9,
        height: 9,
        size: 9,
        has_quorum: true,
        leader_contact_ms: Some(0),
        queues: Queues::default(),
        peers: lags.iter().map(peer).collect(),
        reports: lags.iter().map(report).collect(),
        configuration: Configuration { voters: [1, 2, 3].into(), ..Configuration::default() },
        standing: Standing::Member,
        step: Step::Settled,
    }
}

#[test]
fn a_majority_must_be_there_and_a_new_voter_must_have_caught_up() {
    let seen = status(&[(2, 0, true), (3, 0, false), (4, LAG_MAX + 1, true)]);
    let there = |node_id: &u64| is_reachable(&seen, *node_id);
    assert!(enough(&[1, 2, 3].into(), there).is_ok());
    let refused = enough(&[1, 3].into(), there).unwrap_err();
    assert!(matches!(refused, ServiceError::Conflict { code: "would_lose_quorum", .. }), "{refused}");
    let tax = "tax".parse().unwrap();
    assert!(caught_up(&seen, 2, &tax).is_ok());
    for (node_id, word) in [(3, "not heard"), (4, "lacks 1025 log entries"), (5, "not heard")] {
        let refused = caught_up(&seen, node_id, &tax).unwrap_err();
        assert!(matches!(refused, ServiceError::Conflict { code: "not_caught_up", .. }));
        assert!(refused.to_string().contains(word), "{refused}");
    }
}

#[test]
fn a_node_that_is_out_is_not_ready() {
    let mut seen = status(&[]);
    assert!(Node::membership_check(&seen).ok);
    for standing in [Standing::Removed, Standing::Replaced { by: 9 }] {
        seen.standing = standing;
        assert!(!Node::membership_check(&seen).ok);
    }
}
