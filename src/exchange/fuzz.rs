//! Fuzz targets of what the exchange reads from peers: the envelope's inside, requests, answers, promises.

use serde_json::{Value, json};

use crate::crypto::sign::SigningKey;
use crate::domain::promise::SignedPromise;
use crate::fuzzing::fuzz;

use super::answer::Answer;
use super::envelope::{Kind, Request, Signed};

const ID: &str = "019f0000-0000-7000-8000-000000000001";

fn request() -> Value {
    json!({"v": 1, "access_id": ID, "time": 1_795_000_000_000_u64, "from": "tax", "to": "housing", "chain": "city",
        "actor": {"user": "li.na", "role": "clerk"}, "entry": "housing/house", "purpose": "transfer", "cause": "件",
        "case_id": null, "params": {"id_number": "x", "deep": [[{}]]}, "items": ["owner"], "cursor": null, "zone": "a"})
}

fn promise() -> Value {
    let digest = "ab".repeat(32);
    let payload = json!({"access_id": ID, "record_digest": digest, "by": 600_000}).to_string();
    json!({"payload": payload, "key": "ab".repeat(8), "signature": "QUJD"})
}

fn answer() -> Value {
    json!({"v": 1, "access_id": ID, "from": "housing", "to": "tax", "request_digest": "ab".repeat(32),
        "decision": "allowed", "error": {"code": "busy", "detail": "later", "retry_after_s": 1},
        "explanation": {"allowed": true, "rule": "r", "reasons": [{"code": "c", "text": {"zh": "因", "en": "why"}}],
            "grant": ID, "ledger_index": 7},
        "rows": [{"owner": "甲"}], "next_cursor": null, "promise": promise()})
}

#[test]
fn an_envelope_s_inside() {
    let plain = [b"MEX1".as_slice(), &[7; 8], &[0, 64], &[9; 64], b"{\"v\":1}"].concat();
    let key = SigningKey::from_seed(&[1; 32]).public();
    fuzz!(vec![plain], |bytes: &[u8]| {
        let Some(signed) = Signed::read(Kind::Query, bytes.to_vec().into()) else { return false };
        assert!(bytes.ends_with(signed.payload()));
        assert!(!signed.is_by(std::slice::from_ref(&key), "city"));
        true
    });
}

#[test]
fn a_request() {
    fuzz!(vec![request().to_string().into_bytes()], |bytes: &[u8]| {
        let Ok(request) = serde_json::from_slice::<Request>(bytes) else { return false };
        let again = serde_json::to_vec(&request).unwrap();
        assert_eq!(serde_json::from_slice::<Request>(&again).unwrap(), request);
        true
    });
}

#[test]
fn an_answer() {
    fuzz!(vec![answer().to_string().into_bytes()], |bytes: &[u8]| {
        let Ok(answer) = serde_json::from_slice::<Answer>(bytes) else { return false };
        let again = serde_json::to_string(&answer).unwrap();
        assert_eq!(serde_json::to_string(&serde_json::from_str::<Answer>(&again).unwrap()).unwrap(), again);
        true
    });
}

#[test]
fn a_promise() {
    let key = SigningKey::from_seed(&[1; 32]).public();
    fuzz!(vec![promise().to_string().into_bytes()], |bytes: &[u8]| {
        let Ok(promise) = serde_json::from_slice::<SignedPromise>(bytes) else { return false };
        assert_eq!(promise.verify("city", &key), None);
        let again = serde_json::to_string(&promise).unwrap();
        assert_eq!(serde_json::from_str::<SignedPromise>(&again).unwrap(), promise);
        true
    });
}
