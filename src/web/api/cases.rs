//! `/cases` and `/workflows`: open a case, look at it, sign it off, end it in a certificate.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::domain::case::CaseState;
use crate::ids::{CaseId, DepartmentId, Slug};
use crate::readmodel::cases::CaseFilter;
use crate::service::Node;
use crate::service::cases::{SignOffWord, StartCase};
use crate::web::extract::{ApiBody, Body, Caller, Empty, Filter, Wait};
use crate::web::problem::Problem;

use super::listing::{Fresh, fresh, page};
use super::views::cases::{CaseAnswer, CaseDetail, OpenedCase, Workflow};
use super::views::certificates::Issued;
use super::views::{Page, Written};

/// Filters of cases.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Handled by this department.
    owner: Option<DepartmentId>,
    /// Handled by this department, or with a step for it.
    involved: Option<DepartmentId>,
    /// With a step for this department that has no word yet.
    waiting_for: Option<DepartmentId>,
    /// In this state.
    state: Option<CaseState>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items wanted, 1 to 200; 50 when left out.
    page_size: Option<u32>,
    /// Wait up to 5 s until the answer reflects the transaction of this ledger index.
    min_index: Option<u64>,
}

/// A step in a path.
#[derive(Debug, Deserialize)]
pub struct Step {
    id: CaseId,
    step: Slug,
}

impl ApiBody for StartCase {
    const SCHEMA: Option<&'static str> = Some("case");
}

impl ApiBody for SignOffWord {
    const SCHEMA: Option<&'static str> = Some("sign_off");
}

/// **Permissions**: everybody of the department.
pub async fn workflows(node: Data<Node>, _: Caller, _: Filter<Fresh>) -> Result<Json<Page<Workflow>>, Problem> {
    let items = node.workflows().iter().cloned().map(Workflow::from).collect();
    Ok(Json(Page { items, next_cursor: None, ledger_index: node.chain.size().saturating_sub(1) }))
}

/// **Permissions**: clerk.
pub async fn open(node: Data<Node>, caller: Caller, _: Wait, start: Body<StartCase>) -> Result<HttpResponse, Problem> {
    let opened = node.start_case(&caller.0, start.0).await?;
    Ok(HttpResponse::Created().json(OpenedCase {
        id: opened.case_id,
        case_id: opened.case_id,
        state: CaseState::InProgress,
        transaction_id: opened.committed.transaction_id,
        ledger_index: opened.committed.ledger_index,
    }))
}

/// **Permissions**: everybody signed in; papers are not listed.
pub async fn list(node: Data<Node>, _: Caller, query: Filter<Search>) -> Result<Json<Page<CaseAnswer>>, Problem> {
    let Search { owner, involved, waiting_for, state, cursor, page_size, min_index } = query.0;
    fresh(&node, min_index).await?;
    let filter = CaseFilter { owner, involved, waiting_for, state, page: page(cursor, page_size) };
    Ok(Json(node.cases(filter).await?.into()))
}

/// **Permissions**: everybody signed in; papers for the owner and the departments that sign off.
pub async fn show(
    node: Data<Node>,
    caller: Caller,
    id: Path<CaseId>,
    query: Filter<Fresh>,
) -> Result<Json<CaseDetail>, Problem> {
    fresh(&node, query.0.min_index).await?;
    Ok(Json(node.case(&caller.0, *id).await?.into()))
}

/// **Permissions**: reviewer of the step's department.
pub async fn sign_off(
    node: Data<Node>,
    caller: Caller,
    at: Path<Step>,
    _: Wait,
    word: Body<SignOffWord>,
) -> Result<Json<Written>, Problem> {
    let Step { id, step } = at.into_inner();
    Ok(Json(node.sign_off(&caller.0, id, step, word.0).await?.into()))
}

/// **Permissions**: reviewer of the case's owner who did not open it.
pub async fn issue_certificate(
    node: Data<Node>,
    caller: Caller,
    id: Path<CaseId>,
    _: Wait,
    _: Body<Empty>,
) -> Result<HttpResponse, Problem> {
    let issued = node.issue_certificate(&caller.0, *id).await?;
    Ok(HttpResponse::Created().json(Issued {
        identifier: issued.identifier,
        transaction_id: issued.committed.transaction_id,
        ledger_index: issued.committed.ledger_index,
    }))
}
