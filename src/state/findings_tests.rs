//! Findings as the ledger takes them: proven by the provider's own signature, and never ahead of time.

use super::*;
use crate::crypto::digest::Hash;
use crate::domain::finding::{FINDINGS_MAX, Finding, FindingReport, Mismatch};
use crate::domain::keys::KeyRevocation;
use crate::domain::promise::{Promise, SignedPromise};
use crate::ids::AccessId;

const CONSUMER: (&str, &str, Role) = ("civil-affairs", "node", Role::System);

impl City {
    fn promised(&self, by: Millis, signer: &str) -> Finding {
        let promise = Promise { access_id: AccessId::new(self.now), record_digest: Hash([1; 32]), by };
        Finding {
            access_id: promise.access_id,
            provider: "public-security".parse().unwrap(),
            problem: Mismatch::PromiseWithoutRecord,
            promise: Some(SignedPromise::sign(&promise, self.state.chain(), &key(signer))),
            record_index: None,
        }
    }

    fn finds(&mut self, findings: Vec<Finding>) -> Result<TxId, Refusal> {
        self.does(CONSUMER, Command::ReportFindings(FindingReport { findings }))
    }
}

#[test]
fn a_broken_promise_counts_with_its_maker_s_signature_and_after_its_time() {
    let mut city = City::new();
    let broken = city.promised(city.now, "public-security");
    city.finds(vec![broken.clone()]).unwrap();
    let forged = city.promised(city.now, "civil-affairs");
    assert!(matches!(city.finds(vec![forged]), Err(Refusal::Invalid(_))), "the consumer's own signature");
    let moved = Finding { access_id: AccessId::new(city.now), ..broken.clone() };
    assert!(matches!(city.finds(vec![moved]), Err(Refusal::Invalid(_))), "the promise of another access");
    let early = city.promised(city.now.plus(1), "public-security");
    assert!(matches!(city.finds(vec![early]), Err(Refusal::Conflict(_))), "before its time");
    let unproven = Finding { promise: None, ..broken.clone() };
    assert!(matches!(city.finds(vec![unproven]), Err(Refusal::Invalid(_))), "without proof");
    let own = Finding { provider: "civil-affairs".parse().unwrap(), ..broken.clone() };
    assert!(matches!(city.finds(vec![own]), Err(Refusal::NotAllowed(_))), "itself");
    let nobody = Finding { provider: "nobody-here".parse().unwrap(), ..broken };
    assert!(matches!(city.finds(vec![nobody]), Err(Refusal::Unknown(_))), "nobody");
}

#[test]
fn a_finding_about_a_record_names_one_that_stands_there() {
    let mut city = City::new();
    let of_record = |city: &City, index| Finding {
        problem: Mismatch::RecordWithoutCall,
        promise: None,
        record_index: Some(index),
        ..city.promised(city.now, "public-security")
    };
    let last = city.state.size() - 1;
    city.finds(vec![of_record(&city, last)]).unwrap();
    let size = city.state.size();
    assert!(city.finds(vec![of_record(&city, size)]).is_err(), "a record of its own index");
    let differs = Finding { problem: Mismatch::RecordDiffers, ..of_record(&city, last) };
    assert!(city.finds(vec![differs]).is_err(), "a difference from no promise");
    let with_both = Finding { record_index: Some(last), ..city.promised(city.now, "public-security") };
    assert!(city.finds(vec![with_both]).is_err(), "silence about a record that is there");
}

#[test]
fn a_report_has_its_bounds() {
    let mut city = City::new();
    assert!(city.finds(vec![]).is_err(), "nothing");
    let one = city.promised(city.now, "public-security");
    assert!(city.finds(vec![one.clone(), one]).is_err(), "one access twice");
    let many = |city: &City, count| (0..count).map(|_| city.promised(city.now, "public-security")).collect::<Vec<_>>();
    city.finds(many(&city, FINDINGS_MAX)).unwrap();
    assert!(city.finds(many(&city, FINDINGS_MAX + 1)).is_err(), "too many");
}

#[test]
fn a_provider_does_not_escape_its_promise_by_giving_up_its_key() {
    let mut city = City::new();
    let before = city.promised(city.now, "public-security");
    let revocation = KeyRevocation { key: key("public-security").public().id(), reason: "stolen".into() };
    city.does(("public-security", "admin1", Role::Admin), Command::RevokeKey(revocation)).unwrap();
    city.now = city.now.plus(1_000);
    let forged = city.promised(city.now, "public-security");
    assert!(matches!(city.finds(vec![forged]), Err(Refusal::Invalid(_))), "by the key's thief");
    city.finds(vec![before]).unwrap();
}
