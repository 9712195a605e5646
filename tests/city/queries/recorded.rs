//! The record of every access, allowed and refused, at the auditor's node seconds later.

use serde_json::{Value, json};

use super::{HOUSEHOLD, about_the_seller};
use crate::harness::{City, Examples, SOON, Wish, until};

const CASE: &str = "SA-2026-0020";

/// The accesses that a query string finds at the auditor's node, once there are so many.
fn found(city: &City, filter: &str, count: usize) -> Vec<Value> {
    let auditor = city.person("audit", "auditor1");
    until(&format!("{count} accesses by {filter}"), SOON, || {
        let page = auditor.get(&format!("audit/accesses?{filter}")).ok();
        let items = page["items"].as_array().unwrap().clone();
        (items.len() >= count).then_some(items)
    })
}

#[test]
fn the_auditor_sees_each_access_within_seconds_and_only_the_auditor_sees_whose_data_it_was() {
    let city = City::shared();
    let seller = &Examples::get().seller_id_number;
    let query = |items: &[&str]| city.query("planning-resources", HOUSEHOLD, &about_the_seller(items, CASE));
    let refused = query(&["name"]).problem(403, "purpose_mismatch");
    let wish = Wish { consumer: "planning-resources", items: &["name", "status"], ..Wish::default() };
    let grant = city.grant(&wish, &json!({}));
    let allowed = query(&["status"]).ok();
    assert_eq!(allowed["grant_id"], grant);

    let records = found(city, &format!("case_id={CASE}"), 2);
    assert_eq!(records.len(), 2, "{records:?}");
    let [last, first] = records.as_slice() else { panic!("two records, newest first: {records:?}") };
    assert_eq!((&first["access_id"], &last["access_id"]), (&refused["access_id"], &allowed["access_id"]));
    for record in &records {
        assert_eq!(record["consumer"], "planning-resources");
        assert_eq!(record["provider"], "public-security");
        assert_eq!(record["actor"], json!({"user": "business-system", "role": "system"}));
        assert_eq!((&record["entry"], &record["entry_version"]), (&json!(HOUSEHOLD), &json!("1.0")));
        assert_eq!((&record["purpose"], &record["cause"]), (&json!("social-assistance"), &json!("社会救助资格核验")));
        assert_eq!(record["case_id"], CASE);
        // The one becomes the other within a moment.
        assert!([json!("committed"), json!("anchored")].contains(&record["state"]), "{record}");
        assert!(record["transaction_id"].is_string() && record["ledger_index"].is_u64(), "{record}");
        assert!(record["rule"].as_str().is_some_and(|rule| !rule.is_empty()), "{record}");
        let sealed = record["subject"].as_str().expect("a sealed subject");
        assert!(!record.to_string().contains(seller.as_str()) && sealed.len() > 40, "{record}");
    }
    assert_eq!((&first["decision"], &first["reasons"]), (&json!("refused"), &json!(["purpose_mismatch"])));
    assert_eq!((&last["decision"], &last["rule"]), (&json!("allowed"), &allowed["rule"]));
    assert_eq!((&last["grant"], &last["items"], &last["rows"]), (&json!(grant), &json!(["status"]), &json!(1)));

    open_the_subject(city, last, seller);
    filter_by_everything(city, first, last);
    only_auditors_look(city, last);
}

fn open_the_subject(city: &City, record: &Value, seller: &str) {
    let id = record["access_id"].as_str().unwrap();
    let open = format!("audit/accesses/{id}/subject");
    let opened = city.person("audit", "auditor1").post(&open, &json!({})).ok();
    assert_eq!((&opened["access_id"], &opened["subject"]), (&json!(id), &json!(seller)));
    city.person("audit", "clerk1").post(&open, &json!({})).problem(403, "role_not_allowed");
    for department in ["public-security", "planning-resources", "data-bureau"] {
        let refused = city.person(department, "admin1").post(&open, &json!({}));
        assert_eq!(refused.status, 403, "{refused}");
    }
    let detail = city.person("audit", "auditor2").get(&format!("audit/accesses/{id}")).ok();
    assert_eq!(detail["access_id"], id);
    assert!(detail["proof"]["checkpoint"].is_string() && detail["request_digest"].is_string(), "{detail}");
    assert_eq!(detail["answer_digest"].as_str().map(str::len), Some(64), "{detail}");
}

fn filter_by_everything(city: &City, first: &Value, last: &Value) {
    let seller = &Examples::get().seller_id_number;
    let ids = |filter: &str| -> Vec<Value> {
        let accesses = found(city, &format!("case_id={CASE}&{filter}"), 0);
        accesses.into_iter().map(|record| record["access_id"].clone()).collect()
    };
    let (refused, allowed) = (first["access_id"].clone(), last["access_id"].clone());
    let both = vec![allowed.clone(), refused.clone()];
    assert_eq!(ids(&format!("subject={seller}")), both);
    assert_eq!(ids(&format!("subject={}", Examples::get().buyer_id_number)), [json!(null); 0]);
    assert_eq!(ids("consumer=planning-resources&provider=public-security"), both);
    assert_eq!(ids("consumer=tax"), [json!(null); 0]);
    assert_eq!(ids(&format!("entry={HOUSEHOLD}")), both);
    assert_eq!(ids("entry=tax/deed-tax-payment"), [json!(null); 0]);
    assert_eq!(ids("decision=allowed"), std::slice::from_ref(&allowed));
    assert_eq!(ids("decision=refused"), std::slice::from_ref(&refused));
    assert_eq!(ids(&format!("grant={}", last["grant"].as_str().unwrap())), std::slice::from_ref(&allowed));
    let time = last["time"].as_str().unwrap();
    assert_eq!(ids(&format!("from={time}")), [allowed]);
    assert_eq!(ids(&format!("to={time}")), [refused]);
    let page = found(city, &format!("case_id={CASE}&page_size=1"), 1);
    assert_eq!(page.len(), 1);
}

fn only_auditors_look(city: &City, record: &Value) {
    for (department, user) in [("civil-affairs", "clerk1"), ("public-security", "reviewer1"), ("audit", "clerk1")] {
        let refused = city.person(department, user).get("audit/accesses");
        assert!(!refused.reasons().is_empty());
        refused.problem(403, "role_not_allowed");
    }
    city.system("civil-affairs").get("audit/accesses").problem(403, "role_not_allowed");
    // A department's administrator sees what concerns the department, and nothing else.
    let own = city.person("planning-resources", "admin1").get(&format!("audit/accesses?case_id={CASE}")).ok();
    assert_eq!(own["items"].as_array().map(Vec::len), Some(2), "{own}");
    let foreign = city.person("transport", "admin1").get(&format!("audit/accesses?case_id={CASE}")).ok();
    assert_eq!(foreign["items"], json!([]));
    let id = record["access_id"].as_str().unwrap();
    city.person("transport", "admin1").get(&format!("audit/accesses/{id}")).problem(404, "not_found");
}
