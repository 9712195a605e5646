//! A full application, narrowed by its provider: both stand side by side, and the provider's node keeps to both.

use serde_json::json;

use super::{HOUSEHOLD, about_the_seller};
use crate::harness::{City, Examples, Wish, now};

#[test]
fn a_full_application_is_narrowed_and_enforced_as_narrowed() {
    let city = City::shared();
    let (seller, buyer) = (&Examples::get().seller_id_number, &Examples::get().buyer_id_number);
    let letter = "5c".repeat(32);
    let purpose = "data-quality";
    let wish = Wish { consumer: "housing", purpose, items: &["name", "address"], ..Wish::default() };
    let mut body = wish.body();
    for (field, value) in [
        ("purpose_text", json!("核对合同当事人姓名")),
        ("legal_clause", json!("第二款")),
        ("letter", json!(letter)),
        ("assessment", json!("PIA-2026-17")),
        ("weekdays", json!([1, 2, 3, 4, 5, 6, 7])),
        ("rate", json!({"per_minute": 100})),
        ("item_terms", json!([{"item": "name", "valid_until": now().plus(900_000).to_string()}])),
        ("scope", json!([{"field": "id_number", "values": [seller, buyer]}])),
    ] {
        body[field] = value;
    }
    let system = city.system("housing");
    let mut wrong = body.clone();
    wrong["scope"][0]["field"] = json!("wages");
    system.post("grants", &wrong).problem(422, "unprocessable");
    wrong["scope"] = json!([{"field": "id_number"}]);
    wrong["weekdays"] = json!([0]);
    let faults = system.post("grants", &wrong).problem(422, "unprocessable")["errors"].to_string();
    assert!(faults.contains("/scope") && faults.contains("/weekdays"), "{faults}");
    let asked = system.post("grants", &body).ok();
    let id = asked["id"].as_str().unwrap();

    let reviewer = city.person("public-security", "reviewer1");
    reviewer.get(&format!("grants/{id}?min_index={}", asked["ledger_index"])).ok();
    let path = format!("grants/{id}/approve");
    reviewer.post(&path, &json!({"rate": {"per_minute": 101}})).problem(422, "unprocessable");
    let late = json!({"item_terms": [{"item": "name", "valid_until": now().plus(1_800_000).to_string()}]});
    reviewer.post(&path, &late).problem(422, "unprocessable");
    let wider = json!({"scope": [{"field": "id_number", "values": [seller, "110101199003070011"]}]});
    reviewer.post(&path, &wider).problem(422, "unprocessable");
    let limits = json!({"items": ["name"], "rate": {"per_minute": 2}, "hours": [0, 24],
        "scope": [{"field": "id_number", "values": [seller]}]});
    let approved = reviewer.post(&path, &limits).ok();

    // What was asked for and what was allowed stay, side by side, at every node.
    let shown = system.get(&format!("grants/{id}?min_index={}", approved["ledger_index"])).ok();
    let (asked, allowed) = (&shown["request"], &shown["approval"]);
    assert_eq!((&asked["letter"], &asked["assessment"]), (&json!(letter), &json!("PIA-2026-17")));
    assert_eq!((&asked["rate"]["per_minute"], &allowed["rate"]["per_minute"]), (&json!(100), &json!(2)));
    assert_eq!(
        (&asked["scope"][0]["values"], &allowed["scope"][0]["values"]),
        (&json!([seller, buyer]), &json!([seller]))
    );
    assert_eq!((&asked["hours"], &allowed["hours"]), (&json!(null), &json!([0, 24])));
    assert_eq!((&asked["item_terms"][0]["item"], &allowed["item_terms"]), (&json!("name"), &json!(null)));

    // What the grant limits, and where each item stands, is told without a call.
    let facts = json!({"entry": HOUSEHOLD, "purpose": purpose, "items": ["name", "address", "status"]});
    let told = system.post("decisions/explain", &facts).ok();
    assert_eq!((&told["allowed"], &told["limits"]["rate"]["per_minute"]), (&json!(false), &json!(2)));
    assert_eq!(told["limits"]["scope"][0]["values"], json!([seller]));
    let standings: Vec<_> = told["items"].as_array().unwrap().iter().map(|item| &item["standing"]).collect();
    assert_eq!(standings, ["granted", "left_out", "not_asked"]);
    assert_eq!(told["items"][0]["valid_until"], asked["item_terms"][0]["valid_until"]);

    let mut outside = about_the_seller(purpose);
    outside["params"] = json!({"id_number": buyer});
    let refused = city.query("housing", HOUSEHOLD, &outside);
    assert_eq!(refused.reasons(), ["outside_scope"]);
    refused.problem(403, "outside_scope");
    // Two a minute: of seven in a row, which may begin in one minute and end in the next, some are refused.
    let answers: Vec<_> = (0..7).map(|_| city.query("housing", HOUSEHOLD, &about_the_seller(purpose))).collect();
    assert_eq!(answers[0].status, 200, "{}", answers[0].text);
    let refused = answers.into_iter().find(|answer| answer.status == 429).expect("the rate holds");
    assert_eq!(refused.reasons(), ["rate_exceeded"]);
    let wait: u64 = refused.header("retry-after").and_then(|text| text.parse().ok()).expect("Retry-After");
    assert!((1..=60).contains(&wait), "{wait}");
    refused.problem(429, "rate_exceeded");
}
