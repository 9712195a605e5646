//! The auditor's pages about broken promises.
#![expect(missing_docs, reason = "a field of a view is named after its place on the page")]

use askama::Template;

use super::{Choice, Page};
use crate::web::portal::words::Words;

/// `GET /audit/findings`.
#[derive(Template)]
#[template(path = "findings.html")]
pub struct Findings {
    pub page: Page,
    pub t: Words,
    pub consumers: Vec<Choice>,
    pub providers: Vec<Choice>,
    /// What stands in the filter.
    pub problem: String,
    /// `yes`, `no` or nothing.
    pub resolved: String,
    pub results: FindingResults,
}

/// `GET /audit/findings` with `HX-Request`.
#[derive(Template)]
#[template(path = "findings_partial.html")]
pub struct FindingResults {
    pub t: Words,
    pub rows: Vec<FindingRow>,
    pub ledger_index: u64,
    pub first_href: Option<String>,
    pub next_href: Option<String>,
}

/// A finding in a list, or on the page of its access.
#[derive(Clone, Debug, Default)]
pub struct FindingRow {
    pub access_id: String,
    pub problem: String,
    pub consumer: String,
    pub provider: String,
    /// When it came on the ledger.
    pub reported: String,
    /// Until when the record was promised.
    pub deadline: String,
    /// The very text that the provider signed.
    pub promise: String,
    pub signature: String,
    /// Index of the record.
    pub record: Option<u64>,
    /// Index of the record that settles it.
    pub settled: Option<u64>,
    pub transaction: String,
}

/// `GET /audit/{access_id}` of an access that was promised and never recorded.
#[derive(Template)]
#[template(path = "finding.html")]
pub struct FindingPage {
    pub page: Page,
    pub t: Words,
    pub access_id: String,
    pub findings: Vec<FindingRow>,
}
