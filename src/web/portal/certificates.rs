//! E-licences: one of them, its status, and its check in public.

use actix_web::http::StatusCode;
use actix_web::web::Path;
use actix_web::{HttpRequest, web};
use serde_json::Value;

use crate::domain::Role;
use crate::domain::certificate::CertificateStatus;
use crate::domain::command::{Command, Payload};
use crate::domain::department_files::workflow::{FormField, WorkflowFile};
use crate::readmodel::PageRequest;
use crate::readmodel::certificates::CertificateView;
use crate::readmodel::transactions::{TransactionFilter, TransactionView};
use crate::service::ServiceError;
use crate::service::certificates::{CertificateDetail, Verification};
use crate::web::problem::Problem;
use crate::web::root;

use super::codes;
use super::desk::{Desk, Visitor};
use super::form::Posted;
use super::render::{Answer, FAULTY};
use super::views::Faults;
use super::views::certificate::{CertificateCard, CertificatePage, StatusRow, Verified, VerifyPage};

/// Changes of status that are shown, the newest first.
const HISTORY_MAX: u32 = 20;
const STATUSES: [CertificateStatus; 5] = [
    CertificateStatus::Valid,
    CertificateStatus::Suspended,
    CertificateStatus::Revoked,
    CertificateStatus::Cancelled,
    CertificateStatus::Lapsed,
];

/// One certificate.
pub async fn show(visitor: Visitor, identifier: Path<String>) -> Answer {
    let detail = visitor.node.certificate(&visitor.who, &identifier).await?;
    page(&visitor, StatusCode::OK, &detail, Faults::default()).await
}

async fn page(desk: &Desk, status: StatusCode, detail: &CertificateDetail, faults: Faults) -> Answer {
    let certificate = &detail.certificate;
    let next = STATUSES.iter().filter(|status| status.may_follow(certificate.status));
    let next_statuses: Vec<String> = next.map(|status| status.as_str().to_owned()).collect();
    let view = CertificatePage {
        page: desk.page_at(&format!("/certificates/{}", certificate.issue.identifier)),
        t: desk.t,
        certificate: card(desk, certificate, detail.document.as_ref()),
        case: certificate.issue.case.map(|case| case.to_string()),
        history: history(desk, &certificate.issue.identifier).await?,
        may_change: desk.is_own(&certificate.issuer) && desk.is(Role::Reviewer) && !next_statuses.is_empty(),
        next_statuses,
        faults,
    };
    desk.show_as(status, &view)
}

fn card(desk: &Desk, certificate: &CertificateView, document: Option<&Value>) -> CertificateCard {
    let issue = &certificate.issue;
    CertificateCard {
        identifier: issue.identifier.clone(),
        type_name: desk.t.pick(&issue.type_name).to_owned(),
        issuer: desk.department(&certificate.issuer),
        issued_at: certificate.issued_at.local_text(),
        valid_from: issue.valid_from.clone(),
        valid_to: issue.valid_to.clone().unwrap_or_default(),
        status: certificate.status.as_str().to_owned(),
        fields: document.map(|document| fields(desk, document)).unwrap_or_default(),
        document_digest: issue.document_digest.to_string(),
        transaction: certificate.transaction_id.to_string(),
        index: certificate.ledger_index,
    }
}

/// What the document says beyond what stands on the ledger.
fn fields(desk: &Desk, document: &Value) -> Vec<(String, String)> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let holder = document.get("holder").and_then(|holder| holder.get("code"));
    let mut fields = Vec::new();
    fields.extend(text(document.get("certificate_number")).map(|number| (desk.t.say("certificate-number"), number)));
    fields.extend(text(holder).map(|holder| (desk.t.say("certificate-holder"), holder)));
    let titles: Vec<FormField> = desk.node.workflows().iter().flat_map(WorkflowFile::fields).collect();
    let particulars = document.get("particulars").and_then(Value::as_object);
    for (name, value) in particulars.into_iter().flatten().filter(|(_, value)| Some(*value) != holder) {
        let title = titles.iter().find(|known| known.name.as_str() == name);
        let title = title.map_or(name.as_str(), |field| desk.t.pick(&field.title));
        fields.extend(text(Some(value)).map(|value| (title.to_owned(), value)));
    }
    fields
}

async fn history(desk: &Desk, identifier: &str) -> Result<Vec<StatusRow>, Problem> {
    let mut rows = Vec::new();
    for transaction in transactions(desk, identifier, None).await? {
        let Some(id) = transaction.transaction_id else { continue };
        let detail = desk.node.transaction(id).await?;
        let (status, reason) = match Payload::decode(&detail.payload.to_string()).map(|payload| payload.command) {
            Ok(Command::IssueCertificate(_)) => (CertificateStatus::Valid, String::new()),
            Ok(Command::SetCertificateStatus(change)) => (change.status, change.reason),
            _ => continue,
        };
        rows.push(StatusRow {
            status: status.as_str().to_owned(),
            reason,
            by: transaction.actor.map(|actor| actor.user).unwrap_or_default(),
            at: transaction.time.local_text(),
            transaction: id.to_string(),
        });
    }
    Ok(rows)
}

/// What the ledger did about a certificate, newest first.
async fn transactions(desk: &Desk, identifier: &str, kind: Option<&str>) -> Result<Vec<TransactionView>, Problem> {
    let filter = TransactionFilter {
        reference: Some(identifier.to_owned()),
        kind: kind.map(str::to_owned),
        refused: Some(false),
        page: PageRequest { cursor: None, size: Some(HISTORY_MAX) },
        ..TransactionFilter::default()
    };
    Ok(desk.node.transactions(filter).await?.items)
}

/// Suspends, revokes, cancels or releases it.
pub async fn set_status(Posted { visitor, form }: Posted, identifier: Path<String>) -> Answer {
    let reason = form.get("reason").to_owned();
    let mut faults = Faults::default();
    if reason.is_empty() {
        faults.add(visitor.t, "reason", "reason", "required");
    }
    let status: Option<CertificateStatus> = codes::value(form.get("status"));
    if status.is_none() {
        faults.add(visitor.t, "status", "certificate-new-status", "required");
    }
    if let Some(status) = status.filter(|_| faults.is_empty()) {
        match visitor.node.set_certificate_status(&visitor.who, &identifier, status, reason).await {
            Ok(committed) => {
                let href = format!("/certificates/{identifier}");
                return visitor.done(&href, "certificate_changed", Some(committed.transaction_id));
            }
            Err(ServiceError::Invalid(_)) => faults.add(visitor.t, "reason", "reason", "too_long"),
            Err(error) => return Err(error.into()),
        }
    }
    let detail = visitor.node.certificate(&visitor.who, &identifier).await?;
    page(&visitor, FAULTY, &detail, faults).await
}

/// The public check: the form, with the answer when an identifier is given.
pub async fn verify(desk: Desk) -> Answer {
    let identifier = desk.query.get("identifier").to_owned();
    let answer = if identifier.is_empty() { None } else { Some(verified(&desk, &identifier).await?) };
    desk.show(&VerifyPage { page: desk.page(), t: desk.t, identifier, answer })
}

/// The same under the certificate's own address, which its picture carries. Programs get JSON.
pub async fn verify_one(request: HttpRequest, desk: Desk, identifier: Path<String>) -> Answer {
    if root::wants_json(&request) {
        return root::verify(web::Data::new(desk.node.clone()), identifier).await;
    }
    let identifier = identifier.into_inner();
    let answer = Some(verified(&desk, &identifier).await?);
    desk.show(&VerifyPage { page: desk.page(), t: desk.t, identifier, answer })
}

async fn verified(desk: &Desk, identifier: &str) -> Result<Verified, Problem> {
    let (verdict, certificate) = match desk.node.verify_certificate(identifier) {
        Ok(found) if found.valid => ("valid", Some(public_card(desk, found).await?)),
        Ok(found) => ("not_valid", Some(public_card(desk, found).await?)),
        Err(ServiceError::Malformed(_)) => ("malformed", None),
        Err(ServiceError::NotFound(_)) => ("unknown", None),
        Err(error) => return Err(error.into()),
    };
    Ok(Verified {
        verdict,
        certificate,
        ledger_index: desk.node.chain.size(),
        asked_at: desk.node.clock.now().local_text(),
    })
}

/// The card without anything of the holder.
async fn public_card(desk: &Desk, found: Verification) -> Result<CertificateCard, Problem> {
    let issued = transactions(desk, &found.identifier, Some("certificate.issue")).await?.into_iter().next();
    Ok(CertificateCard {
        type_name: desk.t.pick(&found.type_name).to_owned(),
        issuer: desk.t.pick(&found.issuer_name).to_owned(),
        issued_at: found.issued_at.local_text(),
        valid_from: found.valid_from,
        valid_to: found.valid_to.unwrap_or_default(),
        status: found.status.as_str().to_owned(),
        fields: Vec::new(),
        document_digest: found.document_digest.to_string(),
        transaction: issued
            .as_ref()
            .and_then(|issued| issued.transaction_id)
            .map(|id| id.to_string())
            .unwrap_or_default(),
        index: issued.map(|issued| issued.ledger_index).unwrap_or_default(),
        identifier: found.identifier,
    })
}
