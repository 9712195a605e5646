//! Idempotency: the ids of the last twenty minutes of block time, and no more.

use imbl::OrdMap;

use crate::clock::Millis;
use crate::crypto::digest::Hash;
use crate::ids::TxId;

use super::items::Sum;
use super::outcome::Refusal;

/// How far an id's time may lie from block time, to either side.
pub const ID_WINDOW_MS: u64 = 600_000;

/// Ids whose time still lies in the window. UUIDv7 sort by time, so old ones are dropped from the front.
#[derive(Clone, Debug, Default)]
pub(super) struct IdsSeen {
    seen: OrdMap<TxId, (Hash, u64)>,
    sum: Sum,
}

impl IdsSeen {
    /// Lets a new id in, and refuses one that is too old, too new or known.
    pub fn admit(&mut self, id: TxId, leaf: Hash, index: u64, now: Millis) -> Result<(), Refusal> {
        if let Some((known, first)) = self.seen.get(&id) {
            let first = *first;
            return Err(if *known == leaf { Refusal::Repeated { first } } else { Refusal::IdReused { first } });
        }
        let time = id.time();
        if time.since(now) > ID_WINDOW_MS || now.since(time) > ID_WINDOW_MS {
            return Err(Refusal::IdTime);
        }
        self.remember(id, leaf, index, now);
        Ok(())
    }

    /// Remembers an id and forgets those that could not be admitted any more.
    pub fn remember(&mut self, id: TxId, leaf: Hash, index: u64, now: Millis) {
        self.put_back(id, leaf, index);
        while let Some((oldest, (leaf, _))) = self.seen.get_min().copied() {
            if now.since(oldest.time()) <= ID_WINDOW_MS {
                break;
            }
            self.seen.remove(&oldest);
            self.sum.sub(leaf);
        }
    }

    /// What is remembered, by id: the leaf of each, and where it stands.
    pub fn iter(&self) -> impl Iterator<Item = (TxId, Hash, u64)> {
        self.seen.iter().map(|(id, (leaf, index))| (*id, *leaf, *index))
    }

    /// Puts back what [`IdsSeen::iter`] gave.
    pub fn put_back(&mut self, id: TxId, leaf: Hash, index: u64) {
        if let Some((before, _)) = self.seen.insert(id, (leaf, index)) {
            self.sum.sub(before);
        }
        self.sum.add(leaf);
    }

    /// The sum of the leaves of what is remembered: each is a digest of a whole transaction, its id
    /// included, and every transaction comes and goes here, so that hashing it again would be felt.
    pub fn sum(&self) -> Sum {
        self.sum
    }

    /// The same, computed anew.
    pub fn recomputed(&self) -> Sum {
        let mut sum = Sum::default();
        self.seen.values().for_each(|(leaf, _)| sum.add(*leaf));
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::digest::sm3;

    #[test]
    fn an_id_counts_once_and_only_in_its_time() {
        let start = Millis(1_795_000_000_000);
        let id = TxId::new(start);
        let (one, other) = (sm3(&[b"one"]), sm3(&[b"other"]));
        let mut ids = IdsSeen::default();
        assert_eq!(ids.admit(id, one, 5, start), Ok(()));
        assert_eq!(ids.admit(id, one, 6, start), Err(Refusal::Repeated { first: 5 }));
        assert_eq!(ids.admit(id, other, 7, start), Err(Refusal::IdReused { first: 5 }));
        let later = start.plus(ID_WINDOW_MS + 1);
        assert_eq!(ids.admit(TxId::new(later), one, 8, later), Ok(()));
        assert_eq!(ids.seen.len(), 1, "the old id is forgotten");
        assert_eq!((ids.sum(), ids.recomputed()), (Sum::from(one), Sum::from(one)));
        assert_eq!(ids.admit(id, one, 9, later), Err(Refusal::IdTime), "and refused by its time");
        assert_eq!(ids.admit(TxId::new(later.plus(ID_WINDOW_MS + 1)), one, 10, later), Err(Refusal::IdTime));
    }
}
