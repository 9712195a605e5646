//! What a reader remembers of heads that came: a sender begins many texts with one. Bounded, whoever sends.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::Shared;

/// Heads of each generation; a sender in use has one at a time.
const HEADS_MAX: usize = 256;

/// Two generations: when the newer is full, the older is forgotten, less what was used since. Wiped when dropped.
#[derive(Default)]
pub(super) struct Known(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    // Boxed by the Arc, so that growing tables leave no copies behind.
    newer: HashMap<Vec<u8>, Arc<Shared>>,
    older: HashMap<Vec<u8>, Arc<Shared>>,
}

impl Known {
    /// What follows from a head, if it came before.
    pub(super) fn get(&self, head: &[u8]) -> Option<Arc<Shared>> {
        let mut generations = self.0.lock();
        if let Some(found) = generations.newer.get(head) {
            return Some(found.clone());
        }
        let (head, found) = generations.older.remove_entry(head)?;
        generations.insert(head, found.clone());
        Some(found)
    }

    /// Remembers a head under which a text was opened.
    pub(super) fn keep(&self, head: &[u8], shared: Arc<Shared>) {
        self.0.lock().insert(head.to_vec(), shared);
    }
}

impl Generations {
    fn insert(&mut self, head: Vec<u8>, shared: Arc<Shared>) {
        if self.newer.len() >= HEADS_MAX {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(head, shared);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_many_heads_come_few_are_kept_and_those_in_use_stay() {
        let known = Known::default();
        let shared = |n: usize| Arc::new(Shared::new([u8::try_from(n % 256).unwrap(); 32]));
        known.keep(b"in use", shared(7));
        for n in 0..10 * HEADS_MAX {
            known.keep(&n.to_be_bytes(), shared(n));
            assert_eq!(known.get(b"in use").unwrap()[0], 7);
            let generations = known.0.lock();
            assert!(generations.newer.len() <= HEADS_MAX && generations.older.len() <= HEADS_MAX);
        }
        assert!(known.get(&0usize.to_be_bytes()).is_none());
        assert_eq!(**known.get(&(10 * HEADS_MAX - 1).to_be_bytes()).unwrap(), **shared(10 * HEADS_MAX - 1));
    }
}
