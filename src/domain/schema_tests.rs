//! Schemas and types say the same: every command's own text fits its schema, and nothing beside it.

use serde_json::{Value, json};

use super::*;
use crate::domain::command::Command;

const ID: &str = "019f0000-0000-7000-8000-000000000001";

fn entry() -> Value {
    let text = json!({"zh": "户籍登记信息", "en": "Household registration"});
    let schema = json!({"type": "object", "properties": {"id_number": {"type": "string", "format": "id_number"}}, "additionalProperties": false});
    json!({
        "name": "public-security/household-registration", "version": "1.0", "level": "interface",
        "code": "101001001/000001", "title": text, "summary": text,
        "classification": {"class": text, "category": text, "topic": text, "detail": text},
        "provider_code": "11110000000021135M", "duty": text, "format": {"category": "database", "type": "sqlite"},
        "sharing": "conditional", "sharing_condition": text, "open": false, "update_cycle": "daily",
        "issue_date": "2026-01-31", "related_codes": [], "subject": "id_number",
        "items": [{"name": "id_number", "title": text, "type": "string", "length": 18, "sensitive": true,
                   "grade": 3, "masking": "id_number"}],
        "request_schema": schema, "response_schema": schema,
    })
}

fn example(kind: &str) -> Value {
    let actor = json!({"user": "clerk1", "role": "clerk"});
    let name = json!({"zh": "民政局", "en": "Civil Affairs"});
    let digest = "ab".repeat(32);
    let department = json!({"id": "civil-affairs", "name": name, "uscc": "11110000000021135M",
        "signing_key": "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
        "sealing_key": "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=", "voter": true, "node_id": 1});
    let signing = json!({"key": "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
        "valid_until": 1_795_000_000_000_u64, "possession": format!("{}==", "A".repeat(86))});
    let policy = json!({"version": 1, "model": "[matchers]", "rules": "p, allow"});
    let entry_ending = json!({"entry": "water/water-account", "version": "1.0", "reason": "replaced"});
    let grant_ending = json!({"grant": ID, "reason": "matter closed"});
    match kind {
        "chain.genesis" => json!({"city": name, "hash": "sm3", "authority": "data-bureau", "auditor": "audit",
            "departments": [department], "policy": policy}),
        "department.register" => department,
        "node.set" => json!({"department": "water", "node_id": 14, "raft": "water.city.example:8614",
            "peer": "[fd00::7]:8514"}),
        "node.remove" => json!({"department": "water"}),
        "voters.set" => json!({"departments": ["data-bureau", "audit", "water"]}),
        "edition.set" => json!({"edition": 2}),
        "policy.set" => policy,
        "policy.propose" => json!({"document": policy, "note": "parking data for the night shift"}),
        "policy.confirm" => json!({"proposal": ID, "digest": digest}),
        "policy.reject" => json!({"proposal": ID, "reason": "opens too much"}),
        "key.rotate" => json!({"signing": signing, "sealing_key": "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo="}),
        "key.revoke" => json!({"key": "00112233445566aa", "reason": "the disk was stolen"}),
        "key.endorse" => json!({"department": "civil-affairs", "signing": signing, "reason": "shown in person"}),
        "entry.publish" => json!({"entry": entry(), "drafted_by": actor}),
        "entry.deprecate" | "entry.withdraw" => entry_ending,
        "grant.request" => json!({"entry": "water/water-account", "version": "1.0", "purpose": "real-estate-transfer",
            "legal_basis": "不动产登记暂行条例 §25", "matter": "transfer", "items": ["balance"], "mode": "query",
            "daily_max": 10, "valid_until": 1_795_000_000_000_u64, "hours": [8, 18],
            "details": {"purpose_text": "过户", "legal_clause": "第二款", "letter": digest, "assessment": "PIA-17", "system": "登记系统"},
            "bounds": {"weekdays": [1, 5], "rate": {"per_minute": 60}, "scope": [{"field": "balance", "values": ["0"]}],
                "item_terms": [{"item": "balance", "valid_until": 1_794_000_000_000_u64}]},
            "replaces": ID}),
        "grant.approve" | "grant.preapprove" => {
            json!({"grant": ID, "items": [{"name": "balance", "masking": "none"}], "daily_max": 5,
            "valid_until": 1_795_000_000_000_u64, "network_zone": "gov-extranet", "hours": [9, 17],
            "bounds": {"rate": {"per_second": 1}, "item_terms": [{"item": "balance", "valid_until": 1_793_000_000_000_u64}]}})
        }
        "grant.deny" | "grant.revoke" | "grant.suspend" | "grant.resume" | "grant.extend" | "grant.appeal" => {
            grant_ending
        }
        "grant.rule" => json!({"grant": ID, "upheld": true, "reason": "the basis is sound",
            "decide_by": 1_795_000_000_000_u64}),
        "access.batch" => json!({"records": [{"access_id": ID, "time": 1, "consumer": "tax", "actor": actor,
            "entry": "water/water-account", "decision": "refused", "rule": "no-grant", "reasons": ["no_grant"],
            "purpose": "", "cause": "", "items": [], "rows": 0, "request_digest": digest, "basis": 7}]}),
        "access.finding" => json!({"findings": [{"access_id": ID, "provider": "water", "problem": "record_differs",
            "promise": {"payload": "{}", "key": "0123456789abcdef", "signature": format!("{}==", "A".repeat(86))},
            "record_index": 9}]}),
        "workflow.publish" => json!({"name": "parking-permit", "version": 1, "document": {
            "name": "parking-permit", "title": name, "summary": name, "purpose": "parking-permit", "cause": "停车证",
            "form": {"type": "object", "required": ["plate"], "additionalProperties": false,
                     "properties": {"plate": {"type": "string", "format": "plate", "x-title": name}}},
            "sign_off": [{"step": "check", "department": "transport", "title": name}]}}),
        "case.open" => json!({"workflow": "real-estate-transfer", "title": name,
            "materials": [{"entry": "water/water-account", "access_id": ID, "digest": digest}],
            "steps": [{"step": "tax-review", "department": "tax", "title": name, "role": "clerk", "kind": "payment",
                       "after": ["first"], "days": 3}],
            "version": 1, "form_digest": digest, "pulls": ["household"], "days": 30, "certificate": true}),
        "case.sign_off" => json!({"case": ID, "step": "tax-review", "agreed": true, "note": "",
            "fact": {"kind": "payment", "digest": digest}}),
        "case.pull" => json!({"case": ID, "pull": "household",
            "material": {"entry": "water/water-account", "access_id": ID, "digest": digest}}),
        "case.check" => json!({"case": ID, "results": [{"rule": "of-age", "held": true}]}),
        "case.return" => json!({"case": ID, "step": "tax-review", "reason": "a page is missing"}),
        "case.resubmit" => json!({"case": ID, "note": "it is there now", "correction": {"corrects": digest,
            "form_digest": digest, "pulls": ["household", "title"], "kept": ["title"]}}),
        "case.assign" => {
            json!({"case": ID, "step": "tax-review", "department": "water", "user": "li.na", "reason": "duty moved"})
        }
        "case.withdraw" => json!({"case": ID, "reason": "the applicant withdrew"}),
        "case.complete" => json!({"case": ID, "notice_digest": digest}),
        "certificate.issue" => json!({
            "identifier": "1.2.156.3005.2.11100000000013338W032.11220000013544541J.2430599.001.F", "type_name": name,
            "valid_from": "2026-11-21", "document_digest": digest, "holder_commitment": digest,
            "details": {"type": {"name": "real-estate-title", "version": 1}, "operation": "change",
                "predecessor": "1.2.156.3005.2.11100000000013338W032.11220000013544541J.2430599.001.F",
                "prepared_by": actor}}),
        "certificate.annotate" => json!({
            "identifier": "1.2.156.3005.2.11100000000013338W032.11220000013544541J.2430599.001.F",
            "cause": "mortgaged", "expires": "2027-01-31"}),
        "certificate_type.publish" => json!({"document": certificate_type()}),
        "certificate.status" => json!({
            "identifier": "1.2.156.3005.2.11100000000013338W032.11220000013544541J.2430599.001.F",
            "status": "cancelled", "reason": "transferred"}),
        "digest.record" => json!({"digest": digest, "label": "民政〔2026〕17号", "kind": "case-papers"}),
        _ => panic!("no example of {kind}"),
    }
}

fn certificate_type() -> Value {
    let name = json!({"zh": "不动产权证书", "en": "Title certificate"});
    json!({"name": "real-estate-title", "version": 1, "type_code": "11100000000013338W032", "title": name,
        "defining_authority": {"name": name, "code": "11100000000013338W"}, "holder_kind": "111", "by_hand": true,
        "validity": {"rule": "years", "years": 70},
        "fields": {"type": "object", "properties": {"use": {"type": "string", "maxLength": 20, "x-title": name}},
            "required": ["use"], "additionalProperties": false},
        "section": [{"title": name, "fields": ["use"]}], "legal_note": name})
}

/// The example as its Rust type writes it.
fn through_type(kind: &str, body: &Value) -> Value {
    use crate::domain::command::Payload;
    let text = json!({"v": 1, "id": ID, "department": "tax", "actor": {"user": "clerk1", "role": "clerk"},
        "kind": kind, "body": body});
    let payload = Payload::decode(&text.to_string()).unwrap_or_else(|e| panic!("{kind}: {e}"));
    let written: Value = serde_json::from_str(&payload.encode().unwrap()).unwrap();
    written["body"].clone()
}

#[test]
fn every_kind_has_a_schema_and_every_schema_a_kind() {
    let mut kinds = Command::KINDS.to_vec();
    kinds.sort_unstable();
    let mut schemas: Vec<&str> = TX.iter().map(|(name, _)| *name).collect();
    schemas.sort_unstable();
    assert_eq!(kinds, schemas);
    assert!(tx_body("grant.dent").is_none());
}

#[test]
fn what_a_type_writes_fits_its_schema() {
    for kind in Command::KINDS {
        let body = through_type(kind, &example(kind));
        assert_eq!(tx_body(kind).unwrap().check(&body), [], "{kind}");
    }
}

#[test]
fn an_unknown_or_missing_field_is_refused_with_its_place() {
    for kind in Command::KINDS {
        let schema = tx_body(kind).unwrap();
        let mut more = example(kind);
        more.as_object_mut().unwrap().insert("extra".into(), json!(1));
        assert!(!schema.check(&more).is_empty(), "{kind} takes an unknown field");
        assert!(!schema.check(&json!({})).is_empty(), "{kind} takes nothing");
    }
    let mut publication = example("entry.publish");
    publication["entry"]["items"][0]["grade"] = json!(5);
    publication["entry"]["items"][0]["colour"] = json!("red");
    let faults = tx_body("entry.publish").unwrap().check(&publication);
    let places: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    assert!(places.contains(&"/entry/items/0/grade") && places.contains(&"/entry/items/0/colour"), "{faults:?}");
}

#[test]
fn every_text_and_list_has_a_bound() {
    fn unbounded(schema: &Value, path: &str, found: &mut Vec<String>) {
        if let Some(object) = schema.as_object() {
            let has = |key: &str| object.contains_key(key);
            match object.get("type").and_then(Value::as_str) {
                Some("string") if !has("maxLength") && !has("pattern") => found.push(path.to_owned()),
                Some("array") if !has("maxItems") => found.push(path.to_owned()),
                Some("integer") if !has("maximum") && !path.ends_with("seed") => found.push(path.to_owned()),
                _ => {}
            }
            for (key, part) in object {
                unbounded(part, &format!("{path}/{key}"), found);
            }
        }
    }
    let mut found = Vec::new();
    for (name, text) in TX.iter().chain(DEPARTMENT).chain(API) {
        unbounded(&serde_json::from_str(text).unwrap(), name, &mut found);
    }
    unbounded(&serde_json::from_str(include_str!("../../schemas/common.json")).unwrap(), "common", &mut found);
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn a_refusal_needs_a_note() {
    let schema = tx_body("case.sign_off").unwrap();
    let mut word = example("case.sign_off");
    word["agreed"] = json!(false);
    assert!(!schema.fits(&word));
    word["note"] = json!("the contract was cancelled");
    assert!(schema.fits(&word));
}

#[test]
fn foreign_schemas_are_bounded_and_never_fetched() {
    for wrong in [
        json!(true),
        json!({"type": "strin"}),
        json!({"$ref": "https://example.org/x.json"}),
        json!({"$ref": "https://schemas.mulu.internal/common.json#/$defs/uuid7"}),
        json!({"type": "string", "format": "shoe_size"}),
        json!({"type": "string", "pattern": "^(a{1000}){1000}{1000}$"}),
        json!({"type": "string", "pattern": "(?=x)x"}),
        json!({"description": "x".repeat(SCHEMA_BYTES_MAX)}),
    ] {
        assert!(Schema::compile(&wrong).is_err(), "{} compiles", cut(&wrong.to_string(), 80));
    }
}

#[test]
fn faults_are_few_short_and_tell_no_value() {
    let schema =
        Schema::compile(&json!({"type": "array", "items": {"type": "string", "format": "id_number"}})).unwrap();
    let typo = schema.check(&json!(["340524198001010011"]));
    assert!(typo[0].message.starts_with("is not a valid id_number: it has a wrong check character"), "{typo:?}");
    let secret = format!("secret{}", "x".repeat(5000));
    let faults = schema.check(&Value::from(vec![secret; 100]));
    assert_eq!(faults.len(), FAULTS_MAX);
    assert_eq!(faults[3].pointer, "/3");
    assert!(faults.iter().all(|fault| !fault.message.contains("secret") && fault.message.len() < 300), "{faults:?}");
}

#[test]
fn of_alternatives_the_one_that_is_meant_says_what_is_wrong() {
    let alternatives = json!({"properties": {
        "until": {"anyOf": [{"type": "string", "format": "date"}, {"type": "integer", "minimum": 5}]},
        "days": {"anyOf": [{"type": "array", "items": {"type": "integer", "maximum": 7}}, {"type": "null"}]}
    }});
    let schema = Schema::compile(&alternatives).unwrap();
    let told = |document: Value| {
        let fault = schema.check(&document).swap_remove(0);
        (fault.pointer, fault.message)
    };
    let (place, why) = told(json!({"until": "tomorrow"}));
    assert!(place == "/until" && why.contains("date") && !why.contains("anyOf"), "{why}");
    let (place, why) = told(json!({"until": 4}));
    assert!(place == "/until" && why.contains("minimum"), "{why}");
    assert_eq!(told(json!({"days": [1, 8]})).0, "/days/1");
    assert!(told(json!({"days": true})).1.contains("anyOf"), "none is meant");
}
