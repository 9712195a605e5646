//! One form for a common matter: several providers are asked at once, and each decides on its own part.

use serde_json::{Value, json};

use crate::harness::City;

#[test]
fn one_form_asks_for_all_that_a_matter_takes() {
    let city = City::shared();
    let system = city.system("public-security");
    let templates = system.get("grant-templates").ok();
    let codes: Vec<&str> =
        templates["items"].as_array().unwrap().iter().filter_map(|one| one["code"].as_str()).collect();
    assert!(codes.contains(&"social-assistance"), "{templates}");
    let path = "grant-templates/social-assistance/request";
    system.post("grant-templates/no-such/request", &json!({})).problem(404, "not_found");
    city.person("public-security", "admin1").post(path, &json!({})).problem(403, "role_not_allowed");

    let asked = system.post(path, &json!({"matter": "危房改造对象认定", "assessment": "PIA-2026-31"})).ok();
    let of = |entry: &str| -> &Value {
        let requests = asked["requests"].as_array().unwrap();
        requests.iter().find(|one| one["entry"] == entry).unwrap_or_else(|| panic!("{entry} in {asked}"))
    };
    // The city of the stories has no health department.
    assert_eq!(of("health/medical-record-summary")["code"], "entry_unavailable");
    assert!(of("public-security/household-registration")["id"].is_null(), "one's own data needs no grant: {asked}");
    let id = of("civil-affairs/marriage-registration")["id"].as_str().unwrap();
    let shown = city.system("civil-affairs").get(&format!("grants/{id}?min_index={}", asked["ledger_index"])).ok();
    let request = &shown["request"];
    assert_eq!((&shown["state"], &request["matter"]), (&json!("requested"), &json!("危房改造对象认定")));
    assert_eq!((&request["legal_clause"], &request["assessment"]), (&json!("第五十八条"), &json!("PIA-2026-31")));
    assert_eq!(request["items"].as_array().map(Vec::len), Some(4));
}
