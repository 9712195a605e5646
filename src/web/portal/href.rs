//! Addresses within the portal: built from parts, and taken from strangers only when they stay within.

const NEXT_CHARS_MAX: usize = 1_000;

/// A path with a query of the fields that are not empty.
pub fn href(path: &str, fields: &[(&str, &str)]) -> String {
    let mut href = path.to_owned();
    let mut mark = '?';
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        href.push(mark);
        href.push_str(name);
        href.push('=');
        href.push_str(&encode(value));
        mark = '&';
    }
    href
}

/// Percent-encodes a text for any part of an address (RFC 3986, 2.3: only unreserved characters stay).
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Where to go after signing in: a path of this portal, else the first page. Browsers read `//host` and `/\host` as
/// another site, and drop control characters.
pub fn safe_next(next: &str) -> &str {
    let inside = next.starts_with('/')
        && !next[1..].starts_with(['/', '\\'])
        && next.len() <= NEXT_CHARS_MAX
        && next.bytes().all(|byte| (0x21..0x7f).contains(&byte) && byte != b'\\');
    if inside { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_holds_what_is_not_empty() {
        assert_eq!(href("/catalog", &[("q", ""), ("state", "")]), "/catalog");
        let full = href("/catalog", &[("q", "户籍 a&b"), ("state", ""), ("cursor", "x=")]);
        assert_eq!(full, "/catalog?q=%E6%88%B7%E7%B1%8D%20a%26b&cursor=x%3D");
    }

    #[test]
    fn strangers_cannot_lead_people_away() {
        for inside in ["/", "/grants?side=asked_of_us", "/catalog/tax/deed-tax-payment?version=1.0"] {
            assert_eq!(safe_next(inside), inside);
        }
        for outside in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "evil",
            "/\t/evil.example",
            "/a\r\nb",
            "/户",
        ] {
            assert_eq!(safe_next(outside), "/", "{outside:?}");
        }
        assert_eq!(safe_next(&format!("/{}", "a".repeat(NEXT_CHARS_MAX))), "/");
    }
}
