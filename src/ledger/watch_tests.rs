//! What a watcher makes of two checkpoints, case by case.

use super::*;
use crate::crypto::digest::HashAlgorithm;
use crate::crypto::sign::SigningKey;
use crate::ledger::checkpoint::Keys;
use crate::ledger::merkle::Tree;

pub(crate) const CHAIN: &str = "mulu-1";
const DEPARTMENTS: [&str; 3] = ["audit", "tax", "water"];

fn key(department: usize) -> SigningKey {
    SigningKey::from_seed(&[u8::try_from(department).unwrap() + 1; 32])
}

/// Any two of audit, tax and water.
pub(crate) fn policy() -> TrustPolicy {
    let keys = DEPARTMENTS.iter().enumerate();
    let keys: Keys = keys.map(|(n, name)| (name.parse().unwrap(), vec![key(n).public()])).collect();
    TrustPolicy::any(CHAIN, keys, 2).unwrap()
}

/// A tree whose leaves from `fork` on are others than in every other tree.
pub(crate) fn tree(size: u64, fork: u64) -> Tree {
    let mut tree = Tree::new(HashAlgorithm::Sm3);
    for n in 0..size {
        let branch = if n < fork { u64::MAX } else { fork };
        tree.push(HashAlgorithm::Sm3.digest(&[&n.to_be_bytes(), &branch.to_be_bytes()]));
    }
    tree
}

pub(crate) fn checkpoint(size: u64, fork: u64, state: u8) -> Checkpoint {
    let state = HashAlgorithm::Sm3.digest(&[&size.to_be_bytes(), &[state]]);
    Checkpoint::new(CHAIN, HashAlgorithm::Sm3, size, tree(size, fork).root(), state)
}

/// The note with cosignatures of departments, each with its time.
pub(crate) fn note(checkpoint: &Checkpoint, cosigners: &[(usize, u64)]) -> String {
    let mut signed = checkpoint.unsigned().unwrap();
    for (department, time_s) in cosigners {
        signed.cosign(&DEPARTMENTS[*department].parse().unwrap(), &key(*department), *time_s);
    }
    signed.encode()
}

pub(crate) fn vouched(checkpoint: &Checkpoint, time_s: u64) -> Vouched {
    Vouched::check(&note(checkpoint, &[(0, time_s), (1, time_s)]), &policy()).unwrap()
}

const NEVER: u64 = u64::MAX;

#[test]
fn two_checkpoints_agree_or_one_goes_on_or_somebody_lied() {
    let honest = |from: u64, to: u64| tree(to, NEVER).consistency(from, to);
    let forged = |from: u64, to: u64, fork: u64| tree(to, fork).consistency(from, to);
    let table = [
        ("the same", (7, NEVER, 0), (7, NEVER, 0), None, Verdict::Same),
        ("longer", (7, NEVER, 0), (12, NEVER, 0), honest(7, 12), Verdict::Extends),
        ("longer by one", (8, NEVER, 0), (9, NEVER, 0), honest(8, 9), Verdict::Extends),
        ("from nothing", (0, NEVER, 0), (9, NEVER, 0), None, Verdict::Extends),
        ("shorter", (12, NEVER, 0), (7, NEVER, 0), honest(7, 12), Verdict::Precedes),
        ("without a proof", (7, NEVER, 0), (12, NEVER, 0), None, Verdict::Unproven),
        ("shorter, without a proof", (12, NEVER, 0), (7, NEVER, 0), None, Verdict::Unproven),
        ("another root", (7, NEVER, 0), (7, 3, 0), None, Verdict::Fork("two roots of one size")),
        ("another state", (7, NEVER, 0), (7, NEVER, 1), None, Verdict::StateDiverges),
    ];
    for (what, known, seen, proof, verdict) in table {
        let (known, seen) = (checkpoint(known.0, known.1, known.2), checkpoint(seen.0, seen.1, seen.2));
        assert_eq!(judge(&known, &seen, proof.as_deref()), verdict, "{what}");
    }
    // Whatever proof a forger has, none leads from the true beginning to his end.
    for proof in [forged(7, 12, 5), honest(7, 12), honest(6, 12), Some(vec![])] {
        let verdict = judge(&checkpoint(7, NEVER, 0), &checkpoint(12, 5, 0), proof.as_deref());
        assert!(matches!(verdict, Verdict::Fork(_)), "{verdict:?}");
    }
    let other = Checkpoint { origin: CHAIN.to_owned(), ..checkpoint(7, NEVER, 0) };
    assert!(matches!(judge(&checkpoint(7, NEVER, 0), &other, None), Verdict::Fork(_)));
}

#[test]
fn a_proof_is_asked_for_where_one_can_help() {
    let sized = |size| checkpoint(size, NEVER, 0);
    assert_eq!(proof_needed(&sized(7), &sized(9)), Some((7, 9)));
    assert_eq!(proof_needed(&sized(9), &sized(7)), Some((7, 9)));
    assert_eq!((proof_needed(&sized(7), &sized(7)), proof_needed(&sized(0), &sized(7))), (None, None));
}

#[test]
fn only_what_enough_departments_vouch_for_is_believed() {
    let checkpoint = checkpoint(7, NEVER, 0);
    let check = |note: &str| Vouched::check(note, &policy());
    let kind = |note: &str| check(note).unwrap_err().kind();
    assert_eq!(check(&note(&checkpoint, &[(0, 5), (1, 6)])).unwrap().cosigners().len(), 2);
    assert_eq!(kind(&note(&checkpoint, &[(2, 5)])), Some(Kind::TooFew));
    // The same department twice is one department.
    assert_eq!(kind(&note(&checkpoint, &[(2, 5), (2, 6)])), Some(Kind::TooFew));
    let altered = note(&checkpoint, &[(0, 5), (1, 6), (2, 7)]).replacen("\n7\n", "\n8\n", 1);
    assert_eq!(kind(&altered), Some(Kind::BadSignature));
    let other = Checkpoint { origin: "mulu-2 sm3".into(), ..checkpoint };
    assert_eq!(kind(&note(&other, &[(0, 5), (1, 6)])), Some(Kind::OtherChain));
    assert_eq!(kind("<html>no ledger here</html>"), None);
}

#[test]
fn no_single_clock_makes_a_checkpoint_fresh() {
    let checkpoint = checkpoint(7, NEVER, 0);
    let since = |cosigners| Vouched::check(&note(&checkpoint, cosigners), &policy()).unwrap().since_s();
    assert_eq!(since(&[(0, 5), (1, 6)]), 5);
    assert_eq!(since(&[(0, 5), (1, 6), (2, 9_999_999)]), 6);
    assert_eq!(since(&[(0, 5), (1, 5), (2, 5)]), 5);
}

#[test]
fn every_kind_has_a_name_and_a_place() {
    let names: std::collections::BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(names.len(), Kind::ALL.len());
    assert!(Kind::ALL.iter().all(|kind| serde_json::json!(kind) == kind.name()));
    assert!(Kind::ALL.is_sorted() && Kind::ALL[..3].iter().all(|kind| kind.is_grave()));
    assert!(!Kind::ALL[3..].iter().any(|kind| kind.is_grave()));
}
