//! The ledger's Merkle tree (RFC 6962, section 2): one leaf a transaction, proofs in O(log n) from stored nodes.

use crate::crypto::digest::{Hash, HashAlgorithm};

use super::LedgerError;
use super::frontier::Frontier;

/// Where the hashes of complete subtrees come from: memory, a node's files, tiles of a web server.
pub trait Nodes {
    /// Why a hash cannot be had.
    type Error;

    /// The tree's digest.
    fn algorithm(&self) -> HashAlgorithm;

    /// Number of leaves.
    fn size(&self) -> u64;

    /// The hash over the leaves `[index * 2^level, (index + 1) * 2^level)`, all of which exist.
    ///
    /// # Errors
    /// The source's own, also for a node that is not complete.
    fn node(&self, level: u32, index: u64) -> Result<Hash, Self::Error>;
}

/// The root that a tree had at a size; `None` when it never had.
///
/// # Errors
/// The source's.
pub fn root_at<N: Nodes + ?Sized>(nodes: &N, size: u64) -> Result<Option<Hash>, N::Error> {
    match size {
        0 => Ok(Some(empty_root(nodes.algorithm()))),
        _ if size > nodes.size() => Ok(None),
        _ => range(nodes, 0, size).map(Some),
    }
}

/// Inclusion path of a leaf in the tree of `size` leaves (RFC 6962, 2.1.1), `None` outside the tree.
///
/// # Errors
/// The source's.
pub fn inclusion<N: Nodes + ?Sized>(nodes: &N, index: u64, size: u64) -> Result<Option<Vec<Hash>>, N::Error> {
    if index >= size || size > nodes.size() {
        return Ok(None);
    }
    let (mut start, mut end) = (0, size);
    let mut path = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            path.push(range(nodes, middle, end)?);
            end = middle;
        } else {
            path.push(range(nodes, start, middle)?);
            start = middle;
        }
    }
    path.reverse();
    Ok(Some(path))
}

/// Proof that the tree of `from` leaves is the beginning of that of `to` leaves (RFC 6962, 2.1.2), `None` outside the
/// tree. It is empty between equal sizes and from the empty tree.
///
/// # Errors
/// The source's.
pub fn consistency<N: Nodes + ?Sized>(nodes: &N, from: u64, to: u64) -> Result<Option<Vec<Hash>>, N::Error> {
    if from > to || to > nodes.size() {
        return Ok(None);
    }
    if from == 0 || from == to {
        return Ok(Some(Vec::new()));
    }
    let (mut start, mut end) = (0, to);
    let mut proof = Vec::new();
    while end != from {
        let middle = start + split(end - start);
        if from <= middle {
            proof.push(range(nodes, middle, end)?);
            end = middle;
        } else {
            proof.push(range(nodes, start, middle)?);
            start = middle;
        }
    }
    // A verifier knows the old root: it is repeated only when it is not a node of the new tree.
    if start != 0 {
        proof.push(range(nodes, start, end)?);
    }
    proof.reverse();
    Ok(Some(proof))
}

/// Hash over the leaves `[start, end)`, for the ranges that RFC 6962 forms.
fn range<N: Nodes + ?Sized>(nodes: &N, start: u64, end: u64) -> Result<Hash, N::Error> {
    let length = end - start;
    if length.is_power_of_two() {
        return nodes.node(length.trailing_zeros(), start / length);
    }
    let middle = start + split(length);
    Ok(node(nodes.algorithm(), &range(nodes, start, middle)?, &range(nodes, middle, end)?))
}

/// A tree in memory: 64 bytes a leaf, nothing is hashed twice.
#[derive(Clone, Debug)]
pub struct Tree {
    frontier: Frontier,
    /// `levels[k][i]` covers the leaves `[i * 2^k, (i + 1) * 2^k)`.
    levels: Vec<Vec<Hash>>,
}

/// A tree in memory has no such node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoNode;

impl Nodes for Tree {
    type Error = NoNode;

    fn algorithm(&self) -> HashAlgorithm {
        self.frontier.algorithm()
    }

    fn size(&self) -> u64 {
        self.frontier.size()
    }

    fn node(&self, level: u32, index: u64) -> Result<Hash, NoNode> {
        let nodes = usize::try_from(level).ok().and_then(|level| self.levels.get(level)).ok_or(NoNode)?;
        usize::try_from(index).ok().and_then(|index| nodes.get(index)).copied().ok_or(NoNode)
    }
}

impl Tree {
    /// An empty tree.
    pub fn new(algorithm: HashAlgorithm) -> Self {
        Self { frontier: Frontier::new(algorithm), levels: Vec::new() }
    }

    /// Adds a leaf hash, `H(0x00 || transaction)`, and returns its index.
    pub fn push(&mut self, leaf: Hash) -> u64 {
        let levels = &mut self.levels;
        self.frontier.push(leaf, |level, hash| match levels.get_mut(level) {
            Some(nodes) => nodes.push(hash),
            None => levels.push(vec![hash]),
        })
    }

    /// The root over all leaves.
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// The root that the tree had at a smaller size.
    pub fn root_at(&self, size: u64) -> Option<Hash> {
        root_at(self, size).ok().flatten()
    }

    /// See [`inclusion`].
    pub fn inclusion(&self, index: u64, size: u64) -> Option<Vec<Hash>> {
        inclusion(self, index, size).ok().flatten()
    }

    /// See [`consistency`].
    pub fn consistency(&self, from: u64, to: u64) -> Option<Vec<Hash>> {
        consistency(self, from, to).ok().flatten()
    }
}

/// The root of a tree without leaves: the digest of nothing.
pub fn empty_root(algorithm: HashAlgorithm) -> Hash {
    algorithm.digest(&[])
}

/// Checks an inclusion path (RFC 9162, 2.1.3.2).
///
/// # Errors
/// [`LedgerError::Proof`] when it does not lead from the leaf to the root.
pub fn verify_inclusion(
    algorithm: HashAlgorithm,
    leaf: Hash,
    index: u64,
    size: u64,
    path: &[Hash],
    root: Hash,
) -> Result<(), LedgerError> {
    if index >= size {
        return Err(LedgerError::Proof);
    }
    let (mut here, mut last) = (index, size - 1);
    let mut hash = leaf;
    for sibling in path {
        if last == 0 {
            return Err(LedgerError::Proof);
        }
        if here % 2 == 1 || here == last {
            hash = node(algorithm, sibling, &hash);
            climb_to_right_node(&mut here, &mut last);
        } else {
            hash = node(algorithm, &hash, sibling);
        }
        (here, last) = (here >> 1, last >> 1);
    }
    if last == 0 && hash == root { Ok(()) } else { Err(LedgerError::Proof) }
}

/// Checks a consistency proof between `(size, root)` pairs (RFC 9162, 2.1.4.2).
///
/// # Errors
/// [`LedgerError::Proof`] when the older tree is not shown to be the beginning of the newer one.
pub fn verify_consistency(
    algorithm: HashAlgorithm,
    from: (u64, Hash),
    to: (u64, Hash),
    proof: &[Hash],
) -> Result<(), LedgerError> {
    let ((from, from_root), (to, to_root)) = (from, to);
    let sure = |fits: bool| if fits { Ok(()) } else { Err(LedgerError::Proof) };
    if from == to {
        return sure(proof.is_empty() && from_root == to_root);
    }
    if from == 0 {
        return sure(proof.is_empty() && from_root == empty_root(algorithm));
    }
    if from > to {
        return Err(LedgerError::Proof);
    }
    let (first, rest) = if from.is_power_of_two() {
        (from_root, proof)
    } else {
        let (first, rest) = proof.split_first().ok_or(LedgerError::Proof)?;
        (*first, rest)
    };
    let (mut here, mut last) = (from - 1, to - 1);
    let shift = here.trailing_ones();
    (here, last) = (here >> shift, last >> shift);
    let (mut old, mut new) = (first, first);
    for hash in rest {
        if last == 0 {
            return Err(LedgerError::Proof);
        }
        if here % 2 == 1 || here == last {
            old = node(algorithm, hash, &old);
            new = node(algorithm, hash, &new);
            climb_to_right_node(&mut here, &mut last);
        } else {
            new = node(algorithm, &new, hash);
        }
        (here, last) = (here >> 1, last >> 1);
    }
    sure(last == 0 && old == from_root && new == to_root)
}

/// On the right edge, levels without a sibling are skipped.
fn climb_to_right_node(here: &mut u64, last: &mut u64) {
    while *here != 0 && here.is_multiple_of(2) {
        (*here, *last) = (*here >> 1, *last >> 1);
    }
}

pub(super) fn node(algorithm: HashAlgorithm, left: &Hash, right: &Hash) -> Hash {
    algorithm.digest(&[&[1], &left.0, &right.0])
}

/// The largest power of two smaller than `n`, for `n` > 1.
fn split(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

#[cfg(test)]
#[path = "merkle_tests.rs"]
pub(crate) mod tests;
