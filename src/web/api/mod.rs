//! The HTTP API under `/api/v1`: one file a resource, one list of all routes.

mod accounts;
mod admin;
mod audit;
pub mod backup;
mod cases;
mod catalog;
pub mod catalog_files;
mod certificates;
mod city;
pub mod dcat;
#[cfg(test)]
mod exact_tests;
mod grant_templates;
mod grants;
mod keys;
mod ledger;
mod listing;
mod membership;
pub mod operation;
mod policy;
mod queries;
mod query_batch;
mod query_stream;
pub mod routes;
mod sessions;
mod settings;
mod tokens;
pub mod views;

pub use certificates::download;
pub use query_stream::NDJSON;

use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, web};

use super::extract::path_problem;
use super::middleware::anchored::anchored;
use super::middleware::fresh::fresh;
use super::middleware::halted::halted;
use super::middleware::idempotency::idempotent;
use super::middleware::room::room;
use super::problem::Problem;

/// Where the API lies.
pub const BASE: &str = "/api/v1";

/// Registers every route of the API.
pub fn configure(config: &mut web::ServiceConfig) {
    let mut scope = web::scope(BASE);
    // The router tries one path after the other: those that systems call a thousand times a second come first.
    let (often, others): (Vec<_>, Vec<_>) = routes::paths().partition(|path| path.starts_with("/query/"));
    for path in often.into_iter().chain(others) {
        let mut resource = web::resource(path);
        for operation in routes::of_path(path) {
            resource = resource.route((operation.handler)());
        }
        let methods = routes::of_path(path).map(|operation| operation.method).collect::<Vec<_>>().join(", ");
        resource = resource.default_service(web::to(move || not_that_method(methods.clone())));
        scope = scope.service(resource);
    }
    let scope = scope
        .app_data(web::PathConfig::default().error_handler(path_problem))
        .default_service(web::to(unknown))
        .wrap(from_fn(anchored))
        .wrap(from_fn(fresh))
        // Outside: what is kept under a key is what was answered in the end.
        .wrap(from_fn(idempotent))
        .wrap(from_fn(room))
        .wrap(from_fn(halted));
    config.service(scope);
}

async fn not_that_method(methods: String) -> Result<HttpResponse, Problem> {
    Err(Problem::new("method_not_allowed").detail(format!("this address knows {methods}")).allow(methods))
}

/// The answer where nothing lies.
pub async fn unknown(request: HttpRequest) -> Result<HttpResponse, Problem> {
    // The path is the caller's own text: it is shown cut, and only to them.
    let path: String = request.path().chars().take(120).collect();
    Err(Problem::new("not_found").detail(format!("nothing lies at {path}: see /openapi.json")))
}
