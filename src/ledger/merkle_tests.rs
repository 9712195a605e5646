//! Roots and proofs against a second, naive implementation, and against whatever may be changed in them.

use proptest::prelude::*;

use super::*;

pub(crate) const SIZE_MAX: u64 = 70;

pub(crate) fn leaf(algorithm: HashAlgorithm, n: u64) -> Hash {
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

/// Claims that every root and proof of a source of nodes is that of the standard's own words.
pub(crate) fn check_against_naive<N: Nodes>(nodes: &N, leaves: &[Hash])
where
    N::Error: std::fmt::Debug,
{
    let algorithm = nodes.algorithm();
    assert_eq!(nodes.size(), leaves.len() as u64);
    for size in 0..=nodes.size() {
        let part = &leaves[..size as usize];
        let root = root_at(nodes, size).unwrap().unwrap();
        assert_eq!(root, naive_root(algorithm, part), "size {size}");
        assert_eq!(inclusion(nodes, size, size).unwrap(), None);
        for index in 0..size {
            let path = inclusion(nodes, index, size).unwrap().unwrap();
            assert_eq!(path, naive_path(algorithm, index as usize, part), "{index} of {size}");
            assert_eq!(verify_inclusion(algorithm, part[index as usize], index, size, &path, root), Ok(()));
        }
        for from in 0..=size {
            let old = root_at(nodes, from).unwrap().unwrap();
            let proof = consistency(nodes, from, size).unwrap().unwrap();
            if from > 0 {
                assert_eq!(proof, naive_proof(algorithm, from as usize, part, true));
            }
            assert_eq!(verify_consistency(algorithm, (from, old), (size, root), &proof), Ok(()), "{from} to {size}");
        }
        assert_eq!(consistency(nodes, size + 1, size).unwrap(), None);
    }
    assert_eq!(root_at(nodes, nodes.size() + 1).unwrap(), None);
}

#[test]
fn roots_and_proofs_agree_with_a_second_implementation() {
    for algorithm in [HashAlgorithm::Sm3, HashAlgorithm::Sha256] {
        let (tree, leaves) = grown(algorithm);
        check_against_naive(&tree, &leaves);
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

/// A tree of `size` leaves; another seed gives other leaves.
fn tree_of(size: u64, seed: u64) -> Tree {
    let mut tree = Tree::new(HashAlgorithm::Sha256);
    (0..size).for_each(|n| _ = tree.push(leaf(HashAlgorithm::Sha256, n + seed)));
    tree
}

proptest! {
    /// Any valid inclusion proof is accepted; with any one thing changed it is not.
    #[test]
    fn an_inclusion_proof_proves_exactly_one_thing(
        size in 1u64..700, at in any::<u64>(), other in any::<u64>(), bit in 0usize..256, node in any::<usize>(),
    ) {
        let (algorithm, tree, index) = (HashAlgorithm::Sha256, tree_of(size, 0), at % size);
        let (root, path) = (tree.root(), tree.inclusion(index, size).unwrap());
        let leaf_hash = leaf(algorithm, index);
        let verify = |leaf, index, size, path: &[Hash], root| verify_inclusion(algorithm, leaf, index, size, path, root);
        prop_assert_eq!(verify(leaf_hash, index, size, &path, root), Ok(()));
        let flip = |mut hash: Hash| { hash.0[bit / 8] ^= 1 << (bit % 8); hash };
        prop_assert!(verify(flip(leaf_hash), index, size, &path, root).is_err());
        prop_assert!(verify(leaf_hash, index, size, &path, flip(root)).is_err());
        if other % size != index {
            prop_assert!(verify(leaf_hash, other % size, size, &path, root).is_err());
        }
        prop_assert!(verify(leaf_hash, size + other % 9, size, &path, root).is_err());
        if let Some(at) = node.checked_rem(path.len()) {
            let mut changed = path.clone();
            changed[at] = flip(changed[at]);
            prop_assert!(verify(leaf_hash, index, size, &changed, root).is_err());
            changed.clone_from(&path);
            changed.remove(at);
            prop_assert!(verify(leaf_hash, index, size, &changed, root).is_err());
            changed.clone_from(&path);
            changed.insert(at, path[at]);
            prop_assert!(verify(leaf_hash, index, size, &changed, root).is_err());
        }
        // Another size with the same path passes only where RFC 9162's walk is the very same for both.
        let claimed = 1 + other % 1400;
        if claimed != size && verify(leaf_hash, index, claimed, &path, root).is_ok() {
            prop_assert_eq!(walk(index, claimed), walk(index, size));
        }
    }

    /// Any valid consistency proof is accepted; with any one thing changed it is not.
    #[test]
    fn a_consistency_proof_proves_exactly_one_thing(
        to in 2u64..700, at in any::<u64>(), bit in 0usize..256, node in any::<usize>(),
    ) {
        let (algorithm, tree, from) = (HashAlgorithm::Sha256, tree_of(to, 0), 1 + at % (to - 1));
        let (old, new) = (tree.root_at(from).unwrap(), tree.root());
        let proof = tree.consistency(from, to).unwrap();
        let verify = |old, new, proof: &[Hash]| verify_consistency(algorithm, (from, old), (to, new), proof);
        prop_assert_eq!(verify(old, new, &proof), Ok(()));
        let flip = |mut hash: Hash| { hash.0[bit / 8] ^= 1 << (bit % 8); hash };
        prop_assert!(verify(flip(old), new, &proof).is_err());
        prop_assert!(verify(old, flip(new), &proof).is_err());
        prop_assert!(verify(tree_of(from, 1).root(), new, &proof).is_err());
        prop_assert!(verify_consistency(algorithm, (to, new), (from, old), &proof).is_err());
        let at = node % proof.len();
        let mut changed = proof.clone();
        changed[at] = flip(changed[at]);
        prop_assert!(verify(old, new, &changed).is_err());
        changed.clone_from(&proof);
        changed.remove(at);
        prop_assert!(verify(old, new, &changed).is_err());
        changed.clone_from(&proof);
        changed.insert(at, proof[at]);
        prop_assert!(verify(old, new, &changed).is_err());
    }
}

/// On which side each sibling of an inclusion path stands (RFC 9162, 2.1.3.2): `true` for left.
fn walk(index: u64, size: u64) -> Vec<bool> {
    let (mut start, mut end) = (0, size);
    let mut sides = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        sides.push(index >= middle);
        if index < middle { end = middle } else { start = middle }
    }
    sides.reverse();
    sides
}
