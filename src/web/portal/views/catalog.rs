//! The catalog: search, and one entry.
#![expect(missing_docs, reason = "a field of a view is named after its place on the page")]

use askama::Template;

use super::{Choice, Page};
use crate::web::portal::words::Words;

/// `GET /catalog`.
#[derive(Template)]
#[template(path = "catalog.html")]
pub struct Catalog {
    pub page: Page,
    pub t: Words,
    pub q: String,
    pub providers: Vec<Choice>,
    pub sharing: String,
    pub state: String,
    pub level: String,
    /// The place of the classification that is looked at: field, key and name, from the widest.
    pub classes: Vec<(&'static str, String, String)>,
    pub results: CatalogResults,
}

/// `GET /catalog` with `HX-Request`.
#[derive(Template)]
#[template(path = "catalog_partial.html")]
pub struct CatalogResults {
    pub t: Words,
    pub rows: Vec<EntryRow>,
    /// All that was found, when it was counted.
    pub total: Option<u64>,
    pub facets: Vec<FacetRow>,
    pub ledger_index: u64,
    /// The first page, when this is another.
    pub first_href: Option<String>,
    pub next_href: Option<String>,
}

/// A facet with the values that narrow or widen the search.
#[derive(Clone, Debug, Default)]
pub struct FacetRow {
    /// Key of its name.
    pub label: &'static str,
    pub values: Vec<FacetLink>,
}

/// A value of a facet.
#[derive(Clone, Debug, Default)]
pub struct FacetLink {
    pub label: String,
    pub entries: u64,
    /// The search with it or, when it is chosen, without it.
    pub href: String,
    pub chosen: bool,
}

/// A part of a text; one that was looked for is marked.
#[derive(Clone, Debug, Default)]
pub struct Part {
    pub text: String,
    pub hit: bool,
}

/// An entry in a list.
#[derive(Clone, Debug, Default)]
pub struct EntryRow {
    /// `provider/name`.
    pub id: String,
    pub title: Vec<Part>,
    pub summary: Vec<Part>,
    pub provider: String,
    pub version: String,
    pub state: String,
    pub sharing: String,
    pub level: String,
    pub grade: u8,
    pub updated: String,
}

/// `GET /catalog/{provider}/{name}`.
#[derive(Template)]
#[template(path = "entry.html")]
pub struct EntryPage {
    pub page: Page,
    pub t: Words,
    pub entry: EntryBody,
    /// Why and when it ended, if it did.
    pub ending: Option<Ending>,
    pub versions: Vec<VersionRow>,
    /// Grants in force on it, newest first.
    pub users: Vec<UserRow>,
    /// Whether there are more than these.
    pub more_users: bool,
    pub may_request: bool,
    pub may_query: bool,
    pub may_change: bool,
    pub may_end: bool,
}

/// A department that may use an entry.
#[derive(Clone, Debug, Default)]
pub struct UserRow {
    pub grant: String,
    pub consumer: String,
    pub purpose: String,
    pub purpose_name: String,
    /// Titles of the items that it gets.
    pub items: String,
    pub until: String,
}

/// End of an entry.
#[derive(Clone, Debug, Default)]
pub struct Ending {
    pub reason: String,
    /// `provider/name`.
    pub successor: Option<String>,
    pub at: String,
}

/// An entry as others name it.
#[derive(Clone, Debug, Default)]
pub struct PlaceRow {
    /// `provider/name`.
    pub id: String,
    pub title: String,
    pub level: String,
    pub state: String,
}

/// A related code, and the entry that bears it.
#[derive(Clone, Debug, Default)]
pub struct RelatedRow {
    pub code: String,
    pub entry: Option<PlaceRow>,
}

/// One difference between two versions.
#[derive(Clone, Debug, Default)]
pub struct ChangeRow {
    /// What it is called on the entry's page.
    pub label: String,
    /// JSON Pointer.
    pub pointer: String,
    /// `added`, `removed` or `changed`.
    pub kind: String,
    pub before: String,
    pub after: String,
    /// In what way it breaks users; empty when it does not.
    pub breaking: String,
}

/// `GET /catalog/{provider}/{name}/diff`.
#[derive(Template)]
#[template(path = "entry_diff.html")]
pub struct DiffPage {
    pub page: Page,
    pub t: Words,
    /// `provider/name`.
    pub id: String,
    pub title: String,
    pub from: String,
    pub to: String,
    /// All versions, newest first.
    pub versions: Vec<String>,
    pub breaking: bool,
    pub rows: Vec<ChangeRow>,
}

/// `GET /catalog/classes`.
#[derive(Template)]
#[template(path = "classes.html")]
pub struct Classes {
    pub page: Page,
    pub t: Words,
    /// The places above this one, from the widest: name and address.
    pub above: Vec<(String, String)>,
    /// This place; empty at the top.
    pub name: String,
    /// All entries of this place.
    pub entries_href: String,
    pub groups: Vec<ClassRow>,
}

/// A group of the classification.
#[derive(Clone, Debug, Default)]
pub struct ClassRow {
    pub name: String,
    pub href: String,
    pub entries: u64,
}

/// Everything about one version.
#[derive(Clone, Debug, Default)]
pub struct EntryBody {
    /// `provider/name`.
    pub id: String,
    pub title: String,
    pub summary: String,
    pub version: String,
    /// State of the entry, or of the draft.
    pub state: String,
    pub level: String,
    pub code: String,
    /// 类, 项, 目, 细目, joined for reading.
    pub classification: String,
    pub provider: String,
    pub provider_code: String,
    pub duty: String,
    /// Category and type.
    pub format: String,
    pub sharing: String,
    pub sharing_condition: String,
    /// A code, or empty.
    pub means: String,
    pub open: bool,
    pub open_condition: String,
    pub update_cycle: String,
    pub issue_date: String,
    pub related: Vec<RelatedRow>,
    /// From the top down to the one directly above.
    pub above: Vec<PlaceRow>,
    pub below: Vec<PlaceRow>,
    /// The parameter that names the person or enterprise.
    pub subject: String,
    pub items: Vec<ItemRow>,
    pub parameters: Vec<ParameterRow>,
    /// Indented JSON.
    pub request_schema: String,
    pub response_schema: String,
}

/// 信息项.
#[derive(Clone, Debug, Default)]
pub struct ItemRow {
    pub name: String,
    pub title: String,
    pub kind: String,
    pub length: u32,
    pub sensitive: bool,
    pub grade: u8,
    pub masking: String,
    pub code_table: String,
    pub range: String,
    /// A code where it differs from the entry's, or empty.
    pub sharing: String,
    pub sharing_condition: String,
}

/// A parameter of queries, read from the request schema.
#[derive(Clone, Debug, Default)]
pub struct ParameterRow {
    pub name: String,
    pub description: String,
    /// JSON type, or format when it has one: `id_number`.
    pub kind: String,
    pub required: bool,
}

/// A version in the history.
#[derive(Clone, Debug, Default)]
pub struct VersionRow {
    pub version: String,
    pub at: String,
    pub drafted_by: String,
    pub approved_by: String,
    pub transaction: String,
    pub index: u64,
    /// The one shown.
    pub shown: bool,
    /// Whether there is an earlier one to compare with.
    pub comparable: bool,
}
