//! Tests of the steward: each situation and the one step that follows; and that steps end where the ledger wants.

use super::*;

fn set(ids: &[u64]) -> BTreeSet<u64> {
    ids.iter().copied().collect()
}

fn configuration(voters: &[u64], learners: &[u64]) -> Configuration {
    Configuration { voters: set(voters), outgoing: set(&[]), learners: set(learners) }
}

fn wanted(voters: &[u64], learners: &[u64]) -> BTreeMap<u64, bool> {
    voters.iter().map(|id| (*id, true)).chain(learners.iter().map(|id| (*id, false))).collect()
}

/// Nodes from 90 on are not heard, those from 80 on lag.
fn lag(node_id: u64) -> Option<u64> {
    match node_id {
        90.. => None,
        80.. => Some(CAUGHT_UP_ENTRIES + 1),
        _ => Some(CAUGHT_UP_ENTRIES),
    }
}

fn plan(leader: u64, configuration: &Configuration, wanted: &BTreeMap<u64, bool>) -> Step {
    View { leader, configuration, wanted, lag }.plan()
}

#[test]
fn each_situation_has_its_step() {
    let of = configuration;
    let voters = |ids: &[u64]| Step::SetVoters { voters: set(ids) };
    for (why, leader, have, want, step) in [
        ("all is well", 1, of(&[1, 2, 3], &[4]), wanted(&[1, 2, 3], &[4]), Step::Settled),
        ("one joins", 1, of(&[1, 2, 3], &[]), wanted(&[1, 2, 3], &[4, 5]), Step::AddLearner { node_id: 4 }),
        ("an absent one may learn", 1, of(&[1], &[]), wanted(&[1], &[90]), Step::AddLearner { node_id: 90 }),
        ("two are promoted", 1, of(&[1, 2, 3], &[4, 5]), wanted(&[1, 2, 3, 4, 5], &[]), voters(&[1, 2, 3, 4, 5])),
        (
            "one of them lags",
            1,
            of(&[1, 2, 3], &[4, 80]),
            wanted(&[1, 2, 3, 4, 80], &[]),
            Step::Wait(Waits::Lagging { node_id: 80, lag: CAUGHT_UP_ENTRIES + 1 }),
        ),
        (
            "one of them is away",
            1,
            of(&[1, 2, 3], &[4, 90]),
            wanted(&[1, 2, 3, 4, 90], &[]),
            Step::Wait(Waits::Unheard { node_id: 90 }),
        ),
        ("a dead voter's successor", 1, of(&[1, 2, 90], &[4]), wanted(&[1, 2, 4], &[]), voters(&[1, 2, 4])),
        ("a dead voter leaves", 1, of(&[1, 2, 90], &[]), wanted(&[1, 2], &[]), voters(&[1, 2])),
        ("the leader leaves", 1, of(&[1, 2, 3], &[]), wanted(&[2, 3], &[]), Step::HandOver { node_id: 2 }),
        ("to one that is there", 1, of(&[1, 90, 80], &[]), wanted(&[90, 80], &[]), Step::HandOver { node_id: 80 }),
        ("to nobody", 1, of(&[1, 2, 90], &[]), wanted(&[90], &[2]), Step::Wait(Waits::Unheard { node_id: 90 })),
        ("the only voter changes", 1, of(&[1], &[2]), wanted(&[2], &[1]), voters(&[1, 2])),
        ("and then leads", 1, of(&[1, 2], &[]), wanted(&[2], &[1]), Step::HandOver { node_id: 2 }),
        ("and is alone", 2, of(&[1, 2], &[]), wanted(&[2], &[1]), voters(&[2])),
        (
            "too few of the voters to be",
            1,
            of(&[1, 2, 3, 90, 91], &[]),
            wanted(&[1, 90, 91], &[]),
            Step::Wait(Waits::Majority),
        ),
        ("a learner leaves", 1, of(&[1, 2, 3], &[4]), wanted(&[1, 2, 3], &[]), Step::Remove { node_id: 4 }),
        ("nobody shall vote", 1, of(&[1], &[]), wanted(&[], &[1]), Step::Settled),
    ] {
        assert_eq!(plan(leader, &have, &want), step, "{why}");
    }
    let joint = Configuration { outgoing: set(&[1]), ..of(&[1, 2], &[]) };
    assert_eq!(plan(1, &joint, &wanted(&[1, 2], &[])), Step::Wait(Waits::Joint));
}

/// Whatever is had and wanted: the steps end, each leaves a majority that is there, and no leader loses its vote.
#[test]
fn steps_end_where_the_ledger_wants_it() {
    let kinds = |mut code: u32| {
        let mut kinds = Vec::new();
        for node_id in 1..=4u64 {
            kinds.push((node_id, code % 3));
            code /= 3;
        }
        kinds
    };
    let of = |code: u32, kind: u32| {
        let matching = kinds(code).into_iter().filter(move |(_, k)| *k == kind);
        matching.map(|(node_id, _)| node_id).collect::<Vec<_>>()
    };
    let mut settled = 0;
    for (have, want) in (0..81).flat_map(|have| (0..81).map(move |want| (have, want))) {
        let mut now = configuration(&of(have, 1), &of(have, 2));
        let goal = wanted(&of(want, 1), &of(want, 2));
        let (Some(mut leader), true) = (now.voters.first().copied(), goal.values().any(|votes| *votes)) else {
            continue;
        };
        for _ in 0..16 {
            let step = plan(leader, &now, &goal);
            match &step {
                Step::Settled => break,
                Step::Wait(waits) => panic!("{now:?} to {goal:?} waits for {waits:?}"),
                Step::HandOver { node_id } => leader = *node_id,
                _ => {}
            }
            if let Some(change) = change(&step, &now, &goal) {
                assert!(!change.get_changes().is_empty());
                for change in change.get_changes() {
                    let (node_id, kind) = (change.node_id, change.get_change_type());
                    now.voters.remove(&node_id);
                    now.learners.remove(&node_id);
                    match kind {
                        ConfChangeType::AddNode => now.voters.insert(node_id),
                        ConfChangeType::AddLearnerNode => now.learners.insert(node_id),
                        ConfChangeType::RemoveNode => false,
                    };
                }
                assert!(now.voters.contains(&leader), "the leader lost its vote");
            }
        }
        assert_eq!(now, configuration(&of(want, 1), &of(want, 2)));
        settled += 1;
    }
    assert!(settled > 4_000, "{settled} ways were tried");
}
