//! One request for several departments: one decision, one grant, and each of them by itself under it.

use serde_json::json;

use super::{HOUSEHOLD, about_the_seller};
use crate::harness::{City, Wish};

#[test]
fn departments_that_asked_together_query_each_in_its_own_name_and_within_its_own_quota() {
    let city = City::shared();
    let purpose = "audit";
    let wish = Wish { consumer: "housing", purpose, items: &["name", "address"], ..Wish::default() };
    let mut body = wish.body();
    body["daily_max"] = json!(1);
    let system = city.system("housing");
    for wrong in [json!(["housing"]), json!(["public-security"]), json!(["nobody-here"]), json!([]), json!("tax")] {
        body["members"] = wrong;
        assert_eq!(system.post("grants", &body).status, 422, "{}", body["members"]);
    }
    body["members"] = json!(["tax", "transport"]);
    let asked = system.post("grants", &body).ok();
    let id = asked["id"].as_str().unwrap();
    let query = about_the_seller(purpose);
    city.query("tax", HOUSEHOLD, &query).problem(403, "grant_requested");

    let reviewer = city.person("public-security", "reviewer1");
    let shown = reviewer.get(&format!("grants/{id}?min_index={}", asked["ledger_index"])).ok();
    assert_eq!(shown["request"]["members"], json!(["tax", "transport"]), "the provider sees for whom");
    let approved = reviewer.post(&format!("grants/{id}/approve"), &json!({"items": ["name"]})).ok();

    for consumer in ["housing", "tax", "transport"] {
        let answer = city.query(consumer, HOUSEHOLD, &query);
        assert_eq!(answer.status, 200, "{consumer}: {}", answer.text);
        assert_eq!(answer.ok()["grant_id"], json!(id));
        city.query(consumer, HOUSEHOLD, &query).problem(429, "quota_exceeded");
    }
    assert_eq!(city.query("planning-resources", HOUSEHOLD, &query).status, 403, "who is not named has no part in it");
    let index = &approved["ledger_index"];
    let listed = city.system("tax").get(&format!("grants?consumer=tax&min_index={index}&page_size=200")).ok();
    assert!(listed["items"].to_string().contains(id), "it is among the grants of each");

    // Who shares it cannot end it for the others; who asked for it can.
    let ending = json!({"reason": "matter closed"});
    city.person("tax", "reviewer1").post(&format!("grants/{id}/revoke"), &ending).problem(403, "foreign_department");
    city.person("housing", "reviewer1").post(&format!("grants/{id}/revoke"), &ending).ok();
}
