//! Certificates: the list, one of them, preparing one, their types, and their public verification.
#![expect(missing_docs, reason = "a field of a view is named after its place on the page")]

use askama::Template;

use super::{Choice, Faults, Field, Page};
use crate::web::portal::words::Words;

/// `GET /certificates`.
#[derive(Template)]
#[template(path = "certificates.html")]
pub struct Certificates {
    pub page: Page,
    pub t: Words,
    pub rows: Vec<CertificateRow>,
    pub kinds: Vec<Choice>,
    pub statuses: Vec<Choice>,
    /// Code of the holder that was asked for.
    pub holder: String,
    /// Whether the reader may look for holders and see what was prepared.
    pub may_read: bool,
    /// Types that the reader may prepare without a case.
    pub by_hand: Vec<Choice>,
    pub waiting: Vec<PreparationRow>,
    pub first_href: Option<String>,
    pub next_href: Option<String>,
}

/// A certificate in the list.
#[derive(Clone, Debug, Default)]
pub struct CertificateRow {
    pub identifier: String,
    pub type_name: String,
    pub issuer: String,
    pub issued_at: String,
    pub valid_to: String,
    pub status: String,
}

/// What waits for a reviewer.
#[derive(Clone, Debug, Default)]
pub struct PreparationRow {
    pub id: String,
    pub type_name: String,
    pub operation: String,
    pub holder: String,
    pub prepared_by: String,
    pub prepared_at: String,
}

/// `GET /certificates/{identifier}`.
#[derive(Template)]
#[template(path = "certificate.html")]
pub struct CertificatePage {
    pub page: Page,
    pub t: Words,
    pub certificate: CertificateCard,
    pub case: Option<String>,
    pub predecessor: Option<String>,
    pub successor: Option<String>,
    pub history: Vec<StatusRow>,
    pub annotations: Vec<AnnotationRow>,
    /// Statuses it can take now.
    pub next_statuses: Vec<String>,
    pub may_change: bool,
    pub may_annotate: bool,
    /// Whether a next version can be prepared.
    pub may_prepare: bool,
    /// Whether the holder's copies can be had here.
    pub has_copies: bool,
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

/// What readers should know.
#[derive(Clone, Debug, Default)]
pub struct AnnotationRow {
    pub cause: String,
    pub by: String,
    pub at: String,
    /// Empty when shown without end.
    pub expires: String,
}

/// `GET /certificates/new`.
#[derive(Template)]
#[template(path = "certificate_new.html")]
pub struct CertificateForm {
    pub page: Page,
    pub t: Words,
    pub kind: String,
    pub type_name: String,
    pub operation: String,
    /// Empty for a new certificate.
    pub predecessor: String,
    /// What the holder's code is called.
    pub code_title: String,
    pub holder_code: String,
    pub holder_name: String,
    pub fields: Vec<Field>,
    pub faults: Faults,
}

/// `GET /certificates/prepared/{id}`.
#[derive(Template)]
#[template(path = "certificate_prepared.html")]
pub struct PreparedPage {
    pub page: Page,
    pub t: Words,
    pub row: PreparationRow,
    pub state: String,
    pub predecessor: Option<String>,
    /// Holder and fields: name and value.
    pub fields: Vec<(String, String)>,
    /// The certificate that it became.
    pub identifier: Option<String>,
    pub may_issue: bool,
    pub own: bool,
}

/// `GET /certificates/types`.
#[derive(Template)]
#[template(path = "certificate_types.html")]
pub struct TypesPage {
    pub page: Page,
    pub t: Words,
    pub rows: Vec<TypeRow>,
}

/// A type.
#[derive(Clone, Debug, Default)]
pub struct TypeRow {
    pub name: String,
    pub title: String,
    pub department: String,
    pub type_code: String,
    /// Empty while it is not published.
    pub version: String,
    /// The version that waits, empty when none does.
    pub waiting: String,
    pub may_publish: bool,
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
    /// What the check of an uploaded copy showed.
    pub copy: Option<CopyVerdict>,
}

/// What the ledger says of an identifier.
#[derive(Clone, Debug, Default)]
pub struct Verified {
    /// `valid`, `not_valid` (suspended, revoked, lapsed..), `unknown` or `malformed`.
    pub verdict: &'static str,
    /// The card without fields of the holder, if it is known.
    pub certificate: Option<CertificateCard>,
    pub annotations: Vec<String>,
    pub successor: Option<String>,
    /// Transactions on the ledger when asked.
    pub ledger_index: u64,
    pub asked_at: String,
}

/// What the check of an uploaded copy showed.
#[derive(Clone, Debug, Default)]
pub struct CopyVerdict {
    /// `genuine`, or the fault's code.
    pub code: String,
    /// The fault in the node's words, empty for a genuine copy.
    pub why: String,
}
