//! What an applicant sees: the slip of a case, and how the case stands.
#![expect(missing_docs, reason = "a field of a view is named after its place on the page")]

use askama::Template;

use super::{Faults, Page};
use crate::web::portal::words::Words;

/// `GET /cases/{id}/slip`.
#[derive(Template)]
#[template(path = "case_slip.html")]
pub struct SlipPage {
    pub page: Page,
    pub t: Words,
    pub id: String,
    pub matter: String,
    pub department: String,
    pub accepted_at: String,
    pub accepted_by: String,
    /// Last day of the whole; empty without a deadline.
    pub due: String,
    /// What need not be brought: title, and the department that has it.
    pub fetched: Vec<(String, String)>,
    pub number: String,
    pub code: String,
    pub url: String,
    /// The address as SVG.
    pub picture: String,
}

/// `GET /progress`, and the answer to its form.
#[derive(Template)]
#[template(path = "progress.html")]
pub struct ProgressPage {
    pub page: Page,
    pub t: Words,
    pub number: String,
    pub found: Option<Progress>,
    pub faults: Faults,
}

/// How a case stands.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    pub number: String,
    pub matter: String,
    pub department: String,
    pub state: String,
    pub accepted_at: String,
    /// Last day of the whole; empty without a deadline, and at the end.
    pub due: String,
    pub awaited: Vec<Awaited>,
    pub rows: Vec<ProgressRow>,
    pub certificate: Option<String>,
    pub asked_at: String,
}

/// Something that is awaited.
#[derive(Clone, Debug, Default)]
pub struct Awaited {
    /// `data`, `clarity`, `step`, `payment`, `correction`, `refused` or `end`.
    pub kind: &'static str,
    pub department: String,
    /// The step, or what its department said.
    pub text: String,
    /// Last day; empty without a deadline.
    pub due: String,
}

/// A step on the way.
#[derive(Clone, Debug, Default)]
pub struct ProgressRow {
    /// `done`, `current`, `waiting` or `failed`.
    pub state: &'static str,
    pub label: String,
    pub department: String,
    /// When it was done; empty while it is not.
    pub at: String,
}
