//! Who calls: a departmental system, or a person of this department.

use std::net::IpAddr;

use actix_web::dev::Payload;
use actix_web::http::{Method, header};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};

use crate::clock::Millis;
use crate::service::{Node, Principal};
use crate::web::problem::Problem;

use super::LocalFuture;
use super::certificate::SystemCertificate;
use super::credentials::Credentials;

/// The cookie with a session's token.
const SESSION_COOKIE: &str = "mulu_session";
/// The header that a session known by its cookie must bring with every change.
pub const X_CSRF_TOKEN: &str = "x-csrf-token";

/// An authenticated caller.
#[derive(Clone, Debug)]
pub struct Caller(pub Principal);

/// The caller's name, in the request's extensions, for the log.
#[derive(Clone, Debug)]
pub struct CallerName(pub String);

/// The session by which a caller is known, in the request's extensions; absent for systems and passwords.
#[derive(Clone, Debug)]
pub struct OwnSession {
    /// Its secret.
    pub token: String,
    /// What a form must bring back; told only to a session known by its cookie.
    pub csrf: Option<String>,
    /// When it ends at the latest.
    pub ends: Option<Millis>,
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = LocalFuture<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { authenticate(&request).await.map(Self) })
    }
}

/// Finds out who calls; once a request, however often it is asked.
///
/// # Errors
/// `not_authenticated`, `wrong_password`, `account_locked`, `csrf`.
pub async fn authenticate(request: &HttpRequest) -> Result<Principal, Problem> {
    if let Some(known) = request.extensions().get::<Principal>() {
        return Ok(known.clone());
    }
    if let Some(SystemCertificate(fingerprint)) = request.conn_data::<SystemCertificate>() {
        let node = own_node(request)?;
        return Ok(known(request, node.system_certificate(fingerprint, address(request)).await?));
    }
    let credentials = Credentials::of(request.headers())?;
    if credentials.is_none() && request.headers().get(header::COOKIE).is_none() {
        return Err(Problem::new("not_authenticated"));
    }
    let node = own_node(request)?;
    let cookie = session_token(request, node);
    let principal = match (credentials, cookie) {
        (Some(Credentials::Token(token)), _) => by_token(request, node, token).await?,
        (Some(Credentials::Password(user, password)), _) => node.basic(&user, &password, address(request)).await?,
        (None, Some(token)) => by_cookie(request, node, token).await?,
        (None, None) => return Err(Problem::new("not_authenticated")),
    };
    Ok(known(request, principal))
}

fn own_node(request: &HttpRequest) -> Result<&web::Data<Node>, Problem> {
    request.app_data::<web::Data<Node>>().ok_or_else(|| Problem::internal("the web knows no node"))
}

/// From where a request comes, as the node sees it: behind the department's HTTPS that is the proxy.
pub fn address(request: &HttpRequest) -> Option<IpAddr> {
    request.peer_addr().map(|from| from.ip())
}

/// Keeps who calls for the rest of the request.
fn known(request: &HttpRequest, mut principal: Principal) -> Principal {
    principal.from = address(request);
    let mut extensions = request.extensions_mut();
    extensions.insert(CallerName(principal.user.clone()));
    extensions.insert(principal.clone());
    principal
}

/// The cookie that the portal of a node sets. Browsers do not tell ports of one host apart, so nodes that share a host,
/// as in the demo, would otherwise end each other's sessions.
pub fn session_cookie(node: &Node) -> String {
    format!("{SESSION_COOKIE}_{}", node.department)
}

/// The session's token in a request's cookies, under the node's own name for it or the plain one.
pub fn session_token(request: &HttpRequest, node: &Node) -> Option<String> {
    let cookie = request.cookie(&session_cookie(node)).or_else(|| request.cookie(SESSION_COOKIE));
    cookie.map(|cookie| cookie.value().to_owned())
}

async fn by_token(request: &HttpRequest, node: &Node, token: String) -> Result<Principal, Problem> {
    let principal = node.token(&token, address(request)).await?;
    request.extensions_mut().insert(OwnSession { token, csrf: None, ends: None });
    Ok(principal)
}

/// A browser sends its cookie with whatever another site makes it send: changes need the session's second secret.
async fn by_cookie(request: &HttpRequest, node: &Node, token: String) -> Result<Principal, Problem> {
    let session = node.session(&token, true).await?;
    if let Some(owes) = session.owes {
        return Err(owes.refusal().into());
    }
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let sent = request.headers().get(X_CSRF_TOKEN).map(|value| value.as_bytes());
    if !safe && !sent.is_some_and(|sent| same(sent, session.csrf.as_bytes())) {
        return Err(Problem::new("csrf"));
    }
    request.extensions_mut().insert(OwnSession { token, csrf: Some(session.csrf), ends: Some(session.ends) });
    Ok(session.principal)
}

/// Compares secrets in a time that does not tell where they differ.
fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && left.iter().zip(right).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[actix_web::test]
    async fn nobody_is_not_authenticated() {
        for request in [
            TestRequest::get(),
            TestRequest::get().insert_header(("authorization", "Bearer")),
            TestRequest::get().insert_header(("authorization", "Negotiate abc")),
            TestRequest::get().insert_header(("x-api-key", "abc")),
        ] {
            let (request, mut payload) = request.to_http_parts();
            let problem = Caller::from_request(&request, &mut payload).await.unwrap_err();
            assert_eq!(problem.code(), "not_authenticated");
        }
    }

    #[test]
    fn secrets_are_compared_whole() {
        assert!(same(b"abc", b"abc"));
        assert!(!same(b"abc", b"abd") && !same(b"abc", b"ab") && !same(b"", b"a"));
    }
}
