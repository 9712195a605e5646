//! Cities and their transactions, signed once for all simulations: what is tested here is not signatures.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use raft::eraftpb::ConfState;

use crate::clock::Millis;
use crate::crypto::digest::{Hash, HashAlgorithm};
use crate::domain::case::{CaseOpening, SignOffStep};
use crate::domain::command::{Command, Payload};
use crate::domain::department::{Department, Genesis};
use crate::domain::policy::PolicyDocument;
use crate::domain::{Actor, Role, Text};
use crate::ledger::block::Block;
use crate::ledger::chain::chain_id;
use crate::ledger::frontier::Frontier;
use crate::ledger::transaction::Transaction;
use crate::state::State;

use super::super::tests::{department, key};

/// Nodes at most, those that were replaced included.
pub(super) const NODES_MAX: u64 = 10;
/// Different transactions of one simulation at most.
pub(super) const TRANSACTIONS: u64 = 256;
/// When every simulation begins: 2026-11-21, noon in Beijing.
pub(super) const NOON: Millis = Millis(1_795_233_600_000);

/// What all simulations begin with.
pub(super) struct Fixtures {
    /// The genesis block, as entry 1 of the log holds it.
    pub(super) genesis: Vec<u8>,
    /// After the genesis block.
    pub(super) state: State,
    pub(super) tree: Frontier,
    pub(super) transactions: Vec<(Hash, Transaction)>,
    pub(super) algorithm: HashAlgorithm,
    pub(super) chain: String,
    /// As the genesis has them.
    pub(super) members: ConfState,
}

fn payload(number: u64, department_number: usize, role: Role, command: Command) -> Payload {
    let actor = Actor { user: "li.na".into(), role };
    let high = format!("{:012x}", NOON.0);
    let id = format!("{}-{}-7000-8000-{number:012x}", &high[..8], &high[8..]);
    Payload { id: id.parse().unwrap(), department: department(department_number), actor, command }
}

impl Fixtures {
    /// A transaction of the authority's.
    pub(super) fn ruling(&self, number: u64, command: Command) -> (Hash, Transaction) {
        let payload = payload(number, 0, Role::Admin, command).encode().unwrap();
        let tx = Transaction::sign(&self.chain, payload.as_bytes(), &key(0)).unwrap();
        (tx.leaf(self.algorithm), tx)
    }
}

fn build(voters: u64, learners: u64) -> Fixtures {
    let text = |zh: &str| Text { zh: zh.into(), en: zh.into() };
    let algorithm = HashAlgorithm::Sha256;
    let departments = (0..usize::try_from(voters + learners).unwrap()).map(|n| Department {
        id: department(n),
        name: text("部门"),
        uscc: "11110000000021135M".into(),
        signing_key: key(n).public(),
        signing_key_valid_until: None,
        sealing_key: String::new(),
        voter: (n as u64) < voters,
        node_id: n as u64 + 1,
    });
    let genesis = Genesis {
        city: text("城"),
        hash: algorithm,
        authority: department(0),
        auditor: department(1),
        cosignatures_min: None,
        endorsements_min: None,
        edition: Some(crate::domain::edition::NEWEST),
        departments: departments.collect(),
        policy: PolicyDocument { version: 1, model: "m".into(), rules: "r".into() },
    };
    let begin = payload(0, 0, Role::Clerk, Command::Genesis(genesis)).encode().unwrap();
    let chain = chain_id(&begin);
    let genesis = Transaction::sign(&chain, begin.as_bytes(), &key(0)).unwrap();
    let mut state = State::new();
    state.apply(&genesis, NOON, true).result.unwrap();
    let mut tree = Frontier::new(algorithm);
    tree.push(genesis.leaf(algorithm), |_, _| {});
    let transactions = (1..=TRANSACTIONS).map(|number| {
        let signer = usize::try_from(number % (voters + learners)).unwrap();
        let step = SignOffStep::plain("check".parse().unwrap(), department(0), text("核"));
        let workflow = "house-transfer".parse().unwrap();
        let opening = CaseOpening::plain(workflow, text("转移登记"), Vec::new(), vec![step]);
        let payload = payload(number, signer, Role::Clerk, Command::OpenCase(opening)).encode().unwrap();
        let tx = Transaction::sign(&chain, payload.as_bytes(), &key(signer)).unwrap();
        (tx.leaf(algorithm), tx)
    });
    let transactions = transactions.collect();
    let genesis = Block { height: 0, time: NOON, transactions: vec![genesis] }.encode();
    let members = ConfState::from((Vec::from_iter(1..=voters), Vec::from_iter(voters + 1..=voters + learners)));
    Fixtures { genesis, state, tree, transactions, algorithm, chain, members }
}

/// Those of cities of so many nodes.
pub(super) fn fixtures(voters: u64, learners: u64) -> Arc<Fixtures> {
    static FIXTURES: Mutex<BTreeMap<(u64, u64), Arc<Fixtures>>> = Mutex::new(BTreeMap::new());
    let mut all = FIXTURES.lock();
    all.entry((voters, learners)).or_insert_with(|| Arc::new(build(voters, learners))).clone()
}
