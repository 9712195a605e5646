//! The language of an answer: English unless the caller prefers Chinese.

use actix_web::http::header::{ACCEPT_LANGUAGE, HeaderMap};

/// A language that programs' messages are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English, the default of the API.
    #[default]
    En,
    /// Chinese.
    Zh,
}

/// Languages of one header that are looked at.
const RANGES_MAX: usize = 16;

impl Language {
    /// The language that `Accept-Language` prefers (RFC 9110, 12.5.4).
    pub fn of(headers: &HeaderMap) -> Self {
        Self::liked(headers).unwrap_or_default()
    }

    /// The same; nothing for a header that likes neither language.
    pub fn liked(headers: &HeaderMap) -> Option<Self> {
        headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).and_then(Self::preferred)
    }

    fn preferred(header: &str) -> Option<Self> {
        let mut best = (None, 0.0_f32);
        for range in header.split(',').take(RANGES_MAX) {
            let (tag, parameter) = range.split_once(';').unwrap_or((range, ""));
            let primary = tag.trim().split('-').next().unwrap_or_default();
            let language = match primary.to_ascii_lowercase().as_str() {
                "zh" => Self::Zh,
                "en" => Self::En,
                _ => continue,
            };
            let weight = parameter.trim().strip_prefix("q=").map_or(Some(1.0), |q| q.trim().parse().ok());
            match weight {
                Some(weight) if weight > best.1 => best = (Some(language), weight),
                _ => {}
            }
        }
        best.0
    }

    /// One of two texts.
    pub fn pick<'a>(self, en: &'a str, zh: &'a str) -> &'a str {
        match self {
            Self::En => en,
            Self::Zh => zh,
        }
    }

    /// Its tag (BCP 47).
    pub fn tag(self) -> &'static str {
        self.pick("en", "zh-CN")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_liked_known_language_wins() {
        for (header, language) in [
            ("zh-CN,zh;q=0.9,en;q=0.8", Some(Language::Zh)),
            ("en;q=0.5, zh;q=0.7", Some(Language::Zh)),
            ("zh;q=0.5, en-GB;q=0.51", Some(Language::En)),
            ("fr, de", None),
            ("fr, zh;q=0.1", Some(Language::Zh)),
            ("zh;q=0", None),
            ("en;q=0, fr", None),
            ("zh;q=x", None),
            ("", None),
            ("en, zh", Some(Language::En)),
        ] {
            assert_eq!(Language::preferred(header), language, "{header}");
        }
    }
}
