//! The search index: finds entries by words, in Chinese and English, and counts their facets. It is made of the
//! projection's rows, kept in step by the follower, and made anew when it is damaged or of another ledger.

mod facets;
mod words;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use diesel::prelude::*;
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use tantivy::collector::TopDocs;
use tantivy::query::{AllQuery, BooleanQuery, BoostQuery, ConstScoreQuery, EmptyQuery, Occur, Query, TermQuery};
use tantivy::schema::{
    FAST, Field, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions, Value as _,
};
use tantivy::tokenizer::{PreTokenizedString, Token};
use tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy, TantivyDocument, TantivyError, Term};

use crate::ids::DepartmentId;

use super::catalog::EntrySummary;
use super::columns::{column, from_json};
use super::database::Database;
use super::error::ReadError;
use super::schema::entries;
use facets::{Dictionary, FacetCounter};
pub use facets::{FacetCount, Facets};
pub use words::places;

/// Name of the index' folder beside the projection.
pub const SEARCH_DIR: &str = "search";
/// Raised when the same entries make another index than before.
const FORMAT: u32 = 1;
/// Memory of the writer: the least that the library takes.
const WRITER_BYTES: usize = 15_000_000;
/// Rows that are read at once, and put into the index with one commit.
const ROWS: i64 = 2_000;
const COMMIT_ROWS: usize = 50_000;
/// How much more a word counts in a title.
const TITLE_BOOST: f32 = 4.0;

/// What is looked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    /// Words that must all occur; each with the departments that it names, whose entries it finds too.
    pub words: Vec<(String, Vec<DepartmentId>)>,
    /// Filters, as `field:value`.
    pub tags: Vec<String>,
}

/// The index of one projection.
pub(super) struct Search {
    dir: PathBuf,
    /// None until the follower has looked it through, and while it is damaged.
    open: RwLock<Option<Opened>>,
    /// Whether the follower must open it anew.
    stale: AtomicBool,
}

#[derive(Clone)]
struct Opened {
    index: Index,
    reader: IndexReader,
    fields: Fields,
    position: Position,
}

#[derive(Clone, Copy)]
struct Fields {
    name: Field,
    title: Field,
    body: Field,
    tags: Field,
    facets: Field,
}

/// What the index holds; it is written with each commit, so that the two cannot come apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    format: u32,
    chain: String,
    /// Entries changed by transactions below this index are in.
    next: u64,
    dictionary: Dictionary,
}

type Row = (i64, String, String);

impl Search {
    pub fn new(dir: PathBuf) -> Self {
        Self { dir, open: RwLock::new(None), stale: AtomicBool::new(true) }
    }

    /// Whether there is something to do besides following.
    pub fn needs_care(&self) -> bool {
        self.stale.load(Ordering::Relaxed)
    }

    /// Throws the index away; [`Search::follow`] makes it anew.
    pub fn begin_anew(&self) -> Result<(), ReadError> {
        *self.open.write() = None;
        self.stale.store(true, Ordering::Relaxed);
        remove(&self.dir)
    }

    /// Takes in whatever changed in the projection since the last time.
    pub fn follow(&self, connection: &mut Database, chain: &str) -> Result<(), ReadError> {
        let known = if self.needs_care() { None } else { self.open.read().clone() };
        let is_new = known.is_none();
        let mut opened = match known {
            Some(opened) => opened,
            None => self.reopened(chain)?,
        };
        let newest: Option<i64> = entries::table.select(diesel::dsl::max(entries::updated_index)).first(connection)?;
        let behind = newest.is_some_and(|newest| newest >= column(opened.position.next));
        if behind {
            opened.take_in(connection).inspect_err(|_| self.stale.store(true, Ordering::Relaxed))?;
        }
        if is_new || behind {
            *self.open.write() = Some(opened);
            self.stale.store(false, Ordering::Relaxed);
        }
        Ok(())
    }

    /// The index as it lies on the disk, or a new one where that cannot be used.
    fn reopened(&self, chain: &str) -> Result<Opened, ReadError> {
        *self.open.write() = None;
        Opened::open(&self.dir, chain).or_else(|error| {
            tracing::warn!(%error, "the search index is made anew");
            remove(&self.dir)?;
            Opened::open(&self.dir, chain).map_err(failed)
        })
    }

    /// Names of the entries found, the most fitting first; none while there is no index.
    ///
    /// What is no word, such as a punctuation mark alone, finds nothing.
    pub fn find(&self, wanted: &Wanted, offset: usize, limit: usize) -> Option<Vec<String>> {
        self.ask(|opened| opened.find(wanted, offset, limit))
    }

    /// What the entries found are like; none while there is no index.
    pub fn facets(&self, wanted: &Wanted) -> Option<Facets> {
        self.ask(|opened| {
            let counts = opened.reader.searcher().search(&*opened.query(wanted), &FacetCounter)?;
            Ok(opened.position.dictionary.read(&counts))
        })
    }

    /// Runs one search. Who finds the index damaged has it made anew, and goes on without it.
    fn ask<T>(&self, search: impl FnOnce(&Opened) -> tantivy::Result<T>) -> Option<T> {
        let opened = self.open.read().clone()?;
        match search(&opened) {
            Ok(found) => Some(found),
            Err(error) => {
                tracing::error!(%error, "the search index is damaged");
                self.stale.store(true, Ordering::Relaxed);
                None
            }
        }
    }
}

impl Opened {
    /// Opens the index of a chain, whole, or begins one.
    fn open(dir: &Path, chain: &str) -> tantivy::Result<Self> {
        let (schema, fields) = schema();
        std::fs::create_dir_all(dir).map_err(|error| TantivyError::InternalError(error.to_string()))?;
        let index = Index::open_or_create(tantivy::directory::MmapDirectory::open(dir)?, schema)?;
        if !index.validate_checksum()?.is_empty() {
            return Err(TantivyError::InternalError("a file of it is damaged".into()));
        }
        let payload = index.load_metas()?.payload;
        let fresh = Position { format: FORMAT, chain: chain.to_owned(), ..Position::default() };
        let position = match payload {
            None => fresh,
            Some(text) => serde_json::from_str(&text).unwrap_or_default(),
        };
        if position.format != FORMAT || position.chain != chain {
            return Err(TantivyError::InternalError("it is of another ledger or program".into()));
        }
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        Ok(Self { index, reader, fields, position })
    }

    fn take_in(&mut self, connection: &mut Database) -> Result<(), ReadError> {
        let mut writer: IndexWriter = self.index.writer_with_num_threads(1, WRITER_BYTES).map_err(failed)?;
        let mut waiting = 0;
        loop {
            let rows: Vec<Row> = entries::table
                .filter(entries::updated_index.ge(column(self.position.next)))
                .order(entries::updated_index.asc())
                .limit(ROWS)
                .select((entries::updated_index, entries::search_text, entries::summary))
                .load(connection)?;
            for row in &rows {
                self.put(&writer, row)?;
            }
            waiting += rows.len();
            if waiting >= COMMIT_ROWS || rows.is_empty() {
                self.commit(&mut writer).map_err(failed)?;
                waiting = 0;
            }
            if rows.is_empty() {
                break;
            }
        }
        writer.wait_merging_threads().map_err(failed)?;
        self.reader.reload().map_err(failed)
    }

    fn put(&mut self, writer: &IndexWriter, (index, text, summary): &Row) -> Result<(), ReadError> {
        let entry: EntrySummary = from_json(summary)?;
        let fields = &self.fields;
        let name = entry.id.to_string();
        writer.delete_term(Term::from_field_text(fields.name, &name));
        let mut document = TantivyDocument::default();
        document.add_text(fields.name, &name);
        let title = format!("{}\n{}", entry.name.zh, entry.name.en);
        document.add_pre_tokenized_text(fields.title, tokenized(&title));
        document.add_pre_tokenized_text(fields.body, tokenized(text));
        for tag in facets::tags(&entry) {
            document.add_text(fields.tags, tag);
        }
        document.add_u64(fields.facets, self.position.dictionary.pack(&entry));
        writer.add_document(document).map_err(failed)?;
        self.position.next = super::columns::number(*index).saturating_add(1);
        Ok(())
    }

    fn commit(&self, writer: &mut IndexWriter) -> tantivy::Result<()> {
        let payload = serde_json::to_string(&self.position).unwrap_or_default();
        let mut prepared = writer.prepare_commit()?;
        prepared.set_payload(&payload);
        prepared.commit().map(|_| ())
    }

    fn find(&self, wanted: &Wanted, offset: usize, limit: usize) -> tantivy::Result<Vec<String>> {
        let searcher = self.reader.searcher();
        let collector = TopDocs::with_limit(limit).and_offset(offset).order_by_score();
        let found = searcher.search(&*self.query(wanted), &collector)?;
        let mut names = Vec::with_capacity(found.len());
        for (_, address) in found {
            let document: TantivyDocument = searcher.doc(address)?;
            names.extend(document.get_first(self.fields.name).and_then(|name| name.as_str()).map(str::to_owned));
        }
        Ok(names)
    }

    fn query(&self, wanted: &Wanted) -> Box<dyn Query> {
        let Fields { title, body, tags, .. } = self.fields;
        let term = |field: Field, text: &str| -> Box<dyn Query> {
            Box::new(TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::WithFreqs))
        };
        let tag = |text: &str| -> Box<dyn Query> {
            let one = TermQuery::new(Term::from_field_text(tags, text), IndexRecordOption::Basic);
            Box::new(ConstScoreQuery::new(Box::new(one), 0.0))
        };
        let in_title = |text: &str| -> Box<dyn Query> { Box::new(BoostQuery::new(term(title, text), TITLE_BOOST)) };
        let filters: Vec<(Occur, Box<dyn Query>)> = wanted.tags.iter().map(|text| (Occur::Must, tag(text))).collect();
        let words: Vec<(Vec<String>, &Vec<DepartmentId>)> =
            wanted.words.iter().map(|(word, departments)| (words::wanted(word), departments)).collect();
        if let ([(tokens, departments)], []) = (words.as_slice(), filters.as_slice())
            && let ([token], true) = (tokens.as_slice(), departments.is_empty())
        {
            // A title's words are in the body too, so this finds the same; and a plain union is what the library skips
            // through fastest.
            let union = vec![(Occur::Should, in_title(token)), (Occur::Should, term(body, token))];
            return Box::new(BooleanQuery::new(union));
        }
        let mut clauses = filters;
        for (tokens, departments) in words {
            let all = tokens.iter().map(|token| (Occur::Must, term(body, token))).collect::<Vec<_>>();
            if departments.is_empty() {
                clauses.extend(all);
            } else {
                let mut either: Vec<(Occur, Box<dyn Query>)> = vec![(Occur::Should, Box::new(BooleanQuery::new(all)))];
                either.extend(departments.iter().map(|id| (Occur::Should, tag(&format!("provider:{id}")))));
                clauses.push((Occur::Must, Box::new(BooleanQuery::new(either))));
            }
            clauses.extend(tokens.iter().map(|token| (Occur::Should, in_title(token))));
        }
        match clauses.is_empty() {
            false => Box::new(BooleanQuery::new(clauses)),
            true if wanted.words.is_empty() => Box::new(AllQuery),
            true => Box::new(EmptyQuery),
        }
    }
}

fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let text = || {
        // Length counts for little where beginnings are words too; frequencies do.
        let indexing = TextFieldIndexing::default().set_tokenizer("raw").set_index_option(IndexRecordOption::WithFreqs);
        TextOptions::default().set_indexing_options(indexing)
    };
    let fields = Fields {
        name: schema.add_text_field("name", STRING | STORED),
        title: schema.add_text_field("title", text()),
        body: schema.add_text_field("body", text()),
        tags: schema.add_text_field("tags", STRING),
        facets: schema.add_u64_field(facets::COLUMN, FAST),
    };
    (schema.build(), fields)
}

fn tokenized(text: &str) -> PreTokenizedString {
    let token = |(position, text): (usize, String)| Token { position, text, ..Token::default() };
    PreTokenizedString { text: String::new(), tokens: words::kept(text).into_iter().enumerate().map(token).collect() }
}

fn failed(error: TantivyError) -> ReadError {
    ReadError::Database(format!("the search index: {error}"))
}

/// Removes the index' folder.
pub(super) fn remove(dir: &Path) -> Result<(), ReadError> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(ReadError::file(dir, &error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
