//! A map of the state that keeps a digest of itself: every change goes through it.

use std::collections::BTreeMap;
use std::ops::Deref;

use serde::Serialize;

use crate::crypto::digest::{Hash, HashAlgorithm};

/// A sum of digests modulo 2^256, most significant word first.
///
/// A sum can follow any change in constant time, where a tree would cost a path. It is no
/// commitment against someone who chooses the items, and need not be one: next to it in
/// [`State::digest`](super::State::digest) stands a hash over the whole history, of which the items
/// are a function. The sum shows what that hash cannot: that a node *computed* its state wrongly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum([u64; 4]);

impl Sum {
    pub fn add(&mut self, digest: Hash) {
        self.merge(Self::from(digest));
    }

    pub fn sub(&mut self, digest: Hash) {
        // Two's complement: the inverse modulo 2^256 is the complement plus one.
        self.merge(Self(Self::from(digest).0.map(|word| !word)));
        self.merge(Self([0, 0, 0, 1]));
    }

    pub fn merge(&mut self, other: Self) {
        let mut carry = false;
        for (word, more) in self.0.iter_mut().zip(other.0).rev() {
            let (sum, over) = word.overflowing_add(more);
            let (sum, over_again) = sum.overflowing_add(u64::from(carry));
            (*word, carry) = (sum, over || over_again);
        }
    }

    /// The number, big endian.
    pub fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (place, word) in bytes.chunks_exact_mut(8).zip(self.0) {
            place.copy_from_slice(&word.to_be_bytes());
        }
        bytes
    }
}

impl From<Hash> for Sum {
    fn from(digest: Hash) -> Self {
        let mut words = [0; 4];
        for (word, bytes) in words.iter_mut().zip(digest.0.chunks_exact(8)) {
            *word = bytes.iter().fold(0, |word, byte| (word << 8) | u64::from(*byte));
        }
        Self(words)
    }
}

/// Items of one kind by their key. Reads as a map; is changed only by what keeps the sum right.
#[derive(Clone, Debug)]
pub(super) struct Items<K, V> {
    kind: &'static str,
    algorithm: HashAlgorithm,
    map: BTreeMap<K, V>,
    sum: Sum,
}

impl<K: Ord + Serialize, V: Serialize> Items<K, V> {
    pub fn new(kind: &'static str, algorithm: HashAlgorithm) -> Self {
        Self { kind, algorithm, map: BTreeMap::new(), sum: Sum::default() }
    }

    /// Puts an item in the place of its key.
    pub fn insert(&mut self, key: K, value: V) {
        self.sum.add(self.digest_of(&key, &value));
        if let Some(before) = self.map.get(&key) {
            self.sum.sub(self.digest_of(&key, before));
        }
        self.map.insert(key, value);
    }

    /// Changes an item that is there; its rules were checked before.
    pub fn change(&mut self, key: &K, change: impl FnOnce(&mut V)) {
        let Some(before) = self.map.get(key).map(|value| self.digest_of(key, value)) else { return };
        if let Some(value) = self.map.get_mut(key) {
            change(value);
        }
        if let Some(after) = self.map.get(key).map(|value| self.digest_of(key, value)) {
            self.sum.sub(before);
            self.sum.add(after);
        }
    }

    /// Takes an item out.
    pub fn remove(&mut self, key: &K) {
        if let Some(value) = self.map.remove(key) {
            self.sum.sub(self.digest_of(key, &value));
        }
    }

    /// The sum as it was kept.
    pub fn sum(&self) -> Sum {
        self.sum
    }

    /// The sum of what is there, computed anew.
    pub fn recomputed(&self) -> Sum {
        let mut sum = Sum::default();
        self.map.iter().for_each(|(key, value)| sum.add(self.digest_of(key, value)));
        sum
    }

    /// `H(["kind",key,value])`, as JSON without spaces, its fields in the order of their types.
    fn digest_of(&self, key: &K, value: &V) -> Hash {
        // Nothing that is kept can fail to be written: all maps have keys of text.
        self.algorithm.digest(&[&serde_json::to_vec(&(self.kind, key, value)).unwrap_or_default()])
    }
}

impl<K, V> Deref for Items<K, V> {
    type Target = BTreeMap<K, V>;
    fn deref(&self) -> &Self::Target {
        &self.map
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(kind: &'static str) -> Items<String, u32> {
        Items::new(kind, HashAlgorithm::Sm3)
    }

    #[test]
    fn a_sum_can_be_undone_across_every_carry() {
        let mut sum = Sum([0, 0, 0, 5]);
        let most = Hash([0xff; 32]);
        sum.add(most);
        assert_eq!(sum, Sum([0, 0, 0, 4]), "2^256 - 1 is minus one");
        sum.sub(Hash(Sum([0, 0, 0, 5]).to_bytes()));
        assert_eq!(sum, Sum([u64::MAX; 4]));
        sum.sub(most);
        assert_eq!(sum, Sum::default());
        let digest = crate::crypto::digest::sm3(&[b"x"]);
        assert_eq!(Sum::from(digest).to_bytes(), digest.0);
    }

    #[test]
    fn the_sum_follows_the_items_and_forgets_the_way() {
        let mut one = items("a");
        one.insert("x".into(), 1);
        one.insert("y".into(), 2);
        one.insert("x".into(), 3);
        one.change(&"y".into(), |value| *value = 4);
        one.change(&"z".into(), |value| *value = 5);
        one.insert("z".into(), 6);
        one.remove(&"z".into());
        one.remove(&"z".into());
        let mut other = items("a");
        other.insert("y".into(), 4);
        other.insert("x".into(), 3);
        assert_eq!(one.sum(), other.sum());
        assert_eq!(one.sum(), one.recomputed());
        assert_eq!(one.len(), 2);
    }

    #[test]
    fn kind_key_and_value_all_count() {
        let sum = |kind, key: &str, value| {
            let mut items = items(kind);
            items.insert(key.into(), value);
            items.sum()
        };
        let plain = sum("a", "x", 1);
        for other in [sum("b", "x", 1), sum("a", "y", 1), sum("a", "x", 2), Sum::default()] {
            assert_ne!(plain, other);
        }
    }
}
