//! `/tokens`: what lets departmental systems in, issued, replaced and ended.

use std::net::IpAddr;

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path};
use serde::Deserialize;

use crate::ids::EntryName;
use crate::readmodel::local::TokenTerms;
use crate::service::Node;
use crate::web::extract::{ApiBody, Body, Caller, Empty};
use crate::web::problem::Problem;

use super::listing::Moment;
use super::views::tokens::{TokenAnswer, TokenIssued};

const HOUR_MS: u64 = 3_600_000;
/// How long a token goes on beside the next one, unless the caller says otherwise.
const OVERLAP_HOURS: u64 = 24;

/// A system, and what its token is good for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issue {
    system: String,
    expires: Moment,
    #[serde(default)]
    submits: bool,
    #[serde(default)]
    entries: Vec<EntryName>,
    #[serde(default)]
    sources: Vec<IpAddr>,
}

impl ApiBody for Issue {
    const SCHEMA: Option<&'static str> = Some("token");
}

/// The end of the next token, and how long the present one goes on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenRotation {
    expires: Moment,
    #[serde(default)]
    overlap_hours: Option<u64>,
}

impl ApiBody for TokenRotation {
    const SCHEMA: Option<&'static str> = Some("token_rotation");
}

/// **Permissions**: admin.
pub async fn list(node: Data<Node>, caller: Caller) -> Result<Json<Vec<TokenAnswer>>, Problem> {
    let tokens = node.system_tokens(&caller.0).await?;
    Ok(Json(tokens.into_iter().map(TokenAnswer::from).collect()))
}

/// **Permissions**: admin.
pub async fn issue(node: Data<Node>, caller: Caller, issue: Body<Issue>) -> Result<HttpResponse, Problem> {
    let Issue { system, expires, submits, entries, sources } = issue.0;
    let terms = TokenTerms { expires: expires.0, submits, entries, sources };
    let (token, now) = (node.issue_token(&caller.0, &system, terms).await?, node.clock.now());
    let issued = TokenIssued { system, token, expires: expires.0.into(), previous_until: now.into() };
    Ok(HttpResponse::Created().json(issued))
}

/// **Permissions**: admin.
pub async fn rotate(
    node: Data<Node>,
    caller: Caller,
    system: Path<String>,
    rotation: Body<TokenRotation>,
) -> Result<Json<TokenIssued>, Problem> {
    let (system, expires) = (system.into_inner(), rotation.0.expires.0);
    let until = node.clock.now().plus(rotation.0.overlap_hours.unwrap_or(OVERLAP_HOURS) * HOUR_MS);
    let token = node.rotate_token(&caller.0, &system, (expires, until)).await?;
    Ok(Json(TokenIssued { system, token, expires: expires.into(), previous_until: until.into() }))
}

/// **Permissions**: admin.
pub async fn revoke(
    node: Data<Node>,
    caller: Caller,
    system: Path<String>,
    _: Body<Empty>,
) -> Result<HttpResponse, Problem> {
    node.revoke_token(&caller.0, &system).await?;
    Ok(HttpResponse::NoContent().finish())
}
