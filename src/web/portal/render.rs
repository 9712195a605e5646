//! From views to answers: pages, parts of pages, the way to the next page, and what went wrong.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use askama::Template;

use crate::ids::TxId;
use crate::web::language::Language;
use crate::web::problem::Problem;

use super::cookies;
use super::desk::Desk;
use super::told::told_of;
use super::views::Page;
use super::views::entrance::ErrorPage;
use super::words::Lang;

/// What a handler of the portal answers.
pub type Answer = Result<HttpResponse, Problem>;

/// The status of a form that must be corrected.
pub const FAULTY: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

const HTML: &str = "text/html; charset=utf-8";

impl Desk {
    /// Shows a view.
    ///
    /// # Errors
    /// `internal`, when the template fails.
    pub fn show(&self, view: &impl Template) -> Answer {
        self.show_as(StatusCode::OK, view)
    }

    /// Shows a view under a status, such as a form with its faults under 422.
    ///
    /// # Errors
    /// `internal`, when the template fails.
    pub fn show_as(&self, status: StatusCode, view: &impl Template) -> Answer {
        let html = view.render().map_err(Problem::internal)?;
        Ok(self.answer(status, html, self.partial && !status.is_success()))
    }

    /// Shows a whole page also to htmx, which asked for a part of it.
    ///
    /// # Errors
    /// `internal`, when the template fails.
    pub fn show_whole(&self, status: StatusCode, view: &impl Template) -> Answer {
        let html = view.render().map_err(Problem::internal)?;
        Ok(self.answer(status, html, self.partial))
    }

    fn answer(&self, status: StatusCode, html: String, retarget: bool) -> HttpResponse {
        // htmx leaves the page as it is on 4xx and 5xx: what it must show comes as 200.
        let status = if retarget { StatusCode::OK } else { status };
        let mut response = HttpResponse::build(status);
        response.content_type(HTML).insert_header((header::CONTENT_LANGUAGE, self.lang().tag()));
        response.insert_header((header::VARY, "HX-Request"));
        if retarget {
            response.insert_header(("hx-retarget", "body")).insert_header(("hx-reswap", "innerHTML"));
        }
        response.body(html)
    }

    /// Leads to another page, with a word about what was done.
    ///
    /// # Errors
    /// None.
    pub fn done(&self, href: &str, flash: &str, transaction: Option<TxId>) -> Answer {
        let mut response = self.go(href);
        let cookie = cookies::with_flash(flash, transaction, self.secure());
        if response.add_cookie(&cookie).is_err() {
            tracing::warn!(flash, "a cookie was not set");
        }
        Ok(response)
    }

    /// Leads to another page.
    pub fn go(&self, href: &str) -> HttpResponse {
        if self.partial {
            return HttpResponse::Ok().insert_header(("hx-redirect", href)).finish();
        }
        HttpResponse::SeeOther().insert_header((header::LOCATION, href)).finish()
    }

    /// Whether cookies are for HTTPS only.
    pub fn secure(&self) -> bool {
        self.node.config.web.cookie_secure()
    }

    /// The page of a problem.
    pub fn problem(&self, problem: &Problem, status: StatusCode, request_id: &str) -> HttpResponse {
        let language = self.language();
        let reasons: Vec<String> = problem.reasons().iter().map(|reason| reason.code.clone()).collect();
        let faults = problem.errors().iter().map(|fault| told_of(self.t, fault)).collect::<Vec<_>>().join(" ");
        let detail = match problem.own_detail(language) {
            // Reasons say it already.
            Some(detail) if reasons.is_empty() => detail.to_owned(),
            _ => faults,
        };
        let view = ErrorPage {
            page: Page { flashes: Vec::new(), ..self.page() },
            t: self.t,
            status: status.as_u16(),
            code: problem.code().to_owned(),
            title: problem.title(language).to_owned(),
            detail,
            reasons,
            request_id: request_id.to_owned(),
        };
        match view.render() {
            Ok(html) => self.answer(status, html, self.partial),
            Err(error) => {
                tracing::error!(%error, "the page of a problem cannot be shown");
                HttpResponse::InternalServerError().finish()
            }
        }
    }

    /// The language of problems.
    pub fn language(&self) -> Language {
        match self.lang() {
            Lang::Zh => Language::Zh,
            Lang::En => Language::En,
        }
    }
}
