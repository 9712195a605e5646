//! The first page: what waits for the reader, and where the ledger stands.
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
    /// Broken promises to this department that are not settled.
    pub findings: u64,
    /// Whether the reader may see them.
    pub may_audit: bool,
    pub waiting: Vec<Waiting>,
    pub tasks: Vec<Task>,
    pub strip: Strip,
}

/// A count of things that wait.
#[derive(Clone, Debug, Default)]
pub struct Waiting {
    /// `drafts`, `grants`, `overdue`, `sign_offs`, `expiring`, `changed` or `appeals`.
    pub kind: &'static str,
    pub count: u64,
    pub href: String,
}

/// One thing to do.
#[derive(Clone, Debug, Default)]
pub struct Task {
    /// As in [`Waiting`].
    pub kind: &'static str,
    pub title: String,
    pub detail: String,
    /// Since when it waits, or when it ends.
    pub time: String,
    pub href: String,
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
