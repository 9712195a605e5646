//! A grant's life: suspended and resumed, renewed, refused and appealed against, approved by two.

use serde_json::{Value, json};

use super::{HOUSEHOLD, about_the_seller};
use crate::harness::{Caller, City, Wish, eventually};
use mulu::clock::DAY_MS;

/// Says something on a grant at one's own node, which has to know of what was done before.
#[track_caller]
fn say(who: &Caller, id: &str, act: &str, after: &Value, body: &Value) -> Value {
    who.get(&format!("grants/{id}?min_index={}", after["ledger_index"])).ok();
    who.post(&format!("grants/{id}/{act}"), body).ok()
}

fn because(reason: &str) -> Value {
    json!({"reason": reason})
}

#[test]
fn a_grant_is_suspended_at_once_resumed_and_renewed_in_one_step() {
    let city = City::shared();
    let purpose = "statistics";
    let wish = Wish { consumer: "housing", purpose, items: &["name"], ..Wish::default() };
    let id = city.grant(&wish, &json!({"items": [{"name": "name", "masking": "name"}], "daily_max": 50}));
    let query = || city.query("housing", HOUSEHOLD, &about_the_seller(purpose));
    let (provider, bureau) = (city.person("public-security", "reviewer1"), city.person("data-bureau", "reviewer1"));
    let consumer = city.system("housing");
    let first = query().ok();

    provider.post(&format!("grants/{id}/suspend"), &because("  ")).problem(422, "unprocessable");
    consumer.post(&format!("grants/{id}/suspend"), &because("x")).problem(403, "foreign_department");
    let suspended = provider.post(&format!("grants/{id}/suspend"), &because("核查疑似泄露")).ok();
    assert_eq!(suspended["state"], "suspended");
    let refused = query();
    assert_eq!(refused.reasons(), ["grant_suspended"]);
    refused.problem(403, "grant_suspended");
    let resumed = provider.post(&format!("grants/{id}/resume"), &because("未发现泄露")).ok();
    assert_eq!(query().ok()["rows"], first["rows"]);
    // What the authority suspends, the authority lets go on.
    let paused = say(&bureau, &id, "suspend", &resumed, &because("审计发现问题"));
    provider.get(&format!("grants/{id}?min_index={}", paused["ledger_index"])).ok();
    provider.post(&format!("grants/{id}/resume"), &because("x")).problem(403, "not_allowed");
    let resumed = bureau.post(&format!("grants/{id}/resume"), &because("已整改")).ok();

    let until = crate::harness::now().plus(90 * DAY_MS).to_string();
    let renewal = say(&consumer, &id, "renew", &resumed, &json!({"valid_until": until}));
    let new = renewal["id"].as_str().unwrap();
    assert_eq!(query().ok()["grant_id"], id, "the old one serves until the new one is approved");
    let approved = say(&provider, new, "approve", &renewal, &json!({}));
    let shown = consumer.get(&format!("grants/{new}?min_index={}", approved["ledger_index"])).ok();
    assert_eq!(
        (&shown["approval"]["daily_max"], &shown["approval"]["items"][0]["masking"]),
        (&json!(50), &json!("name"))
    );
    assert_eq!((&shown["request"]["replaces"], &shown["approval"]["valid_until"]), (&json!(id), &json!(until)));
    let old = consumer.get(&format!("grants/{id}")).ok();
    assert_eq!((&old["state"], &old["replaced_by"]), (&json!("replaced"), &json!(new)));
    let steps: Vec<&str> = old["steps"].as_array().unwrap().iter().map(|step| step["kind"].as_str().unwrap()).collect();
    let pause = ["grant.suspend", "grant.resume"];
    assert_eq!(steps, [&["grant.request", "grant.approve"][..], &pause, &pause, &["grant.approve"]].concat());
    assert_eq!(old["steps"][2]["reason"], "核查疑似泄露");
    assert_eq!(query().ok()["grant_id"], new);
}

#[test]
fn a_refusal_goes_to_the_data_bureau_and_back_and_decisions_have_their_days() {
    let city = City::shared();
    let wish =
        Wish { consumer: "planning-resources", purpose: "hotline-handling", items: &["name"], ..Wish::default() };
    let id = city.ask(&wish);
    let (provider, bureau) = (city.person("public-security", "reviewer1"), city.person("data-bureau", "reviewer1"));
    let consumer = city.person("planning-resources", "clerk1");

    // Ten working days, and five more once: never fewer calendar days.
    let deadline = |shown: &Value| mulu::clock::Millis::parse(shown["decide_by"].as_str().unwrap()).unwrap();
    let plain = deadline(&provider.get(&format!("grants/{id}")).ok());
    assert!(plain.since(crate::harness::now()) > 11 * DAY_MS, "{plain}");
    let extended = provider.post(&format!("grants/{id}/extend"), &because("案情复杂")).ok();
    provider.post(&format!("grants/{id}/extend"), &because("再延")).problem(409, "conflict");
    let more = deadline(&provider.get(&format!("grants/{id}?min_index={}", extended["ledger_index"])).ok());
    assert!(more.since(plain) >= 5 * DAY_MS, "{plain} {more}");
    let overdue = provider.get("grants?overdue=true&provider=public-security").ok();
    assert!(overdue["items"].as_array().unwrap().iter().all(|grant| grant["id"] != json!(id)), "{overdue}");

    provider.post(&format!("grants/{id}/deny"), &because(" ")).problem(422, "unprocessable");
    let denied = provider.post(&format!("grants/{id}/deny"), &because("依据不足")).ok();
    let appealed = say(&consumer, &id, "appeal", &denied, &because("依据为条例第七条"));
    assert_eq!(appealed["state"], "appealed");
    provider.post(&format!("grants/{id}/ruling"), &json!({"upheld": false, "reason": "x"})).problem(403, "bureau_only");
    let ruled = say(&bureau, &id, "ruling", &appealed, &json!({"upheld": true, "reason": "第七条适用"}));
    assert_eq!(ruled["state"], "requested");
    let waiting = provider.get(&format!("grants/{id}?min_index={}", ruled["ledger_index"])).ok();
    assert!(deadline(&waiting) > crate::harness::now() && waiting["ending"].is_null(), "{waiting}");
    let approved = provider.post(&format!("grants/{id}/approve"), &json!({})).ok();
    assert_eq!(approved["state"], "active");
    eventually("the consumer is served", || {
        city.query("planning-resources", HOUSEHOLD, &about_the_seller("hotline-handling")).status == 200
    });
}

/// A new entry like one that is there, its items of grade 4.
fn graded(shown: &Value) -> Value {
    let mut entry =
        json!({"name": "civil-affairs/adoption-registration", "version": "1.0", "code": "101002001/000944"});
    for member in [
        "title",
        "level",
        "summary",
        "provider_code",
        "duty",
        "classification",
        "format",
        "sharing",
        "sharing_condition",
        "open",
        "update_cycle",
        "issue_date",
        "related_codes",
        "subject",
        "items",
        "request_schema",
        "response_schema",
    ] {
        entry[member] = shown[member].clone();
    }
    entry["items"].as_array_mut().unwrap().iter_mut().for_each(|item| item["grade"] = json!(4));
    entry
}

#[test]
fn data_of_grade_4_needs_two_approvers() {
    let city = City::shared();
    let name = "civil-affairs/adoption-registration";
    let (clerk, first) = (city.person("civil-affairs", "clerk1"), city.person("civil-affairs", "reviewer1"));
    let second = city.person("civil-affairs", "reviewer2");
    let shown = clerk.get("catalog/entries/civil-affairs/marriage-registration").ok();
    clerk.post("catalog/entries", &graded(&shown)).ok();
    clerk.post(&format!("catalog/entries/{name}/submit"), &json!({})).ok();
    let published = first.post(&format!("catalog/entries/{name}/approve"), &json!({})).ok();
    city.system("tax").get(&format!("catalog/entries/{name}?min_index={}", published["ledger_index"])).ok();

    let id = city.ask(&Wish { consumer: "tax", entry: name, items: &["marital_status"], ..Wish::default() });
    let path = format!("grants/{id}/approve");
    let step = first.post(&path, &json!({"daily_max": 100})).ok();
    assert_eq!(step["state"], "requested", "{step}");
    let waiting = city.system("tax").get(&format!("grants/{id}?min_index={}", step["ledger_index"])).ok();
    assert_eq!((&waiting["first_approval"]["daily_max"], &waiting["approval"]), (&json!(100), &json!(null)));
    first.post(&path, &json!({})).problem(403, "own_request");
    second.post(&path, &json!({"daily_max": 101})).problem(422, "unprocessable");
    let step = second.post(&path, &json!({"daily_max": 90})).ok();
    assert_eq!(step["state"], "active");
    let shown = city.system("tax").get(&format!("grants/{id}?min_index={}", step["ledger_index"])).ok();
    assert_eq!((&shown["approval"]["daily_max"], &shown["approval"]["by"]["user"]), (&json!(90), &json!("reviewer2")));
}
