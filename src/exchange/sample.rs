//! A sample of a source's rows for the operator who sets it up: masked, and held against the entry's schema.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::domain::catalog::Entry;
use crate::domain::masking::mask;
use crate::domain::schema::Schema;
use crate::ids::ItemName;

use super::connector::{ConnectorError, Connectors};
use super::rows::read_booleans;

/// Why there is no sample.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SampleError {
    /// The source gave nothing.
    #[error(transparent)]
    Source(#[from] ConnectorError),
    /// The entry's own schema cannot be used.
    #[error("the entry's response_schema cannot be used: {0}")]
    Schema(String),
}

/// One page of a source, looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Rows of the page.
    pub row_count: usize,
    /// Whether there is another page.
    pub has_more: bool,
    /// The entry's items in its order.
    pub items: Vec<SampledItem>,
    /// What is wrong with rows as a whole.
    pub faults: Vec<String>,
}

/// One item, as the first row has it.
#[derive(Clone, Debug, PartialEq)]
pub struct SampledItem {
    /// Its name.
    pub name: ItemName,
    /// Its value, masked as the entry says; none when the first row has none.
    pub value: Option<Value>,
    /// What does not fit, each once, with the number of rows.
    pub faults: Vec<(String, usize)>,
    /// Whether no row of the page has a value.
    pub is_always_missing: bool,
}

/// Asks for one page and holds every row of it against the entry.
///
/// # Errors
/// [`SampleError`].
pub async fn sample(
    connectors: &Connectors,
    entry: &Entry,
    params: &Map<String, Value>,
) -> Result<Sample, SampleError> {
    let schema = Schema::compile(&entry.response_schema).map_err(SampleError::Schema)?;
    let page = connectors.fetch(&entry.name, params, None).await?;
    let mut of_item: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    let mut rows = page.rows;
    for row in &mut rows {
        read_booleans(entry, row);
        for fault in schema.check(&Value::Object(row.clone())) {
            let item = fault.pointer.trim_start_matches('/').split('/').next().unwrap_or_default().to_owned();
            *of_item.entry(item).or_default().entry(fault.message).or_default() += 1;
        }
    }
    let items = entry.items.iter().map(|item| {
        let name = item.name.as_str();
        SampledItem {
            value: rows.first().and_then(|row| row.get(name)).map(|value| mask(item.masking, value)),
            faults: of_item.remove(name).unwrap_or_default().into_iter().collect(),
            is_always_missing: !rows.is_empty() && rows.iter().all(|row| !row.contains_key(name)),
            name: item.name.clone(),
        }
    });
    let items = items.collect();
    let faults = of_item.into_iter().flat_map(|(at, faults)| {
        faults.into_keys().map(move |fault| if at.is_empty() { fault } else { format!("{at}: {fault}") })
    });
    Ok(Sample { row_count: rows.len(), has_more: page.next_cursor.is_some(), items, faults: faults.collect() })
}
