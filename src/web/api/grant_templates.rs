//! `/grant-templates`: common matters, and asking for all that one of them takes.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path};
use serde::Deserialize;

use crate::crypto::digest::Hash;
use crate::service::Node;
use crate::service::grant_templates::TemplateChoice;
use crate::web::extract::{ApiBody, Body, Caller, Filter, Wait};
use crate::web::problem::Problem;

use super::listing::{Fresh, Moment, fresh};
use super::views::Page;
use super::views::grant_templates::{Template, TemplateRequests};

/// What the requests say beside what the template says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    #[serde(default)]
    matter: Option<String>,
    #[serde(default)]
    valid_until: Option<Moment>,
    #[serde(default)]
    letter: Option<Hash>,
    #[serde(default)]
    assessment: Option<String>,
}

impl ApiBody for Choice {
    const SCHEMA: Option<&'static str> = Some("template_request");
}

/// **Permissions**: everybody signed in.
pub async fn list(node: Data<Node>, _: Caller, query: Filter<Fresh>) -> Result<Json<Page<Template>>, Problem> {
    fresh(&node, query.0.min_index).await?;
    let items = node.grant_templates().iter().cloned().map(Template::from).collect();
    Ok(Json(Page { items, next_cursor: None, ledger_index: node.chain.size().saturating_sub(1) }))
}

/// **Permissions**: clerk, reviewer or system of the consumer.
pub async fn request(
    node: Data<Node>,
    caller: Caller,
    code: Path<String>,
    _: Wait,
    choice: Body<Choice>,
) -> Result<HttpResponse, Problem> {
    let Choice { matter, valid_until, letter, assessment } = choice.0;
    let choice = TemplateChoice { matter, valid_until: valid_until.map(|moment| moment.0), letter, assessment };
    let asked = node.request_by_template(&caller.0, &code, choice).await?;
    Ok(HttpResponse::Created().json(TemplateRequests::from(asked)))
}
