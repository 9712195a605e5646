//! Certificates on the ledger: their types, their issue, and what becomes of them; all by their issuer.

use crate::domain::case::CaseState;
use crate::domain::certificate::{
    Annotated, Certificate, CertificateAnnotation, CertificateIssue, CertificateStatus, CertificateStatusChange,
    IssueDetails, Operation,
};
use crate::domain::certificate_type::{CertificateType, PublishedType, TypePublication};
use crate::domain::identifiers::certificate_identifier::{self, Parts};
use crate::ids::{DepartmentId, Slug};

use super::catalog::reviewer;
use super::limits;
use super::machine::{Context, State};
use super::outcome::Refusal;

/// Annotations that one certificate has, at most.
const ANNOTATIONS_MAX: usize = 50;
/// The longest cause of an annotation, in characters.
const CAUSE_CHARS_MAX: usize = 200;

impl State {
    pub(super) fn publish_certificate_type(
        &mut self,
        by: &Context<'_>,
        publication: TypePublication,
    ) -> Result<(), Refusal> {
        reviewer(by)?;
        let document = publication.document;
        limits::text("title.zh", &document.title.zh, 120)?;
        limits::text("legal_note.zh", &document.legal_note.zh, 2_000)?;
        if document.type_code.len() != 21 || !document.type_code.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(Refusal::Invalid("type_code has not its 21 characters".into()));
        }
        let newest = self.certificate_type_newest(by.department, &document.name).map(|known| &known.document);
        let next = newest.map_or(1, |known| known.version.saturating_add(1));
        if document.version != next {
            return Err(Refusal::Conflict(format!("the next version of this type is {next}")));
        }
        if newest.is_some_and(|known| known.type_code != document.type_code) {
            return Err(Refusal::Invalid("a type keeps its type_code: another code is another type".into()));
        }
        let key = (by.department.clone(), document.name.clone(), document.version);
        let published = PublishedType { document, by: by.actor.clone(), at: by.at, index: by.index };
        self.certificate_types.insert(key, published);
        Ok(())
    }

    pub(super) fn issue_certificate(&mut self, by: &Context<'_>, issue: CertificateIssue) -> Result<(), Refusal> {
        reviewer(by)?;
        limits::text("identifier", &issue.identifier, 100)?;
        limits::text("type_name.zh", &issue.type_name.zh, 100)?;
        if self.certificates.contains_key(&issue.identifier) {
            return Err(Refusal::Conflict("a certificate of this identifier is there already".into()));
        }
        if let Some(details) = &issue.details {
            self.check_details(by, &issue, details)?;
        }
        if let Some(id) = issue.case {
            let case = self.cases.get(&id).ok_or_else(|| Refusal::Unknown(format!("case {id}")))?;
            if &case.owner != by.department {
                return Err(Refusal::NotAllowed("only the case's owner issues its certificate".into()));
            }
            if case.opened_by.user == by.actor.user {
                return Err(Refusal::OwnRequest);
            }
            if case.state() != CaseState::Agreed {
                return Err(Refusal::Conflict(format!("the case is {}", case.state().as_str())));
            }
            self.cases.change(&id, |case| case.certificate = Some(issue.identifier.clone()));
        }
        if let Some(IssueDetails { operation, predecessor: Some(before), .. }) = &issue.details
            && operation.replaces()
        {
            let (operation, successor) = (*operation, issue.identifier.clone());
            self.certificates.change(before, |before| {
                before.status = CertificateStatus::Lapsed;
                before.status_reason = Some(operation.as_str().to_owned());
                before.successor = Some(successor);
            });
        }
        let certificate = Certificate {
            issuer: by.department.clone(),
            issued_by: by.actor.clone(),
            issued_at: by.at,
            issue,
            status: CertificateStatus::Valid,
            status_reason: None,
            successor: None,
            annotations: Vec::new(),
        };
        self.certificates.insert(certificate.issue.identifier.clone(), certificate);
        Ok(())
    }

    /// The rules of edition 4: a published type, an identifier made of it, and two persons.
    fn check_details(&self, by: &Context<'_>, issue: &CertificateIssue, details: &IssueDetails) -> Result<(), Refusal> {
        let invalid = |why: &str| Refusal::Invalid(why.to_owned());
        let parts = certificate_identifier::parts(&issue.identifier);
        let parts = parts.map_err(|e| Refusal::Invalid(format!("the identifier {e}")))?;
        let key = (by.department.clone(), details.kind.name.clone(), details.kind.version);
        let unknown = || Refusal::Unknown(format!("version {} of the type {}", key.2, key.1));
        let kind: &CertificateType = &self.certificate_types.get(&key).ok_or_else(unknown)?.document;
        if parts.kind != kind.type_code {
            return Err(invalid("the identifier is of another type"));
        }
        if self.department(by.department).is_none_or(|own| own.uscc != parts.issuer) {
            return Err(invalid("the identifier is of another issuer"));
        }
        if issue.valid_to.as_ref().is_some_and(|last| last < &issue.valid_from) {
            return Err(invalid("it would end before it begins"));
        }
        match (&details.prepared_by, issue.case) {
            (Some(_), Some(_)) => return Err(invalid("a case's certificate is prepared by the case")),
            (None, None) => return Err(invalid("prepared_by is missing: a second person must issue it")),
            (Some(prepared), None) if prepared.user == by.actor.user => return Err(Refusal::OwnRequest),
            (Some(_), None) if !kind.by_hand && !details.operation.replaces() => {
                return Err(Refusal::NotAllowed("this type is issued in a case only".into()));
            }
            _ => {}
        }
        self.check_predecessor(by, details, parts)
    }

    fn check_predecessor(&self, by: &Context<'_>, details: &IssueDetails, own: Parts<'_>) -> Result<(), Refusal> {
        let invalid = |why: &str| Refusal::Invalid(why.to_owned());
        let Some(predecessor) = &details.predecessor else {
            return match details.operation {
                Operation::New if own.version == 1 => Ok(()),
                Operation::New => Err(invalid("a new certificate has the version 001")),
                _ => Err(invalid("predecessor is missing")),
            };
        };
        let before = certificate_identifier::parts(predecessor);
        let before = before.map_err(|e| Refusal::Invalid(format!("the predecessor's identifier {e}")))?;
        let known = self.certificates.get(predecessor);
        match details.operation {
            Operation::New => Err(invalid("a new certificate has no predecessor")),
            Operation::TransferIn => match known {
                _ if own.version != 1 => Err(invalid("a certificate that was transferred in has the version 001")),
                Some(known) if &known.issuer == by.department => Err(invalid("the predecessor is this department's")),
                Some(known) if known.status != CertificateStatus::TransferredOut => {
                    Err(Refusal::Conflict("the predecessor was not transferred out".into()))
                }
                _ => Ok(()),
            },
            Operation::Extend | Operation::Change => {
                let known = known.ok_or_else(|| Refusal::Unknown("the predecessor".into()))?;
                if &known.issuer != by.department || (before.kind, before.serial) != (own.kind, own.serial) {
                    return Err(invalid("the predecessor is another certificate"));
                }
                if own.version != before.version + 1 {
                    return Err(invalid("the version is not the predecessor's next"));
                }
                if known.status != CertificateStatus::Valid {
                    let now = known.status.as_str();
                    return Err(Refusal::Conflict(format!("the predecessor is {now}")));
                }
                Ok(())
            }
        }
    }

    pub(super) fn set_certificate_status(
        &mut self,
        by: &Context<'_>,
        change: CertificateStatusChange,
    ) -> Result<(), Refusal> {
        limits::text("reason", &change.reason, limits::TEXT_CHARS_MAX)?;
        let certificate = self.own_certificate(by, &change.identifier)?;
        reviewer(by)?;
        if !change.status.may_follow(certificate.status) {
            let now = certificate.status.as_str();
            return Err(Refusal::Conflict(format!("a {now} certificate cannot become {}", change.status.as_str())));
        }
        self.certificates.change(&change.identifier, |certificate| {
            certificate.status = change.status;
            certificate.status_reason = Some(change.reason);
        });
        Ok(())
    }

    pub(super) fn annotate_certificate(
        &mut self,
        by: &Context<'_>,
        annotation: CertificateAnnotation,
    ) -> Result<(), Refusal> {
        let CertificateAnnotation { identifier, cause, expires } = annotation;
        limits::text("cause", &cause, CAUSE_CHARS_MAX)?;
        if expires.as_ref().is_some_and(|day| day.len() != 10) {
            return Err(Refusal::Invalid("expires is not a date".into()));
        }
        let certificate = self.own_certificate(by, &identifier)?;
        reviewer(by)?;
        if certificate.annotations.len() >= ANNOTATIONS_MAX {
            return Err(Refusal::Conflict(format!("a certificate has at most {ANNOTATIONS_MAX} annotations")));
        }
        let made = Annotated { cause, expires, by: by.actor.clone(), at: by.at };
        self.certificates.change(&identifier, |certificate| certificate.annotations.push(made));
        Ok(())
    }

    fn own_certificate(&self, by: &Context<'_>, identifier: &str) -> Result<&Certificate, Refusal> {
        let certificate =
            self.certificates.get(identifier).ok_or_else(|| Refusal::Unknown("the certificate".into()))?;
        if &certificate.issuer != by.department {
            return Err(Refusal::NotAllowed("only the issuer changes a certificate's status".into()));
        }
        Ok(certificate)
    }

    /// The newest version of a department's type.
    pub fn certificate_type_newest(&self, department: &DepartmentId, name: &Slug) -> Option<&PublishedType> {
        let of_name = |(key, _): &(&(DepartmentId, Slug, u32), _)| &key.0 == department && &key.1 == name;
        self.certificate_types.iter().rfind(of_name).map(|(_, known)| known)
    }

    /// One version of a department's type.
    pub fn certificate_type(&self, department: &DepartmentId, name: &Slug, version: u32) -> Option<&PublishedType> {
        self.certificate_types.get(&(department.clone(), name.clone(), version))
    }

    /// The newest version of a department's type of a code.
    pub fn certificate_type_of_code(&self, department: &DepartmentId, code: &str) -> Option<&PublishedType> {
        let own = self.certificate_types().filter(|(of, known)| *of == department && known.document.type_code == code);
        own.map(|(_, known)| known).max_by_key(|known| known.document.version)
    }

    /// Every version of every department's types.
    pub fn certificate_types(&self) -> impl Iterator<Item = (&DepartmentId, &PublishedType)> {
        self.certificate_types.iter().map(|((department, _, _), known)| (department, known))
    }
}
