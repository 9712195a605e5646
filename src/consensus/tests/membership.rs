//! Nodes come, vote, are replaced and leave, while others write.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::*;
use crate::domain::edition::EditionChange;
use crate::domain::node::{NodeRemoval, NodeSetting, VoterChoice};

impl City {
    /// The ledger knows nodes from here on.
    async fn raise_edition(&self, at: usize) {
        assert_eq!(self.rules(at, Command::SetEdition(EditionChange { edition: 2 })).await.result, Ok(()));
    }

    /// The authority's administrator acts, at any node.
    async fn rules(&self, at: usize, command: Command) -> Outcome {
        let actor = Actor { user: "root".into(), role: Role::Admin };
        let payload = Payload { id: TxId::new(SystemClock.now()), department: department(0), actor, command };
        let chain = chain_id(self.genesis.payload());
        let tx = Transaction::sign(&chain, payload.encode().unwrap().as_bytes(), &key(0)).unwrap();
        self.node(at).submit(tx).await.unwrap()
    }

    fn register(&self, n: usize) -> Command {
        Command::RegisterDepartment(Department {
            id: department(n),
            name: text("部门"),
            uscc: "11110000000021135M".into(),
            signing_key: key(n).public(),
            signing_key_valid_until: None,
            sealing_key: String::new(),
            voter: false,
            node_id: n as u64 + 1,
        })
    }

    /// The node at place `n` is its department's from now on.
    fn set(&self, n: usize) -> Command {
        let (raft, peer) = (self.addresses[n].to_string(), "127.0.0.1:1".to_owned());
        let department = department(self.whose[n]);
        Command::SetNode(NodeSetting { department, node_id: n as u64 + 1, raft, peer, seen: None })
    }

    /// Waits until every running node, all of which must be members, has just these.
    async fn settled(&self, voters: &[u64], learners: &[u64]) {
        let expected = Configuration {
            voters: voters.iter().copied().collect(),
            outgoing: [].into(),
            learners: learners.iter().copied().collect(),
        };
        until(&format!("{expected:?}"), || self.running().all(|node| node.status().configuration == expected)).await;
    }
}

fn voters(departments: &[usize]) -> Command {
    let departments = departments.iter().map(|n| department(*n)).collect();
    Command::SetVoters(VoterChoice { departments, seen: None })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_department_joins_votes_and_the_cluster_grows_and_shrinks_under_load() {
    let mut city = City::new(3, 0);
    city.leader().await;
    let (stop, done) = (AtomicBool::new(false), AtomicU64::new(0));
    // Moved into the load by reference, so that the city may change meanwhile: only nodes 0 and 1 write.
    let writers = [city.nodes[0].take().map(Arc::new).unwrap(), city.nodes[1].take().map(Arc::new).unwrap()];
    let cases: Vec<Transaction> = (0..20_000).map(|n| city.case(n % 2)).collect();
    let load = |at: usize| {
        let (node, stop, done) = (&writers[at], &stop, &done);
        let mine = cases.iter().skip(at).step_by(2);
        async move {
            let mut indexes = Vec::new();
            for tx in mine {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                if let Ok(outcome) = node.submit(tx.clone()).await {
                    assert_eq!(outcome.result, Ok(()));
                    indexes.push((outcome.index, tx.clone()));
                    done.fetch_add(1, Ordering::Relaxed);
                }
            }
            indexes
        }
    };
    let change = async {
        city.raise_edition(2).await;
        assert_eq!(city.rules(2, city.register(3)).await.result, Ok(()));
        assert_eq!(city.rules(2, city.register(4)).await.result, Ok(()));
        for n in [3, 4] {
            let joined = city.join(n);
            assert_eq!((joined, city.rules(2, city.set(n)).await.result), (n, Ok(())));
        }
        city.settled(&[1, 2, 3], &[4, 5]).await;
        assert_eq!(city.rules(3, voters(&[0, 1, 2, 3, 4])).await.result, Ok(()));
        city.settled(&[1, 2, 3, 4, 5], &[]).await;
        // To those that came last: whoever leads hands over if it is not among them.
        assert_eq!(city.rules(4, voters(&[2, 3, 4])).await.result, Ok(()));
        city.settled(&[3, 4, 5], &[1, 2]).await;
        let before = done.load(Ordering::Relaxed);
        until("more is written", || done.load(Ordering::Relaxed) > before + 10).await;
        stop.store(true, Ordering::Relaxed);
    };
    let (one, other, ()) = tokio::join!(load(0), load(1), change);
    assert!(matches!(writers[0].status().role, NodeRole::Learner));
    let written: Vec<_> = one.into_iter().chain(other).collect();
    until("all is applied by the newest voter", || city.node(4).chain().size() >= written.len() as u64).await;
    city.node(4).read_index().await.unwrap();
    let chain = city.node(4).chain();
    for (index, tx) in &written {
        assert_eq!(chain.leaf(*index), Some(tx.leaf(chain.algorithm())), "what was acknowledged is not there");
    }
    println!("{} transactions were acknowledged meanwhile", written.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_voter_is_replaced_and_its_number_is_heard_no_more() {
    let mut city = City::new(3, 0);
    let leader = city.leader().await;
    let (dead, other) = ((leader + 1) % 3, (leader + 2) % 3);
    city.raise_edition(leader).await;
    until("the edition is applied", || city.node(dead).chain().size() == 2).await;
    let before = city.node(dead).chain().size();
    city.stop(dead);
    // The new node has the department's keys, another number, and nothing else.
    let n = city.join(dead);
    assert_eq!(city.rules(other, city.set(n)).await.result, Ok(()));
    let rest = [leader as u64 + 1, other as u64 + 1, 4];
    city.settled(&rest, &[]).await;
    assert_eq!(city.node(n).submit(city.case(dead)).await.unwrap().result, Ok(()));
    city.node(n).read_index().await.unwrap();
    assert_eq!(city.node(n).status().standing, Standing::Member);

    // The old one comes back: it is heard no more, and nothing of the others' changes.
    let term = city.node(other).status().term;
    city.restart(dead).await;
    until("both run", || city.node(other).status().peers.iter().all(|peer| peer.node_id != dead as u64 + 1)).await;
    for n in [leader, other] {
        city.node(n).submit(city.case(n)).await.unwrap();
    }
    assert_eq!(city.node(dead).chain().size(), before, "it was told something");
    assert_eq!(city.node(other).status().term, term, "it made the others elect");
    assert_eq!(city.rules(leader, city.set(dead)).await.result.unwrap_err().code(), "conflict");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_is_removed_hands_over_and_knows_that_it_is_out() {
    let mut city = City::new(3, 1);
    let leader = city.leader().await;
    let rest: Vec<usize> = (0..4).filter(|n| *n != leader).collect();
    city.raise_edition(leader).await;
    let removal = NodeRemoval { department: department(leader), seen: None };
    let command = Command::RemoveNode(removal);
    assert_eq!(city.rules(rest[0], command).await.result, Ok(()));
    until("it knows", || city.node(leader).status().standing == Standing::Removed).await;
    let gone = |node: &Consensus| !node.status().configuration.contains(leader as u64 + 1);
    until("it is out", || rest.iter().all(|n| gone(city.node(*n)))).await;
    for n in &rest {
        assert_eq!(city.node(*n).submit(city.case(*n)).await.unwrap().result, Ok(()));
    }
    let outcome = city.node(leader).submit_within(city.case(leader), Duration::from_secs(1)).await;
    assert!(outcome.is_err(), "{outcome:?}");
    let term = city.node(rest[0]).status().term;
    city.restart(leader).await;
    until("it knows again", || city.node(leader).status().standing == Standing::Removed).await;
    assert_eq!(city.node(rest[0]).submit(city.case(rest[0])).await.unwrap().result, Ok(()));
    assert_eq!((city.node(rest[0]).status().term, city.node(leader).status().role == NodeRole::Leader), (term, false));
}
