//! `mulu query`: the command line asks as a departmental system does.

use serde_json::{Value, json};

use super::HOUSEHOLD;
use crate::harness::{City, Examples, Wish, mulu, mulu_told};

#[test]
fn the_command_line_asks_explains_and_tells_why_it_got_nothing() {
    let city = City::shared();
    let consumer = city.node("civil-affairs");
    let place = tempfile::tempdir().unwrap();
    let token = place.path().join("token");
    std::fs::write(&token, format!("{}\n", consumer.system_token)).unwrap();
    let wish = Wish { purpose: "command-line", ..Wish::default() };
    city.grant(&wish, &json!({}));
    let who = format!("id_number={}", Examples::get().seller_id_number);
    let base = [
        "query",
        HOUSEHOLD,
        "--node",
        &consumer.url,
        "--token-file",
        token.to_str().unwrap(),
        "--cause",
        "社会救助资格核验",
    ];
    let with = |more: &[&str]| base.iter().chain(more).map(|part| (*part).to_owned()).collect::<Vec<String>>();

    let said = mulu(&with(&["--purpose", "command-line", "--param", &who, "--item", "name", "--item", "status"]));
    assert!(said.err.contains("1 rows; access "), "{}", said.err);
    let row: Value = serde_json::from_str(said.ok().trim()).unwrap();
    assert_eq!(row.as_object().unwrap().keys().collect::<Vec<_>>(), ["name", "status"]);

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
    mulu(&["query", HOUSEHOLD, "--node", &consumer.url, "--purpose", "x", "--cause", "y", "--param", "no"]).failed(2);
}

#[test]
fn shells_learn_the_command_line() {
    let script = mulu(&["completion", "bash"]).ok();
    assert!(script.contains("--explain") && script.contains("_mulu"), "{}", script.len());
}
