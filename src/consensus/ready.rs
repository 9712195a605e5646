//! One round of the raft library's results: made durable, sent and handed over, in the order that raft demands.

use raft::Ready;
use raft::eraftpb::{Entry, EntryType, Message};

use super::ConsensusError;
use super::driver::Driver;
use super::frame::Frame;
use super::log_view;
use super::ports::{Log as _, Outlet as _, Ports, StableStore as _};
use super::transport::Sent;

impl<P: Ports> Driver<P> {
    /// Handles what is ready. Nothing may step, propose or campaign meanwhile.
    pub(super) fn on_ready(&mut self) -> Result<(), ConsensusError> {
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
}
