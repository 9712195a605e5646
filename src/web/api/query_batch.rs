//! `/query/.../batch`: one query about several subjects, each with its own verdict.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, ResponseError as _};

use crate::service::Node;
use crate::service::queries::BatchRequest;
use crate::web::extract::{ApiBody, Body, Caller, Wait};
use crate::web::problem::Problem;

use super::catalog::Named;
use super::query_stream::Voice;
use super::views::audit::{BatchAnswer, QueryAnswer, SubjectAnswer};

impl ApiBody for BatchRequest {
    const SCHEMA: Option<&'static str> = Some("query_batch");
}

/// **Permissions**: as for a single query, and so decided for each subject.
pub async fn query(
    http: HttpRequest,
    node: Data<Node>,
    caller: Caller,
    named: Path<Named>,
    wait: Wait,
    batch: Body<BatchRequest>,
) -> Result<Json<BatchAnswer>, Problem> {
    wait.without_anchor()?;
    let voice = Voice::of(&http);
    let asked = node.query_batch(&caller.0, &named.entry(), batch.0).await?;
    let answers = (0..).zip(asked).map(|(place, asked)| match asked {
        Ok(answer) => SubjectAnswer {
            place,
            status: StatusCode::OK.as_u16(),
            answer: Some(QueryAnswer::from(answer)),
            problem: None,
        },
        Err(error) => {
            let problem = Problem::from(error);
            SubjectAnswer {
                place,
                status: problem.status_code().as_u16(),
                answer: None,
                problem: Some(voice.says(&problem)),
            }
        }
    });
    Ok(Json(BatchAnswer { answers: answers.collect() }))
}
