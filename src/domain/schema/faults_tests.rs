//! Each kind of fault that a schema finds has its code, names what the schema wants, and repeats no value.

use serde_json::{Value, json};

use crate::domain::fault::FaultCode;
use crate::domain::schema::Schema;

/// The first fault of a document: code, what is named, and where.
fn first(schema: &Value, document: &Value) -> (&'static str, String, String) {
    let fault = Schema::compile(schema).unwrap().check(document).swap_remove(0);
    assert!(!fault.message.is_empty());
    (fault.code.as_str(), fault.named, fault.pointer)
}

#[test]
fn every_kind_of_fault_has_its_code_and_names_what_is_wanted() {
    let of_way = |names: [&str; 2]| json!(names.map(|name| json!({"required": [name]})));
    let mut other = Vec::new();
    for (schema, document, code, named) in [
        (json!({"required": ["plate"]}), json!({}), "required", "plate"),
        (json!({"anyOf": of_way(["a", "b"])}), json!({}), "any_required", "a, b"),
        (json!({"oneOf": of_way(["a", "b"])}), json!({}), "any_required", "a, b"),
        (json!({"oneOf": of_way(["a", "b"])}), json!({"a": 1, "b": 1}), "ambiguous", ""),
        (json!({"properties": {"a": true}, "additionalProperties": false}), json!({"x": 1}), "unknown_member", "x"),
        (json!({"properties": {"a": true}, "unevaluatedProperties": false}), json!({"x": 1}), "unknown_member", "x"),
        (json!({"type": "integer"}), json!("x"), "type", "integer"),
        (json!({"type": ["string", "null"]}), json!(1), "type", "null, string"),
        (json!({"enum": ["a", 7]}), json!("x"), "enum", "a, 7"),
        (json!({"const": "a"}), json!("x"), "const", "a"),
        (json!({"minLength": 2}), json!("x"), "min_length", "2"),
        (json!({"maxLength": 2}), json!("xxx"), "max_length", "2"),
        (json!({"minimum": 2}), json!(1), "minimum", "2"),
        (json!({"maximum": 2.5}), json!(3), "maximum", "2.5"),
        (json!({"exclusiveMinimum": 2}), json!(2), "exclusive_minimum", "2"),
        (json!({"exclusiveMaximum": 2}), json!(2), "exclusive_maximum", "2"),
        (json!({"multipleOf": 2}), json!(3), "multiple_of", "2"),
        (json!({"pattern": "^a$"}), json!("x"), "pattern", "^a$"),
        (json!({"format": "date"}), json!("x"), "format", "date"),
        (json!({"format": "id_number"}), json!("x"), "wrong_length", "id_number"),
        (json!({"format": "id_number"}), json!("110105199102301001"), "wrong_date", "id_number"),
        (json!({"format": "bay_id"}), json!("110104-0042-017"), "wrong_region", "bay_id"),
        (json!({"format": "bay_id"}), json!("110105-004a-017"), "wrong_character", "bay_id"),
        (json!({"format": "id_number"}), json!("340524198001010011"), "wrong_check", "id_number"),
        (json!({"minItems": 2}), json!([]), "min_items", "2"),
        (json!({"maxItems": 1}), json!([1, 2]), "max_items", "1"),
        (json!({"minProperties": 1}), json!({}), "min_members", "1"),
        (json!({"maxProperties": 1}), json!({"a": 1, "b": 1}), "max_members", "1"),
        (json!({"uniqueItems": true}), json!([1, 1]), "unique_items", ""),
        (json!({"contains": {"const": 1}}), json!([2]), "contains", ""),
        (json!({"anyOf": [{"type": "null"}, {"type": "integer"}]}), json!("x"), "any_of", ""),
        (json!({"oneOf": [{"type": "null"}, {"type": "integer"}]}), json!("x"), "any_of", ""),
        (json!({"propertyNames": {"maxLength": 1}}), json!({"ab": 1}), "member_name", ""),
        (json!({"not": {"type": "string"}}), json!("x"), "forbidden", ""),
        (json!({"properties": {"a": false}}), json!({"a": 1}), "forbidden", ""),
        (json!({"prefixItems": [true], "unevaluatedItems": false}), json!([1, 2]), "forbidden", ""),
    ] {
        let (have, names, _) = first(&schema, &document);
        if (have, names.as_str()) != (code, named) {
            other.push(format!("{schema} {document}: {have} {names}, not {code} {named}"));
        }
    }
    assert_eq!(other, Vec::<String>::new());
}

#[test]
fn a_missing_member_is_told_at_its_own_place_and_the_pointer_stays() {
    let schema = json!({"properties": {"holder": {"required": ["name"]}}});
    let fault = Schema::compile(&schema).unwrap().check(&json!({"holder": {}})).swap_remove(0);
    assert_eq!((fault.pointer.as_str(), fault.code), ("/holder", FaultCode::Required));
    assert_eq!(fault.place(), "/holder/name");
    let ways = json!({"anyOf": [{"required": ["unit_number"]}, {"required": ["id_number"]}]});
    let fault = Schema::compile(&ways).unwrap().check(&json!({})).swap_remove(0);
    assert_eq!(fault.place(), "/unit_number");
    // What a way lacks beside others is its own fault.
    let mixed = json!({"anyOf": [{"required": ["a"]}, {"properties": {"b": {"const": 1}}}]});
    assert_eq!(first(&mixed, &json!({"b": 2})).0, "required");
}
