//! Answers about e-licences.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::crypto::digest::Hash;
use crate::domain::certificate::CertificateStatus;
use crate::domain::{Actor, Text};
use crate::ids::{CaseId, DepartmentId, TxId};
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
    /// Its status now.
    pub status: CertificateStatus,
    /// The status' code, 01 to 05.
    pub status_code: &'static str,
    /// First day of validity.
    pub valid_from: String,
    /// Last day of validity.
    pub valid_to: Option<String>,
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

impl From<rows::CertificateView> for CertificateAnswer {
    fn from(view: rows::CertificateView) -> Self {
        let issue = view.issue;
        Self {
            identifier: issue.identifier,
            type_name: issue.type_name,
            status: view.status,
            status_code: view.status.code(),
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

impl From<service::CertificateDetail> for CertificateDetail {
    fn from(detail: service::CertificateDetail) -> Self {
        Self { certificate: detail.certificate.into(), document: detail.document }
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
        /// Its status on the ledger.
        status: CertificateStatus,
        /// The status' code, 01 to 05.
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
        /// SM3 of the document: compare it with the copy at hand.
        document_digest: Hash,
        /// Size of the ledger on which this answer rests.
        ledger_size: u64,
    }
}
