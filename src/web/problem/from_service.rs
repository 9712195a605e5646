//! What a use case answers instead of a result, as a problem. The table has the statuses.

use crate::exchange::{Explanation, QueryError};
use crate::policy::Decision;
use crate::service::ServiceError;

use super::{Problem, Reason};

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        let text = error.to_string();
        match error {
            ServiceError::NotSignedIn => Self::new("not_authenticated"),
            ServiceError::WrongPassword => Self::new("wrong_password"),
            ServiceError::Locked { seconds } => Self::new("account_locked")
                .detail(text)
                .detail_zh(format!("失败次数过多，账号已锁定，请在 {seconds} 秒后再试"))
                .retry_after(seconds),
            ServiceError::Refused(decision) => refused(&decision),
            ServiceError::NotAllowed { code, detail } => Self::coded(code, "not_allowed").detail(detail),
            ServiceError::NotFound(what) => {
                Self::new("not_found").detail(format!("{what} does not exist: check the id"))
            }
            ServiceError::Conflict { code, detail } => Self::coded(code, "conflict").detail(detail),
            ServiceError::Invalid(faults) => Self::unprocessable(faults),
            ServiceError::Malformed(detail) => Self::new("malformed").detail(detail),
            ServiceError::Unavailable { code, detail, retry_after_s } => {
                Self::coded(code, "unavailable").detail(detail).retry_after(retry_after_s)
            }
            ServiceError::Query(error) => error.into(),
            ServiceError::Internal(cause) => Self::internal(cause),
        }
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        let (text, retry) = (error.to_string(), error.retry_after());
        let kind = fallback(&error);
        let code = error.code().to_owned();
        let state = error.provider_state().map(|(provider, state)| (provider.clone(), state));
        let problem = match error {
            QueryError::Unprocessable(faults) => Self::unprocessable(faults),
            QueryError::Refused { access_id, explanation } => explained(&explanation).access(access_id),
            QueryError::QuotaExceeded { access_id, .. } => over_quota(&text).access(access_id),
            QueryError::RateExceeded { access_id, .. } => over_rate(&text).access(access_id),
            // What the provider's source said may be long, or not meant for callers: the kind's advice is enough.
            QueryError::ProviderFailed { detail, provider, .. } => {
                tracing::warn!(%provider, code, detail, "the provider failed");
                Self::coded(&code, kind)
            }
            QueryError::Unavailable(cause) => {
                tracing::warn!(cause, "this node cannot exchange data");
                Self::coded(&code, kind)
            }
            _ => Self::coded(&code, kind).detail(text),
        };
        let problem = match state {
            Some((provider, state)) => problem.provider(provider, state),
            None => problem,
        };
        match retry {
            Some(seconds) => problem.retry_after(seconds),
            None => problem,
        }
    }
}

/// The kind that gives the status when the table does not list a code of its own.
fn fallback(error: &QueryError) -> &'static str {
    match error {
        QueryError::UnknownEntry(_) => "not_found",
        QueryError::Conflict { .. } | QueryError::Replayed => "conflict",
        QueryError::Unprocessable(_) => "unprocessable",
        QueryError::Refused { .. } => "refused",
        QueryError::QuotaExceeded { .. } => "quota_exceeded",
        QueryError::RateExceeded { .. } => "rate_exceeded",
        QueryError::ProviderUnreachable(_)
        | QueryError::ProviderCertificate(_)
        | QueryError::ProviderAnswer { .. }
        | QueryError::ProviderFailed { .. } => "provider_failed",
        QueryError::ProviderLate(_) => "provider_late",
        QueryError::ClockSkew
        | QueryError::OutboxFull
        | QueryError::DiskFull
        | QueryError::Busy
        | QueryError::Unavailable(_) => "unavailable",
    }
}

fn refused(decision: &Decision) -> Problem {
    let reasons = decision.reasons.iter().map(|reason| Reason {
        code: reason.code.to_owned(),
        en: reason.en.to_owned(),
        zh: reason.zh.to_owned(),
    });
    with_reasons(&decision.rule, None, reasons.collect())
}

fn explained(explanation: &Explanation) -> Problem {
    let reasons = explanation.reasons.iter().map(|reason| Reason {
        code: reason.code.clone(),
        en: reason.text.en.clone(),
        zh: reason.text.zh.clone(),
    });
    with_reasons(&explanation.rule, explanation.grant, reasons.collect())
}

/// Not a rule of the policy, but a refusal all the same: it has its reason like every other.
fn over_quota(text: &str) -> Problem {
    beyond("quota_exceeded", "daily-quota", text, "授权的当日配额已用完，请在次日零时（北京时间）后再试")
}

fn over_rate(text: &str) -> Problem {
    beyond("rate_exceeded", "grant-rate", text, "已达授权的每秒或每分钟查询上限，请稍后再试")
}

fn beyond(code: &'static str, rule: &str, text: &str, zh: &str) -> Problem {
    let reason = Reason { code: code.to_owned(), en: text.to_owned(), zh: zh.to_owned() };
    Problem::new(code).detail(text).detail_zh(zh).because(rule, None, vec![reason])
}

/// The first reason names what to mend, so its code is the problem's.
fn with_reasons(rule: &str, grant: Option<crate::ids::GrantId>, reasons: Vec<Reason>) -> Problem {
    let problem = match reasons.first() {
        Some(first) => Problem::with_code(&first.code, "refused").detail(first.en.clone()).detail_zh(first.zh.clone()),
        None => Problem::new("refused"),
    };
    problem.because(rule, grant, reasons)
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError as _;

    use super::super::table;
    use super::*;
    use crate::clock::Millis;
    use crate::domain::schema::Fault;
    use crate::exchange::ReasonText;
    use crate::ids::{AccessId, TxId};
    use crate::policy::reason::REASONS;
    use crate::state::Refusal;

    fn status(problem: &Problem) -> u16 {
        problem.status_code().as_u16()
    }

    #[test]
    fn every_refusal_of_the_ledger_has_its_kind() {
        let text = || "x".to_owned();
        for (refusal, expected) in [
            (Refusal::Signature, 403),
            (Refusal::Payload(text()), 500),
            (Refusal::IdTime, 409),
            (Refusal::Repeated { first: 1 }, 409),
            (Refusal::IdReused { first: 1 }, 409),
            (Refusal::NotAllowed(text()), 403),
            (Refusal::OwnRequest, 403),
            (Refusal::Unknown(text()), 404),
            (Refusal::Conflict(text()), 409),
            (Refusal::Invalid(text()), 422),
        ] {
            let problem = Problem::from(ServiceError::from(refusal.clone()));
            assert_eq!(status(&problem), expected, "{refusal:?}");
        }
    }

    #[test]
    fn every_failure_of_a_query_has_its_kind() {
        let tax: crate::ids::DepartmentId = "tax".parse().unwrap();
        let entry: crate::ids::EntryName = "tax/deed".parse().unwrap();
        let access_id = AccessId::new(Millis(1_795_000_000_000));
        let failed = |code: &str| QueryError::ProviderFailed {
            provider: tax.clone(),
            code: code.into(),
            detail: "no such table: deeds".into(),
            retry_after_s: (code == "provider_data_resting").then_some(7),
        };
        let version = |text: &str| text.parse().unwrap();
        for (error, expected, retries) in [
            (QueryError::UnknownEntry(entry.clone()), 404, false),
            (QueryError::Conflict { entry, asked: version("1.0"), current: version("2.0") }, 409, false),
            (QueryError::Unprocessable(vec![Fault::new("/params/id_number", "x")]), 422, false),
            (QueryError::QuotaExceeded { access_id, retry_after_s: 60 }, 429, true),
            (QueryError::ClockSkew, 503, false),
            (QueryError::Replayed, 409, false),
            (QueryError::ProviderUnreachable(tax.clone()), 502, true),
            (QueryError::ProviderCertificate(tax.clone()), 502, false),
            (QueryError::ProviderLate(tax.clone()), 504, true),
            (QueryError::ProviderAnswer { provider: tax.clone(), why: "x".into() }, 502, false),
            (failed("provider_data_unavailable"), 502, false),
            (failed("provider_data_late"), 504, false),
            (failed("provider_data_overloaded"), 502, false),
            (failed("provider_data_resting"), 502, true),
            (failed("provider_connector_broken"), 502, false),
            (failed("a_code_of_tomorrow"), 502, false),
            (QueryError::OutboxFull, 503, true),
            (QueryError::DiskFull, 503, true),
            (QueryError::Busy, 503, true),
            (QueryError::Unavailable("disk".into()), 503, true),
        ] {
            let code = error.code().to_owned();
            let problem = Problem::from(error);
            assert_eq!(status(&problem), expected, "{code}");
            let body = problem.body(crate::web::language::Language::En, "x");
            let told = body["provider"] == "tax" && body["provider_state"].is_string();
            assert_eq!(told, matches!(expected, 502 | 504), "{code}: {body}");
            let response = problem.error_response();
            assert_eq!(response.headers().contains_key("retry-after"), retries, "{code}");
            assert_eq!(problem.code(), code);
            assert!(!problem.to_string().contains("no such table"), "{code} tells a provider's internals");
        }
    }

    #[test]
    fn a_refusal_is_named_after_its_first_reason_and_is_always_403() {
        for reason in REASONS {
            let decision = Decision { allowed: false, rule: "a-rule".into(), reasons: vec![*reason] };
            let problem = Problem::from(ServiceError::Refused(decision));
            assert_eq!((status(&problem), problem.code()), (403, reason.code));
            assert!(table::kind(reason.code).is_none_or(|kind| kind.status == 403), "{} has two statuses", reason.code);
        }
        let explanation = Explanation {
            allowed: false,
            rule: "r".into(),
            reasons: vec![ReasonText { code: "no_grant".into(), text: Default::default() }],
            grant: Some(TxId::new(Millis(1)).into()),
            ledger_index: 9,
        };
        let access_id = AccessId::new(Millis(1_795_000_000_000));
        let problem = Problem::from(QueryError::Refused { access_id, explanation });
        let body = problem.body(crate::web::language::Language::En, "x");
        assert_eq!((status(&problem), body["code"].as_str()), (403, Some("no_grant")));
        assert_eq!(body["access_id"], access_id.to_string());
    }

    #[test]
    fn codes_of_use_cases_stand_in_the_table() {
        for code in
            ["ledger_busy", "no_quorum", "disk_full", "store_full", "database_busy", "database_unreachable", "conflict"]
        {
            assert!(table::kind(code).is_some(), "{code}");
        }
        let locked = Problem::from(ServiceError::Locked { seconds: 300 });
        assert_eq!(locked.error_response().headers().get("retry-after").unwrap(), "300");
    }
}
