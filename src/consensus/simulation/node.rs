//! A simulated node: the real driver, pool and handoff over a simulated disk and network.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use raft::RaftState;
use raft::eraftpb::{ConfState, Message, MessageType};
use tokio::sync::{oneshot, watch};

use crate::clock::{Clock, Millis};
use crate::crypto::digest::Hash;
use crate::ledger::transaction::Transaction;
use crate::storage::disk::Disk as Room;

use super::super::ConsensusError;
use super::super::driver::{Driver, Parts};
use super::super::evidence::Guard;
use super::super::frame::Frame;
use super::super::handoff::{Handoff, Work};
use super::super::log_view::{self, LogView};
use super::super::mailbox::{Input, Mailbox};
use super::super::membership::Membership;
use super::super::pool::{Offer, Pool};
use super::super::ports::{Log as _, Outlet as _, Ports};
use super::super::reads::Reads;
use super::super::settings::Timing;
use super::super::start::{raw_node, restore};
use super::super::status::Leadership;
use super::super::tests::department;
use super::dice::mix;
use super::disk::{Disk, Store};
use super::fixtures::Fixtures;
use super::ledger::Ledger;
use super::sabotage::Sabotage;
use super::wire::Outbox;

/// A simulated machine.
pub(super) struct Machine;

impl Ports for Machine {
    type Log = Disk;
    type Stable = Store;
    type Outlet = Outbox;
}

/// A wall clock that says what it is told.
#[derive(Default)]
pub(super) struct Wall(pub(super) AtomicU64);

impl Clock for Wall {
    fn now(&self) -> Millis {
        Millis(self.0.load(Ordering::Relaxed))
    }
}

/// A fresh read that waits.
pub(super) struct Read {
    answer: oneshot::Receiver<u64>,
    /// Apply up to here first.
    index: Option<u64>,
    /// So many transactions were acknowledged when it began.
    pub(super) acknowledged: usize,
}

/// A running process.
pub(super) struct Process {
    pub(super) driver: Driver<Machine>,
    pub(super) outbox: Arc<Outbox>,
    pub(super) ledger: Ledger,
    pub(super) inbox: Vec<Input>,
    pub(super) reads: Vec<Read>,
    /// Microseconds until which it is busy with a round.
    pub(super) busy_until: u64,
    timing: Timing,
    /// Term and vote before the last round.
    voted: (u64, u64),
    /// When its next round begins.
    pub(super) round_at: u64,
    pub(super) apply_at: Option<u64>,
    membership: Arc<Membership>,
    pool: Arc<Pool>,
    handoff: Arc<Handoff>,
    leadership: watch::Receiver<Leadership>,
    sabotage: Option<Sabotage>,
}

/// Inputs that fit a mailbox.
const INBOX_MAX: usize = 1024;

impl Process {
    /// Starts as the product does, from what the disk holds.
    pub(super) fn start(
        node_id: u64,
        boot: u64,
        (disk, room): (&Arc<Disk>, &Arc<Room>),
        wall: &Arc<Wall>,
        (fixtures, sabotage, timing): (&Fixtures, Option<Sabotage>, Timing),
        (instant, now): (Instant, u64),
    ) -> Result<Self, ConsensusError> {
        let stable = Store(disk.clone());
        let (hard, members_index, members) = restore(disk.as_ref(), &stable)?;
        let (hard_term, hard_vote) = (hard.term, hard.vote);
        let view = LogView { log: disk.clone(), initial: RaftState::new(hard.clone(), members) };
        let outbox = Outbox::new(disk.clone());
        let (pool, handoff) = (Arc::new(Pool::new(1000)), Arc::new(Handoff::new(hard.commit)));
        let (leadership, news) = watch::channel(Leadership::default());
        let nowhere = PathBuf::from("/no/evidence/in/a/simulation");
        let guard = Guard::open(
            nowhere,
            &fixtures.chain,
            fixtures.algorithm,
            &super::super::tests::department(0),
            wall.clone(),
        );
        let ledger = Ledger::new(fixtures, sabotage.filter(|_| node_id == 2));
        let membership = Arc::new(Membership::new(node_id, ledger.state(), 1, &view.initial.conf_state));
        let parts = Parts {
            node: raw_node(node_id, timing, view)?,
            log: disk.clone(),
            stable,
            hard,
            members_index,
            mailbox: Mailbox::new().0,
            links: outbox.clone(),
            pool: pool.clone(),
            handoff: handoff.clone(),
            reads: Reads::new(node_id, boot.to_be_bytes()),
            leadership,
            status: Arc::new(Mutex::default()),
            clock: wall.clone(),
            tick: timing.tick,
            guard: Arc::new(guard?),
            disk: room.clone(),
            membership: membership.clone(),
        };
        let mut driver = Driver::new(parts, instant);
        driver.catch_up_members()?;
        Ok(Self {
            driver,
            timing,
            voted: (hard_term, hard_vote),
            outbox,
            ledger,
            membership,
            inbox: Vec::new(),
            reads: Vec::new(),
            busy_until: now,
            round_at: now,
            apply_at: None,
            pool,
            handoff,
            leadership: news,
            sabotage,
        })
    }

    /// Gives the election timeout, which the library draws from the machine's chance, a value of the seed's.
    /// `spread` is how many different ones there are: with few, nodes often stand at the same moment.
    pub(super) fn set_election_timeout(&mut self, seed: u64, now: u64, spread: u64) {
        let (low, high) = (self.timing.election_ticks_min() as u64, self.timing.election_ticks_max() as u64);
        let raft = &mut self.driver.parts.node.raft;
        // A function of the moment, not of how often it was drawn: that the simulation cannot see.
        let drawn = low + mix(&[seed, raft.id, raft.term, now / 700_000]) % (high - low).min(spread);
        raft.set_randomized_election_timeout(usize::try_from(drawn).unwrap());
    }

    pub(super) fn leave(&mut self, input: Input) {
        if self.inbox.len() < INBOX_MAX {
            self.inbox.push(input);
        }
    }

    /// One round with what came in.
    pub(super) fn round(&mut self, now: Instant) -> Result<(), ConsensusError> {
        let count = self.inbox.len().min(256);
        let inputs: Vec<Input> = self.inbox.drain(..count).collect();
        assert!(self.driver.round(now, inputs)?, "nobody told it to stop");
        Ok(())
    }

    pub(super) fn patience(&self, now: Instant) -> Duration {
        if self.inbox.is_empty() { self.driver.patience(now) } else { Duration::ZERO }
    }

    /// Who leads, as this node says.
    pub(super) fn leader(&self) -> Option<u64> {
        self.leadership.borrow().leader
    }

    pub(super) fn term(&self) -> u64 {
        self.driver.parts.node.raft.term
    }

    pub(super) fn is_leader(&self) -> bool {
        self.driver.parts.node.raft.state == raft::StateRole::Leader
    }

    /// Members as this node has them.
    pub(super) fn members(&self) -> ConfState {
        self.driver.parts.node.raft.prs().conf().to_conf_state()
    }

    /// The nodes that the ledger wants, and whether each shall vote.
    pub(super) fn wanted(&self) -> BTreeMap<u64, bool> {
        self.membership.wanted().votes()
    }

    /// Whether consensus is as the ledger wants it.
    pub(super) fn is_settled(&self) -> bool {
        let (members, wanted) = (self.members(), self.wanted());
        let voters = wanted.iter().filter(|(_, votes)| **votes).map(|(id, _)| id);
        let learners = wanted.iter().filter(|(_, votes)| !**votes).map(|(id, _)| id);
        members.voters_outgoing.is_empty()
            && BTreeSet::from_iter(&members.voters) == voters.collect()
            && BTreeSet::from_iter(&members.learners) == learners.collect()
    }

    /// Whether inbound lets a department's node speak.
    pub(super) fn hears(&self, speaker: usize, from: u64) -> bool {
        self.membership.admits(&department(speaker), from)
    }

    /// Whether inbound passes a message over: only the leader may call another to lead.
    pub(super) fn is_odd(&self, message: &Message) -> bool {
        message.get_msg_type() == MessageType::MsgTimeoutNow && self.leader() != Some(message.from)
    }

    /// Last entry known to be committed.
    pub(super) fn commit(&self) -> u64 {
        self.driver.parts.hard.commit
    }

    /// Whether it gave its vote to another since this was asked last.
    pub(super) fn has_voted(&mut self) -> bool {
        let (own, hard) = (self.driver.parts.node.raft.id, &self.driver.parts.hard);
        let before = std::mem::replace(&mut self.voted, (hard.term, hard.vote));
        before != self.voted && self.voted.1 != 0 && self.voted.1 != own
    }

    /// As router and inbound do: into the pool of the leader, or on the way to it. Answers whether a round has work.
    pub(super) fn submit(&mut self, node_id: u64, leaf: Hash, tx: Transaction, is_forwarded: bool) -> bool {
        match self.leader() {
            Some(leader) if leader == node_id => {
                let is_taken = self.pool.offer(leaf, tx) == Offer::Taken;
                if is_taken {
                    self.leave(Input::Wake);
                }
                is_taken
            }
            Some(leader) if !is_forwarded => {
                self.outbox.send(leader, &Frame::Forward(tx));
                false
            }
            _ => false,
        }
    }

    /// Asks for a fresh read.
    pub(super) fn read(&mut self, acknowledged: usize) {
        let (asker, answer) = oneshot::channel();
        let index = (self.sabotage == Some(Sabotage::ReadAtOnce)).then_some(0);
        self.reads.push(Read { answer, index, acknowledged });
        self.leave(Input::Read(asker));
    }

    /// Takes out the reads that may be answered now; those that were given up are dropped.
    pub(super) fn answered(&mut self) -> Vec<Read> {
        let applied = self.ledger.applied();
        let (mut answered, mut waiting) = (Vec::new(), Vec::new());
        for mut read in self.reads.drain(..) {
            match read.answer.try_recv() {
                Ok(index) => read.index = Some(index),
                Err(oneshot::error::TryRecvError::Closed) if read.index.is_none() => continue,
                Err(_) => {}
            }
            let is_answered = read.index.is_some_and(|index| applied >= index);
            if is_answered { answered.push(read) } else { waiting.push(read) }
        }
        self.reads = waiting;
        answered
    }

    pub(super) fn has_to_apply(&self) -> bool {
        self.handoff.commit() >= self.ledger.next
    }

    /// Applies some of what is committed; answers the leaves of each entry.
    pub(super) fn apply(&mut self, disk: &Disk) -> Vec<(u64, Vec<Hash>)> {
        if !self.has_to_apply() {
            return Vec::new();
        }
        let work = self.handoff.next(self.ledger.next, disk, Duration::ZERO).unwrap();
        let Work::Entries(mut entries) = work else { return Vec::new() };
        if self.sabotage == Some(Sabotage::AppliedEarly) {
            let records = disk.entries(self.ledger.next, disk.last_index() + 1, u64::MAX).unwrap();
            entries = records.into_iter().map(log_view::entry).collect();
        }
        let applied = entries.iter().map(|entry| {
            let leaves = self.ledger.apply(entry);
            self.pool.applied(&leaves);
            self.membership.applied(self.ledger.state(), entry.index);
            (entry.index, leaves)
        });
        applied.collect()
    }
}
