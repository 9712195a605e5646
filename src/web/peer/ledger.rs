//! `/peer/v1/ledger`: the ledger for other departments' nodes, which begin with it or mend theirs.

use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};

use crate::ids::DepartmentId;
use crate::service::Node;
use crate::service::copy::lend::Offer;
use crate::web::problem::Problem;

use super::{OCTETS, PeerDepartment};

fn peer(request: &HttpRequest) -> Result<DepartmentId, Problem> {
    let named = request.conn_data::<PeerDepartment>().cloned();
    let missing = || Problem::new("not_allowed").detail("the certificate names no department of this city");
    named.map(|PeerDepartment(peer)| peer).ok_or_else(missing)
}

/// What there is.
pub(super) async fn offer(request: HttpRequest, node: Data<Node>) -> Result<Json<Offer>, Problem> {
    Ok(Json(node.offer(&peer(&request)?)?))
}

/// Committed entries from one on.
pub(super) async fn entries(request: HttpRequest, node: Data<Node>, from: Path<u64>) -> Result<HttpResponse, Problem> {
    let entries = node.lend(&peer(&request)?, *from).await?;
    Ok(HttpResponse::Ok().content_type(OCTETS).body(entries))
}
