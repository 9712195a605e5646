//! One's own account: password, second factor, sessions.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError as _};

use crate::domain::Role;
use crate::readmodel::local::SessionView;
use crate::readmodel::local::sessions::session_id;
use crate::service::ServiceError;
use crate::service::sign_in::{Owes, SignedIn};
use crate::web::problem::Problem;

use super::cookies;
use super::desk::Visitor;
use super::form::Posted;
use super::render::Answer;
use super::views::account::{Account, RecoveryCodes, SecondFactor, SessionRow};
use super::views::{Fault, Faults};

/// The page.
pub async fn show(visitor: Visitor) -> Answer {
    page(&visitor, StatusCode::OK, Faults::default()).await
}

async fn page(visitor: &Visitor, status: StatusCode, faults: Faults) -> Answer {
    let own = visitor.node.own_account(&visitor.who).await?;
    let here = visitor.token.as_deref().map(session_id).unwrap_or_default();
    let since = own.second_factor.as_ref().and_then(|found| found.confirmed);
    let view = Account {
        page: visitor.page_at("/account"),
        t: visitor.t,
        owes: match visitor.owes {
            None => "",
            Some(Owes::Password) => "password",
            Some(Owes::SecondFactor) => "second_factor",
        },
        second_factor: match &own.second_factor {
            None => "none",
            Some(found) if found.confirmed.is_none() => "pending",
            Some(_) => "set",
        },
        since: since.map(|at| at.local_text()).unwrap_or_default(),
        recovery_left: own.second_factor.map_or(0, |found| found.recovery_left),
        required: own.is_required && (visitor.is(Role::Reviewer) || visitor.is(Role::Admin)),
        sessions: own.sessions.into_iter().map(|session| row(session, &here)).collect(),
        faults,
    };
    visitor.show_as(status, &view)
}

fn row(session: SessionView, here: &str) -> SessionRow {
    SessionRow {
        here: session.id == here,
        id: session.id,
        created: session.created.local_text(),
        last_seen: session.last_seen.local_text(),
        from: session.from.map(|from| from.to_string()).unwrap_or_default(),
    }
}

/// Takes a new password.
pub async fn change_password(Posted { visitor, form }: Posted) -> Answer {
    let (old, new) = (form.raw("old"), form.raw("new"));
    if new != form.raw("again") {
        let mut faults = Faults::default();
        faults.add(visitor.t, "again", "account-again", "not_same");
        return page(&visitor, StatusCode::UNPROCESSABLE_ENTITY, faults).await;
    }
    match visitor.node.change_password(&visitor.who, old, new).await {
        Ok(signed_in) => renewed(&visitor, "password_changed", signed_in),
        Err(error) => {
            let field = if matches!(error, ServiceError::Conflict { .. }) { "new" } else { "old" };
            again(&visitor, field, error).await
        }
    }
}

/// Begins to set a second factor up.
pub async fn begin_second_factor(Posted { visitor, form }: Posted) -> Answer {
    match visitor.node.begin_second_factor(&visitor.who, form.raw("password")).await {
        Ok(()) => Ok(visitor.go("/account/second-factor")),
        Err(error) => again(&visitor, "begin-password", error).await,
    }
}

/// What the device needs.
pub async fn second_factor(visitor: Visitor) -> Answer {
    enrolment(&visitor, StatusCode::OK, Faults::default()).await
}

async fn enrolment(visitor: &Visitor, status: StatusCode, faults: Faults) -> Answer {
    let Some(found) = visitor.node.enrolment(&visitor.who).await? else { return Ok(visitor.go("/account")) };
    let page = visitor.page_at("/account/second-factor");
    visitor.show_as(status, &SecondFactor { page, t: visitor.t, secret: found.secret, qr: found.qr, faults })
}

/// Has it asked for from now on, and shows the recovery codes once.
pub async fn confirm_second_factor(Posted { visitor, form }: Posted) -> Answer {
    let (signed_in, codes) = match visitor.node.confirm_second_factor(&visitor.who, form.get("code")).await {
        Ok(done) => done,
        Err(error) => {
            let (status, faults) = told(&visitor, "code", error)?;
            return enrolment(&visitor, status, faults).await;
        }
    };
    let mut page = visitor.page_at("/account");
    page.csrf.clone_from(&signed_in.csrf);
    let mut response = visitor.show(&RecoveryCodes { page, t: visitor.t, codes })?;
    with_session(&visitor, &mut response, signed_in)?;
    Ok(response)
}

/// Removes it.
pub async fn remove_second_factor(Posted { visitor, form }: Posted) -> Answer {
    let (password, code) = (form.raw("password"), form.get("code"));
    match visitor.node.remove_second_factor(&visitor.who, password, code).await {
        Ok(signed_in) => renewed(&visitor, "second_factor_removed", signed_in),
        Err(error) => {
            let is_code = matches!(error, ServiceError::NotAllowed { code: "wrong_code", .. });
            again(&visitor, if is_code { "remove-code" } else { "remove-password" }, error).await
        }
    }
}

/// Ends one session of the list.
pub async fn end_session(Posted { visitor, form }: Posted) -> Answer {
    visitor.node.end_own_session(&visitor.who, form.get("session")).await?;
    visitor.done("/account", "session_ended", None)
}

/// Ends all others.
pub async fn end_other_sessions(Posted { visitor, .. }: Posted) -> Answer {
    let signed_in = visitor.node.end_other_sessions(&visitor.who).await?;
    renewed(&visitor, "session_ended", signed_in)
}

/// Back to the page, under the session in place of the old one.
fn renewed(visitor: &Visitor, flash: &str, signed_in: SignedIn) -> Answer {
    let mut response = visitor.done("/account", flash, None)?;
    with_session(visitor, &mut response, signed_in)?;
    Ok(response)
}

fn with_session(visitor: &Visitor, response: &mut HttpResponse, signed_in: SignedIn) -> Result<(), Problem> {
    response.add_cookie(&cookies::session(&visitor.node, signed_in.token)).map_err(Problem::internal)
}

/// The page again, with what is wrong.
async fn again(visitor: &Visitor, field: &str, error: ServiceError) -> Answer {
    let (status, faults) = told(visitor, field, error)?;
    page(visitor, status, faults).await
}

/// What is wrong, where the person can mend it; other errors are errors.
fn told(visitor: &Visitor, field: &str, error: ServiceError) -> Result<(StatusCode, Faults), Problem> {
    let mends = match &error {
        ServiceError::WrongPassword | ServiceError::Locked { .. } => true,
        ServiceError::NotAllowed { code, .. } => *code == "wrong_code",
        ServiceError::Conflict { code, .. } => *code == "password_unfit",
        _ => false,
    };
    let problem = Problem::from(error);
    if !mends {
        return Err(problem);
    }
    let message = visitor.t.word("problem", problem.code());
    Ok((problem.status_code(), Faults(vec![Fault { field: field.to_owned(), message }])))
}
