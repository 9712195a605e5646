//! What happens around every page: who asks, problems as pages, cookies that the page brings.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, header};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpResponse, ResponseError as _};

use crate::web::middleware::request_id::RequestId;
use crate::web::problem::Problem;
use crate::web::root::wants_json;

use super::cookies;
use super::desk::Desk;
use super::href::href;
use super::language;

/// The layer around the portal's pages.
///
/// # Errors
/// None of its own.
pub async fn frame(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let desk = match Desk::find(request.request()).await {
        Ok(desk) => desk,
        Err(problem) => {
            let bare = Desk::bare(request.request())?;
            let answer = ServiceResponse::new(request.request().clone(), problem.error_response());
            let response = problem_page(&bare, answer.request(), &problem);
            return Ok(answer.into_response(response));
        }
    };
    if let Some(page) = first_of_all(&desk, request.path()) {
        return Ok(request.into_response(desk.go(page)));
    }
    request.extensions_mut().insert(desk.clone());
    let asked = language::asked(request.request());
    let mut response = next.call(request).await?.map_into_boxed_body();
    if let Some(page) = page_instead(&desk, &response) {
        response = response.into_response(page);
    }
    let shown = !response.status().is_redirection() && response.request().method() == Method::GET;
    if desk.has_flash() && shown && !desk.partial {
        response.response_mut().add_cookie(&cookies::no_flash(desk.secure()))?;
    }
    if let Some(lang) = asked {
        response.response_mut().add_cookie(&cookies::lang(lang, desk.secure()))?;
    }
    Ok(response)
}

/// Where somebody is led who must do something before anything else.
fn first_of_all(desk: &Desk, path: &str) -> Option<&'static str> {
    desk.owes?;
    let is_free = path == "/account" || path.starts_with("/account/") || path == "/sign-out";
    (!is_free).then_some("/account")
}

/// The page of a handler's problem, for people; programs get the problem itself.
fn page_instead(desk: &Desk, response: &ServiceResponse<BoxBody>) -> Option<HttpResponse> {
    let problem = response.response().error()?.as_error::<Problem>()?;
    let request = response.request();
    // Where nothing lies, a browser asks for a page by name; others may be programs.
    let unmatched = request.match_pattern().is_none() && !accepts_html(request);
    if wants_json(request) || unmatched {
        return None;
    }
    Some(problem_page(desk, request, problem))
}

fn problem_page(desk: &Desk, request: &actix_web::HttpRequest, problem: &Problem) -> HttpResponse {
    if problem.code() == "not_authenticated" {
        let next = if request.method() == Method::GET && !desk.partial { desk.path() } else { "" };
        return desk.go(&href("/sign-in", &[("next", next)]));
    }
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone());
    let id = id.as_deref().unwrap_or_default();
    if let Some(cause) = problem.cause() {
        tracing::error!(code = problem.code(), cause, request_id = id, "a page failed by our own fault");
    }
    desk.problem(problem, problem.status_code(), id)
}

fn accepts_html(request: &actix_web::HttpRequest) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}
