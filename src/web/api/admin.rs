//! `/admin`: what was done with accounts and settings of this node.

use actix_web::web::{Data, Json};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::readmodel::local::ActKind;
use crate::readmodel::local::acts::ActFilter;
use crate::service::Node;
use crate::web::extract::{Caller, Filter};
use crate::web::problem::Problem;

use super::listing::{Moment, page};
use super::views::Page;
use super::views::admin::ActAnswer;

/// Filters of the log.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Of this kind.
    kind: Option<ActKind>,
    /// By or about this account, system or thing.
    about: Option<String>,
    /// At or after, RFC 3339.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Moment>,
    /// At or before, RFC 3339.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Moment>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items wanted, 1 to 200; 50 when left out.
    page_size: Option<u32>,
}

/// **Permissions**: admin.
pub async fn log(node: Data<Node>, caller: Caller, query: Filter<Search>) -> Result<Json<Page<ActAnswer>>, Problem> {
    let Search { kind, about, from, to, cursor, page_size } = query.0;
    let moment = |moment: Option<Moment>| moment.map(|moment| moment.0);
    let filter = ActFilter { kind, about, from: moment(from), to: moment(to), page: page(cursor, page_size) };
    let mut found: Page<ActAnswer> = node.acts(&caller.0, filter).await?.into();
    found.ledger_index = node.chain.size().saturating_sub(1);
    Ok(Json(found))
}
