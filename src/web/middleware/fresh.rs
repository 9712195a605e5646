//! `Mulu-Read: fresh`: a reading is answered when this node has what was acknowledged anywhere before it was asked.

use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use actix_web::middleware::Next;
use actix_web::web::Data;

use crate::service::Node;
use crate::web::extract::authenticate;
use crate::web::problem::Problem;

const MULU_READ: &str = "mulu-read";

/// The layer around the API's handlers.
///
/// # Errors
/// None of its own: problems are answers.
pub async fn fresh(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if let Err(problem) = made_sure(&request).await {
        return Ok(request.error_response(problem).map_into_boxed_body());
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

async fn made_sure(request: &ServiceRequest) -> Result<(), Problem> {
    if request.method() != Method::GET || !is_asked(request.headers())? {
        return Ok(());
    }
    // A stranger's question must not cost the voters a round.
    authenticate(request.request()).await?;
    let node = request.app_data::<Data<Node>>().ok_or_else(|| Problem::internal("the web knows no node"))?;
    Ok(node.catch_up().await?)
}

/// # Errors
/// `invalid_parameter` for any other kind of reading than fresh: a misspelt word must not pass for freshness.
fn is_asked(headers: &HeaderMap) -> Result<bool, Problem> {
    match headers.get(MULU_READ).map(|value| value.as_bytes()) {
        None => Ok(false),
        Some(b"fresh") => Ok(true),
        Some(_) => {
            Err(Problem::new("invalid_parameter").detail("the header Mulu-Read knows `fresh`, and nothing else"))
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn only_the_exact_word_asks_for_a_fresh_reading() {
        let asked =
            |value: &str| is_asked(TestRequest::get().insert_header((MULU_READ, value)).to_http_request().headers());
        assert!(asked("fresh").unwrap());
        assert!(!is_asked(TestRequest::get().to_http_request().headers()).unwrap());
        for wrong in ["", "Fresh", "fresh, stale"] {
            assert_eq!(asked(wrong).unwrap_err().code(), "invalid_parameter", "{wrong:?}");
        }
    }
}
