//! What comes in from authenticated peers, and where it goes. Nothing here waits.

use std::sync::Arc;

use parking_lot::Mutex;
use raft::eraftpb::{Message, MessageType};
use tokio::sync::watch;

use crate::clock::SharedClock;
use crate::crypto::digest::{Hash, HashAlgorithm};
use crate::ids::DepartmentId;
use crate::ledger::transaction::Transaction;

use super::cosign::Desk;
use super::directory::Directory;
use super::frame::{Frame, RefusedWhy};
use super::intake::{Intake, Job};
use super::mailbox::{Input, Mailbox};
use super::membership::Membership;
use super::router::{Origin, Router};
use super::status::{DriverStatus, Leadership, Reports};
use super::waiters::{Reply, Waiters};

/// The other end of a connection: by its certificate a department's, by its word a node.
pub(super) struct Speaker {
    pub(super) department: DepartmentId,
    node_id: u64,
}

/// Takes the frames of all peers.
pub(super) struct Inbound {
    pub(super) node_id: u64,
    pub(super) chain: String,
    pub(super) algorithm: HashAlgorithm,
    pub(super) membership: Arc<Membership>,
    pub(super) directory: Arc<Directory>,
    pub(super) driver: Arc<Mutex<DriverStatus>>,
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

    /// Who speaks on a new connection; nothing when the department is a stranger here.
    pub(super) fn speaker(&self, department: DepartmentId) -> Option<Speaker> {
        let node_id = self.directory.number_of(&department).unwrap_or(0);
        self.membership.may_connect(&department).then_some(Speaker { department, node_id })
    }

    /// Whether the sender may speak under a number. It is asked for each frame: the ledger may have ended it meanwhile.
    fn is(&self, speaker: &mut Speaker, node_id: u64) -> bool {
        speaker.node_id = node_id;
        self.membership.admits(&speaker.department, node_id)
    }

    pub(super) fn unreachable(&self, peer: u64) {
        self.mailbox.leave(Input::Unreachable(peer));
    }

    /// Takes frames that came together; answers `false` when the peer pretends to be another node, or is one that is out.
    pub(super) fn frames(&self, speaker: &mut Speaker, frames: Vec<Frame>) -> bool {
        let mut forwarded = Vec::new();
        for frame in frames {
            if let Frame::Forward(tx) = frame {
                forwarded.push(tx);
            } else if !self.frame(speaker, frame) {
                return false;
            }
        }
        self.forwarded(speaker.node_id, forwarded);
        true
    }

    fn forwarded(&self, from: u64, txs: Vec<Transaction>) {
        // Where another leads the sender will hear of it, and send them there.
        if txs.is_empty() || !self.router.leads() {
            return;
        }
        let origin = Origin::Peer(from);
        let leaves: Vec<Hash> = txs.iter().map(|tx| tx.leaf(self.algorithm)).collect();
        let jobs = leaves.iter().zip(txs).map(|(leaf, tx)| Job { leaf: *leaf, tx, origin });
        if !self.intake.push(jobs) {
            leaves.into_iter().for_each(|leaf| self.router.busy(leaf, origin));
        }
    }

    /// Takes a frame; answers `false` when the peer pretends to be another node, or is one that is out.
    pub(super) fn frame(&self, speaker: &mut Speaker, frame: Frame) -> bool {
        let (leader, from) = (self.leadership.borrow().leader, speaker.node_id);
        match frame {
            Frame::Raft(message) if !self.is(speaker, message.from) || message.to != self.node_id => return false,
            // Only the leader may call another to lead.
            Frame::Raft(message) if is_call_to_lead(&message) && leader != Some(message.from) => {}
            Frame::Raft(message) => self.mailbox.leave(Input::Raft(Box::new(message))),
            Frame::Forward(tx) => self.forwarded(from, vec![tx]),
            Frame::Refused { leaf, why } if leader == Some(from) => {
                let reply = match why {
                    RefusedWhy::Busy => Reply::Busy,
                    RefusedWhy::Invalid(why) => Reply::Invalid(why),
                };
                self.waiters.complete([(leaf, reply)]);
            }
            Frame::Refused { .. } | Frame::Hello { .. } => {}
            Frame::Report(report) if !self.is(speaker, report.node_id) => return false,
            Frame::Report(report) => {
                self.directory.said(&speaker.department, report.node_id, &report.address);
                let commit = self.driver.lock().commit;
                self.reports.put(report, self.clock.now(), commit);
            }
            // Whoever brings them: they are signed by whom they name.
            Frame::Cosignature(note) | Frame::Anchored(note) => self.desk.heard(note),
        }
        true
    }
}

fn is_call_to_lead(message: &Message) -> bool {
    message.get_msg_type() == MessageType::MsgTimeoutNow
}
