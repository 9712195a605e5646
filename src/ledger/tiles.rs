//! The ledger as static files (C2SP tlog-tiles v1.0.0), and what a verifier needs beside tiles: each leaf's block time.
//!
//! Forms, all in groups of 256 leaves or nodes; `N` is the group's number in three-digit parts, all but the last
//! behind an `x` (`x001/x234/067`), and a group of `W` < 256 members has `.p/<W>` behind it:
//! - `tile/<L>/<N>`: hashes of level `8 * L` of the tree, 32 bytes each;
//! - `tile/entries/<N>`: transactions, each behind its length (2, big endian);
//! - `times/<N>`: for each leaf the time of its block, milliseconds since 1970 (8, big endian). Only the state machine
//!   uses it; the state's digest in the checkpoint covers it.

use std::fmt;
use std::str::FromStr;

use crate::clock::Millis;

use super::LedgerError;
use super::transaction::Transaction;

/// Members of a whole tile.
pub const TILE_WIDTH: u64 = 256;
/// Levels of the tree that one level of tiles spans.
pub const TILE_HEIGHT: u32 = 8;
/// C2SP's bound: 2^48 leaves.
const TILE_LEVEL_MAX: u32 = 5;
/// Bytes of a block's time.
const TIME_BYTES: usize = 8;
/// Where the signed checkpoint lies.
pub const CHECKPOINT_PATH: &str = "checkpoint";

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holds {
    /// Transactions.
    Entries,
    /// Times of blocks.
    Times,
    /// Hashes, of this level of tiles.
    Hashes(u32),
}

/// One file; its text form is its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tile {
    /// What it holds.
    pub holds: Holds,
    /// Its number: the first member is number `256 * index` of its kind.
    pub index: u64,
    /// Members, 1 to 256.
    pub width: u64,
}

impl Tile {
    /// Number of the tile's first member.
    pub fn first(&self) -> u64 {
        self.index.saturating_mul(TILE_WIDTH)
    }

    /// Number behind the tile's last member.
    pub fn end(&self) -> u64 {
        self.first().saturating_add(self.width)
    }

    /// Whether it will never change.
    pub fn is_whole(&self) -> bool {
        self.width == TILE_WIDTH
    }

    /// Level of the tree that its hashes are of; transactions and times belong to the leaves.
    pub fn tree_level(&self) -> u32 {
        match self.holds {
            Holds::Hashes(level) => level * TILE_HEIGHT,
            Holds::Entries | Holds::Times => 0,
        }
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.holds {
            Holds::Entries => f.write_str("tile/entries")?,
            Holds::Times => f.write_str("times")?,
            Holds::Hashes(level) => write!(f, "tile/{level}")?,
        }
        let digits = format!("{:03}", self.index);
        let digits = format!("{:0>1$}", digits, digits.len().div_ceil(3) * 3);
        for start in (0..digits.len()).step_by(3) {
            let mark = if start + 3 < digits.len() { "x" } else { "" };
            write!(f, "/{mark}{}", digits.get(start..start + 3).unwrap_or_default())?;
        }
        if self.is_whole() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

impl FromStr for Tile {
    type Err = LedgerError;

    fn from_str(path: &str) -> Result<Self, LedgerError> {
        let read = || {
            let (whole, width) = match path.split_once(".p/") {
                Some((whole, width)) => (whole, width.parse().ok().filter(|width| (1..TILE_WIDTH).contains(width))?),
                None => (path, TILE_WIDTH),
            };
            let (holds, number) = if let Some(number) = whole.strip_prefix("tile/entries/") {
                (Holds::Entries, number)
            } else if let Some(number) = whole.strip_prefix("times/") {
                (Holds::Times, number)
            } else {
                let (level, number) = whole.strip_prefix("tile/")?.split_once('/')?;
                (Holds::Hashes(level.parse().ok().filter(|level| *level <= TILE_LEVEL_MAX)?), number)
            };
            let digits: String = number.split('/').map(|part| part.strip_prefix('x').unwrap_or(part)).collect();
            let tile = Self { holds, index: digits.parse().ok()?, width };
            // One path a tile: whatever else reads the same is none.
            (tile.to_string() == path).then_some(tile)
        };
        read().ok_or_else(|| LedgerError::malformed("tile's path", path.chars().take(100).collect::<String>()))
    }
}

/// The tiles of a tree, in the order in which its leaves complete them: of each group of leaves transactions, times,
/// hashes, then the hashes of upper levels that are complete with it; what is not whole comes last.
pub fn tiles(size: u64) -> impl Iterator<Item = Tile> {
    let of_group = move |index: u64| {
        let width = (size - index * TILE_WIDTH).min(TILE_WIDTH);
        let leaves = [Holds::Entries, Holds::Times, Holds::Hashes(0)].map(|holds| Tile { holds, index, width });
        leaves.into_iter().chain(completed(index + 1).take_while(move |_| width == TILE_WIDTH))
    };
    (0..size.div_ceil(TILE_WIDTH))
        .flat_map(of_group)
        .chain((1..=TILE_LEVEL_MAX).filter_map(move |level| partial(size, level)))
}

/// The whole tiles of upper levels that are complete with the group of leaves before `groups`.
fn completed(groups: u64) -> impl Iterator<Item = Tile> {
    let levels = 1..=TILE_LEVEL_MAX;
    levels.map_while(move |level| {
        let span = 1u64 << (TILE_HEIGHT * level);
        let is_complete = groups.is_multiple_of(span);
        is_complete.then(|| Tile { holds: Holds::Hashes(level), index: groups / span - 1, width: TILE_WIDTH })
    })
}

fn partial(size: u64, level: u32) -> Option<Tile> {
    let hashes = size >> (TILE_HEIGHT * level);
    let width = hashes % TILE_WIDTH;
    (width > 0).then_some(Tile { holds: Holds::Hashes(level), index: hashes / TILE_WIDTH, width })
}

/// Adds a transaction to a bundle of entries.
pub fn push_entry(bundle: &mut Vec<u8>, transaction: &Transaction) {
    // A transaction has at most 60 KiB.
    bundle.extend_from_slice(&u16::try_from(transaction.as_bytes().len()).unwrap_or(u16::MAX).to_be_bytes());
    bundle.extend_from_slice(transaction.as_bytes());
}

/// The transactions of a bundle.
///
/// # Errors
/// [`LedgerError::Malformed`] when it does not hold exactly `width` of them.
pub fn entries(bundle: &[u8], width: u64) -> Result<Vec<Transaction>, LedgerError> {
    let wrong = |why: &str| LedgerError::malformed("bundle of entries", why);
    let (mut transactions, mut rest) = (Vec::new(), bundle);
    for _ in 0..width {
        let (length, tail) = rest.split_first_chunk::<2>().ok_or_else(|| wrong("ends early"))?;
        let split = tail.split_at_checked(usize::from(u16::from_be_bytes(*length)));
        let (entry, tail) = split.ok_or_else(|| wrong("ends early"))?;
        transactions.push(Transaction::decode(entry)?);
        rest = tail;
    }
    if rest.is_empty() { Ok(transactions) } else { Err(wrong("has bytes after its last entry")) }
}

/// Adds a block's time to a file of times.
pub fn push_time(times: &mut Vec<u8>, time: Millis) {
    times.extend_from_slice(&time.0.to_be_bytes());
}

/// The times of a file.
///
/// # Errors
/// [`LedgerError::Malformed`] when it does not hold exactly `width` of them.
pub fn times(bytes: &[u8], width: u64) -> Result<Vec<Millis>, LedgerError> {
    let (times, rest) = bytes.as_chunks::<TIME_BYTES>();
    if u64::try_from(times.len()) != Ok(width) || !rest.is_empty() {
        return Err(LedgerError::malformed("file of times", format!("has not {width} times of 8 bytes")));
    }
    Ok(times.iter().map(|time| Millis(u64::from_be_bytes(*time))).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::crypto::sign::SigningKey;

    fn tile(holds: Holds, index: u64, width: u64) -> Tile {
        Tile { holds, index, width }
    }

    #[test]
    fn paths_are_those_of_the_specification() {
        let hashes = tile(Holds::Hashes(1), 1_234_067, 8);
        for (path, tile) in [
            ("tile/0/000", tile(Holds::Hashes(0), 0, 256)),
            ("tile/1/x001/x234/067.p/8", hashes),
            ("tile/entries/x001/000", tile(Holds::Entries, 1000, 256)),
            ("tile/entries/999.p/255", tile(Holds::Entries, 999, 255)),
            ("times/x012/345.p/1", tile(Holds::Times, 12_345, 1)),
        ] {
            assert_eq!((tile.to_string().as_str(), path.parse()), (path, Ok(tile)));
        }
        for wrong in [
            "",
            "tile",
            "tile/0/",
            "tile/0/0",
            "tile/0/0000",
            "tile/0/x000/001",
            "tile/6/000",
            "tile/00/000",
            "tile/-1/000",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/08",
            "tile/0/000.p/+8",
            "tile/0/001/234",
            "tile/0/x001/x234",
            "tile/entries/../000",
            "times/",
            "tile/0/000/",
            "/tile/0/000",
            "tile/0/99999999999999999999999",
        ] {
            assert!(wrong.parse::<Tile>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_bundle_survives_its_bytes_and_nothing_else_does() {
        let key = SigningKey::from_seed(&[3; 32]);
        let all: Vec<Transaction> =
            (0..5).map(|n| Transaction::sign("city", format!("{{\"n\":{n}}}").as_bytes(), &key).unwrap()).collect();
        let mut bundle = Vec::new();
        all.iter().for_each(|tx| push_entry(&mut bundle, tx));
        assert_eq!(entries(&bundle, 5), Ok(all));
        assert!(entries(&bundle, 4).is_err() && entries(&bundle, 6).is_err());
        assert!((0..bundle.len()).all(|end| entries(&bundle[..end], 5).is_err()));
        let mut bytes = Vec::new();
        [7, 7, 9].map(Millis).into_iter().for_each(|time| push_time(&mut bytes, time));
        assert_eq!(times(&bytes, 3), Ok(vec![Millis(7), Millis(7), Millis(9)]));
        assert!(times(&bytes, 2).is_err() && times(&bytes[..23], 3).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        /// Every node at a tile's foot lies in exactly one tile, which comes as soon as it is whole.
        #[test]
        fn the_tiles_of_a_tree_cover_it_once(size in prop_oneof![0u64..2000, 65_000u64..66_200, Just(131_072)]) {
            let all: Vec<Tile> = tiles(size).collect();
            prop_assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
            for (holds, level) in [(Holds::Entries, 0), (Holds::Times, 0), (Holds::Hashes(0), 0), (Holds::Hashes(1), 1), (Holds::Hashes(2), 2), (Holds::Hashes(3), 3)] {
                let mut covered = 0;
                for tile in all.iter().filter(|tile| tile.holds == holds) {
                    prop_assert_eq!((tile.first(), tile.tree_level()), (covered, level * 8));
                    covered = tile.end();
                }
                prop_assert_eq!(covered, size >> (8 * level));
            }
            let mut leaves = 0;
            for tile in all {
                if tile.holds == Holds::Entries { leaves = tile.end() }
                let needed = tile.end() << tile.tree_level();
                prop_assert!(needed <= leaves, "{} comes before its leaves", tile);
            }
        }

        #[test]
        fn any_tile_survives_its_path(level in 0u32..8, index in 0u64..(1 << 40), width in 1u64..=256) {
            let holds = match level { 6 => Holds::Entries, 7 => Holds::Times, level => Holds::Hashes(level) };
            let tile = tile(holds, index, width);
            prop_assert_eq!(tile.to_string().parse(), Ok(tile));
        }
    }
}
