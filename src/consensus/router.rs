//! Where a transaction goes: checked into this node's pool if it leads, else to the leader.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::crypto::digest::Hash;
use crate::ledger::transaction::Transaction;

use super::frame::{Frame, RefusedWhy};
use super::mailbox::Mailbox;
use super::pool::{Offer, Pool};
use super::status::Leadership;
use super::transport::{Links, Sent};
use super::waiters::{Reply, Waiters};

/// How long a thread waits for room before it looks whether the node stops.
const ROOM_PATIENCE: Duration = Duration::from_millis(100);

/// Who handed a transaction in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Someone on this node.
    Here,
    /// Another node, which holds this one for the leader.
    Peer(u64),
}

/// Sends transactions on their way and refusals back.
pub(super) struct Router {
    pub(super) node_id: u64,
    pub(super) leadership: watch::Receiver<Leadership>,
    pub(super) pool: Arc<Pool>,
    pub(super) links: Arc<Links>,
    pub(super) waiters: Arc<Waiters>,
    pub(super) mailbox: Mailbox,
}

impl Router {
    /// Whether a transaction waits for a block here, or is on its way: then it need not be checked again.
    pub(super) fn is_known(&self, leaf: &Hash) -> bool {
        self.pool.is_known(leaf)
    }

    /// Whether this node leads and is ready to propose.
    pub(super) fn leads(&self) -> bool {
        self.leadership.borrow().leader == Some(self.node_id)
    }

    /// Puts a checked transaction among those that wait for a block; answers `false` when it must wait for room first.
    /// Where this node leads no more nothing happens: whoever submitted it sends it again.
    pub(super) fn propose(&self, leaf: Hash, tx: &Transaction) -> bool {
        let offer = self.pool.offer(leaf, tx.clone());
        if offer == Offer::Taken {
            self.mailbox.wake();
        } else if offer == Offer::Full {
            self.pool.wait_for_room(ROOM_PATIENCE);
        }
        offer != Offer::Full
    }

    /// Sends a transaction of this node to the leader, which checks it. Without a leader nothing happens:
    /// whoever submitted it sends it again when there is one.
    pub(super) fn forward(&self, leaf: Hash, tx: Transaction, origin: Origin) {
        let leader = self.leadership.borrow().leader;
        // Only the submitter's own node forwards, so nothing can go round in circles.
        if let (Some(leader), Origin::Here) = (leader, origin)
            && self.links.send(leader, &Frame::Forward(tx)) == Sent::Full
        {
            self.busy(leaf, origin);
        }
    }

    /// Tells whoever handed a transaction in that it will not be proposed.
    pub(super) fn refuse(&self, leaf: Hash, origin: Origin, why: String) {
        match origin {
            Origin::Here => self.waiters.complete([(leaf, Reply::Invalid(why))]),
            Origin::Peer(peer) => {
                self.links.send(peer, &Frame::Refused { leaf, why: RefusedWhy::Invalid(why) });
            }
        }
    }

    /// Tells whoever handed a transaction in that a queue is full.
    pub(super) fn busy(&self, leaf: Hash, origin: Origin) {
        match origin {
            Origin::Here => self.waiters.complete([(leaf, Reply::Busy)]),
            Origin::Peer(peer) => {
                self.links.send(peer, &Frame::Refused { leaf, why: RefusedWhy::Busy });
            }
        }
    }
}
