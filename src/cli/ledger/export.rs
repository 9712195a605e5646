//! `mulu ledger export`: the whole ledger as static files that any web server can serve.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::error::CliError;
use crate::crypto::digest::Hash;
use crate::ledger::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::ledger::frontier::Frontier;
use crate::ledger::tile_builder::TileBuilder;
use crate::ledger::tiles::{CHECKPOINT_PATH, Holds, TILE_WIDTH, Tile, push_entry, push_time};
use crate::storage::whole_file;

use super::From;
use super::progress::Progress;
use super::source::Group;

/// Writes the ledger up to its newest checkpoint as C2SP tiles, with each leaf's block time beside them. Run again on
/// the same folder, it adds what is new. A web server that serves the folder serves the ledger.
#[derive(Args)]
pub struct Export {
    #[command(flatten)]
    pub(super) from: From,
    /// The folder to write
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
    /// A signed checkpoint to end with, instead of the newest that the node knows to be cosigned by enough departments
    #[arg(long, value_name = "FILE")]
    pub(super) checkpoint: Option<PathBuf>,
}

impl Export {
    pub(super) fn run(self) -> Result<(), CliError> {
        let place = self.from.place()?;
        let signed = match &self.checkpoint {
            Some(path) => Some(read_checkpoint(path)?),
            None => place.checkpoint()?,
        };
        let none = "there is no cosigned checkpoint yet: wait for one, or give one with --checkpoint";
        let signed = signed.ok_or_else(|| CliError::failed(none))?;
        let mut writer = Writer::new(&self.out, signed.checkpoint())?;
        let mut source = place.open(Some(&signed))?;
        let mut progress = Progress::new(Some(signed.checkpoint().size));
        while let Some(group) = source.next()? {
            if writer.take(group)? {
                break;
            }
            progress.tell(writer.frontier.size());
        }
        progress.clear();
        writer.finish(&signed)?;
        println!(
            "{} transactions in {}, {} files written",
            signed.checkpoint().size,
            self.out.display(),
            writer.written
        );
        Ok(())
    }
}

/// Reads a checkpoint's file.
pub fn read_checkpoint(path: &Path) -> Result<SignedCheckpoint, CliError> {
    let text = fs::read_to_string(path).map_err(|e| CliError::io(path, &e))?;
    SignedCheckpoint::parse(&text).map_err(|e| CliError::NotValid(format!("{}: {e}", path.display())))
}

struct Writer {
    dir: PathBuf,
    checkpoint: Checkpoint,
    /// What an earlier export wrote.
    before: Option<Checkpoint>,
    frontier: Frontier,
    tiles: TileBuilder,
    entries: Vec<u8>,
    times: Vec<u8>,
    written: u64,
}

impl Writer {
    fn new(dir: &Path, checkpoint: &Checkpoint) -> Result<Self, CliError> {
        fs::create_dir_all(dir).map_err(|e| CliError::io(dir, &e))?;
        let path = dir.join(CHECKPOINT_PATH);
        let before = if path.exists() { Some(read_checkpoint(&path)?.checkpoint().clone()) } else { None };
        if let Some(before) = &before {
            if before.origin != checkpoint.origin {
                let why =
                    format_args!("{} holds the ledger {}, not {}", dir.display(), before.origin, checkpoint.origin);
                return Err(CliError::usage(why));
            }
            if before.size > checkpoint.size {
                let sizes =
                    format!("{} transactions were exported, the ledger shows only {}", before.size, checkpoint.size);
                return Err(CliError::NotValid(sizes));
            }
        } else if fs::read_dir(dir).map_err(|e| CliError::io(dir, &e))?.next().is_some() && !dir.join("tile").is_dir() {
            return Err(CliError::usage(format_args!("{} is not empty and holds no export", dir.display())));
        }
        let (frontier, tiles) = (Frontier::new(checkpoint.algorithm()), TileBuilder::default());
        let (entries, times) = (Vec::new(), Vec::new());
        Ok(Self {
            dir: dir.to_owned(),
            checkpoint: checkpoint.clone(),
            before,
            frontier,
            tiles,
            entries,
            times,
            written: 0,
        })
    }

    /// Takes leaves; answers whether the checkpoint's size is reached.
    fn take(&mut self, group: Group) -> Result<bool, CliError> {
        for leaf in group.leaves {
            if self.frontier.size() == self.checkpoint.size {
                break;
            }
            push_entry(&mut self.entries, &leaf.transaction);
            push_time(&mut self.times, leaf.time);
            let (tiles, mut whole) = (&mut self.tiles, Vec::new());
            let hash = leaf.transaction.leaf(self.checkpoint.algorithm());
            self.frontier.push(hash, |level, hash| whole.extend(tiles.add(level, hash)));
            if self.frontier.size().is_multiple_of(TILE_WIDTH) {
                self.leaf_tiles(TILE_WIDTH)?;
            }
            whole.into_iter().try_for_each(|(tile, hashes)| self.write(tile, &hashes))?;
            self.compare_with_before()?;
        }
        Ok(self.frontier.size() == self.checkpoint.size)
    }

    fn compare_with_before(&self) -> Result<(), CliError> {
        let same_size = self.before.as_ref().filter(|before| before.size == self.frontier.size());
        if same_size.is_some_and(|before| before.root != self.frontier.root()) {
            return Err(CliError::NotValid(format!(
                "the first {} transactions are not those exported before",
                self.frontier.size()
            )));
        }
        Ok(())
    }

    fn leaf_tiles(&mut self, width: u64) -> Result<(), CliError> {
        let index = (self.frontier.size() - 1) / TILE_WIDTH;
        let (entries, times) = (std::mem::take(&mut self.entries), std::mem::take(&mut self.times));
        self.write(Tile { holds: Holds::Entries, index, width }, &entries)?;
        self.write(Tile { holds: Holds::Times, index, width }, &times)
    }

    /// Writes what is not there yet. A tile's content follows from its name, unless a crash cut it.
    fn write(&mut self, tile: Tile, bytes: &[u8]) -> Result<(), CliError> {
        let path = self.dir.join(tile.to_string());
        let length = fs::metadata(&path).ok().map(|file| file.len());
        if length.is_some() && length == u64::try_from(bytes.len()).ok() {
            return Ok(());
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|e| CliError::io(parent, &e))?;
        }
        self.written += 1;
        replace(&path, bytes)
    }

    /// Writes the tiles that are not whole, then the checkpoint, and removes what it makes superfluous.
    fn finish(&mut self, signed: &SignedCheckpoint) -> Result<(), CliError> {
        let (size, root): (u64, Hash) = (self.frontier.size(), self.frontier.root());
        if size != self.checkpoint.size {
            let why = format!("the checkpoint has {} transactions, the ledger {size}", self.checkpoint.size);
            return Err(CliError::NotValid(why));
        }
        if root != self.checkpoint.root {
            return Err(CliError::NotValid(format!("the {size} transactions have another root than the checkpoint")));
        }
        if size % TILE_WIDTH > 0 {
            self.leaf_tiles(size % TILE_WIDTH)?;
        }
        let partial: Vec<(Tile, Vec<u8>)> =
            self.tiles.partial().map(|(tile, hashes)| (tile, hashes.to_vec())).collect();
        partial.into_iter().try_for_each(|(tile, hashes)| self.write(tile, &hashes))?;
        whole_file::replace(&self.dir.join(CHECKPOINT_PATH), signed.encode().as_bytes())?;
        self.before.as_ref().map_or(Ok(()), |before| remove_partial(&self.dir, before.size, size))
    }
}

/// Removes the tiles that were not whole at an older size: others have taken their place.
fn remove_partial(dir: &Path, before: u64, now: u64) -> Result<(), CliError> {
    if before == now {
        return Ok(());
    }
    let due: std::collections::BTreeSet<Tile> =
        crate::ledger::tiles::tiles(now).filter(|tile| !tile.is_whole()).collect();
    let old = crate::ledger::tiles::tiles(before).filter(|tile| !tile.is_whole() && !due.contains(tile));
    for tile in old {
        let path = dir.join(tile.to_string());
        if path.exists() {
            fs::remove_file(&path).map_err(|e| CliError::io(&path, &e))?;
        }
        // The folder goes with its last tile; one that holds another stays.
        let _ = path.parent().map(fs::remove_dir);
    }
    Ok(())
}

/// Puts a file in the place of another, whole or not at all. It is not synced: what a crash cuts has another length, and
/// the next export writes it again.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    fs::write(&new, bytes).map_err(|e| CliError::io(&new, &e))?;
    fs::rename(&new, path).map_err(|e| CliError::io(path, &e))
}
