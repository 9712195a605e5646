//! `/audit`: who looked at whose data, when, why and under which rule.

use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::domain::access::AccessDecision;
use crate::domain::finding::Mismatch;
use crate::ids::{AccessId, DepartmentId, EntryName, GrantId};
use crate::readmodel::accesses::AccessFilter;
use crate::readmodel::findings::FindingFilter;
use crate::service::Node;
use crate::service::audit::AuditFilter;
use crate::service::audit_numbers::Period;
use crate::web::extract::{Body, Caller, Empty, Filter, Wait};
use crate::web::portal::audit_numbers::sent;
use crate::web::portal::words::Words;
use crate::web::problem::Problem;
use crate::web::sheets::accesses::AccessFile;

use super::catalog_files::lang;
use super::listing::{Fresh, Moment, fresh, page};
use super::views::Page;
use super::views::audit::{Access, AccessDetail, Finding, ReplayAnswer, Subject};
use super::views::audit_summary::AuditSummaryAnswer;

/// Filters of accesses.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Whose data, an ID number or USCC; on the auditor's node only.
    subject: Option<String>,
    /// By this department.
    consumer: Option<DepartmentId>,
    /// On data of this department.
    provider: Option<DepartmentId>,
    /// On this entry.
    entry: Option<EntryName>,
    /// Under this grant.
    grant: Option<GrantId>,
    /// In this case.
    case_id: Option<String>,
    /// By this person or system of the consumer.
    operator: Option<String>,
    /// Allowed or refused.
    decision: Option<AccessDecision>,
    /// Decided at or after, RFC 3339.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Moment>,
    /// Decided before, RFC 3339.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Moment>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items wanted, 1 to 200; 50 when left out.
    page_size: Option<u32>,
    /// Wait up to 5 s until the answer reflects the transaction of this ledger index.
    min_index: Option<u64>,
}

impl Search {
    fn audit(self) -> AuditFilter {
        let filter = AccessFilter {
            subject_key: None,
            consumer: self.consumer,
            provider: self.provider,
            entry: self.entry,
            grant: self.grant,
            case_id: self.case_id,
            actor: self.operator,
            decision: self.decision,
            from: self.from.map(|moment| moment.0),
            to: self.to.map(|moment| moment.0),
            page: page(self.cursor, self.page_size),
        };
        AuditFilter { subject: self.subject, filter }
    }
}

/// **Permissions**: auditors; other departments' accounts see what concerns them.
pub async fn list(node: Data<Node>, caller: Caller, query: Filter<Search>) -> Result<Json<Page<Access>>, Problem> {
    let search = query.0;
    fresh(&node, search.min_index).await?;
    let audit = search.audit();
    let mut page: Page<Access> = node.accesses(&caller.0, audit).await?.into();
    page.items = page.items.into_iter().map(|access| access.on(&node)).collect();
    Ok(Json(page))
}

/// **Permissions**: as for the listing. Who takes accesses out is written down.
pub async fn workbook(
    node: Data<Node>,
    caller: Caller,
    query: Filter<Search>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    export(&node, &caller, query.0, &request, AccessFile::Xlsx).await
}

/// **Permissions**: as for the listing. Who takes accesses out is written down.
pub async fn csv(
    node: Data<Node>,
    caller: Caller,
    query: Filter<Search>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    export(&node, &caller, query.0, &request, AccessFile::Csv).await
}

async fn export(
    node: &Node,
    caller: &Caller,
    search: Search,
    request: &HttpRequest,
    form: AccessFile,
) -> Result<HttpResponse, Problem> {
    fresh(node, search.min_index).await?;
    let export = node.export_accesses(&caller.0, search.audit()).await?;
    let t = Words::of(lang(request));
    let written = actix_web::web::block(move || form.write(&export, t).map_err(|error| error.to_string()));
    Ok(sent(form, written.await.map_err(Problem::internal)?.map_err(Problem::internal)?))
}

/// Days of a summary.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Days {
    /// From the calendar day (UTC+8) of this moment on, RFC 3339; 30 days when left out.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Moment>,
    /// To the day of this moment, today when left out; at most 366 days.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Moment>,
    /// Wait up to 5 s until the answer reflects the transaction of this ledger index.
    min_index: Option<u64>,
}

/// **Permissions**: auditors; other departments' accounts see what concerns them.
pub async fn summary(
    node: Data<Node>,
    caller: Caller,
    query: Filter<Days>,
) -> Result<Json<AuditSummaryAnswer>, Problem> {
    let days = query.0;
    fresh(&node, days.min_index).await?;
    let of = |moment: Option<Moment>| moment.map(|moment| moment.0);
    let period = Period::of(of(days.from), of(days.to), node.clock.now())?;
    Ok(Json(node.audit_summary(&caller.0, period).await?.into()))
}

/// **Permissions**: auditors; other departments' accounts see what concerns them.
pub async fn show(
    node: Data<Node>,
    caller: Caller,
    id: Path<AccessId>,
    query: Filter<Fresh>,
) -> Result<Json<AccessDetail>, Problem> {
    fresh(&node, query.0.min_index).await?;
    let detail = node.access(&caller.0, *id).await?;
    let proof = node.receipt(detail.access.transaction_id).await?;
    Ok(Json(AccessDetail {
        access: Access::from(detail.access).on(&node),
        ledger_size: detail.ledger_size,
        proof: serde_json::to_value(&proof).unwrap_or_default(),
        receipt: detail.receipt,
    }))
}

/// **Permissions**: as for the access itself. Makes the decision again from the ledger at its index.
pub async fn replay(
    node: Data<Node>,
    caller: Caller,
    id: Path<AccessId>,
    query: Filter<Fresh>,
) -> Result<Json<ReplayAnswer>, Problem> {
    fresh(&node, query.0.min_index).await?;
    Ok(Json(ReplayAnswer::of(*id, node.replay(&caller.0, *id).await?)))
}

/// Filters of findings.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct FindingSearch {
    /// Found by this department.
    consumer: Option<DepartmentId>,
    /// About this department.
    provider: Option<DepartmentId>,
    /// What is wrong.
    problem: Option<Mismatch>,
    /// Settled by a record, or not.
    resolved: Option<bool>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items wanted, 1 to 200; 50 when left out.
    page_size: Option<u32>,
    /// Wait up to 5 s until the answer reflects the transaction of this ledger index.
    min_index: Option<u64>,
}

/// **Permissions**: auditors; other departments' accounts see what concerns them.
pub async fn findings(
    node: Data<Node>,
    caller: Caller,
    query: Filter<FindingSearch>,
) -> Result<Json<Page<Finding>>, Problem> {
    let search = query.0;
    fresh(&node, search.min_index).await?;
    let filter = FindingFilter {
        consumer: search.consumer,
        provider: search.provider,
        problem: search.problem,
        resolved: search.resolved,
        page: page(search.cursor, search.page_size),
    };
    Ok(Json(node.findings(&caller.0, filter).await?.into()))
}

/// **Permissions**: auditor of the auditing department. Opening is written to the node's log.
pub async fn open_subject(
    node: Data<Node>,
    caller: Caller,
    id: Path<AccessId>,
    _: Wait,
    _: Body<Empty>,
) -> Result<Json<Subject>, Problem> {
    let subject = node.open_subject(&caller.0, *id).await?;
    Ok(Json(Subject { access_id: *id, subject }))
}
