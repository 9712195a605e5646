//! Fuzz targets of the ledger's forms: no input panics or makes a decoder greedy, and what is read is written the same.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::clock::Millis;
use crate::crypto::digest::{Hash, HashAlgorithm};
use crate::crypto::sign::{Algorithm, SigningKey};
use crate::fuzzing::fuzz;
use crate::ids::DepartmentId;

use super::block::Block;
use super::checkpoint::{Checkpoint, Keys, SignedCheckpoint};
use super::evidence::{Evidence, Finding};
use super::merkle::{Tree, verify_consistency, verify_inclusion};
use super::note::SignedNote;
use super::receipt::Receipt;
use super::tiles::{Tile, entries, push_entry, push_time, times};
use super::transaction::Transaction;
use super::trust::TrustPolicy;

const CHAIN: &str = "mulu-0123456789abcdef";

fn key(n: u8) -> SigningKey {
    let algorithm = if n.is_multiple_of(2) { Algorithm::Sm2 } else { Algorithm::Ed25519 };
    SigningKey::from_secret(algorithm, &[n; 32]).unwrap()
}

fn transactions() -> Vec<Transaction> {
    let sign =
        |n: u8| Transaction::sign(CHAIN, format!("{{\"n\":{n},\"城\":\"市\"}}").as_bytes(), &key(1 + n % 2)).unwrap();
    (0..11).map(sign).collect()
}

fn checkpoint(algorithm: HashAlgorithm, tree: &Tree) -> SignedCheckpoint {
    let checkpoint = Checkpoint::new(CHAIN, algorithm, 11, tree.root(), Hash([7; 32]));
    let mut signed = checkpoint.cosign(&"tax".parse().unwrap(), &key(1), 1_795_000_000).unwrap();
    signed.cosign(&"audit".parse().unwrap(), &key(2), 1_795_000_001);
    signed.sign_as_log(&key(3));
    signed
}

fn tree(algorithm: HashAlgorithm) -> Tree {
    let mut tree = Tree::new(algorithm);
    transactions().iter().for_each(|tx| _ = tree.push(tx.leaf(algorithm)));
    tree
}

fn departments() -> Keys {
    [("tax", 1), ("audit", 2)].map(|(name, n)| (name.parse().unwrap(), vec![key(n).public()])).into()
}

fn policy() -> TrustPolicy {
    TrustPolicy::any(CHAIN, departments(), 2).unwrap()
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

#[test]
fn a_transaction() {
    let valid = transactions().iter().map(|tx| tx.as_bytes().to_vec()).collect();
    let public = key(1).public();
    fuzz!(valid, |bytes: &[u8]| {
        let Ok(tx) = Transaction::decode(bytes) else { return false };
        assert_eq!(tx.as_bytes(), bytes);
        assert!(bytes.ends_with(tx.payload().as_bytes()));
        let _ = (tx.verify(CHAIN, &public), tx.leaf(HashAlgorithm::Sm3));
        true
    });
}

#[test]
fn a_block() {
    let blocks = [0, 3, 11].map(|count| {
        Block { height: 7, time: Millis(1_795_000_000_000), transactions: transactions()[..count].to_vec() }.encode()
    });
    fuzz!(blocks.to_vec(), |bytes: &[u8]| {
        let Ok(block) = Block::decode(bytes) else { return false };
        assert_eq!(block.encode(), bytes);
        true
    });
}

#[test]
fn a_note() {
    let mut note = SignedNote::new("one\ntwo\n".into()).unwrap();
    note.sign("city/a", &key(1));
    note.cosign("city/b", &key(3), 7);
    note.cosign("city/c", &key(2), 8);
    let (one, other) = (key(1).public(), key(2).public());
    fuzz!(vec![note.encode().into_bytes()], |bytes: &[u8]| {
        let Some(note) = text(bytes).and_then(|text| SignedNote::parse(text).ok()) else { return false };
        assert_eq!(note.encode().as_bytes(), bytes);
        let _ = (note.signed_by("city/a", &one), note.cosigned_by("city/c", &other));
        true
    });
}

#[test]
fn a_checkpoint() {
    let of = |algorithm| checkpoint(algorithm, &tree(algorithm)).encode().into_bytes();
    let known = departments();
    fuzz!(vec![of(HashAlgorithm::Sm3), of(HashAlgorithm::Sha256)], |bytes: &[u8]| {
        let Some(signed) = text(bytes).and_then(|text| SignedCheckpoint::parse(text).ok()) else { return false };
        assert_eq!(signed.encode().as_bytes(), bytes);
        assert!(text(bytes).unwrap().starts_with(&signed.checkpoint().text()));
        let _ = (signed.cosigners(&known), signed.named());
        true
    });
}

#[test]
fn a_receipt() {
    let of = |algorithm| {
        let tree = tree(algorithm);
        let signed = checkpoint(algorithm, &tree);
        let receipt = Receipt::new(&transactions()[6], 6, tree.inclusion(6, 11).unwrap(), &signed);
        serde_json::to_vec(&receipt).unwrap()
    };
    let (trust, genuine) = (policy(), transactions().swap_remove(6));
    fuzz!(vec![of(HashAlgorithm::Sm3), of(HashAlgorithm::Sha256)], |bytes: &[u8]| {
        let Some(receipt) = text(bytes).and_then(|text| Receipt::parse(text).ok()) else { return false };
        let again = serde_json::to_string(&receipt).unwrap();
        assert_eq!(Receipt::parse(&again), Ok(receipt.clone()));
        // However it is written, nothing but the truth is ever proven.
        if let Ok(proven) = receipt.verify(&trust) {
            assert_eq!((proven.index, proven.size, &proven.transaction), (6, 11, &genuine));
        }
        true
    });
}

#[test]
fn a_trust_policy() {
    let grouped = format!(
        "chain = \"{CHAIN}\"\nquorum = \"all\"\n[departments]\ntax = \"{}\"\naudit = [\"{}\", \"{}\"]\n\
        [groups.all]\nat_least = 2\nof = [\"tax\", \"others\"]\n[groups.others]\nat_least = 1\nof = [\"audit\"]\n",
        key(1).public(),
        key(2).public(),
        key(3).public()
    );
    let names = ["tax", "audit"].map(|name| name.parse().unwrap()).into();
    fuzz!(vec![toml::to_string(&policy()).unwrap().into_bytes(), grouped.into_bytes()], |bytes: &[u8]| {
        let Some(policy) = text(bytes).and_then(|text| toml::from_str::<TrustPolicy>(text).ok()) else { return false };
        assert!(policy.fulfilled(&BTreeSet::new()).is_err(), "nobody's word is enough");
        let _ = policy.fulfilled(&names);
        assert_eq!(toml::from_str(&toml::to_string(&policy).unwrap()), Ok(policy));
        true
    });
}

#[test]
fn a_tile_s_path() {
    let paths = ["tile/0/000", "tile/1/x001/x234/067.p/8", "tile/entries/x001/000", "times/x012/345.p/1", "tile/5/001"];
    fuzz!(paths.map(|path| path.as_bytes().to_vec()).to_vec(), |bytes: &[u8]| {
        let Some(tile) = text(bytes).and_then(|text| text.parse::<Tile>().ok()) else { return false };
        assert_eq!(tile.to_string().as_bytes(), bytes);
        // These ask the node's files for so much.
        assert!(tile.end() - tile.first() <= 256 && tile.tree_level() <= 40);
        true
    });
}

#[test]
fn a_bundle_of_entries() {
    let mut bundle = Vec::new();
    transactions()[..3].iter().for_each(|tx| push_entry(&mut bundle, tx));
    fuzz!(vec![bundle], |bytes: &[u8]| {
        let Some(read) = (0..=4).find_map(|width| entries(bytes, width).ok()) else { return false };
        let mut again = Vec::new();
        read.iter().for_each(|tx| push_entry(&mut again, tx));
        assert_eq!(again, bytes);
        true
    });
}

#[test]
fn a_file_of_times() {
    let mut written = Vec::new();
    [1, 1, 1_795_000_000_000].map(Millis).into_iter().for_each(|time| push_time(&mut written, time));
    fuzz!(vec![written], |bytes: &[u8]| {
        let Ok(read) = times(bytes, bytes.len() as u64 / 8) else { return false };
        let mut again = Vec::new();
        read.iter().for_each(|time| push_time(&mut again, *time));
        assert_eq!(again, bytes);
        true
    });
}

#[test]
fn a_file_of_evidence() {
    let tax: DepartmentId = "tax".parse().unwrap();
    let block = |height| Block { height, time: Millis(height), transactions: transactions()[..1].to_vec() };
    let block = |height| BASE64.encode(block(height).encode());
    let note = |state| {
        let checkpoint = Checkpoint::new(CHAIN, HashAlgorithm::Sm3, 11, Hash([1; 32]), Hash([state; 32]));
        checkpoint.cosign(&tax, &key(1), 1_795_000_000).unwrap().encode()
    };
    let findings = [
        Finding::BlockHeight { raft_index: 7, term: 2, block: block(9), previous: block(7) },
        Finding::TwoRoots { department: tax.clone(), keys: vec![key(1).public()], one: note(1), other: note(2) },
    ];
    let files = findings.map(|finding| Evidence::new(CHAIN, HashAlgorithm::Sm3, &tax, Millis(5), finding));
    fuzz!(files.map(|file| serde_json::to_vec(&file).unwrap()).to_vec(), |bytes: &[u8]| {
        let Some(file) = text(bytes).and_then(|text| Evidence::parse(text).ok()) else { return false };
        assert_eq!(Evidence::parse(&serde_json::to_string(&file).unwrap()), Ok(file.clone()));
        let _ = (file.finding.verify(&file.chain, None), file.finding.subject(), file.finding.explain());
        true
    });
}

/// A proof of any hashes, for any place and sizes.
#[test]
fn a_proof() {
    let tree = tree(HashAlgorithm::Sm3);
    let leaf = transactions()[6].leaf(HashAlgorithm::Sm3);
    let write = |index: u64, size: u64, path: Vec<Hash>| {
        let hashes = path.iter().flat_map(|hash| hash.0);
        index.to_be_bytes().into_iter().chain(size.to_be_bytes()).chain(hashes).collect::<Vec<u8>>()
    };
    let valid = vec![write(6, 11, tree.inclusion(6, 11).unwrap()), write(6, 11, tree.consistency(6, 11).unwrap())];
    let roots = [6, 11].map(|size| tree.root_at(size).unwrap());
    fuzz!(valid, |bytes: &[u8]| {
        let Some((index, rest)) = bytes.split_first_chunk::<8>() else { return false };
        let Some((size, rest)) = rest.split_first_chunk::<8>() else { return false };
        let (index, size) = (u64::from_be_bytes(*index), u64::from_be_bytes(*size));
        let path: Vec<Hash> = rest.as_chunks::<32>().0.iter().map(|hash| Hash(*hash)).collect();
        let sm3 = HashAlgorithm::Sm3;
        let included = verify_inclusion(sm3, leaf, index, size, &path, roots[1]).is_ok();
        let consistent = verify_consistency(sm3, (index, roots[0]), (size, roots[1]), &path).is_ok();
        // A path to one root is the same for every size of the same shape: what binds the size is the checkpoint.
        let again = |proof: Option<Vec<Hash>>| proof.as_ref() == Some(&path);
        assert!(!included || (index == 6 && again(tree.inclusion(6, 11))));
        assert!(!consistent || (index == 6 && again(tree.consistency(6, 11))));
        included || consistent
    });
}
