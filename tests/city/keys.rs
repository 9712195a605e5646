//! The life of a department's keys: replaced while work goes on, ended, lost and given back.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::harness::{City, SOON, mulu, until};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn keys(city: &City, at: &str, of: &str) -> Vec<Value> {
    let listed = city.system(at).get(&format!("departments/{of}/keys")).ok();
    listed["items"].as_array().unwrap().clone()
}

fn rotate(city: &City, department: &str) -> u64 {
    let rotated = city.person(department, "admin1").post("keys/rotate", &json!({})).ok();
    rotated["ledger_index"].as_u64().unwrap()
}

/// What `mulu keys` says to a department's administrator.
fn by_command(city: &City, department: &str, what: &[&str]) -> Value {
    let node = &city.node(department).url;
    let mut command = Command::new(env!("CARGO_BIN_EXE_mulu"));
    command.arg("keys").args(what).args(["--node", node, "--user", "admin1"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(city.password(department, "admin1").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{what:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn audit(city: &City, department: &str) -> String {
    let dir = city.node(department).data_dir.clone();
    mulu(&["ledger", "verify", "--dir", text(&dir)]).ok()
}

#[test]
fn keys_are_replaced_ended_lost_and_given_back() {
    let city = City::of_three("tax");
    let trust = city.dir().join("trust.toml");
    let admin = city.person("tax", "admin1");
    let first = keys(&city, "audit", "tax")[0]["id"].as_str().unwrap().to_owned();

    // A key is replaced. What the old one signed stays good, and so does its receipt.
    let clerk = city.person("tax", "clerk1").post("keys/rotate", &json!({}));
    assert_eq!((clerk.status, &clerk.body["code"]), (403, &json!("role_not_allowed")), "{clerk}");
    let index = rotate(&city, "tax");
    let listed = keys(&city, "tax", "tax");
    assert_eq!((&listed[0]["state"], &listed[1]["state"]), (&json!("current"), &json!("retiring")), "{listed:?}");
    assert_eq!(listed[1]["id"], json!(first));
    let shown = city.system("tax").get("ledger/transactions?kind=key.rotate").ok();
    let id = shown["items"][0]["transaction_id"].as_str().unwrap().to_owned();
    let receipt = || {
        until("the receipt is anchored", SOON, || {
            let receipt = city.system("audit").get(&format!("ledger/transactions/{id}/receipt?min_index={index}"));
            (receipt.status == 200).then_some(receipt.text)
        })
    };
    let file = city.dir().join("receipt.json");
    std::fs::write(&file, receipt()).unwrap();
    mulu(&["receipt", "verify", text(&file), "--policy", text(&trust)]).ok();

    // The old one is revoked, with the new one, which the node uses by now.
    let reason = json!({"reason": "the disk was stolen"});
    admin.post(&format!("keys/{first}/revoke"), &reason).ok();
    let listed = keys(&city, "audit", "tax");
    assert_eq!((&listed[1]["state"], &listed[1]["revoke_reason"]), (&json!("revoked"), &reason["reason"]));
    mulu(&["receipt", "verify", text(&file), "--policy", text(&trust)]).ok();

    // A restart finds the key that the ledger names, whatever else lies beside it.
    city.stop("tax");
    city.start("tax");
    city.wait_ready("tax");
    assert!(by_command(&city, "tax", &["rotate"])["ledger_index"].is_u64());
    let listed = by_command(&city, "audit", &["list", "--department", "tax"]);
    assert_eq!(listed["items"], json!(keys(&city, "audit", "tax")));

    // The last one is revoked: the node can sign nothing more, and says why.
    let last = keys(&city, "audit", "tax")[0]["id"].as_str().unwrap().to_owned();
    admin.post(&format!("keys/{last}/revoke"), &reason).ok();
    let refused = admin.post("keys/rotate", &json!({}));
    assert_eq!((refused.status, &refused.body["code"]), (403, &json!("key_revoked")), "{refused}");

    // Others vouch for new keys; with enough of them the department is back.
    city.stop("tax");
    let home = city.dir().join("tax");
    let (folder, secret) = (home.join("keys"), home.join("secret/keys.secret"));
    std::fs::rename(&folder, home.join("lost")).unwrap();
    mulu(&["keygen", "--out", text(&folder), "--key-file", text(&secret)]).ok();
    let keys_dir = text(&folder);
    let present = ["keys", "present", "--keys", keys_dir, "--key-file", text(&secret)];
    let presented = mulu(&[&present[..], &["--chain", city.chain(), "--department", "tax"]].concat()).ok();
    let mut word: Value = serde_json::from_str(&presented).unwrap();
    word["reason"] = json!("their disk burnt; shown in person");
    city.person("audit", "admin1").post("keys/endorsements", &word).ok();
    assert_eq!(keys(&city, "audit", "tax")[0]["state"], "revoked", "one word of two is not enough");
    city.person("data-bureau", "admin1").post("keys/endorsements", &word).ok();
    assert_eq!(keys(&city, "audit", "tax")[0]["endorsed_by"], json!(["audit", "data-bureau"]));
    city.start("tax");
    city.wait_ready("tax");
    rotate(&city, "tax");

    city.stop_all();
    let said = audit(&city, "audit");
    assert!(said.contains("VALID") && said.contains("refused     0"), "{said}");
}
