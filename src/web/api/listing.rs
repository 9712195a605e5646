//! What listings and readings have in common: pages, freshness, moments.

use std::time::Duration;

use serde::{Deserialize, Deserializer};
use utoipa::IntoParams;

use crate::clock::Millis;
use crate::readmodel::PageRequest;
use crate::service::Node;
use crate::web::problem::Problem;

/// How long a reading waits for the index that it was asked to reflect.
const FRESH_WAIT: Duration = Duration::from_secs(5);
/// More transactions than a city writes while a node that hears its leader has not heard of them.
const AHEAD_MAX: u64 = 100_000;

/// Parameters of a reading that has none of its own.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Fresh {
    /// Wait up to 5 s until the answer reflects the transaction of this ledger index, such as one's own write.
    pub min_index: Option<u64>,
}

/// Parameters of a listing that has none of its own.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Paged {
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Items wanted, 1 to 200; 50 when left out.
    pub page_size: Option<u32>,
    /// Wait up to 5 s until the answer reflects the transaction of this ledger index.
    pub min_index: Option<u64>,
}

/// Which page.
pub fn page(cursor: Option<String>, page_size: Option<u32>) -> PageRequest {
    PageRequest { cursor: cursor.filter(|cursor| !cursor.is_empty()), size: page_size }
}

/// Waits until the node's listings reflect a ledger index.
///
/// # Errors
/// After 5 s `not_yet_projected`, or `beyond_the_ledger` when the ledger has no such index yet.
pub async fn fresh(node: &Node, min_index: Option<u64>) -> Result<(), Problem> {
    let Some(index) = min_index else { return Ok(()) };
    let beyond = |size: u64| {
        let detail = format!("the ledger has {size} transactions, so its last index is {}", size.saturating_sub(1));
        Problem::new("beyond_the_ledger").detail(detail)
    };
    // What no node can have answered in the moment that this one may be behind is not waited for.
    if let Some(size) = node.known_size().filter(|size| index.saturating_sub(*size) > AHEAD_MAX) {
        return Err(beyond(size));
    }
    if node.model.wait_for(index.saturating_add(1), FRESH_WAIT).await {
        return Ok(());
    }
    if let Some(size) = node.known_size().filter(|size| *size <= index) {
        return Err(beyond(size));
    }
    let projected = node.model.projected().borrow().size;
    let detail = format!("this node's listings reflect {projected} transactions, not yet index {index}: try again");
    Err(Problem::new("not_yet_projected").detail(detail).retry_after(1))
}

/// A moment in a request: RFC 3339, or milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub Millis);

#[derive(Deserialize)]
#[serde(untagged)]
enum RawMoment {
    Millis(u64),
    Text(String),
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong = || serde::de::Error::custom("a moment is RFC 3339, such as 2027-01-31T00:00:00Z, or milliseconds");
        match RawMoment::deserialize(deserializer).map_err(|_| wrong())? {
            RawMoment::Millis(ms) => Ok(Self(Millis(ms))),
            RawMoment::Text(text) => match text.parse() {
                Ok(ms) => Ok(Self(Millis(ms))),
                Err(_) => Millis::parse(&text).map(Self).map_err(|_| wrong()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_moment_is_written_in_either_form() {
        let read = |value: serde_json::Value| serde_json::from_value::<Moment>(value).ok();
        assert_eq!(read(json!("2026-11-18T11:06:40.123Z")), Some(Moment(Millis(1_795_000_000_123))));
        assert_eq!(read(json!("2026-11-18T19:06:40.123+08:00")), Some(Moment(Millis(1_795_000_000_123))));
        assert_eq!(read(json!(1_795_000_000_123_u64)), Some(Moment(Millis(1_795_000_000_123))));
        for wrong in [json!("tomorrow"), json!(-1), json!("2026-11-18"), json!(null), json!([])] {
            assert_eq!(read(wrong.clone()), None, "{wrong}");
        }
    }
}
