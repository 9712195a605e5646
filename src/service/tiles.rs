//! The ledger as tiles (C2SP tlog-tiles): what a program needs to hold and verify all of it.

use crate::ledger::tiles::{Holds, Tile, push_entry, push_time};

use super::Node;
use super::blocking::blocking;
use super::error::ServiceError;

impl Node {
    /// The bytes of a tile.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for a tile that the ledger does not fill yet; [`ServiceError::Unavailable`] for one of
    /// records that are archived, and not at hand.
    pub async fn tile(&self, tile: Tile) -> Result<Vec<u8>, ServiceError> {
        let missing = move || ServiceError::missing(format_args!("tile {tile}"));
        let chain = self.chain.clone();
        blocking(move || {
            let tree = chain.tree();
            if let Holds::Hashes(_) = tile.holds {
                let hashes = tree.hashes(tile.tree_level(), tile.first(), tile.end());
                return hashes.map_err(|e| ServiceError::Internal(e.to_string()))?.ok_or_else(missing);
            }
            let leaves = chain.leaves(tile.first(), tile.end()).ok_or_else(|| {
                let ends = [tile.first(), tile.end().saturating_sub(1)];
                let archived = ends.into_iter().find_map(|index| chain.archived_at(index));
                archived.map_or_else(missing, |file| ServiceError::archived(&file))
            })?;
            let mut bytes = Vec::new();
            for (time, tx) in &leaves {
                match tile.holds {
                    Holds::Times => push_time(&mut bytes, *time),
                    _ => push_entry(&mut bytes, tx),
                }
            }
            Ok(bytes)
        })
        .await
    }
}
