//! Lies of a leader, of a department, or of a node's own disk: how each is caught, and by which name. One story a lie.
//!
//! | lie | caught as | story |
//! |---|---|---|
//! | forged transaction | `invalid_signature` | `lies`: a leader that slips in a forged signature |
//! | altered payload | `invalid_signature` | here |
//! | transaction of another chain | `invalid_signature` | here |
//! | one bad signature among good ones | `invalid_signature`, with its place | here |
//! | back-dated, left out, reordered blocks; what is no block | `block_time`, `block_height`, `no_block` | `lies` |
//! | reordered history on a node's disk | `own_history` | here |
//! | history that a majority cosigned otherwise | `other_ledger` | here |
//! | fork shown to two nodes | `two_roots` | `lies` |
//! | revoked key | refusal `key_revoked` | here |
//! | duplicated id | refusals `repeated`, `id_reused` | here |
//! | stale cosignature replayed | counts for nothing | here |
//!
//! What an auditor catches in a node's folder, in an export or behind a receipt is told in `cli/ledger/lies_tests.rs`;
//! what anybody catches from outside, in `ledger/watcher_tests.rs`.

use std::fs;

use super::*;
use crate::crypto::digest::Hash;
use crate::domain::keys::KeyRevocation;
use crate::ledger::block::Block;
use crate::ledger::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::ledger::evidence::{Evidence, Finding};
use crate::storage::RecordRef;

/// Three nodes with one transaction in their ledger, their leader, and a department whose name it abuses.
async fn city() -> (City, usize, usize) {
    let city = City::new(3, 0);
    let liar = city.leader().await;
    let victim = (liar + 1) % 3;
    assert_eq!(city.node(victim).submit(city.case(victim)).await.unwrap().index, 1);
    city.all_equal().await;
    (city, liar, victim)
}

impl City {
    fn chain_id(&self) -> String {
        chain_id(self.genesis.payload())
    }

    /// Lets the leader propose a block that no program of ours would.
    fn slip_block(&self, liar: usize, change: impl FnOnce(&mut Block)) {
        let chain = self.node(liar).chain();
        let (height, time) = (chain.height() + 1, SystemClock.now());
        let mut block = Block { height, time, transactions: vec![self.case(liar)] };
        change(&mut block);
        self.node(liar).slip_in_block(block.encode());
    }

    /// What made a node stand still: its evidence holds without the node, and the node serves nothing more.
    async fn caught(&self, n: usize) -> Finding {
        let mut halted = self.node(n).halted();
        let why = tokio::time::timeout(PATIENCE, halted.wait_for(Option::is_some)).await;
        let why = why.expect("the node went on").unwrap().clone().unwrap();
        let evidence = Evidence::parse(&fs::read_to_string(&why.file).unwrap()).unwrap();
        assert_eq!((evidence.finding.kind(), &evidence.found_by), (why.kind.as_str(), &department(n)));
        let shown = evidence.finding.verify(&evidence.chain, None).unwrap();
        assert!(!shown.proven.is_empty() && !evidence.finding.explain().is_empty());
        let refused = self.node(n).submit(self.case(n)).await;
        assert_eq!(refused, Err(SubmitError::Halted(why.kind.clone())));
        evidence.finding
    }

    /// Both other nodes catch the leader by the same name, and nothing of the block is in their ledgers.
    async fn others_catch(&self, liar: usize, kind: &str) -> Finding {
        let others: Vec<usize> = (0..3).filter(|n| *n != liar).collect();
        let findings = [self.caught(others[0]).await, self.caught(others[1]).await];
        assert!(findings.iter().all(|finding| finding.kind() == kind), "{findings:?}");
        assert!(others.iter().all(|n| self.node(*n).chain().size() == 2));
        let [finding, _] = findings;
        finding
    }

    /// A checkpoint that all three departments cosigned, of at least so many transactions.
    async fn anchored(&self, n: usize, size: u64) -> SignedCheckpoint {
        let mut anchored = self.node(n).anchored();
        let by_all = |found: &Option<Arc<Anchored>>| {
            found.as_ref().is_some_and(|found| found.size() >= size && found.cosigners.len() == 3)
        };
        let found = tokio::time::timeout(PATIENCE, anchored.wait_for(by_all)).await.unwrap().unwrap().clone();
        found.unwrap().note.clone()
    }

    /// Writes a stopped node's ledger anew, with other blocks.
    fn rewrite(&self, n: usize, change: impl Fn(Block) -> Block) {
        let dir = self.dir.path().join(format!("node-{n}/ledger"));
        let log = LedgerLog::open(&dir).unwrap();
        let records = log.entries(1, log.last_index() + 1, u64::MAX).unwrap();
        drop(log);
        for path in fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()) {
            if path.extension().is_some_and(|end| end == "seg") {
                fs::remove_file(path).unwrap();
            }
        }
        let log = LedgerLog::open(&dir).unwrap();
        for record in records {
            let data = match Block::decode(&record.data) {
                Ok(block) => change(block).encode(),
                Err(_) => record.data,
            };
            log.append(&[RecordRef { index: record.index, term: record.term, kind: record.kind, data: &data }])
                .unwrap();
        }
        log.sync().unwrap();
    }
}

/// The department that an invalid signature was forged for, and its place in the block.
fn victim_of(finding: &Finding) -> (DepartmentId, usize) {
    match finding {
        Finding::InvalidSignature { department, position, .. } => (department.clone(), *position),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_altered_payload_is_an_invalid_signature() {
    let (city, liar, victim) = city().await;
    let mut bytes = city.case(victim).as_bytes().to_vec();
    let at = bytes.windows(5).position(|window| window == b"li.na").unwrap();
    bytes[at..at + 5].copy_from_slice(b"wu.na");
    let altered = Transaction::decode(&bytes).unwrap();
    assert_eq!(Payload::decode(altered.payload()).unwrap().actor.user, "wu.na");
    city.slip_block(liar, |block| block.transactions = vec![altered]);
    let finding = city.others_catch(liar, "invalid_signature").await;
    assert_eq!(victim_of(&finding), (department(victim), 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_bad_signature_among_good_ones_is_found_and_its_place_named() {
    let (city, liar, victim) = city().await;
    let mut all: Vec<Transaction> = (0..40).map(|n| city.case(n % 3)).collect();
    let mut bytes = city.case(victim).as_bytes().to_vec();
    bytes[70] ^= 0x40;
    all[17] = Transaction::decode(&bytes).unwrap();
    city.slip_block(liar, |block| block.transactions = all);
    let finding = city.others_catch(liar, "invalid_signature").await;
    assert_eq!(victim_of(&finding), (department(victim), 17));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_of_another_chain_is_an_invalid_signature() {
    let (city, liar, victim) = city().await;
    let genuine = city.case(victim);
    let elsewhere = Transaction::sign("mulu-0123456789abcdef", genuine.payload().as_bytes(), &key(victim)).unwrap();
    city.slip_block(liar, |block| block.transactions = vec![elsewhere]);
    let finding = city.others_catch(liar, "invalid_signature").await;
    assert_eq!(victim_of(&finding), (department(victim), 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_duplicated_id_is_refused_by_all_and_changes_nothing() {
    let (city, liar, victim) = city().await;
    let first = city.case(victim);
    // Another's case under the same id: only who has the key could sign it, and gains nothing by it.
    let mut payload = Payload::decode(first.payload()).unwrap();
    payload.actor.user = "wu.na".into();
    let reused = Transaction::sign(&city.chain_id(), payload.encode().unwrap().as_bytes(), &key(victim)).unwrap();
    city.slip_block(liar, |block| block.transactions = vec![first.clone(), reused, first]);
    let mut applied = city.node(victim).chain().applied();
    tokio::time::timeout(PATIENCE, applied.wait_for(|applied| applied.size == 5)).await.unwrap().unwrap();
    let refusal = |index| city.node(victim).chain().refusal(index);
    assert_eq!(refusal(2), None);
    assert_eq!(refusal(3), Some(Refusal::IdReused { first: 2 }));
    assert_eq!(refusal(4), Some(Refusal::Repeated { first: 2 }));
    assert_eq!(city.node(victim).chain().state().cases().count(), 2);
    city.all_equal().await;
    assert!(city.node(victim).halted().borrow().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_majority_that_cosigns_another_history_is_another_ledger() {
    let (city, liar, victim) = city().await;
    let third = 3 - liar - victim;
    city.slip_block(liar, |block| block.transactions = vec![city.case(liar), city.case(victim)]);
    let own = city.anchored(victim, 4).await.checkpoint().clone();
    // Of a size within a block, where no honest node says anything.
    let elsewhere = Checkpoint { size: 3, root: Hash([9; 32]), ..own };
    let mut forked = elsewhere.cosign(&department(liar), &key(liar), 1_795_000_000).unwrap();
    forked.cosign(&department(third), &key(third), 1_795_000_000);
    city.node(victim).hear(forked);
    assert_eq!(city.caught(victim).await.kind(), "other_ledger");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_cosignature_counts_for_nothing_new_and_takes_nothing_away() {
    let (city, liar, victim) = city().await;
    let stale = city.anchored(victim, 2).await;
    city.node(victim).submit(city.case(victim)).await.unwrap();
    let newer = city.anchored(victim, 3).await;
    // The old note again, and the old signatures under the new checkpoint's text.
    let signatures = stale.encode().split_once("\n\n").unwrap().1.to_owned();
    let pasted = format!("{}\n{signatures}", newer.checkpoint().text());
    let pasted = SignedCheckpoint::parse(&pasted).unwrap();
    assert!(pasted.cosigners(&city.node(victim).chain().state().cosigner_keys()).is_err());
    for note in [&stale, &pasted, &stale.only(&department(liar))] {
        city.node(victim).hear(note.clone());
    }
    // What comes after them is anchored: they were looked at, and the node goes on.
    city.node(victim).submit(city.case(victim)).await.unwrap();
    let newest = city.anchored(victim, 4).await;
    let words = city.node(victim).cosigning().departments;
    assert!(words.iter().all(|word| word.size >= newest.checkpoint().size), "{words:?}");
    assert!(city.node(victim).halted().borrow().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_history_reordered_on_a_node_s_own_disk_is_not_what_it_cosigned() {
    let (mut city, liar, victim) = city().await;
    city.slip_block(liar, |block| block.transactions = vec![city.case(liar), city.case(victim)]);
    city.anchored(victim, 4).await;
    city.stop(victim);
    city.rewrite(victim, |mut block| {
        block.transactions.reverse();
        block
    });
    city.restart(victim).await;
    let finding = city.caught(victim).await;
    assert!(matches!(finding, Finding::OwnHistory { department: who, .. } if who == department(victim)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_signs_nothing_more() {
    let (city, liar, victim) = city().await;
    let revocation = Command::RevokeKey(KeyRevocation { key: key(victim).public().id(), reason: "stolen".into() });
    let actor = Actor { user: "li.na".into(), role: Role::Admin };
    let payload = Payload { actor, ..payload(victim, SystemClock.now(), revocation) };
    let revoked = Transaction::sign(&city.chain_id(), payload.encode().unwrap().as_bytes(), &key(victim)).unwrap();
    let (before, after) = (city.case(victim), city.case(victim));
    city.slip_block(liar, |block| block.transactions = vec![before, revoked, after]);
    let chain = city.node(victim).chain();
    let mut applied = chain.applied();
    tokio::time::timeout(PATIENCE, applied.wait_for(|applied| applied.size == 5)).await.unwrap().unwrap();
    // What it signed in its time stays; from the revocation on, even in the same block, it is worth nothing.
    assert_eq!([2, 3].map(|index| chain.refusal(index)), [None, None]);
    assert_eq!(chain.refusal(4), Some(Refusal::KeyRevoked { index: 3 }));
    city.all_equal().await;
    assert!(city.running().all(|node| node.halted().borrow().is_none()));
}
