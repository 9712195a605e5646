//! Certificates on the ledger: issued once, their status changed by their issuer.

use crate::domain::case::CaseState;
use crate::domain::certificate::{Certificate, CertificateIssue, CertificateStatus, CertificateStatusChange};

use super::catalog::reviewer;
use super::limits;
use super::machine::{Context, State};
use super::outcome::Refusal;

impl State {
    pub(super) fn issue_certificate(&mut self, by: &Context<'_>, issue: CertificateIssue) -> Result<(), Refusal> {
        reviewer(by)?;
        limits::text("identifier", &issue.identifier, 100)?;
        limits::text("type_name.zh", &issue.type_name.zh, 100)?;
        if self.certificates.contains_key(&issue.identifier) {
            return Err(Refusal::Conflict("a certificate of this identifier is there already".into()));
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
        let certificate = Certificate {
            issuer: by.department.clone(),
            issued_by: by.actor.clone(),
            issued_at: by.at,
            issue,
            status: CertificateStatus::Valid,
            status_reason: None,
        };
        self.certificates.insert(certificate.issue.identifier.clone(), certificate);
        Ok(())
    }

    pub(super) fn set_certificate_status(
        &mut self,
        by: &Context<'_>,
        change: CertificateStatusChange,
    ) -> Result<(), Refusal> {
        limits::text("reason", &change.reason, limits::TEXT_CHARS_MAX)?;
        let unknown = || Refusal::Unknown("the certificate".into());
        let certificate = self.certificates.get(&change.identifier).ok_or_else(unknown)?;
        if &certificate.issuer != by.department {
            return Err(Refusal::NotAllowed("only the issuer changes a certificate's status".into()));
        }
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
}
