//! One's own account: password, second factor, sessions.
#![expect(missing_docs, reason = "a field of a view is named after its place on the page")]

use askama::Template;

use super::{Faults, Page};
use crate::web::portal::words::Words;

/// `GET /account`.
#[derive(Template)]
#[template(path = "account.html")]
pub struct Account {
    pub page: Page,
    pub t: Words,
    /// `password` or `second_factor`: what must be done before anything else; empty for nothing.
    pub owes: &'static str,
    /// `none`, `pending` or `set`.
    pub second_factor: &'static str,
    /// Since when it is asked for.
    pub since: String,
    pub recovery_left: u64,
    /// Whether the reader must have one.
    pub required: bool,
    pub sessions: Vec<SessionRow>,
    pub faults: Faults,
}

/// A place where one is signed in.
#[derive(Clone, Debug, Default)]
pub struct SessionRow {
    pub id: String,
    pub created: String,
    pub last_seen: String,
    /// Address; empty when it is not known.
    pub from: String,
    /// The session of this page.
    pub here: bool,
}

/// `GET /account/second-factor`.
#[derive(Template)]
#[template(path = "second_factor.html")]
pub struct SecondFactor {
    pub page: Page,
    pub t: Words,
    /// In groups of four letters.
    pub secret: String,
    /// SVG of our own making.
    pub qr: String,
    pub faults: Faults,
}

/// The only look at the recovery codes.
#[derive(Template)]
#[template(path = "recovery_codes.html")]
pub struct RecoveryCodes {
    pub page: Page,
    pub t: Words,
    pub codes: Vec<String>,
}
