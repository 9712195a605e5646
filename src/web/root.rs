//! What lies at the root: health, metrics, the API's description, and the public check of certificates.

use actix_web::http::header;
use actix_web::web::{self, Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use crate::service::Node;

use super::api::views::certificates::VerificationAnswer;
use super::api::views::city::HealthAnswer;
use super::metrics::{Metrics, TEXT_FORMAT};
use super::problem::Problem;
use super::{api, docs, openapi};

/// Registers what lies at the root, except pages.
pub fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/healthz", web::get().to(healthz))
        .route("/readyz", web::get().to(readyz))
        .route("/metrics", web::get().to(metrics))
        .route("/openapi.json", web::get().to(describe))
        .configure(docs::configure);
}

/// Answers while the process lives: what only a restart could mend ends the process by itself. What a restart
/// would not mend, such as a missing quorum, is for [`readyz`]; it is shown here all the same.
async fn healthz(node: Data<Node>) -> HttpResponse {
    answer(true, node.health().into())
}

/// Answers whether the node can do its work.
async fn readyz(node: Data<Node>) -> HttpResponse {
    let health = node.health();
    answer(health.ready, health.into())
}

fn answer(good: bool, health: HealthAnswer) -> HttpResponse {
    let mut response = if good { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.json(health)
}

async fn metrics(node: Data<Node>, metrics: Data<Metrics>) -> Result<HttpResponse, Problem> {
    // Reads files of /proc: short, but not for the worker to wait for.
    let text = web::block(move || metrics.text(&node)).await;
    let text = text.map_err(|_| Problem::internal("the metrics were not written"))?;
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_TYPE, TEXT_FORMAT)).body(text))
}

async fn describe() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(openapi::TEXT.as_str())
}

/// Whether a caller wants JSON rather than a page.
pub fn wants_json(request: &HttpRequest) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.contains("application/json") && !accept.contains("text/html")
}

/// `GET /verify/{identifier}` for programs. The portal's page calls it when [`wants_json`] says so.
///
/// # Errors
/// `malformed` for what is no identifier, `not_found`.
pub async fn verify(node: Data<Node>, identifier: Path<String>) -> Result<HttpResponse, Problem> {
    let found = node.verify_certificate(&identifier)?;
    Ok(HttpResponse::Ok().json(VerificationAnswer::from(found)))
}

/// The answer where nothing lies.
///
/// # Errors
/// `not_found`, always.
pub async fn unknown(request: HttpRequest) -> Result<HttpResponse, Problem> {
    api::unknown(request).await
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn browsers_get_pages_and_programs_json() {
        let wants = |accept: &str| wants_json(&TestRequest::get().insert_header(("accept", accept)).to_http_request());
        assert!(wants("application/json"));
        assert!(!wants("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"));
        assert!(!wants("*/*") && !wants(""));
        assert!(!wants("text/html, application/json"));
    }
}
