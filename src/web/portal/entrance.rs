//! Coming in and going out.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, ResponseError as _};

use crate::service::ServiceError;
use crate::service::sign_in::{Entered, SignedIn};
use crate::web::problem::Problem;

use super::cookies;
use super::desk::Desk;
use super::form::{Posted, PostedByGuest};
use super::href::{href, safe_next};
use super::render::Answer;
use super::views::entrance::{SignIn, SignInCode};
use super::views::{Fault, Faults};

/// The form.
pub async fn sign_in(desk: Desk) -> Answer {
    let next = safe_next(desk.query.get("next"));
    if desk.who.is_some() {
        return Ok(desk.go(next));
    }
    form(&desk, StatusCode::OK, "", next, Faults::default())
}

fn form(desk: &Desk, status: StatusCode, user: &str, next: &str, faults: Faults) -> Answer {
    let mut page = desk.page_at(&href("/sign-in", &[("next", next)]));
    let fresh = if page.csrf.is_empty() { cookies::new_guest(desk.secure()) } else { None };
    if let Some((secret, _)) = &fresh {
        page.csrf.clone_from(secret);
    }
    let view = SignIn { page, t: desk.t, user: user.to_owned(), next: next.to_owned(), faults };
    let mut response = desk.show_as(status, &view)?;
    if let Some((_, cookie)) = fresh {
        response.add_cookie(&cookie).map_err(Problem::internal)?;
    }
    Ok(response)
}

/// Checks user and password. A session that the browser had before ends.
pub async fn enter(PostedByGuest { desk, form: sent }: PostedByGuest) -> Answer {
    let (user, next) = (sent.get("user"), safe_next(sent.get("next")));
    match desk.node.sign_in(user, sent.raw("password"), desk.from).await {
        Ok(Entered::In(signed_in)) => come_in(&desk, next, signed_in).await,
        Ok(Entered::Code(secret)) => {
            let mut response = desk.go(&href("/sign-in/code", &[("next", next)]));
            let cookie = cookies::with_step(secret, desk.secure());
            response.add_cookie(&cookie).map_err(Problem::internal)?;
            Ok(response)
        }
        Err(error) if is_refusal(&error) => {
            let field = if matches!(error, ServiceError::Locked { .. }) { "user" } else { "password" };
            refused(&desk, field, error, |status, faults| form(&desk, status, user, next, faults))
        }
        Err(error) => Err(error.into()),
    }
}

async fn come_in(desk: &Desk, next: &str, signed_in: SignedIn) -> Answer {
    if let Some(old) = &desk.token {
        desk.node.sign_out(old).await?;
    }
    let mut response = desk.go(next);
    for cookie in [cookies::session(&desk.node, signed_in.token), cookies::no_step(desk.secure())] {
        response.add_cookie(&cookie).map_err(Problem::internal)?;
    }
    Ok(response)
}

/// The question for a code.
pub async fn code(request: HttpRequest, desk: Desk) -> Answer {
    let next = safe_next(desk.query.get("next"));
    if cookies::step(&request).is_none() || desk.csrf.is_empty() {
        return Ok(desk.go(&href("/sign-in", &[("next", next)])));
    }
    code_form(&desk, StatusCode::OK, next, Faults::default())
}

fn code_form(desk: &Desk, status: StatusCode, next: &str, faults: Faults) -> Answer {
    let page = desk.page_at(&href("/sign-in/code", &[("next", next)]));
    desk.show_as(status, &SignInCode { page, t: desk.t, next: next.to_owned(), faults })
}

/// Checks the code.
pub async fn enter_code(request: HttpRequest, PostedByGuest { desk, form: sent }: PostedByGuest) -> Answer {
    let next = safe_next(sent.get("next"));
    let secret = cookies::step(&request).unwrap_or_default();
    match desk.node.sign_in_code(&secret, sent.get("code"), desk.from).await {
        Ok(signed_in) => come_in(&desk, next, signed_in).await,
        Err(error) if is_refusal(&error) => {
            refused(&desk, "code", error, |status, faults| code_form(&desk, status, next, faults))
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether the form is shown again with what is wrong.
fn is_refusal(error: &ServiceError) -> bool {
    match error {
        ServiceError::WrongPassword | ServiceError::Locked { .. } => true,
        ServiceError::NotAllowed { code, .. } => matches!(*code, "wrong_code" | "sign_in_expired" | "account_disabled"),
        _ => false,
    }
}

fn refused(desk: &Desk, field: &str, error: ServiceError, form: impl FnOnce(StatusCode, Faults) -> Answer) -> Answer {
    let wait = match &error {
        ServiceError::Locked { seconds } => Some(*seconds),
        _ => None,
    };
    let problem = Problem::from(error);
    let mut message = desk.t.word("problem", problem.code());
    if let Some(detail) = problem.own_detail(desk.language()).filter(|_| wait.is_some()) {
        message = format!("{message}{}{detail}", desk.t.say("colon"));
    }
    let faults = Faults(vec![Fault { field: field.to_owned(), message }]);
    let mut response: HttpResponse = form(problem.status_code(), faults)?;
    if let Some(seconds) = wait {
        response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from(seconds.max(1)));
    }
    Ok(response)
}

/// Ends the session.
pub async fn leave(Posted { visitor, .. }: Posted) -> Answer {
    if let Some(token) = &visitor.token {
        visitor.node.leave(&visitor.who, token).await?;
    }
    let mut response = visitor.done("/sign-in", "signed_out", None)?;
    response.add_cookie(&cookies::no_session(&visitor.node)).map_err(Problem::internal)?;
    Ok(response)
}
