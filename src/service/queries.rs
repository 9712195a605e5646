//! Queries of other departments' data, and the explanation of a decision without making the call.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::domain::Role;
use crate::domain::schema::{Fault, FaultCode};
use crate::exchange::{Explained, QueryAnswer, QueryCall};
use crate::ids::{AccessId, EntryName, ItemName, Version};

use super::Node;
use super::error::ServiceError;
use super::principal::Principal;

/// Subjects of one batch, at most.
pub const SUBJECTS_MAX: usize = 100;
/// Subjects that are asked about at a time.
const SUBJECTS_AT_ONCE: usize = 4;
/// Bytes of answers after which no further subject of a batch is asked about.
const BATCH_BYTES: usize = 8 * 1024 * 1024;
/// Time after which no further subject of a batch is asked about.
const BATCH_TIME: Duration = Duration::from_secs(30);

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

/// The same query about several subjects.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchRequest {
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
    /// Items wanted; all that the grant gives when left out.
    #[serde(default)]
    pub items: Vec<ItemName>,
    /// Parameters of each, as the entry's `request_schema` says; 1 to 100.
    pub subjects: Vec<Map<String, Value>>,
}

impl Node {
    /// Asks about several subjects, a few at a time. Each is an access of its own: decided, counted and recorded alone,
    /// with an answer or an error of its own, in the order of the subjects.
    ///
    /// # Errors
    /// Each [`ServiceError::Query`]; [`ServiceError::Invalid`] for a number of subjects that is not offered. A subject
    /// that was not asked about, since the answers before it are too long or took too long, has the code `batch_full`.
    pub async fn query_batch(
        &self,
        who: &Principal,
        entry: &EntryName,
        batch: BatchRequest,
    ) -> Result<Vec<Result<QueryAnswer, ServiceError>>, ServiceError> {
        who.may_query(entry)?;
        if !(1..=SUBJECTS_MAX).contains(&batch.subjects.len()) {
            let (code, limit) = match batch.subjects.len() {
                0 => (FaultCode::MinItems, 1),
                _ => (FaultCode::MaxItems, SUBJECTS_MAX),
            };
            let why = format!("needs 1 to {SUBJECTS_MAX} subjects");
            return Err(Fault::of(code, "/subjects", why).naming(limit).into());
        }
        let BatchRequest { version, purpose, cause, case_id, items, subjects } = batch;
        let (begun, bytes) = (Instant::now(), AtomicUsize::new(0));
        let ask = async |(place, params): (u16, Map<String, Value>)| {
            if bytes.load(Ordering::Relaxed) > BATCH_BYTES || begun.elapsed() > BATCH_TIME {
                let detail = "the answers before this one fill the batch: ask for this subject in another call".into();
                return Err(ServiceError::Conflict { code: "batch_full", detail });
            }
            let request = QueryRequest {
                version,
                purpose: purpose.clone(),
                cause: cause.clone(),
                case_id: case_id.clone(),
                params: Value::Object(params),
                items: items.clone(),
                cursor: None,
            };
            let call = QueryCall { access_id: access_id(who, place), ..call(who, entry.clone(), request)? };
            let answer = self.exchange.query(call).await?;
            bytes.fetch_add(answer.rows_bytes, Ordering::Relaxed);
            Ok(answer)
        };
        let asked = futures_util::stream::iter((0..).zip(subjects)).map(ask).buffered(SUBJECTS_AT_ONCE);
        Ok(asked.collect().await)
    }

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
        Ok(self.exchange.query(call(who, entry, request)?).await?)
    }

    /// Says how the rules would decide a call, by the ledger as this node knows it, without making it.
    ///
    /// # Errors
    /// [`ServiceError::Query`] for an unknown entry, or `token_scope`.
    pub async fn explain(
        &self,
        who: &Principal,
        entry: EntryName,
        request: QueryRequest,
    ) -> Result<Explained, ServiceError> {
        Ok(self.exchange.explain(call(who, entry, request)?).await?)
    }
}

/// The id that a repeated request has from its first attempt, of the subject of a place in a batch; none for a request
/// without a key.
fn access_id(who: &Principal, place: u16) -> Option<AccessId> {
    let mut bytes = *who.reserved?.as_bytes();
    for (byte, place) in bytes.iter_mut().rev().zip(place.to_le_bytes()) {
        *byte ^= place;
    }
    AccessId::from_bytes(bytes)
}

/// The one way from a request to a call, so that none passes by the scope of a token.
fn call(who: &Principal, entry: EntryName, request: QueryRequest) -> Result<QueryCall, ServiceError> {
    who.may_query(&entry)?;
    // The provider's rules look at one role; the one that may query most comes first.
    let order = [Role::System, Role::Clerk, Role::Reviewer, Role::Auditor, Role::Admin];
    let role = order.into_iter().find(|role| who.has(*role)).unwrap_or(Role::Clerk);
    let QueryRequest { version, purpose, cause, case_id, params, items, cursor } = request;
    Ok(QueryCall {
        actor: who.acting(role),
        entry,
        version,
        purpose,
        cause,
        case_id,
        params,
        items,
        cursor,
        access_id: access_id(who, 0),
    })
}
