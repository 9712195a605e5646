//! The department's keys.
#![expect(missing_docs, reason = "a field of a view is named after its place on the page")]

use askama::Template;

use super::Page;
use crate::web::portal::words::Words;

/// `GET /keys`.
#[derive(Template)]
#[template(path = "keys.html")]
pub struct Keys {
    pub page: Page,
    pub t: Words,
    /// Newest first.
    pub keys: Vec<KeyRow>,
}

/// A signing key.
#[derive(Clone, Debug, Default)]
pub struct KeyRow {
    pub id: String,
    /// `current`, `retiring`, `retired`, `expired` or `revoked`.
    pub state: &'static str,
    pub from: String,
    /// Empty without an end.
    pub until: String,
    /// Why it was revoked.
    pub reason: String,
    pub revocable: bool,
}
