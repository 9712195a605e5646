//! What differs between two versions of an entry, place by place, for people and programs.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::catalog::Entry;
use super::compatibility::{BreakKind, breaks};

/// Differences that are told, at most.
pub const CHANGES_MAX: usize = 500;
const DEPTH_MAX: usize = 12;

/// What happened to a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It says something else.
    Changed,
}

impl ChangeKind {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// JSON Pointer; items stand under their names, not their numbers: `/items/balance/length`.
    pub pointer: String,
    /// What happened.
    pub kind: ChangeKind,
    /// What stood there.
    pub before: Option<Value>,
    /// What stands there.
    pub after: Option<Value>,
    /// In what way this breaks users, if it does.
    pub breaking: Option<BreakKind>,
}

/// Every difference between two versions, in the order of an entry's members; the version itself is not one.
pub fn differences(before: &Entry, after: &Entry) -> Vec<Change> {
    let (old, new) = (keyed(before), keyed(after));
    let mut found = Vec::new();
    compare("", &old, &new, &mut found, 0);
    found.retain(|change| change.pointer != "/version" && change.pointer != "/name");
    found.truncate(CHANGES_MAX);
    for one in breaks(before, after) {
        let place = under_name(before, &one.pointer);
        let exact = found.iter().position(|change| change.pointer == place);
        let near = || found.iter().position(|change| related(&change.pointer, &place));
        match exact.or_else(near).and_then(|at| found.get_mut(at)) {
            Some(change) => change.breaking = Some(one.kind),
            // What breaks is told even where it follows from a change elsewhere.
            None => found.push(Change { breaking: Some(one.kind), ..change(place, ChangeKind::Changed, None, None) }),
        }
    }
    found
}

fn related(one: &str, other: &str) -> bool {
    let within = |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'));
    within(one, other) || within(other, one)
}

/// An entry as JSON with its items by name.
fn keyed(entry: &Entry) -> Value {
    let mut value = serde_json::to_value(entry).unwrap_or_default();
    let items: serde_json::Map<String, Value> = entry
        .items
        .iter()
        .map(|item| {
            let mut value = serde_json::to_value(item).unwrap_or_default();
            value.as_object_mut().and_then(|object| object.shift_remove("name"));
            (item.name.to_string(), value)
        })
        .collect();
    if let Some(object) = value.as_object_mut() {
        object.insert("items".into(), Value::Object(items));
    }
    value
}

/// Turns `/items/0/length` into `/items/balance/length`.
fn under_name(entry: &Entry, pointer: &str) -> String {
    let Some(rest) = pointer.strip_prefix("/items/") else { return pointer.to_owned() };
    let (at, member) = rest.split_once('/').unwrap_or((rest, ""));
    let name = at.parse::<usize>().ok().and_then(|at| entry.items.get(at)).map(|item| item.name.as_str());
    format!("/items/{}/{member}", name.unwrap_or(at))
}

fn compare(place: &str, old: &Value, new: &Value, found: &mut Vec<Change>, depth: usize) {
    if old == new || found.len() >= CHANGES_MAX {
        return;
    }
    match (old, new) {
        (Value::Object(old), Value::Object(new)) if depth < DEPTH_MAX => {
            let at = |key: &str| format!("{place}/{}", key.replace('~', "~0").replace('/', "~1"));
            for (key, old) in old {
                match new.get(key) {
                    Some(new) => compare(&at(key), old, new, found, depth + 1),
                    None => found.push(change(at(key), ChangeKind::Removed, Some(old), None)),
                }
            }
            for (key, new) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
                found.push(change(at(key), ChangeKind::Added, None, Some(new)));
            }
        }
        (Value::Array(old), Value::Array(new)) if flat(old) && flat(new) => lists(place, old, new, found),
        _ => found.push(change(place.to_owned(), ChangeKind::Changed, Some(old), Some(new))),
    }
}

fn flat(list: &[Value]) -> bool {
    list.iter().all(|value| !value.is_object() && !value.is_array())
}

/// Lists of plain values are compared as sets: an order of codes or names says nothing.
fn lists(place: &str, old: &[Value], new: &[Value], found: &mut Vec<Change>) {
    let count = |list: &[Value]| {
        let mut counts = BTreeMap::new();
        list.iter().for_each(|value| *counts.entry(value.to_string()).or_insert(0u32) += 1);
        counts
    };
    let (had, has) = (count(old), count(new));
    let only = |list: &[Value], other: &BTreeMap<String, u32>| -> Vec<Value> {
        list.iter().filter(|value| !other.contains_key(&value.to_string())).cloned().collect()
    };
    for value in only(old, &has) {
        found.push(change(place.to_owned(), ChangeKind::Removed, Some(&value), None));
    }
    for value in only(new, &had) {
        found.push(change(place.to_owned(), ChangeKind::Added, None, Some(&value)));
    }
}

fn change(pointer: String, kind: ChangeKind, before: Option<&Value>, after: Option<&Value>) -> Change {
    Change { pointer, kind, before: before.cloned(), after: after.cloned(), breaking: None }
}

#[cfg(test)]
mod tests {
    use super::super::compatibility::tests::entry;
    use super::*;
    use serde_json::json;

    fn told(change: impl FnOnce(&mut Value)) -> Vec<(String, &'static str, Option<&'static str>)> {
        let found = differences(&entry(|_| ()), &entry(change));
        found.into_iter().map(|c| (c.pointer, c.kind.as_str(), c.breaking.map(BreakKind::as_str))).collect()
    }

    #[test]
    fn each_difference_stands_at_its_place_and_says_whether_it_breaks() {
        assert_eq!(told(|e| e["version"] = json!("1.1")), []);
        assert_eq!(told(|e| e["title"]["zh"] = json!("水费账户")), [("/title/zh".into(), "changed", None)]);
        assert_eq!(told(|e| e["related_codes"] = json!(["101001/000001"])), [("/related_codes".into(), "added", None)]);
        let longer = told(|e| e["items"][0]["length"] = json!(12));
        assert_eq!(longer, [("/items/balance/length".into(), "changed", Some("item_widened"))]);
        let gone = told(|e| {
            e["items"].as_array_mut().unwrap().pop();
            e["response_schema"]["properties"].as_object_mut().unwrap().remove("state");
        });
        assert_eq!(gone.len(), 2);
        assert_eq!(gone[1], ("/response_schema/properties/state".into(), "removed", Some("item_removed")));
        let needed = told(|e| e["request_schema"]["required"] = json!(["id_number", "year"]));
        assert_eq!(needed[0].1, "added");
    }

    #[test]
    fn moved_items_are_no_difference() {
        assert_eq!(told(|e| e["items"].as_array_mut().unwrap().reverse()), []);
    }
}
