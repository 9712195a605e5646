//! `/departments`, their nodes, and `/cluster/voters`: who is in the city and in consensus.

use actix_web::web::{Data, Json, Path};
use serde::Deserialize;

use crate::crypto::sign::PublicKey;
use crate::domain::Text;
use crate::ids::DepartmentId;
use crate::service::Node;
use crate::service::membership::{NewDepartment, NodeWish};
use crate::web::extract::{ApiBody, Body, Caller, Empty, Wait};
use crate::web::problem::Problem;

use super::views::Written;
use super::views::membership::MembershipChange;

/// A department that is to join.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Newcomer {
    id: DepartmentId,
    name: Text,
    uscc: String,
    signing_key: PublicKey,
    sealing_key: String,
    #[serde(default)]
    node_id: Option<u64>,
}

impl ApiBody for Newcomer {
    const SCHEMA: Option<&'static str> = Some("new_department");
}

/// Where a node shall be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    #[serde(default)]
    node_id: Option<u64>,
    #[serde(default)]
    replace: bool,
    raft: String,
    peer: String,
}

impl ApiBody for Place {
    const SCHEMA: Option<&'static str> = Some("node");
}

/// Who shall vote.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Voters {
    departments: Vec<DepartmentId>,
}

impl ApiBody for Voters {
    const SCHEMA: Option<&'static str> = Some("voters");
}

/// **Permissions**: admin of the authority.
pub async fn register(
    node: Data<Node>,
    caller: Caller,
    _: Wait,
    newcomer: Body<Newcomer>,
) -> Result<Json<Written>, Problem> {
    let Newcomer { id, name, uscc, signing_key, sealing_key, node_id } = newcomer.0;
    let new = NewDepartment { id, name, uscc, signing_key, sealing_key, node_id };
    Ok(Json(node.register_department(&caller.0, new).await?.into()))
}

/// **Permissions**: admin of the authority; to move its own node, admin of the department.
pub async fn set_node(
    node: Data<Node>,
    caller: Caller,
    id: Path<DepartmentId>,
    _: Wait,
    place: Body<Place>,
) -> Result<Json<MembershipChange>, Problem> {
    let Place { node_id, replace, raft, peer } = place.0;
    let wish = NodeWish { node_id, replace, raft, peer };
    Ok(Json(node.set_node(&caller.0, id.into_inner(), wish).await?.into()))
}

/// **Permissions**: admin of the authority.
pub async fn remove_node(
    node: Data<Node>,
    caller: Caller,
    id: Path<DepartmentId>,
    _: Wait,
    _: Body<Empty>,
) -> Result<Json<MembershipChange>, Problem> {
    Ok(Json(node.remove_node(&caller.0, id.into_inner()).await?.into()))
}

/// **Permissions**: admin of the authority.
pub async fn set_voters(
    node: Data<Node>,
    caller: Caller,
    _: Wait,
    voters: Body<Voters>,
) -> Result<Json<MembershipChange>, Problem> {
    Ok(Json(node.set_voters(&caller.0, voters.0.departments).await?.into()))
}
