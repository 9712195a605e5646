//! Common matters, and what became of asking for one.
#![expect(missing_docs, reason = "a field of a view is named after its place on the page")]

use askama::Template;

use super::{Faults, Page};
use crate::web::portal::words::Words;

/// `GET /grants/templates`.
#[derive(Template)]
#[template(path = "grant_templates.html")]
pub struct GrantTemplates {
    pub page: Page,
    pub t: Words,
    pub may_ask: bool,
    pub cards: Vec<TemplateCard>,
    /// What became of the entries that were just asked for.
    pub results: Vec<TemplateResult>,
    pub faults: Faults,
}

/// A common matter.
#[derive(Clone, Debug, Default)]
pub struct TemplateCard {
    pub code: String,
    pub title: String,
    pub purpose: String,
    pub purpose_text: String,
    pub legal_basis: String,
    pub matter: String,
    /// The day on which its term would end.
    pub valid_until: String,
    pub parts: Vec<Part>,
}

/// What it takes of one entry.
#[derive(Clone, Debug, Default)]
pub struct Part {
    pub entry: String,
    pub title: String,
    pub items: String,
    pub mode: String,
    pub daily_max: u32,
}

/// What became of one entry.
#[derive(Clone, Debug, Default)]
pub struct TemplateResult {
    pub title: String,
    /// The grant asked for; empty when none was.
    pub id: String,
    /// Why none was.
    pub why: String,
}
