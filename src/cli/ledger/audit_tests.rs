//! Export and audit together, through their files: whatever is changed in them is told.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::export::Export;
use super::replay::Replay;
use super::replay::tests::{NOW, genesis, key, rules};
use super::verify::Verify;
use super::{From, source::Place};
use crate::cli::error::CliError;
use crate::crypto::digest::HashAlgorithm;
use crate::ledger::block::Block;
use crate::ledger::chain::chain_id;
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::transaction::Transaction;
use crate::storage::RecordRef;
use crate::storage::ledger_log::LedgerLog;
use crate::storage::tree_store::TreeStore;

/// Short, so that a ledger has many.
pub(super) const SEGMENT_BYTES: u64 = 8 * 1024;

/// A node's folder with a ledger of so many transactions, three a block, its tree and its checkpoint.
pub(super) fn node(dir: &Path, transactions: &[Transaction]) {
    let ledger = dir.join("ledger");
    let log = LedgerLog::open_with(&ledger, SEGMENT_BYTES).unwrap();
    let begun = log.last_index();
    let mut tree = TreeStore::open(&ledger.join("tree"), HashAlgorithm::Sm3).unwrap();
    let leaves: Vec<_> = transactions.iter().map(|tx| tx.leaf(HashAlgorithm::Sm3)).collect();
    tree.append(&leaves).unwrap();
    let blocks = std::iter::once(&transactions[..1]).chain(transactions[1..].chunks(3));
    for (height, block) in (0u64..).zip(blocks).skip(usize::try_from(begun).unwrap()) {
        let data = Block { height, time: NOW.plus(height), transactions: block.to_vec() }.encode();
        log.append(&[RecordRef { index: height + 1, term: 1, kind: 0, data: &data }]).unwrap();
        log.sync().unwrap();
    }
    drop(log);
    let mut replay = Replay::new(None);
    let mut source = Place::of_dir(dir).unwrap().open(None).unwrap();
    super::workers::run(source.as_mut(), &mut replay, 1, |_| Ok(())).unwrap();
    let seen = replay.verified();
    let checkpoint = Checkpoint::new(&seen.chain, seen.hash, seen.size, seen.root, seen.state);
    let mut signed = checkpoint.cosign(&"data-bureau".parse().unwrap(), &key(1), 7).unwrap();
    signed.cosign(&"audit".parse().unwrap(), &key(2), 8);
    fs::write(ledger.join("checkpoint"), signed.encode()).unwrap();
}

pub(super) fn ledger(size: u64) -> Vec<Transaction> {
    let (chain, begin) = genesis();
    std::iter::once(begin).chain((2..=size).map(|version| rules(&chain, version, &key(1)))).collect()
}

pub(super) fn from(dir: &Path) -> From {
    From { dir: Some(dir.to_owned()), url: None, token_file: None }
}

pub(super) fn verify(dir: &Path) -> Result<(), CliError> {
    let (checkpoint, chain, policy, resume, threads) = (None, None, None, None, Some(2));
    Verify { from: from(dir), checkpoint, chain, policy, resume, threads }.run()
}

pub(super) fn export(node: &Path, out: &Path) -> Result<(), CliError> {
    Export { from: from(node), out: out.to_owned(), checkpoint: None }.run()
}

/// Every file below a folder.
pub(super) fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path))
        } else {
            _ = found.insert(path.clone(), fs::read(&path).unwrap())
        }
    }
    found
}

/// Changes bytes all over the files, one at a time, and claims that each is told.
fn every_change_is_told(dir: &Path) {
    for (path, whole) in files(dir) {
        let step = (whole.len() / 12).max(1);
        let ends = whole.len().saturating_sub(3)..whole.len();
        for at in (0..whole.len()).step_by(step).chain(ends) {
            let mut changed = whole.clone();
            changed[at] ^= 1 << (at % 8);
            fs::write(&path, &changed).unwrap();
            assert!(verify(dir).is_err(), "byte {at} of {}", path.display());
        }
        fs::write(&path, &whole).unwrap();
    }
    verify(dir).unwrap();
}

#[test]
fn an_export_holds_the_whole_ledger_and_grows_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let (data, out, fresh) = (dir.path().join("data"), dir.path().join("out"), dir.path().join("fresh"));
    let all = ledger(700);
    for size in [1, 199, 256, 301, 301, 700] {
        node(&data, &all[..size]);
        verify(&data).unwrap();
        export(&data, &out).unwrap();
        verify(&out).unwrap();
    }
    export(&data, &fresh).unwrap();
    let relative = |dir: &Path| -> BTreeMap<PathBuf, Vec<u8>> {
        files(dir).into_iter().map(|(path, bytes)| (path.strip_prefix(dir).unwrap().to_owned(), bytes)).collect()
    };
    assert_eq!(relative(&out), relative(&fresh), "what was superseded is gone");
    for path in ["checkpoint", "tile/0/002.p/188", "tile/1/000.p/2", "tile/entries/001", "times/002.p/188"] {
        assert!(fresh.join(path).is_file(), "{path}");
    }
    // An export of an export is the same again.
    let again = dir.path().join("again");
    export(&fresh, &again).unwrap();
    assert_eq!(relative(&again), relative(&fresh));
}

#[test]
fn no_byte_of_an_export_can_be_changed_unseen() {
    let dir = tempfile::tempdir().unwrap();
    let (data, out) = (dir.path().join("data"), dir.path().join("out"));
    node(&data, &ledger(300));
    export(&data, &out).unwrap();
    every_change_is_told(&out);
    for missing in ["tile/0/000", "times/000", "tile/entries/001.p/44", "checkpoint"] {
        let bytes = fs::read(out.join(missing)).unwrap();
        fs::remove_file(out.join(missing)).unwrap();
        assert!(verify(&out).is_err(), "{missing}");
        fs::write(out.join(missing), bytes).unwrap();
    }
}

#[test]
fn no_byte_of_a_node_s_ledger_can_be_changed_unseen() {
    let dir = tempfile::tempdir().unwrap();
    node(dir.path(), &ledger(100));
    every_change_is_told(dir.path());
}

#[test]
fn a_ledger_cut_short_is_told() {
    let dir = tempfile::tempdir().unwrap();
    node(dir.path(), &ledger(40));
    let path = files(dir.path()).into_keys().find(|path| path.extension().is_some_and(|end| end == "seg")).unwrap();
    let whole = fs::read(&path).unwrap();
    for cut in [1, whole.len() / 2] {
        fs::write(&path, &whole[..whole.len() - cut]).unwrap();
        assert!(verify(dir.path()).is_err());
        // Without the checkpoint, the tree still shows it.
        let checkpoint = dir.path().join("ledger/checkpoint");
        let note = fs::read(&checkpoint).unwrap();
        fs::remove_file(&checkpoint).unwrap();
        assert!(verify(dir.path()).is_err());
        fs::write(&checkpoint, note).unwrap();
    }
}

#[test]
fn an_export_of_another_or_a_shorter_ledger_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (long, short, out) = (dir.path().join("long"), dir.path().join("short"), dir.path().join("out"));
    let all = ledger(40);
    node(&long, &all);
    node(&short, &all[..30]);
    export(&long, &out).unwrap();
    assert!(matches!(export(&short, &out), Err(CliError::NotValid(_))));
    let mut other = all.clone();
    let chain = chain_id(all[0].payload());
    other[20] = rules(&chain, 21, &key(1));
    other.push(rules(&chain, 41, &key(1)));
    let forked = dir.path().join("forked");
    node(&forked, &other);
    assert!(matches!(export(&forked, &out), Err(CliError::NotValid(why)) if why.contains("exported before")));
    assert!(export(&dir.path().join("nothing"), &out).is_err());
    fs::create_dir_all(dir.path().join("taken/x")).unwrap();
    assert!(export(&long, &dir.path().join("taken")).is_err());
}

#[test]
fn a_resumed_audit_reads_its_own_file() {
    let dir = tempfile::tempdir().unwrap();
    let (data, file) = (dir.path().join("data"), dir.path().join("seen.json"));
    let audit = || {
        let (checkpoint, chain, policy, resume, threads) = (None, None, None, Some(file.clone()), None);
        Verify { from: from(&data), checkpoint, chain, policy, resume, threads }.run()
    };
    let all = ledger(61);
    node(&data, &all[..31]);
    audit().unwrap();
    assert!(fs::read_to_string(&file).unwrap().contains("\"size\":31"));
    node(&data, &all);
    audit().unwrap();
    assert!(fs::read_to_string(&file).unwrap().contains("\"size\":61"));
    fs::remove_dir_all(&data).unwrap();
    node(&data, &all[..50]);
    assert!(audit().is_err(), "rolled back");
    fs::write(&file, "{}").unwrap();
    assert!(matches!(audit(), Err(CliError::Usage(_))));
}
