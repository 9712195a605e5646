//! JSON bodies: bounded, read once, checked against their schema before they are believed.

use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::domain::schema::{Fault, Schema, api_body};
use crate::web::problem::Problem;

use super::LocalFuture;

/// The longest body of the API, in bytes.
pub const BODY_BYTES_MAX: usize = 256 * 1024;
/// How long a body may take to arrive.
const BODY_TIME_MAX: Duration = Duration::from_secs(15);

/// What may stand in a body.
pub trait ApiBody: DeserializeOwned + 'static {
    /// Name of its schema in `schemas/api/`; none when the use case itself checks the document.
    const SCHEMA: Option<&'static str>;
    /// Whether the body may be left out, which then means `{}`.
    const OPTIONAL: bool = false;
}

/// A body that has been read and checked.
#[derive(Debug)]
pub struct Body<T>(pub T);

/// A body that says nothing: absent, or `{}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Empty {}

impl ApiBody for Empty {
    const SCHEMA: Option<&'static str> = Some("empty");
    const OPTIONAL: bool = true;
}

impl<T: ApiBody> FromRequest for Body<T> {
    type Error = Problem;
    type Future = LocalFuture<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let typed = is_json(request);
        let payload = payload.take();
        Box::pin(async move {
            let bytes = read_bytes(payload, BODY_BYTES_MAX).await?;
            if bytes.is_empty() && T::OPTIONAL {
                return read::<T>(b"{}").map(Self);
            }
            if !typed {
                return Err(Problem::new("unsupported_media_type"));
            }
            read::<T>(&bytes).map(Self)
        })
    }
}

/// Reads a whole body.
///
/// # Errors
/// `too_large`, `request_timeout`, or `malformed` when the connection breaks.
pub async fn read_bytes(payload: Payload, max: usize) -> Result<web::Bytes, Problem> {
    let read = tokio::time::timeout(BODY_TIME_MAX, read_parts(payload, max)).await;
    read.unwrap_or_else(|_| Err(Problem::new("request_timeout")))
}

async fn read_parts(mut payload: Payload, max: usize) -> Result<web::Bytes, Problem> {
    // Most bodies come in one part, which is taken as it is: a buffer of actix' own would be 32 KiB for each request.
    let mut whole = web::Bytes::new();
    let mut joined = Vec::new();
    while let Some(part) = payload.next().await {
        let part = part.map_err(|_| Problem::new("malformed").detail("the body broke off: send it whole"))?;
        if whole.len() + joined.len() + part.len() > max {
            return Err(Problem::new("too_large").detail(format!("a body is at most {max} bytes")));
        }
        if whole.is_empty() && joined.is_empty() {
            whole = part;
        } else {
            joined.extend_from_slice(&std::mem::take(&mut whole));
            joined.extend_from_slice(&part);
        }
    }
    Ok(if joined.is_empty() { whole } else { joined.into() })
}

fn is_json(request: &HttpRequest) -> bool {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let content_type = header(header::CONTENT_TYPE).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let plain = header(header::CONTENT_ENCODING).is_none_or(|encoding| encoding.eq_ignore_ascii_case("identity"));
    plain && essence.eq_ignore_ascii_case("application/json")
}

fn read<T: ApiBody>(bytes: &[u8]) -> Result<T, Problem> {
    let document: Value = serde_json::from_slice(bytes).map_err(|error| {
        // The parser's own words may quote the body.
        Problem::new("malformed_json").detail(format!(
            "the body is not valid JSON at line {}, column {}",
            error.line(),
            error.column()
        ))
    })?;
    if let Some(schema) = T::SCHEMA.map(schema).transpose()? {
        let faults = schema.check(&document);
        if !faults.is_empty() {
            return Err(Problem::unprocessable(faults));
        }
    }
    serde_json::from_value(document).map_err(|error| Problem::unprocessable(vec![Fault::new("", error.to_string())]))
}

fn schema(name: &str) -> Result<&'static Schema, Problem> {
    api_body(name).ok_or_else(|| Problem::internal(format!("no schema of a body is called {name}")))
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use actix_web::test::TestRequest;
    use serde_json::json;

    use super::*;
    use crate::web::language::Language;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Why {
        reason: String,
    }

    impl ApiBody for Why {
        const SCHEMA: Option<&'static str> = Some("reason");
    }

    async fn extract<T: ApiBody>(content_type: Option<&str>, body: &[u8]) -> Result<T, Problem> {
        let mut request = TestRequest::post().set_payload(body.to_vec());
        if let Some(content_type) = content_type {
            request = request.insert_header((header::CONTENT_TYPE, content_type));
        }
        let (request, mut payload) = request.to_http_parts();
        Body::<T>::from_request(&request, &mut payload).await.map(|body| body.0)
    }

    #[actix_web::test]
    async fn a_body_in_parts_is_read_whole_and_none_longer_than_it_may_be() {
        let payload = |parts: Vec<Result<web::Bytes, actix_web::error::PayloadError>>| -> Payload {
            Payload::Stream { payload: Box::pin(futures_util::stream::iter(parts)) }
        };
        let of =
            |parts: &[&'static [u8]]| payload(parts.iter().map(|part| Ok(web::Bytes::from_static(part))).collect());
        for parts in [&[b"abcd".as_slice()][..], &[b"a", b"bc", b"", b"d"], &[b"", b"abcd"], &[b"ab", b"cd"]] {
            assert_eq!(read_bytes(of(parts), 4).await.unwrap(), b"abcd".as_slice());
            assert_eq!(read_bytes(of(parts), 3).await.unwrap_err().code(), "too_large");
        }
        assert!(read_bytes(of(&[]), 0).await.unwrap().is_empty());
        let breaking = vec![Ok(web::Bytes::from_static(b"a")), Err(actix_web::error::PayloadError::Incomplete(None))];
        assert_eq!(read_bytes(payload(breaking), 9).await.unwrap_err().code(), "malformed");
    }

    async fn refused(content_type: Option<&str>, body: &[u8]) -> (u16, String, Value) {
        use actix_web::ResponseError as _;
        let problem = extract::<Why>(content_type, body).await.unwrap_err();
        (problem.status_code().as_u16(), problem.code().to_owned(), problem.body(Language::En, "x"))
    }

    #[actix_web::test]
    async fn a_proper_body_is_read() {
        let why: Why = extract(Some("application/json; charset=utf-8"), b"{\"reason\":\"\xe5\x8a\x9e\xe7\xbb\x93\"}")
            .await
            .unwrap();
        assert_eq!(why.reason, "办结");
        extract::<Empty>(None, b"").await.unwrap();
        extract::<Empty>(Some("application/json"), b"{}").await.unwrap();
    }

    #[actix_web::test]
    async fn what_is_no_json_is_malformed() {
        for body in ["", "{", "{\"reason\":}", "\u{feff}{}", "{} {}", "{'a':1}", "nul"] {
            let (status, code, _) = refused(Some("application/json"), body.as_bytes()).await;
            assert_eq!((status, code.as_str()), (400, "malformed_json"), "{body}");
        }
        let (status, _, _) = refused(Some("application/json"), b"{\"reason\":\"\xff\xfe\"}").await;
        assert_eq!(status, 400);
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(refused(Some("application/json"), deep.as_bytes()).await.0, 400);
    }

    #[actix_web::test]
    async fn another_type_of_content_is_refused() {
        for content_type in
            [None, Some("text/plain"), Some("application/jsonp"), Some("application/x-www-form-urlencoded")]
        {
            let (status, _, _) = refused(content_type, b"{\"reason\":\"x\"}").await;
            assert_eq!(status, 415, "{content_type:?}");
        }
    }

    #[actix_web::test]
    async fn too_much_is_refused() {
        let body = format!("{{\"reason\":\"{}\"}}", "a".repeat(BODY_BYTES_MAX));
        let (status, code, _) = refused(Some("application/json"), body.as_bytes()).await;
        assert_eq!((status, code.as_str()), (413, "too_large"));
    }

    #[actix_web::test]
    async fn what_does_not_fit_is_named_by_its_place() {
        for (body, pointer) in [
            (json!({"reason": 7}), "/reason"),
            (json!({"reason": ""}), "/reason"),
            (json!({}), ""),
            (json!({"reason": "x", "also": 1}), "/also"),
            (json!({"reason": "x", "a/b~": 1}), "/a~1b~0"),
            (json!([]), ""),
            (json!(null), ""),
        ] {
            let (status, code, problem) = refused(Some("application/json"), body.to_string().as_bytes()).await;
            assert_eq!((status, code.as_str()), (422, "unprocessable"), "{body}");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
        }
        let unknown = extract::<Empty>(Some("application/json"), b"{\"x\":1}").await.unwrap_err();
        assert_eq!(actix_web::ResponseError::status_code(&unknown), StatusCode::UNPROCESSABLE_ENTITY);
    }
}
