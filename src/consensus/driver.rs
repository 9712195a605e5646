//! The thread that owns the raft library's node: ticks, messages, proposals, and the loop that
//! makes things durable before it answers for them.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use protobuf::Message as _;
use raft::eraftpb::{ConfChange, ConfChangeV2, Entry, EntryType, HardState, Message, MessageType};
use raft::{RawNode, Ready, StateRole};
use tokio::sync::watch;

use crate::clock::{Millis, SharedClock};
use crate::ledger::block::Block;
use crate::storage::ledger_log::LedgerLog;

use super::ConsensusError;
use super::evidence::Guard;
use super::frame::Frame;
use super::handoff::Handoff;
use super::log_view::{self, LogView};
use super::pool::Pool;
use super::reads::{Asker, Reads};
use super::stable::Stable;
use super::status::{DriverStatus, Leadership, NodeRole};
use super::transport::{Links, Sent};

const MAILBOX_MAX: usize = 1024;
/// Inputs taken in one round, so that ticks and fsyncs are never put off for long.
const INPUTS_AT_ONCE: usize = 256;
/// Blocks proposed and not yet committed.
const BLOCKS_IN_FLIGHT_MAX: usize = 64;
/// How often the commit index alone is noted.
const COMMIT_NOTE_EVERY: Duration = Duration::from_secs(1);

/// What the driver is told.
pub(super) enum Input {
    /// A message of an authenticated peer.
    Raft(Box<Message>),
    /// The pool has work.
    Wake,
    /// A peer's connection broke.
    Unreachable(u64),
    /// Someone wants a fresh read.
    Read(Asker),
    /// End.
    Stop,
    /// What a dishonest leader could propose.
    #[cfg(test)]
    Slip(Vec<u8>),
}

/// The driver's bounded mailbox.
#[derive(Clone)]
pub(super) struct Mailbox {
    sender: SyncSender<Input>,
    awake: Arc<AtomicBool>,
}

impl Mailbox {
    pub(super) fn new() -> (Self, Receiver<Input>) {
        let (sender, receiver) = sync_channel(MAILBOX_MAX);
        (Self { sender, awake: Arc::default() }, receiver)
    }

    /// Leaves an input unless the mailbox is full: raft and whoever asks repeat what is lost.
    pub(super) fn leave(&self, input: Input) {
        if let Err(TrySendError::Full(_)) = self.sender.try_send(input) {
            tracing::debug!("the driver's mailbox is full");
        }
    }

    /// Makes the driver look into the pool; costs nothing while it is going to anyway.
    pub(super) fn wake(&self) {
        if !self.awake.swap(true, Ordering::AcqRel) {
            self.leave(Input::Wake);
        }
    }

    /// Ends the driver, after what lies in the mailbox.
    pub(super) fn stop(&self) {
        // Fails only when the driver has ended already.
        let _ = self.sender.send(Input::Stop);
    }
}

/// What the driver works with.
pub(super) struct Parts {
    pub(super) node: RawNode<LogView>,
    pub(super) log: Arc<LedgerLog>,
    pub(super) stable: Stable,
    pub(super) hard: HardState,
    pub(super) members_index: u64,
    pub(super) inputs: Receiver<Input>,
    pub(super) mailbox: Mailbox,
    pub(super) links: Arc<Links>,
    pub(super) pool: Arc<Pool>,
    pub(super) handoff: Arc<Handoff>,
    pub(super) reads: Reads,
    pub(super) leadership: watch::Sender<Leadership>,
    pub(super) status: Arc<Mutex<DriverStatus>>,
    pub(super) clock: SharedClock,
    pub(super) tick: Duration,
    pub(super) guard: Arc<Guard>,
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
pub(super) struct Driver {
    parts: Parts,
    /// While this node leads.
    leading: Option<Lead>,
    /// Log indexes of own blocks that are not committed yet.
    in_flight: VecDeque<u64>,
    unreachable: BTreeSet<u64>,
    leader_heard: Option<Instant>,
    commit_noted: (u64, Instant),
}

impl Driver {
    pub(super) fn new(parts: Parts) -> Self {
        let commit_noted = (parts.hard.commit, Instant::now());
        Self {
            parts,
            leading: None,
            in_flight: VecDeque::new(),
            unreachable: BTreeSet::new(),
            leader_heard: None,
            commit_noted,
        }
    }

    /// Drives until told to stop. Any error is fatal to the process.
    pub(super) fn run(mut self) -> Result<(), ConsensusError> {
        let mut next_tick = Instant::now() + self.parts.tick;
        self.publish();
        loop {
            let is_busy = self.parts.node.has_ready();
            let wait = if is_busy { Duration::ZERO } else { next_tick.saturating_duration_since(Instant::now()) };
            if !self.inputs(wait)? {
                return self.finish();
            }
            let now = Instant::now();
            if now >= next_tick {
                self.tick();
                next_tick = (next_tick + self.parts.tick).max(now);
                self.parts.reads.expire();
                self.note_commit()?;
            }
            self.ask_reads();
            self.propose();
            if self.parts.node.has_ready() {
                self.on_ready()?;
                self.propose();
            }
            for peer in std::mem::take(&mut self.unreachable) {
                self.parts.node.report_unreachable(peer);
            }
            self.publish();
        }
    }

    /// A node that stands still goes on voting and storing, so that the others can go on; but it neither leads nor
    /// stands for election.
    fn tick(&mut self) {
        let raft = &mut self.parts.node.raft;
        if self.parts.guard.is_halted() {
            if raft.state != StateRole::Follower {
                raft.become_follower(raft.term, raft::INVALID_ID);
            }
            if raft.election_elapsed + 1 >= raft.randomized_election_timeout() {
                return;
            }
        }
        self.parts.node.tick();
    }

    /// Takes what lies in the mailbox; answers whether to go on.
    fn inputs(&mut self, wait: Duration) -> Result<bool, ConsensusError> {
        let mut next = match self.parts.inputs.recv_timeout(wait) {
            Ok(input) => Some(input),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return Ok(false),
        };
        self.parts.mailbox.awake.store(false, Ordering::Release);
        for _ in 0..INPUTS_AT_ONCE {
            match next {
                Some(Input::Stop) => return Ok(false),
                Some(Input::Raft(message)) => self.step(*message),
                Some(Input::Unreachable(peer)) => self.parts.node.report_unreachable(peer),
                Some(Input::Read(asker)) => self.parts.reads.ask(asker),
                Some(Input::Wake) => {}
                #[cfg(test)]
                Some(Input::Slip(entry)) => self.parts.node.propose(Vec::new(), entry)?,
                None => break,
            }
            next = self.parts.inputs.try_recv().ok();
        }
        Ok(true)
    }

    fn step(&mut self, message: Message) {
        let from = message.from;
        let is_leader_s = matches!(message.get_msg_type(), MessageType::MsgAppend | MessageType::MsgHeartbeat);
        if let Err(error) = self.parts.node.step(message) {
            tracing::debug!(from, %error, "a raft message was passed over");
        }
        if is_leader_s && self.parts.node.raft.leader_id == from {
            self.leader_heard = Some(Instant::now());
        }
    }

    fn ask_reads(&mut self) {
        let Some(context) = self.parts.reads.begin() else { return };
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

    /// Proposes full blocks, and a part-filled one only when nothing is in flight: then waiting
    /// would gain nothing, and otherwise the block fills while others are on their way.
    fn propose(&mut self) {
        let Some(mut lead) = self.leading else { return };
        let raft = &self.parts.node.raft;
        if raft.state != StateRole::Leader || raft.term != lead.term || self.parts.guard.is_halted() {
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

    /// One round of making durable, sending and handing over, in the order that raft demands.
    fn on_ready(&mut self) -> Result<(), ConsensusError> {
        let mut ready = self.parts.node.ready();
        // A leader's messages may go out while it syncs its own log.
        self.send(ready.take_messages());
        if !ready.snapshot().is_empty() {
            return Err(ConsensusError::Inconsistent("a snapshot came, though nothing is ever compacted".into()));
        }
        self.store(&ready)?;
        self.send(ready.take_persisted_messages());
        self.note_leadership()?;
        for state in ready.take_read_states() {
            self.parts.reads.confirmed(&state.request_ctx, state.index);
        }
        self.committed(ready.take_committed_entries())?;
        let mut light = self.parts.node.advance_append(ready);
        if let Some(commit) = light.commit_index() {
            self.parts.hard.commit = commit;
        }
        self.send(light.take_messages());
        self.committed(light.take_committed_entries())?;
        // Handed over is as good as applied for raft: changes of members are made by this thread,
        // and the apply thread reads what it needs from the log.
        self.parts.node.advance_apply();
        Ok(())
    }

    fn store(&mut self, ready: &Ready) -> Result<(), ConsensusError> {
        let records: Vec<_> = ready.entries().iter().map(log_view::record).collect();
        self.parts.log.append(&records)?;
        let mut voted = false;
        if let Some(hard) = ready.hs() {
            voted = hard.term != self.parts.hard.term || hard.vote != self.parts.hard.vote;
            self.parts.hard = hard.clone();
        }
        if ready.must_sync() {
            self.parts.log.sync()?;
        }
        if voted {
            // After the log: the commit index must not point beyond it.
            self.parts.stable.put_hard_state(&self.parts.hard)?;
            self.parts.stable.flush()?;
        }
        Ok(())
    }

    fn send(&mut self, messages: Vec<Message>) {
        for message in messages {
            let to = message.to;
            if self.parts.links.send(to, &Frame::Raft(message)) != Sent::Queued {
                self.unreachable.insert(to);
            }
        }
    }

    fn committed(&mut self, entries: Vec<Entry>) -> Result<(), ConsensusError> {
        let Some(last) = entries.last().map(|entry| entry.index) else { return Ok(()) };
        for entry in &entries {
            // By type, not by emptiness: the entry that leaves a joint configuration is empty.
            if entry.get_entry_type() != EntryType::EntryNormal {
                self.change_members(entry)?;
            }
        }
        while self.in_flight.front().is_some_and(|index| *index <= last) {
            self.in_flight.pop_front();
        }
        self.parts.handoff.push(entries);
        Ok(())
    }

    /// Makes a committed change of members, once. One that cannot be made is passed over, on every
    /// node alike.
    fn change_members(&mut self, entry: &Entry) -> Result<(), ConsensusError> {
        if entry.index <= self.parts.members_index {
            return Ok(());
        }
        let node = &mut self.parts.node;
        let changed = match entry.get_entry_type() {
            EntryType::EntryConfChange => ConfChange::parse_from_bytes(&entry.data)
                .map_err(raft::Error::from)
                .and_then(|change| node.apply_conf_change(&change)),
            _ => ConfChangeV2::parse_from_bytes(&entry.data)
                .map_err(raft::Error::from)
                .and_then(|change| node.apply_conf_change(&change)),
        };
        match changed {
            Ok(members) => {
                self.parts.members_index = entry.index;
                self.parts.stable.put_members(entry.index, &members)?;
                self.parts.stable.flush()?;
                tracing::info!(index = entry.index, ?members, "the members of consensus changed");
            }
            Err(error) => tracing::warn!(index = entry.index, %error, "a change of members was passed over"),
        }
        Ok(())
    }

    /// Makes the changes that were committed before a restart and not yet noted.
    pub(super) fn catch_up_members(&mut self) -> Result<(), ConsensusError> {
        for index in self.parts.members_index + 1..=self.parts.hard.commit {
            if self.parts.log.kind(index).is_some_and(|kind| kind != log_view::kind(EntryType::EntryNormal)) {
                let entry = log_view::entry(self.parts.log.entry(index)?);
                self.change_members(&entry)?;
            }
        }
        Ok(())
    }

    fn note_leadership(&mut self) -> Result<(), ConsensusError> {
        let raft = &self.parts.node.raft;
        let leads_in = (raft.state == StateRole::Leader).then_some(raft.term);
        if leads_in == self.leading.map(|lead| lead.term) {
            return Ok(());
        }
        self.in_flight.clear();
        self.parts.pool.set_leading(leads_in.is_some());
        self.leading = None;
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
    fn note_commit(&mut self) -> Result<(), ConsensusError> {
        let (noted, at) = self.commit_noted;
        if self.parts.hard.commit != noted && at.elapsed() >= COMMIT_NOTE_EVERY {
            self.parts.stable.put_hard_state(&self.parts.hard)?;
            self.commit_noted = (self.parts.hard.commit, Instant::now());
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
