//! The description is whole: every promised path, every reference, every operation once.

use std::collections::BTreeSet;

use crate::domain::schema::api_body;

use super::*;

/// What other programs rely on.
const PROMISED: &[(&str, &str)] = &[
    ("get", "/api/v1/catalog/entries"),
    ("get", "/api/v1/catalog/entries/{provider}/{name}"),
    ("post", "/api/v1/catalog/entries"),
    ("post", "/api/v1/catalog/entries/{provider}/{name}/submit"),
    ("post", "/api/v1/catalog/entries/{provider}/{name}/approve"),
    ("post", "/api/v1/catalog/entries/{provider}/{name}/reject"),
    ("post", "/api/v1/catalog/entries/{provider}/{name}/deprecate"),
    ("post", "/api/v1/catalog/entries/{provider}/{name}/withdraw"),
    ("get", "/api/v1/catalog/entries/{provider}/{name}/diff"),
    ("get", "/api/v1/catalog/classes"),
    ("get", "/api/v1/catalog/notices"),
    ("get", "/api/v1/catalog/tombstones"),
    ("post", "/api/v1/grants"),
    ("post", "/api/v1/grants/{id}/approve"),
    ("post", "/api/v1/grants/{id}/deny"),
    ("post", "/api/v1/grants/{id}/revoke"),
    ("get", "/api/v1/grants"),
    ("get", "/api/v1/grants/{id}"),
    ("post", "/api/v1/query/{provider}/{name}"),
    ("post", "/api/v1/decisions/explain"),
    ("get", "/api/v1/audit/accesses"),
    ("get", "/api/v1/audit/accesses/{access_id}"),
    ("get", "/api/v1/audit/findings"),
    ("get", "/api/v1/ledger/checkpoint"),
    ("get", "/api/v1/ledger/blocks"),
    ("post", "/api/v1/ledger/transactions"),
    ("post", "/api/v1/digests"),
    ("get", "/api/v1/ledger/transactions/{id}"),
    ("get", "/api/v1/ledger/transactions/{id}/receipt"),
    ("get", "/api/v1/ledger/consistency"),
    ("post", "/api/v1/cases"),
    ("get", "/api/v1/cases/{id}"),
    ("post", "/api/v1/cases/{id}/steps/{step}/sign-off"),
    ("get", "/api/v1/certificates/{identifier}"),
    ("post", "/api/v1/certificates/{identifier}/status"),
    ("get", "/api/v1/certificates/{identifier}/credential"),
    ("get", "/api/v1/certificates/{identifier}/paper"),
    ("get", "/verify/{identifier}"),
    ("get", "/api/v1/accounts"),
    ("post", "/api/v1/accounts"),
    ("get", "/api/v1/settings"),
    ("put", "/api/v1/settings"),
    ("get", "/api/v1/tokens"),
    ("post", "/api/v1/tokens"),
    ("post", "/api/v1/tokens/{system}/rotate"),
    ("post", "/api/v1/tokens/{system}/revoke"),
    ("get", "/api/v1/departments"),
    ("get", "/api/v1/cluster"),
    ("get", "/api/v1/backup"),
    ("get", "/tiles/checkpoint"),
    ("get", "/tiles/{tile}"),
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/metrics"),
    ("get", "/openapi.json"),
];

fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            all.push((method.clone(), path.clone(), operation.clone()));
        }
    }
    all
}

#[test]
fn every_promised_call_is_described() {
    let document = document();
    for (method, path) in PROMISED {
        assert!(document["paths"][path][method].is_object(), "{method} {path}");
    }
}

#[test]
fn every_operation_is_whole() {
    let document = document();
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap().to_owned();
        assert!(ids.insert(id), "{method} {path} has another's id");
        assert!(!operation["summary"].as_str().unwrap().is_empty());
        assert!(!operation["responses"].as_object().unwrap().is_empty());
        let in_path: BTreeSet<&str> = path.split('/').filter_map(|p| p.strip_prefix('{')?.strip_suffix('}')).collect();
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let described: BTreeSet<&str> =
            parameters.iter().filter(|p| p["in"] == "path").map(|p| p["name"].as_str().unwrap()).collect();
        assert_eq!(in_path, described, "{path}");
        for parameter in &parameters {
            assert!(parameter["schema"].is_object(), "{path}: {parameter}");
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|member| walk(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
            _ => {}
        }
    }
    let document = document();
    let mut references = Vec::new();
    walk(&document, &mut references);
    assert!(references.len() > 100);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} leads outside"));
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

#[test]
fn every_example_fits_its_schema() {
    for operation in routes::OPERATIONS {
        let (Some(schema), Some(example)) = (operation.body, operation.example) else { continue };
        let Some(schema) = api_body(schema) else { continue };
        let example: Value = serde_json::from_str(example).unwrap();
        assert_eq!(schema.check(&example), [], "{}", operation.id);
    }
}

#[test]
fn every_schema_can_be_compiled() {
    let document = document();
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        let schema = json!({"$ref": format!("#/components/schemas/{name}"), "components": document["components"]});
        let compiled = jsonschema::options().with_draft(jsonschema::Draft::Draft202012).offline().build(&schema);
        assert!(compiled.is_ok(), "{name}: {:?}", compiled.err());
    }
}
