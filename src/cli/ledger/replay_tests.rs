//! Tests of the replay: what an auditor is told of a good ledger and of a falsified one.

use super::*;
use crate::crypto::sign::SigningKey;
use crate::domain::command::Command;
use crate::domain::department::{Department, Genesis};
use crate::domain::policy::PolicyDocument;
use crate::domain::{Actor, Role, Text};
use crate::ids::TxId;
use crate::ledger::chain::chain_id;

const NOW: Millis = Millis(1_795_000_000_000);

fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&[n; 32])
}

fn payload(department: &str, command: Command) -> String {
    let actor = Actor { user: "a".into(), role: Role::Admin };
    Payload { id: TxId::new(NOW), department: department.parse().unwrap(), actor, command }.encode().unwrap()
}

fn genesis() -> (String, Transaction) {
    let department = |id: &str, n: u8| Department {
        id: id.parse().unwrap(),
        name: Text { zh: "局".into(), en: "Bureau".into() },
        uscc: "11110000000021135M".into(),
        signing_key: key(n).public(),
        sealing_key: String::new(),
        voter: true,
        node_id: n.into(),
    };
    let text = payload(
        "data-bureau",
        Command::Genesis(Genesis {
            city: Text::default(),
            hash: HashAlgorithm::Sm3,
            authority: "data-bureau".parse().unwrap(),
            auditor: "audit".parse().unwrap(),
            cosignatures_min: None,
            departments: vec![department("data-bureau", 1), department("audit", 2)],
            policy: PolicyDocument { version: 1, model: "m".into(), rules: "r".into() },
        }),
    );
    let chain = chain_id(&text);
    let tx = Transaction::sign(&chain, text.as_bytes(), &key(1)).unwrap();
    (chain, tx)
}

/// The authority sets the rules; refused when the version does not follow.
fn rules(chain: &str, version: u64, signer: &SigningKey) -> Transaction {
    let document = PolicyDocument { version, model: "m".into(), rules: "r".into() };
    Transaction::sign(chain, payload("data-bureau", Command::SetPolicy(document)).as_bytes(), signer).unwrap()
}

fn replay(blocks: Vec<Vec<Transaction>>) -> Result<Replay, CliError> {
    let mut replay = Replay::default();
    for (height, transactions) in (0u64..).zip(blocks) {
        let data = Block { height, time: NOW, transactions }.encode();
        replay.entry(&Record { index: height + 1, term: 1, kind: KIND_NORMAL, data })?;
    }
    replay.finish()?;
    Ok(replay)
}

#[test]
fn a_good_ledger_has_size_root_and_counted_refusals() {
    let (chain, begin) = genesis();
    let all = [begin, rules(&chain, 2, &key(1)), rules(&chain, 7, &key(1)), rules(&chain, 3, &key(1))];
    let mut tree = Tree::new(HashAlgorithm::Sm3);
    all.iter().for_each(|tx| _ = tree.push(tx.leaf(HashAlgorithm::Sm3)));
    let replay = replay(all.chunks(1).map(<[_]>::to_vec).collect()).unwrap();
    assert_eq!((replay.chain(), replay.size(), replay.blocks()), (chain.as_str(), 4, 4));
    assert_eq!(replay.root(), tree.root());
    assert_eq!(replay.refusals().collect::<Vec<_>>(), [("conflict", 1)]);
    assert_eq!(replay.root_at(2), tree.root_at(2));
    assert_eq!(replay.keys().len(), 2);
}

#[test]
fn the_first_leaf_that_was_not_signed_by_its_department_is_named() {
    let (chain, begin) = genesis();
    let good = rules(&chain, 2, &key(1));
    let mut bytes = good.as_bytes().to_vec();
    let at = bytes.len() - 5;
    bytes[at] ^= 1;
    let falsified = Transaction::decode(&bytes).unwrap();
    for bad in [falsified, rules(&chain, 2, &key(2)), rules(&chain, 2, &key(9)), rules("mulu-other", 2, &key(1))] {
        let refused = replay(vec![vec![begin.clone()], vec![good.clone(), bad]]);
        assert!(matches!(refused, Err(CliError::NotValid(why)) if why.starts_with("leaf 2: ")));
    }
}

#[test]
fn a_ledger_without_a_valid_genesis_is_none() {
    let (chain, begin) = genesis();
    assert!(replay(vec![vec![rules(&chain, 2, &key(1))]]).is_err());
    let forged = Transaction::sign(&chain, begin.payload().as_bytes(), &key(2)).unwrap();
    assert!(replay(vec![vec![forged]]).is_err());
}
