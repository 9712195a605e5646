//! Whether those who use an entry can go on with its next version as they are, and if not, why.
//!
//! Calls must stay acceptable: the new request schema admits whatever the old one did. Answers must stay
//! understandable: the new response schema admits nothing that the old one did not, but for new items, which
//! nobody gets who was not granted them. What cannot be compared counts as a break.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::catalog::{Entry, Sharing};
use super::schema::{Fault, FaultCode};

/// Breaks that are told, at most.
const BREAKS_MAX: usize = 64;
const DEPTH_MAX: usize = 8;

/// In what way a version breaks its users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakKind {
    /// A parameter must be given that was optional, or is new.
    ParameterRequired,
    /// A parameter is gone or has another name.
    ParameterRemoved,
    /// A parameter takes fewer values.
    ParameterNarrowed,
    /// An item is gone or has another name.
    ItemRemoved,
    /// An item may have values that it could not have before.
    ItemWidened,
    /// An item that every row had may be missing.
    ItemOptional,
    /// An item's codes are those of another table.
    CodeTableChanged,
    /// The entry, or an item, is shared with fewer.
    SharingNarrowed,
}

impl BreakKind {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ParameterRequired => "parameter_required",
            Self::ParameterRemoved => "parameter_removed",
            Self::ParameterNarrowed => "parameter_narrowed",
            Self::ItemRemoved => "item_removed",
            Self::ItemWidened => "item_widened",
            Self::ItemOptional => "item_optional",
            Self::CodeTableChanged => "code_table_changed",
            Self::SharingNarrowed => "sharing_narrowed",
        }
    }

    fn what(self) -> &'static str {
        match self {
            Self::ParameterRequired => "must be given now",
            Self::ParameterRemoved => "is taken no more",
            Self::ParameterNarrowed => "takes fewer values than before",
            Self::ItemRemoved => "is answered no more",
            Self::ItemWidened => "may have values that it could not have before",
            Self::ItemOptional => "may be missing now",
            Self::CodeTableChanged => "has codes of another table",
            Self::SharingNarrowed => "is shared with fewer than before",
        }
    }
}

/// One thing that breaks users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Break {
    /// JSON Pointer into the entry, of the older version where the newer one lacks the place.
    pub pointer: String,
    /// In what way.
    pub kind: BreakKind,
}

/// Whatever breaks users of `before` in `after`; empty when they can go on as they are.
pub fn breaks(before: &Entry, after: &Entry) -> Vec<Break> {
    let mut found = Found::default();
    sharing(before, after, &mut found);
    narrower(&before.request_schema, &after.request_schema, "/request_schema", Side::Request, &mut found, 0);
    narrower(&after.response_schema, &before.response_schema, "/response_schema", Side::Response, &mut found, 0);
    for (at, item) in before.items.iter().enumerate() {
        let place = |member: &str| format!("/items/{at}{member}");
        let Some(next) = after.item(&item.name) else { continue };
        let property = format!("/response_schema/properties/{}", item.name);
        if next.kind != item.kind && !found.beneath(&property) {
            found.add(place("/type"), BreakKind::ItemWidened);
        } else if next.length > item.length && !found.beneath(&property) {
            found.add(place("/length"), BreakKind::ItemWidened);
        }
        if next.code_table != item.code_table && item.code_table.is_some() {
            found.add(place("/code_table"), BreakKind::CodeTableChanged);
        }
        if next.sharing_in(after) == Sharing::NotShared && item.sharing_in(before) != Sharing::NotShared {
            found.add(place("/sharing"), BreakKind::SharingNarrowed);
        }
    }
    found.0.truncate(BREAKS_MAX);
    found.0
}

/// The breaks of a version that does not say by its major number that it breaks, each with what to do.
pub fn unannounced(before: &Entry, after: &Entry) -> Vec<Fault> {
    if after.version.major > before.version.major {
        return Vec::new();
    }
    let next = u32::from(before.version.major) + 1;
    let fault = |one: Break| {
        let what = one.kind.what();
        let why = format!("{what}: this breaks its users; take it back, or give the version {next}.0");
        Fault::of(FaultCode::Breaking, one.pointer, why).naming(one.kind.as_str())
    };
    breaks(before, after).into_iter().map(fault).collect()
}

#[derive(Default)]
struct Found(Vec<Break>);

impl Found {
    fn add(&mut self, pointer: String, kind: BreakKind) {
        let one = Break { pointer, kind };
        if self.0.len() <= BREAKS_MAX && !self.0.contains(&one) {
            self.0.push(one);
        }
    }

    fn beneath(&self, place: &str) -> bool {
        self.0
            .iter()
            .any(|one| one.pointer.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    }
}

fn sharing(before: &Entry, after: &Entry, found: &mut Found) {
    // In the order of the words: without condition, on conditions, not at all.
    if after.sharing > before.sharing {
        found.add("/sharing".to_owned(), BreakKind::SharingNarrowed);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Request,
    Response,
}

impl Side {
    fn narrowed(self) -> BreakKind {
        match self {
            Self::Request => BreakKind::ParameterNarrowed,
            Self::Response => BreakKind::ItemWidened,
        }
    }

    fn required(self) -> BreakKind {
        match self {
            Self::Request => BreakKind::ParameterRequired,
            Self::Response => BreakKind::ItemOptional,
        }
    }
}

/// Keywords that only describe.
const DESCRIBING: [&str; 10] = [
    "$schema",
    "$id",
    "$comment",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
];
/// Bounds: whether a greater number admits more.
const BOUNDS: [(&str, bool); 10] = [
    ("maxLength", true),
    ("maximum", true),
    ("exclusiveMaximum", true),
    ("maxItems", true),
    ("maxProperties", true),
    ("minLength", false),
    ("minimum", false),
    ("exclusiveMinimum", false),
    ("minItems", false),
    ("minProperties", false),
];
/// Keywords that are looked at one by one.
const COMPARED: [&str; 7] = ["type", "enum", "const", "properties", "required", "items", "additionalProperties"];

/// Notes where `narrow` admits less than `wide`. For requests `wide` is the older schema, for responses the newer.
fn narrower(wide: &Value, narrow: &Value, place: &str, side: Side, found: &mut Found, depth: usize) {
    if wide == narrow {
        return;
    }
    let (Some(wide), Some(narrow), true) = (wide.as_object(), narrow.as_object(), depth < DEPTH_MAX) else {
        return found.add(place.to_owned(), side.narrowed());
    };
    if !types_fit(wide.get("type"), narrow.get("type")) || !values_fit(wide, narrow) {
        found.add(place.to_owned(), side.narrowed());
    }
    for (bound, more) in BOUNDS {
        let tighter = match (wide.get(bound).and_then(Value::as_f64), narrow.get(bound).and_then(Value::as_f64)) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(wide), Some(narrow)) => {
                if more {
                    narrow < wide
                } else {
                    narrow > wide
                }
            }
        };
        if tighter {
            found.add(format!("{place}/{bound}"), side.narrowed());
        }
    }
    let compared = |key: &str| {
        DESCRIBING.contains(&key) || COMPARED.contains(&key) || BOUNDS.iter().any(|(bound, _)| *bound == key)
    };
    for (key, rule) in narrow.iter().filter(|(key, _)| !compared(key)) {
        if wide.get(key) != Some(rule) {
            found.add(format!("{place}/{key}"), side.narrowed());
        }
    }
    members(wide, narrow, place, side, found, depth);
    if let Some(narrow) = narrow.get("items") {
        let wide = wide.get("items").unwrap_or(&Value::Bool(true));
        narrower(wide, narrow, &format!("{place}/items"), side, found, depth + 1);
    }
}

fn members(
    wide: &serde_json::Map<String, Value>,
    narrow: &serde_json::Map<String, Value>,
    place: &str,
    side: Side,
    found: &mut Found,
    depth: usize,
) {
    let properties = |schema: &serde_json::Map<String, Value>| {
        schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default()
    };
    let (wide_members, narrow_members) = (properties(wide), properties(narrow));
    let at = |name: &str| format!("{place}/properties/{}", name.replace('~', "~0").replace('/', "~1"));
    for (name, schema) in &wide_members {
        match narrow_members.get(name) {
            Some(other) => narrower(schema, other, &at(name), side, found, depth + 1),
            None if side == Side::Request => found.add(at(name), BreakKind::ParameterRemoved),
            None => {}
        }
    }
    if side == Side::Response {
        let gone = narrow_members.keys().filter(|name| !wide_members.contains_key(*name));
        gone.for_each(|name| found.add(at(name), BreakKind::ItemRemoved));
    }
    let names = |schema: &serde_json::Map<String, Value>| -> BTreeSet<String> {
        let listed = schema.get("required").and_then(Value::as_array);
        listed.into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
    };
    for name in names(narrow).difference(&names(wide)) {
        // An item that is gone altogether is told once.
        if side == Side::Request || wide_members.contains_key(name) {
            found.add(at(name), side.required());
        }
    }
    let closed =
        |schema: &serde_json::Map<String, Value>| schema.get("additionalProperties") == Some(&Value::Bool(false));
    if side == Side::Request && closed(narrow) && !closed(wide) {
        found.add(format!("{place}/additionalProperties"), side.narrowed());
    }
}

/// Whether each type that `wide` admits is admitted by `narrow`; no `type` admits all.
fn types_fit(wide: Option<&Value>, narrow: Option<&Value>) -> bool {
    let names = |types: &Value| -> Vec<String> {
        match types {
            Value::String(one) => vec![one.clone()],
            Value::Array(many) => many.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect(),
            _ => Vec::new(),
        }
    };
    let Some(narrow) = narrow.map(names) else { return true };
    let Some(wide) = wide.map(names) else { return false };
    let admitted = |one: &String| narrow.contains(one) || (one == "integer" && narrow.iter().any(|n| n == "number"));
    wide.iter().all(admitted)
}

/// The same for lists of values.
fn values_fit(wide: &serde_json::Map<String, Value>, narrow: &serde_json::Map<String, Value>) -> bool {
    let values = |schema: &serde_json::Map<String, Value>| -> Option<Vec<Value>> {
        let one = schema.get("const").map(|value| vec![value.clone()]);
        one.or_else(|| schema.get("enum").and_then(Value::as_array).cloned())
    };
    match (values(wide), values(narrow)) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(wide), Some(narrow)) => wide.iter().all(|value| narrow.contains(value)),
    }
}

#[cfg(test)]
#[path = "compatibility_tests.rs"]
pub(super) mod tests;
