//! The auditor's pages: every access, and one of them.
#![expect(missing_docs, reason = "a field of a view is named after its place on the page")]

use askama::Template;

use super::findings::FindingRow;
use super::{Choice, Page};
use crate::web::portal::words::Words;

/// `GET /audit`.
#[derive(Template)]
#[template(path = "audit.html")]
pub struct Audit {
    pub page: Page,
    pub t: Words,
    pub filter: AuditFilter,
    pub consumers: Vec<Choice>,
    pub providers: Vec<Choice>,
    pub results: AuditResults,
}

/// What stands in the filter.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// ID number, USCC or unit number; looked up by a keyed digest.
    pub subject: String,
    /// Account or system of the consumer.
    pub operator: String,
    pub entry: String,
    pub grant: String,
    pub decision: String,
    /// Days, `2026-11-21`.
    pub from: String,
    pub to: String,
}

/// `GET /audit` with `HX-Request`.
#[derive(Template)]
#[template(path = "audit_partial.html")]
pub struct AuditResults {
    pub t: Words,
    pub rows: Vec<AccessRow>,
    /// Who saw what of the subject that is filtered by.
    pub trace: Vec<TraceRow>,
    pub xlsx_href: String,
    pub csv_href: String,
    pub ledger_index: u64,
    pub first_href: Option<String>,
    pub next_href: Option<String>,
}

/// What a department saw of one subject through one entry.
#[derive(Clone, Debug, Default)]
pub struct TraceRow {
    pub consumer: String,
    pub entry: String,
    pub entry_title: String,
    pub decision: String,
    pub accesses: u64,
    pub last: String,
}

/// An access in the list.
#[derive(Clone, Debug, Default)]
pub struct AccessRow {
    pub access_id: String,
    pub time: String,
    pub consumer: String,
    pub actor: String,
    /// `provider/name`.
    pub entry: String,
    pub entry_title: String,
    pub version: String,
    pub decision: String,
    pub rule: String,
    pub reasons: Vec<String>,
    pub purpose: String,
    /// Its name; empty for one that the city's list does not have.
    pub purpose_name: String,
    pub cause: String,
    pub case_id: String,
    pub rows: u32,
    /// `committed`, `anchored` or `projected`.
    pub state: String,
}

/// A decision made again from the ledger.
#[derive(Clone, Debug, Default)]
pub struct ReplayRow {
    pub same: bool,
    /// `allowed` or `refused`: what the rules say.
    pub decision: &'static str,
    pub rule: String,
    /// Code of what refused the call after the rules had allowed it; empty otherwise.
    pub after: String,
    pub policy_version: u64,
    pub transactions: usize,
    /// Attribute, what the provider stated, and what the ledger says; empty where it is not known.
    pub facts: Vec<(&'static str, &'static str, &'static str)>,
}

/// `GET /audit/{access_id}`.
#[derive(Template)]
#[template(path = "access.html")]
pub struct AccessPage {
    pub page: Page,
    pub t: Words,
    /// What was found about it.
    pub findings: Vec<FindingRow>,
    pub access: AccessRow,
    pub provider: String,
    /// Role of the actor.
    pub role: String,
    pub grant: String,
    /// Titles of the items asked for.
    pub items: Vec<String>,
    pub request_digest: String,
    pub answer_digest: String,
    /// Size of the ledger on which the decision rested.
    pub basis: u64,
    pub transaction: String,
    pub index: u64,
    pub height: u64,
    pub block_time: String,
    /// The decision made again; none where that cannot be.
    pub replay: Option<ReplayRow>,
    /// Why it cannot be; empty where it can.
    pub replay_fault: String,
    /// Whether the record names a subject, sealed.
    pub sealed: bool,
    /// The subject, once opened.
    pub subject: Option<String>,
    pub may_open: bool,
}
