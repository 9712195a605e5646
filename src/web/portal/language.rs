//! The reader's language: chosen on the page, remembered in a cookie, else what the browser prefers, else the department's.

use actix_web::HttpRequest;

use crate::web::language::Language;

use super::words::Lang;

/// Name of the cookie and of the parameter.
pub const LANG: &str = "lang";

/// The language chosen in the address.
pub fn asked(request: &HttpRequest) -> Option<Lang> {
    request.query_string().split('&').find_map(|field| field.strip_prefix("lang=")).and_then(Lang::of)
}

/// The language of a page, for a department that has one of its own.
pub fn chosen(request: &HttpRequest, own: Lang) -> Lang {
    let remembered = || request.cookie(LANG).and_then(|cookie| Lang::of(cookie.value()));
    asked(request).or_else(remembered).unwrap_or_else(|| preferred(request).unwrap_or(own))
}

fn preferred(request: &HttpRequest) -> Option<Lang> {
    Language::liked(request.headers()).map(|liked| match liked {
        Language::En => Lang::En,
        Language::Zh => Lang::Zh,
    })
}

#[cfg(test)]
mod tests {
    use actix_web::cookie::Cookie;
    use actix_web::http::header::ACCEPT_LANGUAGE;
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn the_address_goes_before_the_cookie_before_the_browser_before_the_department() {
        let with = |own: Lang, uri: &str, cookie: &str, header: &'static str| {
            let mut request = TestRequest::with_uri(uri).cookie(Cookie::new(LANG, cookie.to_owned()));
            if !header.is_empty() {
                request = request.insert_header((ACCEPT_LANGUAGE, header));
            }
            chosen(&request.to_http_request(), own)
        };
        let of = |uri: &str, cookie: &str, header: &'static str| with(Lang::Zh, uri, cookie, header);
        assert_eq!(with(Lang::En, "/", "", "fr"), Lang::En);
        assert_eq!(with(Lang::En, "/", "", "zh"), Lang::Zh);
        assert_eq!(of("/?lang=en", "zh", "zh"), Lang::En);
        assert_eq!(of("/?q=1&lang=xx", "en", "zh"), Lang::En);
        assert_eq!(of("/", "xx", "en-GB,zh;q=0.5"), Lang::En);
        assert_eq!(of("/", "", "zh-CN,en;q=0.5"), Lang::Zh);
        assert_eq!(of("/", "", "zh;q=0.8,en;q=0.9"), Lang::En);
        assert_eq!(of("/", "", "en;q=0,fr"), Lang::Zh);
        assert_eq!(of("/", "", "fr"), Lang::Zh);
        assert_eq!(of("/", "", ""), Lang::Zh);
    }
}
