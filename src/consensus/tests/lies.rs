//! Leaders and departments that lie: each is caught, the evidence holds, and the others go on.

use super::*;
use crate::crypto::digest::Hash;
use crate::ledger::block::Block;
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::evidence::Evidence;

/// The kind of the evidence for which a node stands still, after checking that it holds.
fn halted(node: &Consensus) -> Option<String> {
    let halted = node.halted().borrow().clone()?;
    let evidence = Evidence::parse(&std::fs::read_to_string(&halted.file).unwrap()).unwrap();
    evidence.finding.verify(&evidence.chain, None).unwrap();
    assert!(Checkpoint::parse(&evidence.own).is_some() && evidence.finding.kind() == halted.kind);
    Some(halted.kind.clone())
}

/// What `mulu ledger evidence --accept` does.
fn accept(node: &Consensus) {
    let file = node.halted().borrow().as_ref().unwrap().file.clone();
    let dir = file.parent().unwrap().join(ACCEPTED_DIR);
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::rename(&file, dir.join(file.file_name().unwrap())).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_slips_in_a_forged_signature_is_caught_and_left_alone() {
    let mut city = City::new(3, 0);
    let liar = city.leader().await;
    let honest = [(liar + 1) % 3, (liar + 2) % 3];
    let genuine = city.case(liar);
    let mut bytes = genuine.as_bytes().to_vec();
    bytes[20] ^= 1;
    assert!(city.node(liar).slip_in(Transaction::decode(&bytes).unwrap()));
    for n in honest {
        until("evidence", || halted(city.node(n)).as_deref() == Some("invalid_signature")).await;
        assert_eq!(city.node(n).chain().size(), 1, "the block was applied");
        assert!(matches!(city.node(n).submit(city.case(n)).await, Err(SubmitError::Halted(_))));
    }
    // Halted it stays, until an operator has seen the evidence.
    city.restart(honest[0]).await;
    assert_eq!(halted(city.node(honest[0])).as_deref(), Some("invalid_signature"));
    for n in honest {
        accept(city.node(n));
        city.restart(n).await;
    }
    // Then the forged transaction is refused by all; and the liar meets a state that is not its own.
    until("the liar's own evidence", || halted(city.node(liar)).as_deref() == Some("other_ledger")).await;
    for n in honest {
        let chain = city.node(n).chain();
        until("the refusal", || chain.refusal(1) == Some(Refusal::Signature)).await;
    }
    let outcome = city.node(honest[0]).submit(city.case(honest[0])).await.unwrap();
    assert_eq!((outcome.index, outcome.result), (2, Ok(())));
    assert!(city.node(honest[1]).anchored_beyond(2, PATIENCE).await.is_some());
    // After a restart the same block is checked again, and the acceptance still holds.
    city.restart(honest[1]).await;
    city.node(honest[1]).read_index().await.unwrap();
    assert_eq!((halted(city.node(honest[1])), city.node(honest[1]).chain().size()), (None, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocks_that_go_back_in_time_skip_a_number_or_are_none_halt_every_node() {
    for kind in ["block_time", "block_height", "no_block"] {
        let city = City::new(3, 0);
        let leader = city.leader().await;
        city.node(leader).submit(city.case(leader)).await.unwrap();
        let chain = city.node(leader).chain();
        let next = Block {
            height: chain.height() + 1,
            time: chain.state().time().plus(1),
            transactions: vec![city.case(leader)],
        };
        let lie = match kind {
            "block_time" => Block { time: Millis(chain.state().time().0 - 1), ..next }.encode(),
            "block_height" => Block { height: next.height + 1, ..next }.encode(),
            _ => b"rubbish".to_vec(),
        };
        city.node(leader).slip_in_block(lie);
        for node in city.running() {
            until(kind, || halted(node).as_deref() == Some(kind)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_cosigned_roots_of_one_size_halt_a_node_and_the_others_go_on() {
    let mut city = City::new(3, 0);
    let leader = city.leader().await;
    let forger = (leader + 1) % 3;
    let index = city.node(leader).submit(city.case(leader)).await.unwrap().index;
    let anchored = city.node(leader).anchored_beyond(index, PATIENCE).await.unwrap();
    let genuine = || city.node(leader).covering(index).is_some_and(|note| note.named().len() == 3);
    until("every department's cosignature", genuine).await;
    let fork = Checkpoint { root: Hash([9; 32]), ..anchored.note.checkpoint().clone() };
    let note = fork.cosign(&department(forger), &key(forger), 1_800_000_000).unwrap();
    city.node(leader).hear(note);
    until("evidence", || halted(city.node(leader)).as_deref() == Some("two_roots")).await;
    // The node that stands still leads no more; a majority goes on without it.
    let other = (leader + 2) % 3;
    assert!(city.node(other).submit(city.case(other)).await.unwrap().result.is_ok());
    assert_ne!(city.node(other).status().leader, Some(leader as u64 + 1));
    accept(city.node(leader));
    city.restart(leader).await;
    assert!(city.node(leader).submit(city.case(leader)).await.unwrap().result.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_with_a_late_clock_never_goes_back_in_time() {
    let mut city = City::with_clocks(3, 0, vec![0, 60_000, 120_000]);
    for _ in 0..3 {
        let leader = city.leader().await;
        let outcome = city.node(leader).submit(city.case(leader)).await.unwrap();
        assert_eq!(outcome.result, Ok(()));
        city.stop(leader);
        let other = (leader + 1) % 3;
        assert!(city.node(other).submit(city.case(other)).await.unwrap().result.is_ok());
        city.restart(leader).await;
    }
    city.all_equal().await;
    assert!(city.running().all(|node| halted(node).is_none()));
}
