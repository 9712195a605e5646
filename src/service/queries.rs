//! Queries of other departments' data, and the explanation of a decision without making the call.

use serde::Deserialize;
use serde_json::Value;

use crate::domain::Role;
use crate::exchange::{Explanation, QueryAnswer, QueryCall};
use crate::ids::{EntryName, ItemName, Version};

use super::Node;
use super::error::ServiceError;
use super::principal::Principal;

/// A query as a system or clerk states it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryRequest {
    /// The version that the caller knows, when it matters to them.
    #[serde(default)]
    pub version: Option<Version>,
    /// Purpose code, the same as in the grant.
    pub purpose: String,
    /// Why now, 1 to 200 characters.
    pub cause: String,
    /// The caller's case number.
    #[serde(default)]
    pub case_id: Option<String>,
    /// Parameters, as the entry's `request_schema` says.
    pub params: Value,
    /// Items wanted; all that the grant gives when left out.
    #[serde(default)]
    pub items: Vec<ItemName>,
    /// From an earlier answer's `next_cursor`.
    #[serde(default)]
    pub cursor: Option<String>,
}

impl Node {
    /// Asks a department for data. The provider's node decides, and records the access either way.
    ///
    /// # Errors
    /// [`ServiceError::Query`], or `token_scope`.
    pub async fn query(
        &self,
        who: &Principal,
        entry: EntryName,
        request: QueryRequest,
    ) -> Result<QueryAnswer, ServiceError> {
        who.may_query(&entry)?;
        Ok(self.exchange.query(call(who, entry, request)).await?)
    }

    /// Says how the rules would decide a call, by the ledger as this node knows it, without making it.
    ///
    /// # Errors
    /// [`ServiceError::Query`] for an unknown entry.
    pub async fn explain(
        &self,
        who: &Principal,
        entry: EntryName,
        request: QueryRequest,
    ) -> Result<Explanation, ServiceError> {
        Ok(self.exchange.explain(call(who, entry, request)).await?)
    }
}

fn call(who: &Principal, entry: EntryName, request: QueryRequest) -> QueryCall {
    // The provider's rules look at one role; the one that may query most comes first.
    let order = [Role::System, Role::Clerk, Role::Reviewer, Role::Auditor, Role::Admin];
    let role = order.into_iter().find(|role| who.has(*role)).unwrap_or(Role::Clerk);
    let QueryRequest { version, purpose, cause, case_id, params, items, cursor } = request;
    QueryCall { actor: who.acting(role), entry, version, purpose, cause, case_id, params, items, cursor }
}
