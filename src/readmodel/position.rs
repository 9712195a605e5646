//! Where in the ledger the projection stands.

use diesel::prelude::*;
use serde::Serialize;

use crate::clock::Millis;
use crate::crypto::digest::{Hash, sm3};
use crate::state::applied::AppliedBlock;

use super::columns::{column, number};
use super::database::{Database, save_row};
use super::error::ReadError;
use super::schema::position;

/// How far the projection has come; a size of 0 means that it holds nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Projected {
    /// Height of the last block.
    pub height: u64,
    /// Transactions projected.
    pub size: u64,
    /// Time of the last block.
    pub time: Millis,
}

impl Projected {
    /// The block to project next.
    pub(super) fn next_height(self) -> u64 {
        if self.size == 0 { 0 } else { self.height.saturating_add(1) }
    }

    /// Index of the last transaction projected.
    pub(super) fn ledger_index(self) -> u64 {
        self.size.saturating_sub(1)
    }
}

/// The stored position, with what tells whether it belongs to this ledger and this node.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = position)]
pub(super) struct PositionRow {
    pub id: i32,
    pub chain: String,
    pub scope: String,
    pub height: i64,
    pub size: i64,
    pub time: i64,
    pub digest: Vec<u8>,
}

impl PositionRow {
    pub(super) fn after(block: &AppliedBlock, chain: &str, scope: &str) -> Self {
        Self {
            id: 1,
            chain: chain.to_owned(),
            scope: scope.to_owned(),
            height: column(block.height),
            size: column(block.size()),
            time: column(block.time.0),
            digest: block_digest(block).0.to_vec(),
        }
    }

    pub(super) fn load(connection: &mut Database) -> Result<Option<Self>, ReadError> {
        Ok(position::table.select(Self::as_select()).first(connection).optional()?)
    }

    pub(super) fn save(&self, connection: &mut Database) -> Result<(), ReadError> {
        save_row!(connection, position::table, position::id, self)?;
        Ok(())
    }

    pub(super) fn projected(&self) -> Projected {
        Projected { height: number(self.height), size: number(self.size), time: Millis(number(self.time)) }
    }
}

/// The position, for a reader inside its own transaction.
pub(super) fn projected(connection: &mut Database) -> Result<Projected, ReadError> {
    Ok(PositionRow::load(connection)?.map(|row| row.projected()).unwrap_or_default())
}

/// Tells one block from another of the same height.
pub(super) fn block_digest(block: &AppliedBlock) -> Hash {
    let parts: Vec<&[u8]> = block.transactions.iter().map(|tx| tx.as_bytes()).collect();
    sm3(&parts)
}
