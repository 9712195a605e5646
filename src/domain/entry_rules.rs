//! What makes a catalog entry whole, beyond the shape that its schema describes.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::catalog::{Entry, Item, ItemKind, Level, Sharing};
use super::schema::{Fault, FaultCode, Schema, department_file};

/// Parameters that name a person, an enterprise or a home, wherever they occur.
const IDENTIFYING: [&str; 3] = ["id_number", "uscc", "unit_number"];

/// Everything wrong with an entry: shape, bounds, its two schemas, and how its parts fit each other.
/// Empty means that it may be put up for review.
pub fn check(entry: &Entry) -> Vec<Fault> {
    let mut faults = Vec::new();
    if let (Some(schema), Ok(document)) = (department_file("catalog-entry"), serde_json::to_value(entry)) {
        faults.extend(schema.check(&document));
    }
    faults.extend(check_parts(entry));
    faults
}

/// How the parts of an entry fit each other.
pub fn check_parts(entry: &Entry) -> Vec<Fault> {
    let mut faults = Vec::new();
    items(entry, &mut faults);
    // The ledger refuses it; better that the author hears it than the reviewer.
    if entry.title.en.trim().is_empty() {
        faults.push(Fault::of(FaultCode::Required, "/title/en", "is missing"));
    }
    if entry.level == Level::Duty && entry.parent.is_some() {
        let why = "a duty stands at the top: leave its parent out";
        faults.push(Fault::of(FaultCode::DutyHasParent, "/parent", why));
    }
    if entry.related_codes.contains(&entry.code) {
        faults.push(Fault::of(FaultCode::NamesItself, "/related_codes", "names the entry itself"));
    }
    for (pointer, schema) in [("/request_schema", &entry.request_schema), ("/response_schema", &entry.response_schema)]
    {
        if let Err(why) = Schema::compile(schema) {
            faults.push(Fault::of(FaultCode::BadSchema, pointer, format!("is not a usable schema: {why}")));
        }
    }
    if let Some(subject) = &entry.subject
        && !properties(&entry.request_schema).contains(subject.as_str())
    {
        let why = format!("`{subject}` is not a parameter of request_schema");
        faults.push(Fault::of(FaultCode::NotAParameter, "/subject", why));
    }
    faults
}

fn items(entry: &Entry, faults: &mut Vec<Fault>) {
    let answered = properties(&entry.response_schema);
    let mut named = BTreeSet::new();
    for (at, item) in entry.items.iter().enumerate() {
        let name = item.name.as_str();
        if !named.insert(name) {
            let why = format!("`{name}` is named twice");
            faults.push(Fault::of(FaultCode::Repeated, format!("/items/{at}/name"), why));
        }
        if !answered.contains(name) {
            let why = format!("`{name}` is missing in response_schema");
            faults.push(Fault::of(FaultCode::NotInResponse, format!("/items/{at}/name"), why));
        }
        // 政务数据共享条例: personal data is shared on conditions, and never opened to society as it is.
        if item.sensitive && (entry.sharing == Sharing::Unconditional || entry.open) {
            let why = "a sensitive item can stand neither in an unconditional nor in an open entry";
            faults.push(Fault::of(FaultCode::SensitiveShared, format!("/items/{at}/sensitive"), why));
        }
    }
    for (at, item) in entry.items.iter().enumerate() {
        item_sharing(entry, item, at, faults);
        if let Some((code, why)) = item.range.as_deref().and_then(|range| range_fault(item.kind, range)) {
            faults.push(Fault::of(code, format!("/items/{at}/range"), why));
        }
    }
    for name in answered.difference(&named) {
        let place = format!("/response_schema/properties/{name}");
        faults.push(Fault::of(FaultCode::NotAmongItems, place, "is not among the items"));
    }
}

/// An entry that is shared without condition is so as a whole; where one item is not, the entry is conditional.
fn item_sharing(entry: &Entry, item: &Item, at: usize, faults: &mut Vec<Fault>) {
    if item.sharing.is_some_and(|sharing| sharing != entry.sharing) && entry.sharing != Sharing::Conditional {
        let why = "items differ from their entry only where it is shared on conditions: make the entry conditional";
        faults.push(Fault::of(FaultCode::SharingDiffers, format!("/items/{at}/sharing"), why));
    }
    if item.sharing == Some(Sharing::Unconditional) && item.sensitive {
        let why = "a sensitive item is shared on conditions or not at all";
        faults.push(Fault::of(FaultCode::SensitiveShared, format!("/items/{at}/sharing"), why));
    }
    if item.sharing == Some(Sharing::NotShared) && item.sharing_condition.is_none() {
        let place = format!("/items/{at}/sharing_condition");
        faults.push(Fault::of(FaultCode::Required, place, "say why the item is not shared"));
    }
}

/// What is wrong with a range of values, `min..max`.
fn range_fault(kind: ItemKind, range: &str) -> Option<(FaultCode, &'static str)> {
    let malformed = |why| Some((FaultCode::BadRange, why));
    let Some((min, max)) = range.split_once("..") else {
        return malformed("write min..max; either may be left out");
    };
    if min.is_empty() && max.is_empty() {
        return malformed("write at least one of min and max");
    }
    let fits = |end: &str, right: &dyn Fn(&str) -> bool| end.is_empty() || right(end);
    let both = |right: &dyn Fn(&str) -> bool| fits(min, right) && fits(max, right);
    let (formed, ordered) = match kind {
        ItemKind::Date => {
            (both(&|day| day.len() == 10 && day.parse::<jiff::civil::Date>().is_ok()), max.is_empty() || min <= max)
        }
        ItemKind::Integer => (both(&|text| text.parse::<i64>().is_ok()), in_order::<i64>(min, max)),
        ItemKind::Number => (both(&|text| text.parse::<f64>().is_ok_and(f64::is_finite)), in_order::<f64>(min, max)),
        ItemKind::String | ItemKind::Boolean => {
            return malformed("only numbers and dates have a range: name a code table");
        }
    };
    match (formed, ordered) {
        (false, _) => Some((FaultCode::RangeType, "its ends are not of the item's type")),
        (true, false) => Some((FaultCode::RangeOrder, "its first end is beyond its second")),
        (true, true) => None,
    }
}

fn in_order<T: std::str::FromStr + PartialOrd>(min: &str, max: &str) -> bool {
    !matches!((min.parse::<T>(), max.parse::<T>()), (Ok(min), Ok(max)) if min > max)
}

/// Whom or what a query asks about: the parameter that the entry names or, where a query leaves that one
/// out because the entry takes another in its place, the first that identifies somebody.
pub fn subject<'a>(entry: &Entry, params: &'a Map<String, Value>) -> Option<&'a Value> {
    let own = entry.subject.as_ref().and_then(|name| params.get(name.as_str()));
    own.or_else(|| IDENTIFYING.iter().find_map(|name| params.get(*name)))
}

/// Names of the properties that an object schema describes.
pub fn properties(schema: &Value) -> BTreeSet<&str> {
    let object = schema.get("properties").and_then(Value::as_object);
    object.into_iter().flatten().map(|(name, _)| name.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn written(change: impl FnOnce(&mut Value)) -> Entry {
        let text = json!({"zh": "用水账户", "en": "Water accounts"});
        let mut value = json!({
            "name": "water/water-account", "version": "1.0", "level": "interface", "code": "204003001/000001",
            "title": text, "summary": text, "provider_code": "11110000000021135M", "duty": text,
            "classification": {"class": text, "category": text, "topic": text, "detail": text},
            "format": {"category": "database", "type": "sqlite"}, "sharing": "conditional", "sharing_condition": text,
            "open": false, "update_cycle": "monthly", "issue_date": "2026-01-05", "subject": "id_number",
            "items": [{"name": "balance", "title": text, "type": "number", "length": 10, "sensitive": true, "grade": 3}],
            "request_schema": {"type": "object", "properties": {"id_number": {"type": "string", "format": "id_number"}},
                               "required": ["id_number"], "additionalProperties": false},
            "response_schema": {"type": "object", "properties": {"balance": {"type": "number"}},
                                "additionalProperties": false},
        });
        change(&mut value);
        serde_json::from_value(value).unwrap()
    }

    fn entry(change: impl FnOnce(&mut Value)) -> Vec<String> {
        check(&written(change)).into_iter().map(|fault| fault.pointer).collect()
    }

    #[test]
    fn no_way_of_asking_hides_who_is_asked_about() {
        let title = written(|e| e["subject"] = json!("unit_number"));
        let asked = |params: Value| subject(&title, params.as_object().unwrap()).cloned();
        assert_eq!(asked(json!({"id_number": "a", "unit_number": "b"})), Some(json!("b")));
        assert_eq!(asked(json!({"id_number": "a"})), Some(json!("a")));
        assert_eq!(asked(json!({"bay_id": "c"})), None);
    }

    #[test]
    fn an_item_has_its_own_range_and_sharing_within_reason() {
        for range in ["0..100", "..9.5", "-3.5..", "0..0"] {
            assert_eq!(entry(|e| e["items"][0]["range"] = json!(range)), Vec::<String>::new(), "{range}");
        }
        for range in ["100", "...", "..", "a..b", "9..1", "NaN..", "inf..", "0..1..2"] {
            assert_eq!(entry(|e| e["items"][0]["range"] = json!(range)), ["/items/0/range"], "{range}");
        }
        let shared = |sharing: &str, reason: bool| {
            entry(|e| {
                e["items"][0]["sharing"] = json!(sharing);
                if reason {
                    e["items"][0]["sharing_condition"] = json!({"zh": "国家秘密", "en": "a secret"});
                }
            })
        };
        assert_eq!(shared("conditional", false), Vec::<String>::new());
        assert_eq!(shared("not_shared", true), Vec::<String>::new());
        assert_eq!(shared("not_shared", false), ["/items/0/sharing_condition"]);
        assert_eq!(shared("unconditional", false), ["/items/0/sharing"]);
        assert!(
            serde_json::from_value::<Item>(json!({"name": "a", "title": {"zh": "", "en": ""}, "type": "date",
            "length": 1, "sensitive": false, "grade": 1, "range": null}))
            .is_err(),
            "null is not left out"
        );
    }

    #[test]
    fn a_whole_entry_passes_and_each_broken_part_is_named() {
        assert_eq!(entry(|_| {}), Vec::<String>::new());
        assert_eq!(entry(|e| e["subject"] = json!("uscc")), ["/subject"]);
        assert_eq!(entry(|e| e["open"] = json!(true)), ["/items/0/sensitive"]);
        assert_eq!(entry(|e| e["items"][0]["grade"] = json!(9)), ["/items/0/grade"]);
        assert_eq!(entry(|e| drop(e.as_object_mut().unwrap().remove("sharing_condition"))), [""]);
        assert_eq!(entry(|e| e["code"] = json!("0/1")), ["/code"]);
        assert_eq!(
            entry(|e| e["response_schema"]["properties"] = json!({"other": true})),
            ["/items/0/name", "/response_schema/properties/other"]
        );
        assert_eq!(
            entry(|e| e["request_schema"]["properties"]["id_number"] = json!({"format": "x"})),
            ["/request_schema"]
        );
        assert_eq!(entry(|e| e["title"]["en"] = json!(" ")), ["/title/en"]);
        assert_eq!(entry(|e| e["related_codes"] = json!(["204003001/000001"])), ["/related_codes"]);
        assert_eq!(entry(|e| (e["level"], e["parent"]) = (json!("duty"), json!("water/supply"))), ["/parent"]);
        assert_eq!(entry(|e| e["items"] = json!([])), ["/items", "/response_schema/properties/balance"]);
        assert_eq!(
            entry(|e| {
                let twice = e["items"][0].clone();
                e["items"].as_array_mut().unwrap().push(twice);
            }),
            ["/items/1/name"]
        );
    }
}
