//! Changes of members, as an authority makes them: transactions that the steward follows. Nodes are replaced and removed,
//! votes are given and taken, while all else goes wrong.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::command::Command;
use crate::domain::node::{NodeRemoval, NodeSetting, VoterChoice};

use super::super::tests::department;
use super::disk::Disk;
use super::fixtures::NODES_MAX;
use super::node::Process;
use super::world::{Node, World};

impl World {
    /// The nodes that the ledger wants, and whether each shall vote: as the node that knows most has it.
    pub(super) fn wanted(&self) -> BTreeMap<u64, bool> {
        let processes = self.nodes.iter().filter_map(|node| node.process.as_ref());
        processes.max_by_key(|process| process.ledger.applied()).map(|process| process.wanted()).unwrap_or_default()
    }

    /// The authority asks for some change of members.
    pub(super) fn change_members(&mut self) {
        // As an operator is told to: where consensus is as the ledger wants it, as far as some node knows. That it may be
        // a node that knows little is what `seen` is for: one that is replaced is heard no more at once, so that two of
        // three, or the only voter, would take the majority with them.
        let running: Vec<&Process> = self.nodes.iter().filter_map(|node| node.process.as_ref()).collect();
        let Some(asked) = running.get(self.dice.index(running.len())).filter(|process| process.is_settled()) else {
            return;
        };
        let seen = Some(asked.ledger.state().members_changed());
        let wanted: Vec<u64> = asked.wanted().into_keys().collect();
        let id = self.dice.pick(&wanted);
        let of = department(self.node(id).department);
        let command = match self.dice.below(6) {
            0 if wanted.len() > 3 => Command::RemoveNode(NodeRemoval { department: of, seen }),
            0..=2 if (self.nodes.len() as u64) < NODES_MAX => {
                let node_id = self.add_node(id);
                let address = |port: u64| format!("127.0.0.1:{}", port + node_id);
                Command::SetNode(NodeSetting {
                    department: of,
                    node_id,
                    raft: address(8000),
                    peer: address(9000),
                    seen,
                })
            }
            _ => {
                let count = self.dice.pick(&[1, 3, 3, 3, 5]).min(wanted.len() - (wanted.len() + 1) % 2);
                let mut voters = wanted;
                while voters.len() > count {
                    let one = self.dice.below(voters.len() as u64);
                    voters.remove(usize::try_from(one).unwrap());
                }
                let departments = voters.iter().map(|id| department(self.node(*id).department)).collect();
                Command::SetVoters(VoterChoice { departments, seen })
            }
        };
        self.tell(|| format!("{command:?}"));
        self.admit_change(command);
    }

    /// A machine with nothing but the genesis takes the place of another.
    fn add_node(&mut self, replaced: u64) -> u64 {
        let id = self.nodes.len() as u64 + 1;
        let department = self.node(replaced).department;
        let disk = Disk::new(self.dice.fork(), self.sabotage, &self.fixtures.genesis, &self.fixtures.members);
        self.nodes.push(Node::new(id, department, disk, self.dice.below(2000)));
        self.disks.push(Arc::clone(&self.nodes[self.nodes.len() - 1].disk));
        self.start(id);
        id
    }
}
