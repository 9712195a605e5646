//! What a browser sends: fields of a form or of a query string. A form counts only with its token against forgery.

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};

use crate::domain::schema::{Fault, FaultCode};
use crate::web::extract::{LocalFuture, read_bytes};
use crate::web::problem::Problem;

use super::cookies;
use super::desk::{Desk, Visitor};

/// The longest form: the one of a draft with all its rows.
const FORM_BYTES_MAX: usize = 256 * 1024;
const FIELDS_MAX: usize = 2_000;
/// Name of the field with the token.
const CSRF: &str = "csrf";

/// Fields in the order in which they came.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Of these names and values.
    pub fn of(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// Reads `application/x-www-form-urlencoded`; nothing when it cannot be read.
    pub fn read(text: &str) -> Option<Self> {
        let pairs = web::Query::<Vec<(String, String)>>::from_query(text).ok()?.into_inner();
        (pairs.len() <= FIELDS_MAX).then_some(Self(pairs))
    }

    /// The first value of a name, without spaces around it; empty when there is none.
    pub fn get(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// The first value of a name as it came, such as a password.
    pub fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(have, _)| have == name).map_or("", |(_, value)| value)
    }

    /// All values of a name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(have, _)| have == name).map(|(_, value)| value.trim())
    }

    /// The reason that stands in a form.
    ///
    /// # Errors
    /// `unprocessable` when it is missing; browsers see to that before they send it.
    pub fn reason(&self) -> Result<String, Problem> {
        match self.get("reason") {
            "" => Err(Problem::unprocessable(vec![Fault::of(FaultCode::Required, "/reason", "must be given")])),
            reason => Ok(reason.to_owned()),
        }
    }

    /// All of them.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }
}

/// A form of somebody signed in.
pub struct Posted {
    /// Who.
    pub visitor: Visitor,
    /// What.
    pub form: Fields,
}

/// A form of anybody, guarded by a cookie that only the page with the form could set.
pub struct PostedByGuest {
    /// Who, perhaps nobody.
    pub desk: Desk,
    /// What.
    pub form: Fields,
}

impl FromRequest for Posted {
    type Error = Problem;
    type Future = LocalFuture<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let visitor = Visitor::of(&request)?;
            let form = guarded(&request, payload, &[&visitor.csrf]).await?;
            Ok(Self { visitor, form })
        })
    }
}

impl FromRequest for PostedByGuest {
    type Error = Problem;
    type Future = LocalFuture<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let desk = Desk::of(&request)?;
            // Who is signed in got the session's own secret in the form, unless the form was there before.
            let form = guarded(&request, payload, &[&cookies::guest(&request), &desk.csrf]).await?;
            Ok(Self { desk, form })
        })
    }
}

async fn guarded(request: &HttpRequest, payload: Payload, secrets: &[&str]) -> Result<Fields, Problem> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Problem::new("unsupported_media_type"));
    }
    let bytes = read_bytes(payload, FORM_BYTES_MAX).await?;
    let text = std::str::from_utf8(&bytes).map_err(|_| Problem::new("malformed"))?;
    let form = Fields::read(text).ok_or_else(|| Problem::new("malformed"))?;
    if !secrets.iter().any(|secret| same(form.raw(CSRF), secret)) {
        return Err(Problem::new("csrf"));
    }
    Ok(form)
}

/// Compares secrets in a time that does not tell where they differ. An empty secret fits nothing.
pub fn same(sent: &str, secret: &str) -> bool {
    let differs = sent.bytes().zip(secret.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b));
    !secret.is_empty() && sent.len() == secret.len() && differs == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_with_repeats_and_in_utf_8() {
        let form = Fields::read("items=a&items=b&q=%E6%88%B7%E7%B1%8D+x&param-id=+1+&password=+p+").unwrap();
        assert_eq!(form.all("items").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((form.get("q"), form.get("none"), form.raw("password")), ("户籍 x", "", " p "));
        assert_eq!(form.get("param-id"), "1");
        assert!(Fields::read(&"a=b&".repeat(FIELDS_MAX + 1)).is_none());
    }

    #[test]
    fn an_empty_secret_fits_nothing() {
        assert!(same("abc", "abc"));
        for (sent, secret) in [("", ""), ("abc", "abd"), ("abc", "ab"), ("", "abc")] {
            assert!(!same(sent, secret), "{sent} {secret}");
        }
    }
}
