//! Systems that are known by their certificate.

use std::any::Any;

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;

use crate::crypto::tls::fingerprint;

/// The fingerprint of the certificate that a connection showed, whose key its other end has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemCertificate(pub String);

/// Reads the certificate of a fresh connection. The handshake has checked it against the department's authority.
pub fn identify_system(connection: &dyn Any, data: &mut Extensions) {
    let Some(stream) = connection.downcast_ref::<TlsStream<TcpStream>>() else { return };
    let (_, session) = stream.get_ref();
    if let Some(certificate) = session.peer_certificates().and_then(<[_]>::first) {
        data.insert(SystemCertificate(fingerprint(certificate)));
    }
}
