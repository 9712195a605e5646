//! An answer over HTTP, and what a story may claim of it.

use reqwest::header::HeaderMap;
use serde_json::Value;

/// An answer.
pub struct Answer {
    /// What was asked, for messages of failed claims.
    pub what: String,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub bytes: Vec<u8>,
    /// The same as text.
    pub text: String,
    /// The body as JSON; null when it is none.
    pub body: Value,
}

impl Answer {
    /// The body of a success.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{self}");
        self.body
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The stable code of a problem; empty for a success.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// The body of a problem with this status and code, whole as RFC 9457 and the interface say.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Value {
        assert_eq!((self.status, self.code()), (status, code), "{self}");
        self.check_problem();
        self.body
    }

    /// Claims that a problem is whole, whichever it is.
    #[track_caller]
    pub fn check_problem(&self) {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self}");
        assert_eq!(self.body["status"], self.status, "{self}");
        for member in ["type", "title", "code", "detail", "request_id"] {
            assert!(self.body[member].as_str().is_some_and(|text| !text.is_empty()), "no {member}: {self}");
        }
        assert_eq!(self.header("x-request-id"), self.body["request_id"].as_str(), "{self}");
        for inner in ["panicked", "SELECT ", "sqlite", "no such table", "src/", ".rs:"] {
            assert!(!self.text.contains(inner), "tells its inside: {self}");
        }
    }

    /// The codes of a refusal's reasons, each with a text.
    #[track_caller]
    pub fn reasons(&self) -> Vec<&str> {
        let reasons = self.body["reasons"].as_array().unwrap_or_else(|| panic!("no reasons: {self}"));
        let code = |reason: &'_ Value| -> Option<()> {
            reason["message"].as_str().filter(|text| !text.is_empty()).map(|_| ())
        };
        assert!(reasons.iter().all(|reason| code(reason).is_some()), "a reason without words: {self}");
        reasons.iter().filter_map(|reason| reason["code"].as_str()).collect()
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown: String = self.text.chars().take(2_000).collect();
        write!(f, "{} -> {} {shown}", self.what, self.status)
    }
}
