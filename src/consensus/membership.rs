//! Who shall be in consensus, who is, and who may speak: the ledger's word and the log's, as all threads see them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use raft::eraftpb::ConfState;
use serde::Serialize;
use tokio::sync::watch;

use crate::domain::node::{Member, NodePlace};
use crate::ids::DepartmentId;
use crate::state::State;

use super::steward::{Configuration, Step};

/// What the ledger says of nodes, as far as this node has applied it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The nodes that shall be in consensus, by number.
    pub members: BTreeMap<u64, Member>,
    /// Numbers whose nodes were replaced or removed.
    pub old: BTreeMap<u64, DepartmentId>,
    /// Those of them that were removed, and so may speak until consensus has let them go.
    pub(super) leaving: BTreeMap<u64, Option<NodePlace>>,
    departments: BTreeSet<DepartmentId>,
}

impl Wanted {
    fn of(state: &State) -> Self {
        let members: BTreeMap<u64, Member> = state.members().map(|member| (member.node_id, member)).collect();
        let old = state.numbers().filter(|(number, _)| !members.contains_key(number));
        let removed = state.departments().filter_map(|known| state.node_record(&known.id).filter(|node| node.removed));
        Self {
            old: old.map(|(number, id)| (number, id.clone())).collect(),
            leaving: removed.map(|node| (node.node_id, node.place.clone())).collect(),
            departments: state.departments().map(|known| known.id.clone()).collect(),
            members,
        }
    }

    /// Each node, and whether it shall vote.
    pub(super) fn votes(&self) -> BTreeMap<u64, bool> {
        self.members.values().map(|member| (member.node_id, member.voter)).collect()
    }

    /// A department's node.
    pub fn of_department(&self, department: &DepartmentId) -> Option<&Member> {
        self.members.values().find(|member| &member.department == department)
    }

    fn standing(&self, node_id: u64) -> Standing {
        let successor = || self.of_department(self.old.get(&node_id)?).map(|member| member.node_id);
        match (self.members.contains_key(&node_id), self.old.contains_key(&node_id), successor()) {
            (true, ..) => Standing::Member,
            (_, true, Some(by)) => Standing::Replaced { by },
            (_, true, None) => Standing::Removed,
            (_, false, _) => Standing::Joining,
        }
    }
}

/// Where a node stands with its own ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "standing")]
pub enum Standing {
    /// Named, but not in the part of the ledger that it has.
    Joining,
    /// In consensus, or about to be.
    Member,
    /// Out of consensus for ever.
    Removed,
    /// Out of consensus for ever; another node has taken its place.
    Replaced {
        /// Which.
        by: u64,
    },
}

impl Standing {
    /// Whether the node is out for ever.
    pub fn is_out(self) -> bool {
        matches!(self, Self::Removed | Self::Replaced { .. })
    }
}

/// What all threads share of it.
pub(super) struct Membership {
    own: u64,
    mark: Mutex<Option<[[u8; 32]; 2]>>,
    wanted: watch::Sender<Arc<Wanted>>,
    configuration: watch::Sender<Arc<Configuration>>,
    applied: AtomicU64,
    is_out: AtomicBool,
    is_lost: AtomicBool,
    /// Numbers of nodes that spoke before this node had read of them, one a department.
    adopted: Mutex<BTreeMap<DepartmentId, u64>>,
    /// What the steward does, while this node leads.
    step: Mutex<Option<Step>>,
}

impl Membership {
    /// As the state after an entry of the log, and the log itself, have it at start.
    pub(super) fn new(own: u64, state: &State, raft_index: u64, members: &ConfState) -> Self {
        let membership = Self::bare(own, members);
        membership.applied(state, raft_index);
        membership
    }

    fn bare(own: u64, members: &ConfState) -> Self {
        Self {
            own,
            mark: Mutex::default(),
            wanted: watch::Sender::default(),
            configuration: watch::Sender::new(Arc::new(members.into())),
            applied: AtomicU64::new(0),
            is_out: AtomicBool::new(false),
            is_lost: AtomicBool::new(false),
            adopted: Mutex::default(),
            step: Mutex::default(),
        }
    }

    /// Looks what the ledger says, after an entry of the log was applied.
    pub(super) fn applied(&self, state: &State, raft_index: u64) {
        let mark = state.members_mark();
        if self.mark.lock().replace(mark) != Some(mark) {
            let wanted = Wanted::of(state);
            let standing = wanted.standing(self.own);
            if standing.is_out() && !self.is_out.swap(true, Ordering::Relaxed) {
                tracing::warn!(?standing, "the ledger says that this node is out of consensus: it votes no more");
            }
            self.wanted.send_if_modified(|known| {
                let is_news = **known != wanted;
                *known = Arc::new(wanted);
                is_news
            });
            // What the steward said before it knew this is no answer to who asked for it.
            self.stepped(None);
        }
        self.reached(raft_index);
    }

    /// So much is applied, with nothing about members in it.
    pub(super) fn reached(&self, raft_index: u64) {
        self.applied.store(raft_index, Ordering::Release);
    }

    /// The log index up to which [`Membership::wanted`] is known.
    pub(super) fn applied_index(&self) -> u64 {
        self.applied.load(Ordering::Acquire)
    }

    /// The log made a change.
    pub(super) fn changed(&self, members: &ConfState) {
        self.configuration.send_replace(Arc::new(members.into()));
        self.stepped(None);
    }

    pub(super) fn wanted(&self) -> Arc<Wanted> {
        self.wanted.borrow().clone()
    }

    pub(super) fn follow_wanted(&self) -> watch::Receiver<Arc<Wanted>> {
        self.wanted.subscribe()
    }

    pub(super) fn configuration(&self) -> Arc<Configuration> {
        self.configuration.borrow().clone()
    }

    pub(super) fn follow_configuration(&self) -> watch::Receiver<Arc<Configuration>> {
        self.configuration.subscribe()
    }

    pub(super) fn standing(&self) -> Standing {
        self.wanted.borrow().standing(self.own)
    }

    /// Whether the ledger says that this node is out for ever: then it stands for election no more.
    pub(super) fn is_out(&self) -> bool {
        self.is_out.load(Ordering::Relaxed)
    }

    /// Whether a department's node may speak under a number.
    pub(super) fn hears(&self, department: &DepartmentId, node_id: u64) -> bool {
        let wanted = self.wanted.borrow();
        if let Some(member) = wanted.members.get(&node_id) {
            return &member.department == department;
        }
        match wanted.old.get(&node_id) {
            Some(owner) => {
                let may_yet = wanted.leaving.contains_key(&node_id) && self.configuration.borrow().contains(node_id);
                owner == department && may_yet
            }
            None => self.adopted.lock().get(department) == Some(&node_id) || self.trusts(&wanted, department),
        }
    }

    /// The same, of a node that speaks now. A number that is nobody's yet, as far as this node knows, may be that of a
    /// newer node: one that is behind must hear the leader all the same.
    pub(super) fn admits(&self, department: &DepartmentId, node_id: u64) -> bool {
        let wanted = self.wanted.borrow().clone();
        let is_new = !wanted.members.contains_key(&node_id) && !wanted.old.contains_key(&node_id);
        if is_new && node_id != 0 && self.trusts(&wanted, department) {
            self.adopted.lock().insert(department.clone(), node_id);
        }
        self.hears(department, node_id)
    }

    /// Whether a department may connect at all.
    pub(super) fn may_connect(&self, department: &DepartmentId) -> bool {
        let wanted = self.wanted.borrow();
        wanted.departments.contains(department)
            || self.trusts(&wanted, department)
            || self.adopted.lock().contains_key(department)
    }

    /// Whether a department's node may have a number that this node has not read of: it has a node, and that may have
    /// been replaced; or this node has not read, or not heard, who there is.
    fn trusts(&self, wanted: &Wanted, department: &DepartmentId) -> bool {
        let is_lost = self.is_lost.load(Ordering::Relaxed) || wanted.standing(self.own) == Standing::Joining;
        is_lost || wanted.of_department(department).is_some()
    }

    /// Whether this node has heard no leader for a while.
    pub(super) fn lost(&self, is_lost: bool) {
        self.is_lost.store(is_lost, Ordering::Relaxed);
    }

    pub(super) fn stepped(&self, step: Option<Step>) {
        *self.step.lock() = step;
    }

    /// What the steward does, if this node leads.
    pub(super) fn step(&self) -> Option<Step> {
        self.step.lock().clone()
    }
}
