//! From the source's rows to the consumer's: checked against the entry, kept to the granted rows and items, masked.

use serde_json::{Map, Value, json};

use crate::domain::catalog::{Entry, ItemKind, Masking};
use crate::domain::grant::bounds::RowScope;
use crate::domain::masking::mask;
use crate::ids::ItemName;

use super::SHORT_BYTES;
use super::ground::{Ground, Served};

/// The source's rows do not fit the entry's schema; nothing of them may be answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OutsideSchema;

/// Whether values have, with what belongs to them, at most [`SHORT_BYTES`] or so. Looks no further than that.
pub(super) fn are_short<'a>(values: impl IntoIterator<Item = &'a Value>) -> bool {
    let mut left = SHORT_BYTES;
    values.into_iter().all(|value| fits(value, &mut left))
}

fn fits(value: &Value, left: &mut usize) -> bool {
    let own = match value {
        Value::String(text) => text.len(),
        Value::Object(members) => members.keys().map(String::len).sum(),
        _ => 0,
    };
    // A number, or the quotes and the comma around a text.
    const EACH_BYTES: usize = 8;
    let Some(rest) = left.checked_sub(own + EACH_BYTES) else { return false };
    *left = rest;
    match value {
        Value::Array(values) => values.iter().all(|value| fits(value, left)),
        Value::Object(members) => members.values().all(|value| fits(value, left)),
        _ => true,
    }
}

/// The rows that the consumer gets.
pub(super) fn prepare(
    served: &Served,
    ground: &Ground,
    own: bool,
    found: Vec<Map<String, Value>>,
) -> Result<Vec<Value>, OutsideSchema> {
    let mut rows = Vec::with_capacity(found.len());
    let shown: Vec<(&ItemName, Masking)> =
        ground.items.iter().map(|item| (item, masking(&served.entry, ground, own, item))).collect();
    for mut row in found {
        read_booleans(&served.entry, &mut row);
        let row = Value::Object(row);
        if !served.response.fits(&row) {
            // Where, not what: the values are personal.
            let places: Vec<String> = served.response.check(&row).into_iter().map(|fault| fault.to_string()).collect();
            tracing::warn!(entry = %served.entry.name, ?places, "the source's row does not fit the entry's schema");
            return Err(OutsideSchema);
        }
        if let Value::Object(row) = row
            && ground.scope().iter().all(|scope| is_reached(&served.entry, scope, &row))
        {
            rows.push(cut(&row, &shown));
        }
    }
    Ok(if ground.verifies_only() { vec![json!({"exists": !rows.is_empty()})] } else { rows })
}

/// Whether a row keeps within a restriction: of an item, by its value, which must be there; of a parameter alone, the
/// call was held against it before.
fn is_reached(entry: &Entry, scope: &RowScope, row: &Map<String, Value>) -> bool {
    scope.holds(row).unwrap_or_else(|| entry.item(&scope.field).is_none())
}

fn cut(row: &Map<String, Value>, shown: &[(&ItemName, Masking)]) -> Value {
    let pick = |(item, masking): &(&ItemName, Masking)| {
        row.get(item.as_str()).map(|value| (item.as_str().to_owned(), mask(*masking, value)))
    };
    Value::Object(shown.iter().filter_map(pick).collect())
}

/// The grant's masking; without a grant, the entry's; for the department's own data, none.
fn masking(entry: &Entry, ground: &Ground, own: bool, item: &ItemName) -> Masking {
    if own {
        return Masking::None;
    }
    match ground.approval() {
        Some(approval) => {
            approval.items.iter().find(|granted| &granted.name == item).map_or(Masking::Full, |granted| granted.masking)
        }
        None => entry.item(item).map_or(Masking::Full, |item| item.masking),
    }
}

/// SQLite has no booleans: 0 and 1 stand for them.
pub(super) fn read_booleans(entry: &Entry, row: &mut Map<String, Value>) {
    for item in entry.items.iter().filter(|item| item.kind == ItemKind::Boolean) {
        if let Some(value) = row.get_mut(item.name.as_str()) {
            match value.as_i64() {
                Some(0) => *value = Value::Bool(false),
                Some(1) => *value = Value::Bool(true),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_short_is_told_without_writing_it() {
        let row = |length: usize| json!({"name": "记".repeat(length / 3), "tags": [1, "x", {"a": null}]});
        assert!(are_short([&row(900)]) && are_short([]));
        assert!(!are_short([&row(SHORT_BYTES)]) && !are_short([&json!(vec![0; SHORT_BYTES])]));
        let rows: Vec<Value> = (0..20).map(|_| row(900)).collect();
        assert!(are_short(&rows[..10]) && !are_short(&rows));
    }
}
