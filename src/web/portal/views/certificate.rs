//! Certificates, and their public verification.
#![expect(missing_docs, reason = "a field of a view is named after its place on the page")]

use askama::Template;

use super::{Faults, Page};
use crate::web::portal::words::Words;

/// `GET /certificates/{identifier}`.
#[derive(Template)]
#[template(path = "certificate.html")]
pub struct CertificatePage {
    pub page: Page,
    pub t: Words,
    pub certificate: CertificateCard,
    pub case: Option<String>,
    pub history: Vec<StatusRow>,
    /// Statuses it can take now.
    pub next_statuses: Vec<String>,
    pub may_change: bool,
    pub faults: Faults,
}

/// The licence itself.
#[derive(Clone, Debug, Default)]
pub struct CertificateCard {
    pub identifier: String,
    pub type_name: String,
    pub issuer: String,
    pub issued_at: String,
    pub valid_from: String,
    /// Empty when without an end.
    pub valid_to: String,
    pub status: String,
    /// Number of the certificate, holder and further fields, where the document is kept on this node: name and value.
    pub fields: Vec<(String, String)>,
    pub document_digest: String,
    pub transaction: String,
    pub index: u64,
}

/// A status it had.
#[derive(Clone, Debug, Default)]
pub struct StatusRow {
    pub status: String,
    pub reason: String,
    pub by: String,
    pub at: String,
    pub transaction: String,
}

/// `GET /verify`, `GET /verify/{identifier}`: public.
#[derive(Template)]
#[template(path = "verify.html")]
pub struct VerifyPage {
    pub page: Page,
    pub t: Words,
    /// What was asked for; empty at first.
    pub identifier: String,
    pub answer: Option<Verified>,
}

/// What the ledger says of an identifier.
#[derive(Clone, Debug, Default)]
pub struct Verified {
    /// `valid`, `not_valid` (suspended, revoked, lapsed..), `unknown` or `malformed`.
    pub verdict: &'static str,
    /// The card without fields of the holder, if it is known.
    pub certificate: Option<CertificateCard>,
    /// Transactions on the ledger when asked.
    pub ledger_index: u64,
    pub asked_at: String,
}
