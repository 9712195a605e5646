//! A tree's right edge: all that is needed to add leaves and to tell the root, in O(log n) memory.

use crate::crypto::digest::{Hash, HashAlgorithm};

use super::merkle::{empty_root, node};

/// The largest complete subtrees of a tree, from left to right: one for each bit of its size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frontier {
    algorithm: HashAlgorithm,
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// That of the empty tree.
    pub fn new(algorithm: HashAlgorithm) -> Self {
        Self { algorithm, size: 0, peaks: Vec::new() }
    }

    /// That of a tree of a size, from its peaks as [`Frontier::peaks`] gives them; `None` if their number is not its.
    pub fn from_peaks(algorithm: HashAlgorithm, size: u64, peaks: Vec<Hash>) -> Option<Self> {
        let count = usize::try_from(size.count_ones()).ok()?;
        (peaks.len() == count).then_some(Self { algorithm, size, peaks })
    }

    /// The largest complete subtrees, from left to right.
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// The tree's digest.
    pub fn algorithm(&self) -> HashAlgorithm {
        self.algorithm
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf hash and returns its index. `completed` gets the leaf and every node that it completes, each with
    /// its level; of one level they come in order, and from the leaf upwards.
    pub fn push(&mut self, leaf: Hash, mut completed: impl FnMut(usize, Hash)) -> u64 {
        let index = self.size;
        let (mut hash, mut level, mut rest) = (leaf, 0, index);
        completed(level, hash);
        while rest % 2 == 1 {
            // A right node completes its parent.
            let Some(left) = self.peaks.pop() else { break };
            hash = node(self.algorithm, &left, &hash);
            level += 1;
            rest /= 2;
            completed(level, hash);
        }
        self.peaks.push(hash);
        self.size += 1;
        index
    }

    /// The root over all leaves.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev().copied();
        let Some(right) = peaks.next() else { return empty_root(self.algorithm) };
        peaks.fold(right, |right, left| node(self.algorithm, &left, &right))
    }
}
