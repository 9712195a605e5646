//! Fresh reads: the leader confirms that it still leads, then this node applies up to what was committed.
//!
//! The raft library drops such questions in silence (no leader, or nothing committed in the
//! leader's term yet), so every question has an age and whoever asked asks again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// Who asked; gets the log index up to which to apply.
pub(super) type Asker = oneshot::Sender<u64>;

/// Questions older than this were dropped on their way.
const AGE_MAX: Duration = Duration::from_secs(2);
const ROUNDS_MAX: usize = 1024;

struct Round {
    askers: Vec<Asker>,
    at: Instant,
}

/// Open questions of this node; those that come together are asked as one.
pub(super) struct Reads {
    /// Makes contexts unique among nodes and across restarts.
    prefix: [u8; 16],
    next: u64,
    waiting: Vec<Asker>,
    asked: BTreeMap<u64, Round>,
}

impl Reads {
    pub(super) fn new(node_id: u64, nonce: [u8; 8]) -> Self {
        let mut prefix = [0; 16];
        let (node, boot) = prefix.split_at_mut(8);
        node.copy_from_slice(&node_id.to_be_bytes());
        boot.copy_from_slice(&nonce);
        Self { prefix, next: 0, waiting: Vec::new(), asked: BTreeMap::new() }
    }

    pub(super) fn ask(&mut self, asker: Asker) {
        self.waiting.push(asker);
    }

    /// Begins a round with everyone who waits; answers its context, unless nobody does.
    pub(super) fn begin(&mut self, now: Instant) -> Option<Vec<u8>> {
        if self.waiting.is_empty() || self.asked.len() >= ROUNDS_MAX {
            // Whoever is dropped here asks again.
            self.waiting.clear();
            return None;
        }
        let number = self.next;
        self.next += 1;
        self.asked.insert(number, Round { askers: std::mem::take(&mut self.waiting), at: now });
        Some([self.prefix.as_slice(), &number.to_be_bytes()].concat())
    }

    /// The last round was dropped at once, or nobody leads: everyone asks again.
    pub(super) fn give_up_last(&mut self) {
        self.asked.pop_last();
    }

    /// The leader confirmed a round at a log index.
    pub(super) fn confirmed(&mut self, context: &[u8], index: u64) {
        let number = context.strip_prefix(&self.prefix).and_then(|b| b.try_into().ok()).map(u64::from_be_bytes);
        if let Some(round) = number.and_then(|number| self.asked.remove(&number)) {
            for asker in round.askers {
                // Whoever gave up meanwhile needs no answer.
                let _ = asker.send(index);
            }
        }
    }

    /// Gives up rounds that were dropped on their way.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some(round) = self.asked.first_entry() {
            if now.saturating_duration_since(round.get().at) < AGE_MAX {
                break;
            }
            round.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_answers_its_own_askers_only() {
        let mut reads = Reads::new(3, [9; 8]);
        let (a, mut first) = oneshot::channel();
        let (b, mut second) = oneshot::channel();
        let now = Instant::now();
        assert!(reads.begin(now).is_none());
        reads.ask(a);
        let one = reads.begin(now).unwrap();
        reads.ask(b);
        let two = reads.begin(now).unwrap();
        reads.confirmed(&[0; 24], 5);
        reads.confirmed(&two, 7);
        assert_eq!(second.try_recv(), Ok(7));
        assert!(first.try_recv().is_err());
        reads.confirmed(&one, 8);
        assert_eq!(first.try_recv(), Ok(8));
        let (c, mut third) = oneshot::channel();
        reads.ask(c);
        let three = reads.begin(now).unwrap();
        reads.expire(now + AGE_MAX);
        reads.confirmed(&three, 9);
        assert!(third.try_recv().is_err(), "too old: whoever asked asks again");
    }
}
