//! What comes to the driver, through a bounded mailbox.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use raft::eraftpb::Message;

use super::reads::Asker;

const MAILBOX_MAX: usize = 1024;

/// What the driver is told.
pub(super) enum Input {
    /// A message of an authenticated peer.
    Raft(Box<Message>),
    /// The pool has work.
    Wake,
    /// A peer's connection broke.
    Unreachable(u64),
    /// Someone wants a fresh read.
    Read(Asker),
    /// End.
    Stop,
    /// What a dishonest leader could propose.
    #[cfg(test)]
    Slip(Vec<u8>),
}

/// The driver's bounded mailbox.
#[derive(Clone)]
pub(super) struct Mailbox {
    sender: SyncSender<Input>,
    awake: Arc<AtomicBool>,
}

impl Mailbox {
    pub(super) fn new() -> (Self, Receiver<Input>) {
        let (sender, receiver) = sync_channel(MAILBOX_MAX);
        (Self { sender, awake: Arc::default() }, receiver)
    }

    /// Leaves an input unless the mailbox is full: raft and whoever asks repeat what is lost.
    pub(super) fn leave(&self, input: Input) {
        if let Err(TrySendError::Full(_)) = self.sender.try_send(input) {
            tracing::debug!("the driver's mailbox is full");
        }
    }

    /// Makes the driver look into the pool; costs nothing while it is going to anyway.
    pub(super) fn wake(&self) {
        if !self.awake.swap(true, Ordering::AcqRel) {
            self.leave(Input::Wake);
        }
    }

    /// The driver is going to look into the pool: from here on it must be woken again.
    pub(super) fn woken(&self) {
        self.awake.store(false, Ordering::Release);
    }

    /// Ends the driver, after what lies in the mailbox.
    pub(super) fn stop(&self) {
        // Fails only when the driver has ended already.
        let _ = self.sender.send(Input::Stop);
    }
}
