//! The auditor's pages about promises without record and records without promise.

use crate::ids::AccessId;
use crate::readmodel::PageRequest;
use crate::readmodel::findings::{FindingFilter, FindingView};
use crate::web::problem::Problem;

use super::codes;
use super::desk::{Desk, Visitor};
use super::form::Fields;
use super::listing::{cursor, departments, pager};
use super::render::Answer;
use super::views::findings::{FindingPage, FindingResults, FindingRow, Findings};

const PAGE_SIZE: u32 = 50;

/// Findings by department, problem, and whether something is still owed.
pub async fn list(visitor: Visitor) -> Answer {
    let results = results(&visitor).await?;
    if visitor.partial {
        return visitor.show(&results);
    }
    let query = &visitor.query;
    let view = Findings {
        page: visitor.page(),
        t: visitor.t,
        consumers: departments(&visitor, query.get("consumer")),
        providers: departments(&visitor, query.get("provider")),
        problem: query.get("problem").to_owned(),
        resolved: query.get("resolved").to_owned(),
        results,
    };
    visitor.show(&view)
}

fn wanted(query: &Fields) -> Result<FindingFilter, Problem> {
    let given = |name: &str| Some(query.get(name).to_owned()).filter(|value| !value.is_empty());
    // A filter that cannot be read must not widen the listing.
    let wrong = || Problem::new("invalid_parameter");
    let resolved = match query.get("resolved") {
        "" => None,
        "yes" => Some(true),
        "no" => Some(false),
        _ => return Err(wrong()),
    };
    Ok(FindingFilter {
        consumer: given("consumer").map(|id| id.parse().map_err(|_| wrong())).transpose()?,
        provider: given("provider").map(|id| id.parse().map_err(|_| wrong())).transpose()?,
        problem: given("problem").map(|word| codes::value(&word).ok_or_else(wrong)).transpose()?,
        resolved,
        page: PageRequest { cursor: cursor(query), size: Some(PAGE_SIZE) },
    })
}

async fn results(visitor: &Visitor) -> Result<FindingResults, Problem> {
    let query = &visitor.query;
    let page = visitor.node.findings(&visitor.who, wanted(query)?).await?;
    let fields = ["consumer", "provider", "problem", "resolved"];
    let (first_href, next_href) = pager("/audit/findings", query, &fields, page.next_cursor.as_deref());
    Ok(FindingResults {
        t: visitor.t,
        rows: page.items.iter().map(|finding| row(visitor, finding)).collect(),
        ledger_index: page.ledger_index,
        first_href,
        next_href,
    })
}

fn row(desk: &Desk, view: &FindingView) -> FindingRow {
    let promise = view.finding.promise.as_ref();
    let deadline = promise.and_then(|signed| signed.read()).map(|promise| promise.by.local_text());
    FindingRow {
        access_id: view.finding.access_id.to_string(),
        problem: view.finding.problem.as_str().to_owned(),
        consumer: desk.department(&view.consumer),
        provider: desk.department(&view.finding.provider),
        reported: view.reported_at.local_text(),
        deadline: deadline.unwrap_or_default(),
        promise: promise.map(|signed| signed.payload.clone()).unwrap_or_default(),
        signature: promise.map(|signed| signed.signature.clone()).unwrap_or_default(),
        record: view.finding.record_index,
        settled: view.resolved_index,
        transaction: view.transaction_id.to_string(),
    }
}

/// What was found about an access.
pub async fn of_access(visitor: &Visitor, id: AccessId) -> Result<Vec<FindingRow>, Problem> {
    let found = visitor.node.findings_of(&visitor.who, id).await?;
    Ok(found.iter().map(|finding| row(visitor, finding)).collect())
}

/// The page of an access that was promised and never recorded.
pub fn page(visitor: &Visitor, id: AccessId, findings: Vec<FindingRow>) -> Answer {
    let page = visitor.page_at(&format!("/audit/{id}"));
    visitor.show(&FindingPage { page, t: visitor.t, access_id: id.to_string(), findings })
}
