//! One call about several subjects: each decided, answered and recorded by itself, and none of them twice.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{City, Examples, SOON, Wish, until};

const CASE: &str = "SA-2026-0100";

#[test]
fn a_batch_answers_about_each_subject_by_itself_and_is_not_done_twice() {
    let city = City::shared();
    let family = Examples::get();
    let items = &["id_number", "marital_status"];
    let wish = Wish { consumer: "planning-resources", purpose: "data-quality", items, ..Wish::marriage() };
    city.grant(&wish, &json!({"daily_max": 2}));
    let person = |id: &str| json!({"id_number": id});
    let batch = |subjects: &[Value]| json!({"purpose": "data-quality", "cause": "数据质量核对", "case_id": CASE, "items": ["marital_status"], "subjects": subjects});
    let path = format!("query/{}/batch", wish.entry);
    let subjects = [
        person("nobody"),
        person(&family.seller_id_number),
        person(&family.buyer_id_number),
        person(&family.seller_id_number),
    ];
    let system = city.system("planning-resources").with("idempotency-key", "batch-1");
    let answered = system.post(&path, &batch(&subjects)).ok();
    let answers = answered["answers"].as_array().unwrap();
    assert_eq!(answers.iter().map(|it| it["place"].clone()).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert_eq!((&answers[0]["status"], &answers[0]["problem"]["code"]), (&json!(422), &json!("unprocessable")));
    // The grant's quota is two a day: each of the others is one, whichever came first.
    let mut statuses: Vec<_> = answers[1..].iter().map(|it| it["status"].as_u64().unwrap()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 429], "{answered}");
    let seen =
        |it: &Value| it["answer"]["access_id"].as_str().or(it["problem"]["access_id"].as_str()).map(str::to_owned);
    let accesses: BTreeSet<String> = answers.iter().filter_map(seen).collect();
    assert_eq!(accesses.len(), 3, "{answered}");

    // The same again is done no more, and no answer was kept.
    system.post(&path, &batch(&subjects)).problem(409, "idempotency_replayed_query");
    system.post(&path, &batch(&subjects[1..])).problem(409, "idempotency_key_reused");
    let auditor = city.person("audit", "auditor1");
    let on_record = until("the batch's accesses are on record", SOON, || {
        let page = auditor.get(&format!("audit/accesses?case_id={CASE}")).ok();
        let found = page["items"].as_array()?.iter().filter_map(|it| it["access_id"].as_str().map(str::to_owned));
        Some(found.collect::<BTreeSet<String>>()).filter(|found| found.len() >= 3)
    });
    assert_eq!(on_record, accesses);

    for count in [0, 101] {
        let subjects = vec![person(&family.seller_id_number); count];
        city.system("planning-resources").post(&path, &batch(&subjects)).problem(422, "unprocessable");
    }
}
