//! `/query` and `/decisions`: ask a department for data, or how its rules would decide.

use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::ids::{DepartmentId, EntryName, ItemName, Slug, Version};
use crate::service::Node;
use crate::service::queries::QueryRequest;
use crate::web::extract::{ApiBody, Body, Caller, Wait};
use crate::web::language::Language;
use crate::web::problem::Problem;

use super::catalog::Named;
use super::query_stream::{Pages, Voice, accepts_lines};
use super::views::audit::{ExplanationAnswer, QueryAnswer};

impl ApiBody for QueryRequest {
    const SCHEMA: Option<&'static str> = Some("query");
}

/// The facts of a query; the entry whole, or as provider and name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    #[serde(default)]
    entry: Option<EntryName>,
    #[serde(default)]
    provider: Option<DepartmentId>,
    #[serde(default)]
    name: Option<Slug>,
    #[serde(default)]
    version: Option<Version>,
    purpose: String,
    #[serde(default)]
    cause: String,
    #[serde(default)]
    case_id: Option<String>,
    #[serde(default)]
    params: Map<String, Value>,
    #[serde(default)]
    items: Vec<ItemName>,
    #[serde(default)]
    cursor: Option<String>,
}

impl ApiBody for Facts {
    const SCHEMA: Option<&'static str> = Some("explain");
}

/// **Permissions**: clerk or system, under a grant of the provider where the entry needs one.
pub async fn query(
    http: HttpRequest,
    node: Data<Node>,
    caller: Caller,
    named: Path<Named>,
    wait: Wait,
    request: Body<QueryRequest>,
) -> Result<HttpResponse, Problem> {
    wait.without_anchor()?;
    let (caller, entry, request) = (caller.0, named.entry(), request.0);
    if accepts_lines(&http) {
        let first = node.query(&caller, entry.clone(), request.clone()).await?;
        return Ok(Pages { node, caller, entry, request, voice: Voice::of(&http) }.stream(first));
    }
    Ok(HttpResponse::Ok().json(QueryAnswer::from(node.query(&caller, entry, request).await?)))
}

/// **Permissions**: everybody signed in: it tells what the catalog and the grants tell.
pub async fn explain(
    request: HttpRequest,
    node: Data<Node>,
    caller: Caller,
    wait: Wait,
    facts: Body<Facts>,
) -> Result<Json<ExplanationAnswer>, Problem> {
    wait.without_anchor()?;
    let facts = facts.0;
    let entry = match (facts.entry, facts.provider, facts.name) {
        (Some(entry), _, _) => entry,
        (None, Some(provider), Some(name)) => EntryName { provider, name },
        _ => return Err(Problem::new("malformed").detail("name the entry, or provider and name")),
    };
    let call = QueryRequest {
        version: facts.version,
        purpose: facts.purpose,
        cause: facts.cause,
        case_id: facts.case_id,
        params: Value::Object(facts.params),
        items: facts.items,
        cursor: facts.cursor,
    };
    let explanation = node.explain(&caller.0, entry, call).await?;
    Ok(Json(ExplanationAnswer::of(explanation, Language::of(request.headers()))))
}
