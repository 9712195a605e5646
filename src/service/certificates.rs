//! E-licences: issue at the end of a case, look, change the status, verify in public.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::clock::Millis;
use crate::crypto::digest::{Hash, sm3};
use crate::domain::Text;
use crate::domain::case_rules::Operand;
use crate::domain::certificate::{CertificateIssue, CertificateStatus, CertificateStatusChange};
use crate::domain::command::Command;
use crate::domain::department::Department;
use crate::domain::department_files::workflow::{WorkflowCertificate, WorkflowFile};
use crate::domain::identifiers::certificate_identifier;
use crate::ids::{CaseId, DepartmentId};
use crate::policy::facts::{Action, Facts, Relation};
use crate::readmodel::certificates::{CertificateFilter, CertificateView};
use crate::readmodel::local::certificates::CertificateDocument;
use crate::readmodel::{Page, ReadError};

use super::Node;
use super::blocking::blocking;
use super::error::ServiceError;
use super::principal::Principal;
use super::writes::Committed;

const YEAR_MS: u64 = 31_557_600_000;
const SALT_BYTES: usize = 16;

/// An issued certificate.
#[derive(Clone, Debug, Serialize)]
pub struct Issued {
    /// GB/T 36904 identifier.
    pub identifier: String,
    /// The transaction that issued it.
    #[serde(flatten)]
    pub committed: Committed,
}

/// A certificate with its document, at its issuer.
#[derive(Clone, Debug, Serialize)]
pub struct CertificateDetail {
    /// As the ledger knows it.
    #[serde(flatten)]
    pub certificate: CertificateView,
    /// The document, on the issuer's node only.
    pub document: Option<Value>,
}

/// What anybody may know of a certificate: nothing of its holder.
#[derive(Clone, Debug, Serialize)]
pub struct Verification {
    /// The identifier asked about.
    pub identifier: String,
    /// Whether such a certificate was issued and is in force today.
    pub valid: bool,
    /// Its status on the ledger.
    pub status: CertificateStatus,
    /// The status' code in GB/T 36903.
    pub status_code: &'static str,
    /// Name of its type.
    pub type_name: Text,
    /// Who issued it.
    pub issuer: DepartmentId,
    /// The issuer's name.
    pub issuer_name: Text,
    /// First day.
    pub valid_from: String,
    /// Last day.
    pub valid_to: Option<String>,
    /// When it was issued.
    pub issued_at: Millis,
    /// SM3 of the document: compare it with the copy at hand.
    pub document_digest: Hash,
    /// Size of the ledger on which this answer rests.
    pub ledger_size: u64,
}

impl Node {
    /// Issues the certificate in which a case ends, when every department has agreed. A reviewer of the
    /// case's owner who did not open it may.
    ///
    /// # Errors
    /// The policy's or the ledger's refusal, [`ServiceError::NotFound`].
    pub async fn issue_certificate(&self, who: &Principal, id: CaseId) -> Result<Issued, ServiceError> {
        let case = self.chain.state().case(id).cloned();
        let case = case.ok_or_else(|| ServiceError::missing(format_args!("case {id}")))?;
        let relation = if case.owner == self.department { Relation::Own } else { Relation::Foreign };
        let same_person = case.opened_by.user == who.user;
        let actor =
            self.authorise(who, |role| Facts { same_person, ..Facts::new(Action::IssueCertificate, role, relation) })?;
        let workflow = match case.opening.version {
            Some(version) => self.workflow_version(&case.owner, &case.opening.workflow, version)?,
            None => {
                let file = self.workflows.iter().find(|workflow| workflow.name == case.opening.workflow).cloned();
                file.ok_or_else(|| ServiceError::missing(format_args!("workflow {}", case.opening.workflow)))?
            }
        };
        let workflow = &workflow;
        let local = self.local.clone();
        let params = blocking(move || local.case_record(id)).await?.map(|record| record.params);
        let params =
            params.ok_or_else(|| ServiceError::missing(format_args!("the papers of case {id} on this node")))?;
        let kind = workflow.certificate.as_ref();
        let kind = kind.ok_or_else(|| ServiceError::missing("a certificate at the end of this workflow"))?;
        let identifier = self.certificate_identifier(kind, id)?;
        let document = self.certificate_document(workflow, kind, id, &identifier, &params)?;
        let (local, wanted) = (self.local.clone(), identifier.clone());
        // The document first: an identifier on the ledger whose document is lost would be worthless. One from an
        // earlier attempt that did not reach the ledger stays as it is.
        let kept = blocking(move || {
            if let Some(kept) = local.document(&wanted)? {
                return Ok(kept);
            }
            local.put_document(&wanted, &document)?;
            Ok::<_, ReadError>(document)
        })
        .await?;
        let issue = certificate_issue(kind, id, &identifier, &params, &kept);
        let committed = self.write(who, actor, Command::IssueCertificate(issue)).await?;
        Ok(Issued { identifier, committed })
    }

    /// Follows from the case, so that a repeated attempt issues no second certificate.
    fn certificate_identifier(&self, kind: &WorkflowCertificate, case: CaseId) -> Result<String, ServiceError> {
        let type_code = kind.type_code.as_deref().unwrap_or_default();
        certificate_identifier::issue(type_code, &self.own_department()?.uscc, &serial(case), 1)
            .map_err(|e| ServiceError::Internal(format!("the certificate's identifier {e}")))
    }

    fn own_department(&self) -> Result<Department, ServiceError> {
        let own = self.chain.state().department(&self.department).cloned();
        own.ok_or_else(|| ServiceError::Internal("this department is not on the ledger".into()))
    }

    /// The record of GB/T 36903: identifier, type, issuer, dates, holder, and what the case was about.
    fn certificate_document(
        &self,
        workflow: &WorkflowFile,
        kind: &WorkflowCertificate,
        case: CaseId,
        identifier: &str,
        params: &Map<String, Value>,
    ) -> Result<CertificateDocument, ServiceError> {
        let issuer = self.own_department()?;
        let now = self.clock.now();
        let mut salt = vec![0; SALT_BYTES];
        getrandom::fill(&mut salt).map_err(|_| ServiceError::Internal("no randomness for a salt".into()))?;
        let valid_to = kind.valid_years.map(|years| now.plus(u64::from(years) * YEAR_MS).date());
        let document = json!({
            "identifier": identifier,
            "certificate_number": serial(case),
            "version": "001",
            "type_code": kind.type_code,
            "type_name": kind.type_name,
            "issuer": { "name": issuer.name, "code": issuer.uscc },
            "issue_date": now.date(),
            "valid_from": now.date(),
            "valid_to": valid_to,
            "holder": { "code": holder(kind, params), "type_code": "111", "type_name": "公民身份号码" },
            "matter": workflow.title,
            "particulars": params,
            "case": case,
            "salt": hex::encode(&salt),
        });
        Ok(CertificateDocument { document, salt, stored_at: now })
    }

    /// Certificates of the city, newest first.
    ///
    /// # Errors
    /// A cursor of another listing.
    pub async fn certificates(&self, filter: CertificateFilter) -> Result<Page<CertificateView>, ServiceError> {
        let model = self.model.clone();
        blocking(move || model.certificates(&filter)).await
    }

    /// One certificate; with its document on the issuer's node.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn certificate(&self, _who: &Principal, identifier: &str) -> Result<CertificateDetail, ServiceError> {
        let (model, local, wanted) = (self.model.clone(), self.local.clone(), identifier.to_owned());
        let (certificate, document) = blocking(move || {
            let certificate = model.certificate(&wanted)?;
            Ok::<_, ReadError>((certificate, local.document(&wanted)?))
        })
        .await?;
        let certificate = certificate.ok_or_else(|| ServiceError::missing("the certificate"))?;
        Ok(CertificateDetail { certificate, document: document.map(|kept| kept.document) })
    }

    /// Changes a certificate's status, with a reason. Reviewers of the issuer may.
    ///
    /// # Errors
    /// The policy's or the ledger's refusal.
    pub async fn set_certificate_status(
        &self,
        who: &Principal,
        identifier: &str,
        status: CertificateStatus,
        reason: String,
    ) -> Result<Committed, ServiceError> {
        let issuer = self.chain.state().certificate(identifier).map(|certificate| certificate.issuer.clone());
        let issuer = issuer.ok_or_else(|| ServiceError::missing("the certificate"))?;
        let relation = if issuer == self.department { Relation::Own } else { Relation::Foreign };
        let actor = self.authorise(who, |role| Facts::new(Action::SetCertificateStatus, role, relation))?;
        let change = CertificateStatusChange { identifier: identifier.to_owned(), status, reason };
        self.write(who, actor, Command::SetCertificateStatus(change)).await
    }

    /// Says in public whether a certificate is in force.
    ///
    /// # Errors
    /// [`ServiceError::Malformed`] for what is no identifier, [`ServiceError::NotFound`] when none was issued.
    pub fn verify_certificate(&self, identifier: &str) -> Result<Verification, ServiceError> {
        certificate_identifier::validate(identifier)
            .map_err(|e| ServiceError::Malformed(format!("the identifier {e}")))?;
        let state = self.chain.state();
        let found = state.certificate(identifier);
        let found = found.ok_or_else(|| ServiceError::missing("a certificate of this identifier"))?;
        let today = self.clock.now().date();
        let in_time = found.issue.valid_from <= today && found.issue.valid_to.as_ref().is_none_or(|end| &today <= end);
        let issuer_name = state.department(&found.issuer).map(|issuer| issuer.name.clone()).unwrap_or_default();
        Ok(Verification {
            identifier: identifier.to_owned(),
            valid: in_time && found.status == CertificateStatus::Valid,
            status: found.status,
            status_code: found.status.code(),
            type_name: found.issue.type_name.clone(),
            issuer: found.issuer.clone(),
            issuer_name,
            valid_from: found.issue.valid_from.clone(),
            valid_to: found.issue.valid_to.clone(),
            issued_at: found.issued_at,
            document_digest: found.issue.document_digest,
            ledger_size: state.size(),
        })
    }
}

/// What the ledger learns of a document: digests and dates.
fn certificate_issue(
    kind: &WorkflowCertificate,
    case: CaseId,
    identifier: &str,
    params: &Map<String, Value>,
    kept: &CertificateDocument,
) -> CertificateIssue {
    let date = |name: &str| kept.document.get(name).and_then(Value::as_str).map(str::to_owned);
    CertificateIssue {
        identifier: identifier.to_owned(),
        type_name: kind.type_name.clone().unwrap_or_default(),
        valid_from: date("valid_from").unwrap_or_default(),
        valid_to: date("valid_to"),
        document_digest: sm3(&[kept.document.to_string().as_bytes()]),
        holder_commitment: sm3(&[&kept.salt, holder(kind, params).unwrap_or_default().as_bytes()]),
        case: Some(case),
    }
}

/// The number of the holder, which stands in the form.
fn holder<'a>(kind: &WorkflowCertificate, form: &'a Map<String, Value>) -> Option<&'a str> {
    match &kind.holder {
        Operand::Form(field) => form.get(field.as_str())?.as_str(),
        Operand::Rows(_) | Operand::Item(..) => None,
    }
}

/// A serial that follows from the case: date and digits of its id, so that a repeated attempt issues no second one.
fn serial(case: CaseId) -> String {
    let tail = case.as_bytes().iter().rev().take(5).fold(String::new(), |mut text, byte| {
        text.push_str(&format!("{byte:02X}"));
        text
    });
    let date = case.time().date().replace('-', "");
    format!("{date}{tail}")
}
