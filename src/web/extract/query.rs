//! Parameters of the path and of the query string: strict, for a misspelt filter must not widen a listing.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::error::PathError;
use actix_web::{Error, FromRequest, HttpRequest, web};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::web::problem::Problem;

/// Parameters of the query string; unknown ones are refused when `T` denies them.
#[derive(Debug)]
pub struct Filter<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Filter<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(request.query_string()).map(Self))
    }
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    let read = web::Query::<T>::from_query(text).map_err(|error| error.to_string());
    let wrong = |why: String| {
        let why = why.strip_prefix("Query deserialize error: ").unwrap_or(&why);
        Problem::new("invalid_parameter").detail(why.chars().take(240).collect::<String>())
    };
    read.map(web::Query::into_inner).map_err(wrong)
}

/// For what a write waits before it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// A majority of voters keeps the transaction; the default.
    Committed,
    /// This node's listings show it, too.
    Projected,
    /// Enough departments have cosigned a checkpoint that covers it.
    Anchored,
}

impl Wait {
    /// Reads a query string.
    ///
    /// # Errors
    /// `wait_not_offered`; `invalid_parameter` for any other parameter.
    pub fn of(query: &str) -> Result<Self, Problem> {
        match read::<WaitQuery>(query)?.wait.as_deref() {
            None | Some("committed") => Ok(Self::Committed),
            Some("projected") => Ok(Self::Projected),
            Some("anchored") => Ok(Self::Anchored),
            Some(_) => Err(Problem::new("wait_not_offered")),
        }
    }

    /// For calls that write nothing on the ledger themselves.
    ///
    /// # Errors
    /// `wait_not_offered`.
    pub fn without_anchor(self) -> Result<(), Problem> {
        match self {
            Self::Anchored => Err(Problem::new("wait_not_offered")
                .detail("a query's record is anchored after its answer: see its access_id in the audit")),
            Self::Committed | Self::Projected => Ok(()),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WaitQuery {
    wait: Option<String>,
}

/// Every write of this node waits for its own listings a moment, so the first two come by the same way; the layer
/// `anchored` around the API does the third.
impl FromRequest for Wait {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request.query_string()))
    }
}

/// The problem of a path whose parts are no ids.
pub fn path_problem(error: PathError, _: &HttpRequest) -> Error {
    let why: String = match &error {
        PathError::Deserialize(cause) => cause.to_string(),
        _ => "the path cannot be read".to_owned(),
    };
    Problem::new("invalid_parameter").detail(why.chars().take(240).collect::<String>()).into()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;
    use crate::domain::catalog::Sharing;
    use crate::ids::DepartmentId;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Search {
        provider: Option<DepartmentId>,
        sharing: Option<Sharing>,
        page_size: Option<u32>,
    }

    #[test]
    fn parameters_are_read_and_strangers_refused() {
        let search: Search = read("provider=tax&sharing=not_shared&page_size=20").unwrap();
        assert_eq!(search.provider.unwrap().as_str(), "tax");
        assert_eq!((search.sharing, search.page_size), (Some(Sharing::NotShared), Some(20)));
        for wrong in
            ["provder=tax", "provider=Tax", "sharing=all", "page_size=-1", "page_size=1&page_size=2", "page_size=x"]
        {
            assert!(read::<Search>(wrong).is_err_and(|problem| problem.code() == "invalid_parameter"), "{wrong}");
        }
    }

    #[actix_web::test]
    async fn only_offered_kinds_of_waiting_are_accepted() {
        let wait =
            |uri: &'static str| async move { Wait::extract(&TestRequest::post().uri(uri).to_http_request()).await };
        assert_eq!(wait("/x").await.unwrap(), Wait::Committed);
        assert_eq!(wait("/x?wait=projected").await.unwrap(), Wait::Projected);
        assert_eq!(wait("/x?wait=anchored").await.unwrap(), Wait::Anchored);
        assert_eq!(wait("/x?wait=forever").await.unwrap_err().code(), "wait_not_offered");
        assert_eq!(Wait::Anchored.without_anchor().unwrap_err().code(), "wait_not_offered");
        assert_eq!(wait("/x?wiat=committed").await.unwrap_err().code(), "invalid_parameter");
    }
}
