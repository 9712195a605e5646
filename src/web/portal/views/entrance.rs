//! Signing in, and what went wrong.
#![expect(missing_docs, reason = "a field of a view is named after its place on the page")]

use askama::Template;

use super::{Faults, Page};
use crate::web::portal::words::Words;

/// `GET /sign-in`.
#[derive(Template)]
#[template(path = "sign_in.html")]
pub struct SignIn {
    pub page: Page,
    pub t: Words,
    /// What was typed.
    pub user: String,
    /// Where to go afterwards: a path of this portal.
    pub next: String,
    /// The same text for an unknown name and a wrong password, so that a guesser learns nothing.
    pub faults: Faults,
}

/// `GET /sign-in/code`.
#[derive(Template)]
#[template(path = "sign_in_code.html")]
pub struct SignInCode {
    pub page: Page,
    pub t: Words,
    /// Where to go afterwards: a path of this portal.
    pub next: String,
    pub faults: Faults,
}

/// Any page that cannot be shown.
#[derive(Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    pub page: Page,
    pub t: Words,
    pub status: u16,
    /// Code of the problem, as in the API.
    pub code: String,
    /// Title of the problem, for codes that the portal has no words for.
    pub title: String,
    /// What exactly, in the reader's language; may be empty.
    pub detail: String,
    /// Codes of the reasons of a refusal.
    pub reasons: Vec<String>,
    pub request_id: String,
}
