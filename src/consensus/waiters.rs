//! Who waits for which transaction. Keyed by the transaction's leaf, so that another transaction
//! under the same id cannot answer for it.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::crypto::digest::Hash;
use crate::state::outcome::Outcome;

/// What a waiter is told.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    /// This node applied the transaction.
    Applied(Outcome),
    /// It will not be proposed.
    Invalid(String),
    /// A queue on its way is full.
    Busy,
}

#[derive(Default)]
struct Inner {
    next: u64,
    waiting: HashMap<Hash, Vec<(u64, oneshot::Sender<Reply>)>>,
    count: usize,
}

/// All waiting submissions of this node, at most `max`.
pub(super) struct Waiters {
    inner: Mutex<Inner>,
    max: usize,
}

/// A place among the waiters, given up when dropped.
pub(super) struct Place {
    waiters: Arc<Waiters>,
    leaf: Hash,
    number: u64,
}

impl Waiters {
    pub(super) fn new(max: usize) -> Self {
        Self { inner: Mutex::default(), max }
    }

    /// Begins to wait for a leaf; `None` when too many wait already.
    pub(super) fn register(self: &Arc<Self>, leaf: Hash) -> Option<(Place, oneshot::Receiver<Reply>)> {
        let (sender, receiver) = oneshot::channel();
        let mut inner = self.inner.lock();
        if inner.count >= self.max {
            return None;
        }
        let number = inner.next;
        inner.next += 1;
        inner.count += 1;
        inner.waiting.entry(leaf).or_default().push((number, sender));
        Some((Place { waiters: self.clone(), leaf, number }, receiver))
    }

    /// Answers everyone who waits for these leaves.
    pub(super) fn complete(&self, replies: impl IntoIterator<Item = (Hash, Reply)>) {
        let mut answered = Vec::new();
        {
            let mut inner = self.inner.lock();
            if inner.count == 0 {
                return;
            }
            for (leaf, reply) in replies {
                if let Some(senders) = inner.waiting.remove(&leaf) {
                    inner.count -= senders.len();
                    answered.push((senders, reply));
                }
            }
        }
        for (senders, reply) in answered {
            for (_, sender) in senders {
                // Whoever gave up meanwhile needs no answer.
                let _ = sender.send(reply.clone());
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.inner.lock().count
    }

    /// Answers everyone with a closed channel.
    pub(super) fn clear(&self) {
        let mut inner = self.inner.lock();
        inner.count = 0;
        inner.waiting.clear();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inner = self.waiters.inner.lock();
        let Some(senders) = inner.waiting.get_mut(&self.leaf) else { return };
        let before = senders.len();
        senders.retain(|(number, _)| *number != self.number);
        let (gone, is_empty) = (before - senders.len(), senders.is_empty());
        inner.count -= gone;
        if is_empty {
            inner.waiting.remove(&self.leaf);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::digest::sm3;

    #[test]
    fn everyone_who_waits_is_answered_and_places_are_freed() {
        let waiters = Arc::new(Waiters::new(3));
        let (one, other) = (sm3(&[b"one"]), sm3(&[b"other"]));
        let (_a, mut first) = waiters.register(one).unwrap();
        let (_b, mut second) = waiters.register(one).unwrap();
        let (c, _third) = waiters.register(other).unwrap();
        assert!(waiters.register(other).is_none());
        drop(c);
        assert_eq!(waiters.len(), 2);
        waiters.complete([(one, Reply::Busy), (other, Reply::Busy)]);
        assert!(matches!(first.try_recv(), Ok(Reply::Busy)));
        assert!(matches!(second.try_recv(), Ok(Reply::Busy)));
        assert_eq!(waiters.len(), 0);
    }
}
