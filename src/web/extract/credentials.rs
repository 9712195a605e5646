//! Credentials of a request, before anybody looks whether they are good.

use actix_web::http::header::{self, HeaderMap};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::web::problem::Problem;

/// Longest token or pair of user and password, in bytes.
const BYTES_MAX: usize = 1024;

/// What a caller shows.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// `Bearer`: a departmental system's token or a session's (RFC 6750).
    Token(String),
    /// `Basic`: user and password (RFC 7617).
    Password(String, String),
}

impl Credentials {
    /// The credentials of `Authorization`; none without that header.
    ///
    /// # Errors
    /// `not_authenticated` when the header cannot be read.
    pub fn of(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
        let wrong = || Problem::new("not_authenticated").detail("send `Authorization: Bearer <token>`");
        let text = value.to_str().ok().filter(|text| text.len() <= 2 * BYTES_MAX).ok_or_else(wrong)?;
        let (scheme, rest) = text.split_once(' ').ok_or_else(wrong)?;
        let rest = rest.trim();
        match scheme.to_ascii_lowercase().as_str() {
            "bearer" if is_token(rest) => Ok(Some(Self::Token(rest.to_owned()))),
            "basic" => password(rest).map(Some).ok_or_else(wrong),
            _ => Err(wrong()),
        }
    }
}

fn is_token(text: &str) -> bool {
    (1..=BYTES_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

fn password(text: &str) -> Option<Credentials> {
    let decoded = BASE64.decode(text).ok().filter(|bytes| bytes.len() <= BYTES_MAX)?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some(Credentials::Password(user.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn read(value: &str) -> Result<Option<Credentials>, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        Credentials::of(&headers)
    }

    #[test]
    fn both_schemes_are_read_whatever_their_case() {
        let token = Credentials::Token("abc.DEF-1".into());
        assert!(read("Bearer abc.DEF-1").is_ok_and(|found| found == Some(token.clone())));
        assert!(read("bearer  abc.DEF-1").is_ok_and(|found| found == Some(token)));
        let pair = Credentials::Password("li.na".into(), "a:b".into());
        assert!(read(&format!("Basic {}", BASE64.encode("li.na:a:b"))).is_ok_and(|found| found == Some(pair)));
        assert!(Credentials::of(&HeaderMap::new()).is_ok_and(|found| found.is_none()));
    }

    #[test]
    fn strange_credentials_are_no_credentials() {
        let long = format!("Bearer {}", "a".repeat(BYTES_MAX + 1));
        for value in
            ["Bearer", "Bearer ", "Bearer a b", "Basic", "Basic !!", "Basic bm9jb2xvbg==", "Digest x", "", &long]
        {
            assert!(read(value).is_err_and(|problem| problem.code() == "not_authenticated"), "{value}");
        }
    }
}
