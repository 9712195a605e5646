//! A map of the state that keeps a digest of itself: every change goes through it.

use std::borrow::Borrow;
use std::fmt;
use std::ops::RangeBounds;
use std::sync::Arc;

use imbl::OrdMap;
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

/// Items of one kind by their key. Is changed only by what keeps the sum right.
///
/// A copy costs nothing and shares everything with the original until one of them changes: so a snapshot is taken of a
/// state that goes on.
#[derive(Clone)]
pub(super) struct Items<K, V> {
    kind: &'static str,
    algorithm: HashAlgorithm,
    map: OrdMap<K, Arc<V>>,
    sum: Sum,
}

impl<K, V> fmt::Debug for Items<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.map.len(), self.kind)
    }
}

impl<K, V> Items<K, V> {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// What these items are called in their digests.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// The sum as it was kept.
    pub fn sum(&self) -> Sum {
        self.sum
    }
}

impl<K: Ord, V> Items<K, V> {
    /// One item.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.map.get(key).map(AsRef::as_ref)
    }

    /// Whether there is one of this key.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.map.contains_key(key)
    }

    /// All, by key.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.map.iter().map(|(key, value)| (key, value.as_ref()))
    }

    /// Those whose keys lie in a range, by key.
    pub fn range(&self, keys: impl RangeBounds<K>) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.map.range(keys).map(|(key, value)| (key, value.as_ref()))
    }

    /// Their keys in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    /// All without their keys, in the keys' order.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }
}

impl<K: Ord + Clone + Serialize, V: Clone + Serialize> Items<K, V> {
    pub fn new(kind: &'static str, algorithm: HashAlgorithm) -> Self {
        Self { kind, algorithm, map: OrdMap::new(), sum: Sum::default() }
    }

    /// Puts an item in the place of its key.
    pub fn insert(&mut self, key: K, value: V) {
        self.sum.add(self.digest_of(&key, &value));
        if let Some(before) = self.get(&key) {
            self.sum.sub(self.digest_of(&key, before));
        }
        self.map.insert(key, Arc::new(value));
    }

    /// Changes an item that is there; its rules were checked before.
    pub fn change(&mut self, key: &K, change: impl FnOnce(&mut V)) {
        let Some(before) = self.get(key).map(|value| self.digest_of(key, value)) else { return };
        if let Some(value) = self.map.get_mut(key) {
            change(Arc::make_mut(value));
        }
        if let Some(after) = self.get(key).map(|value| self.digest_of(key, value)) {
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

    /// The sum of what is there, computed anew.
    pub fn recomputed(&self) -> Sum {
        let mut sum = Sum::default();
        self.iter().for_each(|(key, value)| sum.add(self.digest_of(key, value)));
        sum
    }

    /// `H(["kind",key,value])`, as JSON without spaces, its fields in the order of their types.
    fn digest_of(&self, key: &K, value: &V) -> Hash {
        // Nothing that is kept can fail to be written: all maps have keys of text.
        self.algorithm.digest(&[&serde_json::to_vec(&(self.kind, key, value)).unwrap_or_default()])
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
    fn a_copy_stays_as_it_was() {
        let mut one = items("a");
        (0..100).for_each(|n| one.insert(format!("{n:03}"), n));
        let copy = one.clone();
        one.change(&"050".into(), |value| *value = 7);
        one.remove(&"051".into());
        one.insert("x".into(), 8);
        assert_eq!((copy.get("050"), copy.get("051"), copy.get("x"), copy.len()), (Some(&50), Some(&51), None, 100));
        assert_eq!((one.get("050"), one.get("051"), one.get("x"), one.len()), (Some(&7), None, Some(&8), 100));
        assert_eq!((copy.sum(), one.sum()), (copy.recomputed(), one.recomputed()));
        assert_ne!(copy.sum(), one.sum());
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
