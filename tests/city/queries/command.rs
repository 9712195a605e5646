//! `mulu query`: the command line asks as a departmental system does.

use serde_json::{Value, json};

use crate::harness::{Caller, City, Examples, Wish, eventually, mulu, mulu_told};

#[test]
fn the_command_line_asks_explains_and_tells_why_it_got_nothing() {
    let city = City::shared();
    let consumer = city.node("transport");
    let place = tempfile::tempdir().unwrap();
    let token = place.path().join("token");
    std::fs::write(&token, format!("{}\n", consumer.system_token)).unwrap();
    let wish = Wish { consumer: "transport", purpose: "command-line", ..Wish::marriage() };
    city.grant(&wish, &json!({}));
    let who = format!("id_number={}", Examples::get().seller_id_number);
    let base = [
        "query",
        wish.entry,
        "--node",
        &consumer.url,
        "--token-file",
        token.to_str().unwrap(),
        "--cause",
        "社会救助资格核验",
    ];
    let with = |more: &[&str]| base.iter().chain(more).map(|part| (*part).to_owned()).collect::<Vec<String>>();

    let said = mulu(&with(&["--purpose", "command-line", "--param", &who, "--item", "marital_status"]));
    assert!(said.err.contains("1 rows; access "), "{}", said.err);
    let row: Value = serde_json::from_str(said.ok().trim()).unwrap();
    assert_eq!(row.as_object().unwrap().keys().collect::<Vec<_>>(), ["marital_status"]);

    let whole = mulu_told(
        &with(&["--purpose", "command-line", "--params-file", "-", "--json"]),
        &json!({"id_number": Examples::get().seller_id_number}).to_string(),
    );
    let answer: Value = serde_json::from_str(whole.ok().trim()).unwrap();
    assert!(answer["promise"]["signature"].is_string(), "{answer}");

    let allowed = mulu(&with(&["--purpose", "command-line", "--param", &who, "--explain"]));
    assert!(allowed.err.contains("allowed by the rule query-with-active-grant"), "{}", allowed.err);
    allowed.ok();
    let explained = mulu(&with(&["--purpose", "curiosity", "--param", &who, "--explain"])).failed(1);
    assert!(explained.contains("refused by the rule"), "{explained}");

    let refused = mulu(&with(&["--purpose", "curiosity", "--param", &who])).failed(1);
    assert!(refused.contains("403 ") && refused.contains("on the record as access"), "{refused}");
    let wrong = mulu(&with(&["--purpose", "command-line", "--param", "id_number=1"])).failed(1);
    assert!(wrong.contains("422 unprocessable") && wrong.contains("/params/id_number"), "{wrong}");
    mulu(&["query", wish.entry, "--node", &consumer.url, "--purpose", "x", "--cause", "y", "--param", "no"]).failed(2);
}

#[test]
fn a_token_is_good_for_its_entries_its_places_and_its_time() {
    let city = City::of_demo("civil-affairs");
    let (node, config) = (city.node("civil-affairs"), city.config("civil-affairs"));
    let config = config.to_str().unwrap();
    let token = |more: &[&str]| {
        let of = ["token", more[0], "--config", config, "--system", "registry"];
        let given = of.iter().chain(&more[1..]).copied().collect::<Vec<_>>();
        mulu(&given).ok().trim().to_owned()
    };
    let ask = |token: &str, entry: &str| {
        let call = json!({"purpose": "social-assistance", "cause": "核验", "params": {}});
        Caller::bearer(&node.url, token).post(&format!("query/{entry}"), &call)
    };
    let own = "civil-affairs/marriage-registration";
    let first = token(&["add", "--entry", own, "--from", "127.0.0.1"]);
    ask(&first, "tax/deed-tax-payment").problem(403, "token_scope");
    ask(&first, own).problem(422, "unprocessable");
    let many = json!({"purpose": "social-assistance", "cause": "核验", "subjects": [{}]});
    let batch = Caller::bearer(&node.url, &first).post("query/tax/deed-tax-payment/batch", &many);
    batch.problem(403, "token_scope");
    let second = token(&["rotate", "--overlap", "1"]);
    for token in [&first, &second] {
        ask(token, own).problem(422, "unprocessable");
    }
    let third = token(&["rotate", "--overlap", "0"]);
    eventually("the others have ended", || ask(&second, own).status == 401 && ask(&first, own).status == 401);
    ask(&third, "tax/deed-tax-payment").problem(403, "token_scope");

    let elsewhere = token(&["add", "--from", "10.9.8.7"]);
    ask(&elsewhere, own).problem(403, "token_elsewhere");
    let shown = city.person("civil-affairs", "admin1").get("tokens").ok();
    let of_registry: Vec<&Value> =
        shown.as_array().unwrap().iter().filter(|token| token["system"] == "registry").collect();
    assert_eq!(of_registry.len(), 1, "{shown}");
    assert_eq!((&of_registry[0]["alarm_from"], &of_registry[0]["last_used"]), (&json!("127.0.0.1"), &Value::Null));
    city.person("civil-affairs", "clerk1").get("tokens").problem(403, "role_not_allowed");
    assert!(mulu(&["token", "list", "--config", config]).ok().contains("ALARM"));
}

#[test]
fn shells_learn_the_command_line() {
    let script = mulu(&["completion", "bash"]).ok();
    assert!(script.contains("--explain") && script.contains("_mulu"), "{}", script.len());
}
