//! Departments join; nodes come, move, are replaced and leave; voters change. Everything that would end badly is
//! refused before anything is signed, and an answer waits until consensus is what was asked for, or says what it awaits.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::consensus::{CAUGHT_UP_ENTRIES, REPORT_AGE_MS_MAX, Standing, Status, Step, Waits};
use crate::crypto::sign::PublicKey;
use crate::domain::command::Command;
use crate::domain::department::Department;
use crate::domain::node::{NODE_ID_MAX, NodeRemoval, NodeSetting, VOTERS, VoterChoice};
use crate::domain::schema::{Fault, FaultCode};
use crate::domain::{Actor, Text};
use crate::ids::DepartmentId;
use crate::policy::facts::{Action, Facts, Relation};
use crate::state::State;

use super::Node;
use super::error::ServiceError;
use super::health::Check;
use super::principal::Principal;
use super::writes::Committed;

/// How long an answer waits for consensus to be what was asked for.
const SETTLE_MAX: Duration = Duration::from_secs(8);
/// How long it waits for a node that is away or behind.
const AWAIT_NODE: Duration = Duration::from_millis(1_500);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Reports come once a second, so that under load a node that keeps up seems to lag.
const LAG_MAX: u64 = CAUGHT_UP_ENTRIES * 4;

/// A department that is to join.
#[derive(Clone, Debug)]
pub struct NewDepartment {
    /// Its short name.
    pub id: DepartmentId,
    /// Names.
    pub name: Text,
    /// Unified social credit code.
    pub uscc: String,
    /// The key that will sign for it.
    pub signing_key: PublicKey,
    /// The key to which others will seal.
    pub sealing_key: String,
    /// The number that its node shall have; the next one when none is said.
    pub node_id: Option<u64>,
}

/// Where a department's node shall be.
#[derive(Clone, Debug)]
pub struct NodeWish {
    /// Its number. Without one: the present one, or with `replace`, and for a department without a node, the next.
    pub node_id: Option<u64>,
    /// Whether a new node takes the place of the present one.
    pub replace: bool,
    /// `host:port` of its consensus.
    pub raft: String,
    /// `host:port` of its exchange.
    pub peer: String,
}

/// A node's public card, as `mulu node invite` writes it: what the authority must know to admit it. Nothing on it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// The department's short name.
    pub id: DepartmentId,
    /// Names.
    pub name: Text,
    /// Unified social credit code.
    pub uscc: String,
    /// The key that will sign for it.
    pub signing_key: PublicKey,
    /// The key to which others will seal.
    pub sealing_key: String,
    /// Its node's number.
    pub node_id: u64,
    /// `host:port` of the node's consensus.
    pub raft: String,
    /// `host:port` of the node's exchange.
    pub peer: String,
}

/// What became of a change of members.
#[derive(Clone, Debug)]
pub struct Changed {
    /// The transaction.
    pub committed: Committed,
    /// The number of the node that was set.
    pub node_id: Option<u64>,
    /// Whether consensus is what the ledger says.
    pub settled: bool,
    /// What the change waits for.
    pub waits_for: Option<Awaited>,
}

/// What a change of members waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Awaited {
    /// `under_way`, `leader`, `unheard`, `lagging` or `majority`.
    pub code: &'static str,
    /// Whose node is awaited.
    pub department: Option<DepartmentId>,
    /// Log entries that it lacks.
    pub lag: Option<u64>,
}

impl Awaited {
    /// For people.
    pub fn text(&self) -> String {
        let whose = self.department.as_ref().map(ToString::to_string).unwrap_or_default();
        match self.code {
            "leader" => "a leader".into(),
            "unheard" => format!("the node of {whose}, which was not heard lately: is it running and reachable?"),
            "lagging" => format!("the node of {whose}, which lacks {} log entries", self.lag.unwrap_or_default()),
            "majority" => "a majority of the voters to be".into(),
            _ => "the steps of the change, one at a time".into(),
        }
    }
}

impl Node {
    /// Puts a department on the ledger. Its node comes with [`Node::set_node`].
    ///
    /// # Errors
    /// `not_the_authority`, `number_used`, or the ledger's refusal.
    pub async fn register_department(&self, who: &Principal, new: NewDepartment) -> Result<Committed, ServiceError> {
        let actor = self.keeper(who)?;
        self.require_authority()?;
        let node_id = {
            let state = self.chain.state();
            if state.department(&new.id).is_some() {
                return Err(ServiceError::conflict("conflict", format!("{} is on the ledger already", new.id)));
            }
            number(&state, new.node_id, &new.id)?
        };
        let NewDepartment { id, name, uscc, signing_key, sealing_key, .. } = new;
        let signing_key_valid_until = None;
        let department =
            Department { id, name, uscc, signing_key, signing_key_valid_until, sealing_key, voter: false, node_id };
        self.write(who, actor, Command::RegisterDepartment(department)).await
    }

    /// Puts a department, unless it is there, and its node on the ledger.
    ///
    /// # Errors
    /// As [`Node::register_department`] and [`Node::set_node`]; `conflict` when the department has other keys.
    pub async fn admit(&self, who: &Principal, card: Card) -> Result<Changed, ServiceError> {
        let Card { id, name, uscc, signing_key, sealing_key, node_id, raft, peer } = card;
        let known = self.chain.state().department(&id).map(|known| known.signing_key.clone());
        match known {
            Some(known) if known != signing_key => {
                let why = format!("{id} is on the ledger with another key than the card's: is the card an old one?");
                return Err(ServiceError::conflict("conflict", why));
            }
            Some(_) => {}
            None => {
                let node_id = Some(node_id);
                let new = NewDepartment { id: id.clone(), name, uscc, signing_key, sealing_key, node_id };
                self.register_department(who, new).await?;
            }
        }
        // Another transaction, under an id of its own.
        let who = Principal { reserved: None, ..who.clone() };
        self.set_node(&who, id, NodeWish { node_id: Some(node_id), replace: false, raft, peer }).await
    }

    /// Names, moves or replaces a department's node.
    ///
    /// # Errors
    /// `not_the_authority`, `number_used`, `would_lose_quorum`, `change_under_way`, or the ledger's refusal.
    pub async fn set_node(
        &self,
        who: &Principal,
        department: DepartmentId,
        wish: NodeWish,
    ) -> Result<Changed, ServiceError> {
        let actor = self.keeper(who)?;
        let seen = self.members_seen();
        let status = self.consensus.status();
        let node_id = {
            let state = self.chain.state();
            let known = state.department(&department);
            let known = known.ok_or_else(|| ServiceError::missing(format_args!("department {department}")))?;
            let present = state.member(&department).map(|member| member.node_id);
            let wanted = match (wish.node_id, present) {
                (None, Some(present)) if !wish.replace => present,
                (None, None)
                    if state.number_owner(known.node_id) == Some(&department) && !is_used(&state, known.node_id) =>
                {
                    known.node_id
                }
                (wanted, _) if wanted == present && wanted.is_some() => known.node_id,
                (wanted, _) => number(&state, wanted, &department)?,
            };
            if department != self.department || Some(wanted) != present {
                drop(state);
                self.require_authority()?;
            }
            if let Some(present) = present.filter(|present| *present != wanted && votes(&status, *present)) {
                // The old node is heard no more from then on, and the new one does not vote at once.
                let lost = |node_id: &u64| *node_id != present && is_reachable(&status, *node_id);
                enough(&status.configuration.voters, lost)?;
            }
            wanted
        };
        self.require_rest(&status)?;
        let NodeWish { raft, peer, .. } = wish;
        let setting = NodeSetting { department, node_id, raft, peer, seen };
        let committed = self.write(who, actor, Command::SetNode(setting)).await?;
        Ok(Changed { node_id: Some(node_id), ..self.settled(committed).await })
    }

    /// Ends a department's node for ever.
    ///
    /// # Errors
    /// `not_the_authority`, `no_node`, `last_voter`, `would_lose_quorum`, `change_under_way`, or the ledger's refusal.
    pub async fn remove_node(&self, who: &Principal, department: DepartmentId) -> Result<Changed, ServiceError> {
        let actor = self.keeper(who)?;
        self.require_authority()?;
        let seen = self.members_seen();
        let status = self.consensus.status();
        {
            let state = self.chain.state();
            if state.department(&department).is_none() {
                return Err(ServiceError::missing(format_args!("department {department}")));
            }
            let member = state.member(&department).ok_or_else(|| no_node(&department))?;
            let others = |other: &crate::domain::node::Member| other.voter && other.department != department;
            let rest: BTreeSet<u64> = state.members().filter(others).map(|member| member.node_id).collect();
            if member.voter && rest.is_empty() {
                let why = format!("{department} has the only vote: give others a vote first");
                return Err(ServiceError::conflict("last_voter", why));
            }
            if member.voter {
                enough(&rest, |node_id| is_reachable(&status, *node_id))?;
            }
        }
        self.require_rest(&status)?;
        let committed = self.write(who, actor, Command::RemoveNode(NodeRemoval { department, seen })).await?;
        Ok(self.settled(committed).await)
    }

    /// Says whose nodes vote.
    ///
    /// # Errors
    /// `not_the_authority`, `no_node`, `not_caught_up`, `would_lose_quorum`, `change_under_way`, or the ledger's refusal.
    pub async fn set_voters(&self, who: &Principal, departments: Vec<DepartmentId>) -> Result<Changed, ServiceError> {
        let actor = self.keeper(who)?;
        self.require_authority()?;
        let distinct: BTreeSet<&DepartmentId> = departments.iter().collect();
        if distinct.len() != departments.len() || !VOTERS.contains(&departments.len()) {
            let why = "name 1, 3, 5 or 7 different departments";
            return Err(ServiceError::invalid(FaultCode::Voters, "/departments", why));
        }
        let seen = self.members_seen();
        let status = self.consensus.status();
        self.require_rest(&status)?;
        let mut voters = BTreeSet::new();
        for department in &departments {
            let state = self.chain.state();
            if state.department(department).is_none() {
                return Err(ServiceError::missing(format_args!("department {department}")));
            }
            let member = state.member(department).ok_or_else(|| no_node(department))?;
            drop(state);
            voters.insert(member.node_id);
            if !votes(&status, member.node_id) {
                caught_up(&status, member.node_id, department)?;
            }
        }
        enough(&voters, |node_id| is_reachable(&status, *node_id))?;
        let committed = self.write(who, actor, Command::SetVoters(VoterChoice { departments, seen })).await?;
        Ok(self.settled(committed).await)
    }

    /// Nodes are in the hands of those in whose hands keys are: one line of the rules, which every chain has.
    fn keeper(&self, who: &Principal) -> Result<Actor, ServiceError> {
        self.authorise(who, |role| Facts::new(Action::ManageKeys, role, Relation::Own))
    }

    /// What a change rests on. To be read before anything is looked at, so that what comes meanwhile stops the change.
    fn members_seen(&self) -> Option<u64> {
        Some(self.chain.state().members_changed())
    }

    /// Whether this department is the authority.
    pub fn is_authority(&self) -> bool {
        self.chain.state().genesis().is_some_and(|genesis| genesis.authority == self.department)
    }

    pub(super) fn require_authority(&self) -> Result<(), ServiceError> {
        if self.is_authority() {
            return Ok(());
        }
        let authority = self.chain.state().genesis().map(|genesis| genesis.authority.to_string()).unwrap_or_default();
        let detail = format!("only the authority, {authority}, decides this: ask its administrator");
        Err(ServiceError::NotAllowed { code: "not_the_authority", detail })
    }

    /// One change after the other. One that waits for a node may be changed again: that is the way out of it.
    fn require_rest(&self, status: &Status) -> Result<(), ServiceError> {
        let is_moving = match &status.step {
            Step::Settled => false,
            Step::Wait(waits) => matches!(waits, Waits::Joint),
            _ => true,
        };
        if !is_moving {
            return Ok(());
        }
        let why = "the last change of members is still being made: wait until the cluster page shows that it is done";
        Err(ServiceError::conflict("change_under_way", why))
    }

    /// What the present change of members waits for, if it is not done.
    pub fn awaited(&self, status: &Status) -> Option<Awaited> {
        let plain = |code| Awaited { code, department: None, lag: None };
        let of = |code, node_id, lag| {
            let state = self.chain.state();
            Awaited { code, department: state.number_owner(node_id).cloned(), lag }
        };
        match &status.step {
            Step::Settled => None,
            Step::Wait(Waits::Leader) => Some(plain("leader")),
            Step::Wait(Waits::Unheard { node_id }) => Some(of("unheard", *node_id, None)),
            Step::Wait(Waits::Lagging { node_id, lag }) => Some(of("lagging", *node_id, Some(*lag))),
            Step::Wait(Waits::Majority) => Some(plain("majority")),
            _ => Some(plain("under_way")),
        }
    }

    async fn settled(&self, committed: Committed) -> Changed {
        let began = Instant::now();
        loop {
            let awaited = self.awaited(&self.consensus.status());
            let is_over = match awaited.as_ref().map(|awaited| awaited.code) {
                None => true,
                Some("unheard" | "lagging" | "majority") => began.elapsed() >= AWAIT_NODE,
                Some(_) => began.elapsed() >= SETTLE_MAX,
            };
            if is_over {
                return Changed { committed, node_id: None, settled: awaited.is_none(), waits_for: awaited };
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// A node that is out of consensus must not be taken for one that works.
    pub(super) fn membership_check(status: &Status) -> Check {
        let own = status.node_id;
        let detail = match status.standing {
            Standing::Removed => format!("the ledger says that node {own} was removed: it votes no more, stop it"),
            Standing::Replaced { by } => {
                format!("the ledger says that node {by} has taken the place of node {own}: it votes no more, stop it")
            }
            Standing::Joining => format!("node {own} is not in the part of the ledger that it has: it is catching up"),
            Standing::Member if votes(status, own) => format!("node {own} votes"),
            Standing::Member if status.configuration.contains(own) => format!("node {own} learns"),
            Standing::Member => format!("node {own} is about to take part"),
        };
        let (code, number) = match status.standing {
            Standing::Removed => ("removed", own),
            Standing::Replaced { by } => ("replaced", by),
            Standing::Joining | Standing::Member => ("joining", own),
        };
        Check::new("membership", !status.standing.is_out(), detail).seen(code, number)
    }
}

fn is_used(state: &State, node_id: u64) -> bool {
    state.numbers().any(|(number, _)| number == node_id)
}

/// A number that no node has or had and that is not kept for another department.
fn number(state: &State, wanted: Option<u64>, department: &DepartmentId) -> Result<u64, ServiceError> {
    let taken = |number: u64| is_used(state, number) || state.number_owner(number).is_some_and(|of| of != department);
    let next = || {
        let highest = state.numbers().map(|(number, _)| number).chain(state.departments().map(|known| known.node_id));
        highest.max().unwrap_or(0).saturating_add(1)
    };
    match wanted {
        Some(wanted) if taken(wanted) => {
            let why = format!("node number {wanted} was used already: take a new one, such as {}", next());
            Err(ServiceError::conflict("number_used", why))
        }
        Some(wanted) if !(1..=NODE_ID_MAX).contains(&wanted) => {
            let (code, limit) = if wanted == 0 { (FaultCode::Minimum, 1) } else { (FaultCode::Maximum, NODE_ID_MAX) };
            Err(Fault::of(code, "/node_id", format!("must be 1 to {NODE_ID_MAX}")).naming(limit).into())
        }
        Some(wanted) => Ok(wanted),
        None => Ok(next()),
    }
}

fn no_node(department: &DepartmentId) -> ServiceError {
    ServiceError::conflict("no_node", format!("{department} has no node in consensus: admit one first"))
}

fn votes(status: &Status, node_id: u64) -> bool {
    status.configuration.voters.contains(&node_id)
}

/// Whether a node can be reached now, as far as can be told.
fn is_reachable(status: &Status, node_id: u64) -> bool {
    let is_heard = status.reports.iter().any(|report| report.node_id == node_id && report.age_ms <= REPORT_AGE_MS_MAX);
    let is_connected = status.peers.iter().any(|peer| peer.node_id == node_id && peer.connected);
    node_id == status.node_id || (is_heard && is_connected)
}

fn enough(voters: &BTreeSet<u64>, is_there: impl Fn(&u64) -> bool) -> Result<(), ServiceError> {
    let there = voters.iter().filter(|node_id| is_there(node_id)).count();
    if there * 2 > voters.len() {
        return Ok(());
    }
    let why = format!(
        "after it only {there} of {} voters could be reached, which is no majority: bring their nodes back first",
        voters.len()
    );
    Err(ServiceError::conflict("would_lose_quorum", why))
}

fn caught_up(status: &Status, node_id: u64, department: &DepartmentId) -> Result<(), ServiceError> {
    let report = status.reports.iter().find(|report| report.node_id == node_id);
    let why = match report {
        Some(report) if is_reachable(status, node_id) && report.lag <= LAG_MAX => return Ok(()),
        Some(report) if is_reachable(status, node_id) => {
            format!("the node of {department} lacks {} log entries: wait until it has caught up", report.lag)
        }
        _ => format!("the node of {department} was not heard lately: start it, and wait until it has caught up"),
    };
    Err(ServiceError::conflict("not_caught_up", why))
}

#[cfg(test)]
#[path = "membership_tests.rs"]
mod tests;
