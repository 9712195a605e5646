//! `/cases` and `/workflows`: open a case, carry it on, look at it, do a department's part, end it.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::domain::case::CaseState;
use crate::ids::{CaseId, DepartmentId, Slug};
use crate::readmodel::cases::CaseFilter;
use crate::service::Node;
use crate::service::cases::{AssignWord, ResubmitWord, ReturnWord, SignOffWord, StartCase};
use crate::web::extract::{ApiBody, Body, Caller, Empty, Filter, Wait};
use crate::web::problem::Problem;

use super::listing::{Fresh, fresh, page};
use super::views::cases::{
    CaseAnswer, CaseDetail, CaseProgress, CaseSlip, OpenedCase, PublishedWorkflow, ResubmittedCase, Workflow, problems,
};
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
    /// With a step for this department whose turn has come.
    waiting_for: Option<DepartmentId>,
    /// In this state.
    state: Option<CaseState>,
    /// Of this workflow.
    workflow: Option<Slug>,
    /// Only those that are late by this department's calendar; with `waiting_for`, whose step for it is.
    overdue: Option<bool>,
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

impl ApiBody for ReturnWord {
    const SCHEMA: Option<&'static str> = Some("reason");
}

impl ApiBody for ResubmitWord {
    const SCHEMA: Option<&'static str> = Some("resubmission");
}

impl ApiBody for AssignWord {
    const SCHEMA: Option<&'static str> = Some("assignment");
}

/// **Permissions**: everybody of the department.
pub async fn workflows(node: Data<Node>, _: Caller, _: Filter<Fresh>) -> Result<Json<Page<Workflow>>, Problem> {
    let items = node.workflow_standings()?.into_iter().filter_map(Workflow::of).collect();
    Ok(Json(Page { items, next_cursor: None, ledger_index: node.chain.size().saturating_sub(1) }))
}

/// **Permissions**: reviewer.
pub async fn publish_workflow(
    node: Data<Node>,
    caller: Caller,
    name: Path<Slug>,
    _: Wait,
    _: Body<Empty>,
) -> Result<HttpResponse, Problem> {
    let (version, committed) = node.publish_workflow(&caller.0, &name).await?;
    Ok(HttpResponse::Created().json(PublishedWorkflow {
        name: name.into_inner(),
        version,
        transaction_id: committed.transaction_id,
        ledger_index: committed.ledger_index,
    }))
}

/// **Permissions**: clerk.
pub async fn open(node: Data<Node>, caller: Caller, _: Wait, start: Body<StartCase>) -> Result<HttpResponse, Problem> {
    let opened = node.start_case(&caller.0, start.0).await?;
    Ok(HttpResponse::Created().json(OpenedCase {
        id: opened.case_id,
        case_id: opened.case_id,
        state: opened.progress.state,
        problems: problems(opened.progress.problems),
        transaction_id: opened.committed.transaction_id,
        ledger_index: opened.committed.ledger_index,
    }))
}

/// **Permissions**: everybody signed in; papers are not listed.
pub async fn list(node: Data<Node>, _: Caller, query: Filter<Search>) -> Result<Json<Page<CaseAnswer>>, Problem> {
    let Search { owner, involved, waiting_for, state, workflow, overdue, cursor, page_size, min_index } = query.0;
    fresh(&node, min_index).await?;
    let overdue = if overdue == Some(true) { Some(node.case_terms().await?) } else { None };
    let page = page(cursor, page_size);
    let filter = CaseFilter { owner, involved, waiting_for, state, workflow, overdue, page };
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

/// **Permissions**: clerk or reviewer of the case's owner.
pub async fn slip(
    node: Data<Node>,
    caller: Caller,
    id: Path<CaseId>,
    query: Filter<Fresh>,
) -> Result<Json<CaseSlip>, Problem> {
    fresh(&node, query.0.min_index).await?;
    let slip = node.case_slip(&caller.0, *id).await?;
    Ok(Json(CaseSlip { number: slip.kept.number, code: slip.kept.code, url: slip.url }))
}

/// **Permissions**: reviewer of the step's department; clerks where the workflow gives them the step.
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

/// **Permissions**: clerk or reviewer of the case's owner.
pub async fn retry(
    node: Data<Node>,
    caller: Caller,
    id: Path<CaseId>,
    _: Wait,
    _: Body<Empty>,
) -> Result<Json<CaseProgress>, Problem> {
    let progress = node.retry_case(&caller.0, *id).await?;
    Ok(Json(CaseProgress {
        id: *id,
        case_id: *id,
        state: progress.state,
        problems: problems(progress.problems),
        ledger_index: node.chain.size().saturating_sub(1),
    }))
}

/// **Permissions**: as [`sign_off`].
pub async fn give_back(
    node: Data<Node>,
    caller: Caller,
    at: Path<Step>,
    _: Wait,
    word: Body<ReturnWord>,
) -> Result<Json<Written>, Problem> {
    let Step { id, step } = at.into_inner();
    Ok(Json(node.return_case(&caller.0, id, step, word.0).await?.into()))
}

/// **Permissions**: reviewer of the step's department, or of the case's owner.
pub async fn assign(
    node: Data<Node>,
    caller: Caller,
    at: Path<Step>,
    _: Wait,
    word: Body<AssignWord>,
) -> Result<Json<Written>, Problem> {
    let Step { id, step } = at.into_inner();
    Ok(Json(node.assign_case(&caller.0, id, step, word.0).await?.into()))
}

/// **Permissions**: clerk or reviewer of the case's owner.
pub async fn resubmit(
    node: Data<Node>,
    caller: Caller,
    id: Path<CaseId>,
    _: Wait,
    word: Body<ResubmitWord>,
) -> Result<Json<ResubmittedCase>, Problem> {
    let done = node.resubmit_case(&caller.0, *id, word.0).await?;
    Ok(Json(ResubmittedCase {
        state: done.progress.state,
        problems: problems(done.progress.problems),
        transaction_id: done.committed.transaction_id,
        ledger_index: done.committed.ledger_index,
    }))
}

/// **Permissions**: clerk or reviewer of the case's owner.
pub async fn withdraw(
    node: Data<Node>,
    caller: Caller,
    id: Path<CaseId>,
    _: Wait,
    why: Body<ReturnWord>,
) -> Result<Json<Written>, Problem> {
    Ok(Json(node.withdraw_case(&caller.0, *id, why.0.reason).await?.into()))
}

/// **Permissions**: clerk or reviewer of the case's owner.
pub async fn complete(
    node: Data<Node>,
    caller: Caller,
    id: Path<CaseId>,
    _: Wait,
    _: Body<Empty>,
) -> Result<Json<Written>, Problem> {
    Ok(Json(node.complete_case(&caller.0, *id).await?.into()))
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
