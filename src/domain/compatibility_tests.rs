//! What breaks users and what does not, case by case.

use serde_json::json;

use super::*;

/// An entry of version 1.0 with one parameter and two items.
pub(in crate::domain) fn entry(change: impl FnOnce(&mut Value)) -> Entry {
    let text = json!({"zh": "用水账户", "en": "Water accounts"});
    let mut value = json!({
        "name": "water/water-account", "version": "1.0", "level": "interface", "code": "204003001/000001",
        "title": text, "summary": text, "provider_code": "11110000000021135M", "duty": text,
        "classification": {"class": text, "category": text, "topic": text, "detail": text},
        "format": {"category": "database", "type": "sqlite"}, "sharing": "conditional", "sharing_condition": text,
        "open": false, "update_cycle": "monthly", "issue_date": "2026-01-05", "subject": "id_number",
        "items": [
            {"name": "balance", "title": text, "type": "number", "length": 10, "sensitive": true, "grade": 3},
            {"name": "state", "title": text, "type": "string", "length": 2, "sensitive": false, "grade": 1, "code_table": "states"},
        ],
        "request_schema": {"type": "object", "additionalProperties": false, "required": ["id_number"], "properties": {
            "id_number": {"type": "string", "format": "id_number", "minLength": 18, "maxLength": 18},
            "year": {"type": "integer", "minimum": 2000, "enum": [2025, 2026]},
        }},
        "response_schema": {"type": "object", "additionalProperties": false, "properties": {
            "balance": {"type": "number", "maximum": 1000},
            "state": {"type": "string", "maxLength": 2, "enum": ["a", "b"]},
        }},
    });
    change(&mut value);
    serde_json::from_value(value).unwrap()
}

fn found(change: impl FnOnce(&mut Value)) -> Vec<(String, &'static str)> {
    let told = breaks(&entry(|_| ()), &entry(change));
    told.into_iter().map(|one| (one.pointer, one.kind.as_str())).collect()
}

fn one(pointer: &str, kind: &'static str) -> Vec<(String, &'static str)> {
    vec![(pointer.to_owned(), kind)]
}

#[test]
fn what_adds_or_loosens_requests_and_tightens_answers_is_compatible() {
    assert_eq!(found(|_| ()), []);
    assert_eq!(found(|e| e["request_schema"]["properties"]["month"] = json!({"type": "integer"})), []);
    assert_eq!(found(|e| e["request_schema"]["required"] = json!([])), []);
    assert_eq!(found(|e| e["request_schema"]["properties"]["year"] = json!({"type": "number", "minimum": 1900})), []);
    assert_eq!(found(|e| e["request_schema"]["properties"]["year"]["title"] = json!("Year")), []);
    assert_eq!(found(|e| e["response_schema"]["properties"]["balance"]["maximum"] = json!(500)), []);
    assert_eq!(found(|e| e["response_schema"]["properties"]["state"]["enum"] = json!(["a"])), []);
    assert_eq!(found(|e| e["response_schema"]["required"] = json!(["state"])), []);
    assert_eq!(found(|e| e["items"][1]["grade"] = json!(2)), []);
    let more = found(|e| {
        let mut item = e["items"][1].clone();
        item["name"] = json!("since");
        e["items"].as_array_mut().unwrap().push(item);
        e["response_schema"]["properties"]["since"] = json!({"type": "string"});
    });
    assert_eq!(more, []);
}

#[test]
fn every_break_is_told_with_its_place() {
    let year = "/request_schema/properties/year";
    assert_eq!(
        found(|e| e["request_schema"]["required"] = json!(["id_number", "year"])),
        one(year, "parameter_required")
    );
    let gone = found(|e| drop(e["request_schema"]["properties"].as_object_mut().unwrap().remove("year")));
    assert_eq!(gone, one(year, "parameter_removed"));
    for (change, at) in [
        (json!({"type": "string", "minimum": 2000, "enum": [2025, 2026]}), ""),
        (json!({"type": "integer", "minimum": 2000, "enum": [2026]}), ""),
        (json!({"type": "integer", "minimum": 2001, "enum": [2025, 2026]}), "/minimum"),
        (json!({"type": "integer", "minimum": 2000, "maximum": 2030, "enum": [2025, 2026]}), "/maximum"),
        (json!({"type": "integer", "minimum": 2000, "multipleOf": 2, "enum": [2025, 2026]}), "/multipleOf"),
        (json!({"type": "integer", "minimum": 2000, "not": {"const": 2025}, "enum": [2025, 2026]}), "/not"),
    ] {
        let told = found(|e| e["request_schema"]["properties"]["year"] = change.clone());
        assert_eq!(told, one(&format!("{year}{at}"), "parameter_narrowed"), "{change}");
    }
    let state = "/response_schema/properties/state";
    assert_eq!(
        found(|e| e["response_schema"]["properties"]["state"]["enum"] = json!(["a", "b", "c"])),
        one(state, "item_widened")
    );
    assert_eq!(
        found(|e| {
            e["response_schema"]["properties"]["state"]["maxLength"] = json!(9);
            e["items"][1]["length"] = json!(9);
        }),
        one(&format!("{state}/maxLength"), "item_widened"),
        "told once"
    );
    assert_eq!(found(|e| e["items"][0]["length"] = json!(12)), one("/items/0/length", "item_widened"));
    assert_eq!(
        found(|e| e["items"][1]["code_table"] = json!("others")),
        one("/items/1/code_table", "code_table_changed")
    );
    assert_eq!(found(|e| e["sharing"] = json!("not_shared")).first().map(|it| it.1), Some("sharing_narrowed"));
}

#[test]
fn a_renamed_item_is_one_that_is_gone() {
    let told = found(|e| {
        e["items"][1]["name"] = json!("status");
        let properties = e["response_schema"]["properties"].as_object_mut().unwrap();
        let state = properties.remove("state").unwrap();
        properties.insert("status".into(), state);
    });
    assert_eq!(told, one("/response_schema/properties/state", "item_removed"));
}

#[test]
fn a_major_version_may_break_and_a_minor_one_is_told_what_to_do() {
    let breaking = |version: &str| {
        entry(|e| {
            e["version"] = json!(version);
            e["request_schema"]["required"] = json!(["id_number", "year"]);
        })
    };
    assert_eq!(unannounced(&entry(|_| ()), &breaking("2.0")), []);
    let told = unannounced(&entry(|_| ()), &breaking("1.1"));
    assert_eq!(told.len(), 1);
    assert!(told[0].message.contains("2.0") && told[0].pointer.ends_with("/year"), "{told:?}");
}
