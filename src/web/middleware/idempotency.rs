//! `Idempotency-Key`: the same POST again gets the first answer, and its work is done once.
//!
//! A key belongs to one account. An answer is kept for a day when it stands for good; after a fault of the
//! moment (408, 429, 5xx) the same key may be sent again, and a transaction then takes the same id as before.
//! Answers of queries hold personal data and are never kept: the same key again is told the access's id.

use actix_web::body::{BoxBody, MessageBody, to_bytes};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpResponse, web};
use serde_json::Value;

use crate::crypto::digest::{Hash, sm3};
use crate::readmodel::ReadError;
use crate::readmodel::local::idempotency::{ANSWER_BYTES_MAX, Begin, KEY_CHARS_MAX};
use crate::service::{Node, Principal, ServiceError};
use crate::web::api::{BASE, NDJSON};
use crate::web::extract::{BODY_BYTES_MAX, authenticate, read_bytes};
use crate::web::language::Language;
use crate::web::problem::{PROBLEM_JSON, Problem};

use super::request_id::RequestId;

const IDEMPOTENCY_KEY: &str = "idempotency-key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// A claimed key.
struct Claim {
    node: web::Data<Node>,
    scope: String,
    key: String,
    is_query: bool,
}

/// The layer around the API.
///
/// # Errors
/// None of its own: problems are answers.
pub async fn idempotent(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if request.method() != Method::POST
        || keeps_nothing(request.path())
        || !request.headers().contains_key(IDEMPOTENCY_KEY)
    {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let claim = match begin(&mut request).await {
        Ok(Started::New(claim)) => claim,
        Ok(Started::Known(answer)) => return Ok(request.into_response(answer)),
        Err(problem) => return Ok(request.error_response(problem).map_into_boxed_body()),
    };
    let language = Language::of(request.headers());
    let response = next.call(request).await?.map_into_boxed_body();
    claim.end(response, language).await
}

/// A token, a password, or whose data an access was about, must not be kept, and no such call changes the ledger: sent
/// again, it makes another secret in place of the one that got lost. Transactions that are handed in bear their own ids.
fn keeps_nothing(path: &str) -> bool {
    let path = path.strip_prefix(BASE).unwrap_or(path);
    let is_secret = path == "/accounts"
        || path.starts_with("/accounts/") && path.ends_with("/password")
        || path == "/tokens"
        || path.starts_with("/tokens/") && path.ends_with("/rotate");
    is_secret || path.ends_with("/sessions") || path.ends_with("/subject") || path.ends_with("/ledger/transactions")
}

enum Started {
    New(Claim),
    Known(HttpResponse<BoxBody>),
}

async fn begin(request: &mut ServiceRequest) -> Result<Started, Problem> {
    let key = key_of(request)?;
    let who = authenticate(request.request()).await?;
    let body = read_bytes(request.take_payload(), BODY_BYTES_MAX).await?;
    let digest = digest(request, &body);
    request.set_payload(Payload::from(body));
    let node = request.app_data::<web::Data<Node>>().cloned();
    let node = node.ok_or_else(|| Problem::internal("the web knows no node"))?;
    let is_query = request.path().contains("/api/v1/query/");
    let (local, now) = (node.local.clone(), node.clock.now());
    let claim = Claim { node, scope: who.user.clone(), key, is_query };
    let (scope, key) = (claim.scope.clone(), claim.key.clone());
    match blocking(move || local.begin(&scope, &key, digest, now)).await? {
        Begin::New { reserved } => {
            request.extensions_mut().insert(Principal { reserved: Some(reserved), ..who });
            Ok(Started::New(claim))
        }
        Begin::InProgress => Err(Problem::new("idempotency_in_progress").retry_after(1)),
        Begin::Mismatch => Err(Problem::new("idempotency_key_reused")),
        Begin::Replay { body, .. } if is_query => Err(answered(&body)),
        Begin::Replay { status, body } => Ok(Started::Known(replay(status, body))),
    }
}

fn key_of(request: &ServiceRequest) -> Result<String, Problem> {
    let key = request.headers().get(IDEMPOTENCY_KEY).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let sane = (1..=KEY_CHARS_MAX).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
    if sane { Ok(key.to_owned()) } else { Err(Problem::new("invalid_idempotency_key")) }
}

fn digest(request: &ServiceRequest, body: &[u8]) -> Hash {
    // Neither a path nor a query string contains a zero byte: the boundaries are unambiguous.
    sm3(&[request.path().as_bytes(), b"\0", request.query_string().as_bytes(), b"\0", body])
}

fn replay(status: u16, body: String) -> HttpResponse<BoxBody> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let content_type = if status.is_success() { "application/json" } else { PROBLEM_JSON };
    let mut response = HttpResponse::build(status);
    response.content_type(content_type).insert_header((REPLAYED, HeaderValue::from_static("true")));
    if body.is_empty() { response.finish() } else { response.body(body) }
}

fn answered(body: &str) -> Problem {
    let problem = Problem::new("idempotency_replayed_query");
    let kept: Value = serde_json::from_str(body).unwrap_or_default();
    match kept.get("access_id").and_then(Value::as_str).and_then(|id| id.parse().ok()) {
        Some(access) => problem.access(access),
        None => problem,
    }
}

impl Claim {
    /// Keeps the answer or gives the key free again.
    async fn end(
        self,
        response: ServiceResponse<BoxBody>,
        language: Language,
    ) -> Result<ServiceResponse<BoxBody>, Error> {
        let status = response.status();
        let stands = match status.as_u16() {
            // A query that brought nothing may be asked again; what it cost stands in the audit.
            _ if self.is_query => status.is_success(),
            401 | 408 | 413 | 415 | 429 => false,
            status => status < 500,
        };
        let (request, response) = response.into_parts();
        let left_open = response.error().and_then(|error| error.as_error::<Problem>()).is_none_or(Problem::leaves_open);
        let written = match response.error().and_then(|error| error.as_error::<Problem>()) {
            Some(problem) if stands => {
                let id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
                problem.response(language, &id)
            }
            _ => response,
        };
        if !stands {
            let half_done = if self.is_query { left_open } else { status.is_server_error() };
            self.give_up(half_done).await;
            return Ok(ServiceResponse::new(request, written));
        }
        if is_stream(&written) {
            // Kept before the first page leaves: the rest would not fit into memory.
            self.keep(status, b"{}").await;
            return Ok(ServiceResponse::new(request, written));
        }
        let (head, body) = written.into_parts();
        let bytes = to_bytes(body).await.map_err(|error| Problem::internal(error.to_string()))?;
        self.keep(status, &bytes).await;
        Ok(ServiceResponse::new(request, head.set_body(bytes).map_into_boxed_body()))
    }

    async fn keep(self, status: StatusCode, bytes: &[u8]) {
        let text = if self.is_query { access_id(bytes) } else { String::from_utf8(bytes.to_vec()).ok() };
        let Some(text) = text.filter(|text| text.len() <= ANSWER_BYTES_MAX) else { return };
        let (local, scope, key) = (self.node.local.clone(), self.scope, self.key);
        let kept = blocking(move || local.finish(&scope, &key, status.as_u16(), &text)).await;
        if let Err(problem) = kept {
            tracing::warn!(%problem, "the answer to an idempotency key was not kept");
        }
    }

    /// Gives the key free. `half_done`: the work may have been done all the same, so the next attempt takes the same id.
    async fn give_up(self, half_done: bool) {
        let (local, scope, key) = (self.node.local.clone(), self.scope, self.key);
        let ended = if half_done {
            blocking(move || local.release(&scope, &key)).await
        } else {
            blocking(move || local.abandon(&scope, &key)).await
        };
        if let Err(problem) = ended {
            tracing::warn!(%problem, "an idempotency key was not given free");
        }
    }
}

fn is_stream(response: &HttpResponse<BoxBody>) -> bool {
    response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes() == NDJSON.as_bytes())
}

/// What is kept of a query's answer: no personal data, and of an answer about several subjects or in pages nothing.
fn access_id(bytes: &[u8]) -> Option<String> {
    let answer: Value = serde_json::from_slice(bytes).ok()?;
    Some(match answer.as_object()?.get("access_id") {
        Some(access) => serde_json::json!({ "access_id": access }).to_string(),
        None => "{}".to_owned(),
    })
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
) -> Result<T, Problem> {
    match web::block(work).await {
        Ok(done) => done.map_err(|error| ServiceError::from(error).into()),
        Err(_) => Err(Problem::internal("blocking work ended early")),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn keys_are_visible_ascii() {
        let key = |key: &str| key_of(&TestRequest::post().insert_header((IDEMPOTENCY_KEY, key)).to_srv_request());
        assert_eq!(key("order-7/2026").unwrap(), "order-7/2026");
        assert!(key(&"k".repeat(KEY_CHARS_MAX)).is_ok());
        for wrong in ["", "has space", &"k".repeat(KEY_CHARS_MAX + 1)] {
            assert_eq!(key(wrong).unwrap_err().code(), "invalid_idempotency_key", "{wrong:?}");
        }
    }

    #[test]
    fn another_path_query_or_body_is_another_request() {
        let of = |uri: &str, body: &[u8]| digest(&TestRequest::post().uri(uri).to_srv_request(), body);
        let first = of("/api/v1/grants?wait=committed", b"{}");
        assert_eq!(first, of("/api/v1/grants?wait=committed", b"{}"));
        for other in [
            of("/api/v1/grant?wait=committed", b"{}"),
            of("/api/v1/grants", b"{}"),
            of("/api/v1/grants?wait=committed", b"{} "),
        ] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn no_secret_is_kept() {
        for path in ["/sessions", "/accounts", "/accounts/li.na/password", "/tokens", "/tokens/registry/rotate"] {
            assert!(keeps_nothing(&format!("{BASE}{path}")), "{path}");
        }
        for path in ["/grants", "/accounts/li.na/roles", "/tokens/registry/revoke", "/keys/rotate"] {
            assert!(!keeps_nothing(&format!("{BASE}{path}")), "{path}");
        }
    }

    #[test]
    fn of_a_query_only_the_access_is_kept() {
        let kept = access_id(br#"{"rows":[{"name":"x"}],"access_id":"0190"}"#).unwrap();
        assert_eq!(kept, r#"{"access_id":"0190"}"#);
        assert!(access_id(b"[]").is_none());
        assert_eq!(access_id(br#"{"answers":[{"answer":{"rows":[{"name":"x"}]}}]}"#).as_deref(), Some("{}"));
    }
}
