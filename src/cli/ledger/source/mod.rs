//! Where a whole ledger is read from: a node's folder, an exported folder, a web server.

mod log;
mod remote;
mod tiles;

use std::path::{Path, PathBuf};

use crate::cli::error::CliError;
use crate::clock::Millis;
use crate::ledger::checkpoint::SignedCheckpoint;
use crate::ledger::tiles::{CHECKPOINT_PATH, Tile};
use crate::ledger::transaction::Transaction;

pub use remote::Remote;

/// Leaves that are handed on together, at least; the last ones may be fewer.
const GROUP: usize = 1024;

/// A leaf of the ledger.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// Time of its block.
    pub time: Millis,
    /// The transaction.
    pub transaction: Transaction,
}

/// Some leaves in their order, and the tiles of hashes that the source has of the tree up to the last of them.
#[derive(Default)]
pub struct Group {
    /// The leaves.
    pub leaves: Vec<Leaf>,
    /// The tiles.
    pub tiles: Vec<(Tile, Vec<u8>)>,
}

/// A ledger that is read from its beginning.
pub trait Source {
    /// The next leaves; `None` at the end.
    ///
    /// # Errors
    /// [`CliError::NotValid`] for what is no ledger; others when it cannot be read.
    fn next(&mut self) -> Result<Option<Group>, CliError>;

    /// What a reader should know about the ledger's end, once it is reached.
    fn remark(&self) -> Option<String> {
        None
    }
}

/// Where a ledger lies.
pub enum Place {
    /// The folder with a node's segment files.
    Log(PathBuf),
    /// A folder of tiles.
    Tiles(PathBuf),
    /// A web server's tiles.
    Remote(Remote),
}

impl Place {
    /// Finds out what a folder holds.
    ///
    /// # Errors
    /// It holds no ledger.
    pub fn of_dir(dir: &Path) -> Result<Self, CliError> {
        let below = dir.join("ledger");
        if below.is_dir() {
            return Ok(Self::Log(below));
        }
        if dir.join("tile").is_dir() || dir.join(CHECKPOINT_PATH).is_file() && !has_segments(dir) {
            return Ok(Self::Tiles(dir.to_owned()));
        }
        if has_segments(dir) {
            return Ok(Self::Log(dir.to_owned()));
        }
        Err(CliError::usage(format_args!("{} holds no ledger", dir.display())))
    }

    /// The checkpoint that lies with the ledger; a node has none until the first is anchored.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub fn checkpoint(&self) -> Result<Option<SignedCheckpoint>, CliError> {
        let text = match self {
            Self::Log(dir) | Self::Tiles(dir) => tiles::read(&dir.join(CHECKPOINT_PATH))?,
            Self::Remote(remote) => Some(remote.get(CHECKPOINT_PATH)?),
        };
        let Some(text) = text else { return Ok(None) };
        let text = String::from_utf8(text).map_err(|_| CliError::NotValid("the checkpoint is not text".into()))?;
        SignedCheckpoint::parse(&text).map(Some).map_err(|e| CliError::NotValid(e.to_string()))
    }

    /// Begins to read. A folder of tiles has exactly the leaves of its checkpoint.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open(&self, checkpoint: Option<&SignedCheckpoint>) -> Result<Box<dyn Source>, CliError> {
        let size = checkpoint.map(|signed| signed.checkpoint().size);
        let size_of_tiles = || size.ok_or_else(|| CliError::NotValid("it has no checkpoint".into()));
        Ok(match self {
            Self::Log(dir) => Box::new(log::LogSource::open(dir)?),
            Self::Tiles(dir) => Box::new(tiles::TileSource::of_dir(dir, size_of_tiles()?)),
            Self::Remote(remote) => Box::new(tiles::TileSource::new(remote.tiles(size_of_tiles()?)?)),
        })
    }
}

fn has_segments(dir: &Path) -> bool {
    let names = std::fs::read_dir(dir).into_iter().flatten().flatten();
    names.map(|entry| entry.path()).any(|path| path.extension().is_some_and(|end| end == "seg"))
}
