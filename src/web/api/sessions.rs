//! `/sessions`: sign in and out with user and password.

use actix_web::web::{Data, Json};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use serde::Deserialize;

use crate::service::Node;
use crate::web::extract::{ApiBody, Body, Caller, OwnSession, address};
use crate::web::problem::Problem;

use super::views::sessions::{Myself, SessionOpened};

/// User, password, and the code of a second factor where the account has one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    user: String,
    password: String,
    #[serde(default)]
    code: Option<String>,
}

impl ApiBody for SignIn {
    const SCHEMA: Option<&'static str> = Some("session");
}

/// **Permissions**: anybody who knows the password, and has the second factor where there is one.
pub async fn open(request: HttpRequest, node: Data<Node>, sign_in: Body<SignIn>) -> Result<HttpResponse, Problem> {
    let SignIn { user, password, code } = sign_in.0;
    let signed_in = node.sign_in_whole(&user, &password, code.as_deref(), address(&request)).await?;
    Ok(HttpResponse::Created().json(SessionOpened {
        token: signed_in.token,
        expires_at: signed_in.ends.into(),
        user: signed_in.principal.user,
        roles: signed_in.principal.roles.into_iter().collect(),
    }))
}

/// **Permissions**: everybody signed in.
pub async fn show(request: HttpRequest, node: Data<Node>, caller: Caller) -> Result<Json<Myself>, Problem> {
    let session = request.extensions().get::<OwnSession>().cloned();
    Ok(Json(Myself {
        user: caller.0.user,
        display: caller.0.display,
        roles: caller.0.roles.into_iter().collect(),
        department: node.department.clone(),
        csrf: session.as_ref().and_then(|session| session.csrf.clone()),
        expires_at: session.and_then(|session| session.ends).map(Into::into),
    }))
}

/// **Permissions**: the session itself. A system's token is not a session and is not ended.
pub async fn close(request: HttpRequest, node: Data<Node>, caller: Caller) -> Result<HttpResponse, Problem> {
    let session = request.extensions().get::<OwnSession>().cloned();
    if let Some(session) = session {
        node.leave(&caller.0, &session.token).await?;
    }
    Ok(HttpResponse::NoContent().finish())
}
