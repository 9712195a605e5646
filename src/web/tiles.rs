//! `/tiles`: the whole ledger as C2SP tlog-tiles, for programs that hold or verify all of it.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, Path};

use crate::ledger::tiles::Tile;
use crate::service::Node;

use super::extract::Caller;
use super::middleware::halted::halted;
use super::problem::Problem;

/// A tile never changes: one that is not whole has its width in its name.
const FOR_EVER: &str = "private, max-age=31536000, immutable";

/// Registers the tiles.
pub fn configure(config: &mut web::ServiceConfig) {
    let scope = web::scope("/tiles");
    config.service(
        scope
            .route("/checkpoint", web::get().to(checkpoint))
            .route("/{tile:.*}", web::get().to(tile))
            .wrap(from_fn(halted)),
    );
}

/// **Permissions**: everybody signed in.
async fn checkpoint(node: Data<Node>, _: Caller) -> Result<HttpResponse, Problem> {
    let note = node.log_checkpoint()?.encode();
    let kept = (header::CACHE_CONTROL, "no-cache");
    Ok(HttpResponse::Ok().insert_header(kept).content_type("text/plain; charset=utf-8").body(note))
}

/// **Permissions**: everybody signed in.
async fn tile(node: Data<Node>, _: Caller, path: Path<String>) -> Result<HttpResponse, Problem> {
    let wrong = |_| Problem::new("not_found").detail("no tile has such a path: see C2SP tlog-tiles");
    let tile: Tile = path.parse().map_err(wrong)?;
    let bytes = node.tile(tile).await?;
    let kept = (header::CACHE_CONTROL, FOR_EVER);
    Ok(HttpResponse::Ok().insert_header(kept).content_type("application/octet-stream").body(bytes))
}
