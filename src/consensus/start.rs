//! Starting a node: its files are checked, its parts are joined, its threads begin.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use raft::eraftpb::{ConfState, HardState};
use raft::{Config, RaftState, RawNode, ReadOnlyOption};
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::storage::snapshots::Snapshots;

use super::apply::Applier;
use super::chain::Chain;
use super::cosign::{Book, Cosigner, Desk};
use super::directory::Directory;
use super::driver::{Driver, Parts};
use super::evidence::Guard;
use super::frame::{Frame, MESSAGE_ENTRIES_BYTES};
use super::handoff::Handoff;
use super::inbound::Inbound;
use super::intake::{Intake, Verifier};
use super::keeper::{Keeper, Since};
use super::log_view::LogView;
use super::mailbox::{Input, Mailbox};
use super::membership::Membership;
use super::node::{Running, Shared};
use super::pool::Pool;
use super::ports::{Log, Machine, StableStore};
use super::reads::Reads;
use super::router::Router;
use super::settings::{Settings, Timing};
use super::stable::Stable;
use super::status::{DriverStatus, Leadership, Reports};
use super::transport::{Links, listen};
use super::waiters::Waiters;
use super::{ConsensusError, fatal, opening};

/// A write that failed in the background is noticed so soon.
const LOOK_AT_STORE: Duration = Duration::from_millis(100);
const REPORT_EVERY: Duration = Duration::from_secs(1);

pub(super) fn start(settings: Settings) -> Result<(Arc<Shared>, Running), ConsensusError> {
    let log = settings.log.clone();
    let snapshots = Snapshots::of(log.dir());
    let opened = opening::open(&log, &snapshots, settings.node_id)?;
    let chain = Arc::new(opened.chain);
    let stable = Stable::new(settings.store.clone());
    let (mut hard, members_index, members) = restore(log.as_ref(), &stable)?;
    // What a snapshot holds was applied, so it was committed: a crash may have taken the note of that, not the fact.
    hard.commit = hard.commit.max(opened.raft_index);
    let view = LogView { log: log.clone(), initial: RaftState::new(hard.clone(), members) };
    let applied = chain.progress().raft_index;
    let membership = Membership::new(settings.node_id, &chain.state(), applied, &view.initial.conf_state);
    let membership = Arc::new(membership);
    let node = raw_node(settings.node_id, settings.timing, view)?;
    let (links, pool) = (Arc::new(Links::default()), Arc::new(Pool::new(settings.limits.unpacked)));
    let waiters = Arc::new(Waiters::new(settings.limits.waiting));
    let handoff = Arc::new(Handoff::new(hard.commit));
    let desk = Arc::new(Desk::default());
    // Its own note says so too, whoever wrote the snapshot.
    let all_valid = opened.all_valid || stable.verified()? >= opened.raft_index;
    let book = Arc::new(Book::new(chain.clone(), desk.clone(), stable.cosigned()?));
    let tip = chain.tip();
    desk.remember(opened.heads);
    desk.applied(tip);
    let guard = Arc::new(guard(&settings, &chain)?);
    if let Err(contradiction) = book.applied(chain.last_begins(), &tip) {
        guard.contradicted(contradiction, &book, chain.state().cosigner_keys())?;
    }
    let (mailbox, inputs) = Mailbox::new();
    let (leadership, leader_news) = watch::channel(Leadership::default());
    let shared = Arc::new(Shared {
        node_id: settings.node_id,
        timing: settings.timing,
        chain: chain.clone(),
        handoff: handoff.clone(),
        intake: Arc::new(Intake::new(settings.limits.unchecked)),
        pool: pool.clone(),
        waiters: waiters.clone(),
        links: links.clone(),
        reports: Arc::new(Reports::default()),
        desk: desk.clone(),
        book: book.clone(),
        guard: guard.clone(),
        disk: settings.disk.clone(),
        mailbox: mailbox.clone(),
        leadership: leader_news,
        driver: Arc::new(Mutex::new(DriverStatus::default())),
        membership: membership.clone(),
        address: own_address(&settings),
        projected: AtomicU64::new(0),
        troubles: Mutex::default(),
        clock: settings.clock.clone(),
    });
    let parts = Parts {
        node,
        log: log.clone(),
        stable: stable.clone(),
        hard,
        members_index,
        mailbox,
        links: links.clone(),
        pool: pool.clone(),
        handoff: handoff.clone(),
        reads: Reads::new(settings.node_id, nonce()?),
        leadership,
        status: shared.driver.clone(),
        clock: settings.clock.clone(),
        tick: settings.timing.tick,
        guard: guard.clone(),
        disk: settings.disk.clone(),
        membership: membership.clone(),
    };
    let mut driver = Driver::new(parts, Instant::now());
    driver.catch_up_members()?;
    let cosigner = Cosigner {
        department: settings.department.clone(),
        keys: settings.keys.clone(),
        clock: settings.clock.clone(),
        chain: chain.clone(),
        desk: desk.clone(),
        book: book.clone(),
        links,
        guard: guard.clone(),
        disk: settings.disk.clone(),
        stable: stable.clone(),
        file: settings.checkpoint_file.clone(),
    };
    let applier = Applier {
        chain,
        log,
        handoff,
        pool,
        waiters,
        stable,
        desk,
        book,
        guard,
        membership,
        previous: opened.previous,
        node_id: settings.node_id,
        applied: opened.raft_index,
        all_valid,
        keeper: Arc::new(Keeper::new(snapshots, settings.limits.snapshots, settings.disk.clone())),
        since: Since::default(),
    };
    let running = run(settings, &shared, (driver, inputs), (applier, cosigner))?;
    Ok((shared, running))
}

/// Where this node is, as `node.toml` tells the others.
fn own_address(settings: &Settings) -> String {
    let own = settings.peers.iter().find(|peer| peer.node_id == settings.node_id);
    own.map(|own| own.address.clone()).unwrap_or_default()
}

fn guard(settings: &Settings, chain: &Chain) -> Result<Guard, ConsensusError> {
    let dir = settings.evidence_dir.clone();
    Guard::open(dir, chain.id(), chain.algorithm(), &settings.department, settings.clock.clone())
}

/// Begins the threads, the network last: nothing comes in before everyone is there to take it.
fn run(
    settings: Settings,
    shared: &Arc<Shared>,
    (driver, inputs): (Driver<Machine>, Receiver<Input>),
    (applier, cosigner): (Applier, Cosigner),
) -> Result<Running, ConsensusError> {
    let router = Arc::new(Router {
        node_id: shared.node_id,
        leadership: shared.leadership.clone(),
        pool: shared.pool.clone(),
        links: shared.links.clone(),
        waiters: shared.waiters.clone(),
        mailbox: shared.mailbox.clone(),
    });
    let mut running = Running::default();
    let keeper = applier.keeper.clone();
    running.threads.push(fatal::spawn("apply", move || applier.run())?);
    running.threads.push(fatal::spawn("snapshots", move || keeper.run())?);
    running.threads.push(fatal::spawn("raft", move || driver.run(&inputs))?);
    running.threads.push(fatal::spawn("cosign", move || cosigner.run())?);
    let verifier = Verifier {
        intake: shared.intake.clone(),
        chain: shared.chain.clone(),
        handoff: shared.handoff.clone(),
        router: router.clone(),
        clock: settings.clock.clone(),
    };
    for _ in 0..settings.limits.verify_threads.max(1) {
        let verifier = verifier.clone();
        running.threads.push(fatal::spawn("verify", move || verifier.run())?);
    }
    let directory = Directory::new(shared.node_id, shared.membership.clone(), settings.peers.clone());
    let directory = Arc::new(directory);
    let inbound = Arc::new(Inbound {
        node_id: shared.node_id,
        chain: shared.chain.id().to_owned(),
        algorithm: shared.chain.algorithm(),
        membership: shared.membership.clone(),
        directory: directory.clone(),
        driver: shared.driver.clone(),
        mailbox: shared.mailbox.clone(),
        intake: shared.intake.clone(),
        router,
        waiters: shared.waiters.clone(),
        reports: shared.reports.clone(),
        desk: shared.desk.clone(),
        leadership: shared.leadership.clone(),
        clock: settings.clock.clone(),
    });
    running.network = Some(network(settings, shared, inbound, directory)?);
    Ok(running)
}

fn network(
    settings: Settings,
    shared: &Arc<Shared>,
    inbound: Arc<Inbound>,
    directory: Arc<Directory>,
) -> Result<tokio::runtime::Runtime, ConsensusError> {
    let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("peers").enable_all().build()?;
    settings.listener.set_nonblocking(true)?;
    let listener = {
        let _inside = runtime.enter();
        tokio::net::TcpListener::from_std(settings.listener)?
    };
    runtime.spawn(fatal::guard(listen(listener, TlsAcceptor::from(settings.tls_server), inbound.clone())));
    let connector = TlsConnector::from(settings.tls_client);
    runtime.spawn(fatal::guard(directory.keep(shared.links.clone(), connector, inbound)));
    let store = settings.store;
    runtime.spawn(fatal::guard(async move {
        let mut looks = tokio::time::interval(LOOK_AT_STORE);
        while store.failure().is_none() {
            looks.tick().await;
        }
        // Whoever waits for the store may do so for ever.
        if let Some(error) = store.failure() {
            fatal::end("store", &error);
        }
    }));
    let shared = shared.clone();
    runtime.spawn(fatal::guard(async move {
        let mut seconds = tokio::time::interval(REPORT_EVERY);
        loop {
            seconds.tick().await;
            shared.links.broadcast(&Frame::Report(shared.report()));
        }
    }));
    Ok(runtime)
}

/// Vote, commit index and members, made to fit the log that a crash may have left.
pub(super) fn restore(
    log: &impl Log,
    stable: &impl StableStore,
) -> Result<(HardState, u64, ConfState), ConsensusError> {
    let mut hard = stable.hard_state()?.ok_or(ConsensusError::NotInitialised)?;
    let (members_index, members) = stable.members()?.ok_or(ConsensusError::NotInitialised)?;
    let last = log.last_index();
    if hard.commit > last {
        return Err(ConsensusError::TailLost { last, committed: hard.commit });
    }
    let last_term = log.term(last).unwrap_or(0);
    if last_term > hard.term {
        // The crash came after the entries of a new term and before the term itself was noted:
        // no vote can have been given in it, for votes are noted before they are sent.
        hard.term = last_term;
        hard.vote = 0;
    }
    Ok((hard, members_index, members))
}

/// The raft library's node over a log.
pub(super) fn raw_node<L: Log>(
    node_id: u64,
    timing: Timing,
    view: LogView<L>,
) -> Result<RawNode<LogView<L>>, ConsensusError> {
    let hard = &view.initial.hard_state;
    let config = Config {
        id: node_id,
        election_tick: timing.election_ticks,
        heartbeat_tick: Timing::HEARTBEAT_TICKS,
        // What is committed already goes to the apply thread straight from the log, not through
        // the library: a long replay must not hold up ticks.
        applied: hard.commit,
        max_size_per_msg: MESSAGE_ENTRIES_BYTES,
        max_inflight_msgs: 64,
        check_quorum: true,
        pre_vote: true,
        min_election_tick: timing.election_ticks_min(),
        max_election_tick: timing.election_ticks_max(),
        read_only_option: ReadOnlyOption::Safe,
        skip_bcast_commit: false,
        batch_append: false,
        priority: 0,
        max_uncommitted_size: 16 * 1024 * 1024,
        max_committed_size_per_ready: 4 * 1024 * 1024,
    };
    let logger = slog::Logger::root(tracing_slog::TracingSlogDrain, slog::o!());
    Ok(RawNode::new(&config, view, &logger)?)
}

fn nonce() -> Result<[u8; 8], ConsensusError> {
    let mut nonce = [0; 8];
    getrandom::fill(&mut nonce).map_err(|e| ConsensusError::System(std::io::Error::other(e)))?;
    Ok(nonce)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::RecordRef;
    use crate::storage::ledger_log::LedgerLog;
    use crate::storage::node_store::NodeStore;

    #[test]
    fn a_crash_between_entries_and_term_is_mended_and_a_shortened_ledger_is_reported() {
        let dir = tempfile::tempdir().unwrap();
        let log = LedgerLog::open(&dir.path().join("ledger")).unwrap();
        let stable = Stable::new(Arc::new(NodeStore::open(&dir.path().join("store")).unwrap()));
        assert!(matches!(restore(&log, &stable), Err(ConsensusError::NotInitialised)));
        let hard = HardState { term: 3, vote: 2, commit: 1, ..HardState::default() };
        stable.put_hard_state(&hard).unwrap();
        stable.put_members(1, &ConfState::from((vec![1, 2, 3], vec![4]))).unwrap();
        assert!(matches!(restore(&log, &stable), Err(ConsensusError::TailLost { last: 0, committed: 1 })));
        log.append(&[RecordRef { index: 1, term: 1, kind: 0, data: b"x" }]).unwrap();
        assert_eq!(restore(&log, &stable).unwrap().0, hard);
        log.append(&[RecordRef { index: 2, term: 5, kind: 0, data: b"y" }]).unwrap();
        let (mended, index, members) = restore(&log, &stable).unwrap();
        assert_eq!((mended.term, mended.vote, mended.commit, index), (5, 0, 1, 1));
        assert_eq!((members.voters, members.learners), (vec![1, 2, 3], vec![4]));
    }
}
