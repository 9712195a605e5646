//! The life of keys: new ones, ended ones, lost ones, and what each may still sign.

use super::*;
use crate::domain::keys::{
    Endorser, KeyEndorsement, KeyRevocation, KeyRotation, KeyState, KeyTerms, NewSigningKey, possession_message,
};
use crate::state::{ENDORSEMENT_MS, RETIRING_MS};

const SEALING: &str = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=";

fn present(city: &City, key: &SigningKey, department: &str, valid_until: Option<Millis>) -> NewSigningKey {
    let department = department.parse().unwrap();
    let terms = KeyTerms { chain: city.state.chain(), department: &department, valid_until, sealing_key: None };
    NewSigningKey::present(key, &terms)
}

fn rotate(city: &City, to: &SigningKey, department: &str) -> Command {
    Command::RotateKey(KeyRotation { signing: Some(present(city, to, department, None)), sealing_key: None })
}

fn revoke(key: &SigningKey) -> Command {
    Command::RevokeKey(KeyRevocation { key: key.public().id(), reason: "the disk was stolen".into() })
}

fn endorse(city: &City, to: &SigningKey, department: &str) -> Command {
    Command::EndorseKey(KeyEndorsement {
        department: department.parse().unwrap(),
        signing: present(city, to, department, None),
        sealing_key: None,
        reason: "shown in person".into(),
    })
}

/// Something any department may do.
fn harmless() -> Command {
    let (title, step) = (text("转移登记"), "duty".parse().unwrap());
    let step = SignOffStep::plain(step, "data-bureau".parse().unwrap(), title.clone());
    Command::OpenCase(CaseOpening::plain("w1".parse().unwrap(), title, vec![], vec![step]))
}

const CA: &str = "civil-affairs";

#[test]
fn a_new_key_takes_over_at_once_and_the_old_one_ends_ten_minutes_later() {
    let mut city = City::new();
    let (old, new) = (key(CA), key("second key of civil affairs"));
    assert_eq!(city.does_with(&new, CA, harmless()), Err(Refusal::Signature), "not known yet");
    let before = city.state.size();
    city.does_with(&old, CA, rotate(&city, &new, CA)).unwrap();
    city.does_with(&new, CA, harmless()).unwrap();
    city.does_with(&old, CA, harmless()).unwrap();
    let department = city.state.department(&CA.parse().unwrap()).unwrap();
    assert_eq!(department.signing_key, new.public());
    city.now = city.now.plus(RETIRING_MS - 1);
    city.does_with(&old, CA, harmless()).unwrap();
    city.now = city.now.plus(1);
    let end = START.plus(RETIRING_MS);
    assert_eq!(city.does_with(&old, CA, harmless()), Err(Refusal::KeyExpired { at: end }));
    city.does_with(&new, CA, harmless()).unwrap();
    let records: Vec<_> = city.state.keys_of(&CA.parse().unwrap()).collect();
    assert_eq!(records.len(), 2);
    assert_eq!(records[0].state(city.state.time()), KeyState::Retired);
    assert_eq!(records[1].endorsed_by, Endorser::Predecessor { key: old.public().id() });
    let at = |key: &SigningKey, index, at| city.state.key_at(key.public().id(), index, at).is_some();
    assert!(at(&old, before, START) && !at(&new, before, START), "what the old key signed stays valid for its time");
    assert!(at(&new, before + 1, START) && !at(&old, before + 1, end));
    assert!(at(&old, 0, START), "the genesis is signed by a key that it brings");
}

#[test]
fn a_revoked_key_is_refused_from_its_index_on() {
    let mut city = City::new();
    let (old, new) = (key(CA), key("second key of civil affairs"));
    city.does_with(&old, CA, rotate(&city, &new, CA)).unwrap();
    assert!(matches!(city.does_with(&new, CA, revoke(&key("audit"))), Err(Refusal::Unknown(_))), "another's key");
    assert!(matches!(city.does(CA_REVIEWER, revoke(&old)), Err(Refusal::NotAllowed(_))), "not an administrator");
    let index = city.state.size();
    city.does_with(&new, CA, revoke(&old)).unwrap();
    assert_eq!(city.does_with(&old, CA, harmless()), Err(Refusal::KeyRevoked { index }));
    assert!(city.state.signer(old.public().id()).is_none());
    assert!(matches!(city.does_with(&new, CA, revoke(&old)), Err(Refusal::Conflict(_))), "twice");
    let at = |index| city.state.key_at(old.public().id(), index, START).is_some();
    assert!(at(index) && !at(index + 1));
    city.does_with(&new, CA, revoke(&new)).unwrap();
    assert_eq!(
        city.does_with(&new, CA, rotate(&city, &key("third"), CA)),
        Err(Refusal::KeyRevoked { index: index + 3 })
    );
}

#[test]
fn a_key_in_retirement_decides_about_keys_no_more() {
    let mut city = City::new();
    let (old, new, third) = (key(CA), key("second key of civil affairs"), key("the thief's"));
    city.does_with(&old, CA, rotate(&city, &new, CA)).unwrap();
    for command in [rotate(&city, &third, CA), revoke(&new), endorse(&city, &third, "audit")] {
        assert!(matches!(city.does_with(&old, CA, command), Err(Refusal::NotAllowed(_))));
    }
}

#[test]
fn a_key_is_taken_only_with_proof_and_once() {
    let mut city = City::new();
    let new = key("second key of civil affairs");
    let good = present(&city, &new, CA, None);
    let until = |end| Some(present(&city, &new, CA, Some(end)));
    let department = CA.parse().unwrap();
    let other_chain = KeyTerms { chain: "mulu-other", department: &department, valid_until: None, sealing_key: None };
    for (signing, why) in [
        (Some(present(&city, &new, "audit", None)), "made for another department"),
        (Some(NewSigningKey::present(&new, &other_chain)), "made for another chain"),
        (Some(NewSigningKey { possession: String::new(), ..good.clone() }), "no proof"),
        (Some(NewSigningKey { valid_until: Some(START.plus(DAY)), ..good.clone() }), "other terms than signed"),
        (Some(NewSigningKey { key: key("x").public(), ..good.clone() }), "another's key"),
        (until(START), "ended already"),
        (until(START.plus(4_000 * DAY)), "endless"),
        (None, "nothing"),
    ] {
        let command = Command::RotateKey(KeyRotation { signing, sealing_key: None });
        assert!(matches!(city.does_with(&key(CA), CA, command), Err(Refusal::Invalid(_))), "{why} passed");
    }
    let held = present(&city, &key("audit"), CA, None);
    let taken = Command::RotateKey(KeyRotation { signing: Some(held), sealing_key: None });
    assert!(matches!(city.does_with(&key(CA), CA, taken), Err(Refusal::Conflict(_))), "the auditor's key");
    let sealing = |text: &str| Command::RotateKey(KeyRotation { signing: None, sealing_key: Some(text.into()) });
    assert!(matches!(city.does_with(&key(CA), CA, sealing("AAAA")), Err(Refusal::Invalid(_))));
    city.does_with(&key(CA), CA, sealing(SEALING)).unwrap();
    assert_eq!(city.state.department(&department).unwrap().sealing_key, SEALING);
    assert_eq!(city.state.department(&department).unwrap().signing_key, key(CA).public());
}

#[test]
fn an_announced_end_comes_by_itself() {
    let mut city = City::new();
    let new = key("second key of civil affairs");
    let end = START.plus(DAY);
    let signing = Some(present(&city, &new, CA, Some(end)));
    city.does_with(&key(CA), CA, Command::RotateKey(KeyRotation { signing, sealing_key: None })).unwrap();
    city.now = START.plus(DAY - 1);
    city.does_with(&new, CA, harmless()).unwrap();
    city.now = end;
    assert_eq!(city.does_with(&new, CA, harmless()), Err(Refusal::KeyExpired { at: end }));
    assert_eq!(city.state.department(&CA.parse().unwrap()).unwrap().signing_key_valid_until, Some(end));
}

#[test]
fn most_other_departments_together_give_back_a_lost_key() {
    let mut city = City::new();
    let (lost, new) = (key(CA), key("second key of civil affairs"));
    assert_eq!(city.state.endorsements_min(), 3, "most of four");
    let word = endorse(&city, &new, CA);
    assert!(matches!(city.does_with(&lost, CA, word.clone()), Err(Refusal::NotAllowed(_))), "for itself");
    city.does_with(&key("audit"), "audit", word.clone()).unwrap();
    city.does_with(&key("audit"), "audit", word.clone()).unwrap();
    // A word for another key in its name takes its own word back; so does time.
    city.does_with(&key("public-security"), "public-security", endorse(&city, &key("another"), CA)).unwrap();
    city.does_with(&key("data-bureau"), "data-bureau", word.clone()).unwrap();
    assert!(city.state.signer(new.public().id()).is_none(), "one department counts once");
    city.now = city.now.plus(ENDORSEMENT_MS);
    city.does_with(&key("public-security"), "public-security", word.clone()).unwrap();
    assert!(city.state.signer(new.public().id()).is_none(), "old words count no more");
    city.does_with(&key("audit"), "audit", word.clone()).unwrap();
    let index = city.state.size();
    city.does_with(&key("data-bureau"), "data-bureau", word.clone()).unwrap();
    assert_eq!(city.does_with(&lost, CA, harmless()), Err(Refusal::KeyRevoked { index }));
    city.does_with(&new, CA, harmless()).unwrap();
    assert_eq!(city.state.endorsements_of(&CA.parse().unwrap()).count(), 0);
    assert_eq!(city.state.digest(), city.state.digest_recomputed());
    assert!(matches!(city.does_with(&key("audit"), "audit", word), Err(Refusal::Conflict(_))), "it is there now");
}

#[test]
fn too_many_keys_in_a_short_time_are_refused() {
    let mut city = City::new();
    let mut last = key(CA);
    let mut refused = 0;
    for n in 0..10 {
        let next = key(&format!("key {n}"));
        match city.does_with(&last, CA, rotate(&city, &next, CA)) {
            Ok(_) => last = next,
            Err(Refusal::Conflict(_)) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(refused, 3);
    city.now = city.now.plus(RETIRING_MS);
    city.does_with(&last, CA, rotate(&city, &key("later"), CA)).unwrap();
}

#[test]
fn the_message_of_possession_is_what_its_description_says() {
    let city = City::new();
    let (department, key) = (CA.parse().unwrap(), key(CA).public());
    let chain = city.state.chain();
    let terms = KeyTerms { chain, department: &department, valid_until: Some(Millis(9)), sealing_key: Some(SEALING) };
    let expected = format!("mulu-key-v1\n{chain}\ncivil-affairs\n{key}\n9\n{SEALING}\n");
    assert_eq!(possession_message(&key, &terms), expected.into_bytes());
}
