//! E-licences: the list, one of them, and what becomes of it.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use serde_json::Value;

use crate::domain::Role;
use crate::domain::certificate::{CertificateAnnotation, CertificateStatus};
use crate::domain::command::{Command, Payload};
use crate::readmodel::PageRequest;
use crate::readmodel::certificates::{CertificateFilter, CertificateView};
use crate::readmodel::transactions::{TransactionFilter, TransactionView};
use crate::service::ServiceError;
use crate::service::certificates::{CertificateDetail, face};
use crate::web::api::download;
use crate::web::problem::Problem;

use super::codes;
use super::desk::{Desk, Visitor};
use super::form::Posted;
use super::listing::{cursor, pager};
use super::preparations;
use super::render::{Answer, FAULTY};
use super::told::told;
use super::views::certificate::{
    AnnotationRow, CertificateCard, CertificatePage, CertificateRow, Certificates, StatusRow,
};
use super::views::{Choice, Faults};

/// Changes of status that are shown, the newest first.
const HISTORY_MAX: u32 = 20;
const PAGE_SIZE: u32 = 30;

/// Certificates of the city, with filters; those of one holder are this department's alone.
pub async fn list(visitor: Visitor) -> Answer {
    let query = &visitor.query;
    let today = visitor.node.clock.now().date();
    let status = codes::value::<CertificateStatus>(query.get("status"));
    let holder = Some(query.get("holder").to_owned()).filter(|holder| !holder.is_empty());
    let filter = CertificateFilter {
        status: status.map(|status| (status, today.clone())),
        kind: query.get("type").parse().ok(),
        page: PageRequest { cursor: cursor(query), size: Some(PAGE_SIZE) },
        ..CertificateFilter::default()
    };
    let found = visitor.node.certificates(&visitor.who, filter, holder.clone()).await?;
    let fields = ["type", "status", "holder"];
    let (first_href, next_href) = pager("/certificates", query, &fields, found.next_cursor.as_deref());
    let types = visitor.node.certificate_types().await?;
    let kind = |view: &crate::service::certificates::types::TypeView| Choice {
        value: view.document.name.to_string(),
        label: visitor.t.pick(&view.document.title).to_owned(),
        chosen: view.document.name.as_str() == query.get("type"),
    };
    let prepares = visitor.is(Role::Clerk) || visitor.is(Role::Reviewer);
    let own = types.iter().filter(|view| visitor.is_own(&view.department));
    let by_hand = own.filter(|view| prepares && view.version.is_some() && view.document.by_hand);
    let view = Certificates {
        page: visitor.page(),
        t: visitor.t,
        rows: found.items.iter().map(|view| row(&visitor, view, &today)).collect(),
        kinds: types.iter().filter(|view| view.version.is_some()).map(kind).collect(),
        statuses: CertificateStatus::ALL.iter().map(|one| choice(&visitor, *one, status)).collect(),
        holder: holder.unwrap_or_default(),
        may_read: prepares,
        by_hand: by_hand.map(kind).collect(),
        waiting: preparations::waiting(&visitor).await?,
        first_href,
        next_href,
    };
    visitor.show(&view)
}

fn choice(desk: &Desk, status: CertificateStatus, chosen: Option<CertificateStatus>) -> Choice {
    let (value, label) = (status.as_str().to_owned(), desk.t.word("certificate", status.as_str()));
    Choice { value, label, chosen: chosen == Some(status) }
}

fn row(desk: &Desk, view: &CertificateView, today: &str) -> CertificateRow {
    CertificateRow {
        identifier: view.issue.identifier.clone(),
        type_name: desk.t.pick(&view.issue.type_name).to_owned(),
        issuer: desk.department(&view.issuer),
        issued_at: view.issued_at.local_text(),
        valid_to: view.issue.valid_to.clone().unwrap_or_default(),
        status: view.status_on(today).as_str().to_owned(),
    }
}

/// One certificate.
pub async fn show(visitor: Visitor, identifier: Path<String>) -> Answer {
    let detail = visitor.node.certificate(&visitor.who, &identifier).await?;
    page(&visitor, StatusCode::OK, &detail, Faults::default()).await
}

async fn page(desk: &Desk, status: StatusCode, detail: &CertificateDetail, faults: Faults) -> Answer {
    let certificate = &detail.certificate;
    let today = desk.node.clock.now().date();
    let next = CertificateStatus::ALL.iter().filter(|status| status.may_follow(certificate.status));
    let next_statuses: Vec<String> = next.map(|status| status.as_str().to_owned()).collect();
    let own_reviewer = desk.is_own(&certificate.issuer) && desk.is(Role::Reviewer);
    let details = certificate.issue.details.as_ref();
    let prepares = desk.is_own(&certificate.issuer) && (desk.is(Role::Clerk) || desk.is(Role::Reviewer));
    let annotation = |made: &crate::domain::certificate::Annotated| AnnotationRow {
        cause: made.cause.clone(),
        by: made.by.user.clone(),
        at: made.at.local_text(),
        expires: made.expires.clone().unwrap_or_default(),
    };
    let view = CertificatePage {
        page: desk.page_at(&format!("/certificates/{}", certificate.issue.identifier)),
        t: desk.t,
        certificate: card(desk, certificate, detail.document.as_ref(), &today),
        case: certificate.issue.case.map(|case| case.to_string()),
        predecessor: details.and_then(|details| details.predecessor.clone()),
        successor: certificate.successor.clone(),
        history: history(desk, &certificate.issue.identifier).await?,
        annotations: certificate.annotations_on(&today).map(annotation).collect(),
        may_change: own_reviewer && !next_statuses.is_empty(),
        may_annotate: own_reviewer,
        may_prepare: prepares && details.is_some() && certificate.status == CertificateStatus::Valid,
        has_copies: details.is_some() && detail.document.is_some(),
        next_statuses,
        faults,
    };
    desk.show_as(status, &view)
}

fn card(desk: &Desk, certificate: &CertificateView, document: Option<&Value>, today: &str) -> CertificateCard {
    let issue = &certificate.issue;
    CertificateCard {
        identifier: issue.identifier.clone(),
        type_name: desk.t.pick(&issue.type_name).to_owned(),
        issuer: desk.department(&certificate.issuer),
        issued_at: certificate.issued_at.local_text(),
        valid_from: issue.valid_from.clone(),
        valid_to: issue.valid_to.clone().unwrap_or_default(),
        status: certificate.status_on(today).as_str().to_owned(),
        fields: document.map(|document| fields(desk, document)).unwrap_or_default(),
        document_digest: issue.document_digest.to_string(),
        transaction: certificate.transaction_id.to_string(),
        index: certificate.ledger_index,
    }
}

/// What the document says beyond what stands on the ledger.
fn fields(desk: &Desk, document: &Value) -> Vec<(String, String)> {
    if let Some(face) = document.as_object().and_then(face) {
        let number = (desk.t.say("certificate-number"), face.number);
        let rows = face.sections.into_iter().flat_map(|part| part.rows);
        let rows = rows.map(|(title, value)| (desk.t.pick(&title).to_owned(), value));
        return std::iter::once(number).chain(rows).collect();
    }
    // Of before there were types: number, and the holder's code.
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let number = text(document.get("certificate_number")).map(|number| (desk.t.say("certificate-number"), number));
    let holder = text(document.get("holder").and_then(|holder| holder.get("code")));
    number.into_iter().chain(holder.map(|holder| (desk.t.say("certificate-holder"), holder))).collect()
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
pub(super) async fn transactions(
    desk: &Desk,
    identifier: &str,
    kind: Option<&str>,
) -> Result<Vec<TransactionView>, Problem> {
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
            Err(ServiceError::Invalid(found)) => {
                let label = visitor.t.say("reason");
                found.iter().for_each(|one| faults.tell(visitor.t, "reason", &label, &told(visitor.t, one, |_| None)));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let detail = visitor.node.certificate(&visitor.who, &identifier).await?;
    page(&visitor, FAULTY, &detail, faults).await
}

/// Says what readers of it should know.
pub async fn annotate(Posted { visitor, form }: Posted, identifier: Path<String>) -> Answer {
    let identifier = identifier.into_inner();
    let (cause, expires) = (form.get("cause").to_owned(), form.get("expires").to_owned());
    let mut faults = Faults::default();
    if cause.is_empty() {
        faults.add(visitor.t, "cause", "annotation-cause", "required");
    } else {
        let expires = Some(expires).filter(|day| !day.is_empty());
        let annotation = CertificateAnnotation { identifier: identifier.clone(), cause, expires };
        match visitor.node.annotate_certificate(&visitor.who, annotation).await {
            Ok(committed) => {
                let href = format!("/certificates/{identifier}");
                return visitor.done(&href, "certificate_annotated", Some(committed.transaction_id));
            }
            Err(ServiceError::Invalid(found)) => {
                for fault in &found {
                    let (field, label) = match fault.place().as_str() {
                        "/expires" => ("expires", "annotation-expires"),
                        _ => ("cause", "annotation-cause"),
                    };
                    faults.tell(visitor.t, field, &visitor.t.say(label), &told(visitor.t, fault, |_| None));
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    let detail = visitor.node.certificate(&visitor.who, &identifier).await?;
    page(&visitor, FAULTY, &detail, faults).await
}

/// The holder's copy as a credential.
pub async fn credential(visitor: Visitor, identifier: Path<String>) -> Result<HttpResponse, Problem> {
    let copy = visitor.node.certificate_copy(&visitor.who, &identifier).await?;
    Ok(download("application/vc", &format!("licence-{identifier}.json"), copy.json.into_bytes()))
}

/// The holder's copy as a paper.
pub async fn paper(visitor: Visitor, identifier: Path<String>) -> Result<HttpResponse, Problem> {
    let copy = visitor.node.certificate_copy(&visitor.who, &identifier).await?;
    Ok(download("application/pdf", &format!("licence-{identifier}.pdf"), copy.pdf))
}
