//! The portal's style, script and icon: part of the program, each at an address that names its content, so that
//! browsers may keep it for ever.
//!
//! `assets/htmx.min.js` is htmx 2.0.11 (npm package `htmx.org`, Zero-Clause BSD, see `assets/htmx.LICENSE`), unchanged;
//! `assets/sse.min.js` is its extension for server-sent events 2.2.4 (npm package `htmx-ext-sse`, the same licence, see
//! `assets/sse.LICENSE`), unchanged. `assets/htmx.min.js.gz` is htmx by `gzip -9n`, because it is most of what a first visit transfers.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

/// One file.
pub struct Asset {
    /// Its address, `/assets/app.<hash>.css`.
    pub href: String,
    /// Its `Content-Type`.
    pub content_type: &'static str,
    /// Its bytes.
    pub bytes: &'static [u8],
    /// The same compressed (RFC 1952), where that is worth it.
    pub gzip: Option<&'static [u8]>,
}

/// `Cache-Control` of every asset: another content has another address.
pub const CACHE_CONTROL: &str = "public, max-age=31536000, immutable";

/// What the portal's pages may load (`Content-Security-Policy`): their own files, nothing inline.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; object-src 'none'; base-uri 'none'; \
     form-action 'self'; frame-ancestors 'none'";

fn asset(stem: &str, ending: &str, content_type: &'static str, bytes: &'static [u8]) -> Asset {
    let digest = hex::encode(Sha256::digest(bytes));
    let short: String = digest.chars().take(12).collect();
    Asset { href: format!("/assets/{stem}.{short}.{ending}"), content_type, bytes, gzip: None }
}

/// The style sheet.
pub static STYLE: LazyLock<Asset> =
    LazyLock::new(|| asset("app", "css", "text/css; charset=utf-8", include_bytes!("assets/app.css")));
/// htmx.
pub static SCRIPT: LazyLock<Asset> = LazyLock::new(|| Asset {
    gzip: Some(include_bytes!("assets/htmx.min.js.gz")),
    ..asset("htmx", "js", "text/javascript; charset=utf-8", include_bytes!("assets/htmx.min.js"))
});
/// htmx's extension for server-sent events.
pub static SCRIPT_SSE: LazyLock<Asset> =
    LazyLock::new(|| asset("sse", "js", "text/javascript; charset=utf-8", include_bytes!("assets/sse.min.js")));
/// Our own script: the mark beside a part that is kept up to date.
pub static SCRIPT_LIVE: LazyLock<Asset> =
    LazyLock::new(|| asset("live", "js", "text/javascript; charset=utf-8", include_bytes!("assets/live.js")));
/// The icon.
pub static ICON: LazyLock<Asset> =
    LazyLock::new(|| asset("icon", "svg", "image/svg+xml", include_bytes!("assets/icon.svg")));

/// The asset at an address, such as `/assets/app.0123456789ab.css`.
pub fn find(path: &str) -> Option<&'static Asset> {
    [&*STYLE, &*SCRIPT, &*SCRIPT_SSE, &*SCRIPT_LIVE, &*ICON].into_iter().find(|asset| asset.href == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asset_is_found_at_its_address_only() {
        assert!(STYLE.href.starts_with("/assets/app.") && STYLE.href.ends_with(".css"));
        assert_eq!(find(&STYLE.href).map(|found| found.bytes), Some(STYLE.bytes));
        assert!(find("/assets/app.css").is_none());
        assert!(find("/assets/../Cargo.toml").is_none());
    }

    #[test]
    fn the_style_loads_nothing_from_elsewhere() {
        let style = std::str::from_utf8(STYLE.bytes).unwrap();
        assert!(!style.contains("url(") && !style.contains("@import"), "the policy forbids it");
    }
}
