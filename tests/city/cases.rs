//! `/api/v1/cases` and `/certificates`: a home changes hands, over five departments, in one visit.

use serde_json::{Value, json};

use mulu::domain::identifiers::certificate_identifier;

use crate::harness::{City, Examples, eventually};

fn open(city: &City) -> Value {
    let examples = Examples::get();
    let params = json!({
        "seller_id_number": examples.seller_id_number,
        "buyer_id_number": examples.buyer_id_number,
        "unit_number": examples.unit_number,
    });
    let body = json!({"workflow": "real-estate-transfer", "params": params});
    city.person("planning-resources", "clerk1").post("cases", &body).ok()
}

/// A reviewer's word on a step, once the reviewer's node knows the case.
fn say(city: &City, department: &str, case: &Value, step: &str, word: &Value) -> Value {
    let id = case["id"].as_str().unwrap();
    let reviewer = city.person(department, "reviewer1");
    reviewer.get(&format!("cases/{id}?min_index={}", case["ledger_index"])).ok();
    reviewer.post(&format!("cases/{id}/steps/{step}/sign-off"), word).ok()
}

#[test]
fn a_real_estate_transfer_ends_in_a_licence_that_anybody_can_verify() {
    let city = City::shared();
    let agreed = json!({"agreed": true, "note": "已核对"});
    let case = open(city);
    let id = case["id"].as_str().unwrap();
    let reviewer = city.person("planning-resources", "reviewer1");
    let issue = format!("cases/{id}/certificate");
    reviewer.post(&issue, &json!({})).problem(409, "conflict");

    let shown = city.person("planning-resources", "clerk1").get(&format!("cases/{id}")).ok();
    assert_eq!((&shown["state"], shown["materials"].as_array().map(Vec::len)), (&json!("in_progress"), Some(7)));
    let papers = shown["papers"].to_string();
    assert!(papers.contains("周明远") && papers.contains("沈若溪") && papers.contains("W2026-900000"), "{papers}");

    // A department that signs off sees the papers too; another one sees only how the case stands.
    say(city, "housing", &case, "contract-review", &agreed);
    let housing = city.person("housing", "reviewer1").get(&format!("cases/{id}")).ok();
    assert!(housing["papers"].to_string().contains("W2026-900000"), "{housing}");
    let foreign =
        city.person("transport", "clerk1").get(&format!("cases/{id}?min_index={}", case["ledger_index"])).ok();
    assert_eq!(foreign["papers"], json!([]));
    city.person("transport", "reviewer1")
        .post(&format!("cases/{id}/steps/tax-review/sign-off"), &agreed)
        .problem(403, "foreign_department");
    city.person("tax", "clerk1")
        .post(&format!("cases/{id}/steps/tax-review/sign-off"), &agreed)
        .problem(403, "role_not_allowed");

    let last = say(city, "tax", &case, "tax-review", &agreed);
    reviewer.get(&format!("cases/{id}?min_index={}", last["ledger_index"])).ok();
    city.person("planning-resources", "clerk2").post(&issue, &json!({})).problem(403, "role_not_allowed");
    let issued = reviewer.post(&issue, &json!({})).ok();
    let identifier = issued["identifier"].as_str().unwrap();
    assert_eq!(certificate_identifier::validate(identifier), Ok(()), "{identifier}");
    assert!(identifier.starts_with("1.2.156.3005.2.11110000Y90000043B001."), "{identifier}");
    reviewer.post(&issue, &json!({})).problem(409, "conflict");
    verify(city, identifier, issued["ledger_index"].as_u64().unwrap());
}

fn verify(city: &City, identifier: &str, index: u64) {
    // Anybody, at any node, without signing in; and nothing personal.
    let look = || city.anonymous("transport").with("accept", "application/json").get(&format!("verify/{identifier}"));
    city.system("transport").get(&format!("certificates/{identifier}?min_index={index}")).ok();
    let found = look().ok();
    assert_eq!((&found["valid"], &found["status"]), (&json!(true), &json!("valid")));
    assert_eq!((&found["issuer"], &found["identifier"]), (&json!("planning-resources"), &json!(identifier)));
    let examples = Examples::get();
    for personal in [&examples.buyer_id_number, &examples.unit_number, &"沈若溪".to_owned()] {
        assert!(!found.to_string().contains(personal.as_str()), "{found}");
    }

    let status = format!("certificates/{identifier}/status");
    let suspend = json!({"status": "suspended", "reason": "收到异议登记申请"});
    city.person("planning-resources", "clerk1").post(&status, &suspend).problem(403, "role_not_allowed");
    city.person("housing", "reviewer1").post(&status, &suspend).problem(403, "foreign_department");
    let reviewer = city.person("planning-resources", "reviewer1");
    reviewer.post(&status, &suspend).ok();
    eventually("the public sees that the licence is suspended", || {
        let found = look().ok();
        (&found["valid"], &found["status"]) == (&json!(false), &json!("suspended"))
    });
    reviewer.post(&status, &json!({"status": "valid", "reason": "异议不成立"})).ok();
    eventually("the public sees that it is valid again", || look().ok()["valid"] == true);
    reviewer.post(&status, &json!({"status": "cancelled", "reason": "再次转移登记"})).ok();
    eventually("the public sees that it has ended", || look().ok()["valid"] == false);
    reviewer.post(&status, &json!({"status": "valid", "reason": "恢复"})).problem(409, "conflict");

    // One character off is no licence at all, and says why.
    let (head, check) = identifier.split_at(identifier.len() - 1);
    let forged = format!("{head}{}", if check == "A" { "B" } else { "A" });
    let refused = city.anonymous("transport").with("accept", "application/json").get(&format!("verify/{forged}"));
    assert!([400, 404, 422].contains(&refused.status), "{refused}");
    refused.check_problem();
}

#[test]
fn a_case_ends_where_a_department_does_not_agree_and_cannot_begin_without_its_papers() {
    let city = City::shared();
    let case = open(city);
    let id = case["id"].as_str().unwrap();
    let refused = json!({"agreed": false, "note": "合同备案已撤销"});
    let word = say(city, "housing", &case, "contract-review", &refused);
    let reviewer = city.person("planning-resources", "reviewer1");
    let shown = reviewer.get(&format!("cases/{id}?min_index={}", word["ledger_index"])).ok();
    assert_eq!(shown["state"], "rejected");
    reviewer.post(&format!("cases/{id}/certificate"), &json!({})).problem(409, "conflict");

    let clerk = city.person("planning-resources", "clerk1");
    let open = |seller: &str, extra: Option<&str>| {
        let examples = Examples::get();
        let mut params = json!({
            "seller_id_number": seller, "buyer_id_number": examples.buyer_id_number, "unit_number": examples.unit_number,
        });
        if let Some(extra) = extra {
            params[extra] = json!("1");
        }
        clerk.post("cases", &json!({"workflow": "real-estate-transfer", "params": params}))
    };
    // Valid, but nobody's number.
    open("34052419800101001X", None).problem(409, "case_material_missing");
    let faults = open("340524198001010010", Some("shoe_size")).problem(422, "unprocessable")["errors"].to_string();
    assert!(faults.contains("/params/seller_id_number") && faults.contains("/params/shoe_size"), "{faults}");
    clerk.post("cases", &json!({"workflow": "no-such", "params": {}})).problem(404, "not_found");
    city.system("planning-resources")
        .post("cases", &json!({"workflow": "real-estate-transfer", "params": {}}))
        .check_problem();
}
