//! The whole application as strangers meet it: every route is there, every mistake gets its problem.

use std::sync::Arc;

use actix_web::App;
use actix_web::body::MessageBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::web::{self, Data};
use serde_json::Value;

use super::api::{self, BASE, routes};
use super::metrics::Metrics;
use super::middleware::{Frame, frame};
use super::{docs, root};
use crate::clock::SystemClock;

macro_rules! app {
    () => {{
        let metrics = Metrics::new().unwrap();
        let framed = Frame { clock: Arc::new(SystemClock), metrics, department: "tax".into(), https: false };
        init_service(
            App::new()
                .app_data(Data::new(framed))
                .wrap(from_fn(frame))
                .configure(api::configure)
                .configure(docs::configure)
                .default_service(web::to(root::unknown)),
        )
        .await
    }};
}

/// A path with every parameter filled in.
fn filled(path: &str) -> String {
    let part = |part: &str| if part.starts_with('{') { "x".to_owned() } else { part.to_owned() };
    format!("{BASE}{}", path.split('/').map(part).collect::<Vec<_>>().join("/"))
}

async fn problem(answer: ServiceResponse<impl MessageBody>) -> Value {
    assert_eq!(answer.headers().get("content-type").unwrap(), "application/problem+json");
    let id = answer.headers().get("x-request-id").unwrap().to_str().unwrap().to_owned();
    let status = answer.status().as_u16();
    let body: Value = serde_json::from_slice(&read_body(answer).await).unwrap();
    assert_eq!(body["request_id"], id);
    assert_eq!(body["status"], status);
    body
}

#[actix_web::test]
async fn the_routes_are_those_of_the_list() {
    let app = app!();
    for path in routes::paths() {
        let answer = call_service(&app, TestRequest::with_uri(&filled(path)).method(Method::PATCH).to_request()).await;
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        let allowed = answer.headers().get("allow").unwrap().to_str().unwrap().to_owned();
        let listed: Vec<&str> = routes::of_path(path).map(|operation| operation.method).collect();
        assert_eq!(allowed, listed.join(", "), "{path}");
        assert_eq!(problem(answer).await["code"], "method_not_allowed");
    }
}

#[actix_web::test]
async fn where_nothing_lies_a_problem_says_so_in_both_languages() {
    let app = app!();
    for path in ["/api/v1/grant", "/api/v2/grants", "/api/v1/grants/x/y/z", "/nothing"] {
        let answer = call_service(&app, TestRequest::with_uri(path).to_request()).await;
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(problem(answer).await["title"], "Not found");
        let chinese = TestRequest::with_uri(path).insert_header(("accept-language", "zh-CN,zh;q=0.9"));
        assert_eq!(problem(call_service(&app, chinese.to_request()).await).await["title"], "未找到");
    }
}

#[actix_web::test]
async fn every_answer_bears_an_id_and_keeps_browsers_in_bounds() {
    let app = app!();
    let request = TestRequest::with_uri("/api/v1/nothing").insert_header(("x-request-id", "trace-0001"));
    let answer = call_service(&app, request.to_request()).await;
    let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(header("x-request-id").as_deref(), Some("trace-0001"));
    assert_eq!(header("x-content-type-options").as_deref(), Some("nosniff"));
    assert_eq!(header("cache-control").as_deref(), Some("no-store"));
    assert!(header("content-security-policy").is_some_and(|policy| policy.starts_with("default-src 'self'")));
    assert!(header("server").is_none());
}

#[actix_web::test]
async fn a_key_that_is_none_is_refused_before_anything_else() {
    let app = app!();
    for (key, status, code) in [
        ("has space", 400, "invalid_idempotency_key"),
        (&*"k".repeat(129), 400, "invalid_idempotency_key"),
        ("a-good-key", 401, "not_authenticated"),
    ] {
        let request = TestRequest::post().uri("/api/v1/grants").insert_header(("idempotency-key", key));
        let answer = call_service(&app, request.to_request()).await;
        assert_eq!(answer.status(), status, "{key}");
        assert_eq!(problem(answer).await["code"], code);
    }
}
