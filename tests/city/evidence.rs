//! Anchored writes, and a node that met a lie: it stands still, says so everywhere, and waits for its operator.

use serde_json::json;

use mulu::clock::Millis;
use mulu::crypto::digest::HashAlgorithm;
use mulu::ledger::evidence::{Evidence, Finding};

use crate::harness::{City, SOON, Wish, mulu, until};

#[test]
fn a_write_waits_until_enough_departments_vouch_for_it() {
    let city = City::shared();
    let tax = city.system("tax");
    let body = Wish { consumer: "tax", purpose: "statistics", ..Wish::marriage() }.body();
    let asked = tax.post("grants?wait=anchored", &body);
    assert_eq!((asked.status, &asked.body["transaction_state"]), (201, &json!("anchored")), "{asked}");
    let id = asked.body["transaction_id"].as_str().unwrap();
    assert_eq!(tax.get(&format!("ledger/transactions/{id}")).ok()["state"], "anchored");
    let note = city.system("tax").with("accept", "application/json").get("ledger/checkpoint").ok();
    assert!(note["size"].as_u64() > asked.body["ledger_index"].as_u64() && note["anchored"] == true, "{note}");
    assert!(note["cosigners"].as_array().unwrap().len() > city.nodes().len() / 2, "{note}");
    let metrics = city.anonymous("tax").get("/metrics").text;
    for name in ["mulu_anchored_size ", "mulu_anchored_lag_seconds ", "mulu_cosigned_size{", "mulu_halted 0"] {
        assert!(metrics.contains(name), "{name} is missing");
    }
    let facts = json!({"entry": "civil-affairs/marriage-registration", "purpose": "statistics"});
    let query = tax.post("decisions/explain?wait=anchored", &facts);
    assert_eq!((query.status, &query.body["code"]), (400, &json!("wait_not_offered")));
}

#[test]
fn a_node_with_evidence_stands_still_until_its_operator_has_seen_it() {
    let city = City::of_three("transport");
    city.stop_all();
    let block = "cnViYmlzaA==".to_owned();
    let finding = Finding::NoBlock { raft_index: 9, term: 2, block };
    let department = "transport".parse().unwrap();
    let evidence = Evidence::new(city.chain(), HashAlgorithm::Sm3, &department, Millis(1_800_000_000_000), finding);
    let dir = city.node("transport").data_dir.join("evidence");
    std::fs::create_dir_all(&dir).unwrap();
    let file = dir.join("1800000000000-no_block.json");
    std::fs::write(&file, serde_json::to_string(&evidence).unwrap()).unwrap();
    city.nodes().iter().for_each(|node| city.start(&node.department));
    city.wait_ready("audit");
    city.wait_ready("data-bureau");

    let anyone = city.anonymous("transport");
    let health = until("the halted node answers", SOON, || anyone.try_get("/healthz"));
    assert_eq!(health.status, 200);
    let ready = anyone.get("/readyz");
    assert!(ready.status == 503 && ready.text.contains("no_block"), "{ready}");
    let answer = city.system("transport").get("catalog/entries");
    assert_eq!((answer.status, &answer.body["code"]), (503, &json!("halted")), "{answer}");
    let page = anyone.with("accept", "text/html").get("/sign-in");
    assert!(page.status == 503 && page.text.contains("1800000000000-no_block.json"), "{page}");
    assert!(anyone.get("/metrics").text.contains("mulu_halted 1"));
    assert_eq!(city.system("audit").get("cluster").status, 200, "the others go on");

    let path = file.to_str().unwrap();
    let trust = city.dir().join("trust.toml");
    let said = mulu(&["ledger", "evidence", path, "--policy", trust.to_str().unwrap()]).ok();
    assert!(said.contains("no_block") && said.contains("Not proven"), "{said}");
    let false_file = city.dir().join("false.json");
    let no_lie = serde_json::to_string(&evidence).unwrap().replacen("\"v\":1", "\"v\":7", 1);
    std::fs::write(&false_file, no_lie).unwrap();
    mulu(&["ledger", "evidence", false_file.to_str().unwrap()]).failed(20);
    mulu(&["ledger", "evidence", path, "--accept"]).ok();
    assert!(!file.exists() && dir.join("accepted/1800000000000-no_block.json").exists());
    city.stop("transport");
    city.start("transport");
    city.wait_ready("transport");
}
