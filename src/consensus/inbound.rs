//! What comes in from authenticated peers, and where it goes. Nothing here waits.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

use crate::clock::SharedClock;
use crate::crypto::digest::HashAlgorithm;
use crate::ids::DepartmentId;

use super::cosign::Desk;
use super::frame::{Frame, RefusedWhy};
use super::intake::{Intake, Job};
use super::mailbox::{Input, Mailbox};
use super::router::{Origin, Router};
use super::status::{Leadership, Reports};
use super::waiters::{Reply, Waiters};

/// Takes the frames of all peers.
pub(super) struct Inbound {
    pub(super) node_id: u64,
    pub(super) chain: String,
    pub(super) algorithm: HashAlgorithm,
    pub(super) nodes: BTreeMap<DepartmentId, u64>,
    pub(super) mailbox: Mailbox,
    pub(super) intake: Arc<Intake>,
    pub(super) router: Arc<Router>,
    pub(super) waiters: Arc<Waiters>,
    pub(super) reports: Arc<Reports>,
    pub(super) desk: Arc<Desk>,
    pub(super) leadership: watch::Receiver<Leadership>,
    pub(super) clock: SharedClock,
}

impl Inbound {
    pub(super) fn chain_id(&self) -> &str {
        &self.chain
    }

    /// The node of a department, if it is a peer.
    pub(super) fn node_of(&self, department: &DepartmentId) -> Option<u64> {
        self.nodes.get(department).copied()
    }

    pub(super) fn unreachable(&self, peer: u64) {
        self.mailbox.leave(Input::Unreachable(peer));
    }

    /// Takes a frame; answers `false` when the peer pretends to be another node.
    pub(super) fn frame(&self, from: u64, frame: Frame) -> bool {
        let leader = self.leadership.borrow().leader;
        match frame {
            Frame::Raft(message) if message.from != from || message.to != self.node_id => return false,
            Frame::Raft(message) => self.mailbox.leave(Input::Raft(Box::new(message))),
            Frame::Forward(tx) if leader == Some(self.node_id) => {
                let leaf = tx.leaf(self.algorithm);
                let origin = Origin::Peer(from);
                if !self.intake.push([Job { leaf, tx, origin }]) {
                    self.router.busy(leaf, origin);
                }
            }
            // The sender will hear who leads, and send it there.
            Frame::Forward(_) => {}
            Frame::Refused { leaf, why } if leader == Some(from) => {
                let reply = match why {
                    RefusedWhy::Busy => Reply::Busy,
                    RefusedWhy::Invalid(why) => Reply::Invalid(why),
                };
                self.waiters.complete([(leaf, reply)]);
            }
            Frame::Refused { .. } | Frame::Hello { .. } => {}
            Frame::Report(report) if report.node_id != from => return false,
            Frame::Report(report) => self.reports.put(report, self.clock.now()),
            // Whoever brings them: they are signed by whom they name.
            Frame::Cosignature(note) | Frame::Anchored(note) => self.desk.heard(note),
        }
        true
    }
}
