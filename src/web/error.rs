//! Why the web does not start or does not go on.

use std::net::SocketAddr;

use crate::crypto::CryptoError;

/// The web's own errors.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// An address cannot be listened at.
    #[error("cannot listen for {what} at {address}: {cause}")]
    Listen {
        /// What for.
        what: &'static str,
        /// Where.
        address: SocketAddr,
        /// What the system said.
        cause: std::io::Error,
    },
    /// Certificates.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// Counters.
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// A server ended with an error.
    #[error("the web ended: {0}")]
    Server(#[from] std::io::Error),
}
