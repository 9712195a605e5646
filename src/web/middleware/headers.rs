//! Headers that keep browsers from doing what nobody asked for.

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// Pages: their own files, nothing inline.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; object-src 'none'; \
                      base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// The page to try calls styles itself while it runs.
const POLICY_DOCS: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                           img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; \
                           frame-ancestors 'none'";

/// No page needs any of a browser's senses.
const SENSES: &str = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), midi=(), payment=(), usb=()";
/// Two years, as browsers' own lists want it (RFC 6797, 6.1).
const HTTPS_ONLY: &str = "max-age=63072000";

/// Sets the headers of an answer to a request on `path`; what a handler set itself stays. `https` is whether browsers
/// come by HTTPS: by plain HTTP the last one means nothing (RFC 6797, 7.2).
pub fn secure(path: &str, https: bool, headers: &mut HeaderMap) {
    let policy = if path == "/docs" || path.starts_with("/docs/") { POLICY_DOCS } else { POLICY };
    set(headers, header::CONTENT_SECURITY_POLICY, policy);
    set(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(headers, header::X_FRAME_OPTIONS, "DENY");
    set(headers, header::REFERRER_POLICY, "no-referrer");
    set(headers, HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(headers, HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    set(headers, HeaderName::from_static("permissions-policy"), SENSES);
    set(headers, header::CACHE_CONTROL, "no-store");
    if https {
        set(headers, header::STRICT_TRANSPORT_SECURITY, HTTPS_ONLY);
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    if !headers.contains_key(&name) {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exception_is_for_one_page_only() {
        let policy = |path: &str| {
            let mut headers = HeaderMap::new();
            secure(path, false, &mut headers);
            assert!(!headers.contains_key(header::STRICT_TRANSPORT_SECURITY));
            headers.get(header::CONTENT_SECURITY_POLICY).unwrap().to_str().unwrap().to_owned()
        };
        assert!(policy("/docs/index.html").contains("unsafe-inline"));
        for path in ["/", "/docsx", "/api/v1/grants", "/catalog"] {
            assert!(!policy(path).contains("unsafe-inline"), "{path}");
        }
    }

    #[test]
    fn what_a_handler_set_stays() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
        secure("/assets/x.css", true, &mut headers);
        assert_eq!(headers.get(header::STRICT_TRANSPORT_SECURITY).unwrap(), HTTPS_ONLY);
        assert_eq!(headers.get(header::CACHE_CONTROL).unwrap(), "public, max-age=60");
        assert_eq!(headers.get(header::X_FRAME_OPTIONS).unwrap(), "DENY");
    }
}
