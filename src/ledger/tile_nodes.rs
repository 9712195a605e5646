//! A tree's nodes out of its tiles: proofs from static files, which any web server hands out.

use std::collections::BTreeMap;

use crate::crypto::digest::{Hash, HashAlgorithm};

use super::LedgerError;
use super::merkle::{self, Nodes};
use super::tiles::{Holds, TILE_HEIGHT, TILE_WIDTH, Tile};

/// Bytes of a hash.
const HASH_BYTES: usize = 32;

/// The tree of a size, as far as its tiles are known. What it lacks, it names.
#[derive(Clone, Debug)]
pub struct TileNodes {
    algorithm: HashAlgorithm,
    size: u64,
    tiles: BTreeMap<Tile, Vec<Hash>>,
}

impl TileNodes {
    /// The tree of a size, no tile of which is known.
    pub fn new(algorithm: HashAlgorithm, size: u64) -> Self {
        Self { algorithm, size, tiles: BTreeMap::new() }
    }

    /// Takes a tile's bytes: its own, or those of the whole tile that replaced it (C2SP tlog-tiles, partial tiles).
    ///
    /// # Errors
    /// [`LedgerError::Malformed`] when they do not hold as many hashes as the tile.
    pub fn put(&mut self, tile: Tile, bytes: &[u8]) -> Result<(), LedgerError> {
        let (hashes, rest) = bytes.as_chunks::<HASH_BYTES>();
        let width = usize::try_from(tile.width).unwrap_or(usize::MAX);
        let hashes = hashes.get(..width).filter(|_| rest.is_empty());
        let hashes = hashes.ok_or_else(|| LedgerError::malformed("tile", format!("{tile} has not its hashes")))?;
        self.tiles.insert(tile, hashes.iter().copied().map(Hash).collect());
        Ok(())
    }
}

impl Nodes for TileNodes {
    /// The tile that is needed first.
    type Error = Tile;

    fn algorithm(&self) -> HashAlgorithm {
        self.algorithm
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn node(&self, level: u32, index: u64) -> Result<Hash, Tile> {
        let (tile_level, inner) = (level / TILE_HEIGHT, level % TILE_HEIGHT);
        let first = index << inner;
        let start = first / TILE_WIDTH * TILE_WIDTH;
        let width = (self.size >> (TILE_HEIGHT * tile_level)).saturating_sub(start).min(TILE_WIDTH);
        let tile = Tile { holds: Holds::Hashes(tile_level), index: first / TILE_WIDTH, width };
        let hashes = self.tiles.get(&tile).ok_or(tile)?;
        let end = usize::try_from(first - start + (1 << inner)).map_err(|_| tile)?;
        let covered = usize::try_from(first - start).ok().and_then(|begin| hashes.get(begin..end)).ok_or(tile)?;
        let mut covered = covered.to_vec();
        while covered.len() > 1 {
            let (pairs, _) = covered.as_chunks::<2>();
            covered = pairs.iter().map(|[left, right]| merkle::node(self.algorithm, left, right)).collect();
        }
        covered.first().copied().ok_or(tile)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::merkle::{Tree, consistency, root_at};

    fn tree(size: u64) -> Tree {
        let mut tree = Tree::new(HashAlgorithm::Sha256);
        (0..size).for_each(|n| _ = tree.push(HashAlgorithm::Sha256.digest(&[&n.to_be_bytes()])));
        tree
    }

    fn bytes(tree: &Tree, tile: Tile) -> Vec<u8> {
        let nodes = (tile.first()..tile.end()).map(|index| tree.node(tile.tree_level(), index).unwrap().0);
        nodes.collect::<Vec<_>>().concat()
    }

    /// A proof, by fetching whatever tile is asked for; the number of tiles with it.
    fn fetched(tree: &Tree, from: u64, to: u64) -> (Vec<Hash>, usize) {
        let mut nodes = TileNodes::new(HashAlgorithm::Sha256, to);
        for count in 0.. {
            match consistency(&nodes, from, to) {
                Ok(proof) => return (proof.unwrap(), count),
                Err(tile) => nodes.put(tile, &bytes(tree, tile)).unwrap(),
            }
        }
        unreachable!()
    }

    #[test]
    fn proofs_from_tiles_are_those_of_the_tree_and_take_few_tiles() {
        let tree = tree(70_000);
        for (from, to) in
            [(1, 2), (7, 12), (255, 256), (255, 257), (256, 600), (511, 65_536), (300, 65_537), (65_000, 70_000)]
        {
            let (proof, tiles) = fetched(&tree, from, to);
            assert_eq!(Some(proof), tree.consistency(from, to), "{from} to {to}");
            assert!(tiles <= 6, "{tiles} tiles from {from} to {to}");
        }
    }

    #[test]
    fn a_whole_tile_serves_for_its_part_and_a_short_one_for_nothing() {
        let tree = tree(256);
        let mut nodes = TileNodes::new(HashAlgorithm::Sha256, 10);
        let tile = root_at(&nodes, 10).unwrap_err();
        assert_eq!(tile.to_string(), "tile/0/000.p/10");
        let whole = bytes(&tree, Tile { width: 256, ..tile });
        assert!(nodes.put(tile, &whole[..9 * 32]).is_err() && nodes.put(tile, &whole[..whole.len() - 1]).is_err());
        nodes.put(tile, &whole).unwrap();
        assert_eq!(root_at(&nodes, 10).unwrap(), tree.root_at(10));
    }
}
