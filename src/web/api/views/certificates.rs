//! Answers about e-licences.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::crypto::digest::Hash;
use crate::domain::certificate::{Annotated, CertificateStatus};
use crate::domain::{Actor, Text};
use crate::ids::{CaseId, DepartmentId, Slug, TxId};
use crate::readmodel::certificates as rows;
use crate::service::certificates as service;

use super::{Time, answer};

answer! {
    /// A change of a certificate's status.
    StatusChange from rows::StatusChangeView {
        /// Why.
        reason: String,
        /// The person.
        by: Actor,
        /// Block time.
        at: Time,
        /// Index of the transaction.
        ledger_index: u64,
    }
}

/// A certificate as the ledger knows it: nothing of its holder.
#[derive(Debug, Serialize, ToSchema)]
pub struct CertificateAnswer {
    /// GB/T 36904 identifier.
    pub identifier: String,
    /// Name of its type.
    pub type_name: Text,
    /// Name of its type among the issuer's, and its version; none for certificates of before edition 4.
    #[serde(rename = "type")]
    pub kind: Option<Slug>,
    /// See `type`.
    pub type_version: Option<u32>,
    /// How it came to be: new, extend, change or transfer_in.
    pub operation: Option<&'static str>,
    /// The certificate that it continues.
    pub predecessor: Option<String>,
    /// The certificate that took its place.
    pub successor: Option<String>,
    /// Its status today: lapsed when its time is over.
    pub status: CertificateStatus,
    /// The status' code, 01 to 07 and 99.
    pub status_code: &'static str,
    /// First day of validity.
    pub valid_from: String,
    /// Last day of validity.
    pub valid_to: Option<String>,
    /// Annotations that are to be shown today.
    pub annotations: Vec<Annotation>,
    /// Who issued it.
    pub issuer: DepartmentId,
    /// Which person.
    pub issued_by: Actor,
    /// Block time.
    pub issued_at: Time,
    /// SM3 of the document.
    pub document_digest: Hash,
    /// SM3 of salt and holder code.
    pub holder_commitment: Hash,
    /// The case in which it was issued.
    pub case_id: Option<CaseId>,
    /// The issuing transaction.
    pub transaction_id: TxId,
    /// Its index.
    pub ledger_index: u64,
    /// The last change of its status.
    pub change: Option<StatusChange>,
}

impl CertificateAnswer {
    /// As it stands on a day.
    pub fn on(view: rows::CertificateView, today: &str) -> Self {
        let (status, annotations) = (view.status_on(today), view.annotations_on(today).cloned());
        let annotations = annotations.map(Into::into).collect();
        let issue = view.issue;
        let details = issue.details.as_ref();
        Self {
            kind: details.map(|details| details.kind.name.clone()),
            type_version: details.map(|details| details.kind.version),
            operation: details.map(|details| details.operation.as_str()),
            predecessor: details.and_then(|details| details.predecessor.clone()),
            successor: view.successor,
            annotations,
            identifier: issue.identifier,
            type_name: issue.type_name,
            status,
            status_code: status.code(),
            valid_from: issue.valid_from,
            valid_to: issue.valid_to,
            issuer: view.issuer,
            issued_by: view.issued_by,
            issued_at: view.issued_at.into(),
            document_digest: issue.document_digest,
            holder_commitment: issue.holder_commitment,
            case_id: issue.case,
            transaction_id: view.transaction_id,
            ledger_index: view.ledger_index,
            change: view.change.map(Into::into),
        }
    }
}

/// A certificate; with its document on the issuer's node.
#[derive(Debug, Serialize, ToSchema)]
pub struct CertificateDetail {
    /// As the ledger knows it.
    #[serde(flatten)]
    pub certificate: CertificateAnswer,
    /// The document, on the issuer's node only.
    #[schema(value_type = Option<Object>)]
    pub document: Option<Value>,
}

impl CertificateDetail {
    /// As it stands on a day.
    pub fn on(detail: service::CertificateDetail, today: &str) -> Self {
        Self { certificate: CertificateAnswer::on(detail.certificate, today), document: detail.document }
    }
}

answer! {
    /// What readers of a certificate should know.
    Annotation from Annotated {
        /// What it is about.
        cause: String,
        /// Last day on which it is shown.
        expires: Option<String>,
        /// Who made it.
        by: Actor,
        /// Block time.
        at: Time,
    }
}

/// What a clerk prepared.
#[derive(Debug, Serialize, ToSchema)]
pub struct PreparationAnswer {
    /// Its id.
    pub id: TxId,
    /// prepared, issued or discarded.
    pub state: &'static str,
    /// The type's name.
    #[serde(rename = "type")]
    pub kind: Slug,
    /// new, extend, change or transfer_in.
    pub operation: &'static str,
    /// The certificate that it continues.
    pub predecessor: Option<String>,
    /// The holder's code.
    pub holder_code: String,
    /// The holder's name.
    pub holder_name: String,
    /// What stands on it.
    #[schema(value_type = Object)]
    pub fields: Value,
    /// Who prepared it.
    pub prepared_by: Actor,
    /// When.
    pub prepared_at: Time,
    /// The certificate that it became.
    pub identifier: Option<String>,
}

impl From<service::preparations::PreparationView> for PreparationAnswer {
    fn from(view: service::preparations::PreparationView) -> Self {
        let service::preparations::PreparationView { kept, body } = view;
        Self {
            id: kept.id,
            state: kept.state.as_str(),
            kind: body.kind,
            operation: body.operation.as_str(),
            predecessor: body.predecessor,
            holder_code: body.holder.code,
            holder_name: body.holder.name,
            fields: Value::Object(body.fields),
            prepared_by: kept.prepared_by,
            prepared_at: kept.prepared_at.into(),
            identifier: kept.identifier,
        }
    }
}

/// A type of certificates.
#[derive(Debug, Serialize, ToSchema)]
pub struct TypeAnswer {
    /// Whose.
    pub department: DepartmentId,
    /// Its name.
    pub name: Slug,
    /// The newest version on the ledger; none while it is not published.
    pub version: Option<u32>,
    /// Name for people.
    pub title: Text,
    /// USCC of the authority that defines it, and three characters.
    pub type_code: String,
    /// 111: citizen ID number; 001: unified social credit code.
    pub holder_kind: &'static str,
    /// Whether it may be issued without a case.
    pub by_hand: bool,
    /// The type in full, as published, or else as the file says.
    #[schema(value_type = Object)]
    pub document: Value,
    /// The version that the department's own file has and that waits to be published.
    pub waiting_version: Option<u32>,
}

impl From<service::types::TypeView> for TypeAnswer {
    fn from(view: service::types::TypeView) -> Self {
        let service::types::TypeView { department, document, version, waiting } = view;
        Self {
            department,
            name: document.name.clone(),
            version,
            waiting_version: waiting.map(|file| file.version),
            title: document.title.clone(),
            type_code: document.type_code.clone(),
            holder_kind: document.holder_kind.code(),
            by_hand: document.by_hand,
            document: serde_json::to_value(&document).unwrap_or_default(),
        }
    }
}

impl From<service::Issued> for Issued {
    fn from(issued: service::Issued) -> Self {
        let service::Issued { identifier, committed } = issued;
        Self { identifier, transaction_id: committed.transaction_id, ledger_index: committed.ledger_index }
    }
}

/// An issued certificate.
#[derive(Debug, Serialize, ToSchema)]
pub struct Issued {
    /// GB/T 36904 identifier.
    pub identifier: String,
    /// The transaction that issued it.
    pub transaction_id: TxId,
    /// Its index in the ledger.
    pub ledger_index: u64,
}

answer! {
    /// What anybody may know of a certificate.
    VerificationAnswer from service::Verification {
        /// The identifier asked about.
        identifier: String,
        /// Whether it was issued and is in force today.
        valid: bool,
        /// Its status today.
        status: CertificateStatus,
        /// The status' code, 01 to 07 and 99.
        status_code: &'static str,
        /// Name of its type.
        type_name: Text,
        /// Who issued it.
        issuer: DepartmentId,
        /// The issuer's name.
        issuer_name: Text,
        /// First day of validity.
        valid_from: String,
        /// Last day of validity.
        valid_to: Option<String>,
        /// When it was issued.
        issued_at: Time,
        /// The version that took its place.
        successor: Option<String>,
        /// Annotations that are to be shown today.
        annotations: Vec<String>,
        /// SM3 of the document: compare it with the copy at hand.
        document_digest: Hash,
        /// Size of the ledger on which this answer rests.
        ledger_size: u64,
    }
}
