//! Lies that an auditor meets in a node's folder or behind a receipt: how each is caught, and in which words.
//!
//! The liar of these stories owns the folder. It mends every checksum and the stored tree; what it cannot mend are the
//! departments' signatures on transactions and checkpoints.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::audit_tests::{files, from, ledger, node, verify};
use super::export::read_checkpoint;
use super::replay::Replay;
use super::replay::tests::{genesis, key, payload, rules};
use super::source::Place;
use super::verify::Verify;
use super::workers;
use crate::cli::error::CliError;
use crate::clock::Millis;
use crate::crypto::digest::HashAlgorithm;
use crate::domain::command::Command;
use crate::domain::keys::KeyRevocation;
use crate::ledger::block::Block;
use crate::ledger::chain::chain_id;
use crate::ledger::checkpoint::Keys;
use crate::ledger::merkle::Tree;
use crate::ledger::receipt::Receipt;
use crate::ledger::transaction::Transaction;
use crate::ledger::trust::TrustPolicy;
use crate::storage::RecordRef;
use crate::storage::ledger_log::LedgerLog;
use crate::storage::tree_store::TreeStore;

const SIZE: u64 = 40;

/// Writes a node's blocks anew, with a tree that fits them and the checkpoint that the departments cosigned.
fn rewrite(dir: &Path, change: impl FnOnce(&mut Vec<Block>)) {
    let ledger = dir.join("ledger");
    let log = LedgerLog::open(&ledger).unwrap();
    let records = log.entries(1, log.last_index() + 1, u64::MAX).unwrap();
    drop(log);
    let mut blocks: Vec<Block> = records.iter().map(|record| Block::decode(&record.data).unwrap()).collect();
    change(&mut blocks);
    for path in files(&ledger).into_keys().filter(|path| path.extension().is_some_and(|end| end == "seg")) {
        fs::remove_file(path).unwrap();
    }
    let log = LedgerLog::open(&ledger).unwrap();
    for (index, block) in (1..).zip(&blocks) {
        log.append(&[RecordRef { index, term: 1, kind: 0, data: &block.encode() }]).unwrap();
    }
    fs::remove_dir_all(ledger.join("tree")).unwrap();
    let mut tree = TreeStore::open(&ledger.join("tree"), HashAlgorithm::Sm3).unwrap();
    let all = blocks.iter().flat_map(|block| &block.transactions);
    tree.append(&all.map(|tx| tx.leaf(HashAlgorithm::Sm3)).collect::<Vec<_>>()).unwrap();
}

/// A node's folder that nobody lied in, and its transactions.
fn honest() -> (TempDir, Vec<Transaction>) {
    let (dir, all) = (tempfile::tempdir().unwrap(), ledger(SIZE));
    node(dir.path(), &all);
    verify(dir.path()).unwrap();
    (dir, all)
}

fn replayed(dir: &Path) -> Replay {
    let mut replay = Replay::new(None);
    let mut source = Place::of_dir(dir).unwrap().open(None).unwrap();
    workers::run(source.as_mut(), &mut replay, 1, |_| Ok(())).unwrap();
    replay
}

fn words(verdict: Result<(), CliError>) -> String {
    match verdict {
        Err(CliError::NotValid(why)) => why,
        other => panic!("not caught: {other:?}"),
    }
}

/// What an auditor is told of a ledger after a change.
fn told(change: impl FnOnce(&mut Vec<Block>)) -> String {
    let (dir, _) = honest();
    rewrite(dir.path(), change);
    words(verify(dir.path()))
}

/// The transaction with another payload under the old signature.
fn altered(tx: &Transaction) -> Transaction {
    let mut bytes = tx.as_bytes().to_vec();
    let at = bytes.len() - 5;
    bytes[at] ^= 1;
    Transaction::decode(&bytes).unwrap()
}

fn chain_of(blocks: &[Block]) -> String {
    chain_id(blocks[0].transactions[0].payload())
}

#[test]
fn a_forged_or_altered_transaction_is_named_by_its_leaf() {
    // Block 6 begins with leaf 16.
    let why = told(|blocks| blocks[6].transactions[1] = altered(&blocks[6].transactions[1]));
    assert!(why.starts_with("leaf 17: ") && why.contains("signature"), "{why}");
    let why = told(|blocks| blocks[6].transactions[0] = rules(&chain_of(blocks), 17, &key(9)));
    assert!(why.starts_with("leaf 16: ") && why.contains("signature"), "{why}");
}

#[test]
fn a_transaction_of_another_chain_is_named_by_its_leaf() {
    let why = told(|blocks| blocks[6].transactions[2] = rules("mulu-0123456789abcdef", 19, &key(1)));
    assert!(why.starts_with("leaf 18: ") && why.contains("signature"), "{why}");
}

#[test]
fn a_dropped_transaction_leaves_another_root_or_too_short_a_ledger() {
    let why = told(|blocks| drop(blocks[6].transactions.remove(1)));
    assert!(why.contains("saw 40 transactions, here are only 39"), "{why}");
    let why = told(|blocks| {
        blocks[6].transactions.remove(1);
        let filler = rules(&chain_of(blocks), 41, &key(1));
        blocks.last_mut().unwrap().transactions.push(filler);
    });
    assert!(why.contains("the first 40 transactions have another root"), "{why}");
}

#[test]
fn a_reordered_history_has_another_root_or_its_blocks_are_misnumbered() {
    let why = told(|blocks| blocks[6].transactions.swap(0, 2));
    assert!(why.contains("another root"), "{why}");
    let why = told(|blocks| blocks.swap(6, 7));
    assert!(why.contains("block 7 stands where block 6 is due"), "{why}");
}

#[test]
fn a_rolled_back_history_is_shorter_than_what_was_cosigned() {
    let why = told(|blocks| blocks.truncate(9));
    assert!(why.contains("saw 40 transactions, here are only 25"), "{why}");
}

#[test]
fn a_block_dated_back_is_told_and_any_other_time_is_another_state() {
    let why = told(|blocks| blocks[6].time = Millis(blocks[5].time.0 - 1));
    assert!(why.contains("block 6 is dated back"), "{why}");
    let why = told(|blocks| blocks[6].time = blocks[5].time);
    assert!(why.contains("another state") && why.contains("block times"), "{why}");
}

/// A history that two departments did not cosign, under the checkpoint's old signatures.
#[test]
fn cosignatures_of_one_checkpoint_do_not_serve_another() {
    let (dir, _) = honest();
    let path = dir.path().join("ledger/checkpoint");
    let cosigned = fs::read_to_string(&path).unwrap();
    rewrite(dir.path(), |blocks| blocks[6].transactions.swap(0, 2));
    let replay = replayed(dir.path());
    let mut other = read_checkpoint(&path).unwrap().checkpoint().clone();
    (other.root, other.state) = (replay.root(), replay.state().digest());
    let signatures = cosigned.split_once("\n\n").unwrap().1;
    fs::write(&path, format!("{}\n{signatures}", other.text())).unwrap();
    let why = words(verify(dir.path()));
    assert!(why.contains("the checkpoint of size 40") && why.contains("signature"), "{why}");
}

/// A receipt outlives what a node makes of its ledger: its checkpoint convicts whoever dropped the transaction.
#[test]
fn a_transaction_dropped_behind_a_receipt_is_proven_by_that_receipt() {
    let (dir, all) = honest();
    let signed = read_checkpoint(&dir.path().join("ledger/checkpoint")).unwrap();
    let mut tree = Tree::new(HashAlgorithm::Sm3);
    all.iter().for_each(|tx| _ = tree.push(tx.leaf(HashAlgorithm::Sm3)));
    let receipt = Receipt::new(&all[39], 39, tree.inclusion(39, SIZE).unwrap(), &signed);
    let departments: Keys =
        [("data-bureau", 1), ("audit", 2)].map(|(id, n)| (id.parse().unwrap(), vec![key(n).public()])).into();
    let policy = TrustPolicy::any(signed.checkpoint().chain(), departments, 2).unwrap();

    // The node goes back to what it was before, together with the checkpoint of then: by itself that is a whole ledger.
    let earlier = all[..34].to_vec();
    let back = tempfile::tempdir().unwrap();
    node(back.path(), &earlier);
    verify(back.path()).unwrap();
    // The receipt still proves the transaction, and its checkpoint shows that this ledger lost it.
    assert_eq!(receipt.verify(&policy).unwrap().index, 39);
    let note = dir.path().join("note");
    let text = serde_json::to_value(&receipt).unwrap();
    fs::write(&note, text["checkpoint"].as_str().unwrap()).unwrap();
    let audit = |dir: &Path| {
        let (chain, policy, resume, threads) = (None, None, None, Some(1));
        Verify { from: from(dir), checkpoint: Some(note.clone()), chain, policy, resume, threads }.run()
    };
    audit(dir.path()).unwrap();
    assert!(words(audit(back.path())).contains("the given checkpoint saw 40 transactions, here are only 34"));
    // And one that wrote others instead is caught as well.
    let mut others = earlier;
    let chain = chain_id(others[0].payload());
    others.extend((35..=SIZE + 3).map(|version| rules(&chain, version, &key(1))));
    let forked = tempfile::tempdir().unwrap();
    node(forked.path(), &others);
    verify(forked.path()).unwrap();
    assert!(words(audit(forked.path())).contains("another root"));
}

/// What departments may sign and the rules refuse is no lie of a leader: the ledger is valid, and says what it refused.
#[test]
fn a_duplicated_id_and_a_revoked_key_are_counted_as_refused() {
    let (chain, begin) = genesis();
    let first = rules(&chain, 2, &key(1));
    let revocation = Command::RevokeKey(KeyRevocation { key: key(1).public().id(), reason: "stolen".into() });
    let revoked = Transaction::sign(&chain, payload("data-bureau", revocation).as_bytes(), &key(1)).unwrap();
    let late = rules(&chain, 3, &key(1));
    let dir = tempfile::tempdir().unwrap();
    node(dir.path(), &[begin, first.clone(), first, revoked, late]);
    let replay = replayed(dir.path());
    assert_eq!(replay.refusals().collect::<Vec<_>>(), [("key_revoked", 1), ("repeated", 1)]);
}
