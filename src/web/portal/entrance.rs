//! Coming in and going out.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};

use crate::service::ServiceError;
use crate::web::problem::Problem;

use super::cookies;
use super::desk::Desk;
use super::form::{Posted, PostedByGuest};
use super::href::{href, safe_next};
use super::render::Answer;
use super::views::entrance::SignIn;
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
    let signed_in = match desk.node.sign_in(user, sent.raw("password")).await {
        Ok(signed_in) => signed_in,
        Err(error @ (ServiceError::WrongPassword | ServiceError::Locked { .. })) => {
            return refused(&desk, user, next, error);
        }
        Err(error) => return Err(error.into()),
    };
    if let Some(old) = &desk.token {
        desk.node.sign_out(old).await?;
    }
    let mut response = desk.go(next);
    let cookie = cookies::session(&desk.node, signed_in.token);
    response.add_cookie(&cookie).map_err(Problem::internal)?;
    Ok(response)
}

fn refused(desk: &Desk, user: &str, next: &str, error: ServiceError) -> Answer {
    let wait = match &error {
        ServiceError::Locked { seconds } => Some(*seconds),
        _ => None,
    };
    let status = if wait.is_some() { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::UNAUTHORIZED };
    let problem = Problem::from(error);
    let mut message = desk.t.word("problem", problem.code());
    if let Some(detail) = problem.own_detail(desk.language()) {
        message = format!("{message}{}{detail}", desk.t.say("colon"));
    }
    let field = if wait.is_some() { "user" } else { "password" };
    let faults = Faults(vec![Fault { field: field.to_owned(), message }]);
    let mut response: HttpResponse = form(desk, status, user, next, faults)?;
    if let Some(seconds) = wait {
        response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from(seconds.max(1)));
    }
    Ok(response)
}

/// Ends the session.
pub async fn leave(Posted { visitor, .. }: Posted) -> Answer {
    if let Some(token) = &visitor.token {
        visitor.node.sign_out(token).await?;
    }
    let mut response = visitor.done("/sign-in", "signed_out", None)?;
    response.add_cookie(&cookies::no_session(&visitor.node)).map_err(Problem::internal)?;
    Ok(response)
}
