//! Who is a member of consensus: changes are entries of the log, made by the driver when they are committed. The
//! leader's driver proposes them, as the steward says.

use std::time::{Duration, Instant};

use protobuf::Message as _;
use raft::StateRole;
use raft::eraftpb::{ConfChange, ConfChangeV2, Entry, EntryType};

use super::ConsensusError;
use super::driver::Driver;
use super::log_view;
use super::ports::{Log as _, Ports, StableStore as _};
use super::steward::{Step, View, Waits, change};

/// How often the steward looks.
pub(super) const STEWARD_EVERY: Duration = Duration::from_millis(200);
/// Looks after which a joint configuration that does not end by itself is ended: its leader may have lost the lead
/// between entering and leaving it.
const JOINT_LOOKS_MAX: u32 = 10;
/// After this silence a node no longer relies on knowing who the others are.
const LOST_AFTER: Duration = Duration::from_secs(2);

impl<P: Ports> Driver<P> {
    /// Makes a committed change of members, once. One that cannot be made is passed over, on every
    /// node alike.
    pub(super) fn change_members(&mut self, entry: &Entry) -> Result<(), ConsensusError> {
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
                let raft = &mut node.raft;
                if raft.state == StateRole::Leader && raft.prs().get(raft.id).is_none() {
                    // The library goes on as if such a leader had a vote, and panics at its next commit.
                    let term = raft.term;
                    raft.become_follower(term, raft::INVALID_ID);
                }
                self.parts.membership.changed(&members);
                self.parts.members_index = entry.index;
                self.parts.stable.put_members(entry.index, &members)?;
                self.parts.stable.flush()?;
                tracing::info!(index = entry.index, ?members, "the members of consensus changed");
            }
            Err(error) => tracing::warn!(index = entry.index, %error, "a change of members was passed over"),
        }
        Ok(())
    }

    /// On the leader: brings the members of consensus one step nearer to what the ledger wants.
    pub(super) fn steward(&mut self, now: Instant) {
        if now < self.steward_next {
            return;
        }
        self.steward_next = now + STEWARD_EVERY;
        let is_leader = self.parts.node.raft.state == StateRole::Leader;
        let is_silent = |heard: Instant| now.saturating_duration_since(heard) > LOST_AFTER;
        self.parts.membership.lost(!is_leader && self.leader_heard.is_none_or(is_silent));
        let step = (is_leader && self.may_lead()).then(|| self.next_step());
        if step != Some(Step::Wait(Waits::Joint)) {
            self.joint_looks = 0;
        }
        if let Some(step) = &step {
            self.take_step(step);
        }
        self.parts.membership.stepped(step);
    }

    fn next_step(&self) -> Step {
        let membership = &self.parts.membership;
        // What the ledger said before this node led is applied: a younger word may be in the log, an older one is none.
        if self.led_from.is_none_or(|from| membership.applied_index() < from) {
            return Step::Wait(Waits::Leader);
        }
        let raft = &self.parts.node.raft;
        let (commit, own) = (raft.raft_log.committed, raft.id);
        let lag = |node_id: u64| {
            let progress = raft.prs().get(node_id).filter(|progress| progress.recent_active || node_id == own)?;
            // The library takes a node that was just added for an active one; one that answered has the genesis block.
            let progress = Some(progress).filter(|progress| progress.matched > 0)?;
            Some(commit.saturating_sub(progress.matched))
        };
        let (configuration, wanted) = (membership.configuration(), membership.wanted().votes());
        View { leader: own, configuration: &configuration, wanted: &wanted, lag }.plan()
    }

    fn take_step(&mut self, step: &Step) {
        let node = &mut self.parts.node;
        if node.raft.has_pending_conf() || node.raft.lead_transferee.is_some() {
            return;
        }
        if let Step::HandOver { node_id } = step {
            tracing::info!(node_id, "another node is to lead");
            return node.transfer_leader(*node_id);
        }
        let membership = &self.parts.membership;
        let proposal = if *step == Step::Wait(Waits::Joint) {
            self.joint_looks += 1;
            (self.joint_looks > JOINT_LOOKS_MAX).then(ConfChangeV2::default)
        } else {
            change(step, &membership.configuration(), &membership.wanted().votes())
        };
        let Some(proposal) = proposal else { return };
        // A proposal that comes to nothing is made again: the next look sees what the members are then.
        match node.propose_conf_change(Vec::new(), proposal) {
            Ok(()) => tracing::info!(?step, "a change of members is proposed"),
            Err(error) => tracing::debug!(?step, %error, "a change of members was not proposed"),
        }
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
}
