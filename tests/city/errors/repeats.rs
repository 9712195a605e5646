//! The same request again: done once, answered alike; the same key for something else is refused.

use std::collections::BTreeSet;
use std::thread;

use serde_json::json;

use crate::harness::{City, Examples, Wish};

#[test]
fn a_repeated_request_is_done_once() {
    let city = City::shared();
    let system = city.system("housing").with("idempotency-key", "story-1");
    let wish = Wish { consumer: "housing", purpose: "housing-assistance", ..Wish::marriage() };
    let body = wish.body();
    let first = system.post("grants", &body);
    let again = system.post("grants", &body);
    assert_eq!((first.status, &first.text), (again.status, &again.text));
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), (None, Some("true")));
    let other = Wish { daily_max: 7, ..wish.clone() }.body();
    system.post("grants", &other).problem(409, "idempotency_key_reused");
    let path = format!("grants/{}/revoke", first.body["id"].as_str().unwrap());
    system.post(&path, &json!({"reason": "x"})).problem(409, "idempotency_key_reused");
    // Another department's key is another key.
    let tax = city.system("tax").with("idempotency-key", "story-1");
    let theirs = tax.post("grants", &Wish { consumer: "tax", ..wish }.body()).ok();
    assert_ne!(theirs["id"], first.body["id"]);
    for key in ["has space", &"k".repeat(500)] {
        city.system("tax").with("idempotency-key", key).post("grants", &body).problem(400, "invalid_idempotency_key");
    }
}

#[test]
fn requests_that_race_with_one_key_leave_one_transaction() {
    let city = City::shared();
    let system = city.system("transport").with("idempotency-key", "race-1");
    let body = Wish { consumer: "transport", purpose: "data-quality", ..Wish::marriage() }.body();
    let ids: BTreeSet<String> = thread::scope(|scope| {
        let racers: Vec<_> = (0..6).map(|_| scope.spawn(|| system.post("grants", &body))).collect();
        let answers = racers.into_iter().map(|racer| racer.join().unwrap());
        let ended = answers.filter_map(|answer| match answer.status {
            201 => Some(answer.body["id"].as_str().unwrap().to_owned()),
            _ => {
                answer.problem(409, "idempotency_in_progress");
                None
            }
        });
        ended.collect()
    });
    assert_eq!(ids.len(), 1, "{ids:?}");
}

#[test]
fn a_repeated_query_is_told_the_first_access() {
    let city = City::shared();
    let system = city.system("audit").with("idempotency-key", "query-1");
    let call =
        json!({"purpose": "parking-guidance", "cause": "停车诱导", "params": {"bay_id": Examples::get().bay_id}});
    let first = system.post("query/transport/parking-bay-status", &call).ok();
    let again = system.post("query/transport/parking-bay-status", &call);
    assert_eq!(again.problem(409, "idempotency_replayed_query")["access_id"], first["access_id"]);
}
