//! Nodes, network and clients on one virtual clock; one event after another.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use raft::eraftpb::ConfState;

use crate::storage::disk::{Disk as Room, Verdict};

use super::super::frame::Frame;
use super::super::mailbox::Input;
use super::checks::Checks;
use super::clients::Client;
use super::dice::{Dice, mix};
use super::disk::{Disk, End};
use super::faults::Weather;
use super::fixtures::{Fixtures, NOON, fixtures};
use super::node::{Process, Wall};
use super::sabotage::Sabotage;
use super::wire::{Network, Quality};

const SECOND: u64 = 1_000_000;
/// Virtual time after the last fault in which a cluster must have caught up, elected and written.
const SETTLED_WITHIN: u64 = 30 * SECOND;

/// Something that is going to happen.
pub(super) enum Event {
    Frame { from: u64, to: u64, bytes: Vec<u8> },
    Round(u64, u64),
    Apply(u64, u64),
    Client(usize),
    Read,
    Fault,
    Mend(u64),
    Back(u64),
}

/// A machine, whether its process runs or not.
pub(super) struct Node {
    pub(super) id: u64,
    pub(super) department: usize,
    pub(super) disk: Arc<Disk>,
    /// Whether there is room on it.
    pub(super) room: Arc<Room>,
    pub(super) wall: Arc<Wall>,
    /// Milliseconds by which its clock is ahead of the earliest.
    pub(super) ahead: u64,
    pub(super) boot: u64,
    pub(super) process: Option<Process>,
    /// Highest commit index since it started.
    commit: u64,
    /// Whom it knew after its last round.
    members: Option<ConfState>,
}

impl Node {
    pub(super) fn new(id: u64, department: usize, disk: Arc<Disk>, ahead: u64) -> Self {
        let (room, wall) = (Room::unwatched(), Arc::default());
        Self { id, department, disk, room, wall, ahead, boot: 0, process: None, commit: 0, members: None }
    }
}

/// What a simulation did, so that one can see that it did something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) events: u64,
    pub(super) acknowledged: u64,
    pub(super) reads: u64,
    pub(super) elections: u64,
    pub(super) ends: u64,
    pub(super) entries: u64,
    /// Virtual microseconds.
    pub(super) time: u64,
    /// Digest of all that happened.
    pub(super) trace: u64,
}

/// One simulation.
pub(super) struct World {
    pub(super) seed: u64,
    pub(super) dice: Dice,
    /// Microseconds since the begin.
    pub(super) now: u64,
    base: Instant,
    pub(super) nodes: Vec<Node>,
    pub(super) disks: Vec<Arc<Disk>>,
    pub(super) network: Network,
    events: BTreeMap<(u64, u64), Event>,
    pub(super) fixtures: Arc<Fixtures>,
    pub(super) checks: Checks,
    pub(super) clients: Vec<Client>,
    pub(super) next_transaction: u64,
    pub(super) weather: Weather,
    pub(super) is_calm: bool,
    pub(super) ends_next_voter: bool,
    pub(super) tally: Tally,
    /// Whether to tell what happens.
    pub(super) is_told: bool,
    pub(super) sabotage: Option<Sabotage>,
}

impl World {
    pub(super) fn new(seed: u64, is_told: bool, sabotage: Option<Sabotage>) -> Self {
        let mut dice = Dice::new(seed);
        let (voters, learners) = (dice.pick(&[3, 3, 5]), dice.pick(&[0, 0, 1, 2]));
        let fixtures = fixtures(voters, learners);
        let nodes: Vec<Node> = (1..=voters + learners)
            .map(|id| {
                let disk = Disk::new(dice.fork(), sabotage, &fixtures.genesis, &fixtures.members);
                Node::new(id, usize::try_from(id).unwrap() - 1, disk, dice.below(2000))
            })
            .collect();
        let mut world = Self {
            seed,
            now: 0,
            base: Instant::now(),
            disks: nodes.iter().map(|node| node.disk.clone()).collect(),
            nodes,
            network: Network::new(dice.fork()),
            events: BTreeMap::new(),
            fixtures,
            checks: Checks::default(),
            clients: Vec::new(),
            next_transaction: 0,
            weather: Weather::drawn(&mut dice),
            is_calm: false,
            ends_next_voter: false,
            tally: Tally::default(),
            is_told,
            sabotage,
            dice,
        };
        world.tell(|| format!("{voters} voters, {learners} learners, {:?}", world.weather));
        for id in 1..=voters + learners {
            world.start(id);
        }
        world.admit_clients();
        world.after(SECOND, Event::Fault);
        world.after(SECOND, Event::Read);
        world
    }

    /// Runs to the end: a time of faults, then a time without in which all must come right.
    pub(super) fn run(mut self) -> Tally {
        let faults_until = self.dice.between(3, 8) * SECOND;
        while self.now < faults_until && self.step() {}
        self.calm();
        let settled_until = self.now + SETTLED_WITHIN;
        while !self.is_settled() {
            assert!(self.now < settled_until, "liveness: not settled {SETTLED_WITHIN} us after the last fault");
            assert!(self.step(), "nothing happens any more");
        }
        let wanted = self.wanted();
        for node in self.nodes.iter().filter(|node| wanted.contains_key(&node.id)) {
            let process = node.process.as_ref().unwrap();
            let used = self.fixtures.transactions.iter().take(usize::try_from(self.next_transaction).unwrap());
            self.checks.end(node.id, process, used.map(|(leaf, _)| *leaf));
        }
        Tally {
            acknowledged: self.checks.acknowledged.len() as u64,
            elections: self.checks.elections(),
            entries: self.checks.commit(),
            time: self.now,
            ..self.tally
        }
    }

    pub(super) fn tell(&self, what: impl FnOnce() -> String) {
        if self.is_told {
            println!("{:>10} {}", self.now, what());
        }
    }

    pub(super) fn after(&mut self, delay: u64, event: Event) {
        self.at(self.now + delay, event);
    }

    fn at(&mut self, time: u64, event: Event) {
        self.tally.events += 1;
        self.events.insert((time, self.tally.events), event);
    }

    pub(super) fn node(&mut self, id: u64) -> &mut Node {
        &mut self.nodes[usize::try_from(id).unwrap() - 1]
    }

    /// The next event; answers whether there was one.
    fn step(&mut self) -> bool {
        let Some(((time, number), event)) = self.events.pop_first() else { return false };
        self.now = time;
        self.tally.trace = mix(&[self.tally.trace, time, number]);
        match event {
            Event::Frame { from, to, bytes } => self.deliver(from, to, &bytes),
            Event::Round(id, boot) => self.round(id, boot),
            Event::Apply(id, boot) => self.apply(id, boot),
            Event::Client(number) => self.client(number),
            Event::Read => self.read(),
            Event::Fault => self.fault(),
            Event::Mend(id) => self.mend(id),
            Event::Back(id) => self.start(id),
        }
        true
    }

    /// Starts a node's process.
    pub(super) fn start(&mut self, id: u64) {
        let (base, now) = (self.base + Duration::from_micros(self.now), self.now);
        let (fixtures, seed, sabotage) = (self.fixtures.clone(), self.seed, self.sabotage);
        let (spread, timing) = (self.weather.spread, self.weather.timing());
        let node = self.node(id);
        if node.process.is_some() {
            return;
        }
        node.boot += 1;
        node.commit = 0;
        let started = Process::start(
            id,
            node.boot,
            (&node.disk, &node.room),
            &node.wall,
            (&fixtures, sabotage, timing),
            (base, now),
        );
        let mut process = started.unwrap_or_else(|error| panic!("node {id} does not start: {error}"));
        process.set_election_timeout(seed, now, spread);
        let boot = node.boot;
        node.process = Some(process);
        self.tell(|| format!("node {id} starts"));
        self.after(0, Event::Round(id, boot));
    }

    /// Ends a node's process.
    pub(super) fn end(&mut self, id: u64, how: End) {
        let node = self.node(id);
        if node.process.take().is_some() {
            node.disk.end(how);
            self.tally.ends += 1;
            self.tell(|| format!("node {id} ends: {how:?}"));
        }
    }

    fn deliver(&mut self, from: u64, to: u64, bytes: &[u8]) {
        let algorithm = self.fixtures.algorithm;
        let speaker = self.node(from).department;
        let frame = Frame::decode(&bytes[4..]).unwrap();
        if let Frame::Raft(message) = &frame {
            self.checks.heard(message);
        }
        let hears = |process: &&mut Process| process.hears(speaker, from);
        let Some(process) = self.node(to).process.as_mut().filter(hears) else { return };
        match frame {
            Frame::Raft(message) if process.is_odd(&message) => return,
            Frame::Raft(message) => process.leave(Input::Raft(Box::new(message))),
            Frame::Forward(tx) => {
                let leaf = tx.leaf(algorithm);
                if !process.submit(to, leaf, tx, true) {
                    return;
                }
            }
            other => panic!("node {from} sent {other:?}"),
        }
        self.wake(to);
    }

    /// Brings a node's next round forward, for something lies in its mailbox.
    pub(super) fn wake(&mut self, id: u64) {
        let now = self.now;
        let node = self.node(id);
        let boot = node.boot;
        let Some(process) = &mut node.process else { return };
        let at = process.busy_until.max(now);
        if at < process.round_at || process.round_at < now {
            process.round_at = at;
            self.at(at, Event::Round(id, boot));
        }
    }

    fn round(&mut self, id: u64, boot: u64) {
        let (now, seed, instant) = (self.now, self.seed, self.base + Duration::from_micros(self.now));
        let spread = self.weather.spread;
        let node = self.node(id);
        let Some(process) = node.process.as_mut().filter(|process| node.boot == boot && process.round_at == now) else {
            return;
        };
        node.wall.0.store(NOON.0 + now / 1000 + node.ahead, Ordering::Relaxed);
        let outcome = process.round(instant);
        process.set_election_timeout(seed, now, spread);
        let lapse = node.disk.take_lapse();
        process.busy_until = now + lapse + 20;
        let patience = u64::try_from(process.patience(instant).as_micros()).unwrap();
        process.round_at = process.busy_until.max(now + patience);
        let next = process.round_at;
        self.check_round(id);
        self.send(id);
        if let Err(error) = outcome {
            assert!(self.node(id).disk.has_failed(), "node {id} ends, though its disk is well: {error}");
            self.end(id, End::PowerCut);
            let pause = self.dice.below(SECOND);
            self.after(pause, Event::Back(id));
            return;
        }
        if self.ends_next_voter && self.node(id).process.as_mut().is_some_and(Process::has_voted) {
            self.ends_next_voter = false;
            self.end(id, End::PowerCut);
            let pause = self.dice.below(1500);
            self.after(pause, Event::Back(id));
            return;
        }
        self.at(next, Event::Round(id, boot));
        self.plan_apply(id, lapse);
        self.answer_reads(id);
    }

    /// Puts on their way the frames that a node has sent.
    pub(super) fn send(&mut self, id: u64) {
        let Some(process) = &self.node(id).process else { return };
        for letter in process.outbox.take() {
            for delay in self.network.delays(id, letter.to) {
                let (from, to, bytes) = (id, letter.to, letter.bytes.clone());
                self.after(letter.lapse + delay, Event::Frame { from, to, bytes });
            }
        }
    }

    fn check_round(&mut self, id: u64) {
        let node = &mut self.nodes[usize::try_from(id).unwrap() - 1];
        let Some(process) = &node.process else { return };
        self.checks.written(id, &node.disk);
        let (commit, term) = (process.commit(), process.term());
        assert!(commit >= node.commit, "the commit index of node {id} went back from {} to {commit}", node.commit);
        node.commit = commit;
        if process.is_leader() {
            self.checks.leads(id, term, &node.disk);
        }
        // An entry may be committed by those whom it ends: members before and after the round count.
        let (before, after) = (node.members.take(), process.members());
        let is_news = before.as_ref() != Some(&after);
        node.members = Some(after);
        if commit > self.checks.commit() {
            let members: Vec<_> = self.nodes.iter().filter_map(|node| node.members.clone()).chain(before).collect();
            self.checks.committed((id, term), commit, &self.disks, &members);
        } else {
            self.checks.committed((id, term), commit, &self.disks, &[]);
        }
        if is_news {
            self.tell(|| format!("node {id} knows {:?}", self.nodes[usize::try_from(id).unwrap() - 1].members));
        }
    }

    fn plan_apply(&mut self, id: u64, lapse: u64) {
        let delay = lapse + self.dice.below(3000);
        let at = self.now + delay;
        let node = self.node(id);
        let boot = node.boot;
        let Some(process) = &mut node.process else { return };
        if process.has_to_apply() && process.apply_at.is_none() {
            process.apply_at = Some(at);
            self.at(at, Event::Apply(id, boot));
        }
    }

    fn apply(&mut self, id: u64, boot: u64) {
        let node = &mut self.nodes[usize::try_from(id).unwrap() - 1];
        let Some(process) = node.process.as_mut().filter(|_| node.boot == boot) else { return };
        process.apply_at = None;
        for (index, leaves) in process.apply(&node.disk) {
            // Of several entries applied together, the last one's state is compared.
            if index == process.ledger.applied() {
                self.checks.applied(id, index, &process.ledger);
            }
            for leaf in leaves {
                self.checks.acknowledged.extend(super::clients::acknowledge(&mut self.clients, id, &leaf));
            }
        }
        self.plan_apply(id, 0);
        self.answer_reads(id);
    }

    fn answer_reads(&mut self, id: u64) {
        let node = &mut self.nodes[usize::try_from(id).unwrap() - 1];
        let Some(process) = &mut node.process else { return };
        for read in process.answered() {
            self.checks.read(id, read.acknowledged, &process.ledger);
            self.tally.reads += 1;
        }
    }

    /// The faults end; every node is asked to take one more transaction.
    fn calm(&mut self) {
        self.tell(|| "the faults end".into());
        self.is_calm = true;
        self.ends_next_voter = false;
        self.weather.spread = u64::MAX;
        if self.sabotage == Some(Sabotage::CutForEver) {
            self.network.quality.lost = 1000;
            return self.admit_last_clients();
        }
        self.network.heal();
        self.network.quality = Quality::GOOD;
        for id in 1..=self.nodes.len() as u64 {
            self.node(id).disk.mend();
            self.node(id).room.pretend(Verdict::Enough);
            self.node(id).disk.set_sync_max(1000);
            self.mend(id);
            self.start(id);
        }
        self.admit_last_clients();
    }

    fn is_settled(&self) -> bool {
        let commit = self.checks.commit();
        let has_all = |node: &Node| {
            node.process.as_ref().is_some_and(|process| {
                process.ledger.applied() == commit && process.reads.is_empty() && process.is_settled()
            })
        };
        let wanted = self.wanted();
        // A node that is out hears nothing any more, and need not.
        self.nodes.iter().filter(|node| wanted.contains_key(&node.id)).all(has_all)
            && self.clients.iter().all(|client| client.is_done(&wanted))
    }
}
