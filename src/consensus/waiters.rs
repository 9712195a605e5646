//! Who waits for which transactions. Keyed by the transaction's leaf, so that another transaction
//! under the same id cannot answer for it.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::crypto::digest::Hash;
use crate::state::outcome::Outcome;

/// What a waiter is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// This node applied the transaction.
    Applied(Outcome),
    /// It will not be proposed.
    Invalid(String),
    /// A queue on its way is full.
    Busy,
}

/// What one caller waits for, one place a transaction.
#[derive(Default)]
struct Group {
    inner: Mutex<GroupInner>,
    news: Notify,
}

#[derive(Default)]
struct GroupInner {
    replies: Vec<Option<Reply>>,
    left: usize,
    /// An earlier attempt may be on its way: a full queue is no answer any more.
    insists: bool,
    closed: bool,
}

impl Group {
    /// Whether the reply was taken.
    fn put(&self, place: usize, reply: &Reply) -> bool {
        let mut inner = self.inner.lock();
        if inner.insists && *reply == Reply::Busy {
            return false;
        }
        if let Some(free @ None) = inner.replies.get_mut(place) {
            *free = Some(reply.clone());
            inner.left -= 1;
        }
        if inner.left == 0 {
            self.news.notify_one();
        }
        true
    }
}

#[derive(Default)]
struct Inner {
    waiting: HashMap<Hash, Vec<(Arc<Group>, usize)>>,
    count: usize,
}

/// All submissions of this node that wait, at most `max` transactions.
pub(super) struct Waiters {
    inner: Mutex<Inner>,
    max: usize,
}

/// Places among the waiters, given up when dropped.
pub(super) struct Waiting {
    waiters: Arc<Waiters>,
    leaves: Vec<Hash>,
    group: Arc<Group>,
}

impl Waiters {
    pub(super) fn new(max: usize) -> Self {
        Self { inner: Mutex::default(), max }
    }

    /// Begins to wait for leaves; `None` when too many wait already.
    pub(super) fn register(self: &Arc<Self>, leaves: Vec<Hash>) -> Option<Waiting> {
        let group = Arc::new(Group::default());
        *group.inner.lock() =
            GroupInner { replies: vec![None; leaves.len()], left: leaves.len(), ..GroupInner::default() };
        let mut inner = self.inner.lock();
        if inner.count + leaves.len() > self.max {
            return None;
        }
        inner.count += leaves.len();
        for (place, leaf) in leaves.iter().enumerate() {
            inner.waiting.entry(*leaf).or_default().push((group.clone(), place));
        }
        Some(Waiting { waiters: self.clone(), leaves, group })
    }

    /// Answers everyone who waits for these leaves.
    pub(super) fn complete(&self, replies: impl IntoIterator<Item = (Hash, Reply)>) {
        let mut inner = self.inner.lock();
        if inner.count == 0 {
            return;
        }
        for (leaf, reply) in replies {
            let Some(mut places) = inner.waiting.remove(&leaf) else { continue };
            let before = places.len();
            places.retain(|(group, place)| !group.put(*place, &reply));
            inner.count -= before - places.len();
            if !places.is_empty() {
                inner.waiting.insert(leaf, places);
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.inner.lock().count
    }

    /// Lets everyone go without an answer.
    pub(super) fn clear(&self) {
        let mut inner = self.inner.lock();
        inner.count = 0;
        for (group, _) in inner.waiting.drain().flat_map(|(_, places)| places) {
            group.inner.lock().closed = true;
            group.news.notify_one();
        }
    }
}

impl Waiting {
    /// Waits until every place has its answer, or the node stops.
    pub(super) async fn answered(&self) {
        loop {
            {
                let inner = self.group.inner.lock();
                if inner.left == 0 || inner.closed {
                    return;
                }
            }
            self.group.news.notified().await;
        }
    }

    /// Takes no full queue for an answer from now on.
    pub(super) fn insist(&self) {
        self.group.inner.lock().insists = true;
    }

    /// Places without an answer.
    pub(super) fn open(&self) -> Vec<usize> {
        let inner = self.group.inner.lock();
        inner.replies.iter().enumerate().filter(|(_, reply)| reply.is_none()).map(|(place, _)| place).collect()
    }

    /// Whether the node stops.
    pub(super) fn is_closed(&self) -> bool {
        self.group.inner.lock().closed
    }

    /// What came so far, in the order of the places.
    pub(super) fn replies(&self) -> Vec<Option<Reply>> {
        self.group.inner.lock().replies.clone()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.group.inner.lock().left == 0 {
            return;
        }
        let mut inner = self.waiters.inner.lock();
        for place in self.open() {
            let Some(leaf) = self.leaves.get(place) else { continue };
            let Some(places) = inner.waiting.get_mut(leaf) else { continue };
            let before = places.len();
            places.retain(|(group, at)| !(Arc::ptr_eq(group, &self.group) && *at == place));
            let (gone, is_empty) = (before - places.len(), places.is_empty());
            inner.count -= gone;
            if is_empty {
                inner.waiting.remove(leaf);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::digest::sm3;

    #[test]
    fn everyone_who_waits_is_answered_and_places_are_freed() {
        let waiters = Arc::new(Waiters::new(4));
        let (one, other) = (sm3(&[b"one"]), sm3(&[b"other"]));
        let first = waiters.register(vec![one]).unwrap();
        let second = waiters.register(vec![other, one, one]).unwrap();
        assert!(waiters.register(vec![other]).is_none());
        waiters.complete([(one, Reply::Invalid("x".into()))]);
        assert_eq!((waiters.len(), first.open(), second.open()), (1, vec![], vec![0]));
        assert_eq!(first.replies(), [Some(Reply::Invalid("x".into()))]);
        second.insist();
        waiters.complete([(other, Reply::Busy)]);
        assert_eq!(second.open(), [0], "a full queue is no answer to whoever sent before");
        drop(second);
        assert_eq!((waiters.len(), waiters.inner.lock().waiting.len()), (0, 0));
        let third = waiters.register(vec![one, other]).unwrap();
        waiters.complete([(other, Reply::Busy)]);
        assert_eq!(third.replies(), [None, Some(Reply::Busy)]);
        waiters.clear();
        assert!(third.is_closed());
    }
}
