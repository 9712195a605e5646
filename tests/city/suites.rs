//! Departments choose their algorithms: what is signed and sealed with the one is checked and opened with the other.

use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{City, Examples, SOON, Wish, mulu, until};

/// The text form of a department's signing key, as the city's trust policy names it.
fn keys(city: &City) -> String {
    std::fs::read_to_string(city.dir().join("trust.toml")).unwrap()
}

#[test]
fn departments_with_keys_of_two_kinds_share_one_ledger() {
    let city = City::of_demo_with("civil-affairs", &["--suite", "mixed", "--hash", "sha256"]);
    let trusted = keys(&city);
    assert!(trusted.contains("sm2:") && trusted.contains("ed25519:"), "{trusted}");
    // Asked for with Ed25519, approved with SM2.
    let wish = Wish { consumer: "data-bureau", ..Wish::marriage() };
    let asked = city.ask(&wish);
    let reviewer = city.person("civil-affairs", "reviewer1");
    let approved = reviewer.post(&format!("grants/{asked}/approve"), &json!({})).ok();
    let seller = &Examples::get().seller_id_number;
    let call = json!({"purpose": "social-assistance", "cause": "核验", "params": {"id_number": seller}});
    let answer = city.query("data-bureau", wish.entry, &call).ok();
    assert_eq!(answer["grant_id"], asked);
    // What the SM2 department sealed to the auditor, the auditor opens.
    let auditor = city.person("audit", "auditor1");
    let id = answer["access_id"].as_str().unwrap();
    until("the access is on record", SOON, || {
        let found = auditor.get(&format!("audit/accesses/{id}"));
        (found.status == 200 && found.body["transaction_id"].is_string()).then_some(())
    });
    let opened = auditor.post(&format!("audit/accesses/{id}/subject"), &json!({})).ok();
    assert_eq!(opened["subject"], seller.as_str());
    receipts_verify(&city, &approved);
}

/// Every node's receipt for what an SM2 key signed holds against the city's own trust policy.
fn receipts_verify(city: &City, approved: &Value) {
    let (id, index) = (approved["transaction_id"].as_str().unwrap(), &approved["ledger_index"]);
    let folder = tempfile::tempdir().unwrap();
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    for node in city.nodes() {
        let shown = city.system(&node.department).get(&format!("ledger/transactions/{id}?min_index={index}")).ok();
        assert_eq!(shown["department"], "civil-affairs");
        let receipt = city.system(&node.department).get(&format!("ledger/transactions/{id}/receipt?min_index={index}"));
        assert_eq!((receipt.status, &receipt.body["hash"]), (200, &json!("sha256")), "{receipt}");
        let file = folder.path().join("receipt.json");
        std::fs::write(&file, &receipt.text).unwrap();
        let policy = text(&city.dir().join("trust.toml"));
        let said = mulu(&["receipt", "verify", &text(&file), "--policy", &policy]).ok();
        assert!(said.contains("VALID") && said.contains(id), "{said}");
    }
}
