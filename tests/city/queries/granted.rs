//! What a grant gives: the granted items, masked as granted, until it ends.

use std::time::Duration;

use serde_json::json;

use super::{HOUSEHOLD, about_the_seller};
use crate::harness::{City, Examples, Wish, until};

#[test]
fn a_system_gets_exactly_the_granted_items_masked_as_granted_until_the_grant_is_revoked() {
    let city = City::shared();
    let case = "SA-2026-0001";
    let query = |items: &[&str]| city.query("civil-affairs", HOUSEHOLD, &about_the_seller(items, case));

    let refused = query(&["name"]);
    assert_eq!(refused.reasons(), ["no_grant"]);
    refused.problem(403, "no_grant");

    let items = ["id_number", "name", "birth_date", "address", "status"];
    let id = city.ask(&Wish { items: &items, ..Wish::default() });
    query(&["name"]).problem(403, "grant_requested");

    // The reviewer narrows: no date of birth, a stricter mask for the address.
    let reviewer = city.person("public-security", "reviewer1");
    let limits = json!({
        "items": ["name", {"name": "id_number", "masking": "id_number"}, {"name": "address", "masking": "full"}, "status"],
        "daily_max": 500,
    });
    let approved = reviewer.post(&format!("grants/{id}/approve"), &limits).ok();
    assert_eq!(approved["state"], "active");
    assert!(approved["transaction_id"].is_string() && approved["ledger_index"].is_u64(), "{approved}");

    let answer = query(&[]).ok();
    let row = json!({"name": "周**", "id_number": "110105********901X", "address": "******", "status": "正常"});
    assert_eq!(answer["rows"], json!([row]));
    assert_eq!((&answer["grant_id"], &answer["next_cursor"]), (&json!(id), &json!(null)));
    assert!(answer["access_id"].is_string() && answer["ledger_index"].is_u64() && answer["promise"].is_object());
    assert_eq!(query(&["name"]).ok()["rows"], json!([{"name": "周**"}]));

    let refused = query(&["name", "birth_date"]);
    assert_eq!(refused.reasons(), ["item_not_granted"]);
    assert_eq!(refused.problem(403, "item_not_granted")["grant_id"], id);
    let mut other = about_the_seller(&["name"], case);
    other["purpose"] = json!("housing-assistance");
    let refused = city.query("civil-affairs", HOUSEHOLD, &other);
    assert_eq!(refused.reasons(), ["purpose_mismatch"]);
    refused.problem(403, "purpose_mismatch");

    let seen = city.system("civil-affairs").get(&format!("grants/{id}")).ok();
    assert_eq!(
        (&seen["state"], &seen["consumer"], &seen["provider"]),
        (&json!("active"), &json!("civil-affairs"), &json!("public-security"),)
    );

    reviewer.post(&format!("grants/{id}/revoke"), &json!({"reason": "事项已办结"})).ok();
    let refused = query(&["name"]);
    assert_eq!(refused.reasons(), ["grant_revoked"]);
    refused.problem(403, "grant_revoked");
    let state = || city.system("civil-affairs").get(&format!("grants/{id}")).ok()["state"] == "revoked";
    crate::harness::eventually("the consumer's node shows that the grant is revoked", state);
}

#[test]
fn a_grant_ends_at_its_time() {
    let city = City::shared();
    let wish = Wish { consumer: "housing", items: &["name"], valid_ms: 12_000, ..Wish::default() };
    let id = city.grant(&wish, &json!({}));
    let query = || city.query("housing", HOUSEHOLD, &about_the_seller(&["name"], "SA-2026-0002"));
    assert_eq!(query().ok()["grant_id"], id);
    let refused = until("the grant expires", Duration::from_secs(30), || Some(query()).filter(|a| a.status != 200));
    assert_eq!(refused.reasons(), ["grant_expired"]);
    refused.problem(403, "grant_expired");
}

#[test]
fn a_days_quota_is_counted_and_told_with_the_time_to_wait() {
    let city = City::shared();
    let wish = Wish { consumer: "tax", items: &["name"], daily_max: 100, ..Wish::default() };
    let id = city.grant(&wish, &json!({"daily_max": 3}));
    let query = || city.query("tax", HOUSEHOLD, &about_the_seller(&["name"], "SA-2026-0003"));
    for _ in 0..3 {
        assert_eq!(query().ok()["grant_id"], id);
    }
    let refused = query();
    assert_eq!(refused.reasons(), ["quota_exceeded"]);
    let wait: u64 = refused.header("retry-after").and_then(|text| text.parse().ok()).expect("Retry-After in seconds");
    assert!((1..=86_400).contains(&wait), "{wait} s to midnight");
    let problem = refused.problem(429, "quota_exceeded");
    assert!(problem["access_id"].is_string(), "{problem}");
    // Asking for what is not granted costs nothing of the quota and is still told as such.
    city.query("tax", HOUSEHOLD, &about_the_seller(&["address"], "SA-2026-0003")).problem(403, "item_not_granted");
}

#[test]
fn unconditional_data_is_there_at_once_and_data_not_shared_for_nobody() {
    let city = City::shared();
    let bay = &Examples::get().bay_id;
    let parking = json!({"purpose": "parking-guidance", "cause": "停车诱导", "params": {"bay_id": bay}});
    for consumer in ["civil-affairs", "audit", "transport"] {
        let answer = city.query(consumer, "transport/parking-bay-status", &parking).ok();
        assert_eq!((&answer["rows"][0]["bay_id"], answer["rows"].as_array().map(Vec::len)), (&json!(bay), Some(1)));
        assert_eq!(answer["grant_id"], json!(null));
    }
    let investigation = "public-security/case-investigation";
    for consumer in ["civil-affairs", "data-bureau", "audit", "public-security"] {
        let refused = city.query(consumer, investigation, &about_the_seller(&["name"], "SA-2026-0004"));
        assert_eq!(refused.reasons(), ["not_shared"], "{consumer}");
        refused.problem(403, "not_shared");
    }
    let wish = Wish { entry: investigation, items: &["status"], ..Wish::default() };
    city.system("civil-affairs").post("grants", &wish.body()).problem(403, "not_shared");
}

#[test]
fn a_decision_can_be_explained_without_making_the_call() {
    let city = City::shared();
    let system = city.system("audit");
    let explain = |entry: &str, items: &[&str]| {
        let facts = json!({"entry": entry, "purpose": "social-assistance", "items": items});
        system.post("decisions/explain", &facts).ok()
    };
    let before = explain(HOUSEHOLD, &["name"]);
    assert_eq!((&before["allowed"], &before["reasons"][0]["code"]), (&json!(false), &json!("no_grant")));
    assert!(before["rule"].is_string() && before["ledger_index"].is_u64(), "{before}");
    let wish = Wish { consumer: "audit", items: &["name"], ..Wish::default() };
    let id = city.grant(&wish, &json!({}));
    crate::harness::eventually("the consumer's own node knows the grant", || {
        let after = explain(HOUSEHOLD, &["name"]);
        (&after["allowed"], &after["grant_id"]) == (&json!(true), &json!(id))
    });
    assert_eq!(explain(HOUSEHOLD, &["address"])["reasons"][0]["code"], "item_not_granted");
    assert_eq!(explain("public-security/case-investigation", &[])["reasons"][0]["code"], "not_shared");
}
