//! `/policy`: the city's rules, what they were, and the way to other ones: two signatures of two departments.

use actix_web::web::{Data, Json, Path};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::crypto::digest::Hash;
use crate::ids::TxId;
use crate::service::policy::PolicyCheck;
use crate::service::{Node, Principal};
use crate::web::extract::{ApiBody, Body, Caller, Filter, Wait};
use crate::web::problem::Problem;

use super::catalog::Why;
use super::views::Written;
use super::views::policy::{PolicyAnswer, PolicyCheckAnswer, PolicyVersions, ProposalAnswer, ProposalsAnswer};

/// Which version of the rules.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// The one in force when left out.
    version: Option<u64>,
}

/// A model and its rules.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Texts {
    model: String,
    rules: String,
}

impl ApiBody for Texts {
    const SCHEMA: Option<&'static str> = Some("policy");
}

/// A model and its rules, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    model: String,
    rules: String,
    note: String,
}

impl ApiBody for Proposal {
    const SCHEMA: Option<&'static str> = Some("policy_proposal");
}

/// An earlier version to go back to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rollback {
    #[serde(default)]
    version: Option<u64>,
    #[serde(default)]
    note: Option<String>,
}

impl ApiBody for Rollback {
    const SCHEMA: Option<&'static str> = Some("policy_rollback");
    const OPTIONAL: bool = true;
}

/// What was looked at before it is confirmed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    digest: Hash,
}

impl ApiBody for Confirmation {
    const SCHEMA: Option<&'static str> = Some("policy_confirmation");
}

/// **Permissions**: everybody signed in: rules that bind all are known to all.
pub async fn show(node: Data<Node>, _: Caller, which: Filter<Which>) -> Result<Json<PolicyAnswer>, Problem> {
    Ok(Json(node.policy_document(which.0.version)?.into()))
}

/// **Permissions**: everybody signed in.
pub async fn versions(node: Data<Node>, _: Caller) -> Result<Json<PolicyVersions>, Problem> {
    Ok(Json(PolicyVersions { items: node.policy_history().iter().map(Into::into).collect() }))
}

/// **Permissions**: everybody signed in. Writes nothing.
pub async fn check(
    node: Data<Node>,
    caller: Caller,
    wait: Wait,
    texts: Body<Texts>,
) -> Result<Json<PolicyCheckAnswer>, Problem> {
    wait.without_anchor()?;
    let check = node.check_policy(&texts.0.model, &texts.0.rules)?;
    Ok(Json(effect(&node, &caller.0, check).await))
}

/// **Permissions**: everybody signed in.
pub async fn proposals(node: Data<Node>, caller: Caller) -> Result<Json<ProposalsAnswer>, Problem> {
    let mut items = Vec::new();
    if let Some(view) = node.policy_proposal()? {
        let effect = effect(&node, &caller.0, view.check.clone()).await;
        items.push(ProposalAnswer { effect, ..view.into() });
    }
    Ok(Json(ProposalsAnswer { items }))
}

async fn effect(node: &Node, who: &Principal, check: PolicyCheck) -> PolicyCheckAnswer {
    // Whom the accesses do not concern is told the rest.
    let shadow = node.shadow(who, &check.document).await.ok().map(Into::into);
    PolicyCheckAnswer { shadow, ..check.into() }
}

/// **Permissions**: admin of the authority.
pub async fn propose(
    node: Data<Node>,
    caller: Caller,
    _: Wait,
    proposal: Body<Proposal>,
) -> Result<Json<Written>, Problem> {
    let Proposal { model, rules, note } = proposal.0;
    Ok(Json(node.propose_policy(&caller.0, &model, &rules, note).await?.into()))
}

/// **Permissions**: admin of the authority.
pub async fn roll_back(
    node: Data<Node>,
    caller: Caller,
    _: Wait,
    rollback: Body<Rollback>,
) -> Result<Json<Written>, Problem> {
    let Rollback { version, note } = rollback.0;
    Ok(Json(node.rollback_policy(&caller.0, version, note).await?.into()))
}

/// **Permissions**: admin of the auditing department.
pub async fn confirm(
    node: Data<Node>,
    caller: Caller,
    id: Path<TxId>,
    _: Wait,
    confirmation: Body<Confirmation>,
) -> Result<Json<Written>, Problem> {
    Ok(Json(node.confirm_policy(&caller.0, *id, confirmation.0.digest).await?.into()))
}

/// **Permissions**: admin of the auditing department, or of the authority.
pub async fn reject(
    node: Data<Node>,
    caller: Caller,
    id: Path<TxId>,
    _: Wait,
    reason: Body<Why>,
) -> Result<Json<Written>, Problem> {
    Ok(Json(node.reject_policy(&caller.0, *id, reason.0.reason).await?.into()))
}
