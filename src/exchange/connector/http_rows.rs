//! From a service's answer to a page: the rows at their pointer, the items in each, and where the next page is.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::http_config::{HttpConfig, PagedBy, Paging};
use super::page::Page;
use super::{ConnectorConfig, ConnectorError};

/// Rows before a page, or its number, at most.
const PLACE_MAX: u64 = 100_000_000;

/// Which page is asked for.
pub(super) struct Asked<'a> {
    paging: Option<&'a Paging>,
    /// None for the first page of a service with cursors.
    place: Option<Value>,
    row_max: u32,
}

impl<'a> Asked<'a> {
    /// Reads the cursor, which an earlier page gave.
    pub(super) fn new(paging: Option<&'a Paging>, row_max: u32, cursor: Option<&str>) -> Result<Self, ConnectorError> {
        let given: Option<Value> = cursor.map(serde_json::from_str).transpose().map_err(|_| ConnectorError::Cursor)?;
        let place = match (paging, given) {
            (None, None) => None,
            (None, Some(_)) => return Err(ConnectorError::Cursor),
            (Some(paging), None) => match paging.by {
                PagedBy::Offset => Some(Value::from(0)),
                PagedBy::Page => Some(Value::from(paging.first)),
                PagedBy::Cursor => None,
            },
            (Some(paging), Some(place)) => {
                let is_sound = match paging.by {
                    PagedBy::Cursor => place.is_string() || place.is_u64(),
                    PagedBy::Offset | PagedBy::Page => place.as_u64().is_some_and(|place| place <= PLACE_MAX),
                };
                Some(place).filter(|_| is_sound).ok_or(ConnectorError::Cursor).map(Some)?
            }
        };
        Ok(Self { paging, place, row_max })
    }

    /// What the service is told about the page.
    pub(super) fn fields(&self) -> Vec<(String, Value)> {
        let Some(paging) = self.paging else { return Vec::new() };
        let place = self.place.clone().map(|place| (paging.param.clone(), place));
        let size = paging.size_param.clone().map(|name| (name, Value::from(self.row_max)));
        place.into_iter().chain(size).collect()
    }

    fn next(&self, answer: &Value, rows: usize) -> Result<Option<String>, ConnectorError> {
        let Some(paging) = self.paging else { return Ok(None) };
        let is_full = rows >= usize::try_from(self.row_max).unwrap_or(usize::MAX);
        let number = |more: u64| self.place.as_ref().and_then(Value::as_u64).map(|place| Value::from(place + more));
        let next = match paging.by {
            PagedBy::Offset if is_full => number(u64::from(self.row_max)),
            PagedBy::Page if is_full => number(1),
            PagedBy::Offset | PagedBy::Page => None,
            PagedBy::Cursor => match answer.pointer(&paging.next) {
                None | Some(Value::Null) => None,
                Some(Value::String(text)) if text.is_empty() => None,
                // A service that names the same page again would be asked without end.
                Some(next) if Some(next) == self.place.as_ref() => {
                    return Err(ConnectorError::Broken("the service names the same page as its next one".into()));
                }
                Some(next) => Some(next.clone()).filter(|next| next.is_string() || next.is_u64()),
            },
        };
        Ok(next.map(|next| next.to_string()))
    }
}

/// Reads one page.
pub(super) fn page(
    config: &ConnectorConfig,
    source: &HttpConfig,
    asked: &Asked<'_>,
    bytes: &[u8],
) -> Result<Page, ConnectorError> {
    let broken = |why: &str| ConnectorError::Broken(why.to_owned());
    let mut answer: Value = serde_json::from_slice(bytes).map_err(|_| broken("the service's answer is not JSON"))?;
    let count = |found: &Value| found.as_array().map_or(usize::from(found.is_object()), Vec::len);
    let found = answer.pointer(&source.rows).ok_or_else(|| broken("the answer has nothing at the pointer `rows`"))?;
    let next_cursor = asked.next(&answer, count(found))?;
    let found = match answer.pointer_mut(&source.rows).map(Value::take) {
        Some(Value::Array(rows)) => rows,
        None | Some(Value::Null) => Vec::new(),
        Some(row @ Value::Object(_)) => vec![row],
        _ => return Err(broken("what stands at the pointer `rows` is neither a list nor an object")),
    };
    if found.len() > usize::try_from(config.row_max).unwrap_or(usize::MAX) {
        return Err(broken("the service gave more rows than row_max"));
    }
    // A page may be long: its values are taken over where no two items can mean the same one.
    let places: BTreeSet<&String> = config.items.values().filter(|at| !at.starts_with('/')).collect();
    let apart = places.len() == config.items.len();
    let mut rows = Vec::with_capacity(found.len());
    for mut row in found {
        if !row.is_object() {
            return Err(broken("a row is not an object"));
        }
        let pick = |(item, at): (&crate::ids::ItemName, &String)| {
            let value = if at.starts_with('/') {
                row.pointer(at).cloned()
            } else if apart {
                row.get_mut(at).map(Value::take)
            } else {
                row.get(at).cloned()
            };
            value.filter(|value| !value.is_null()).map(|value| (item.as_str().to_owned(), value))
        };
        rows.push(config.items.iter().filter_map(pick).collect::<Map<String, Value>>());
    }
    Ok(Page { rows, next_cursor })
}
