//! Names are matched exactly: what looks like a granted entry, item, purpose or department gives nothing.

use super::ground::{Call, look};
use super::ledger::Ledger as _;
use super::testing::{City, HOUSEHOLD, department};
use crate::domain::Role;
use crate::domain::grant::GrantState;
use crate::domain::policy::{PolicyError, rules};
use crate::ids::{DepartmentId, EntryName, ItemName, Slug};
use crate::lookalikes;
use crate::policy::facts::Match;
use crate::policy::{Engine, default_document};

#[test]
fn no_disguise_is_a_name() {
    for (disguise, text) in lookalikes::of(HOUSEHOLD) {
        assert!(text.parse::<EntryName>().is_err(), "{disguise}: {text:?}");
    }
    for (disguise, text) in lookalikes::of("public-security") {
        assert!(text.parse::<DepartmentId>().is_err() && text.parse::<Slug>().is_err(), "{disguise}: {text:?}");
    }
    for (disguise, text) in lookalikes::of("id_number") {
        assert!(text.parse::<ItemName>().is_err(), "{disguise}: {text:?}");
    }
}

#[test]
fn a_purpose_that_looks_like_the_granted_one_is_another() {
    let city = City::new(default_document());
    city.publish(HOUSEHOLD, "conditional");
    city.grant(|_| ());
    let engine = Engine::new(&default_document()).unwrap();
    let (consumer, entry) = (department("civil-affairs"), HOUSEHOLD.parse().unwrap());
    let items = ["name".parse().unwrap()];
    let ask = |purpose: &str| {
        let call = Call {
            consumer: &consumer,
            role: Role::System,
            entry: &entry,
            purpose,
            items: &items,
            params: None,
            zone: None,
            now: super::testing::START.plus(1),
        };
        look(&city.state(), &call).facts
    };
    assert!(engine.decide(&ask("social-assistance")).allowed);
    for (disguise, purpose) in lookalikes::of("social-assistance") {
        let facts = ask(&purpose);
        assert_eq!((facts.grant, facts.purpose), (Some(GrantState::Active), Match::No), "{disguise}: {purpose:?}");
        assert!(!engine.decide(&facts).allowed, "{disguise}: {purpose:?}");
    }
}

#[test]
fn a_word_that_looks_like_one_is_none_in_a_rule() {
    for (place, word) in [(1, "query"), (2, "auditor"), (5, "published"), (6, "unconditional"), (8, "active")] {
        for (disguise, text) in lookalikes::of(word) {
            let mut cells = ["rule", "*", "*", "*", "*", "*", "*", "*", "*", "*", "*", "*", "*", "allow", "-"];
            cells[place] = &text;
            let read = rules::parse(&cells.join(","));
            // Spaces around a cell are for people; `*` and a list stand for what they say.
            let is_said = text.trim() == word || text == "*";
            assert!(is_said || matches!(read, Err(PolicyError::Rule { .. })), "{disguise}: {text:?}: {read:?}");
        }
    }
}
