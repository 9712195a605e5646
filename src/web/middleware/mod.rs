//! What happens around every request: its id, its line in the log, its headers, its problem written down.

pub mod anchored;
pub mod fresh;
pub mod halted;
pub mod headers;
pub mod idempotency;
pub mod request_id;
pub mod room;

use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::HeaderValue;
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, web};
use tracing::Instrument as _;

use crate::clock::SharedClock;

use super::extract::CallerName;
use super::language::Language;
use super::metrics::Metrics;
use super::problem::Problem;
use request_id::{RequestId, X_REQUEST_ID};

/// What the frame needs to know of the node.
#[derive(Clone)]
pub struct Frame {
    /// For request ids.
    pub clock: SharedClock,
    /// Counts requests.
    pub metrics: Metrics,
    /// The node's department, for the log.
    pub department: String,
    /// Whether browsers reach the node by HTTPS.
    pub https: bool,
}

/// The outermost layer.
///
/// # Errors
/// None of its own.
pub async fn frame(
    frame: web::Data<Frame>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let id = RequestId::of(request.headers(), frame.clock.now());
    let language = Language::of(request.headers());
    request.extensions_mut().insert(id.clone());
    let span = tracing::info_span!("request", request_id = %id.0);
    let response = next.call(request).instrument(span.clone()).await?.map_into_boxed_body();
    let mut response = written_down(response, language, &id, &span);
    let path = response.request().path().to_owned();
    headers::secure(&path, frame.https, response.headers_mut());
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    span.in_scope(|| note(&frame, &response, &id, started.elapsed()));
    Ok(response)
}

/// Gives a problem its request's id and the caller's language.
fn written_down(
    response: ServiceResponse<BoxBody>,
    language: Language,
    id: &RequestId,
    span: &tracing::Span,
) -> ServiceResponse<BoxBody> {
    let Some(problem) = response.response().error().and_then(|error| error.as_error::<Problem>()) else {
        return response;
    };
    if let Some(cause) = problem.cause() {
        span.in_scope(|| tracing::error!(code = problem.code(), cause, "a request failed by our own fault"));
    }
    let written = problem.response(language, &id.0);
    response.into_response(written)
}

/// Counts a request and writes its line.
fn note(frame: &Frame, response: &ServiceResponse<BoxBody>, id: &RequestId, took: Duration) {
    let request = response.request();
    let route = request.match_pattern().unwrap_or_else(|| "unmatched".to_owned());
    let (method, status) = (request.method().as_str(), response.status().as_u16());
    frame.metrics.http(method, &route, status, took);
    let extensions = request.extensions();
    let user = extensions.get::<CallerName>().map_or("-", |caller| caller.0.as_str());
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let department = frame.department.as_str();
    let request_id = id.0.as_ref();
    // Probes come every few seconds: they would bury the rest.
    if matches!(route.as_str(), "/healthz" | "/readyz" | "/metrics") {
        tracing::debug!(target: "access", method, route, status, duration_ms, request_id, department, user);
    } else {
        tracing::info!(target: "access", method, route, status, duration_ms, request_id, department, user);
    }
}
