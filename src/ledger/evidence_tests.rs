//! Each finding shows what it says, and nothing else passes for it.

use super::*;
use crate::crypto::digest::Hash;
use crate::crypto::sign::SigningKey;
use crate::ledger::transaction::Transaction;

const CHAIN: &str = "mulu-1";

fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&[n; 32])
}

fn tax() -> DepartmentId {
    "tax".parse().unwrap()
}

fn block_of(height: u64, time: u64, signer: u8) -> String {
    let tx = Transaction::sign(CHAIN, b"{}", &key(signer)).unwrap();
    BASE64.encode(Block { height, time: Millis(time), transactions: vec![tx] }.encode())
}

fn checkpoint(root: u8) -> Checkpoint {
    Checkpoint::new(CHAIN, HashAlgorithm::Sm3, 9, Hash([root; 32]), Hash([7; 32]))
}

fn holds(finding: &Finding, trusted: Option<&Keys>) -> bool {
    let file = Evidence::new(CHAIN, HashAlgorithm::Sm3, &tax(), Millis(5), finding.clone());
    let read = Evidence::parse(&serde_json::to_string(&file).unwrap()).unwrap();
    assert_eq!(read, file);
    let shown = read.finding.verify(&read.chain, trusted);
    assert!(shown.as_ref().is_ok_and(|shown| !shown.unproven.is_empty()) || shown.is_err());
    shown.is_ok() && !finding.explain().is_empty()
}

#[test]
fn a_signature_must_really_not_fit_the_department_s_key() {
    let finding = |block: String, n: u8| Finding::InvalidSignature {
        raft_index: 5,
        term: 2,
        block,
        position: 0,
        department: tax(),
        key: key(n).public(),
    };
    assert!(holds(&finding(block_of(1, 1, 2), 1), None));
    assert!(!holds(&finding(block_of(1, 1, 1), 1), None), "a good signature passed for a bad one");
    let trusted = Keys::from([(tax(), vec![key(1).public()])]);
    assert!(holds(&finding(block_of(1, 1, 2), 1), Some(&trusted)));
    assert!(!holds(&finding(block_of(1, 1, 2), 3), Some(&trusted)), "a key of the accuser's own passed");
    assert_eq!(finding(block_of(1, 1, 2), 1).subject(), finding(block_of(1, 1, 2), 3).subject());
    assert_ne!(finding(block_of(1, 1, 2), 1).subject(), finding(block_of(2, 1, 2), 1).subject());
}

#[test]
fn blocks_that_do_not_follow_each_other_are_shown() {
    let (raft_index, term) = (5, 2);
    let height = |block, previous| Finding::BlockHeight { raft_index, term, block, previous };
    let time = |block, previous| Finding::BlockTime { raft_index, term, block, previous };
    assert!(holds(&height(block_of(3, 1, 1), block_of(1, 1, 1)), None));
    assert!(!holds(&height(block_of(2, 1, 1), block_of(1, 1, 1)), None));
    assert!(holds(&time(block_of(2, 4, 1), block_of(1, 5, 1)), None));
    assert!(!holds(&time(block_of(2, 5, 1), block_of(1, 5, 1)), None));
    let none = |block: &str| Finding::NoBlock { raft_index, term, block: BASE64.encode(block) };
    assert!(holds(&none("rubbish"), None));
    assert!(!holds(&Finding::NoBlock { raft_index, term, block: block_of(1, 1, 1) }, None));
}

#[test]
fn notes_must_be_signed_and_contradict_each_other() {
    let by = |root: u8, n: u8| checkpoint(root).cosign(&tax(), &key(n), 50).unwrap().encode();
    let two = |one, other| Finding::TwoRoots { department: tax(), keys: vec![key(1).public()], one, other };
    assert!(holds(&two(by(1, 1), by(2, 1)), None));
    assert!(!holds(&two(by(1, 1), by(1, 1)), None), "one root passed for two");
    assert!(!holds(&two(by(1, 1), by(2, 2)), None), "another's signature passed");
    let trusted = Keys::from([(tax(), vec![key(9).public()])]);
    assert!(!holds(&two(by(1, 1), by(2, 1)), Some(&trusted)));
    assert_eq!(two(by(1, 1), by(2, 1)).subject(), two(by(2, 1), by(1, 1)).subject());

    let keys = Keys::from([(tax(), vec![key(1).public()]), ("audit".parse().unwrap(), vec![key(2).public()])]);
    let mut both = checkpoint(1).cosign(&tax(), &key(1), 50).unwrap();
    both.cosign(&"audit".parse().unwrap(), &key(2), 51);
    let other = |own: u8, cosigned: String| Finding::OtherLedger {
        own: checkpoint(own).text(),
        cosigned,
        keys: keys.clone(),
        needed: 2,
    };
    assert!(holds(&other(2, both.encode()), None));
    assert!(!holds(&other(1, both.encode()), None));
    assert!(!holds(&other(2, by(1, 1)), None), "one cosignature passed for two");

    let own = |root: u8| Finding::OwnHistory {
        department: tax(),
        keys: vec![key(1).public()],
        cosigned: by(1, 1),
        own: checkpoint(root).text(),
    };
    assert!(holds(&own(2), None) && !holds(&own(1), None));
}

#[test]
fn what_is_no_evidence_is_refused() {
    assert!(Evidence::parse("{}").is_err());
    let finding = Finding::NoBlock { raft_index: 1, term: 1, block: String::new() };
    let text = serde_json::to_string(&Evidence::new(CHAIN, HashAlgorithm::Sm3, &tax(), Millis(5), finding)).unwrap();
    assert!(Evidence::parse(&text).is_ok());
    assert!(Evidence::parse(&text.replacen("\"v\":1", "\"v\":2", 1)).is_err());
    assert!(Evidence::parse(&text.replacen("\"v\":1", "\"v\":1,\"w\":1", 1)).is_err());
    assert!(Evidence::parse(&text.replacen("\"term\":1", "\"term\":1,\"w\":1", 1)).is_err());
    assert!(Evidence::parse(&text.replacen("no_block", "other", 1)).is_err());
}
