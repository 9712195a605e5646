//! A ledger read from tiles, in the order in which its leaves complete them.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::iter::Peekable;
use std::path::Path;

use crate::cli::error::CliError;
use crate::clock::Millis;
use crate::ledger::LedgerError;
use crate::ledger::tiles::{Holds, TILE_WIDTH, Tile, entries, tiles, times};
use crate::ledger::transaction::{TRANSACTION_BYTES_MAX, Transaction};

use super::{GROUP, Group, Leaf, Source};

/// No file is longer: 256 of the longest transactions, each behind its length.
pub const FILE_BYTES_MAX: u64 = TILE_WIDTH * (TRANSACTION_BYTES_MAX as u64 + 2);

/// Tiles with their bytes, in order.
type Tiles = Box<dyn Iterator<Item = Result<(Tile, Vec<u8>), CliError>>>;

/// Leaves and hashes out of tiles.
pub struct TileSource {
    tiles: Peekable<Tiles>,
    time: Millis,
}

impl TileSource {
    /// Reads tiles that come in the order of [`tiles`].
    pub fn new(tiles: Tiles) -> Self {
        Self { tiles: tiles.peekable(), time: Millis(0) }
    }

    /// Reads the tiles of a folder, for a tree of a size.
    pub fn of_dir(dir: &Path, size: u64) -> Self {
        let dir = dir.to_owned();
        Self::new(Box::new(tiles(size).map(move |tile| {
            let bytes = read(&dir.join(tile.to_string()))?;
            bytes.map(|bytes| (tile, bytes)).ok_or_else(|| CliError::NotValid(format!("{tile} is missing")))
        })))
    }

    /// Joins transactions with the times that follow them.
    fn leaves(&mut self, tile: Tile, bundle: &[u8], group: &mut Group) -> Result<(), CliError> {
        let wrong = |tile: Tile, why: LedgerError| CliError::NotValid(format!("{tile}: {why}"));
        let transactions: Vec<Transaction> = entries(bundle, tile.width).map_err(|e| wrong(tile, e))?;
        let Some(next) = self.tiles.next() else { return Ok(()) };
        let (tile, bytes) = next?;
        let times = times(&bytes, tile.width).map_err(|e| wrong(tile, e))?;
        for ((index, time), transaction) in (tile.first()..).zip(times).zip(transactions) {
            if time < self.time {
                return Err(CliError::NotValid(format!(
                    "leaf {index}: {tile} has a time before that of the leaf before"
                )));
            }
            self.time = time;
            group.leaves.push(Leaf { time, transaction });
        }
        Ok(())
    }
}

impl Source for TileSource {
    fn next(&mut self) -> Result<Option<Group>, CliError> {
        let mut group = Group::default();
        let is_hashes = |next: &Result<(Tile, Vec<u8>), CliError>| {
            next.as_ref().is_ok_and(|(tile, _)| matches!(tile.holds, Holds::Hashes(_)))
        };
        while group.leaves.len() < GROUP || self.tiles.peek().is_some_and(is_hashes) {
            match self.tiles.next().transpose()? {
                None => break,
                Some((tile, bytes)) if tile.holds == Holds::Entries => self.leaves(tile, &bytes, &mut group)?,
                Some(hashes) => group.tiles.push(hashes),
            }
        }
        Ok((!group.leaves.is_empty() || !group.tiles.is_empty()).then_some(group))
    }
}

/// The bytes of a file; `None` when there is none.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>, CliError> {
    let failed = |cause| CliError::io(path, &cause);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(failed(cause)),
    };
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > FILE_BYTES_MAX) {
        return Err(CliError::NotValid(format!("{} is too long", path.display())));
    }
    Ok(Some(bytes))
}
