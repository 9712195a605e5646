//! The shipped workflows over ten departments: each runs from its application to its end, and stops at a rule that its
//! other example breaks.

use serde_json::{Value, json};

use crate::harness::{Caller, City, ExampleCase, Examples};

const DEPARTMENTS: &str = "public-security,civil-affairs,planning-resources,housing,tax,transport,urban-management,water,\
                           market-regulation,government-services";
/// Steps of a workflow, at most: a case that takes more does not come to its end.
const STEPS_MAX: usize = 8;

/// A case as its owner sees it.
struct Run<'a> {
    city: &'a City,
    example: &'a ExampleCase,
    clerk: Caller,
    id: String,
}

impl<'a> Run<'a> {
    fn open(city: &'a City, example: &'a ExampleCase) -> Self {
        let clerk = city.person(&example.department, "clerk1");
        let opened = clerk.post("cases", &json!({"workflow": example.workflow, "params": example.form})).ok();
        let id = opened["id"].as_str().unwrap_or_else(|| panic!("{}: {opened}", example.workflow)).to_owned();
        Self { city, example, clerk, id }
    }

    fn path(&self, rest: &str) -> String {
        format!("cases/{}{rest}", self.id)
    }

    fn shown(&self) -> Value {
        self.clerk.get(&self.path("")).ok()
    }

    /// Does something at one node, and waits until the owner's node shows it.
    fn act(&self, caller: &Caller, path: &str, body: &Value) -> Value {
        let done = caller.post(&self.path(path), body).ok();
        self.clerk.get(&self.path(&format!("?min_index={}", done["ledger_index"]))).ok();
        done
    }

    /// Every step whose turn has come gets the word of its department, with what it records.
    fn give_words(&self, shown: &Value) {
        let steps = shown["steps"].as_array().unwrap();
        for step in steps.iter().filter(|step| step["word"].is_null() && !step["since"].is_null()) {
            let reviewer = self.city.person(step["department"].as_str().unwrap(), "reviewer1");
            let mut word = json!({"agreed": true, "note": "已核对"});
            if step["kind"] != "sign_off" {
                word["fact"] =
                    json!({"text": "已办理，编号 2026-0001", "number": "2026-0001", "amount_yuan": "800.00"});
            }
            reviewer.get(&self.path(&format!("?min_index={}", newest(shown)))).ok();
            self.act(&reviewer, &format!("/steps/{}/sign-off", step["step"].as_str().unwrap()), &word);
        }
    }

    /// From application to end; answers the case as it stands then.
    fn to_its_end(&self) -> Value {
        for _ in 0..STEPS_MAX {
            let shown = self.shown();
            match shown["state"].as_str().unwrap() {
                "in_progress" => self.give_words(&shown),
                "agreed" if shown["ends_in_certificate"] == true => {
                    let reviewer = self.city.person(&self.example.department, "reviewer1");
                    self.act(&reviewer, "/certificate", &json!({}));
                }
                "agreed" => drop(self.act(&self.clerk, "/complete", &json!({}))),
                "completed" => return shown,
                other => panic!("{} is {other}: {shown}", self.example.workflow),
            }
        }
        panic!("{} does not end: {}", self.example.workflow, self.shown());
    }
}

/// Index of what happened last in a case.
fn newest(shown: &Value) -> &Value {
    shown["events"].as_array().unwrap().last().map_or(&shown["ledger_index"], |event| &event["ledger_index"])
}

fn runs(city: &City, example: &ExampleCase) {
    let run = Run::open(city, example);
    let ended = run.to_its_end();
    let name = &example.workflow;
    assert!(ended["pulls"].as_array().unwrap().iter().all(|pull| !pull["material"].is_null()), "{name}: {ended}");
    assert!(ended["rules"].as_array().unwrap().iter().all(|rule| rule["held"] != false), "{name}: {ended}");
    let recorded = ended["steps"].as_array().unwrap().iter().filter(|step| step["kind"] != "sign_off").count();
    let facts = ended["facts"].as_array().unwrap();
    assert_eq!(facts.len(), recorded, "{name}");
    assert!(facts.iter().all(|fact| fact["fits"] == true), "{name}: {facts:?}");
    assert!(ended["notice"]["zh"].as_str().is_some_and(|text| !text.contains('{')), "{name}: {}", ended["notice"]);
    match ended["certificate"].as_str() {
        Some(identifier) => {
            let anybody = city.anonymous("data-bureau").with("accept", "application/json");
            crate::harness::eventually("anybody can verify the certificate", || {
                let found = anybody.get(&format!("verify/{identifier}"));
                found.status == 200 && found.body["valid"] == true
            });
        }
        None => assert_eq!(ended["ends_in_certificate"], false, "{name}"),
    }
}

fn stops(city: &City, example: &ExampleCase, rule: &str) {
    let run = Run::open(city, example);
    let shown = run.shown();
    let name = &example.workflow;
    let broken = |shown: &Value| {
        let rules = shown["rules"].as_array().unwrap();
        rules.iter().any(|known| known["rule"] == rule && known["held"] == false)
    };
    assert_eq!((shown["state"].as_str(), broken(&shown)), (Some("waiting"), true), "{name}: {shown}");
    // Asking again brings the same answer, nobody can sign off before, and the owner gives it up.
    run.act(&run.clerk, "/retry", &json!({}));
    assert!(broken(&run.shown()), "{name}");
    let step = &shown["steps"][0];
    let reviewer = city.person(step["department"].as_str().unwrap(), "reviewer1");
    reviewer.get(&run.path(&format!("?min_index={}", newest(&shown)))).ok();
    let mut word = json!({"agreed": true});
    if step["kind"] != "sign_off" {
        word["fact"] = json!({"text": "已办理"});
    }
    let path = run.path(&format!("/steps/{}/sign-off", step["step"].as_str().unwrap()));
    reviewer.post(&path, &word).problem(409, "conflict");
    run.act(&run.clerk, "/withdraw", &json!({"reason": "不符合条件"}));
    assert_eq!(run.shown()["state"], "withdrawn", "{name}");
}

#[test]
fn each_workflow_runs_to_its_end_and_stops_at_a_rule_that_does_not_hold() {
    let city = City::of_demo(DEPARTMENTS);
    let cases = &Examples::get().cases;
    assert_eq!(cases.len(), 12);
    for example in cases {
        match &example.refused_by {
            None => runs(&city, example),
            Some(rule) => stops(&city, example, rule),
        }
    }
}
