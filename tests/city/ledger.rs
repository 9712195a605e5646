//! `/api/v1/ledger` and the offline audit: the same ledger everywhere, and every falsification shows.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use mulu::crypto::digest::{Hash, HashAlgorithm};
use mulu::ledger::merkle::verify_consistency;

use crate::harness::{Answer, City, Examples, SOON, Wish, mulu, until};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Size and root of a node's ledger.
fn checkpoint(city: &City, department: &str) -> (u64, Hash) {
    let shown = city.system(department).with("accept", "application/json").get("ledger/checkpoint").ok();
    assert!(shown["origin"].as_str().is_some_and(|origin| origin.contains(city.chain())), "{shown}");
    (shown["size"].as_u64().unwrap(), serde_json::from_value(shown["root"].clone()).unwrap())
}

/// Claims that one ledger is the beginning of another, by the proof of a node.
fn check_consistency(city: &City, department: &str, from: (u64, Hash), to: (u64, Hash)) {
    let (older, newer) = if from.0 <= to.0 { (from, to) } else { (to, from) };
    let shown = city.system(department).get(&format!("ledger/consistency?from={}&to={}", older.0, newer.0)).ok();
    let proof: Vec<Hash> = serde_json::from_value(shown["proof"].clone()).unwrap();
    verify_consistency(HashAlgorithm::Sm3, older, newer, &proof).expect("one ledger is the beginning of the other");
}

#[test]
fn every_node_holds_the_same_ledger_and_gives_receipts_that_verify_offline() {
    let city = City::shared();
    let before = checkpoint(city, "tax");
    let asked = city
        .system("tax")
        .post("grants", &Wish { consumer: "tax", purpose: "statistics", ..Wish::marriage() }.body())
        .ok();
    let (id, index) = (asked["transaction_id"].as_str().unwrap(), asked["ledger_index"].as_u64().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let trust = city.dir().join("trust.toml");
    for node in city.nodes() {
        let department = node.department.as_str();
        let receipt = city.system(department).get(&format!("ledger/transactions/{id}/receipt?min_index={index}"));
        assert_eq!(receipt.status, 200, "{receipt}");
        let file = folder.path().join(format!("{department}.json"));
        std::fs::write(&file, &receipt.text).unwrap();
        let said = mulu(&["receipt", "verify", text(&file), "--policy", text(&trust)]).ok();
        assert!(said.contains("VALID") && said.contains("tax") && said.contains(id), "{said}");
        let after = checkpoint(city, department);
        assert!(after.0 > index, "{department} answered before it had the transaction");
        check_consistency(city, department, before, after);
        falsified_receipts_are_refused(&receipt, &file, &trust);
    }
    let shown = city.system("audit").get(&format!("ledger/transactions/{id}")).ok();
    assert_eq!((&shown["kind"], &shown["department"]), (&json!("grant.request"), &json!("tax")));
    assert_eq!(shown["payload"]["body"]["purpose"], "statistics");
    let note = city.system("audit").get("ledger/checkpoint");
    assert!(note.text.starts_with(city.chain()) && note.text.contains("\n\n\u{2014} "), "{}", note.text);
    city.system("tax").get("ledger/consistency?from=2&to=1").check_problem();
    city.system("tax").get("ledger/consistency?from=1&to=99999999").check_problem();
}

fn falsified_receipts_are_refused(receipt: &Answer, file: &Path, trust: &Path) {
    let falsify = |exit: i32, change: fn(&mut Value)| {
        let mut falsified = receipt.body.clone();
        change(&mut falsified);
        std::fs::write(file, falsified.to_string()).unwrap();
        mulu(&["receipt", "verify", text(file), "--policy", text(trust)]).failed(exit)
    };
    falsify(13, |receipt| receipt["index"] = json!(receipt["index"].as_u64().unwrap() - 1));
    falsify(13, |receipt| {
        let flipped = receipt["inclusion"][0].as_str().unwrap();
        let first = if flipped.starts_with('0') { "1" } else { "0" };
        receipt["inclusion"][0] = json!(format!("{first}{}", &flipped[1..]));
    });
    falsify(11, |receipt| receipt["chain"] = json!("mulu-0000000000000000"));
}

#[test]
fn the_offline_audit_passes_a_good_ledger_and_names_the_place_of_a_falsified_byte() {
    let city = City::of_three("transport");
    for _ in 0..5 {
        let call =
            json!({"purpose": "parking-guidance", "cause": "停车诱导", "params": {"bay_id": Examples::get().bay_id}});
        city.query("data-bureau", "transport/parking-bay-status", &call).ok();
    }
    // Three ledgers, one root; what they keep when they are stopped is what they told.
    let sizes = until("all nodes have the same ledger", SOON, || {
        let all: Vec<(u64, Hash)> = city.nodes().iter().map(|node| checkpoint(&city, &node.department)).collect();
        let size = city.system("audit").get("cluster").ok()["ledger_size"].as_u64().unwrap();
        all.iter().all(|one| *one == all[0] && one.0 == size).then_some(all)
    });
    let note = city.dir().join("auditors.note");
    std::fs::write(&note, city.system("audit").get("ledger/checkpoint").text).unwrap();
    city.stop_all();
    for node in city.nodes() {
        let arguments =
            ["ledger", "verify", "--dir", text(&node.data_dir), "--checkpoint", text(&note), "--chain", city.chain()];
        let said = mulu(&arguments).ok();
        assert!(said.contains(&sizes[0].0.to_string()) && said.contains(&sizes[0].1.to_string()), "{said}");
    }
    let other = ["ledger", "verify", "--dir", text(&city.node("audit").data_dir), "--chain", "mulu-0000000000000000"];
    mulu(&other).failed(1);

    let copy = city.dir().join("copy");
    std::fs::create_dir(&copy).unwrap();
    let segment = copy_ledger(&city.node("audit").data_dir.join("ledger"), &copy);
    mulu(&["ledger", "verify", "--dir", text(&copy)]).ok();
    let whole = std::fs::read(&segment).unwrap();
    // A byte in the genesis, one in the middle, one near the end.
    for at in [whole.len() / 8, whole.len() / 2, whole.len() * 15 / 16] {
        let mut falsified = whole.clone();
        falsified[at] ^= 0x20;
        std::fs::write(&segment, &falsified).unwrap();
        let said = mulu(&["ledger", "verify", "--dir", text(&copy)]).failed(1);
        let named = ["segment", "entry", "leaf", "offset", "byte"].iter().any(|place| said.contains(place));
        assert!(named && !said.starts_with("VALID"), "byte {at} of {}: {said}", whole.len());
    }
}

/// Copies a ledger's files and answers the first one's copy.
fn copy_ledger(from: &Path, to: &Path) -> PathBuf {
    let mut copies = Vec::new();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let copy = to.join(path.file_name().unwrap());
        std::fs::copy(&path, &copy).unwrap();
        copies.push(copy);
    }
    copies.into_iter().filter(|copy| copy.extension().is_some_and(|end| end == "seg")).min().unwrap()
}

/// The first file of transactions below a folder of tiles.
fn first_bundle(tiles: &Path) -> PathBuf {
    let partial =
        std::fs::read_dir(tiles.join("tile/entries/000.p")).map(|mut files| files.next().unwrap().unwrap().path());
    partial.unwrap_or_else(|_| tiles.join("tile/entries/000"))
}

#[test]
fn the_whole_ledger_is_audited_from_afar_and_copied_into_files() {
    let city = City::shared();
    let node = city.node("tax");
    until("a checkpoint is anchored", SOON, || node.data_dir.join("ledger/checkpoint").exists().then_some(()));
    let token = city.dir().join("auditors.token");
    std::fs::write(&token, format!("{}\n", node.system_token)).unwrap();
    let url = format!("{}/tiles", node.url);
    let audit = ["ledger", "verify", "--from", &url, "--token-file", text(&token), "--chain", city.chain()];
    let said = until("the tiles stand under an anchored checkpoint", SOON, || {
        let said = mulu(&audit);
        (said.code == 0).then_some(said.out)
    });
    assert!(said.contains("VALID") && said.contains("cosigned by"), "{said}");
    mulu(&["ledger", "verify", "--from", &url]).failed(2);

    let tile = city.system("tax").get("/tiles/tile/entries/000.p/1");
    assert_eq!((tile.status, tile.header("cache-control")), (200, Some("private, max-age=31536000, immutable")));
    assert!(city.system("tax").get("/tiles/checkpoint").text.starts_with(city.chain()));
    city.system("tax").get("/tiles/tile/0/x999/999").problem(404, "not_found");
    city.system("tax").get("/tiles/tile/0/..").check_problem();
    city.anonymous("tax").get("/tiles/checkpoint").problem(401, "not_authenticated");

    // Beside the running node, and again when there is more.
    let copy = tempfile::tempdir().unwrap();
    let out = copy.path().join("tiles");
    let export = ["ledger", "export", "--dir", text(&node.data_dir), "--out", text(&out)];
    mulu(&export).ok();
    city.system("tax").post("grants", &Wish { consumer: "tax", purpose: "statistics", ..Wish::marriage() }.body()).ok();
    mulu(&export).ok();
    // Another program, written from docs/formats.md alone, comes to the same verdict.
    let verifier = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/formats/verify.py");
    let trust = city.dir().join("trust.toml");
    let verdict = Command::new("python3").args([verifier, "export", text(&out), text(&trust)]).output().unwrap();
    assert!(verdict.status.success(), "{}", String::from_utf8_lossy(&verdict.stderr));

    let resume = copy.path().join("seen.json");
    let audit = ["ledger", "verify", "--dir", text(&out), "--resume", text(&resume)];
    mulu(&audit).ok();
    mulu(&audit).ok();
    let bundle = first_bundle(&out);
    let mut bytes = std::fs::read(&bundle).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&bundle, bytes).unwrap();
    mulu(&audit).failed(1);
}
