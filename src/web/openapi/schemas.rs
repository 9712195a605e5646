//! Schemas of the description that come from `schemas/`, with their references turned to its own.

use serde_json::{Map, Value, json};

use crate::domain::schema::{FaultCode, api_documents};

/// The component's name of a body's schema.
pub(super) fn body_name(name: &str) -> String {
    let words = name.split(['-', '_', '.']);
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    };
    format!("{}Body", words.map(capital).collect::<String>())
}

/// Every body's schema and what they share, by component name.
pub(super) fn of_bodies() -> Map<String, Value> {
    let mut components = Map::new();
    for (name, text) in api_documents() {
        let Ok(Value::Object(mut schema)) = serde_json::from_str::<Value>(text) else { continue };
        schema.remove("$schema");
        schema.remove("$id");
        let parts = schema.shift_remove("$defs");
        for (part, definition) in parts.as_ref().and_then(Value::as_object).into_iter().flatten() {
            components.insert(part.clone(), turned(definition.clone()));
        }
        if name != "common" {
            components.insert(body_name(name), turned(Value::Object(schema)));
        }
    }
    components
}

/// Turns `../common.json#/$defs/slug` and `#/$defs/slug` into `#/components/schemas/slug`.
fn turned(schema: Value) -> Value {
    match schema {
        Value::Object(members) => {
            let turn = |(key, value): (String, Value)| match (key.as_str(), value.as_str()) {
                ("$ref", Some(target)) => (key, json!(reference(target))),
                _ => (key, turned(value)),
            };
            Value::Object(members.into_iter().map(turn).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(turned).collect()),
        other => other,
    }
}

fn reference(target: &str) -> String {
    let name = match target.split_once("#/$defs/") {
        Some((_, part)) => part.to_owned(),
        None => body_name(target.rsplit('/').next().unwrap_or_default().trim_end_matches(".json")),
    };
    format!("#/components/schemas/{name}")
}

/// RFC 9457, with what this API adds.
pub(super) fn problem() -> Value {
    json!({
        "type": "object",
        "description": "Problem details (RFC 9457)",
        "properties": {
            "type": {"type": "string", "format": "uri", "description": "urn:mulu:problem:<code>"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "code": {"type": "string", "description": "stable; a refusal bears the code of its first reason", "examples": super::codes()},
            "detail": {"type": "string", "description": "what to do"},
            "request_id": {"type": "string"},
            "errors": {
                "type": "array",
                "description": "what does not fit the schema (422)",
                "items": {
                    "type": "object",
                    "properties": {
                        "pointer": {"type": "string", "description": "JSON Pointer (RFC 6901)"},
                        "code": {"enum": FaultCode::ALL, "description": "in what way it is wrong; stable, newer versions may know more"},
                        "message": {"type": "string"},
                    },
                    "required": ["pointer", "code", "message"],
                },
            },
            "reasons": {
                "type": "array",
                "description": "why the rules refuse (403)",
                "items": {
                    "type": "object",
                    "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
                    "required": ["code", "message"],
                },
            },
            "rule": {"type": "string", "description": "the rule that refused"},
            "grant_id": {"type": "string", "format": "uuid", "description": "the grant that was looked at"},
            "access_id": {"type": "string", "format": "uuid", "description": "the access that was recorded"},
            "provider": {"type": "string", "description": "the department whose node or data source did not do its part (502, 504)"},
            "provider_state": {
                "enum": ["down", "late", "untrusted", "source_down", "source_late", "source_overloaded", "circuit_open", "connector_broken", "source_misfit", "failed"],
                "description": "in which state it is",
            },
            "retry_after_s": {"type": "integer", "description": "as Retry-After"},
        },
        "required": ["type", "title", "status", "code", "detail", "request_id"],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_turned() {
        assert_eq!(reference("../common.json#/$defs/slug"), "#/components/schemas/slug");
        assert_eq!(reference("#/$defs/payload_schema"), "#/components/schemas/payload_schema");
        assert_eq!(reference("../department/catalog-entry.json"), "#/components/schemas/CatalogEntryBody");
        assert_eq!(body_name("sign_off"), "SignOffBody");
    }
}
