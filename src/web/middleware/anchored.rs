//! `?wait=anchored`: a write is answered when enough departments have cosigned a checkpoint that covers it.

use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody, to_bytes};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, web};
use serde_json::{Map, Value};

use crate::service::Node;
use crate::web::extract::Wait;
use crate::web::problem::Problem;

/// How long a write waits for cosignatures, beyond the time it took to be committed.
const WAIT_MAX: Duration = Duration::from_secs(10);
const NOT_YET: &str = "the transaction is committed, and not anchored yet: too few departments have cosigned it. \
    It stands; do not repeat it, but look at its state again later";

/// The layer around the API's handlers. An answer without a transaction has nothing to wait for.
///
/// # Errors
/// None of its own: problems are answers.
pub async fn anchored(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let waits = request.method() == Method::POST && matches!(Wait::of(request.query_string()), Ok(Wait::Anchored));
    let response = next.call(request).await?.map_into_boxed_body();
    if !waits || !response.status().is_success() {
        return Ok(response);
    }
    let (request, response) = response.into_parts();
    let (mut head, body) = response.into_parts();
    let bytes = to_bytes(body).await.map_err(|error| Problem::internal(error.to_string()))?;
    let body = match waited(&request, &bytes).await {
        Some((status, body)) => {
            *head.status_mut() = status.unwrap_or(head.status());
            head.headers_mut().remove(header::CONTENT_LENGTH);
            body.into_bytes().into()
        }
        None => bytes,
    };
    Ok(ServiceResponse::new(request, head.set_body(body).map_into_boxed_body()))
}

/// The answer with the transaction's state; with 202 when that is not yet `anchored`.
async fn waited(request: &HttpRequest, bytes: &[u8]) -> Option<(Option<StatusCode>, String)> {
    let node = request.app_data::<web::Data<Node>>()?;
    let mut answer: Map<String, Value> = serde_json::from_slice(bytes).ok()?;
    answer.get("transaction_id")?;
    let index = answer.get("ledger_index")?.as_u64()?;
    let status = match node.consensus.anchored_beyond(index, WAIT_MAX).await {
        Some(_) => None,
        None => {
            answer.insert("detail".to_owned(), NOT_YET.into());
            Some(StatusCode::ACCEPTED)
        }
    };
    answer.insert("transaction_state".to_owned(), node.state_of(index).into());
    Some((status, Value::Object(answer).to_string()))
}
