//! The steward: which one change brings consensus' members nearer to what the ledger wants. Pure; the leader's driver
//! makes the change (`members`), and every node can tell what is waited for.

use std::collections::{BTreeMap, BTreeSet};

use raft::eraftpb::{ConfChangeSingle, ConfChangeTransition, ConfChangeType, ConfChangeV2, ConfState};
use serde::Serialize;

/// A node that lacks no more log entries than this has caught up: a few hundredths of a second under full load.
pub const CAUGHT_UP_ENTRIES: u64 = 256;

/// The members of consensus, as the log has made them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Configuration {
    /// Who votes.
    pub voters: BTreeSet<u64>,
    /// Who voted before, while the change is under way: then both majorities must agree.
    pub outgoing: BTreeSet<u64>,
    /// Who only learns, or will once the change is made.
    pub learners: BTreeSet<u64>,
}

impl From<&ConfState> for Configuration {
    fn from(state: &ConfState) -> Self {
        Self {
            voters: state.voters.iter().copied().collect(),
            outgoing: state.voters_outgoing.iter().copied().collect(),
            learners: state.learners.iter().chain(&state.learners_next).copied().collect(),
        }
    }
}

impl Configuration {
    /// Whether it is on its way from one set of voters to another.
    pub fn is_joint(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Whether a node takes part.
    pub fn contains(&self, node_id: u64) -> bool {
        [&self.voters, &self.outgoing, &self.learners].iter().any(|set| set.contains(&node_id))
    }
}

/// What is to happen next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "step")]
pub enum Step {
    /// Consensus is as the ledger wants it.
    Settled,
    /// Nothing can be done yet.
    Wait(Waits),
    /// A node begins to learn.
    AddLearner {
        /// Which.
        node_id: u64,
    },
    /// A node that does not vote leaves.
    Remove {
        /// Which.
        node_id: u64,
    },
    /// Others vote.
    SetVoters {
        /// All voters after it.
        voters: BTreeSet<u64>,
    },
    /// The leader would lose its vote: another leads first.
    HandOver {
        /// Who.
        node_id: u64,
    },
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "waits_for")]
pub enum Waits {
    /// A leader that knows the whole ledger.
    Leader,
    /// The end of a change of voters.
    Joint,
    /// A node that was not heard lately.
    Unheard {
        /// Which.
        node_id: u64,
    },
    /// A node that has not caught up.
    Lagging {
        /// Which.
        node_id: u64,
        /// Log entries that it lacks.
        lag: u64,
    },
    /// A majority of the voters to be.
    Majority,
}

/// What the steward sees.
pub(super) struct View<'a, H: Fn(u64) -> Option<u64>> {
    pub(super) leader: u64,
    pub(super) configuration: &'a Configuration,
    /// The nodes that the ledger wants, and whether each shall vote.
    pub(super) wanted: &'a BTreeMap<u64, bool>,
    /// Log entries that a node lacks; nothing when it was not heard lately.
    pub(super) lag: H,
}

impl<H: Fn(u64) -> Option<u64>> View<'_, H> {
    /// The next step.
    pub(super) fn plan(&self) -> Step {
        let Self { configuration, wanted, .. } = self;
        if configuration.is_joint() {
            return Step::Wait(Waits::Joint);
        }
        if let Some(node_id) = wanted.keys().copied().find(|node_id| !configuration.contains(*node_id)) {
            return Step::AddLearner { node_id };
        }
        let target: BTreeSet<u64> = wanted.iter().filter(|(_, votes)| **votes).map(|(node_id, _)| *node_id).collect();
        if !target.is_empty() && target != configuration.voters {
            return self.towards(target);
        }
        let left = configuration.learners.iter().find(|node_id| !wanted.contains_key(node_id));
        left.map_or(Step::Settled, |node_id| Step::Remove { node_id: *node_id })
    }

    fn towards(&self, mut target: BTreeSet<u64>) -> Step {
        let present = &self.configuration.voters;
        if let Some(waits) = target.difference(present).find_map(|node_id| self.not_fit(*node_id)) {
            return Step::Wait(waits);
        }
        if !target.contains(&self.leader) {
            let heirs: Vec<u64> = target.intersection(present).copied().collect();
            let fit = heirs.iter().filter_map(|node_id| Some(((self.lag)(*node_id)?, *node_id))).min();
            match (fit, heirs.first()) {
                (Some((_, node_id)), _) => return Step::HandOver { node_id },
                (None, Some(node_id)) => return Step::Wait(Waits::Unheard { node_id: *node_id }),
                // None of those who shall vote does yet: for a while they vote beside the leader.
                (None, None) => target.insert(self.leader),
            };
        }
        let heard = target.iter().filter(|node_id| **node_id == self.leader || (self.lag)(**node_id).is_some());
        if heard.count() * 2 <= target.len() {
            return Step::Wait(Waits::Majority);
        }
        Step::SetVoters { voters: target }
    }

    fn not_fit(&self, node_id: u64) -> Option<Waits> {
        match (self.lag)(node_id) {
            None => Some(Waits::Unheard { node_id }),
            Some(lag) if lag > CAUGHT_UP_ENTRIES => Some(Waits::Lagging { node_id, lag }),
            Some(_) => None,
        }
    }
}

fn single(node_id: u64, kind: ConfChangeType) -> ConfChangeSingle {
    let mut change = ConfChangeSingle { node_id, ..ConfChangeSingle::default() };
    change.set_change_type(kind);
    change
}

/// The step as an entry of the log; nothing for a step that is none.
pub(super) fn change(step: &Step, configuration: &Configuration, wanted: &BTreeMap<u64, bool>) -> Option<ConfChangeV2> {
    let mut change = ConfChangeV2::default();
    let changes = match step {
        Step::AddLearner { node_id } => vec![single(*node_id, ConfChangeType::AddLearnerNode)],
        Step::Remove { node_id } => vec![single(*node_id, ConfChangeType::RemoveNode)],
        Step::SetVoters { voters } => {
            // Both majorities decide until the change is made; then it ends by itself.
            change.set_transition(ConfChangeTransition::Implicit);
            let leaves = |node_id: &u64| match wanted.contains_key(node_id) {
                true => single(*node_id, ConfChangeType::AddLearnerNode),
                false => single(*node_id, ConfChangeType::RemoveNode),
            };
            let comes = |node_id: &u64| single(*node_id, ConfChangeType::AddNode);
            let present = &configuration.voters;
            voters.difference(present).map(comes).chain(present.difference(voters).map(leaves)).collect()
        }
        Step::Settled | Step::Wait(_) | Step::HandOver { .. } => return None,
    };
    change.set_changes(changes.into());
    Some(change)
}

#[cfg(test)]
#[path = "steward_tests.rs"]
mod tests;
