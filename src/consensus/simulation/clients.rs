//! Who writes and reads: transactions through any node, repeated until they are acknowledged; fresh reads.

use std::collections::BTreeMap;

use crate::crypto::digest::Hash;
use crate::domain::command::Command;
use crate::ledger::transaction::Transaction;

use super::fixtures::TRANSACTIONS;
use super::sabotage::Sabotage;
use super::world::{Event, World};

/// Someone with one transaction at a time.
pub(super) struct Client {
    leaf: Hash,
    tx: Transaction,
    /// Whether it is a change of members, which may be refused.
    is_change: bool,
    /// Through which node.
    node: u64,
    /// Whether it never goes to another node.
    is_loyal: bool,
    is_acknowledged: bool,
    /// Transactions after this one.
    left: u64,
}

impl Client {
    /// Whether it has no answer to wait for, at least none that can still come.
    pub(super) fn is_done(&self, wanted: &BTreeMap<u64, bool>) -> bool {
        self.is_acknowledged && self.left == 0 || self.is_loyal && !wanted.contains_key(&self.node)
    }
}

/// A node has applied a leaf: answers it if somebody waits for it there.
pub(super) fn acknowledge(clients: &mut [Client], node: u64, leaf: &Hash) -> Option<Hash> {
    let waits = |client: &&mut Client| client.node == node && client.leaf == *leaf && !client.is_acknowledged;
    let client = clients.iter_mut().find(waits)?;
    client.is_acknowledged = true;
    (!client.is_change).then_some(*leaf)
}

impl World {
    pub(super) fn admit_clients(&mut self) {
        for _ in 0..self.dice.between(1, 4) {
            let (node, left) = (self.any_node(), self.dice.between(2, 25));
            self.admit(node, false, left);
        }
    }

    /// After the faults every node takes one more transaction, also one that does not vote.
    pub(super) fn admit_last_clients(&mut self) {
        for client in &mut self.clients {
            client.left = 0;
            // What was asked may come true or not.
            client.is_acknowledged |= client.is_change;
        }
        for node in self.wanted().into_keys() {
            self.admit(node, true, 0);
        }
    }

    fn admit(&mut self, node: u64, is_loyal: bool, left: u64) {
        let Some((leaf, tx)) = self.draw_transaction() else { return };
        self.admit_client(Client { leaf, tx, is_change: false, node, is_loyal, is_acknowledged: false, left });
    }

    /// The authority wants a change of members, and asks until it is answered.
    pub(super) fn admit_change(&mut self, command: Command) {
        let (leaf, tx) = self.fixtures.ruling(TRANSACTIONS + 1 + self.clients.len() as u64, command);
        let node = self.any_node();
        self.admit_client(Client { leaf, tx, is_change: true, node, is_loyal: false, is_acknowledged: false, left: 0 });
    }

    fn admit_client(&mut self, client: Client) {
        self.clients.push(client);
        let delay = self.dice.below(200_000);
        self.after(delay, Event::Client(self.clients.len() - 1));
    }

    pub(super) fn any_node(&mut self) -> u64 {
        self.dice.between(1, self.nodes.len() as u64)
    }

    /// The next transaction that nobody has; some are kept for the end.
    fn draw_transaction(&mut self) -> Option<(Hash, Transaction)> {
        let end = if self.is_calm { TRANSACTIONS } else { TRANSACTIONS - 32 };
        let number = Some(self.next_transaction).filter(|number| *number < end)?;
        self.next_transaction += 1;
        self.fixtures.transactions.get(usize::try_from(number).unwrap()).cloned()
    }

    /// A client looks whether it was answered, and submits what was not.
    pub(super) fn client(&mut self, number: usize) {
        let (other, moves) = (self.any_node(), self.dice.chance(300));
        if self.clients[number].is_acknowledged {
            if self.clients[number].left == 0 {
                return;
            }
            let Some((leaf, tx)) = self.draw_transaction() else {
                self.clients[number].left = 0;
                return;
            };
            let client = &mut self.clients[number];
            client.left -= 1;
            (client.leaf, client.tx) = (leaf, tx);
            (client.node, client.is_acknowledged) = (other, false);
        } else if moves && !self.clients[number].is_loyal {
            self.clients[number].node = other;
        }
        let client = &self.clients[number];
        let (node, leaf, tx) = (client.node, client.leaf, client.tx.clone());
        self.submit(node, leaf, tx);
        let pause = self.dice.between(20_000, 600_000);
        self.after(pause, Event::Client(number));
    }

    fn submit(&mut self, id: u64, leaf: Hash, tx: Transaction) {
        if let Some(process) = &mut self.node(id).process
            && process.submit(id, leaf, tx, false)
        {
            self.wake(id);
            if self.sabotage == Some(Sabotage::AcknowledgedEarly) {
                self.checks.acknowledged.extend(acknowledge(&mut self.clients, id, &leaf));
            }
        }
        self.send(id);
    }

    /// Many transactions at one node, for whose answers nobody waits.
    pub(super) fn burst(&mut self, id: u64) {
        for _ in 0..self.dice.between(2, 12) {
            let Some((leaf, tx)) = self.draw_transaction() else { return };
            self.submit(id, leaf, tx);
        }
    }

    /// Somebody reads.
    pub(super) fn read(&mut self) {
        let id = self.any_node();
        let acknowledged = self.checks.acknowledged.len();
        if let Some(process) = &mut self.node(id).process {
            process.read(acknowledged);
            self.wake(id);
        }
        let pause = self.dice.between(20_000, 500_000);
        if !self.is_calm {
            self.after(pause, Event::Read);
        }
    }
}
