//! Random flips of one byte, in a ledger on disk, in an export and in a receipt: none is missed.
//!
//! Each run draws new ones and prints its seed; `MULU_FLIP_SEED=<seed>` draws the same again.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::path::{Path, PathBuf};

use super::audit_tests::{SEGMENT_BYTES, export, files, ledger, node, verify};
use super::export::read_checkpoint;
use super::replay::tests::key;
use crate::crypto::digest::HashAlgorithm;
use crate::ledger::checkpoint::Keys;
use crate::ledger::merkle::Tree;
use crate::ledger::receipt::{Proven, Receipt, ReceiptFault};
use crate::ledger::trust::TrustPolicy;
use crate::storage::RecordRef;
use crate::storage::ledger_log::LedgerLog;

/// Flips of a ledger's files, and of a receipt.
const FLIPS: u64 = 1000;
/// Flips after which a whole ledger is read again and again.
const COSTLY_FLIPS: u64 = 120;

/// A generator of numbers that a seed repeats (SplitMix64).
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        let given = std::env::var("MULU_FLIP_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| RandomState::new().build_hasher().finish());
        println!("MULU_FLIP_SEED={seed}");
        Self(seed)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % bound as u64).unwrap()
    }

    /// Changes one byte into any other; answers which, for people.
    fn flip(&mut self, bytes: &mut [u8]) -> String {
        let (at, change) = (self.below(bytes.len()), u8::try_from(1 + self.below(255)).unwrap());
        bytes[at] ^= change;
        format!("byte {at} of {}, changed by {change:#04x}", bytes.len())
    }

    /// One of the files, a longer one as much more often.
    fn file<'a>(&mut self, files: &'a BTreeMap<PathBuf, Vec<u8>>) -> (&'a Path, &'a [u8]) {
        let mut at = self.below(files.values().map(Vec::len).sum());
        for (path, bytes) in files {
            if at < bytes.len() {
                return (path, bytes);
            }
            at -= bytes.len();
        }
        unreachable!("the place lies within the files")
    }
}

/// Flips bytes all over a folder, one at a time.
fn none_is_missed(dir: &Path, flips: u64) {
    let (files, mut dice) = (files(dir), Dice::new());
    for _ in 0..flips {
        let (path, whole) = dice.file(&files);
        let mut bytes = whole.to_vec();
        let flip = dice.flip(&mut bytes);
        fs::write(path, &bytes).unwrap();
        assert!(verify(dir).is_err(), "missed: {flip} in {}", path.display());
        fs::write(path, whole).unwrap();
    }
    verify(dir).unwrap();
}

#[test]
fn no_flip_in_a_node_s_folder_is_missed() {
    let dir = tempfile::tempdir().unwrap();
    node(dir.path(), &ledger(200));
    let files = files(dir.path());
    let segments = files.keys().filter(|path| path.extension().is_some_and(|end| end == "seg")).count();
    assert!(segments > 5 && files.keys().any(|path| path.ends_with("checkpoint")));
    none_is_missed(dir.path(), FLIPS);
}

#[test]
fn no_flip_in_an_export_is_missed() {
    let dir = tempfile::tempdir().unwrap();
    let (data, out) = (dir.path().join("data"), dir.path().join("out"));
    node(&data, &ledger(270));
    export(&data, &out).unwrap();
    none_is_missed(&out, COSTLY_FLIPS);
}

/// What lies in the blocks is bound by more than checksums, which whoever changes it can make fit again.
#[test]
fn no_flip_in_a_block_is_missed_though_its_checksum_fits() {
    let dir = tempfile::tempdir().unwrap();
    node(dir.path(), &ledger(100));
    let ledger = dir.path().join("ledger");
    let log = LedgerLog::open(&ledger).unwrap();
    let records = log.entries(1, log.last_index() + 1, u64::MAX).unwrap();
    drop(log);
    let mut dice = Dice::new();
    for _ in 0..COSTLY_FLIPS {
        let mut changed = records.clone();
        let at = dice.below(changed.len());
        let flip = dice.flip(&mut changed[at].data);
        for path in files(&ledger).into_keys().filter(|path| path.extension().is_some_and(|end| end == "seg")) {
            fs::remove_file(path).unwrap();
        }
        let record = |record: &'_ crate::storage::Record| (record.index, record.term, record.kind);
        let records: Vec<RecordRef<'_>> = changed
            .iter()
            .map(|changed| {
                let (index, term, kind) = record(changed);
                RecordRef { index, term, kind, data: &changed.data }
            })
            .collect();
        LedgerLog::open_with(&ledger, SEGMENT_BYTES).unwrap().append(&records).unwrap();
        assert!(verify(dir.path()).is_err(), "missed: {flip} in block {at}");
    }
}

#[test]
fn no_flip_in_a_receipt_is_missed() {
    let dir = tempfile::tempdir().unwrap();
    let all = ledger(30);
    node(dir.path(), &all);
    let signed = read_checkpoint(&dir.path().join("ledger/checkpoint")).unwrap();
    let mut tree = Tree::new(HashAlgorithm::Sm3);
    all.iter().for_each(|tx| _ = tree.push(tx.leaf(HashAlgorithm::Sm3)));
    let receipt = Receipt::new(&all[17], 17, tree.inclusion(17, 30).unwrap(), &signed);
    let whole = serde_json::to_vec(&receipt).unwrap();
    let departments: Keys =
        [("data-bureau", 1), ("audit", 2)].map(|(id, n)| (id.parse().unwrap(), vec![key(n).public()])).into();
    let policy = |needed| TrustPolicy::any(signed.checkpoint().chain(), departments.clone(), needed).unwrap();
    // As `mulu receipt verify` reads it.
    let verdict = |bytes: &[u8], policy: &TrustPolicy| -> Result<Proven, ReceiptFault> {
        Receipt::parse(&String::from_utf8_lossy(bytes))?.verify(policy)
    };
    // Also where one cosignature is enough: damage to the other is told, though nothing rests on it.
    let policies = [policy(2), policy(1)];
    policies.iter().for_each(|policy| _ = verdict(&whole, policy).unwrap());
    let mut dice = Dice::new();
    for _ in 0..FLIPS {
        let mut bytes = whole.clone();
        let flip = dice.flip(&mut bytes);
        policies.iter().for_each(|policy| assert!(verdict(&bytes, policy).is_err(), "missed: {flip}"));
    }
}
