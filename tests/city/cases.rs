//! `/api/v1/cases` and `/certificates`: a home changes hands, over five departments, in one visit.

use std::collections::BTreeMap;
use std::thread;

use serde_json::{Value, json};

use mulu::domain::identifiers::certificate_identifier;

use crate::harness::{City, Examples, SOON, Wish, eventually, signal, until};

fn transfer(seller: &str, buyer: &str) -> Value {
    let params =
        json!({"seller_id_number": seller, "buyer_id_number": buyer, "unit_number": Examples::get().unit_number});
    json!({"workflow": "real-estate-transfer", "params": params})
}

fn sale() -> Value {
    let examples = Examples::get();
    transfer(&examples.seller_id_number, &examples.buyer_id_number)
}

fn open(city: &City) -> Value {
    city.person("planning-resources", "clerk1").post("cases", &sale()).ok()
}

/// A case as a department's person sees it, with all that was written so far.
fn shown(city: &City, department: &str, user: &str, case: &Value, after: &Value) -> Value {
    let (id, index) = (case["id"].as_str().unwrap(), &after["ledger_index"]);
    city.person(department, user).get(&format!("cases/{id}?min_index={index}")).ok()
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
fn a_case_ends_where_a_department_does_not_agree_and_cannot_begin_with_a_faulty_form() {
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
    let mut faulty = transfer("340524198001010010", "110108199203219006");
    faulty["params"]["shoe_size"] = json!("1");
    let faults = clerk.post("cases", &faulty).problem(422, "unprocessable")["errors"].to_string();
    assert!(faults.contains("/params/seller_id_number") && faults.contains("/params/shoe_size"), "{faults}");
    clerk.post("cases", &json!({"workflow": "no-such", "params": {}})).problem(404, "not_found");
    city.system("planning-resources")
        .post("cases", &json!({"workflow": "real-estate-transfer", "params": {}}))
        .check_problem();
}

#[test]
fn a_case_waits_for_data_that_are_missing_or_disagree_and_can_be_withdrawn() {
    let city = City::shared();
    let clerk = city.person("planning-resources", "clerk1");
    let examples = Examples::get();
    // Valid, but nobody's number.
    let case = clerk.post("cases", &transfer("34052419800101001X", &examples.buyer_id_number)).ok();
    let id = case["id"].as_str().unwrap();
    assert_eq!((&case["state"], &case["problems"][0]["code"]), (&json!("waiting"), &json!("rows_missing")), "{case}");
    let retry = format!("cases/{id}/retry");
    city.person("housing", "clerk1").get(&format!("cases/{id}?min_index={}", case["ledger_index"])).ok();
    city.person("housing", "clerk1").post(&retry, &json!({})).problem(403, "foreign_department");
    assert_eq!(clerk.post(&retry, &json!({})).ok()["state"], "waiting");
    clerk.post(&format!("cases/{id}/complete"), &json!({})).problem(409, "conflict");
    clerk.post(&format!("cases/{id}/resubmit"), &json!({"note": "x"})).problem(409, "conflict");
    let withdrawn = clerk.post(&format!("cases/{id}/withdraw"), &json!({"reason": "号码有误"})).ok();
    let after = shown(city, "planning-resources", "clerk1", &case, &withdrawn);
    assert_eq!(
        (&after["state"], &after["events"][after["events"].as_array().unwrap().len() - 1]["text"]),
        (&json!("withdrawn"), &json!("号码有误"))
    );
    clerk.post(&retry, &json!({})).problem(409, "conflict");

    // The buyer as the seller: the contract says otherwise, and the tax was paid for another contract.
    let case = clerk.post("cases", &transfer(&examples.buyer_id_number, &examples.seller_id_number)).ok();
    assert_eq!((&case["state"], &case["problems"]), (&json!("waiting"), &json!([])), "{case}");
    let detail = shown(city, "planning-resources", "clerk1", &case, &case);
    let held: BTreeMap<&str, Option<bool>> = detail["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| (rule["rule"].as_str().unwrap(), rule["held"].as_bool()))
        .collect();
    assert_eq!((held["contract-seller"], held["seller-holds-title"]), (Some(false), Some(false)), "{held:?}");
    assert_eq!((held["contract-unit"], held["buyer-of-age"]), (Some(true), Some(true)), "{held:?}");
    let reviewer = city.person("housing", "reviewer1");
    let step = format!("cases/{}/steps/contract-review/sign-off", case["id"].as_str().unwrap());
    reviewer.get(&format!("cases/{}?min_index={}", case["id"].as_str().unwrap(), case["ledger_index"])).ok();
    reviewer.post(&step, &json!({"agreed": true})).problem(409, "conflict");
    let again = clerk.post(&format!("cases/{}/retry", case["id"].as_str().unwrap()), &json!({})).ok();
    assert_eq!(again["state"], "waiting", "the data are still the same");
}

#[test]
fn a_case_is_returned_brought_again_given_away_and_agreed() {
    let city = City::shared();
    let clerk = city.person("planning-resources", "clerk1");
    let case = open(city);
    let id = case["id"].as_str().unwrap();
    assert_eq!((&case["state"], &case["problems"]), (&json!("in_progress"), &json!([])), "{case}");
    let housing = city.person("housing", "reviewer1");
    shown(city, "housing", "reviewer1", &case, &case);
    let step = |name: &str, act: &str| format!("cases/{id}/steps/{name}/{act}");
    let reason = json!({"reason": "合同缺一页"});
    city.person("housing", "clerk1").post(&step("contract-review", "return"), &reason).problem(403, "role_not_allowed");
    let returned = housing.post(&step("contract-review", "return"), &reason).ok();
    let seen = shown(city, "planning-resources", "clerk1", &case, &returned);
    assert_eq!((&seen["state"], &seen["steps"][0]["returned"]), (&json!("returned"), &json!("合同缺一页")));
    // The other department goes on meanwhile, and its word stays.
    let agreed = json!({"agreed": true});
    shown(city, "tax", "reviewer1", &case, &returned);
    city.person("tax", "reviewer1").post(&step("tax-review", "sign-off"), &agreed).ok();
    let brought = clerk.post(&format!("cases/{id}/resubmit"), &json!({"note": "已补齐"})).ok();
    shown(city, "housing", "reviewer1", &case, &brought);
    housing.post(&step("contract-review", "assign"), &json!({"user": "reviewer2", "reason": "分工"})).ok();
    housing.post(&step("contract-review", "sign-off"), &agreed).problem(403, "not_allowed");
    let away = json!({"department": "transport", "reason": "职责调整"});
    let given = housing.post(&step("contract-review", "assign"), &away).ok();
    let transport = city.person("transport", "reviewer1");
    let theirs = shown(city, "transport", "reviewer1", &case, &given);
    assert!(theirs["papers"].to_string().contains("W2026-900000"), "who has the step sees the papers: {theirs}");
    let listed = transport.get(&format!("cases?waiting_for=transport&min_index={}", given["ledger_index"])).ok();
    assert!(listed["items"].to_string().contains(id), "{listed}");
    let last = transport.post(&step("contract-review", "sign-off"), &agreed).ok();
    let seen = shown(city, "planning-resources", "clerk1", &case, &last);
    assert_eq!((&seen["state"], &seen["form"]["unit_number"]), (&json!("agreed"), &json!(Examples::get().unit_number)));
    let kinds: Vec<&str> =
        seen["events"].as_array().unwrap().iter().filter_map(|event| event["kind"].as_str()).collect();
    let count = |kind: &str| kinds.iter().filter(|known| **known == kind).count();
    assert_eq!((count("case.pull"), count("case.check"), count("case.assign"), count("case.sign_off")), (7, 1, 2, 2));
    assert!(seen["timing"]["due"].is_string() && seen["timing"]["overdue"] == false, "{}", seen["timing"]);
    let late = clerk.get("cases?overdue=true&involved=planning-resources").ok();
    assert!(!late["items"].to_string().contains(id), "{late}");
}

#[test]
fn a_wrong_form_is_corrected_and_only_what_it_touches_is_done_again() {
    let city = City::shared();
    let clerk = city.person("planning-resources", "clerk1");
    let examples = Examples::get();
    let params = |seller: &str| transfer(seller, &examples.buyer_id_number)["params"].clone();
    // A slip of the pen in the seller's number: valid, but nobody's.
    let case = clerk.post("cases", &transfer("34052419800101001X", &examples.buyer_id_number)).ok();
    let id = case["id"].as_str().unwrap();
    assert_eq!(case["state"], "waiting");
    let resubmit = format!("cases/{id}/resubmit");
    let faulty = json!({"note": "更正", "params": params("340524198001010010")});
    let faults = clerk.post(&resubmit, &faulty).problem(422, "unprocessable")["errors"].to_string();
    assert!(faults.contains("/params/seller_id_number"), "{faults}");
    city.person("housing", "clerk1").get(&format!("cases/{id}?min_index={}", case["ledger_index"])).ok();
    let right = json!({"note": "更正卖方号码", "params": params(&examples.seller_id_number)});
    city.person("housing", "clerk1").post(&resubmit, &right).problem(403, "foreign_department");
    let before = shown(city, "planning-resources", "clerk1", &case, &case);
    let done = clerk.post(&resubmit, &right).ok();
    assert_eq!((&done["state"], &done["problems"]), (&json!("in_progress"), &json!([])), "{done}");
    let seen = shown(city, "planning-resources", "clerk1", &case, &done);
    assert_eq!((&seen["form"], &seen["former"]), (&right["params"], &before["form"]));
    let access = |case: &Value, pull: &str| {
        let pulls = case["pulls"].as_array().unwrap();
        pulls.iter().find(|one| one["pull"] == pull).unwrap()["material"]["access_id"].clone()
    };
    assert!(access(&before, "deed-tax").is_string());
    assert_eq!(access(&seen, "deed-tax"), access(&before, "deed-tax"), "it asks for the buyer: not asked again");
    assert_ne!(access(&seen, "seller-marriage"), access(&before, "seller-marriage"), "it asks for the seller");
    let papers = seen["papers"].to_string();
    assert!(papers.contains("W2026-900000") && papers.contains("周明远"), "{papers}");

    // A word that was given for another form is asked for again, and its signer sees what changed.
    let agreed = json!({"agreed": true});
    say(city, "tax", &case, "tax-review", &agreed);
    let housing = city.person("housing", "reviewer1");
    shown(city, "housing", "reviewer1", &case, &done);
    let returned =
        housing.post(&format!("cases/{id}/steps/contract-review/return"), &json!({"reason": "买方有误"})).ok();
    shown(city, "planning-resources", "clerk1", &case, &returned);
    let other = json!({"note": "买卖方填反", "params": transfer(&examples.buyer_id_number, &examples.seller_id_number)["params"]});
    let done = clerk.post(&resubmit, &other).ok();
    assert_eq!(done["state"], "waiting", "the rules do not hold of it: {done}");
    let again = clerk.post(&resubmit, &right).ok();
    assert_eq!(again["state"], "in_progress", "{again}");
    let seen = shown(city, "tax", "reviewer1", &case, &again);
    assert_eq!((&seen["steps"][1]["word"], &seen["former"]), (&Value::Null, &other["params"]), "{seen}");
    say(city, "tax", &case, "tax-review", &agreed);
    let last = say(city, "housing", &case, "contract-review", &agreed);
    assert_eq!(shown(city, "planning-resources", "clerk1", &case, &last)["state"], "agreed");
    clerk.post(&resubmit, &right).problem(409, "conflict");
}

/// Sends the form of the public page as a browser does; answers the page.
fn progress(city: &City, number: &str, code: &str) -> String {
    let visitor = city.anonymous("planning-resources").with("accept", "text/html");
    let page = visitor.get(&format!("/progress?number={number}&lang=en"));
    let cookies = page.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok()?.split(';').next());
    let visitor = visitor.with("cookie", &format!("{}; lang=en", cookies.collect::<Vec<_>>().join("; ")));
    let page = visitor.get("/progress").text;
    let csrf = page.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let body = format!("csrf={csrf}&number={number}&code={code}");
    visitor.post_raw("/progress", "application/x-www-form-urlencoded", body.into_bytes()).text
}

#[test]
fn an_applicant_sees_by_the_slip_how_it_stands_and_nothing_personal() {
    let city = City::shared();
    let case = open(city);
    let id = case["id"].as_str().unwrap();
    let clerk = city.person("planning-resources", "clerk1");
    let slip = clerk.get(&format!("cases/{id}/slip")).ok();
    assert_eq!(clerk.get(&format!("cases/{id}/slip")).ok(), slip, "the same slip again");
    city.person("housing", "clerk1").get(&format!("cases/{id}?min_index={}", case["ledger_index"])).ok();
    city.person("housing", "clerk1").get(&format!("cases/{id}/slip")).problem(403, "foreign_department");
    let (number, code) = (slip["number"].as_str().unwrap(), slip["code"].as_str().unwrap());
    assert!(slip["url"].as_str().unwrap().ends_with(&format!("/progress?number={number}")), "no code in it: {slip}");
    let seen = shown(city, "planning-resources", "clerk1", &case, &case);
    assert_eq!(seen["number"], slip["number"]);

    let page = progress(city, number, code);
    for text in ["In progress", "Accepted", "Data fetched and compared", "Check the filed contract", "is at work"] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let examples = Examples::get();
    for personal in [&examples.buyer_id_number, &examples.unit_number, "沈若溪", "周明远", "reviewer1", "clerk1"]
    {
        assert!(!page.contains(personal), "{personal}: {page}");
    }
    assert!(progress(city, number, &code.to_uppercase().replace('-', "")).contains("In progress"));
    // A wrong code and a number that nobody has look alike.
    let strange = |page: String| {
        page.split("<form method=\"post\"").nth(1).unwrap().replace(number, "").replace("20261121-9999", "")
    };
    let secret = |page: String| page.split("name=\"csrf\"").nth(1).unwrap().split_once('>').unwrap().1.to_owned();
    let wrong = secret(strange(progress(city, number, "aaaa-aaaa-aaaa")));
    assert_eq!(wrong, secret(strange(progress(city, "20261121-9999", code))));
    assert!(wrong.contains("does not belong to this number"), "{wrong}");

    say(city, "tax", &case, "tax-review", &json!({"agreed": true}));
    let returned = json!({"reason": "合同缺一页"});
    let back =
        city.person("housing", "reviewer1").post(&format!("cases/{id}/steps/contract-review/return"), &returned).ok();
    shown(city, "planning-resources", "clerk1", &case, &back);
    let page = progress(city, number, code);
    assert!(page.contains("asks for a correction") && page.contains("合同缺一页"), "{page}");
}

/// How often each entry was asked in a case, by the records of their providers.
fn asked(city: &City, id: &str) -> BTreeMap<String, usize> {
    let listed = city.person("audit", "auditor1").get(&format!("audit/accesses?case_id={id}&page_size=200")).ok();
    let mut counts = BTreeMap::new();
    // Reading its papers is recorded too, and asks no provider.
    let pulls = |access: &&Value| !access["entry"].as_str().unwrap().ends_with("/case-materials");
    for access in listed["items"].as_array().unwrap().iter().filter(pulls) {
        *counts.entry(access["entry"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    counts
}

const ONCE: [(&str, usize); 4] = [
    ("civil-affairs/marriage-registration", 2),
    ("housing/sale-contract", 1),
    ("planning-resources/real-estate-title", 1),
    ("public-security/household-registration", 2),
];

#[test]
fn a_case_goes_on_when_its_provider_its_owner_or_its_grant_is_back_and_asks_nothing_twice() {
    let city = City::at_rest_with("public-security,civil-affairs,planning-resources,housing,tax", 5);
    city.start_all();
    a_provider_is_down(&city);
    the_owner_dies_between_pulls(&city);
    a_grant_is_missing(&city);
}

fn a_provider_is_down(city: &City) {
    city.kill("tax");
    let case = open(city);
    let id = case["id"].as_str().unwrap();
    assert_eq!((&case["state"], &case["problems"][0]["pull"]), (&json!("waiting"), &json!("deed-tax")), "{case}");
    assert_eq!(case["problems"][0]["code"], "provider_unreachable");
    let seen = shown(city, "planning-resources", "clerk1", &case, &case);
    assert_eq!(seen["papers"].as_array().map(Vec::len), Some(6), "what came is kept: {seen}");
    city.start("tax");
    city.wait_ready("tax");
    let clerk = city.person("planning-resources", "clerk1");
    let retried = until("the provider answers again", SOON, || {
        let answer = clerk.post(&format!("cases/{id}/retry"), &json!({}));
        Some(answer.ok()).filter(|answer| answer["state"] == "in_progress")
    });
    assert_eq!(retried["problems"], json!([]));
    clerk.post(&format!("cases/{id}/retry"), &json!({})).problem(409, "conflict");
    eventually("every provider has recorded its accesses", || asked(city, id).values().sum::<usize>() >= 7);
    let mut counts = asked(city, id);
    assert_eq!(counts.remove("tax/deed-tax-payment"), Some(1));
    assert_eq!(counts, ONCE.map(|(entry, count)| (entry.to_owned(), count)).into());
}

fn the_owner_dies_between_pulls(city: &City) {
    // Tax is there and says nothing: the owner has all other papers, and waits for this one.
    signal(city.pid("tax"), "STOP");
    let clerk = city.person("planning-resources", "clerk1");
    let opening = thread::spawn(move || clerk.try_post("cases", &sale()));
    let housing = city.person("housing", "reviewer1");
    let id = until("six papers are noted", SOON, || {
        let newest = housing.get("cases?owner=planning-resources&page_size=1").ok()["items"][0].clone();
        let six = newest["state"] == "waiting" && newest["materials"].as_array().map(Vec::len) == Some(6);
        six.then(|| newest["id"].as_str().unwrap().to_owned())
    });
    city.kill("planning-resources");
    signal(city.pid("tax"), "CONT");
    assert!(opening.join().unwrap().is_none_or(|answer| answer.status >= 500), "its node is dead");
    city.wait_ready("tax");
    city.start("planning-resources");
    city.wait_ready("planning-resources");
    until("the case goes on by itself", SOON, || {
        let case = housing.get(&format!("cases/{id}")).ok();
        (case["state"] == "in_progress").then_some(())
    });
    eventually("every provider has recorded its accesses", || asked(city, &id).values().sum::<usize>() >= 7);
    let mut counts = asked(city, &id);
    // An answer that was on its way to a dead node is lost, and only that is asked for again.
    assert!(matches!(counts.remove("tax/deed-tax-payment"), Some(1 | 2)), "{counts:?}");
    assert_eq!(counts, ONCE.map(|(entry, count)| (entry.to_owned(), count)).into());
}

fn a_grant_is_missing(city: &City) {
    let (clerk, reviewer) = (city.person("planning-resources", "clerk1"), city.person("tax", "reviewer1"));
    let granted = clerk.get("grants?consumer=planning-resources&entry=tax/deed-tax-payment&state=active").ok();
    let grant = granted["items"][0]["id"].as_str().unwrap();
    let revoked = reviewer.post(&format!("grants/{grant}/revoke"), &json!({"reason": "核查"})).ok();
    clerk.get(&format!("grants/{grant}?min_index={}", revoked["ledger_index"])).ok();
    let case = open(city);
    let id = case["id"].as_str().unwrap();
    assert_eq!((&case["state"], &case["problems"][0]["code"]), (&json!("waiting"), &json!("grant_revoked")), "{case}");
    let text = &case["problems"][0]["text"];
    assert!(text["zh"].as_str().is_some_and(|zh| !zh.is_empty()) && text["en"].is_string(), "{text}");
    let items = [
        "payment_number",
        "payer_id_number",
        "unit_number",
        "contract_number",
        "taxable_yuan",
        "tax_yuan",
        "paid_on",
        "status",
    ];
    let wish = Wish {
        consumer: "planning-resources",
        entry: "tax/deed-tax-payment",
        purpose: "real-estate-transfer",
        items: &items,
        ..Wish::default()
    };
    let item = |name: &&str| json!({"name": name, "masking": "none"});
    city.grant(&wish, &json!({"items": items.iter().map(item).collect::<Vec<_>>()}));
    until("the case goes on under the new grant", SOON, || {
        let answer = clerk.post(&format!("cases/{id}/retry"), &json!({})).ok();
        (answer["state"] == "in_progress").then_some(())
    });
    // The refused question, and the one under the new grant.
    eventually("every provider has recorded its accesses", || asked(city, id).values().sum::<usize>() >= 8);
    let mut counts = asked(city, id);
    assert!(counts.remove("tax/deed-tax-payment") >= Some(2), "{counts:?}");
    assert_eq!(counts, ONCE.map(|(entry, count)| (entry.to_owned(), count)).into());
}

#[test]
fn a_workflow_is_published_by_a_reviewer_and_its_version_rules() {
    let city = City::shared();
    let clerk = city.person("planning-resources", "clerk1");
    let listed = clerk.get("workflows").ok();
    let known = listed["items"].as_array().unwrap().iter().find(|one| one["name"] == "real-estate-transfer").unwrap();
    assert_eq!((&known["version"], &known["file_differs"]), (&json!(1), &json!(false)), "{known}");
    assert_eq!(known["form"]["required"].as_array().map(Vec::len), Some(3));
    let publish = "workflows/real-estate-transfer/publish";
    clerk.post(publish, &json!({})).problem(403, "role_not_allowed");
    city.person("planning-resources", "reviewer1").post(publish, &json!({})).problem(409, "conflict");
    city.person("planning-resources", "reviewer1").post("workflows/none/publish", &json!({})).problem(404, "not_found");
}
