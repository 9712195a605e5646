//! `/certificates`: e-licences of the city, and their status.

use actix_web::web::{Data, Json, Path};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::domain::certificate::CertificateStatus;
use crate::ids::{CaseId, DepartmentId};
use crate::readmodel::certificates::CertificateFilter;
use crate::service::Node;
use crate::web::extract::{ApiBody, Body, Caller, Filter, Wait};
use crate::web::problem::Problem;

use super::listing::{Fresh, fresh, page};
use super::views::certificates::{CertificateAnswer, CertificateDetail, VerificationAnswer};
use super::views::{Page, Written};

/// Filters of certificates.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Issued by this department.
    issuer: Option<DepartmentId>,
    /// Of this status.
    status: Option<CertificateStatus>,
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

/// **Permissions**: everybody signed in.
pub async fn list(
    node: Data<Node>,
    _: Caller,
    query: Filter<Search>,
) -> Result<Json<Page<CertificateAnswer>>, Problem> {
    let Search { issuer, status, case, cursor, page_size, min_index } = query.0;
    fresh(&node, min_index).await?;
    let filter = CertificateFilter { issuer, status, case, page: page(cursor, page_size) };
    Ok(Json(node.certificates(filter).await?.into()))
}

/// **Permissions**: everybody signed in; the document on the issuer's node only.
pub async fn show(
    node: Data<Node>,
    caller: Caller,
    identifier: Path<String>,
    query: Filter<Fresh>,
) -> Result<Json<CertificateDetail>, Problem> {
    fresh(&node, query.0.min_index).await?;
    Ok(Json(node.certificate(&caller.0, &identifier).await?.into()))
}

/// **Permissions**: anybody; nothing of the holder is told.
pub async fn verify(
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
