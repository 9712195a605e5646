//! A provider that answers and then keeps silent: the consumer's node finds it, and the auditor sees the proof.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use mulu::storage::node_store::{Batch, NodeStore};

use crate::harness::{City, Examples, SOON, eventually, until};

const PARKING: &str = "transport/parking-bay-status";
const FOUND_WITHIN: Duration = Duration::from_secs(60);

/// A query that succeeds, as soon as one does; its access id.
fn query(city: &City) -> String {
    let params = json!({"bay_id": Examples::get().bay_id});
    let call = json!({"purpose": "parking-guidance", "cause": "停车诱导", "case_id": "PK-9", "params": params});
    let answer = until("the provider answers", SOON, || {
        Some(city.query("data-bureau", PARKING, &call)).filter(|answer| answer.status == 200)
    });
    answer.ok()["access_id"].as_str().unwrap().to_owned()
}

fn recorded(city: &City, access_id: &str) {
    let auditor = city.person("audit", "auditor1");
    eventually("the record of an honest access", || auditor.get(&format!("audit/accesses/{access_id}")).status == 200);
}

fn promise_within(city: &City, department: &str, ms: u64) {
    let mut config = OpenOptions::new().append(true).open(city.config(department)).unwrap();
    writeln!(config, "\n[limits]\npromise_ms = {ms}").unwrap();
    city.stop(department);
    city.start(department);
    city.wait_ready(department);
}

/// Takes an access that was answered out of the provider's outbox, as one would who wants to hide it. Says whether it
/// was still there and certainly unsent.
fn hide(city: &City, access_id: &str) -> bool {
    city.kill("transport");
    let store = NodeStore::open(&city.node("transport").data_dir.join("store")).unwrap();
    let records = store.scan_prefix(b"exchange/outbox/", 100).unwrap();
    let is_it = |value: &[u8]| serde_json::from_slice::<Value>(value).unwrap()["access_id"] == access_id;
    let waits = records.iter().any(|(_, value)| is_it(value));
    let unsent = store.scan_prefix(b"exchange/batch/", 100).unwrap().is_empty();
    if waits && unsent {
        let mut batch = Batch::default();
        records.iter().filter(|(_, value)| is_it(value)).for_each(|(key, _)| batch.delete(key));
        store.apply(batch).unwrap();
        store.flush().unwrap();
    }
    drop(store);
    city.start("transport");
    city.wait_ready("transport");
    waits && unsent
}

fn findings(city: &City, department: &str, user: &str, filter: &str) -> Vec<Value> {
    let page = city.person(department, user).get(&format!("audit/findings?{filter}")).ok();
    page["items"].as_array().unwrap().clone()
}

#[test]
fn a_provider_that_answers_and_never_records_is_found_and_shown_to_the_auditor() {
    let city = City::of_three("transport");
    promise_within(&city, "transport", 3_000);
    let honest = query(&city);
    recorded(&city, &honest);
    let silent = until("an access that the provider could hide", Duration::from_secs(120), || {
        let access_id = query(&city);
        hide(&city, &access_id).then_some(access_id)
    });
    let found = until("the auditor sees the broken promise", FOUND_WITHIN, || {
        let open = "provider=transport&consumer=data-bureau&problem=promise_without_record&resolved=false";
        findings(&city, "audit", "auditor1", open).into_iter().find(|finding| finding["access_id"] == *silent)
    });
    let promise: Value = serde_json::from_str(found["promise"]["payload"].as_str().unwrap()).unwrap();
    assert_eq!(promise["access_id"], *silent, "the provider's own word is the proof");
    assert_eq!(found["record_index"], Value::Null);
    let report = format!("ledger/transactions/{}", found["transaction_id"].as_str().unwrap());
    let report = city.system("audit").get(&report).ok();
    assert_eq!((&report["kind"], &report["department"]), (&json!("access.finding"), &json!("data-bureau")));
    // Honest accesses accuse nobody, and the provider sees what is said of it.
    let about = |access_id: &str, all: &[Value]| all.iter().filter(|one| one["access_id"] == *access_id).count();
    assert_eq!(about(&honest, &findings(&city, "audit", "auditor1", "")), 0);
    eventually("the provider sees it", || about(&silent, &findings(&city, "transport", "admin1", "")) == 1);
    let metrics = city.anonymous("data-bureau").get("/metrics").text;
    assert!(!metrics.contains("mulu_promises_broken_total 0\n"), "{metrics}");
    assert!(city.log("data-bureau").contains("has not recorded an access that it promised to record"));
    told_once(&city, &honest, &silent);
}

/// A restart forgets neither what was promised nor what was reported.
fn told_once(city: &City, honest: &str, silent: &str) {
    city.stop("data-bureau");
    city.start("data-bureau");
    city.wait_ready("data-bureau");
    let last = query(city);
    recorded(city, honest);
    recorded(city, &last);
    eventually("every promise is kept", || {
        city.anonymous("data-bureau").get("/metrics").text.contains("mulu_promises_open 0\n")
    });
    let all = findings(city, "audit", "auditor1", "");
    assert_eq!(all.iter().filter(|finding| finding["access_id"] == *silent).count(), 1, "{all:?}");
}
