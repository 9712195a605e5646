//! One id a request: in the log, in the answer's header and in a problem's body.

use std::sync::Arc;

use actix_web::http::header::{HeaderMap, HeaderName};

use crate::clock::Millis;
use crate::ids::TxId;

/// The header in which an id comes and goes.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const CHARS_MAX: usize = 64;

/// A request's id, in the request's extensions.
#[derive(Clone, Debug)]
pub struct RequestId(pub Arc<str>);

impl RequestId {
    /// The caller's id when it is harmless in logs and headers, else a fresh UUID of version 7.
    pub fn of(headers: &HeaderMap, now: Millis) -> Self {
        let sent = headers.get(X_REQUEST_ID).and_then(|value| value.to_str().ok()).filter(|id| is_sane(id));
        Self(sent.map_or_else(|| TxId::new(now).to_string().into(), Into::into))
    }
}

fn is_sane(id: &str) -> bool {
    (8..=CHARS_MAX).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn id(sent: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(X_REQUEST_ID, HeaderValue::from_str(sent).unwrap());
        RequestId::of(&headers, Millis(1_795_000_000_000)).0.to_string()
    }

    #[test]
    fn a_harmless_id_is_kept_and_another_replaced() {
        assert_eq!(id("trace-0001"), "trace-0001");
        for strange in ["short", "has space in it", "<script>alert(1)</script>", &"a".repeat(65)] {
            assert!(id(strange).parse::<TxId>().is_ok(), "{strange} was kept");
        }
    }
}
