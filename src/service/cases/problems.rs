//! Why a pull brought nothing, in words for the clerk.

use crate::domain::Text;
use crate::domain::department_files::workflow::Pull;
use crate::exchange::QueryError;
use crate::readmodel::local::PullProblem;
use crate::service::error::ServiceError;

/// The code of too few rows.
pub const ROWS_MISSING: &str = "rows_missing";

fn text(zh: &str, en: &str) -> Text {
    Text { zh: zh.to_owned(), en: en.to_owned() }
}

/// Fewer rows than the case needs: no such person, contract, home.
pub(super) fn rows_missing(found: usize, pull: &Pull) -> PullProblem {
    let text = Text {
        zh: format!("查到 {found} 条，至少需要 {} 条，请与申请人核对信息", pull.rows_min),
        en: format!("{found} found and {} needed: check the details with the applicant", pull.rows_min),
    };
    PullProblem { code: ROWS_MISSING.to_owned(), text, lost: false }
}

/// What the exchange says.
pub(super) fn of_query(error: &QueryError) -> PullProblem {
    let code = error.code().to_owned();
    let text = match error {
        QueryError::Refused { explanation, .. } => {
            let first = explanation.reasons.first().map(|reason| reason.text.clone());
            first.unwrap_or_else(|| text("提供方的规则不允许此次查询", "the provider's rules refuse this call"))
        }
        QueryError::ProviderUnreachable(_) => {
            text("提供方节点暂时无法连接", "the provider's node cannot be reached now")
        }
        QueryError::ProviderLate(_) => text("提供方节点未及时答复", "the provider's node did not answer in time"),
        QueryError::ProviderFailed { .. } => {
            text("提供方的数据源暂时不可用", "the provider's data source does not work now")
        }
        QueryError::QuotaExceeded { .. } | QueryError::RateExceeded { .. } => {
            text("授权的查询次数已用完，请稍后再试", "the grant allows no more queries now: try again later")
        }
        QueryError::Unprocessable(_) => text("查询参数不符合接口要求", "the parameters do not fit the interface"),
        QueryError::UnknownEntry(_) => text("目录中没有该接口", "the catalog has no such interface"),
        other => text("暂时无法查询，请稍后再试", &other.to_string()),
    };
    // What was refused, or answered by a broken source, stands in the provider's records: it was heard.
    let heard = matches!(
        error,
        QueryError::Refused { .. }
            | QueryError::QuotaExceeded { .. }
            | QueryError::RateExceeded { .. }
            | QueryError::ProviderFailed { .. }
            | QueryError::Unprocessable(_)
            | QueryError::UnknownEntry(_)
            | QueryError::Conflict { .. }
            | QueryError::Replayed
    );
    PullProblem { code, text, lost: !heard }
}

/// The answer came, and could not be kept or noted.
pub(super) fn of_service(error: &ServiceError) -> PullProblem {
    let text = text("答复已取得但暂时无法登记，请重试", "the answer came and could not be noted yet: try again");
    tracing::warn!(%error, "the answer to a pull could not be noted");
    PullProblem { code: "not_noted".to_owned(), text, lost: false }
}
