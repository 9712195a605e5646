//! A query by hand: choose an entry, state why, see rows or the refusal.
#![expect(missing_docs, reason = "a field of a view is named after its place on the page")]

use askama::Template;

use super::{Choice, Faults, Field, Page};
use crate::web::portal::words::Words;

/// `GET /query`, `POST /query`.
#[derive(Template)]
#[template(path = "query.html")]
pub struct QueryPage {
    pub page: Page,
    pub t: Words,
    /// Entries that can be queried: value `provider/name`.
    pub entries: Vec<Choice>,
    /// Set when an entry is chosen.
    pub form: Option<QueryForm>,
    pub faults: Faults,
    pub result: Option<QueryResult>,
}

/// The form of one entry.
#[derive(Clone, Debug, Default)]
pub struct QueryForm {
    /// `provider/name`.
    pub entry: String,
    pub entry_title: String,
    pub sharing: String,
    /// Purposes of our grants, to choose from.
    pub purposes: Vec<Choice>,
    pub purpose: String,
    pub cause: String,
    pub case_id: String,
    /// Sent as `param-{name}`.
    pub params: Vec<Field>,
    /// Sent as `items`, each.
    pub items: Vec<Choice>,
}

/// The answer, shown below the form; alone with `HX-Request`.
#[derive(Template, Clone, Debug, Default)]
#[template(path = "query_partial.html")]
pub struct QueryResult {
    pub t: Words,
    /// `allowed` or `refused`.
    pub decision: String,
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
    pub more: bool,
    /// Codes of the reasons of a refusal.
    pub reasons: Vec<String>,
    /// Detail of the refusal, may be empty.
    pub detail: String,
    pub rule: String,
    pub grant_id: String,
    pub access_id: String,
    pub ledger_index: u64,
    /// `provider/name`, for the way to a grant.
    pub entry: String,
}
