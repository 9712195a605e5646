//! Gathers a tree's nodes, as they are completed, into tiles.

use crate::crypto::digest::Hash;

use super::tiles::{Holds, TILE_HEIGHT, TILE_WIDTH, Tile};

/// The tiles at a tree's right edge, one a level.
#[derive(Clone, Debug, Default)]
pub struct TileBuilder {
    levels: Vec<Edge>,
}

#[derive(Clone, Debug, Default)]
struct Edge {
    /// Whole tiles before this one.
    index: u64,
    hashes: Vec<u8>,
}

impl TileBuilder {
    /// Takes the next node of a level, as [`Frontier::push`](super::frontier::Frontier::push) tells it; answers the tile
    /// that is whole with it. They come in the order of [`tiles`](super::tiles::tiles).
    pub fn add(&mut self, level: usize, hash: Hash) -> Option<(Tile, Vec<u8>)> {
        let level = u32::try_from(level).ok().filter(|level| level.is_multiple_of(TILE_HEIGHT))? / TILE_HEIGHT;
        let at = usize::try_from(level).ok()?;
        if self.levels.len() <= at {
            self.levels.resize_with(at + 1, Edge::default);
        }
        let edge = self.levels.get_mut(at)?;
        edge.hashes.extend_from_slice(&hash.0);
        if width(&edge.hashes) < TILE_WIDTH {
            return None;
        }
        let tile = Tile { holds: Holds::Hashes(level), index: edge.index, width: TILE_WIDTH };
        edge.index += 1;
        Some((tile, std::mem::take(&mut edge.hashes)))
    }

    /// The tiles that are not whole yet.
    pub fn partial(&self) -> impl Iterator<Item = (Tile, &[u8])> {
        let edges = (0u32..).zip(&self.levels).filter(|(_, edge)| !edge.hashes.is_empty());
        edges.map(|(level, edge)| {
            let tile = Tile { holds: Holds::Hashes(level), index: edge.index, width: width(&edge.hashes) };
            (tile, edge.hashes.as_slice())
        })
    }
}

fn width(hashes: &[u8]) -> u64 {
    u64::try_from(hashes.len() / 32).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::crypto::digest::HashAlgorithm;
    use crate::ledger::frontier::Frontier;
    use crate::ledger::merkle::tests::leaf;
    use crate::ledger::merkle::{Nodes as _, Tree};
    use crate::ledger::tiles::tiles;

    #[test]
    fn the_tiles_are_those_of_the_tree_in_its_order() {
        let algorithm = HashAlgorithm::Sha256;
        for size in [0u64, 1, 255, 256, 257, 600, 65_536, 65_800] {
            let (mut tree, mut frontier, mut builder) =
                (Tree::new(algorithm), Frontier::new(algorithm), TileBuilder::default());
            let mut built = Vec::new();
            for n in 0..size {
                tree.push(leaf(algorithm, n));
                frontier.push(leaf(algorithm, n), |level, hash| built.extend(builder.add(level, hash)));
            }
            let hashes = |tile: &Tile| matches!(tile.holds, Holds::Hashes(_));
            let due: Vec<Tile> = tiles(size).filter(hashes).collect();
            let whole: Vec<Tile> = built.iter().map(|(tile, _)| *tile).collect();
            assert_eq!(whole, due.iter().copied().filter(Tile::is_whole).collect::<Vec<_>>());
            let partial: BTreeMap<Tile, Vec<u8>> =
                builder.partial().map(|(tile, hashes)| (tile, hashes.to_vec())).collect();
            assert_eq!(
                partial.keys().copied().collect::<Vec<_>>(),
                due.into_iter().filter(|tile| !tile.is_whole()).collect::<Vec<_>>()
            );
            for (tile, bytes) in built.into_iter().chain(partial) {
                let nodes = (tile.first()..tile.end()).flat_map(|index| tree.node(tile.tree_level(), index).unwrap().0);
                assert_eq!(bytes, nodes.collect::<Vec<u8>>(), "{tile}");
            }
        }
    }
}
