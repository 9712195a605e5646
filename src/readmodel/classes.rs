//! The catalog by classification: which 类, 项, 目 and 细目 there are, and how many entries stand in each.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text as SqlText};

use crate::domain::Text;
use crate::domain::catalog::Classification;

use super::ReadModel;
use super::catalog::EntrySummary;
use super::columns::{from_json, key, number};
use super::error::ReadError;
use super::schema::entries;

/// Groups that one place of the classification shows, at most.
pub const GROUPS_MAX: usize = 500;
/// The classification's depth.
pub const DEPTH: usize = 4;
const COLUMNS: [&str; DEPTH] = ["class", "category", "topic", "detail"];

/// A group of entries one step deeper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassGroup {
    /// Its name; the Chinese one is its key.
    pub name: Text,
    /// Entries in it, without withdrawn ones.
    pub entries: u64,
}

#[derive(QueryableByName)]
struct GroupRow {
    #[diesel(sql_type = BigInt)]
    entries: i64,
    #[diesel(sql_type = SqlText)]
    sample: String,
}

impl ReadModel {
    /// The groups below a place of the classification, by name. Below 细目 there are none.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn classes(&self, place: &[String]) -> Result<Vec<ClassGroup>, ReadError> {
        let Some(column) = COLUMNS.get(place.len()) else { return Ok(Vec::new()) };
        let conditions: String =
            COLUMNS.iter().take(place.len()).zip(1..).map(|(above, n)| format!(" AND {above} = ${n}")).collect();
        let text = format!(
            "SELECT count(*) AS entries, min(name) AS sample FROM entries \
             WHERE state <> 'withdrawn'{conditions} GROUP BY {column} ORDER BY {column} LIMIT {GROUPS_MAX}"
        );
        self.read(|connection| {
            let mut query = diesel::sql_query(text).into_boxed();
            for part in place {
                query = query.bind::<SqlText, _>(key(part));
            }
            let rows: Vec<GroupRow> = query.load(connection)?;
            let mut groups = Vec::with_capacity(rows.len());
            for row in rows {
                let summary: String = entries::table.find(&row.sample).select(entries::summary).first(connection)?;
                let class = from_json::<EntrySummary>(&summary)?.classification;
                let name = class.parts().get(place.len()).map(|name| (*name).clone()).unwrap_or_default();
                groups.push(ClassGroup { name, entries: number(row.entries) });
            }
            Ok(groups)
        })
    }

    /// What a place of the classification is called, in both languages: entries there say it. None where nothing stands.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn class_name(&self, place: &[String]) -> Result<Option<Text>, ReadError> {
        let mut query = entries::table.select(entries::summary).into_boxed();
        for (depth, part) in place.iter().enumerate().take(DEPTH) {
            query = match depth {
                0 => query.filter(entries::class.eq(key(part))),
                1 => query.filter(entries::category.eq(key(part))),
                2 => query.filter(entries::topic.eq(key(part))),
                _ => query.filter(entries::detail.eq(key(part))),
            };
        }
        let summary: Option<String> = self.read(|connection| Ok(query.first(connection).optional()?))?;
        let Some(summary) = summary else { return Ok(None) };
        let class = from_json::<EntrySummary>(&summary)?.classification;
        Ok(place.len().checked_sub(1).and_then(|last| class.parts().get(last).map(|name| (*name).clone())))
    }

    /// The code of any entry that stands in the same place of the classification.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn code_in_class(&self, class: &Classification) -> Result<Option<String>, ReadError> {
        self.read(|connection| {
            let summary: Option<String> = entries::table
                .filter(entries::class.eq(key(&class.class.zh)))
                .filter(entries::category.eq(key(&class.category.zh)))
                .filter(entries::topic.eq(key(&class.topic.zh)))
                .filter(entries::detail.eq(key(&class.detail.zh)))
                .order(entries::name.asc())
                .select(entries::summary)
                .first(connection)
                .optional()?;
            summary.map(|text| from_json::<EntrySummary>(&text).map(|summary| summary.code)).transpose()
        })
    }
}
