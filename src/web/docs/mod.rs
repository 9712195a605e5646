//! `/docs`: a page to try calls (Swagger UI, Apache-2.0, vendored by `utoipa-swagger-ui`).

use std::sync::{Arc, LazyLock};

use actix_web::http::header;
use actix_web::web::{self, Path};
use actix_web::{HttpRequest, HttpResponse};
use utoipa_swagger_ui::{Config, serve};

use super::problem::Problem;

const INDEX: &str = include_str!("index.html");
const START: &str = include_str!("start.js");

static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| Arc::new(Config::new(["/openapi.json"])));

/// Registers the page.
pub fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/docs", web::get().to(|| async { page() }))
        .route("/docs/", web::get().to(|| async { page() }))
        .route("/docs/{file}", web::get().to(file));
}

fn page() -> HttpResponse {
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(INDEX)
}

async fn file(request: HttpRequest, name: Path<String>) -> Result<HttpResponse, Problem> {
    match name.as_str() {
        "index.html" => return Ok(page()),
        "start.js" => return Ok(HttpResponse::Ok().content_type("text/javascript; charset=utf-8").body(START)),
        _ => {}
    }
    match serve(&name, CONFIG.clone()) {
        Ok(Some(found)) => Ok(HttpResponse::Ok()
            .content_type(found.content_type)
            .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
            .body(found.bytes.into_owned())),
        Ok(None) => super::root::unknown(request).await,
        Err(error) => Err(Problem::internal(error)),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{App, test};

    use super::*;

    #[actix_web::test]
    async fn the_page_has_all_its_files() {
        let app = test::init_service(App::new().configure(configure)).await;
        for path in ["/docs", "/docs/", "/docs/start.js", "/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js"] {
            let answer = test::call_service(&app, test::TestRequest::get().uri(path).to_request()).await;
            assert_eq!(answer.status(), 200, "{path}");
        }
        let none = test::call_service(&app, test::TestRequest::get().uri("/docs/none.js").to_request()).await;
        assert_eq!(none.status(), 404);
        assert!(!INDEX.contains("<script>"), "the policy forbids inline scripts");
    }
}
