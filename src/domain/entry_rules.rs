//! What makes a catalog entry whole, beyond the shape that its schema describes.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::catalog::{Entry, Sharing};
use super::schema::{Fault, Schema, department_file};

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
    for (pointer, schema) in [("/request_schema", &entry.request_schema), ("/response_schema", &entry.response_schema)]
    {
        if let Err(why) = Schema::compile(schema) {
            faults.push(Fault::new(pointer, format!("is not a usable schema: {why}")));
        }
    }
    if let Some(subject) = &entry.subject
        && !properties(&entry.request_schema).contains(subject.as_str())
    {
        faults.push(Fault::new("/subject", format!("`{subject}` is not a parameter of request_schema")));
    }
    faults
}

fn items(entry: &Entry, faults: &mut Vec<Fault>) {
    let answered = properties(&entry.response_schema);
    let mut named = BTreeSet::new();
    for (at, item) in entry.items.iter().enumerate() {
        let name = item.name.as_str();
        if !named.insert(name) {
            faults.push(Fault::new(format!("/items/{at}/name"), format!("`{name}` is named twice")));
        }
        if !answered.contains(name) {
            faults.push(Fault::new(format!("/items/{at}/name"), format!("`{name}` is missing in response_schema")));
        }
        // 政务数据共享条例: personal data is shared on conditions, and never opened to society as it is.
        if item.sensitive && (entry.sharing == Sharing::Unconditional || entry.open) {
            let why = "a sensitive item can stand neither in an unconditional nor in an open entry";
            faults.push(Fault::new(format!("/items/{at}/sensitive"), why));
        }
    }
    for name in answered.difference(&named) {
        faults.push(Fault::new(format!("/response_schema/properties/{name}"), "is not among the items"));
    }
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
        assert_eq!(
            entry(|e| {
                let twice = e["items"][0].clone();
                e["items"].as_array_mut().unwrap().push(twice);
            }),
            ["/items/1/name"]
        );
    }
}
