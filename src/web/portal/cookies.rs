//! The portal's cookies: session, language, the guest's token against forgery, a word about the last action.

use std::borrow::Cow;

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};

use crate::ids::TxId;
use crate::service::Node;
use crate::web::extract::session_cookie;

use super::language::LANG;
use super::words::Lang;

const GUEST: &str = "mulu_guest";
const FLASH: &str = "mulu_flash";
/// The secret under which a code is answered.
const STEP: &str = "mulu_step";
/// Where guests have a form.
const GUEST_PATH: &str = "/sign-in";
const SECRET_BYTES: usize = 24;
const FLASH_TIME: Duration = Duration::seconds(60);
const LANG_TIME: Duration = Duration::days(365);

fn cookie(name: impl Into<Cow<'static, str>>, value: String, secure: bool) -> Cookie<'static> {
    Cookie::build(name, value).path("/").http_only(true).same_site(SameSite::Lax).secure(secure).finish()
}

/// A session's cookie. The node ends the session; the cookie ends with the browser.
pub fn session(node: &Node, token: String) -> Cookie<'static> {
    cookie(session_cookie(node), token, node.config.web.cookie_secure())
}

/// Takes the session's cookie away.
pub fn no_session(node: &Node) -> Cookie<'static> {
    gone(session(node, String::new()))
}

/// Remembers a language.
pub fn lang(lang: Lang, secure: bool) -> Cookie<'static> {
    let mut cookie = cookie(LANG, lang.code().to_owned(), secure);
    cookie.set_max_age(LANG_TIME);
    cookie
}

/// A word about the last action, for the next page.
pub fn with_flash(code: &str, transaction: Option<TxId>, secure: bool) -> Cookie<'static> {
    let value = transaction.map_or_else(|| code.to_owned(), |id| format!("{code}.{id}"));
    let mut cookie = cookie(FLASH, value, secure);
    cookie.set_max_age(FLASH_TIME);
    cookie
}

/// Takes the word away once it was shown.
pub fn no_flash(secure: bool) -> Cookie<'static> {
    gone(cookie(FLASH, String::new(), secure))
}

/// The word about the last action: its code, and the transaction that holds the action.
pub fn flash(request: &HttpRequest) -> Option<(String, Option<TxId>)> {
    let cookie = request.cookie(FLASH)?;
    let (code, id) =
        cookie.value().split_once('.').map_or((cookie.value(), None), |(code, id)| (code, id.parse().ok()));
    Some((code.to_owned(), id))
}

/// A guest's secret against forged forms: from the cookie, empty when there is none.
pub fn guest(request: &HttpRequest) -> String {
    let kept = request.cookie(GUEST).map(|cookie| cookie.value().to_owned());
    kept.filter(|secret| secret.len() == 2 * SECRET_BYTES && secret.bytes().all(|b| b.is_ascii_hexdigit()))
        .unwrap_or_default()
}

/// A fresh secret for a guest, with its cookie.
pub fn new_guest(secure: bool) -> Option<(String, Cookie<'static>)> {
    let mut secret = [0; SECRET_BYTES];
    getrandom::fill(&mut secret).ok()?;
    let secret = hex::encode(secret);
    let mut cookie = cookie(GUEST, secret.clone(), secure);
    cookie.set_path(GUEST_PATH);
    cookie.set_same_site(SameSite::Strict);
    Some((secret, cookie))
}

/// The secret of a sign-in that waits for its code.
pub fn step(request: &HttpRequest) -> Option<String> {
    request.cookie(STEP).map(|cookie| cookie.value().to_owned())
}

/// Keeps that secret while the code is looked for.
pub fn with_step(secret: String, secure: bool) -> Cookie<'static> {
    let mut cookie = cookie(STEP, secret, secure);
    cookie.set_path(GUEST_PATH);
    cookie.set_same_site(SameSite::Strict);
    cookie
}

/// Takes it away.
pub fn no_step(secure: bool) -> Cookie<'static> {
    gone(with_step(String::new(), secure))
}

fn gone(mut cookie: Cookie<'static>) -> Cookie<'static> {
    cookie.make_removal();
    cookie
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_script_and_no_other_site_gets_a_secret() {
        for secure in [true, false] {
            let guest = new_guest(secure).unwrap().1;
            for (cookie, site) in [
                (cookie("any", "x".into(), secure), SameSite::Lax),
                (guest, SameSite::Strict),
                (with_step("x".into(), secure), SameSite::Strict),
            ] {
                assert_eq!(cookie.http_only(), Some(true), "{cookie}");
                assert_eq!(cookie.secure(), Some(secure), "{cookie}");
                assert_eq!((cookie.same_site(), cookie.domain()), (Some(site), None), "{cookie}");
            }
        }
    }
}
