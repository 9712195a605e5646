//! A form with a file (multipart/form-data, RFC 7578): bounded, and with its token against forgery like every form.

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};

use crate::web::extract::{LocalFuture, read_bytes};
use crate::web::problem::Problem;
use crate::web::sheets::FILE_BYTES_MAX;

use super::cookies;
use super::desk::{Desk, Visitor};
use super::form::same;

const PARTS_MAX: usize = 16;

/// A file that somebody signed in sent.
pub struct Uploaded {
    /// Who.
    pub visitor: Visitor,
    /// The file's bytes.
    pub file: Vec<u8>,
    /// The other fields.
    fields: Vec<(String, Vec<u8>)>,
}

impl Uploaded {
    /// A field's text; empty when there is none.
    pub fn get(&self, name: &str) -> &str {
        let found = self.fields.iter().find(|(have, _)| have == name);
        found.and_then(|(_, value)| std::str::from_utf8(value).ok()).map_or("", str::trim)
    }
}

/// The longest copy of a licence that anybody may bring, in bytes.
const COPY_BYTES_MAX: usize = 1024 * 1024;

/// A file that anybody sent, guarded by a cookie that only the page with the form could set.
pub struct UploadedByGuest {
    /// Who, perhaps nobody.
    pub desk: Desk,
    /// The file's bytes.
    pub file: Vec<u8>,
}

impl FromRequest for UploadedByGuest {
    type Error = Problem;
    type Future = LocalFuture<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let desk = Desk::of(&request)?;
            let secret = cookies::guest(&request);
            // Who is signed in got the session's own secret in the form.
            let secret = if desk.who.is_some() { desk.csrf.clone() } else { secret };
            let (file, _) = read(&request, payload, COPY_BYTES_MAX, &secret).await?;
            Ok(Self { desk, file })
        })
    }
}

type Parts = Vec<(String, Vec<u8>)>;

/// The file and the other fields of a form with its token.
async fn read(request: &HttpRequest, payload: Payload, max: usize, secret: &str) -> Result<(Vec<u8>, Parts), Problem> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let boundary = content_type.and_then(boundary).ok_or_else(|| Problem::new("unsupported_media_type"))?;
    let bytes = read_bytes(payload, max + 64 * 1024).await?;
    let mut fields = parts(&bytes, &boundary).ok_or_else(|| Problem::new("malformed"))?;
    let token = fields.iter().find(|(name, _)| name == "csrf").map(|(_, value)| value.clone());
    if !same(std::str::from_utf8(&token.unwrap_or_default()).unwrap_or_default(), secret) {
        return Err(Problem::new("csrf"));
    }
    let at = fields.iter().position(|(name, _)| name == "file").ok_or_else(|| Problem::new("malformed"))?;
    let (_, file) = fields.swap_remove(at);
    Ok((file, fields))
}

impl FromRequest for Uploaded {
    type Error = Problem;
    type Future = LocalFuture<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let visitor = Visitor::of(&request)?;
            let (file, fields) = read(&request, payload, FILE_BYTES_MAX, &visitor.csrf).await?;
            Ok(Self { visitor, file, fields })
        })
    }
}

fn boundary(content_type: &str) -> Option<String> {
    let (kind, rest) = content_type.split_once(';')?;
    let boundary = rest.split(';').find_map(|part| part.trim().strip_prefix("boundary="))?.trim_matches('"');
    (kind.trim().eq_ignore_ascii_case("multipart/form-data") && (1..=70).contains(&boundary.len()))
        .then(|| boundary.to_owned())
}

/// Name and bytes of each part.
fn parts(bytes: &[u8], boundary: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let mark = format!("--{boundary}");
    let mut rest = bytes.strip_prefix(mark.as_bytes())?;
    let end = format!("\r\n{mark}");
    let mut parts = Vec::new();
    while let Some(part) = rest.strip_prefix(b"\r\n").filter(|_| parts.len() < PARTS_MAX) {
        let head = find(part, b"\r\n\r\n")?;
        let headings = std::str::from_utf8(part.get(..head)?).ok()?;
        let body = part.get(head + 4..)?;
        let length = find(body, end.as_bytes())?;
        parts.push((name(headings)?.to_owned(), body.get(..length)?.to_vec()));
        rest = body.get(length + end.len()..)?;
    }
    rest.starts_with(b"--").then_some(parts)
}

fn name(headings: &str) -> Option<&str> {
    let line = headings.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
    let (_, rest) = line.split_once(" name=\"")?;
    rest.split('"').next()
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_and_what_is_broken_is_none() {
        let body = b"--x\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nabc\r\n--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.xlsx\"\r\nContent-Type: a/b\r\n\r\nPK\r\n\x00--y\r\n--x--\r\n";
        let read = parts(body, "x").unwrap();
        assert_eq!(read[0], ("csrf".to_owned(), b"abc".to_vec()));
        assert_eq!(read[1], ("file".to_owned(), b"PK\r\n\x00--y".to_vec()));
        for broken in [&body[..body.len() - 10], b"", b"--x", b"--x\r\n\r\n--x--", b"--x\r\nA: b\r\n\r\nc\r\n--x--"] {
            assert_eq!(parts(broken, "x"), None, "{}", String::from_utf8_lossy(broken));
        }
        assert_eq!(boundary("multipart/form-data; boundary=\"a b\"").as_deref(), Some("a b"));
        assert_eq!(boundary("text/plain; boundary=a"), None);
    }
}
