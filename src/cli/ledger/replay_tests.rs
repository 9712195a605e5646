//! Tests of the replay: what an auditor is told of a good ledger and of a falsified one.

use super::*;
use crate::cli::ledger::source::{Group, Source};
use crate::cli::ledger::workers;
use crate::clock::Millis;
use crate::crypto::sign::SigningKey;
use crate::domain::command::Command;
use crate::domain::department::{Department, Genesis};
use crate::domain::policy::PolicyDocument;
use crate::domain::{Actor, Role, Text};
use crate::ids::TxId;
use crate::ledger::chain::chain_id;
use crate::ledger::merkle::Tree;

pub(crate) const NOW: Millis = Millis(1_795_000_000_000);

pub(crate) fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&[n; 32])
}

pub(crate) fn payload(department: &str, command: Command) -> String {
    let actor = Actor { user: "a".into(), role: Role::Admin };
    Payload { id: TxId::new(NOW), department: department.parse().unwrap(), actor, command }.encode().unwrap()
}

pub(crate) fn genesis() -> (String, Transaction) {
    let department = |id: &str, n: u8| Department {
        id: id.parse().unwrap(),
        name: Text { zh: "局".into(), en: "Bureau".into() },
        uscc: "11110000000021135M".into(),
        signing_key: key(n).public(),
        signing_key_valid_until: None,
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
            endorsements_min: None,
            edition: None,
            departments: vec![department("data-bureau", 1), department("audit", 2)],
            policy: PolicyDocument { version: 1, model: "m".into(), rules: "r".into() },
        }),
    );
    let chain = chain_id(&text);
    let tx = Transaction::sign(&chain, text.as_bytes(), &key(1)).unwrap();
    (chain, tx)
}

/// The authority sets the rules; refused when the version does not follow.
pub(crate) fn rules(chain: &str, version: u64, signer: &SigningKey) -> Transaction {
    let document = PolicyDocument { version, model: "m".into(), rules: "r".into() };
    Transaction::sign(chain, payload("data-bureau", Command::SetPolicy(document)).as_bytes(), signer).unwrap()
}

/// Hands out leaves, a few at a time.
struct Leaves(std::vec::IntoIter<Vec<Leaf>>);

impl Source for Leaves {
    fn next(&mut self) -> Result<Option<Group>, CliError> {
        Ok(self.0.next().map(|leaves| Group { leaves, tiles: Vec::new() }))
    }
}

fn run(replay: &mut Replay, transactions: &[Transaction], at_once: usize) -> Result<(), CliError> {
    let leaf = |(n, transaction): (u64, &Transaction)| Leaf { time: NOW.plus(n), transaction: transaction.clone() };
    let leaves: Vec<Leaf> = (0..).zip(transactions).map(leaf).collect();
    let groups: Vec<Vec<Leaf>> = leaves.chunks(at_once).map(<[_]>::to_vec).collect();
    workers::run(&mut Leaves(groups.into_iter()), replay, 2, |_| Ok(()))?;
    replay.finish()
}

fn replayed(transactions: &[Transaction]) -> Result<Replay, CliError> {
    let mut replay = Replay::new(None);
    run(&mut replay, transactions, 3).map(|()| replay)
}

fn told(result: Result<(), CliError>) -> String {
    match result {
        Err(CliError::NotValid(why)) => why,
        other => panic!("{other:?}"),
    }
}

/// A genesis and some changes of the rules, the third of which is refused.
fn some(count: u64) -> Vec<Transaction> {
    let (chain, begin) = genesis();
    let version = |n| {
        if n == 2 {
            99
        } else if n < 2 {
            n + 1
        } else {
            n
        }
    };
    std::iter::once(begin).chain((1..count).map(|n| rules(&chain, version(n), &key(1)))).collect()
}

#[test]
fn a_good_ledger_has_size_root_and_counted_refusals() {
    let all = some(40);
    let mut tree = Tree::new(HashAlgorithm::Sm3);
    all.iter().for_each(|tx| _ = tree.push(tx.leaf(HashAlgorithm::Sm3)));
    for at_once in [1, 7, 100] {
        let mut replay = Replay::new(None);
        run(&mut replay, &all, at_once).unwrap();
        assert_eq!((replay.size(), replay.blocks(), replay.root()), (40, 40, tree.root()));
        assert_eq!(replay.refusals().collect::<Vec<_>>(), [("conflict", 1)]);
    }
}

#[test]
fn the_first_leaf_that_was_not_signed_by_its_department_is_named() {
    let mut all = some(30);
    let chain = chain_id(all[0].payload());
    let mut bytes = all[17].as_bytes().to_vec();
    let at = bytes.len() - 5;
    bytes[at] ^= 1;
    let falsified = Transaction::decode(&bytes).unwrap();
    let others = [rules(&chain, 2, &key(2)), rules(&chain, 2, &key(9)), rules("mulu-other", 2, &key(1))];
    for bad in others.into_iter().chain([falsified]) {
        all[17] = bad.clone();
        // A later one, and what follows it, is not what is told.
        all[23] = bad;
        assert!(told(replayed(&all).map(|_| ())).starts_with("leaf 17: "));
    }
}

#[test]
fn a_ledger_without_a_valid_genesis_is_none() {
    let (chain, begin) = genesis();
    assert!(replayed(&[rules(&chain, 2, &key(1))]).is_err());
    let forged = Transaction::sign(&chain, begin.payload().as_bytes(), &key(2)).unwrap();
    assert!(replayed(&[forged]).is_err());
}

#[test]
fn what_others_saw_must_be_there() {
    let all = some(30);
    let seen = replayed(&all[..20]).unwrap().verified();
    let demanded = |root: Hash, state: Hash, ledger: &[Transaction]| {
        let mut replay = Replay::new(None);
        replay.demand("tax", &Checkpoint::new(&seen.chain, seen.hash, 20, root, state));
        run(&mut replay, ledger, 4)
    };
    demanded(seen.root, seen.state, &all).unwrap();
    assert!(told(demanded(seen.state, seen.state, &all)).contains("another root"));
    assert!(told(demanded(seen.root, seen.root, &all)).contains("another state"));
    assert!(told(demanded(seen.root, seen.state, &all[..19])).contains("only 19"));
}

#[test]
fn an_audit_goes_on_where_the_last_one_ended_and_only_with_the_same_beginning() {
    let mut all = some(30);
    let seen = replayed(&all[..20]).unwrap().verified();
    let resumed = |ledger: &[Transaction]| {
        let mut replay = Replay::new(None);
        replay.resume(&seen);
        run(&mut replay, ledger, 4)
    };
    resumed(&all).unwrap();
    let good = all[25].clone();
    let chain = chain_id(all[0].payload());
    all[25] = rules(&chain, 25, &key(2));
    assert!(told(resumed(&all)).starts_with("leaf 25: "), "what is new is checked");
    all[25] = good;
    all[11] = rules(&chain, 11, &key(1));
    assert!(told(resumed(&all)).contains("another root"), "another history, though well signed");
}
