//! Transactions that a system signed itself, and digests of documents.

use mulu::clock::{Clock as _, SystemClock};
use mulu::crypto::digest::sm3;
use mulu::crypto::keyring::Keyring;
use mulu::crypto::sign::SigningKey;
use mulu::domain::command::{Command, Payload};
use mulu::domain::digest_record::DigestRecord;
use mulu::domain::{Actor, Role};
use mulu::ids::TxId;
use mulu::ledger::transaction::Transaction;
use mulu::service::config::NodeConfig;
use serde_json::{Value, json};

use crate::harness::{Caller, City, SOON, mulu, until};

fn key(city: &City, department: &str) -> SigningKey {
    let config = NodeConfig::load(&city.config(department)).unwrap();
    Keyring::load(&config.keys_dir, config.keys.secret().unwrap().as_ref()).unwrap().signing
}

fn signed(city: &City, department: &str, key: &SigningKey, label: &str) -> Vec<u8> {
    let record =
        DigestRecord { digest: sm3(&[label.as_bytes()]), label: label.into(), kind: Some("case-papers".into()) };
    let payload = Payload {
        id: TxId::new(SystemClock.now()),
        department: department.parse().unwrap(),
        actor: Actor { user: "archive".into(), role: Role::System },
        command: Command::RecordDigest(record),
    };
    Transaction::sign(city.chain(), payload.encode().unwrap().as_bytes(), key).unwrap().as_bytes().to_vec()
}

fn together(parts: &[&[u8]]) -> Vec<u8> {
    let length = |part: &[u8]| u32::try_from(part.len()).unwrap().to_be_bytes();
    parts.iter().flat_map(|part| [&length(part)[..], part].concat()).collect()
}

fn hand_in(caller: &Caller, body: Vec<u8>) -> Vec<Value> {
    let answer = caller.post_raw("ledger/transactions", "application/octet-stream", body);
    assert_eq!(answer.status, 200, "{answer}");
    answer.body.as_array().unwrap().clone()
}

#[test]
fn a_system_hands_in_what_it_signed_and_every_transaction_has_its_own_answer() {
    let city = City::shared();
    let config = city.config("tax");
    let token = mulu(&["token", "add", "--config", config.to_str().unwrap(), "--system", "archive", "--submits"]).ok();
    let archive = Caller::bearer(&city.node("tax").url, token.trim());
    let (own, foreign) = (key(city, "tax"), key(city, "transport"));
    let one = signed(city, "tax", &own, "档案 1");
    let other = signed(city, "tax", &own, "档案 2");
    let theirs = signed(city, "transport", &foreign, "档案 3");
    let mut spoilt = signed(city, "tax", &own, "档案 4");
    *spoilt.last_mut().unwrap() ^= 1;
    let mut wrong = signed(city, "tax", &own, "档案 5");
    wrong[20] ^= 1;
    let answers = hand_in(&archive, together(&[&one, &theirs, &spoilt, &wrong, b"no transaction", &other]));
    let outcomes: Vec<&str> = answers.iter().map(|answer| answer["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["done", "not_taken", "not_taken", "not_taken", "not_taken", "done"], "{answers:?}");
    assert_eq!((&answers[1]["code"], &answers[4]["code"]), (&json!("foreign_department"), &json!("malformed")));
    assert_eq!(answers[3]["code"], "invalid");
    assert_eq!(hand_in(&archive, one.clone())[0], answers[0], "a repeat is told its first outcome");

    let digest = sm3(&["档案 1".as_bytes()]).to_string();
    let index = answers[0]["ledger_index"].as_u64().unwrap();
    let found = city.system("transport");
    until("the other nodes list it", SOON, || {
        let listed = found.get(&format!("ledger/transactions?reference={digest}&refused=false")).ok();
        (listed["items"][0]["ledger_index"] == index).then_some(())
    });
    let refused = city.system("tax").post_raw("ledger/transactions", "application/octet-stream", other.clone());
    assert_eq!((refused.status, refused.code()), (403, "not_allowed"), "{refused}");
    let cut = archive.post_raw("ledger/transactions", "application/octet-stream", together(&[&one])[..9].to_vec());
    assert_eq!((cut.status, cut.code()), (400, "malformed"), "{cut}");
    let typed = archive.post_raw("ledger/transactions", "application/json", other);
    assert_eq!(typed.status, 415, "{typed}");
}

#[test]
fn a_department_records_a_document_s_digest_and_finds_it_by_the_digest() {
    let city = City::shared();
    let digest = sm3(&[b"minutes of the meeting"]).to_string();
    let body = json!({"digest": digest, "label": "minutes of the meeting", "kind": "minutes"});
    let written = city.system("housing").post("digests", &body);
    assert_eq!(written.status, 201, "{written}");
    let listed = city.system("housing").get(&format!("ledger/transactions?reference={digest}")).ok();
    assert_eq!(listed["items"][0]["kind"], "digest.record");
    for wrong in [json!({"digest": "ab", "label": "x"}), json!({"digest": digest, "label": ""}), json!({"label": "x"})]
    {
        assert_eq!(city.system("housing").post("digests", &wrong).status, 422);
    }
}
