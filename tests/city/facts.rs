//! A case that ends in no certificate: two departments answer side by side, a third one after them, and the citizen is told.

use serde_json::{Value, json};

use crate::harness::City;

const SECRET: &str = "已于十一月二十日安排夜间停车秩序巡查";

struct Story {
    city: City,
    id: String,
}

impl Story {
    /// Everything that was written by now is seen.
    fn look(&self, department: &str, user: &str, after: &Value) -> Value {
        let person = self.city.person(department, user);
        person.get(&format!("cases/{}?min_index={}", self.id, after["ledger_index"])).ok()
    }

    fn step(&self, name: &str) -> String {
        format!("cases/{}/steps/{name}/sign-off", self.id)
    }
}

#[test]
fn answers_stay_with_their_departments_and_the_citizen_is_told_at_the_end() {
    let city = City::of_three("government-services,transport,urban-management");
    let params = json!({
        "id_number": "11010519780516901X", "request_number": "H2026-900000",
        "first_department": "transport", "second_department": "urban-management",
    });
    let clerk = city.person("government-services", "clerk1");
    let mut wrong = params.clone();
    wrong["second_department"] = json!("no-such-department");
    let refused = clerk.post("cases", &json!({"workflow": "hotline-request", "params": wrong}));
    assert!(refused.problem(422, "unprocessable")["errors"].to_string().contains("/params/second_department"));
    let opened = clerk.post("cases", &json!({"workflow": "hotline-request", "params": params})).ok();
    assert_eq!((&opened["state"], &opened["problems"]), (&json!("in_progress"), &json!([])), "{opened}");
    let story = Story { id: opened["id"].as_str().unwrap().to_owned(), city };
    let last = the_departments_answer(&story, &opened);
    the_case_ends(&story, &last);
}

/// In their turn, and each with an answer.
fn the_departments_answer(story: &Story, opened: &Value) -> Value {
    let own = story.city.person("government-services", "reviewer1");
    let answer = |text: &str| json!({"agreed": true, "fact": {"text": text}});
    own.post(&story.step("reply"), &answer("谢谢来电")).problem(409, "conflict");
    let transport = story.city.person("transport", "reviewer1");
    let seen = story.look("transport", "reviewer1", opened);
    assert_eq!(seen["form"]["request_number"], "H2026-900000", "a party sees the form: {seen}");
    assert!(seen["papers"].to_string().contains("停车管理"), "and the papers: {seen}");
    assert_eq!((&seen["steps"][2]["since"], &seen["steps"][2]["after"][0]), (&Value::Null, &json!("first-answer")));
    transport.post(&story.step("first-answer"), &json!({"agreed": true})).problem(422, "unprocessable");
    transport.post(&story.step("first-answer"), &json!({"agreed": true, "fact": {}})).problem(422, "unprocessable");
    let first = transport.post(&story.step("first-answer"), &answer(SECRET)).ok();
    story.look("urban-management", "reviewer1", &first);
    let urban = story.city.person("urban-management", "reviewer1");
    let second = urban.post(&story.step("second-answer"), &answer("清运车辆改为清晨进入")).ok();
    let seen = story.look("government-services", "reviewer1", &second);
    let facts = &seen["facts"];
    assert_eq!((&facts[0]["content"]["text"], &facts[0]["fits"]), (&json!(SECRET), &json!(true)), "{facts}");
    assert!(seen["steps"][2]["since"].is_string(), "its turn has come");
    // What a department answered stands nowhere else: the ledger has its digest.
    assert!(seen["steps"][0]["word"]["fact"]["digest"].is_string());
    let transaction = own.get(&format!("ledger/transactions/{}", first["transaction_id"].as_str().unwrap())).ok();
    assert!(!transaction.to_string().contains(SECRET), "{transaction}");
    let stranger = story.look("audit", "clerk1", &second);
    assert_eq!((&stranger["facts"], &stranger["form"], &stranger["papers"]), (&json!([]), &Value::Null, &json!([])));
    own.post(&story.step("reply"), &answer("两个部门均已办理")).ok()
}

fn the_case_ends(story: &Story, last: &Value) {
    let clerk = story.city.person("government-services", "clerk1");
    assert_eq!(story.look("government-services", "clerk1", last)["state"], "agreed");
    let reviewer = story.city.person("government-services", "reviewer1");
    reviewer.post(&format!("cases/{}/certificate", story.id), &json!({})).check_problem();
    let ended = clerk.post(&format!("cases/{}/complete", story.id), &json!({})).ok();
    let seen = story.look("government-services", "clerk1", &ended);
    assert_eq!((&seen["state"], &seen["certificate"]), (&json!("completed"), &Value::Null));
    assert!(seen["notice"]["zh"].as_str().unwrap().contains("H2026-900000"), "{}", seen["notice"]);
    assert!(seen["notice_digest"].is_string() && seen["ended_at"].is_string());
    clerk.post(&format!("cases/{}/complete", story.id), &json!({})).problem(409, "conflict");
    clerk.post(&format!("cases/{}/withdraw", story.id), &json!({"reason": "x"})).problem(409, "conflict");
}
