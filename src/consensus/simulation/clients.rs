//! Who writes and reads: transactions through any node, repeated until they are acknowledged; fresh reads.

use crate::crypto::digest::Hash;

use super::fixtures::TRANSACTIONS;
use super::sabotage::Sabotage;
use super::world::{Event, World};

/// Someone with one transaction at a time.
pub(super) struct Client {
    leaf: Hash,
    transaction: usize,
    /// Through which node.
    node: u64,
    /// Whether it never goes to another node.
    is_loyal: bool,
    is_acknowledged: bool,
    /// Transactions after this one.
    left: u64,
}

impl Client {
    pub(super) fn is_done(&self) -> bool {
        self.is_acknowledged && self.left == 0
    }
}

/// A node has applied a leaf: answers it if somebody waits for it there.
pub(super) fn acknowledge(clients: &mut [Client], node: u64, leaf: &Hash) -> Option<Hash> {
    let waits = |client: &&mut Client| client.node == node && client.leaf == *leaf && !client.is_acknowledged;
    let client = clients.iter_mut().find(waits)?;
    client.is_acknowledged = true;
    Some(*leaf)
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
        }
        for node in 1..=self.nodes.len() as u64 {
            self.admit(node, true, 0);
        }
    }

    fn admit(&mut self, node: u64, is_loyal: bool, left: u64) {
        let Some(transaction) = self.draw_transaction() else { return };
        let leaf = self.fixtures.transactions[transaction].0;
        self.clients.push(Client { leaf, transaction, node, is_loyal, is_acknowledged: false, left });
        let delay = self.dice.below(200_000);
        self.after(delay, Event::Client(self.clients.len() - 1));
    }

    pub(super) fn any_node(&mut self) -> u64 {
        self.dice.between(1, self.nodes.len() as u64)
    }

    /// The next transaction that nobody has; some are kept for the end.
    fn draw_transaction(&mut self) -> Option<usize> {
        let end = if self.is_calm { TRANSACTIONS } else { TRANSACTIONS - 32 };
        let number = Some(self.next_transaction).filter(|number| *number < end)?;
        self.next_transaction += 1;
        usize::try_from(number).ok()
    }

    /// A client looks whether it was answered, and submits what was not.
    pub(super) fn client(&mut self, number: usize) {
        let (other, moves) = (self.any_node(), self.dice.chance(300));
        if self.clients[number].is_acknowledged {
            if self.clients[number].left == 0 {
                return;
            }
            let Some(transaction) = self.draw_transaction() else {
                self.clients[number].left = 0;
                return;
            };
            let client = &mut self.clients[number];
            client.left -= 1;
            client.leaf = self.fixtures.transactions[transaction].0;
            (client.transaction, client.node, client.is_acknowledged) = (transaction, other, false);
        } else if moves && !self.clients[number].is_loyal {
            self.clients[number].node = other;
        }
        let (node, transaction) = (self.clients[number].node, self.clients[number].transaction);
        self.submit(node, transaction);
        let pause = self.dice.between(20_000, 600_000);
        self.after(pause, Event::Client(number));
    }

    fn submit(&mut self, id: u64, transaction: usize) {
        let (leaf, tx) = self.fixtures.transactions[transaction].clone();
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
            let Some(transaction) = self.draw_transaction() else { return };
            self.submit(id, transaction);
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
