//! Withdrawn entries, in the order of their end: harvesters that copy the catalog learn what they must drop.

use diesel::prelude::*;

use super::ReadModel;
use super::catalog::{EndingView, EntrySummary};
use super::columns::{column, from_json};
use super::error::ReadError;
use super::page::{Page, PageRequest};
use super::position::projected;
use super::schema::entries;

/// An entry that was withdrawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// The entry as it was last in force.
    pub entry: EntrySummary,
    /// Why, when, by whom, and what to use instead.
    pub ending: EndingView,
}

impl ReadModel {
    /// Entries withdrawn by transactions from the index `since` on, oldest first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn tombstones(&self, since: u64, page: &PageRequest) -> Result<Page<Tombstone>, ReadError> {
        let limit = page.limit()?;
        let after: Option<u64> = page.after('t')?;
        let from = after.map_or(since, |index| index.saturating_add(1).max(since));
        self.read(|connection| {
            let rows: Vec<(i64, String, Option<String>)> = entries::table
                .filter(entries::state.eq("withdrawn"))
                .filter(entries::updated_index.ge(column(from)))
                .order(entries::updated_index.asc())
                .limit(limit)
                .select((entries::updated_index, entries::summary, entries::ending))
                .load(connection)?;
            let index = projected(connection)?.ledger_index();
            let view = |(_, summary, ending): (i64, String, Option<String>)| {
                let ending = ending.ok_or_else(|| ReadError::Corrupt("a withdrawn entry without its ending".into()))?;
                Ok(Tombstone { entry: from_json(&summary)?, ending: from_json(&ending)? })
            };
            page.page('t', rows, index, |row| super::columns::number(row.0), view)
        })
    }
}
