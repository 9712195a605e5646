//! `/departments` and `/cluster`.

use actix_web::web::{Data, Json};

use crate::service::Node;
use crate::web::extract::{Caller, Filter};
use crate::web::problem::Problem;

use super::listing::{Fresh, fresh};
use super::views::city::{Cluster, Departments};

/// **Permissions**: everybody signed in.
pub async fn departments(node: Data<Node>, _: Caller, query: Filter<Fresh>) -> Result<Json<Departments>, Problem> {
    fresh(&node, query.0.min_index).await?;
    let items = node.departments().into_iter().map(Into::into).collect();
    Ok(Json(Departments { items, next_cursor: None, ledger_index: node.chain.size().saturating_sub(1) }))
}

/// **Permissions**: everybody signed in.
pub async fn cluster(node: Data<Node>, _: Caller, _: Filter<Fresh>) -> Result<Json<Cluster>, Problem> {
    Ok(Json(node.cluster().into()))
}
