//! E-licences: their types, issue, status, copies, and what anybody may know of them.

pub mod copies;
mod document;
mod of_case;
pub mod paper;
pub mod pdf;
pub mod preparations;
pub mod public;
pub mod types;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::clock::Millis;
use crate::crypto::digest::sm3;
use crate::domain::Actor;
use crate::domain::certificate::{
    CertificateAnnotation, CertificateIssue, CertificateStatus, CertificateStatusChange, IssueDetails, Operation,
    TypeRef,
};
use crate::domain::certificate_type::CertificateType;
use crate::domain::command::Command;
use crate::domain::credential;
use crate::domain::department::Department;
use crate::domain::formats;
use crate::domain::identifiers::certificate_identifier;
use crate::domain::schema::{Fault, FaultCode, Schema};
use crate::ids::CaseId;
use crate::policy::facts::{Action, Facts, Relation};
use crate::readmodel::certificates::{CertificateFilter, CertificateView};
use crate::readmodel::local::certificates::CertificateDocument;
use crate::readmodel::{Page, ReadError};

use super::Node;
use super::blocking::blocking;
use super::error::ServiceError;
use super::principal::Principal;
use super::writes::Committed;

pub use document::{Holder, face};
pub use public::Verification;

/// An attempt that has not come to the ledger by then never will: its id is out of time.
const ATTEMPT_MS_MAX: u64 = 660_000;

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

/// What a certificate is made of.
struct Grounds {
    kind: CertificateType,
    operation: Operation,
    predecessor: Option<String>,
    case: Option<CaseId>,
    prepared_by: Option<Actor>,
    holder: Holder,
    fields: Map<String, Value>,
    serial: String,
    version: u16,
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
        let record = self.papers_of(id).await?;
        let grounds = self.grounds_of_case(&workflow, id, &record)?;
        self.issue(who, actor, grounds).await
    }

    /// Checks what a certificate is made of, keeps its document, and issues it.
    async fn issue(&self, who: &Principal, actor: Actor, grounds: Grounds) -> Result<Issued, ServiceError> {
        check(&grounds)?;
        let Grounds { kind, serial, version, .. } = &grounds;
        let identifier = certificate_identifier::issue(&kind.type_code, &self.own_department()?.uscc, serial, *version)
            .map_err(|e| ServiceError::Internal(format!("the certificate's identifier {e}")))?;
        let document = self.certificate_document(&identifier, &grounds)?;
        let (local, wanted) = (self.local.clone(), identifier.clone());
        let is_issued = self.chain.state().certificate(&identifier).is_some();
        // The document first: an identifier on the ledger whose document is lost would be worthless. One from an
        // earlier attempt that did not reach the ledger stays as it is, unless it says something else.
        let kept = blocking(move || match local.document(&wanted)? {
            Some(kept) if kept.document.get("credentialSubject") == document.document.get("credentialSubject") => {
                Ok(kept)
            }
            Some(kept) if is_issued || document.stored_at.since(kept.stored_at) < ATTEMPT_MS_MAX => {
                Err(ReadError::Conflict("another attempt to issue this version may be under way: try later".into()))
            }
            old => {
                local.put_document(&wanted, &document, old.is_some())?;
                Ok(document)
            }
        })
        .await?;
        let issue = certificate_issue(&identifier, &grounds, &kept)?;
        let committed = self.write(who, actor, Command::IssueCertificate(issue)).await?;
        Ok(Issued { identifier, committed })
    }

    fn own_department(&self) -> Result<Department, ServiceError> {
        let own = self.chain.state().department(&self.department).cloned();
        own.ok_or_else(|| ServiceError::Internal("this department is not on the ledger".into()))
    }

    /// Certificates of the city, newest first. By their holder's code: those of this department alone, for who may read
    /// its cases.
    ///
    /// # Errors
    /// A cursor of another listing; the policy's refusal.
    pub async fn certificates(
        &self,
        who: &Principal,
        mut filter: CertificateFilter,
        holder: Option<String>,
    ) -> Result<Page<CertificateView>, ServiceError> {
        if holder.is_some() {
            self.authorise(who, |role| Facts::new(Action::ReadCase, role, Relation::Own))?;
        }
        let local = self.local.clone();
        self.reading(move |model| {
            if let Some(holder) = holder {
                filter.identifiers = Some(local.documents_of(&holder)?);
            }
            model.certificates(&filter)
        })
        .await
    }

    /// One certificate; with its document on the issuer's node, for who may read its cases.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn certificate(&self, who: &Principal, identifier: &str) -> Result<CertificateDetail, ServiceError> {
        let may_read = self.authorise(who, |role| Facts::new(Action::ReadCase, role, Relation::Own)).is_ok();
        let (local, wanted) = (self.local.clone(), identifier.to_owned());
        let reading = self.reading(move |model| {
            let certificate = model.certificate(&wanted)?;
            let document = if may_read { local.document(&wanted)? } else { None };
            Ok((certificate, document))
        });
        let (certificate, document) = reading.await?;
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
        let actor = self.authorise_status(who, identifier)?;
        let change = CertificateStatusChange { identifier: identifier.to_owned(), status, reason };
        self.write(who, actor, Command::SetCertificateStatus(change)).await
    }

    /// Annotates a certificate, without personal data. Reviewers of the issuer may.
    ///
    /// # Errors
    /// The policy's or the ledger's refusal.
    pub async fn annotate_certificate(
        &self,
        who: &Principal,
        annotation: CertificateAnnotation,
    ) -> Result<Committed, ServiceError> {
        let actor = self.authorise_status(who, &annotation.identifier)?;
        self.write(who, actor, Command::AnnotateCertificate(annotation)).await
    }

    fn authorise_status(&self, who: &Principal, identifier: &str) -> Result<Actor, ServiceError> {
        let issuer = self.chain.state().certificate(identifier).map(|certificate| certificate.issuer.clone());
        let issuer = issuer.ok_or_else(|| ServiceError::missing("the certificate"))?;
        let relation = if issuer == self.department { Relation::Own } else { Relation::Foreign };
        self.authorise(who, |role| Facts::new(Action::SetCertificateStatus, role, relation))
    }
}

/// What the type asks of holder and fields.
fn check(grounds: &Grounds) -> Result<(), ServiceError> {
    let Grounds { kind, holder, fields, .. } = grounds;
    let mut faults = Vec::new();
    let format = kind.holder_kind.format();
    if let Err(why) = formats::check(format, &holder.code) {
        faults.push(Fault::of_format("/holder/code", format, why, format!("it {why}")));
    }
    let name = |code| Fault::of(code, "/holder/name", "is missing or too long");
    if holder.name.trim().is_empty() {
        faults.push(name(FaultCode::Required));
    } else if holder.name.chars().count() > document::NAME_CHARS_MAX {
        faults.push(name(FaultCode::MaxLength).naming(document::NAME_CHARS_MAX));
    }
    let schema = Schema::compile(&kind.fields).map_err(ServiceError::Internal)?;
    let wrong = schema.check(&Value::Object(fields.clone()));
    faults.extend(wrong.into_iter().map(|fault| fault.within("/fields")));
    if faults.is_empty() { Ok(()) } else { Err(ServiceError::Invalid(faults)) }
}

/// What the ledger learns of a document: digests and dates.
fn certificate_issue(
    identifier: &str,
    grounds: &Grounds,
    kept: &CertificateDocument,
) -> Result<CertificateIssue, ServiceError> {
    let internal = |why: String| ServiceError::Internal(why);
    let document = kept.document.as_object().ok_or_else(|| internal("the document is no object".into()))?;
    let said = |name: &str| Some(document.get("licence")?.get(name)?.as_str()?.to_owned());
    let holder = document::holder_code(&kept.document).unwrap_or_default();
    Ok(CertificateIssue {
        identifier: identifier.to_owned(),
        type_name: grounds.kind.title.clone(),
        valid_from: said("valid_from").unwrap_or_default(),
        valid_to: said("valid_to"),
        document_digest: credential::digest(document).map_err(|e| internal(e.to_string()))?,
        holder_commitment: sm3(&[&kept.salt, holder.as_bytes()]),
        case: grounds.case,
        details: Some(IssueDetails {
            kind: TypeRef { name: grounds.kind.name.clone(), version: grounds.kind.version },
            operation: grounds.operation,
            predecessor: grounds.predecessor.clone(),
            prepared_by: grounds.prepared_by.clone(),
        }),
    })
}

/// A serial that follows from an id, so that a repeated attempt issues no second certificate: its date, and 40 of its
/// random bits (RFC 9562, 5.7: the last 62 are), so that nobody guesses identifiers.
fn serial(time: Millis, id: &[u8; 16]) -> String {
    let tail = id.iter().rev().take(5).fold(String::new(), |mut text, byte| {
        text.push_str(&format!("{byte:02X}"));
        text
    });
    format!("{}{tail}", time.date().replace('-', ""))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::ids::TxId;

    /// All of one millisecond: what differs is random, in every one of its bits.
    #[test]
    fn serials_of_one_moment_cannot_be_guessed_from_one_another() {
        let at = Millis(1_795_000_000_000);
        let serials: Vec<String> = (0..400).map(|_| serial(at, TxId::new(at).as_bytes())).collect();
        assert_eq!(serials.iter().collect::<BTreeSet<_>>().len(), 400);
        let tails: Vec<u64> = serials.iter().map(|text| u64::from_str_radix(&text[8..], 16).unwrap()).collect();
        for bit in 0..40 {
            let ones = tails.iter().filter(|tail| (*tail >> bit) & 1 == 1).count();
            // Six standard deviations of a fair coin.
            assert!((140..=260).contains(&ones), "bit {bit} is one {ones} times in 400");
        }
    }
}
