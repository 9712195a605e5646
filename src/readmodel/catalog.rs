//! The catalog: entries as listings, search and details show them.

use std::collections::BTreeMap;
use std::path::Path;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::domain::catalog::{Classification, Entry, EntryState, Level, Sharing, UpdateCycle};
use crate::domain::command::{EntryEnding, EntryPublication};
use crate::domain::{Actor, Text};
use crate::ids::{DepartmentId, EntryName, TxId, Version};

use super::ReadModel;
use super::columns::{column, count, from_json, from_text, instr, key, number, to_json, words as plain};
use super::database::{Database, save_row};
use super::error::ReadError;
use super::page::{Page, PageRequest};
use super::position::projected;
use super::projector::Origin;
use super::schema::{entries, entry_versions};
use super::search::{Facets, Wanted};
use super::server::Server;

/// Longest search text, in characters.
pub const SEARCH_CHARS_MAX: usize = 100;
/// Most words of a search.
pub const SEARCH_WORDS_MAX: usize = 8;
/// How far the pages of one search lead; who wants more narrows it.
pub const FOUND_MAX: usize = 10_000;
/// Marks cursors of searches.
const FOUND: char = 's';

/// An entry in a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntrySummary {
    /// `provider/name`.
    pub id: EntryName,
    /// The version in force.
    pub version: Version,
    /// Name for people.
    pub name: Text,
    /// What it holds.
    pub summary: Text,
    /// Who provides it.
    pub provider: DepartmentId,
    /// Sharing type.
    pub sharing: Sharing,
    /// Level of the catalog.
    pub level: Level,
    /// Where it stands.
    pub state: EntryState,
    /// Whether society may have it.
    pub open: bool,
    /// The highest grade of its items.
    pub grade: u8,
    /// How often its data change.
    pub update_cycle: UpdateCycle,
    /// 信息资源代码.
    pub code: String,
    /// 信息资源分类.
    #[serde(default)]
    pub classification: Classification,
    /// The entry one level above.
    #[serde(default)]
    pub parent: Option<EntryName>,
    /// Number of its items.
    pub item_count: u64,
    /// When the version in force was published.
    pub published_at: Millis,
    /// Index of the transaction that changed it last.
    pub ledger_index: u64,
}

/// How a version came onto the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publication {
    /// Who drafted it.
    pub drafted_by: Actor,
    /// Who approved it: someone else.
    pub approved_by: Actor,
    /// Block time.
    pub published_at: Millis,
    /// The transaction.
    pub transaction_id: TxId,
    /// Its index.
    pub ledger_index: u64,
}

/// Why an entry is deprecated or withdrawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndingView {
    /// Why.
    pub reason: String,
    /// What to use instead.
    pub successor: Option<EntryName>,
    /// Who ended it.
    pub by: Actor,
    /// Block time.
    pub at: Millis,
    /// The transaction.
    pub transaction_id: TxId,
    /// Its index.
    pub ledger_index: u64,
}

/// One version of an entry, in full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EntryView {
    /// The metadata, items and schemas.
    pub entry: Entry,
    /// How this version came onto the ledger.
    pub publication: Publication,
    /// Where the entry stands.
    pub state: EntryState,
    /// The version in force.
    pub current_version: Version,
    /// Why it ended, if it did.
    pub ending: Option<EndingView>,
    /// All versions, newest first.
    pub history: Vec<VersionView>,
}

/// A version in an entry's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VersionView {
    /// The version.
    pub version: Version,
    /// How it came onto the ledger.
    #[serde(flatten)]
    pub publication: Publication,
}

/// Which entries to list.
#[derive(Clone, Debug, Default)]
pub struct EntryFilter {
    /// Words that must all occur in names, summary, code, classification or items.
    pub q: Option<String>,
    /// Of this provider.
    pub provider: Option<DepartmentId>,
    /// Of this sharing type.
    pub sharing: Option<Sharing>,
    /// In this state.
    pub state: Option<EntryState>,
    /// Of this level.
    pub level: Option<Level>,
    /// Below this place of the classification: 类, 项, 目, 细目 in Chinese, from the widest, as far as wanted.
    pub classes: Vec<String>,
    /// Of this grade.
    pub grade: Option<u8>,
    /// Of this update cycle.
    pub update_cycle: Option<UpdateCycle>,
    /// Departments that words of `q` name: their entries are found by these words too.
    pub departments: BTreeMap<String, Vec<DepartmentId>>,
    /// Which page.
    pub page: PageRequest,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = entries, primary_key(name), treat_none_as_default_value = false, treat_none_as_null = true)]
struct EntryRow {
    name: String,
    provider: String,
    sharing: String,
    level: String,
    state: String,
    version: String,
    updated_index: i64,
    search_text: String,
    summary: String,
    ending: Option<String>,
    class: String,
    category: String,
    topic: String,
    detail: String,
    grade: i32,
    update_cycle: String,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = entry_versions, primary_key(name, version))]
struct VersionRow {
    name: String,
    version: String,
    idx: i64,
    publication: String,
    doc: String,
}

pub(super) fn publish(
    connection: &mut Database,
    origin: &Origin<'_>,
    EntryPublication { entry, drafted_by }: EntryPublication,
) -> Result<(), ReadError> {
    let publication = Publication {
        drafted_by,
        approved_by: origin.actor.clone(),
        published_at: origin.at,
        transaction_id: origin.id,
        ledger_index: origin.index,
    };
    let version = VersionRow {
        name: entry.name.to_string(),
        version: entry.version.to_string(),
        idx: column(origin.index),
        publication: to_json(&publication)?,
        doc: to_json(&entry)?,
    };
    let place = (entry_versions::name, entry_versions::version);
    save_row!(connection, entry_versions::table, place, &version)?;
    let search_text = search_text(&entry);
    save(connection, &summarise(entry, origin), search_text, None)
}

pub(super) fn end(
    connection: &mut Database,
    origin: &Origin<'_>,
    ending: EntryEnding,
    state: EntryState,
) -> Result<(), ReadError> {
    let name = ending.entry.to_string();
    let Some(row) = entries::table.find(&name).select(EntryRow::as_select()).first(connection).optional()? else {
        return Err(ReadError::Corrupt(format!("entry {name} is missing in the projection")));
    };
    let mut summary: EntrySummary = from_json(&row.summary)?;
    summary.state = state;
    summary.ledger_index = origin.index;
    let ending = EndingView {
        reason: ending.reason,
        successor: ending.successor,
        by: origin.actor.clone(),
        at: origin.at,
        transaction_id: origin.id,
        ledger_index: origin.index,
    };
    save(connection, &summary, row.search_text, Some(to_json(&ending)?))
}

fn save(
    connection: &mut Database,
    summary: &EntrySummary,
    search_text: String,
    ending: Option<String>,
) -> Result<(), ReadError> {
    let class = &summary.classification;
    let row = EntryRow {
        class: key(&class.class.zh),
        category: key(&class.category.zh),
        topic: key(&class.topic.zh),
        detail: key(&class.detail.zh),
        grade: summary.grade.into(),
        update_cycle: summary.update_cycle.as_str().to_owned(),
        name: summary.id.to_string(),
        provider: summary.provider.to_string(),
        sharing: summary.sharing.as_str().to_owned(),
        level: summary.level.as_str().to_owned(),
        state: summary.state.as_str().to_owned(),
        version: summary.version.to_string(),
        updated_index: column(summary.ledger_index),
        search_text: plain(&search_text),
        summary: to_json(summary)?,
        ending,
    };
    save_row!(connection, entries::table, entries::name, &row)?;
    Ok(())
}

fn summarise(entry: Entry, origin: &Origin<'_>) -> EntrySummary {
    EntrySummary {
        version: entry.version,
        provider: entry.name.provider.clone(),
        sharing: entry.sharing,
        level: entry.level,
        state: EntryState::Published,
        open: entry.open,
        grade: entry.grade(),
        update_cycle: entry.update_cycle,
        item_count: number(count(entry.items.len())),
        published_at: origin.at,
        ledger_index: origin.index,
        id: entry.name,
        name: entry.title,
        summary: entry.summary,
        code: entry.code,
        classification: entry.classification,
        parent: entry.parent,
    }
}

/// What a search looks through, in lower case; a line break keeps words of two fields apart.
fn search_text(entry: &Entry) -> String {
    let class = &entry.classification;
    let mut parts = vec![entry.name.to_string(), entry.code.clone()];
    let texts = [&entry.title, &entry.summary, &entry.duty, &class.class, &class.category, &class.topic, &class.detail];
    parts.extend(texts.into_iter().flat_map(|text| [text.zh.clone(), text.en.clone()]));
    for item in &entry.items {
        parts.extend([item.name.to_string(), item.title.zh.clone(), item.title.en.clone()]);
    }
    parts.join("\n").to_lowercase()
}

/// What the search index is asked for.
fn wanted(filter: &EntryFilter, words: &[String]) -> Wanted {
    let named = |word: &String| (word.clone(), filter.departments.get(word).cloned().unwrap_or_default());
    let tag = |field: &str, value: Option<&str>| value.map(|value| format!("{field}:{value}"));
    let classes = ["class", "category", "topic", "detail"].into_iter().zip(&filter.classes);
    let tags = [
        tag("provider", filter.provider.as_ref().map(DepartmentId::as_str)),
        tag("sharing", filter.sharing.map(Sharing::as_str)),
        tag("state", filter.state.map(EntryState::as_str)),
        tag("level", filter.level.map(Level::as_str)),
        tag("update_cycle", filter.update_cycle.map(UpdateCycle::as_str)),
        filter.grade.map(|grade| format!("grade:{grade}")),
    ];
    let classes = classes.map(|(field, value)| format!("{field}:{value}"));
    Wanted { words: words.iter().map(named).collect(), tags: tags.into_iter().flatten().chain(classes).collect() }
}

/// A search's words in lower case.
fn words(q: &str) -> Result<Vec<String>, ReadError> {
    let words: Vec<String> = q.split_whitespace().map(str::to_lowercase).collect();
    if q.chars().count() > SEARCH_CHARS_MAX || words.len() > SEARCH_WORDS_MAX {
        return Err(ReadError::Invalid(format!(
            "q is at most {SEARCH_WORDS_MAX} words, {SEARCH_CHARS_MAX} characters"
        )));
    }
    Ok(words)
}

impl ReadModel {
    /// Entries that a search finds, the most fitting first, up to [`FOUND_MAX`]; without a search, all by name.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn entries(&self, filter: &EntryFilter) -> Result<Page<EntrySummary>, ReadError> {
        let words = words(filter.q.as_deref().unwrap_or_default())?;
        match filter.page.after::<u64>(FOUND) {
            Ok(offset) if !words.is_empty() => self.found(filter, &words, offset.unwrap_or(0)),
            // Either it is no search, or one that began while there was no index.
            _ => self.listed(filter, words),
        }
    }

    /// What the entries are like that a search or a filter finds; none while the search index is made.
    ///
    /// # Errors
    /// An overlong search.
    pub fn facets(&self, filter: &EntryFilter) -> Result<Option<Facets>, ReadError> {
        let words = words(filter.q.as_deref().unwrap_or_default())?;
        Ok(self.shared.search.facets(&wanted(filter, &words)))
    }

    fn found(&self, filter: &EntryFilter, words: &[String], offset: u64) -> Result<Page<EntrySummary>, ReadError> {
        let size = filter.page.size()?;
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        // One more than a page tells whether there is another.
        let limit = (size + 1).min(FOUND_MAX.saturating_sub(offset));
        if limit == 0 {
            return Err(ReadError::Cursor);
        }
        let Some(names) = self.shared.search.find(&wanted(filter, words), offset, limit) else {
            return if offset == 0 { self.listed(filter, words.to_vec()) } else { Err(ReadError::Cursor) };
        };
        self.read(|connection| {
            let rows: Vec<(String, String)> = entries::table
                .filter(entries::name.eq_any(&names))
                .select((entries::name, entries::summary))
                .load(connection)?;
            let mut by_name: BTreeMap<String, String> = rows.into_iter().collect();
            let place = |at: usize| number(count(offset + at + 1));
            let rows = names.iter().enumerate().filter_map(|(at, name)| Some((place(at), by_name.remove(name)?)));
            let index = projected(connection)?.ledger_index();
            filter.page.page(FOUND, rows.collect(), index, |row| row.0, |row| from_json(&row.1))
        })
    }

    fn listed(&self, filter: &EntryFilter, words: Vec<String>) -> Result<Page<EntrySummary>, ReadError> {
        let limit = filter.page.limit()?;
        let mut query = entries::table.into_boxed();
        if let Some(after) = filter.page.after::<String>('e')? {
            query = query.filter(entries::name.gt(plain(&after)));
        }
        for word in words {
            query = query.filter(instr(entries::search_text, plain(&word)).gt(0));
        }
        if let Some(provider) = &filter.provider {
            query = query.filter(entries::provider.eq(provider.as_str()));
        }
        if let Some(sharing) = filter.sharing {
            query = query.filter(entries::sharing.eq(sharing.as_str()));
        }
        if let Some(state) = filter.state {
            query = query.filter(entries::state.eq(state.as_str()));
        }
        if let Some(level) = filter.level {
            query = query.filter(entries::level.eq(level.as_str()));
        }
        if let Some(grade) = filter.grade {
            query = query.filter(entries::grade.eq(i32::from(grade)));
        }
        if let Some(cycle) = filter.update_cycle {
            query = query.filter(entries::update_cycle.eq(cycle.as_str()));
        }
        let mut classes = filter.classes.iter();
        if let Some(class) = classes.next() {
            query = query.filter(entries::class.eq(key(class)));
        }
        if let Some(category) = classes.next() {
            query = query.filter(entries::category.eq(key(category)));
        }
        if let Some(topic) = classes.next() {
            query = query.filter(entries::topic.eq(key(topic)));
        }
        if let Some(detail) = classes.next() {
            query = query.filter(entries::detail.eq(key(detail)));
        }
        self.read(|connection| {
            let rows: Vec<(String, String)> = query
                .order(entries::name.asc())
                .limit(limit)
                .select((entries::name, entries::summary))
                .load(connection)?;
            let index = projected(connection)?.ledger_index();
            filter.page.page('e', rows, index, |row| row.0.clone(), |row| from_json(&row.1))
        })
    }

    /// Puts entries into listings and search without a ledger, for measurements: each with the text that it is found by.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn fill(&self, made: impl Iterator<Item = (EntrySummary, String)>) -> Result<(), ReadError> {
        let mut connection = self.connect()?.0;
        let mut made = made.peekable();
        while made.peek().is_some() {
            connection.write(|connection| {
                made.by_ref().take(10_000).try_for_each(|(summary, text)| save(connection, &summary, text, None))
            })?;
        }
        self.shared.search.follow(&mut connection, "measurement")
    }

    /// One entry in full: the version in force, or another one.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn entry(&self, name: &EntryName, version: Option<Version>) -> Result<Option<EntryView>, ReadError> {
        let name = name.to_string();
        self.read(|connection| {
            let row = entries::table.find(&name).select(EntryRow::as_select()).first(connection).optional()?;
            let Some(row) = row else { return Ok(None) };
            let current_version: Version = from_text(&row.version)?;
            let wanted = version.unwrap_or(current_version).to_string();
            let shown = entry_versions::table
                .find((&name, &wanted))
                .select(VersionRow::as_select())
                .first(connection)
                .optional()?;
            let Some(shown) = shown else { return Ok(None) };
            let history: Vec<(String, String)> = entry_versions::table
                .filter(entry_versions::name.eq(&name))
                .order(entry_versions::idx.desc())
                .limit(i64::from(super::page::PAGE_SIZE_MAX))
                .select((entry_versions::version, entry_versions::publication))
                .load(connection)?;
            let summary: EntrySummary = from_json(&row.summary)?;
            Ok(Some(EntryView {
                entry: from_json(&shown.doc)?,
                publication: from_json(&shown.publication)?,
                state: summary.state,
                current_version,
                ending: row.ending.as_deref().map(from_json).transpose()?,
                history: history.iter().map(version_view).collect::<Result<_, _>>()?,
            }))
        })
    }
}

/// An entry's description in force, read beside a node that may be running; nothing is changed.
///
/// # Errors
/// [`ReadError`] when there is no such projection, or it is not readable.
pub fn published_entry(dir: &Path, server: Option<Server>, name: &EntryName) -> Result<Option<Entry>, ReadError> {
    let mut connection = super::place_of(dir, server).look()?;
    let doc: Option<String> = entry_versions::table
        .filter(entry_versions::name.eq(name.to_string()))
        .order(entry_versions::idx.desc())
        .select(entry_versions::doc)
        .first(&mut connection)
        .optional()?;
    doc.as_deref().map(from_json).transpose()
}

fn version_view((version, publication): &(String, String)) -> Result<VersionView, ReadError> {
    Ok(VersionView { version: from_text(version)?, publication: from_json(publication)? })
}
