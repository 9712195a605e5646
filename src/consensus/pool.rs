//! Checked transactions that wait for a block, on the leader. Each leaf is taken once, however
//! often it is sent: submissions are repeated until they are applied.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::crypto::digest::Hash;
use crate::ledger::block::{BLOCK_BYTES_MAX, BLOCK_HEADER_BYTES};
use crate::ledger::transaction::Transaction;

/// What became of an offered transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// It waits for a block.
    Taken,
    /// It waits already, or is on its way.
    Known,
    /// No room.
    Full,
    /// This node does not lead.
    NotLeading,
}

#[derive(Default)]
struct Inner {
    leading: bool,
    queue: VecDeque<(Hash, Transaction)>,
    bytes: usize,
    /// Leaves in the queue or proposed and not yet applied.
    known: HashSet<Hash>,
}

/// The leader's queue, at most `max` transactions.
pub(super) struct Pool {
    inner: Mutex<Inner>,
    /// Something was taken out.
    room: Condvar,
    max: usize,
}

fn size_in_block(tx: &Transaction) -> usize {
    tx.as_bytes().len() + 4
}

impl Pool {
    pub(super) fn new(max: usize) -> Self {
        Self { inner: Mutex::default(), room: Condvar::new(), max }
    }

    /// Begins or ends to take transactions; what waited is forgotten, and sent again by its submitter.
    pub(super) fn set_leading(&self, leading: bool) {
        *self.inner.lock() = Inner { leading, ..Inner::default() };
        self.room.notify_all();
    }

    /// Waits a while for room. Whoever holds a checked transaction waits, so that others are turned away before they
    /// are checked, and what was taken in is not dropped half-way.
    pub(super) fn wait_for_room(&self, patience: Duration) {
        let mut inner = self.inner.lock();
        if inner.leading && inner.queue.len() >= self.max {
            self.room.wait_for(&mut inner, patience);
        }
    }

    pub(super) fn offer(&self, leaf: Hash, tx: Transaction) -> Offer {
        let mut inner = self.inner.lock();
        if !inner.leading {
            return Offer::NotLeading;
        }
        if inner.known.contains(&leaf) {
            return Offer::Known;
        }
        if inner.queue.len() >= self.max {
            return Offer::Full;
        }
        inner.known.insert(leaf);
        inner.bytes += size_in_block(&tx);
        inner.queue.push_back((leaf, tx));
        Offer::Taken
    }

    /// The transactions of the next block, in their order. Without `partial`, only if they fill one.
    pub(super) fn take_block(&self, partial: bool) -> Vec<(Hash, Transaction)> {
        let mut inner = self.inner.lock();
        let room = BLOCK_BYTES_MAX - BLOCK_HEADER_BYTES;
        if !partial && inner.bytes < room {
            return Vec::new();
        }
        let mut used = 0;
        let mut count = 0;
        for (_, tx) in &inner.queue {
            used += size_in_block(tx);
            if used > room {
                break;
            }
            count += 1;
        }
        let block: Vec<_> = inner.queue.drain(..count).collect();
        inner.bytes -= block.iter().map(|(_, tx)| size_in_block(tx)).sum::<usize>();
        self.room.notify_all();
        block
    }

    /// Puts a block's transactions back to the front.
    pub(super) fn put_back(&self, block: Vec<(Hash, Transaction)>) {
        let mut inner = self.inner.lock();
        for (leaf, tx) in block.into_iter().rev() {
            inner.bytes += size_in_block(&tx);
            inner.queue.push_front((leaf, tx));
        }
    }

    /// Forgets what was applied.
    pub(super) fn applied(&self, leaves: &[Hash]) {
        let mut inner = self.inner.lock();
        if inner.known.is_empty() {
            return;
        }
        for leaf in leaves {
            inner.known.remove(leaf);
        }
    }

    /// Whether a leaf waits or is on its way.
    pub(super) fn is_known(&self, leaf: &Hash) -> bool {
        self.inner.lock().known.contains(leaf)
    }

    pub(super) fn len(&self) -> usize {
        self.inner.lock().queue.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::digest::HashAlgorithm;
    use crate::crypto::sign::SigningKey;
    use crate::ledger::block::Block;

    fn tx(n: u32, size: usize) -> (Hash, Transaction) {
        let key = SigningKey::from_seed(&[3; 32]);
        let tx = Transaction::sign("city", format!("{{\"n\":{n},\"x\":\"{}\"}}", "y".repeat(size)).as_bytes(), &key);
        let tx = tx.unwrap();
        (tx.leaf(HashAlgorithm::Sm3), tx)
    }

    #[test]
    fn a_repeated_transaction_is_taken_once_until_it_is_applied() {
        let pool = Pool::new(2);
        let (leaf, one) = tx(1, 10);
        assert_eq!(pool.offer(leaf, one.clone()), Offer::NotLeading);
        pool.set_leading(true);
        assert_eq!(pool.offer(leaf, one.clone()), Offer::Taken);
        assert_eq!(pool.offer(leaf, one.clone()), Offer::Known);
        assert_eq!(pool.take_block(true).len(), 1);
        assert_eq!(pool.offer(leaf, one.clone()), Offer::Known);
        pool.applied(&[leaf]);
        assert_eq!(pool.offer(leaf, one), Offer::Taken);
        let (leaf, two) = tx(2, 10);
        assert_eq!(pool.offer(leaf, two), Offer::Taken);
        let (leaf, three) = tx(3, 10);
        assert_eq!(pool.offer(leaf, three), Offer::Full);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| pool.wait_for_room(Duration::from_secs(20)));
            assert_eq!(pool.take_block(true).len(), 2);
            assert!(waiting.join().is_ok());
        });
        let begun = std::time::Instant::now();
        pool.wait_for_room(Duration::from_secs(20));
        assert!(begun.elapsed() < Duration::from_secs(10), "there is room");
        pool.set_leading(false);
        assert_eq!(pool.len(), 0);
    }

    #[test]
    fn blocks_keep_the_order_and_fit_their_limit() {
        let pool = Pool::new(1000);
        pool.set_leading(true);
        let all: Vec<_> = (0..200).map(|n| tx(n, 700)).collect();
        for (leaf, tx) in &all {
            pool.offer(*leaf, tx.clone());
        }
        let mut packed = Vec::new();
        loop {
            let block = pool.take_block(false);
            if block.is_empty() {
                break;
            }
            let transactions: Vec<_> = block.iter().map(|(_, tx)| tx.clone()).collect();
            let bytes = Block { height: 1, time: crate::clock::Millis(1), transactions }.encode().len();
            assert!(bytes <= BLOCK_BYTES_MAX && bytes > BLOCK_BYTES_MAX - 1000, "{bytes}");
            packed.extend(block);
        }
        assert!(pool.len() > 0, "the rest does not fill a block");
        let rest = pool.take_block(true);
        pool.put_back(rest);
        packed.extend(pool.take_block(true));
        assert_eq!(packed, all);
        assert_eq!(pool.inner.lock().bytes, 0);
    }
}
