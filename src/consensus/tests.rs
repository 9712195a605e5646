//! Real nodes in one process, over TLS on free ports: what a city relies on.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;
use crate::clock::{Clock, Millis, SystemClock};
use crate::crypto::ca::CityAuthority;
use crate::crypto::digest::HashAlgorithm;
use crate::crypto::keyring::Keyring;
use crate::crypto::sign::{Algorithm, SigningKey};
use crate::crypto::tls::{TlsFiles, client_config, server_config};
use crate::domain::case::{CaseOpening, SignOffStep};
use crate::domain::command::{Command, GrantEnding, Payload};
use crate::domain::department::{Department, Genesis};
use crate::domain::policy::PolicyDocument;
use crate::domain::{Actor, Role, Text};
use crate::ids::{DepartmentId, GrantId, TxId};
use crate::ledger::chain::chain_id;
use crate::ledger::checkpoint::SignedCheckpoint;
use crate::ledger::transaction::Transaction;
use crate::state::outcome::{Outcome, Refusal};
use crate::storage::disk::Disk;
use crate::storage::ledger_log::{LedgerLog, SEGMENT_BYTES};
use crate::storage::node_store::NodeStore;

mod editions;
mod full_disk;
mod lies;
mod lying_leader;
mod membership;
mod snapshots;

const PATIENCE: Duration = Duration::from_secs(30);

struct City {
    /// First, for fields end in their order: nodes before their files.
    nodes: Vec<Option<Consensus>>,
    dir: tempfile::TempDir,
    addresses: Vec<SocketAddr>,
    tls: Vec<TlsFiles>,
    genesis: Transaction,
    /// How many milliseconds a node's clock is late.
    late: Vec<u64>,
    disks: Vec<Arc<Disk>>,
    pace: SnapshotPace,
    authority: CityAuthority,
    /// Each node's department.
    whose: Vec<usize>,
    segment_bytes: u64,
}

/// A clock that is late.
struct Late(u64);

impl Clock for Late {
    fn now(&self) -> Millis {
        Millis(SystemClock.now().0 - self.0)
    }
}

pub(super) fn department(n: usize) -> DepartmentId {
    format!("department-{n}").parse().unwrap()
}

pub(super) fn key(n: usize) -> SigningKey {
    SigningKey::from_seed(&[u8::try_from(n).unwrap() + 1; 32])
}

fn text(zh: &str) -> Text {
    Text { zh: zh.into(), en: zh.into() }
}

fn payload(n: usize, at: Millis, command: Command) -> Payload {
    let actor = Actor { user: "li.na".into(), role: Role::Clerk };
    Payload { id: TxId::new(at), department: department(n), actor, command }
}

pub(super) fn genesis(voters: usize, learners: usize) -> Transaction {
    let departments = (0..voters + learners).map(|n| Department {
        id: department(n),
        name: text("部门"),
        uscc: "11110000000021135M".into(),
        signing_key: key(n).public(),
        signing_key_valid_until: None,
        sealing_key: String::new(),
        voter: n < voters,
        node_id: n as u64 + 1,
    });
    let genesis = Genesis {
        city: text("城"),
        hash: HashAlgorithm::Sm3,
        authority: department(0),
        auditor: department(1),
        cosignatures_min: None,
        endorsements_min: None,
        edition: None,
        departments: departments.collect(),
        policy: PolicyDocument { version: 1, model: "m".into(), rules: "r".into() },
    };
    let begin = payload(0, SystemClock.now(), Command::Genesis(genesis)).encode().unwrap();
    Transaction::sign(&chain_id(&begin), begin.as_bytes(), &key(0)).unwrap()
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "in vain waited for: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A certificate for a node of a department.
fn certificate(authority: &CityAuthority, dir: &std::path::Path, node: usize, of: usize) -> TlsFiles {
    let tls_dir = dir.join(format!("tls-{node}"));
    std::fs::create_dir(&tls_dir).unwrap();
    authority.issue(&department(of), &[], SystemClock.now()).unwrap().save(&tls_dir).unwrap()
}

impl City {
    fn new(voters: usize, learners: usize) -> Self {
        Self::with_clocks(voters, learners, vec![0; voters + learners])
    }

    fn with_clocks(voters: usize, learners: usize, late: Vec<u64>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let now = SystemClock.now();
        let authority = CityAuthority::create("test city", now).unwrap();
        let count = voters + learners;
        let listeners: Vec<TcpListener> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let tls = (0..count).map(|n| certificate(&authority, dir.path(), n, n)).collect();
        let mut city = Self {
            tls,
            dir,
            addresses: listeners.iter().map(|listener| listener.local_addr().unwrap()).collect(),
            genesis: genesis(voters, learners),
            late,
            disks: (0..count).map(|_| Disk::unwatched()).collect(),
            nodes: Vec::new(),
            pace: SnapshotPace::default(),
            authority,
            whose: (0..count).collect(),
            segment_bytes: SEGMENT_BYTES,
        };
        for (n, listener) in listeners.into_iter().enumerate() {
            let node = city.open(n, listener);
            city.nodes.push(Some(node));
        }
        city
    }

    fn open(&self, n: usize, listener: TcpListener) -> Consensus {
        let home = self.dir.path().join(format!("node-{n}"));
        let log = Arc::new(LedgerLog::open_with(&home.join("ledger"), self.segment_bytes).unwrap());
        let store = Arc::new(NodeStore::open(&home.join("store")).unwrap());
        Consensus::install_genesis(&log, &store, &self.genesis).unwrap();
        let peers = self.addresses.iter().enumerate();
        let settings = Settings {
            node_id: n as u64 + 1,
            department: department(self.whose[n]),
            peers: peers
                .map(|(n, address)| Peer {
                    node_id: n as u64 + 1,
                    department: department(self.whose[n]),
                    address: address.to_string(),
                })
                .collect(),
            listener,
            tls_server: server_config(&self.tls[n]).unwrap(),
            tls_client: client_config(&self.tls[n]).unwrap(),
            log,
            store,
            disk: self.disks[n].clone(),
            clock: Arc::new(Late(self.late[n])),
            keys: Keyring { signing: key(self.whose[n]), ..Keyring::generate(Algorithm::Ed25519).unwrap() }.into(),
            checkpoint_file: home.join("ledger/checkpoint"),
            evidence_dir: home.join("evidence"),
            limits: Limits { verify_threads: 1, snapshots: self.pace, ..Limits::default() },
            timing: Timing::default(),
        };
        Consensus::start(settings).unwrap()
    }

    /// A further node of a department, which only knows the others by what it was told at start.
    fn join(&mut self, of: usize) -> usize {
        let n = self.nodes.len();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        self.addresses.push(listener.local_addr().unwrap());
        self.whose.push(of);
        self.late.push(0);
        self.disks.push(Disk::unwatched());
        self.tls.push(certificate(&self.authority, self.dir.path(), n, of));
        self.nodes.push(Some(self.open(n, listener)));
        n
    }

    fn stop(&mut self, n: usize) {
        drop(self.nodes[n].take());
    }

    async fn restart(&mut self, n: usize) {
        self.stop(n);
        let mut listener = None;
        until("the port of the stopped node", || {
            listener = TcpListener::bind(self.addresses[n]).ok();
            listener.is_some()
        })
        .await;
        self.nodes[n] = Some(self.open(n, listener.unwrap()));
    }

    fn node(&self, n: usize) -> &Consensus {
        self.nodes[n].as_ref().unwrap()
    }

    fn running(&self) -> impl Iterator<Item = &Consensus> {
        self.nodes.iter().flatten()
    }

    /// The node that leads, once every running node agrees on it.
    async fn leader(&self) -> usize {
        let mut leader = None;
        until("a leader known to all", || {
            let known: Vec<_> = self.running().map(|node| node.status().leader).collect();
            leader = known[0].filter(|first| known.iter().all(|other| *other == Some(*first)));
            leader.is_some_and(|leader| self.nodes[leader as usize - 1].is_some())
        })
        .await;
        usize::try_from(leader.unwrap()).unwrap() - 1
    }

    fn sign(&self, n: usize, at: Millis, command: Command) -> Transaction {
        let chain = chain_id(self.genesis.payload());
        Transaction::sign(&chain, payload(n, at, command).encode().unwrap().as_bytes(), &key(n)).unwrap()
    }

    /// A transaction that the state machine accepts.
    fn case(&self, n: usize) -> Transaction {
        let step = SignOffStep::plain("check".parse().unwrap(), department(0), text("核"));
        let workflow = "house-transfer".parse().unwrap();
        let opening = CaseOpening::plain(workflow, text("转移登记"), Vec::new(), vec![step]);
        self.sign(n, SystemClock.now(), Command::OpenCase(opening))
    }

    async fn all_equal(&self) {
        until("equal ledgers", || {
            let heads: Vec<_> = self.running().map(|node| (node.chain().head(), node.chain().height())).collect();
            heads.iter().all(|head| *head == heads[0])
        })
        .await;
        let blocks = |node: &Consensus| {
            let chain = node.chain();
            (0..=chain.height()).map(|height| chain.block(height).unwrap()).collect::<Vec<_>>()
        };
        let first = blocks(self.running().next().unwrap());
        assert!(self.running().all(|node| blocks(node) == first));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_write_on_after_their_leader_is_gone_and_take_it_back() {
    let mut city = City::new(3, 0);
    let leader = city.leader().await;
    let follower = (leader + 1) % 3;
    let first = city.node(follower).submit(city.case(follower)).await.unwrap();
    assert_eq!((first.index, first.result), (1, Ok(())));

    // Many at once, from every node.
    let submissions = (0..300).map(|n| city.node(n % 3).submit(city.case(n % 3)));
    let outcomes = futures_util::future::join_all(submissions).await;
    let mut indexes: Vec<u64> = outcomes.into_iter().map(|outcome| outcome.unwrap().index).collect();
    indexes.sort_unstable();
    assert_eq!(indexes, (2..302).collect::<Vec<_>>());

    city.stop(leader);
    let gone = Instant::now();
    let outcome = city.node(follower).submit(city.case(follower)).await.unwrap();
    assert_eq!((outcome.index, outcome.result), (302, Ok(())));
    println!("written again {:?} after the leader went", gone.elapsed());

    city.restart(leader).await;
    city.node(leader).read_index().await.unwrap();
    assert_eq!(city.node(leader).chain().size(), 303);
    let again = city.node(leader).submit(city.case(leader)).await.unwrap();
    assert_eq!(again.index, 303);
    city.all_equal().await;
    let chain = city.node(leader).chain();
    let (block, offset) = chain.at(302).unwrap();
    assert_eq!(block.outcomes[offset], outcome_of(302, &block.transactions[offset]));
    assert!(chain.at(304).is_none() && chain.inclusion(302, chain.size()).is_some());
}

fn outcome_of(index: u64, tx: &Transaction) -> Outcome {
    Outcome { index, id: Some(Payload::decode(tx.payload()).unwrap().id), result: Ok(()) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_learner_submits_and_reads_and_outlives_a_restart_of_all() {
    let mut city = City::new(3, 2);
    city.leader().await;
    for n in [4, 3, 0] {
        assert_eq!(city.node(n).submit(city.case(n)).await.unwrap().result, Ok(()));
    }
    city.node(4).read_index().await.unwrap();
    assert_eq!(city.node(4).chain().size(), 4);
    assert_eq!(city.node(4).status().role, NodeRole::Learner);
    let reports = |city: &City| city.node(4).status().reports.len();
    until("every node's report", || reports(&city) == 5).await;
    let root = city.node(4).chain().root();
    for n in 0..5 {
        city.stop(n);
    }
    for n in 0..5 {
        city.restart(n).await;
    }
    city.node(3).read_index().await.unwrap();
    assert_eq!(city.node(3).chain().root_at(4), Some(root));
    city.all_equal().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_every_node_would_refuse_is_not_proposed() {
    let city = City::new(3, 0);
    let leader = city.leader().await;
    let follower = (leader + 1) % 3;
    let old = Millis(SystemClock.now().0 - 11 * 60_000);
    let grant = Command::DenyGrant(GrantEnding { grant: GrantId::new(old), reason: "no".into() });
    let stranger = SigningKey::from_seed(&[99; 32]);
    let genuine = city.case(follower);
    let chain = chain_id(city.genesis.payload());
    let wrong = [
        city.sign(follower, old, grant.clone()),
        Transaction::sign(&chain, genuine.payload().as_bytes(), &stranger).unwrap(),
        Transaction::sign(&chain, genuine.payload().as_bytes(), &key(leader)).unwrap(),
        Transaction::sign("another chain", genuine.payload().as_bytes(), &key(follower)).unwrap(),
        Transaction::sign(&chain, b"{}", &key(follower)).unwrap(),
    ];
    for tx in wrong {
        for node in city.running() {
            assert!(matches!(node.submit(tx.clone()).await, Err(SubmitError::Invalid(_))), "{}", tx.payload());
        }
    }
    assert_eq!(city.node(leader).chain().size(), 1);
    // What only the state can judge is proposed, stands in the ledger, and is refused by all.
    let unknown = city.sign(follower, SystemClock.now(), grant);
    let outcome = city.node(follower).submit(unknown).await.unwrap();
    assert!(matches!(outcome.result, Err(Refusal::Unknown(_))), "{outcome:?}");
    city.all_equal().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_submission_gets_the_first_outcome() {
    let city = City::new(3, 0);
    let leader = city.leader().await;
    let follower = (leader + 1) % 3;
    let tx = city.case(follower);
    let both = tokio::join!(city.node(follower).submit(tx.clone()), city.node(leader).submit(tx.clone()));
    let (first, second) = (both.0.unwrap(), both.1.unwrap());
    let third = city.node(leader).submit(tx).await.unwrap();
    assert_eq!((first.index, first.result.clone()), (1, Ok(())));
    assert_eq!((second, third), (first.clone(), first));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_majority_nothing_is_acknowledged_and_the_node_says_so() {
    let mut city = City::new(3, 0);
    let leader = city.leader().await;
    assert!(city.node(leader).status().has_quorum);
    let (one, other) = ((leader + 1) % 3, (leader + 2) % 3);
    city.stop(one);
    city.stop(other);
    let tx = city.case(leader);
    let limit = Duration::from_secs(2);
    let error = city.node(leader).submit_within(tx.clone(), limit).await.unwrap_err();
    assert!(matches!(error, SubmitError::NoLeader | SubmitError::Timeout), "{error:?}");
    until("the lonely leader to step down", || !city.node(leader).status().has_quorum).await;
    assert_eq!(city.node(leader).chain().size(), 1);
    city.restart(one).await;
    let outcome = city.node(leader).submit(tx).await.unwrap();
    assert_eq!(outcome.result, Ok(()));
    city.all_equal().await;
}

/// The size up to which a node knows the ledger to be anchored.
fn anchored(node: &Consensus) -> u64 {
    node.anchored().borrow().as_ref().map_or(0, |anchored| anchored.size())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_majority_cosigned_is_anchored_everywhere_and_stays_so() {
    let mut city = City::new(3, 1);
    let leader = city.leader().await;
    let index = city.node(3).submit(city.case(3)).await.unwrap().index;
    let note = city.node(3).anchored_beyond(index, PATIENCE).await.expect("an anchored checkpoint");
    assert!(note.cosigners.len() >= 3, "a majority of four");
    let size = note.size();
    assert_eq!(Some(note.note.checkpoint().root), city.node(3).chain().root_at(size));
    until("all to know it", || city.running().all(|node| anchored(node) >= size)).await;
    // Whoever is missing, three of four are enough; whoever comes back learns it.
    city.stop(leader);
    let follower = (leader + 1) % 3;
    let later = city.node(follower).submit(city.case(follower)).await.unwrap().index;
    assert!(city.node(follower).anchored_beyond(later, PATIENCE).await.is_some());
    city.restart(leader).await;
    assert!(city.node(leader).anchored_beyond(later, PATIENCE).await.is_some());
    let file = city.dir.path().join(format!("node-{leader}/ledger/checkpoint"));
    let on_disk = || SignedCheckpoint::parse(&std::fs::read_to_string(&file).unwrap_or_default()).ok();
    until("the note in its file", || on_disk().is_some_and(|note| note.checkpoint().size > later)).await;
    // With all asleep but one, it still knows after a restart what was anchored, and that its word holds.
    let own = city.node(leader).own_checkpoint().unwrap();
    for n in 0..4 {
        city.stop(n);
    }
    city.restart(leader).await;
    assert!(city.node(leader).anchored_beyond(later, PATIENCE).await.is_some());
    assert!(city.node(leader).own_checkpoint().unwrap().checkpoint().size >= own.checkpoint().size);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_enough_cosignatures_a_write_is_committed_and_not_anchored() {
    let mut city = City::new(3, 2);
    let leader = city.leader().await;
    assert!(city.node(leader).anchored_beyond(0, PATIENCE).await.is_some());
    for learner in [3, 4] {
        city.stop(learner);
    }
    let other = (leader + 1) % 3;
    city.stop(other);
    let node = city.node(leader);
    let before = anchored(node);
    let index = node.submit(city.case(leader)).await.unwrap().index;
    // Two of five cosign; that never is a majority.
    until("two cosignatures", || node.covering(index).is_some_and(|note| note.named().len() == 2)).await;
    assert!(node.anchored_beyond(index, Duration::from_millis(50)).await.is_none());
    assert!(anchored(node) == before && node.cosigning().lag > 0 && node.cosigning().needed == 3);
    city.restart(4).await;
    assert!(city.node(leader).anchored_beyond(index, PATIENCE).await.is_some());
}
