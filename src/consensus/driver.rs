//! The thread that owns the raft library's node: its inputs, ticks and proposals. A round makes things durable before
//! it answers for them (`ready`). Time comes from outside, so that a simulation can drive it.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use raft::eraftpb::{HardState, Message, MessageType};
use raft::{RawNode, StateRole};
use tokio::sync::watch;

use crate::clock::{Millis, SharedClock};
use crate::ledger::block::Block;
use crate::storage::disk::Disk;

use super::ConsensusError;
use super::evidence::Guard;
use super::handoff::Handoff;
use super::log_view::LogView;
use super::mailbox::{Input, Mailbox};
use super::members::STEWARD_EVERY;
use super::membership::Membership;
use super::misfit;
use super::pool::Pool;
use super::ports::{Log as _, Ports, StableStore as _};
use super::reads::Reads;
use super::status::{DriverStatus, Leadership, NodeRole};

/// Inputs taken in one round, so that ticks and fsyncs are never put off for long.
const INPUTS_AT_ONCE: usize = 256;
/// Blocks proposed and not yet committed.
const BLOCKS_IN_FLIGHT_MAX: usize = 64;
/// How often the commit index alone is noted.
const COMMIT_NOTE_EVERY: Duration = Duration::from_secs(1);

/// What the driver works with.
pub(super) struct Parts<P: Ports> {
    pub(super) node: RawNode<LogView<P::Log>>,
    pub(super) log: Arc<P::Log>,
    pub(super) stable: P::Stable,
    pub(super) hard: HardState,
    pub(super) members_index: u64,
    pub(super) mailbox: Mailbox,
    pub(super) links: Arc<P::Outlet>,
    pub(super) pool: Arc<Pool>,
    pub(super) handoff: Arc<Handoff>,
    pub(super) reads: Reads,
    pub(super) leadership: watch::Sender<Leadership>,
    pub(super) status: Arc<Mutex<DriverStatus>>,
    pub(super) clock: SharedClock,
    pub(super) tick: Duration,
    pub(super) guard: Arc<Guard>,
    pub(super) disk: Arc<Disk>,
    pub(super) membership: Arc<Membership>,
}

/// What a leader's next block needs.
#[derive(Clone, Copy)]
struct Lead {
    term: u64,
    /// Height of the next block.
    height: u64,
    /// Time of the last block in the log, applied or not: blocks never go back in time, whatever this node's clock says.
    time: Millis,
}

/// The driver and its state.
pub(super) struct Driver<P: Ports> {
    pub(super) parts: Parts<P>,
    /// While this node leads.
    leading: Option<Lead>,
    /// Log indexes of own blocks that are not committed yet.
    pub(super) in_flight: VecDeque<u64>,
    /// Peers to which something could not be sent in this round.
    pub(super) unreachable: BTreeSet<u64>,
    pub(super) leader_heard: Option<Instant>,
    commit_noted: (u64, Instant),
    next_tick: Instant,
    pub(super) steward_next: Instant,
    /// The log as it was when this node began to lead.
    pub(super) led_from: Option<u64>,
    /// Looks of the steward that found the same joint configuration.
    pub(super) joint_looks: u32,
}

impl<P: Ports> Driver<P> {
    pub(super) fn new(parts: Parts<P>, now: Instant) -> Self {
        let commit_noted = (parts.hard.commit, now);
        let next_tick = now + parts.tick;
        Self {
            parts,
            leading: None,
            in_flight: VecDeque::new(),
            unreachable: BTreeSet::new(),
            leader_heard: None,
            commit_noted,
            next_tick,
            steward_next: now + STEWARD_EVERY,
            led_from: None,
            joint_looks: 0,
        }
    }

    /// Drives until told to stop. Any error is fatal to the process.
    pub(super) fn run(mut self, inputs: &Receiver<Input>) -> Result<(), ConsensusError> {
        self.publish();
        loop {
            let first = match inputs.recv_timeout(self.patience(Instant::now())) {
                Ok(input) => Some(input),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return self.finish(),
            };
            self.parts.mailbox.woken();
            let inputs = first.into_iter().chain(inputs.try_iter()).take(INPUTS_AT_ONCE);
            if !self.round(Instant::now(), inputs)? {
                return self.finish();
            }
        }
    }

    /// How long the next round may wait for inputs.
    pub(super) fn patience(&self, now: Instant) -> Duration {
        if self.parts.node.has_ready() { Duration::ZERO } else { self.next_tick.saturating_duration_since(now) }
    }

    /// One round: the inputs, a tick if it is due, what follows from them. Answers whether to go on.
    pub(super) fn round(
        &mut self,
        now: Instant,
        inputs: impl IntoIterator<Item = Input>,
    ) -> Result<bool, ConsensusError> {
        for input in inputs {
            if !self.take(now, input)? {
                return Ok(false);
            }
        }
        if now >= self.next_tick {
            self.tick();
            self.next_tick = (self.next_tick + self.parts.tick).max(now);
            self.parts.reads.expire(now);
            self.note_commit(now)?;
        }
        self.steward(now);
        self.ask_reads(now);
        self.propose();
        if self.parts.node.has_ready() {
            self.on_ready()?;
            self.propose();
        }
        for peer in std::mem::take(&mut self.unreachable) {
            self.parts.node.report_unreachable(peer);
        }
        self.publish();
        Ok(true)
    }

    /// A node that stands still goes on voting and storing, so that the others can go on; but it neither leads nor
    /// stands for election. Nor does one whose disk is full, which also hears nothing: see [`Driver::step`]. One that is
    /// out does not stand either; while it still leads, its steward hands over.
    fn tick(&mut self) {
        let may_lead = self.may_lead();
        let raft = &mut self.parts.node.raft;
        let is_out = self.parts.membership.is_out() && raft.state != StateRole::Leader;
        if !may_lead || is_out {
            if raft.state != StateRole::Follower {
                raft.become_follower(raft.term, raft::INVALID_ID);
            }
            if raft.election_elapsed + 1 >= raft.randomized_election_timeout() {
                return;
            }
        }
        self.parts.node.tick();
    }

    /// Takes an input; answers whether to go on.
    fn take(&mut self, now: Instant, input: Input) -> Result<bool, ConsensusError> {
        match input {
            Input::Stop => return Ok(false),
            Input::Raft(message) => {
                misfit::check(&self.parts.node.raft, &message)?;
                self.step(now, *message);
            }
            Input::Unreachable(peer) => self.parts.node.report_unreachable(peer),
            Input::Read(asker) => self.parts.reads.ask(asker),
            Input::Wake => {}
            #[cfg(test)]
            Input::Slip(entry) => self.parts.node.propose(Vec::new(), entry)?,
        }
        Ok(true)
    }

    fn step(&mut self, now: Instant, message: Message) {
        if !self.parts.disk.takes_work() {
            // As if unreachable: a leader must not count on a disk that could not take what it sends.
            return;
        }
        let from = message.from;
        let is_leader_s = matches!(message.get_msg_type(), MessageType::MsgAppend | MessageType::MsgHeartbeat);
        if let Err(error) = self.parts.node.step(message) {
            tracing::debug!(from, %error, "a raft message was passed over");
        }
        if is_leader_s && self.parts.node.raft.leader_id == from {
            self.leader_heard = Some(now);
        }
    }

    fn ask_reads(&mut self, now: Instant) {
        let Some(context) = self.parts.reads.begin(now) else { return };
        let raft = &self.parts.node.raft;
        let before = (raft.pending_read_count(), raft.ready_read_count());
        let has_leader = raft.leader_id != raft::INVALID_ID;
        self.parts.node.read_index(context);
        let raft = &self.parts.node.raft;
        let was_dropped =
            raft.state == StateRole::Leader && before == (raft.pending_read_count(), raft.ready_read_count());
        if was_dropped || !has_leader {
            self.parts.reads.give_up_last();
        }
    }

    pub(super) fn may_lead(&self) -> bool {
        !self.parts.guard.is_halted() && self.parts.disk.takes_work()
    }

    /// Proposes full blocks, and a part-filled one only when nothing is in flight: then waiting
    /// would gain nothing, and otherwise the block fills while others are on their way.
    fn propose(&mut self) {
        let Some(mut lead) = self.leading else { return };
        let raft = &self.parts.node.raft;
        if raft.state != StateRole::Leader || raft.term != lead.term || !self.may_lead() {
            return;
        }
        while self.in_flight.len() < BLOCKS_IN_FLIGHT_MAX {
            let packed = self.parts.pool.take_block(self.in_flight.is_empty());
            if packed.is_empty() {
                break;
            }
            let transactions = packed.iter().map(|(_, tx)| tx.clone()).collect();
            let time = self.parts.clock.now().max(lead.time);
            let block = Block { height: lead.height, time, transactions };
            if let Err(error) = self.parts.node.propose(Vec::new(), block.encode()) {
                tracing::debug!(%error, "a block was not proposed; its transactions wait");
                self.parts.pool.put_back(packed);
                break;
            }
            (lead.height, lead.time) = (lead.height.saturating_add(1), time);
            self.in_flight.push_back(self.parts.node.raft.raft_log.last_index());
        }
        self.leading = Some(lead);
    }

    pub(super) fn note_leadership(&mut self) -> Result<(), ConsensusError> {
        let raft = &self.parts.node.raft;
        let leads_in = (raft.state == StateRole::Leader).then_some(raft.term);
        if leads_in == self.leading.map(|lead| lead.term) {
            return Ok(());
        }
        self.in_flight.clear();
        self.parts.pool.set_leading(leads_in.is_some());
        self.leading = None;
        self.led_from = leads_in.map(|_| self.parts.log.last_index());
        if let Some(term) = leads_in {
            self.parts.handoff.led(term);
            self.leading = Some(self.lead(term)?);
            tracing::info!(term, "this node leads");
        }
        Ok(())
    }

    /// What follows the last block in the log, committed or not: a leader never loses entries of its
    /// own log.
    fn lead(&self, term: u64) -> Result<Lead, ConsensusError> {
        for index in (1..=self.parts.log.last_index()).rev() {
            let record = self.parts.log.entry(index)?;
            if let Some(block) = Some(record).filter(|r| r.kind == 0).and_then(|r| Block::decode(&r.data).ok()) {
                return Ok(Lead { term, height: block.height.saturating_add(1), time: block.time });
            }
        }
        Err(ConsensusError::NotInitialised)
    }

    /// Losing the note costs nothing but a later start of replay, so it is not flushed.
    fn note_commit(&mut self, now: Instant) -> Result<(), ConsensusError> {
        let (noted, at) = self.commit_noted;
        if self.parts.hard.commit != noted && now.saturating_duration_since(at) >= COMMIT_NOTE_EVERY {
            self.parts.stable.put_hard_state(&self.parts.hard)?;
            self.commit_noted = (self.parts.hard.commit, now);
        }
        Ok(())
    }

    fn publish(&mut self) {
        let raft = &self.parts.node.raft;
        let leader = (raft.leader_id != raft::INVALID_ID).then_some(raft.leader_id);
        let role = match raft.state {
            StateRole::Leader => NodeRole::Leader,
            StateRole::Candidate | StateRole::PreCandidate => NodeRole::Candidate,
            StateRole::Follower if raft.promotable() => NodeRole::Follower,
            StateRole::Follower => NodeRole::Learner,
        };
        // A leader is announced only when this driver is ready to take its proposals.
        let is_ready = role != NodeRole::Leader || self.leading.is_some();
        let status = DriverStatus {
            role,
            leader,
            term: raft.term,
            commit: self.parts.hard.commit,
            last_index: self.parts.log.last_index(),
            leader_heard: self.leader_heard,
        };
        *self.parts.status.lock() = status;
        let leadership = Leadership { leader: leader.filter(|_| is_ready), term: raft.term };
        self.parts.leadership.send_if_modified(|known| {
            let is_news = *known != leadership;
            *known = leadership;
            is_news
        });
    }

    fn finish(self) -> Result<(), ConsensusError> {
        self.parts.stable.put_hard_state(&self.parts.hard)?;
        Ok(self.parts.stable.flush()?)
    }
}
