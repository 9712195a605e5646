//! Bodies, parameters and addresses that cannot be accepted.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, City, Examples, Wish};

const JSON: &str = "application/json";
const HOUSEHOLD: &str = "query/public-security/household-registration";

fn wish(change: impl FnOnce(&mut Value)) -> Value {
    let mut body = Wish::default().body();
    change(&mut body);
    body
}

/// Pointers of the faults that an answer names.
fn pointers(answer: Answer) -> Vec<String> {
    let errors = answer.problem(422, "unprocessable")["errors"].as_array().cloned().unwrap_or_default();
    let says = |error: &Value, part: &str| error[part].as_str().is_some_and(|text| !text.is_empty());
    let whole = |error: &Value| says(error, "message") && says(error, "code");
    assert!(!errors.is_empty() && errors.iter().all(whole), "{errors:?}");
    errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn bodies_that_are_not_json_or_too_long_are_refused_before_anything_happens() {
    let system = City::shared().system("civil-affairs");
    let post = |kind: &str, body: &[u8]| system.post_raw("grants", kind, body);
    post(JSON, b"{\"entry\":").problem(400, "malformed_json");
    post(JSON, b"").problem(400, "malformed_json");
    post(JSON, b"{\"entry\":\"\xff\xfe\"}").problem(400, "malformed_json");
    post(JSON, "[".repeat(100_000).as_bytes()).problem(400, "malformed_json");
    post(JSON, b"{} {}").problem(400, "malformed_json");
    post("text/plain", b"{}").problem(415, "unsupported_media_type");
    post("application/x-www-form-urlencoded", b"entry=x").problem(415, "unsupported_media_type");
    let long = wish(|body| body["matter"] = json!("长".repeat(200_000)));
    system.post("grants", &long).problem(413, "too_large");
    let zipped = system.with("content-encoding", "gzip").post_raw("grants", JSON, b"\x1f\x8b\x08".to_vec());
    zipped.problem(415, "unsupported_media_type");
}

#[test]
fn every_value_that_does_not_fit_is_named_by_its_place() {
    let system = City::shared().system("civil-affairs");
    let ask = |body: Value| pointers(system.post("grants", &body));
    assert!(ask(wish(|body| body["shoe_size"] = json!(43))).concat().contains("shoe_size"));
    assert_eq!(ask(wish(|body| body["daily_max"] = json!("many"))), ["/daily_max"]);
    assert_eq!(ask(wish(|body| body["items"] = json!([]))), ["/items"]);
    assert_eq!(ask(wish(|body| body["items"] = json!(["name", 7]))), ["/items/1"]);
    assert_eq!(ask(wish(|body| body["valid_until"] = json!("tomorrow"))), ["/valid_until"]);
    assert_eq!(ask(wish(|body| body["entry"] = json!("Public Security"))), ["/entry"]);
    let two = ask(wish(|body| {
        body["daily_max"] = json!(0);
        body["matter"] = json!("");
    }));
    assert_eq!(two.iter().filter(|pointer| ["/daily_max", "/matter"].contains(&pointer.as_str())).count(), 2);
    assert!(!ask(wish(|body| _ = body.as_object_mut().unwrap().remove("legal_basis"))).is_empty());
    for strange in [json!(null), json!([]), json!("x"), json!(7), json!(true)] {
        let answer = system.post("grants", &strange);
        assert!([400, 422].contains(&answer.status), "{answer}");
        answer.check_problem();
    }
    system.post("grants", &wish(|body| body["items"] = json!(["no_such_item"]))).problem(422, "unprocessable");
}

#[test]
fn parameters_of_a_query_are_checked_with_their_check_digits() {
    let system = City::shared().system("civil-affairs");
    let query = |params: Value| {
        let call = json!({"purpose": "social-assistance", "cause": "核验", "params": params});
        system.post(HOUSEHOLD, &call)
    };
    let good = &Examples::get().seller_id_number;
    let mistyped = format!("{}{}", &good[..17], if good.ends_with('X') { '9' } else { 'X' });
    assert_eq!(pointers(query(json!({"id_number": mistyped}))), ["/params/id_number"]);
    let told = query(json!({"id_number": mistyped})).problem(422, "unprocessable")["errors"][0].clone();
    assert_eq!(told["code"], "wrong_check", "programs branch on it: {told}");
    assert_eq!(pointers(query(json!({"id_number": 110105}))), ["/params/id_number"]);
    assert!(!pointers(query(json!({}))).is_empty());
    assert!(pointers(query(json!({"id_number": good, "plate": "京A12345"}))).concat().contains("plate"));
    let call = json!({"purpose": "social-assistance", "cause": "", "params": {"id_number": good}});
    assert_eq!(pointers(system.post(HOUSEHOLD, &call)), ["/cause"]);
    let call =
        json!({"purpose": "social-assistance", "cause": "核验", "params": {"id_number": good}, "version": "9.9"});
    system.post(HOUSEHOLD, &call).problem(409, "version_conflict");
    let bay = json!({"purpose": "parking-guidance", "cause": "停车", "params": {"bay_id": "' OR 1=1 --"}});
    assert_eq!(pointers(system.post("query/transport/parking-bay-status", &bay)), ["/params/bay_id"]);
}

#[test]
fn what_is_not_there_is_not_found_and_what_is_no_id_is_malformed() {
    let system = City::shared().system("civil-affairs");
    let nobody = "0190a3a0-0000-7000-8000-000000000000";
    system.get(&format!("grants/{nobody}")).problem(404, "not_found");
    system.get(&format!("cases/{nobody}")).problem(404, "not_found");
    system.get(&format!("ledger/transactions/{nobody}")).problem(404, "not_found");
    system.get(&format!("ledger/transactions/{nobody}/receipt")).problem(404, "not_found");
    system.get("catalog/entries/tax/no-such-entry").problem(404, "not_found");
    let call = json!({"purpose": "statistics", "cause": "核验", "params": {}});
    system.post("query/tax/no-such-entry", &call).problem(404, "unknown_entry");
    system.post("query/no-such-department/entry", &call).problem(404, "unknown_entry");
    system.get("no-such-resource").problem(404, "not_found");
    system.get("/no/such/page").check_problem();
    for path in ["grants/7", "cases/x", "ledger/transactions/not-an-id", "catalog/entries/Tax/x"] {
        system.get(path).problem(400, "invalid_parameter");
    }
    let deleted = system.send(Method::DELETE, "grants", |request| request);
    assert!(deleted.header("allow").is_some_and(|methods| methods.contains("POST")), "{deleted}");
    deleted.problem(405, "method_not_allowed");
    system.send(Method::PUT, "catalog/entries", |request| request).problem(405, "method_not_allowed");
}

#[test]
fn filters_pages_and_cursors_are_strict() {
    let system = City::shared().system("civil-affairs");
    system.get("catalog/entries?cursor=nonsense").problem(400, "malformed");
    system.get("catalog/entries?provder=tax").problem(400, "invalid_parameter");
    system.get("catalog/entries?sharing=sometimes").problem(400, "invalid_parameter");
    system.get("catalog/entries?page_size=-1").problem(400, "invalid_parameter");
    for size in ["page_size=0", "page_size=100000"] {
        let answer = system.get(&format!("catalog/entries?{size}"));
        assert!(
            answer.status == 400 || answer.body["items"].as_array().is_some_and(|all| all.len() <= 200),
            "{answer}"
        );
    }
    let page = system.get("ledger/transactions?page_size=1").ok();
    let cursor = page["next_cursor"].as_str().expect("more than one transaction");
    system.get(&format!("catalog/entries?cursor={cursor}")).problem(400, "malformed");
    system.get(&format!("catalog/entries?q={}", "x".repeat(5_000))).check_problem();
    // Text of any kind is only searched for.
    for text in ["%27%3B%20DROP%20TABLE%20entries%3B--", "%25", "_", "%22", "%00", "%F0%9F%8F%A0", "%2A"] {
        let answer = system.get(&format!("catalog/entries?q={text}"));
        assert!([200, 400].contains(&answer.status), "{answer}");
    }
    assert!(!system.get("catalog/entries").ok()["items"].as_array().unwrap().is_empty());
    system.with("accept-language", "zh-CN").get("grants/7").problem(400, "invalid_parameter");
    let chinese = system.with("accept-language", "zh-CN").get("catalog/entries/tax/no-such-entry");
    assert_eq!(chinese.problem(404, "not_found")["title"], "未找到");
}
