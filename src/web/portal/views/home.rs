//! The first page: what waits for the reader, what they sent, and where the ledger stands.
#![expect(missing_docs, reason = "a field of a view is named after its place on the page")]

use askama::Template;

use super::Page;
use crate::web::portal::words::Words;

/// `GET /`.
#[derive(Template)]
#[template(path = "home.html")]
pub struct Home {
    pub page: Page,
    pub t: Words,
    /// What the reader's roles begin: address and key of its text.
    pub begin: Vec<(&'static str, &'static str)>,
    pub body: HomeBody,
}

/// `GET /` with `HX-Request`: asked for when something changed.
#[derive(Template)]
#[template(path = "home_partial.html")]
pub struct HomeBody {
    pub t: Words,
    /// Broken promises to this department that are not settled.
    pub findings: u64,
    /// Whether the reader may see them.
    pub may_audit: bool,
    pub waiting: Vec<Waiting>,
    /// Oldest first.
    pub tasks: Vec<Task>,
    /// Tasks that stand in the list of their kind only.
    pub more: usize,
    /// What the reader sent, oldest first.
    pub sent: Vec<Sent>,
    pub strip: Strip,
}

/// Things of one kind that wait, as a filter.
#[derive(Clone, Debug, Default)]
pub struct Waiting {
    /// `all`, or the kind of a [`Task`].
    pub kind: &'static str,
    /// Ends in `+` when there are more than were counted.
    pub count: String,
    pub href: String,
    pub current: bool,
}

/// One thing to do.
#[derive(Clone, Debug, Default)]
pub struct Task {
    /// `drafts`, `grants`, `overdue`, `sign_offs`, `stuck`, `returned`, `agreed`, `expiring`, `changed` or `appeals`.
    pub kind: &'static str,
    pub title: String,
    pub detail: String,
    /// Since when it waits, or when it ends.
    pub time: String,
    /// How long it has waited.
    pub lasts: String,
    pub href: String,
    /// Milliseconds by which tasks are put in order.
    pub since: u64,
}

/// Something that the reader sent, and where it stands.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    /// `draft`, `grant` or `case`.
    pub kind: &'static str,
    /// Code of a text of the kind's own states.
    pub state: String,
    pub title: String,
    pub detail: String,
    pub lasts: String,
    pub href: String,
    /// Milliseconds by which they are put in order.
    pub since: u64,
}

/// Where the ledger stands on this node.
#[derive(Clone, Debug, Default)]
pub struct Strip {
    /// Transactions of this node that wait for the ledger.
    pub proposed: u64,
    /// Transactions on the ledger.
    pub committed: u64,
    /// Transactions the lists and searches of this node know.
    pub projected: u64,
    /// Time of the last block.
    pub time: String,
}
