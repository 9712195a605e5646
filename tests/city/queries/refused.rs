//! Who may not decide: strangers, the wrong role, the asker; and what a denied request looks like.

use serde_json::json;

use super::{HOUSEHOLD, about_the_seller};
use crate::harness::{City, Wish};

#[test]
fn only_a_reviewer_of_the_provider_decides_on_a_request() {
    let city = City::shared();
    let wish = Wish { consumer: "data-bureau", items: &["name"], ..Wish::default() };
    let id = city.ask(&wish);
    let approve = format!("grants/{id}/approve");
    city.person("tax", "reviewer1").post(&approve, &json!({})).problem(403, "foreign_department");
    city.person("data-bureau", "reviewer1").post(&approve, &json!({})).problem(403, "foreign_department");
    city.person("public-security", "clerk1").post(&approve, &json!({})).problem(403, "role_not_allowed");
    city.system("public-security").post(&approve, &json!({})).problem(403, "role_not_allowed");
    let reviewer = city.person("public-security", "reviewer1");
    // More than was asked for cannot be granted.
    let wider = reviewer.post(&approve, &json!({"items": ["name", "address"]}));
    assert!([409, 422].contains(&wider.status), "{wider}");
    wider.check_problem();
    let wider = reviewer.post(&approve, &json!({"daily_max": 1_001}));
    assert!([409, 422].contains(&wider.status), "{wider}");

    reviewer.post(&format!("grants/{id}/deny"), &json!({"reason": "所列依据与事项不符"})).ok();
    reviewer.post(&approve, &json!({})).problem(403, "grant_not_requested");
    let refused = city.query("data-bureau", HOUSEHOLD, &about_the_seller(&["name"], "SA-2026-0010"));
    assert_eq!(refused.reasons(), ["grant_denied"]);
    refused.problem(403, "grant_denied");
}

#[test]
fn what_makes_no_sense_cannot_be_asked_for() {
    let city = City::shared();
    let clerk = city.person("planning-resources", "clerk1");
    let ask = |wish: Wish<'_>| clerk.post("grants", &wish.body());
    let unknown = ask(Wish { items: &["name", "shoe_size"], ..Wish::default() }).problem(422, "unprocessable");
    assert_eq!(unknown["errors"][0]["pointer"], "/items/1");
    let own = Wish::marriage().body();
    city.person("civil-affairs", "clerk1").post("grants", &own).problem(403, "own_entry");
    ask(Wish { entry: "transport/parking-bay-status", items: &["status"], ..Wish::default() })
        .problem(403, "no_grant_needed");
    ask(Wish { entry: "public-security/no-such-entry", ..Wish::default() }).problem(404, "not_found");
    let mut expired = Wish::default().body();
    expired["valid_until"] = json!("2020-01-01T00:00:00Z");
    clerk.post("grants", &expired).problem(422, "unprocessable");
    city.person("planning-resources", "admin1")
        .post("grants", &Wish::default().body())
        .problem(403, "role_not_allowed");
}
