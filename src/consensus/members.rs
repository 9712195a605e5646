//! Who is a member of consensus: changes are entries of the log, made by the driver when they are committed.

use protobuf::Message as _;
use raft::eraftpb::{ConfChange, ConfChangeV2, Entry, EntryType};

use super::ConsensusError;
use super::driver::Driver;
use super::log_view;
use super::ports::{Log as _, Ports, StableStore as _};

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
}
