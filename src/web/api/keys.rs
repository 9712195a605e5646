//! `/departments/{id}/keys` and `/keys`.

use actix_web::web::{Data, Json, Path};
use serde::Deserialize;

use crate::crypto::sign::KeyId;
use crate::domain::keys::KeyEndorsement;
use crate::ids::DepartmentId;
use crate::service::Node;
use crate::web::extract::{ApiBody, Body, Caller, Filter, Wait};
use crate::web::problem::Problem;

use super::catalog::Why;
use super::listing::{Fresh, Moment, fresh};
use super::views::Written;
use super::views::keys::DepartmentKeys;

/// How long the new key is good.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    #[serde(default)]
    valid_until: Option<Moment>,
}

impl ApiBody for Rotation {
    const SCHEMA: Option<&'static str> = Some("key_rotation");
}

impl ApiBody for KeyEndorsement {
    const SCHEMA: Option<&'static str> = Some("key_endorsement");
}

/// **Permissions**: everybody signed in.
pub async fn list(
    node: Data<Node>,
    _: Caller,
    id: Path<DepartmentId>,
    query: Filter<Fresh>,
) -> Result<Json<DepartmentKeys>, Problem> {
    fresh(&node, query.0.min_index).await?;
    Ok(Json(node.department_keys(&id)?.into()))
}

/// **Permissions**: admin.
pub async fn rotate(
    node: Data<Node>,
    caller: Caller,
    _: Wait,
    rotation: Body<Rotation>,
) -> Result<Json<Written>, Problem> {
    let valid_until = rotation.0.valid_until.map(|moment| moment.0);
    Ok(Json(node.rotate_keys(&caller.0, valid_until).await?.into()))
}

/// **Permissions**: admin.
pub async fn revoke(
    node: Data<Node>,
    caller: Caller,
    key: Path<KeyId>,
    _: Wait,
    why: Body<Why>,
) -> Result<Json<Written>, Problem> {
    Ok(Json(node.revoke_key(&caller.0, *key, why.0.reason).await?.into()))
}

/// **Permissions**: admin.
pub async fn endorse(
    node: Data<Node>,
    caller: Caller,
    _: Wait,
    word: Body<KeyEndorsement>,
) -> Result<Json<Written>, Problem> {
    Ok(Json(node.endorse_key(&caller.0, word.0).await?.into()))
}
