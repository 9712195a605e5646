//! The ledger's Merkle tree (RFC 6962, section 2): one leaf a transaction, proofs in O(log n).

use crate::crypto::digest::{Hash, HashAlgorithm};

use super::LedgerError;

/// A tree that keeps the hash of every complete subtree: 64 bytes a leaf, nothing is hashed twice.
#[derive(Clone, Debug)]
pub struct Tree {
    algorithm: HashAlgorithm,
    /// `levels[k][i]` covers the leaves `[i * 2^k, (i + 1) * 2^k)`.
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    /// An empty tree.
    pub fn new(algorithm: HashAlgorithm) -> Self {
        Self { algorithm, levels: Vec::new() }
    }

    /// The tree's digest.
    pub fn algorithm(&self) -> HashAlgorithm {
        self.algorithm
    }

    /// Adds a leaf hash, `H(0x00 || transaction)`, and returns its index.
    pub fn push(&mut self, leaf: Hash) -> u64 {
        let index = self.size();
        let mut hash = leaf;
        let mut level = 0;
        loop {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let Some(nodes) = self.levels.get_mut(level) else { return index };
            let left = if nodes.len() % 2 == 1 { nodes.last().copied() } else { None };
            nodes.push(hash);
            // A left node waits for its sibling; a right one completes their parent.
            let Some(left) = left else { return index };
            hash = node(self.algorithm, &left, &hash);
            level += 1;
        }
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.levels.first().map_or(0, |leaves| u64::try_from(leaves.len()).unwrap_or(u64::MAX))
    }

    /// The leaf hash at an index.
    pub fn leaf(&self, index: u64) -> Option<Hash> {
        self.complete(0, index)
    }

    /// The root over all leaves.
    pub fn root(&self) -> Hash {
        self.root_at(self.size()).unwrap_or_else(|| empty_root(self.algorithm))
    }

    /// The root that the tree had at a smaller size.
    pub fn root_at(&self, size: u64) -> Option<Hash> {
        match size {
            0 => Some(empty_root(self.algorithm)),
            _ if size > self.size() => None,
            _ => self.range(0, size),
        }
    }

    /// Inclusion path of a leaf in the tree of `size` leaves (RFC 6962, 2.1.1), `None` outside the tree.
    pub fn inclusion(&self, index: u64, size: u64) -> Option<Vec<Hash>> {
        if index >= size || size > self.size() {
            return None;
        }
        let (mut start, mut end) = (0, size);
        let mut path = Vec::new();
        while end - start > 1 {
            let middle = start + split(end - start);
            if index < middle {
                path.push(self.range(middle, end)?);
                end = middle;
            } else {
                path.push(self.range(start, middle)?);
                start = middle;
            }
        }
        path.reverse();
        Some(path)
    }

    /// Proof that the tree of `from` leaves is the beginning of that of `to` leaves (RFC 6962, 2.1.2).
    /// It is empty between equal sizes and from the empty tree.
    pub fn consistency(&self, from: u64, to: u64) -> Option<Vec<Hash>> {
        if from > to || to > self.size() {
            return None;
        }
        if from == 0 || from == to {
            return Some(Vec::new());
        }
        let (mut start, mut end) = (0, to);
        let mut proof = Vec::new();
        while end != from {
            let middle = start + split(end - start);
            if from <= middle {
                proof.push(self.range(middle, end)?);
                end = middle;
            } else {
                proof.push(self.range(start, middle)?);
                start = middle;
            }
        }
        // A verifier knows the old root: it is repeated only when it is not a node of the new tree.
        if start != 0 {
            proof.push(self.range(start, end)?);
        }
        proof.reverse();
        Some(proof)
    }

    /// Hash over the leaves `[start, end)`, for the ranges that RFC 6962 forms.
    fn range(&self, start: u64, end: u64) -> Option<Hash> {
        let length = end - start;
        if length.is_power_of_two() {
            return self.complete(length.trailing_zeros(), start / length);
        }
        let middle = start + split(length);
        Some(node(self.algorithm, &self.range(start, middle)?, &self.range(middle, end)?))
    }

    fn complete(&self, level: u32, index: u64) -> Option<Hash> {
        self.levels.get(usize::try_from(level).ok()?)?.get(usize::try_from(index).ok()?).copied()
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

fn node(algorithm: HashAlgorithm, left: &Hash, right: &Hash) -> Hash {
    algorithm.digest(&[&[1], &left.0, &right.0])
}

/// The largest power of two smaller than `n`, for `n` > 1.
fn split(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE_MAX: u64 = 70;

    fn leaf(algorithm: HashAlgorithm, n: u64) -> Hash {
        algorithm.digest(&[&[0], &n.to_be_bytes()])
    }

    /// RFC 6962, 2.1, word for word: recursion over slices, nothing kept.
    fn naive_root(algorithm: HashAlgorithm, leaves: &[Hash]) -> Hash {
        match leaves {
            [] => algorithm.digest(&[]),
            [one] => *one,
            _ => {
                let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
                algorithm.digest(&[&[1], &naive_root(algorithm, left).0, &naive_root(algorithm, right).0])
            }
        }
    }

    fn naive_path(algorithm: HashAlgorithm, index: usize, leaves: &[Hash]) -> Vec<Hash> {
        if leaves.len() == 1 {
            return Vec::new();
        }
        let k = leaves.len().next_power_of_two() / 2;
        let (left, right) = leaves.split_at(k);
        let (mut path, sibling) = if index < k {
            (naive_path(algorithm, index, left), naive_root(algorithm, right))
        } else {
            (naive_path(algorithm, index - k, right), naive_root(algorithm, left))
        };
        path.push(sibling);
        path
    }

    fn naive_proof(algorithm: HashAlgorithm, from: usize, leaves: &[Hash], known: bool) -> Vec<Hash> {
        if from == leaves.len() {
            return if known { Vec::new() } else { vec![naive_root(algorithm, leaves)] };
        }
        let k = leaves.len().next_power_of_two() / 2;
        let (left, right) = leaves.split_at(k);
        let (mut proof, other) = if from <= k {
            (naive_proof(algorithm, from, left, known), naive_root(algorithm, right))
        } else {
            (naive_proof(algorithm, from - k, right, false), naive_root(algorithm, left))
        };
        proof.push(other);
        proof
    }

    fn grown(algorithm: HashAlgorithm) -> (Tree, Vec<Hash>) {
        let mut tree = Tree::new(algorithm);
        let leaves: Vec<Hash> = (0..SIZE_MAX).map(|n| leaf(algorithm, n)).collect();
        for (n, leaf) in leaves.iter().enumerate() {
            assert_eq!(tree.root(), naive_root(algorithm, &leaves[..n]));
            assert_eq!(tree.push(*leaf), n as u64);
        }
        (tree, leaves)
    }

    #[test]
    fn roots_and_inclusion_agree_with_a_second_implementation() {
        for algorithm in [HashAlgorithm::Sm3, HashAlgorithm::Sha256] {
            let (tree, leaves) = grown(algorithm);
            for size in 0..=SIZE_MAX {
                let part = &leaves[..size as usize];
                let root = tree.root_at(size).unwrap();
                assert_eq!(root, naive_root(algorithm, part), "size {size}");
                assert_eq!(tree.inclusion(size, size), None);
                for index in 0..size {
                    let path = tree.inclusion(index, size).unwrap();
                    assert_eq!(path, naive_path(algorithm, index as usize, part), "{index} of {size}");
                    let leaf = part[index as usize];
                    assert_eq!(verify_inclusion(algorithm, leaf, index, size, &path, root), Ok(()));
                }
            }
            assert_eq!(tree.root_at(SIZE_MAX + 1), None);
        }
    }

    #[test]
    fn consistency_agrees_with_a_second_implementation() {
        let algorithm = HashAlgorithm::Sm3;
        let (tree, leaves) = grown(algorithm);
        for to in 0..=SIZE_MAX {
            let new = tree.root_at(to).unwrap();
            for from in 0..=to {
                let old = tree.root_at(from).unwrap();
                let proof = tree.consistency(from, to).unwrap();
                if from > 0 {
                    assert_eq!(proof, naive_proof(algorithm, from as usize, &leaves[..to as usize], true));
                }
                assert_eq!(verify_consistency(algorithm, (from, old), (to, new), &proof), Ok(()), "{from} to {to}");
            }
            assert_eq!(tree.consistency(to + 1, to), None);
        }
    }

    #[test]
    fn no_changed_proof_is_accepted() {
        let algorithm = HashAlgorithm::Sha256;
        let (tree, leaves) = grown(algorithm);
        let wrong = leaf(algorithm, 999);
        for size in 1..=33 {
            let root = tree.root_at(size).unwrap();
            for index in 0..size {
                let path = tree.inclusion(index, size).unwrap();
                let refused = |leaf, index, size, path: &[Hash], root| {
                    assert!(verify_inclusion(algorithm, leaf, index, size, path, root).is_err());
                };
                let leaf = leaves[index as usize];
                refused(wrong, index, size, &path, root);
                refused(leaf, index, size, &path, wrong);
                refused(leaf, size, size, &path, root);
                refused(leaf, index, size, &[path.as_slice(), &[wrong]].concat(), root);
                (0..size).filter(|other| *other != index).for_each(|other| refused(leaf, other, size, &path, root));
                for at in 0..path.len() {
                    let mut path = path.clone();
                    path[at] = wrong;
                    refused(leaf, index, size, &path, root);
                    path.truncate(at);
                    refused(leaf, index, size, &path, root);
                }
            }
            for from in 1..size {
                let old = tree.root_at(from).unwrap();
                let proof = tree.consistency(from, size).unwrap();
                let refused = |old, new, proof: &[Hash]| {
                    assert!(verify_consistency(algorithm, (from, old), (size, new), proof).is_err());
                };
                refused(wrong, root, &proof);
                refused(old, wrong, &proof);
                refused(old, root, &[proof.as_slice(), &[wrong]].concat());
                for at in 0..proof.len() {
                    let mut proof = proof.clone();
                    proof[at] = wrong;
                    refused(old, root, &proof);
                    proof.truncate(at);
                    refused(old, root, &proof);
                }
            }
        }
        assert!(verify_consistency(algorithm, (2, wrong), (1, wrong), &[]).is_err());
    }
}
