//! `/ledger`: checkpoint, blocks, transactions, receipts, proofs.

use actix_web::http::header;
use actix_web::web::{Data, Json, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::domain::digest_record::DigestRecord;
use crate::domain::edition::EditionChange;
use crate::ids::{DepartmentId, TxId};
use crate::ledger::receipt::Receipt;
use crate::readmodel::transactions::TransactionFilter;
use crate::service::Node;
use crate::service::submission::SUBMISSION_BYTES_MAX;
use crate::web::extract::{ApiBody, Body, Caller, Filter, Wait, read_bytes};
use crate::web::problem::Problem;

use super::listing::{Fresh, Paged, fresh, page};
use super::views::ledger::{
    Block, CheckpointAnswer, Consistency, EditionsAnswer, SubmittedAnswer, TransactionAnswer, TransactionDetail,
};
use super::views::{Page, Written};

impl ApiBody for EditionChange {
    const SCHEMA: Option<&'static str> = Some("edition");
}

/// Filters of transactions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Signed by this department.
    department: Option<DepartmentId>,
    /// Of this kind, such as `grant.request`.
    kind: Option<String>,
    /// About this entry, grant, case or certificate.
    reference: Option<String>,
    /// Refused ones, or those that were done.
    refused: Option<bool>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items wanted, 1 to 200; 50 when left out.
    page_size: Option<u32>,
    /// Wait up to 5 s until the answer reflects the transaction of this ledger index.
    min_index: Option<u64>,
}

impl ApiBody for DigestRecord {
    const SCHEMA: Option<&'static str> = Some("digest");
}

/// Between which sizes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Sizes {
    /// Size of the older ledger, from 1.
    from: u64,
    /// Size of the newer one.
    to: u64,
}

/// Which checkpoint.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// The newest that this node cosigned itself, instead of the newest that enough departments did.
    #[serde(default)]
    newest: bool,
    /// Wait up to 5 s until the answer reflects the transaction of this ledger index.
    min_index: Option<u64>,
}

/// **Permissions**: everybody signed in. The note itself, or JSON for who accepts that.
pub async fn checkpoint(
    request: HttpRequest,
    node: Data<Node>,
    _: Caller,
    which: Filter<Which>,
) -> Result<HttpResponse, Problem> {
    fresh(&node, which.0.min_index).await?;
    let signed = if which.0.newest { node.newest_checkpoint()? } else { node.checkpoint()? };
    let accepts = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !accepts.contains("application/json") {
        return Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(signed.encode()));
    }
    let checkpoint = signed.checkpoint();
    let cosigners = signed.named();
    Ok(HttpResponse::Ok().json(CheckpointAnswer {
        checkpoint: signed.encode(),
        origin: checkpoint.origin.clone(),
        size: checkpoint.size,
        root: checkpoint.root,
        state: checkpoint.state,
        anchored: cosigners.len() >= node.consensus.cosigning().needed,
        cosigners,
    }))
}

/// **Permissions**: everybody signed in.
pub async fn blocks(node: Data<Node>, _: Caller, query: Filter<Paged>) -> Result<Json<Page<Block>>, Problem> {
    let Paged { cursor, page_size, min_index } = query.0;
    fresh(&node, min_index).await?;
    Ok(Json(node.blocks(page(cursor, page_size)).await?.into()))
}

/// **Permissions**: everybody signed in.
pub async fn transactions(
    node: Data<Node>,
    _: Caller,
    query: Filter<Search>,
) -> Result<Json<Page<TransactionAnswer>>, Problem> {
    let Search { department, kind, reference, refused, cursor, page_size, min_index } = query.0;
    fresh(&node, min_index).await?;
    let filter = TransactionFilter { department, kind, reference, refused, page: page(cursor, page_size) };
    Ok(Json(node.transactions(filter).await?.into()))
}

/// **Permissions**: systems whose token was issued for it, and admins.
pub async fn submit(
    node: Data<Node>,
    caller: Caller,
    request: HttpRequest,
    body: Payload,
) -> Result<Json<Vec<SubmittedAnswer>>, Problem> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if content_type != Some("application/octet-stream") {
        return Err(Problem::new("unsupported_media_type").detail("send Content-Type: application/octet-stream"));
    }
    let bytes = read_bytes(body.into_inner(), SUBMISSION_BYTES_MAX).await?;
    let answers = node.submit(&caller.0, &bytes).await?;
    Ok(Json(answers.into_iter().map(Into::into).collect()))
}

/// **Permissions**: everybody signed in.
pub async fn edition(node: Data<Node>, _: Caller) -> Json<EditionsAnswer> {
    Json(node.editions().into())
}

/// **Permissions**: admin of the authority.
pub async fn raise_edition(
    node: Data<Node>,
    caller: Caller,
    _: Wait,
    change: Body<EditionChange>,
) -> Result<Json<Written>, Problem> {
    Ok(Json(node.raise_edition(&caller.0, change.0.edition).await?.into()))
}

/// **Permissions**: clerk, reviewer or system.
pub async fn record_digest(
    node: Data<Node>,
    caller: Caller,
    _: Wait,
    record: Body<DigestRecord>,
) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Created().json(Written::from(node.record_digest(&caller.0, record.0).await?)))
}

/// **Permissions**: everybody signed in.
pub async fn transaction(
    node: Data<Node>,
    _: Caller,
    id: Path<TxId>,
    query: Filter<Fresh>,
) -> Result<Json<TransactionDetail>, Problem> {
    fresh(&node, query.0.min_index).await?;
    Ok(Json(node.transaction(*id).await?.into()))
}

/// **Permissions**: everybody signed in.
pub async fn receipt(
    node: Data<Node>,
    _: Caller,
    id: Path<TxId>,
    query: Filter<Fresh>,
) -> Result<Json<Receipt>, Problem> {
    fresh(&node, query.0.min_index).await?;
    Ok(Json(node.receipt(*id).await?))
}

/// **Permissions**: everybody signed in.
pub async fn consistency(node: Data<Node>, _: Caller, sizes: Filter<Sizes>) -> Result<Json<Consistency>, Problem> {
    let Sizes { from, to } = sizes.0;
    if from == 0 {
        // RFC 6962 knows no proof from nothing.
        return Err(Problem::new("invalid_parameter").detail("from is 1 or more"));
    }
    let proof = node.consistency(from, to)?;
    Ok(Json(Consistency { from, to, proof }))
}
