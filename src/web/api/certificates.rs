//! `/certificates`: e-licences of the city, and their status.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Data, Json, Path};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::domain::certificate::{CertificateAnnotation, CertificateStatus};
use crate::ids::{CaseId, DepartmentId, Slug, TxId};
use crate::readmodel::certificates::CertificateFilter;
use crate::service::Node;
use crate::service::certificates::preparations::Preparing;
use crate::web::extract::{ApiBody, Body, Caller, Empty, Filter, Passed, Wait};
use crate::web::problem::Problem;

use super::listing::{Fresh, fresh, page};
use super::views::certificates::{
    CertificateAnswer, CertificateDetail, Issued, PreparationAnswer, TypeAnswer, VerificationAnswer,
};
use super::views::{Page, Written};

/// Filters of certificates.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Issued by this department.
    issuer: Option<DepartmentId>,
    /// Of this status today.
    status: Option<CertificateStatus>,
    /// Of this type, by its name.
    #[serde(rename = "type")]
    #[param(rename = "type")]
    kind: Option<Slug>,
    /// Held by whom this code names: certificates of this department alone.
    holder: Option<String>,
    /// Issued in this case.
    case: Option<CaseId>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items wanted, 1 to 200; 50 when left out.
    page_size: Option<u32>,
    /// Wait up to 5 s until the answer reflects the transaction of this ledger index.
    min_index: Option<u64>,
}

/// A change of status.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    status: CertificateStatus,
    reason: String,
}

impl ApiBody for Change {
    const SCHEMA: Option<&'static str> = Some("certificate_status");
}

impl ApiBody for Preparing {
    const SCHEMA: Option<&'static str> = Some("certificate_preparation");
}

/// What is to be said of a certificate.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Annotation {
    cause: String,
    expires: Option<String>,
}

impl ApiBody for Annotation {
    const SCHEMA: Option<&'static str> = Some("certificate_annotation");
}

/// **Permissions**: everybody signed in; by holder, who may read this department's cases.
pub async fn list(
    node: Data<Node>,
    caller: Caller,
    query: Filter<Search>,
) -> Result<Json<Page<CertificateAnswer>>, Problem> {
    let Search { issuer, status, kind, holder, case, cursor, page_size, min_index } = query.0;
    fresh(&node, min_index).await?;
    let today = node.clock.now().date();
    let status = status.map(|status| (status, today.clone()));
    let filter = CertificateFilter { issuer, status, kind, case, identifiers: None, page: page(cursor, page_size) };
    let found = node.certificates(&caller.0, filter, holder).await?;
    Ok(Json(Page {
        items: found.items.into_iter().map(|view| CertificateAnswer::on(view, &today)).collect(),
        next_cursor: found.next_cursor,
        ledger_index: found.ledger_index,
    }))
}

/// **Permissions**: everybody signed in; the document on the issuer's node only.
pub async fn show(
    node: Data<Node>,
    caller: Caller,
    identifier: Path<String>,
    query: Filter<Fresh>,
) -> Result<Json<CertificateDetail>, Problem> {
    fresh(&node, query.0.min_index).await?;
    let today = node.clock.now().date();
    Ok(Json(CertificateDetail::on(node.certificate(&caller.0, &identifier).await?, &today)))
}

/// **Permissions**: who may read the issuer's cases, at the issuer.
pub async fn credential(node: Data<Node>, caller: Caller, identifier: Path<String>) -> Result<HttpResponse, Problem> {
    let copy = node.certificate_copy(&caller.0, &identifier).await?;
    Ok(download("application/vc", &format!("licence-{identifier}.json"), copy.json.into_bytes()))
}

/// **Permissions**: who may read the issuer's cases, at the issuer.
pub async fn paper(node: Data<Node>, caller: Caller, identifier: Path<String>) -> Result<HttpResponse, Problem> {
    let copy = node.certificate_copy(&caller.0, &identifier).await?;
    Ok(download("application/pdf", &format!("licence-{identifier}.pdf"), copy.pdf))
}

/// A file to be kept.
pub fn download(content_type: &str, name: &str, bytes: Vec<u8>) -> HttpResponse {
    let disposition = format!("attachment; filename=\"{name}\"");
    let mut response = HttpResponse::Ok();
    response.content_type(content_type).insert_header((header::CONTENT_DISPOSITION, disposition));
    response.insert_header((header::CACHE_CONTROL, "no-store")).body(bytes)
}

/// **Permissions**: anybody; nothing of the holder is told.
pub async fn verify(
    _: Passed,
    node: Data<Node>,
    identifier: Path<String>,
    query: Filter<Fresh>,
) -> Result<Json<VerificationAnswer>, Problem> {
    fresh(&node, query.0.min_index).await?;
    Ok(Json(node.verify_certificate(&identifier)?.into()))
}

/// **Permissions**: reviewer of the issuer.
pub async fn set_status(
    node: Data<Node>,
    caller: Caller,
    identifier: Path<String>,
    _: Wait,
    change: Body<Change>,
) -> Result<Json<Written>, Problem> {
    let Change { status, reason } = change.0;
    Ok(Json(node.set_certificate_status(&caller.0, &identifier, status, reason).await?.into()))
}

/// **Permissions**: reviewer of the issuer.
pub async fn annotate(
    node: Data<Node>,
    caller: Caller,
    identifier: Path<String>,
    _: Wait,
    annotation: Body<Annotation>,
) -> Result<Json<Written>, Problem> {
    let Annotation { cause, expires } = annotation.0;
    let annotation = CertificateAnnotation { identifier: identifier.into_inner(), cause, expires };
    Ok(Json(node.annotate_certificate(&caller.0, annotation).await?.into()))
}

/// **Permissions**: clerk or reviewer of the issuer.
pub async fn prepare(node: Data<Node>, caller: Caller, body: Body<Preparing>) -> Result<HttpResponse, Problem> {
    let prepared = node.prepare_certificate(&caller.0, body.0).await?;
    Ok(HttpResponse::Created().json(PreparationAnswer::from(prepared)))
}

/// **Permissions**: who may read the issuer's cases.
pub async fn preparations(node: Data<Node>, caller: Caller) -> Result<Json<Vec<PreparationAnswer>>, Problem> {
    let waiting = node.certificate_preparations(&caller.0).await?;
    Ok(Json(waiting.into_iter().map(Into::into).collect()))
}

/// **Permissions**: who may read the issuer's cases.
pub async fn preparation(node: Data<Node>, caller: Caller, id: Path<TxId>) -> Result<Json<PreparationAnswer>, Problem> {
    Ok(Json(node.certificate_preparation(&caller.0, *id).await?.into()))
}

/// **Permissions**: reviewer of the issuer who did not prepare it.
pub async fn issue_preparation(
    node: Data<Node>,
    caller: Caller,
    id: Path<TxId>,
    _: Wait,
    _: Body<Empty>,
) -> Result<HttpResponse, Problem> {
    let issued = node.issue_preparation(&caller.0, *id).await?;
    Ok(HttpResponse::Created().json(Issued::from(issued)))
}

/// **Permissions**: clerk or reviewer of the issuer.
pub async fn discard_preparation(
    node: Data<Node>,
    caller: Caller,
    id: Path<TxId>,
    _: Body<Empty>,
) -> Result<HttpResponse, Problem> {
    node.discard_preparation(&caller.0, *id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// **Permissions**: everybody signed in.
pub async fn types(node: Data<Node>, _: Caller, query: Filter<Fresh>) -> Result<Json<Vec<TypeAnswer>>, Problem> {
    fresh(&node, query.0.min_index).await?;
    Ok(Json(node.certificate_types().await?.into_iter().map(Into::into).collect()))
}

/// **Permissions**: everybody signed in.
pub async fn show_type(
    node: Data<Node>,
    _: Caller,
    at: Path<(DepartmentId, Slug)>,
    query: Filter<Fresh>,
) -> Result<Json<TypeAnswer>, Problem> {
    fresh(&node, query.0.min_index).await?;
    Ok(Json(node.certificate_type(&at.0, &at.1).await?.into()))
}

/// **Permissions**: reviewer of the department.
pub async fn publish_type(
    node: Data<Node>,
    caller: Caller,
    at: Path<(DepartmentId, Slug)>,
    _: Wait,
    _: Body<Empty>,
) -> Result<Json<Written>, Problem> {
    if at.0 != node.department {
        return Err(Problem::new("not_allowed").detail("a department publishes its own types, at its own node"));
    }
    Ok(Json(node.publish_certificate_type(&caller.0, &at.1).await?.into()))
}

/// **Permissions**: anybody: copies name it as their schema.
pub async fn type_schema(
    node: Data<Node>,
    at: Path<(DepartmentId, Slug, u32)>,
) -> Result<Json<serde_json::Value>, Problem> {
    Ok(Json(node.certificate_schema(&at.0, &at.1, at.2)?))
}
