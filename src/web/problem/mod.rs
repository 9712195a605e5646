//! Problem details (RFC 9457): what a caller learns when something did not work.
//!
//! A handler fails with a [`Problem`]; the middleware writes it down with the request's id and in the
//! caller's language. Causes are for the log only.

mod from_service;
pub mod table;

use std::fmt;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Map, Value, json};

use crate::domain::schema::Fault;
use crate::ids::{AccessId, DepartmentId, GrantId};

use super::language::Language;
use table::Kind;

/// Media type of problem details.
pub const PROBLEM_JSON: &str = "application/problem+json";
/// Prefix of a problem's `type`.
const TYPE_PREFIX: &str = "urn:mulu:problem:";

/// One reason of a refusal, in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// For programs.
    pub code: String,
    /// English.
    pub en: String,
    /// Chinese.
    pub zh: String,
}

/// Why a request did not succeed.
#[derive(Debug)]
pub struct Problem {
    kind: &'static Kind,
    /// More precise than the kind's code, such as a policy's reason.
    code: Option<String>,
    /// What to do in this case, English.
    detail: Option<String>,
    /// Everything below is boxed: a problem is rare, and results should stay small.
    more: Box<More>,
}

#[derive(Debug, Default)]
struct More {
    detail_zh: Option<String>,
    errors: Vec<Fault>,
    reasons: Vec<Reason>,
    rule: Option<String>,
    grant: Option<GrantId>,
    access: Option<AccessId>,
    provider: Option<(DepartmentId, &'static str)>,
    retry_after_s: Option<u64>,
    allow: Option<String>,
    cause: Option<String>,
}

impl Problem {
    /// A problem of the table's kind of that code; an unknown code is our own fault.
    pub fn new(code: &str) -> Self {
        let (kind, unknown) = match table::kind(code) {
            Some(kind) => (kind, None),
            None => (internal_kind(), Some(format!("no kind of problem has the code `{code}`"))),
        };
        let more = Box::new(More { cause: unknown, ..More::default() });
        Self { kind, code: None, detail: None, more }
    }

    /// A problem whose code may be one that the table does not list: then `kind` gives the status.
    pub fn coded(code: &str, kind: &str) -> Self {
        match table::kind(code) {
            Some(_) => Self::new(code),
            None => Self::with_code(code, kind),
        }
    }

    /// A problem of a kind, under a code of its own.
    pub fn with_code(code: &str, kind: &str) -> Self {
        Self { code: Some(code.to_owned()), ..Self::new(kind) }
    }

    /// Our own fault; the cause goes to the log only.
    pub fn internal(cause: impl fmt::Display) -> Self {
        let mut problem = Self::new("internal");
        problem.more.cause = Some(cause.to_string());
        problem
    }

    /// Values that do not fit.
    pub fn unprocessable(errors: Vec<Fault>) -> Self {
        let mut problem = Self::new("unprocessable");
        problem.more.errors = errors;
        problem
    }

    /// What to do in this case, in English.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The same in Chinese, where the kind's advice is not enough.
    #[must_use]
    pub fn detail_zh(mut self, detail: impl Into<String>) -> Self {
        self.more.detail_zh = Some(detail.into());
        self
    }

    /// Why the rules refuse.
    #[must_use]
    pub fn because(mut self, rule: impl Into<String>, grant: Option<GrantId>, reasons: Vec<Reason>) -> Self {
        self.more.rule = Some(rule.into());
        self.more.grant = grant;
        self.more.reasons = reasons;
        self
    }

    /// The access that was recorded although it brought nothing.
    #[must_use]
    pub fn access(mut self, id: AccessId) -> Self {
        self.more.access = Some(id);
        self
    }

    /// Whose fault it is among the providers, and in which state it is.
    #[must_use]
    pub fn provider(mut self, provider: DepartmentId, state: &'static str) -> Self {
        self.more.provider = Some((provider, state));
        self
    }

    /// When the same request may be sent again, in seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.more.retry_after_s = Some(seconds);
        self
    }

    /// Methods that the address knows.
    #[must_use]
    pub fn allow(mut self, methods: String) -> Self {
        self.more.allow = Some(methods);
        self
    }

    /// The stable code.
    pub fn code(&self) -> &str {
        self.code.as_deref().unwrap_or(self.kind.code)
    }

    /// The kind's title.
    pub fn title(&self, language: Language) -> &'static str {
        language.pick(self.kind.title.0, self.kind.title.1)
    }

    /// What to do in this very case, where that is known in the language.
    pub fn own_detail(&self, language: Language) -> Option<&str> {
        match language {
            Language::En => self.detail.as_deref(),
            Language::Zh => self.more.detail_zh.as_deref(),
        }
    }

    /// Why the rules refuse.
    pub fn reasons(&self) -> &[Reason] {
        &self.more.reasons
    }

    /// Whether it is not known if the call was done: an access's id may be sent again then, and is done once.
    pub fn leaves_open(&self) -> bool {
        let state = self.more.provider.as_ref().map(|(_, state)| *state);
        matches!(state, Some("down" | "late" | "untrusted")) || matches!(self.code(), "replayed_request" | "internal")
    }

    /// Values that do not fit.
    pub fn errors(&self) -> &[Fault] {
        &self.more.errors
    }

    /// What only the log may say.
    pub fn cause(&self) -> Option<&str> {
        self.more.cause.as_deref()
    }

    /// Writes the problem down for one caller.
    pub fn response(&self, language: Language, request_id: &str) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.content_type(PROBLEM_JSON).insert_header((header::CONTENT_LANGUAGE, language.tag()));
        if let Some(seconds) = self.more.retry_after_s {
            response.insert_header((header::RETRY_AFTER, seconds.max(1).to_string()));
        }
        if let Some(methods) = &self.more.allow {
            response.insert_header((header::ALLOW, methods.as_str()));
        }
        if self.kind.status == 401 {
            response.insert_header((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"mulu\"")));
        }
        response.body(self.body(language, request_id).to_string())
    }

    /// The members of the problem's JSON object.
    pub fn body(&self, language: Language, request_id: &str) -> Value {
        let Kind { title, advice, status, .. } = self.kind;
        let own = match language {
            Language::En => self.detail.as_deref(),
            // A kind's Chinese advice is better than English details.
            Language::Zh => self.more.detail_zh.as_deref(),
        };
        let mut body = Map::new();
        body.insert("type".into(), format!("{TYPE_PREFIX}{}", self.code()).into());
        body.insert("title".into(), language.pick(title.0, title.1).into());
        body.insert("status".into(), (*status).into());
        body.insert("code".into(), self.code().into());
        body.insert("detail".into(), own.unwrap_or(language.pick(advice.0, advice.1)).into());
        body.insert("request_id".into(), request_id.into());
        self.more.write(&mut body, language);
        Value::Object(body)
    }
}

impl More {
    fn write(&self, body: &mut Map<String, Value>, language: Language) {
        if !self.errors.is_empty() {
            body.insert("errors".into(), json!(self.errors));
        }
        if !self.reasons.is_empty() {
            let reason =
                |reason: &Reason| json!({"code": reason.code, "message": language.pick(&reason.en, &reason.zh)});
            body.insert("reasons".into(), self.reasons.iter().map(reason).collect());
        }
        if let Some(rule) = &self.rule {
            body.insert("rule".into(), rule.as_str().into());
        }
        if let Some(grant) = self.grant {
            body.insert("grant_id".into(), grant.to_string().into());
        }
        if let Some(access) = self.access {
            body.insert("access_id".into(), access.to_string().into());
        }
        if let Some((provider, state)) = &self.provider {
            body.insert("provider".into(), provider.as_str().into());
            body.insert("provider_state".into(), (*state).into());
        }
        if let Some(seconds) = self.retry_after_s {
            body.insert("retry_after_s".into(), seconds.into());
        }
    }
}

fn internal_kind() -> &'static Kind {
    const INTERNAL: Kind = Kind {
        code: "internal",
        status: 500,
        title: ("Internal fault", "内部错误"),
        advice: ("tell your operator the request_id", "请将 request_id 告知运维人员"),
    };
    table::kind(INTERNAL.code).unwrap_or(&INTERNAL)
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let detail = self.detail.as_deref().unwrap_or(self.kind.advice.0);
        write!(f, "{}: {detail}", self.code())
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.kind.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Without the middleware's knowledge of the request: the middleware writes it anew.
    fn error_response(&self) -> HttpResponse<BoxBody> {
        self.response(Language::En, "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Millis;

    #[test]
    fn a_problem_says_what_to_do_in_the_callers_language() {
        let grant = GrantId::new(Millis(1_795_000_000_000));
        let reasons =
            vec![Reason { code: "grant_expired".into(), en: "ask anew".into(), zh: "请重新申请".into() }];
        let problem = Problem::coded("grant_expired", "refused").because("a-rule", Some(grant), reasons);
        let en = problem.body(Language::En, "r-1");
        assert_eq!(en["status"], 403);
        assert_eq!(en["type"], "urn:mulu:problem:grant_expired");
        assert_eq!(en["code"], "grant_expired");
        assert_eq!(en["request_id"], "r-1");
        assert_eq!(en["rule"], "a-rule");
        assert_eq!(en["grant_id"], grant.to_string());
        assert_eq!(en["reasons"][0], json!({"code": "grant_expired", "message": "ask anew"}));
        let zh = problem.body(Language::Zh, "r-1");
        assert_eq!(zh["title"], "已拒绝");
        assert_eq!(zh["reasons"][0]["message"], "请重新申请");
    }

    #[test]
    fn causes_stay_inside() {
        let problem = Problem::internal("SELECT * FROM accounts");
        assert!(!problem.body(Language::En, "x").to_string().contains("SELECT"));
        assert!(!problem.to_string().contains("SELECT"));
        assert_eq!(problem.cause(), Some("SELECT * FROM accounts"));
        assert_eq!(Problem::new("no such code").status_code(), 500);
    }

    #[test]
    fn headers_tell_how_to_go_on() {
        let late = Problem::new("quota_exceeded").retry_after(0).response(Language::Zh, "x");
        assert_eq!(late.headers().get("retry-after").unwrap(), "1");
        assert_eq!(late.headers().get("content-type").unwrap(), PROBLEM_JSON);
        assert_eq!(late.headers().get("content-language").unwrap(), "zh-CN");
        let stranger = Problem::new("not_authenticated").response(Language::En, "x");
        assert!(stranger.headers().get("www-authenticate").unwrap().to_str().unwrap().starts_with("Bearer"));
        let method = Problem::new("method_not_allowed").allow("GET".into()).response(Language::En, "x");
        assert_eq!(method.headers().get("allow").unwrap(), "GET");
    }
}
