//! What other nodes reach over mutual TLS: their queries, and the ledger for those that lack it. Who calls is what their certificate says.

mod ledger;

use std::any::Any;

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::dev::Extensions;
use actix_web::http::header;
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};

use crate::crypto::tls::peer_department;
use crate::exchange::REQUEST_BYTES_MAX;
use crate::ids::DepartmentId;
use crate::service::Node;

use super::extract::read_bytes;
use super::middleware::halted::halted;
use super::problem::Problem;

const OCTETS: &str = "application/octet-stream";

/// The department whose node holds this connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerDepartment(pub DepartmentId);

/// Reads the certificate of a fresh connection. The handshake has checked it; one without a certificate of the city
/// never comes here.
pub fn identify(connection: &dyn Any, data: &mut Extensions) {
    let Some(stream) = connection.downcast_ref::<TlsStream<TcpStream>>() else { return };
    let (_, session) = stream.get_ref();
    let Some(certificate) = session.peer_certificates().and_then(<[_]>::first) else { return };
    match peer_department(certificate) {
        Ok(department) => drop(data.insert(PeerDepartment(department))),
        Err(error) => tracing::warn!(%error, "a peer's certificate names no department"),
    }
}

/// Registers what peers reach.
pub fn configure(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/peer/v1/query").route(web::post().to(query)).wrap(from_fn(halted)))
        .service(web::resource("/peer/v1/ledger").route(web::get().to(ledger::offer)).wrap(from_fn(halted)))
        .service(
            web::resource("/peer/v1/ledger/entries/{from}").route(web::get().to(ledger::entries)).wrap(from_fn(halted)),
        )
        .default_service(web::to(super::root::unknown));
}

/// Answers a sealed request with a sealed answer. Papers of a case are asked for in the same way.
async fn query(request: HttpRequest, node: Data<Node>, payload: web::Payload) -> Result<HttpResponse, Problem> {
    let Some(PeerDepartment(peer)) = request.conn_data::<PeerDepartment>().cloned() else {
        return Err(Problem::new("not_allowed").detail("the certificate names no department of this city"));
    };
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if content_type != Some(OCTETS) {
        return Err(Problem::new("unsupported_media_type").detail(format!("send {OCTETS}")));
    }
    let sealed = read_bytes(payload.into_inner(), REQUEST_BYTES_MAX).await?;
    let answer = node.exchange.serve(peer, sealed.to_vec()).await;
    Ok(HttpResponse::Ok().content_type(OCTETS).body(answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_without_tls_has_no_department() {
        let mut data = Extensions::new();
        identify(&(), &mut data);
        assert!(data.get::<PeerDepartment>().is_none());
    }
}
