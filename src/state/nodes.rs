//! Departments' nodes: which number is whose, where each node is, and whose vote.

use std::collections::BTreeSet;

use crate::domain::department::Department;
use crate::domain::node::{
    Member, NODE_ID_MAX, NodePlace, NodeRecord, NodeRemoval, NodeSetting, VOTERS, VoterChoice, check_address,
};
use crate::ids::DepartmentId;

use super::machine::{Context, State};
use super::outcome::Refusal;

impl State {
    /// The nodes that shall be in consensus, by department. One that joins later is named by `node.set`, and not yet
    /// by the registration of its department.
    pub fn members(&self) -> impl Iterator<Item = Member> {
        self.departments.values().filter_map(|department| self.member_of(department))
    }

    /// A department's node, if it shall be in consensus.
    pub fn member(&self, id: &DepartmentId) -> Option<Member> {
        self.departments.get(id).and_then(|department| self.member_of(department))
    }

    /// What the ledger says of a department's node since the genesis.
    pub fn node_record(&self, id: &DepartmentId) -> Option<&NodeRecord> {
        self.nodes.get(id)
    }

    /// All nodes' numbers that ever were, and whose.
    pub fn numbers(&self) -> impl Iterator<Item = (u64, &DepartmentId)> {
        let since = self.numbers.iter().map(|(number, id)| (*number, id));
        self.genesis_numbers().map(|(id, number)| (number, id)).chain(since)
    }

    /// Whose a number is, was, or is kept for.
    pub fn number_owner(&self, node_id: u64) -> Option<&DepartmentId> {
        let reserved = || self.departments.values().find(|known| known.node_id == node_id).map(|known| &known.id);
        self.number_ever(node_id).or_else(reserved)
    }

    /// Changes whenever [`State::members`] may have changed; cheap to read.
    pub fn members_mark(&self) -> [[u8; 32]; 2] {
        [self.departments.sum().to_bytes(), self.nodes.sum().to_bytes()]
    }

    fn member_of(&self, department: &Department) -> Option<Member> {
        let of_genesis = || self.genesis_numbers().any(|(id, _)| id == &department.id);
        let place = match self.nodes.get(&department.id) {
            Some(record) if record.removed => return None,
            Some(record) => record.place.clone(),
            None if of_genesis() => None,
            None => return None,
        };
        let Department { id, node_id, voter, .. } = department;
        Some(Member { department: id.clone(), node_id: *node_id, voter: *voter, place })
    }

    fn genesis_numbers(&self) -> impl Iterator<Item = (&DepartmentId, u64)> {
        let departments = self.genesis().map(|genesis| genesis.departments.as_slice()).unwrap_or_default();
        departments.iter().map(|department| (&department.id, department.node_id))
    }

    /// Whose node bore a number at any time.
    fn number_ever(&self, node_id: u64) -> Option<&DepartmentId> {
        let of_genesis = || self.genesis_numbers().find(|(_, number)| *number == node_id).map(|(id, _)| id);
        self.numbers.get(&node_id).or_else(of_genesis)
    }

    /// Whether a number was a node's before, whether or not it still is.
    pub(super) fn number_of_old(&self, node_id: u64) -> bool {
        self.number_ever(node_id).is_some()
    }

    pub(super) fn set_node(&mut self, by: &Context<'_>, setting: NodeSetting) -> Result<(), Refusal> {
        self.check_keeper(by)?;
        let NodeSetting { department, node_id, raft, peer, seen } = setting;
        self.check_seen(seen)?;
        let Some(known) = self.departments.get(&department) else {
            self.require_authority(by)?;
            return Err(Refusal::Unknown(format!("department {department}")));
        };
        let voted = known.voter;
        let present = self.member_of(known).map(|member| member.node_id);
        if by.department != &department || present != Some(node_id) {
            self.require_authority(by)?;
        }
        if node_id == 0 || node_id > NODE_ID_MAX {
            return Err(Refusal::Invalid(format!("node_id must be 1 to {NODE_ID_MAX}")));
        }
        for (what, address) in [("raft", &raft), ("peer", &peer)] {
            check_address(address).map_err(|why| Refusal::Invalid(format!("{what}: `{address}` {why}")))?;
        }
        if raft == peer {
            return Err(Refusal::Invalid("raft and peer cannot be the same address".into()));
        }
        if present != Some(node_id) {
            let is_others = self.number_owner(node_id).is_some_and(|owner| *owner != department);
            if self.number_of_old(node_id) || is_others {
                return Err(Refusal::Conflict(format!("node number {node_id} was used already: take a new one")));
            }
            if present.is_some() && voted && self.votes() < 3 {
                // The old node is heard no more from here on: the others must be a majority without it.
                let why = "has the only vote, or one of two: let others vote first";
                return Err(Refusal::Conflict(format!("{department} {why}")));
            }
            self.numbers.insert(node_id, department.clone());
        }
        let is_new = present.is_none();
        self.departments.change(&department, |department| {
            department.node_id = node_id;
            // One that joins learns first; one that takes another's place shall vote where that one did.
            department.voter &= !is_new;
        });
        let place = Some(NodePlace { raft, peer });
        self.nodes.insert(department, NodeRecord { node_id, place, removed: false, index: by.index });
        self.members_changed.insert((), by.index);
        Ok(())
    }

    /// Ledger index of the last change of members; 0 for none since the genesis.
    pub fn members_changed(&self) -> u64 {
        self.members_changed.get(&()).copied().unwrap_or(0)
    }

    fn check_seen(&self, seen: Option<u64>) -> Result<(), Refusal> {
        let last = self.members_changed();
        if seen.is_none_or(|seen| seen == last) {
            return Ok(());
        }
        Err(Refusal::Conflict(format!("the members changed at {last}, after this was decided: look again")))
    }

    fn votes(&self) -> usize {
        self.members().filter(|member| member.voter).count()
    }

    pub(super) fn remove_node(&mut self, by: &Context<'_>, removal: &NodeRemoval) -> Result<(), Refusal> {
        self.check_keeper(by)?;
        self.require_authority(by)?;
        self.check_seen(removal.seen)?;
        let department = &removal.department;
        if !self.departments.contains_key(department) {
            return Err(Refusal::Unknown(format!("department {department}")));
        }
        let Some(member) = self.member(department) else {
            return Err(Refusal::Conflict(format!("{department} has no node in consensus")));
        };
        if member.voter && self.votes() == 1 {
            return Err(Refusal::Conflict(format!("{department} has the only vote: let others vote first")));
        }
        self.departments.change(department, |department| department.voter = false);
        let Member { node_id, place, .. } = member;
        let record = NodeRecord { node_id, place, removed: true, index: by.index };
        self.nodes.insert(department.clone(), record);
        self.members_changed.insert((), by.index);
        Ok(())
    }

    pub(super) fn set_voters(&mut self, by: &Context<'_>, choice: &VoterChoice) -> Result<(), Refusal> {
        self.check_keeper(by)?;
        self.require_authority(by)?;
        self.check_seen(choice.seen)?;
        let voters: BTreeSet<&DepartmentId> = choice.departments.iter().collect();
        if voters.len() != choice.departments.len() || !VOTERS.contains(&voters.len()) {
            return Err(Refusal::Invalid("departments must be 1, 3, 5 or 7 different ones".into()));
        }
        for department in &voters {
            if !self.departments.contains_key(*department) {
                return Err(Refusal::Unknown(format!("department {department}")));
            }
            if self.member(department).is_none() {
                return Err(Refusal::Conflict(format!("{department} has no node in consensus: it cannot vote")));
            }
        }
        let others = |known: &Department| known.voter != voters.contains(&known.id);
        let changed: Vec<DepartmentId> =
            self.departments.values().filter(|known| others(known)).map(|known| known.id.clone()).collect();
        for id in &changed {
            self.departments.change(id, |department| department.voter = !department.voter);
        }
        self.members_changed.insert((), by.index);
        Ok(())
    }
}
