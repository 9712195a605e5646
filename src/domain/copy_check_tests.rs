//! A copy against the ledger that its receipt comes from, and against everything that is not it.

use serde_json::json;

use super::*;
use crate::clock::Millis;
use crate::crypto::digest::HashAlgorithm;
use crate::crypto::sign::SigningKey;
use crate::domain::certificate::{IssueDetails, Operation, TypeRef};
use crate::domain::{Actor, Role};
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::merkle::Tree;

const CHAIN: &str = "mulu-1";
const IDENTIFIER: &str = "1.2.156.3005.2.11100000000013338W032.11220000013544541J.2430599.001.F";
const HOLDER: &str = "34052419800101001X";

fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&[n; 32])
}

fn trust() -> TrustPolicy {
    let departments = [("tax", 1), ("audit", 2), ("water", 3)];
    let keys = departments.map(|(id, n)| (id.parse().unwrap(), vec![key(n).public()])).into();
    TrustPolicy::any(CHAIN, keys, 2).unwrap()
}

fn credential() -> Map<String, Value> {
    let mut credential = crate::domain::credential::tests::sample();
    let name = json!({"zh": "完税证明", "en": "Tax certificate"});
    credential.insert(
        "licence".into(),
        json!({"identifier": IDENTIFIER, "type": {"name": name}, "valid_from": "2026-11-21", "valid_to": "2027-11-20",
            "issuer": {"name": name, "code": "11220000013544541J", "department": "tax"}, "salt": "0102"}),
    );
    credential["credentialSubject"]["holder"]["code"] = json!(HOLDER);
    credential
}

fn issue_of(credential: &Map<String, Value>) -> CertificateIssue {
    CertificateIssue {
        identifier: IDENTIFIER.into(),
        type_name: Text { zh: "完税证明".into(), en: "Tax certificate".into() },
        valid_from: "2026-11-21".into(),
        valid_to: Some("2027-11-20".into()),
        document_digest: credential::digest(credential).unwrap(),
        holder_commitment: sm3(&[&[1, 2], HOLDER.as_bytes()]),
        case: None,
        details: Some(IssueDetails {
            kind: TypeRef { name: "tax-paid".parse().unwrap(), version: 1 },
            operation: Operation::New,
            predecessor: None,
            prepared_by: Some(Actor { user: "clerk1".into(), role: Role::Clerk }),
        }),
    }
}

fn receipt_of(issue: CertificateIssue, department: &str, signer: &SigningKey) -> Value {
    let payload = Payload {
        id: TxId::new(Millis(1_795_000_000_000)),
        department: department.parse().unwrap(),
        actor: Actor { user: "reviewer1".into(), role: Role::Reviewer },
        command: Command::IssueCertificate(issue),
    };
    let transaction = Transaction::sign(CHAIN, payload.encode().unwrap().as_bytes(), signer).unwrap();
    let mut tree = Tree::new(HashAlgorithm::Sm3);
    tree.push(transaction.leaf(HashAlgorithm::Sm3));
    let checkpoint = Checkpoint::new(CHAIN, HashAlgorithm::Sm3, 1, tree.root(), Hash([7; 32]));
    let mut signed = checkpoint.cosign(&"tax".parse().unwrap(), &key(1), 1_800_000_000).unwrap();
    signed.cosign(&"audit".parse().unwrap(), &key(2), 1_800_000_001);
    serde_json::to_value(Receipt::new(&transaction, 0, tree.inclusion(0, 1).unwrap(), &signed)).unwrap()
}

fn copy_of(credential: Map<String, Value>, receipt: Value, signer: &SigningKey) -> Vec<u8> {
    let sealed = credential::seal(credential, receipt, signer, "2026-11-21T02:00:00Z").unwrap();
    credential::canonical(&sealed).unwrap()
}

fn good() -> Vec<u8> {
    copy_of(credential(), receipt_of(issue_of(&credential()), "tax", &key(1)), &key(1))
}

fn code(copy: &[u8]) -> &'static str {
    check(copy, Some(&trust())).map_or_else(|fault| fault.code(), |_| "none")
}

#[test]
fn a_copy_is_proven_by_policy_and_only_whole_without() {
    let checked = check(&good(), Some(&trust())).unwrap();
    assert_eq!((checked.identifier.as_str(), checked.issuer.as_str()), (IDENTIFIER, "tax"));
    assert_eq!(checked.proven.map(|proven| proven.cosigners.len()), Some(2));
    assert!(check(&good(), None).unwrap().proven.is_none());
    let checked = check(&good(), None).unwrap();
    assert!(checked.is_in_time("2026-11-21") && checked.is_in_time("2027-11-20"));
    assert!(!checked.is_in_time("2026-11-20") && !checked.is_in_time("2027-11-21"));
}

#[test]
fn no_byte_of_a_copy_may_change() {
    let (good, trust) = (good(), trust());
    for at in 0..good.len() {
        let mut changed = good.clone();
        changed[at] ^= 1;
        assert!(check(&changed, Some(&trust)).is_err(), "byte {at} may change");
    }
}

#[test]
fn each_lie_has_its_name() {
    let receipt = || receipt_of(issue_of(&credential()), "tax", &key(1));
    // Another name on the same receipt, signed by the issuer: what the ledger has is something else.
    let mut other = credential();
    other["credentialSubject"]["holder"]["name"] = json!("王芳");
    assert_eq!(code(&copy_of(other, receipt(), &key(1))), "copy_digest");
    // A stranger signs the right document anew.
    assert_eq!(code(&copy_of(credential(), receipt(), &key(9))), "copy_key");
    // Another department issues in the issuer's name.
    assert_eq!(
        code(&copy_of(credential(), receipt_of(issue_of(&credential()), "water", &key(3)), &key(3))),
        "copy_key"
    );
    let strange = receipt_of(issue_of(&credential()), "tax", &key(3));
    assert_eq!(code(&copy_of(credential(), strange, &key(1))), "copy_key");
    // Another holder than the one to whom the ledger is bound.
    let stolen = CertificateIssue { holder_commitment: sm3(&[b"x"]), ..issue_of(&credential()) };
    assert_eq!(code(&copy_of(credential(), receipt_of(stolen, "tax", &key(1)), &key(1))), "copy_record");
    let longer = CertificateIssue { valid_to: None, ..issue_of(&credential()) };
    assert_eq!(code(&copy_of(credential(), receipt_of(longer, "tax", &key(1)), &key(1))), "copy_record");
    // A receipt whose cosignatures were cut off.
    let mut few = receipt();
    let note = few["checkpoint"].as_str().unwrap();
    few["checkpoint"] = json!(note.lines().take(note.lines().count() - 1).collect::<Vec<_>>().join("\n") + "\n");
    assert_eq!(code(&copy_of(credential(), few, &key(1))), "too_few_cosignatures");
    let mut typo = credential();
    typo["licence"]["identifier"] = json!(IDENTIFIER.replace(".F", ".G"));
    assert_eq!(code(&copy_of(typo, receipt(), &key(1))), "malformed");
    let mut none = credential();
    none.shift_remove("licence");
    assert_eq!(code(&copy_of(none, receipt(), &key(1))), "malformed");
    assert_eq!(code(b"{}"), "malformed");
}
