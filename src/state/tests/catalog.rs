//! An entry's place in the catalog: its code, its level, its parent.

use super::*;
use crate::domain::catalog::Entry;

fn entry(name: &str, level: &str, code: &str, parent: Option<&str>) -> Entry {
    let text = json!({"zh": "目录", "en": "catalog"});
    let mut entry = json!({
        "name": name, "version": "1.0", "level": level, "code": code, "title": text, "summary": text, "duty": text,
        "classification": {"class": text, "category": text, "topic": text, "detail": text},
        "provider_code": "11110000000021135M", "format": {"category": "database", "type": "sqlite"},
        "sharing": "conditional", "open": false, "update_cycle": "daily", "issue_date": "2026-01-01",
        "items": [{"name": "name", "title": text, "type": "string", "length": 40, "sensitive": true, "grade": 3}],
        "request_schema": {}, "response_schema": {},
    });
    if let Some(parent) = parent {
        entry["parent"] = json!(parent);
    }
    serde_json::from_value(entry).unwrap()
}

fn publish(city: &mut City, entry: Entry) -> Result<TxId, Refusal> {
    let publication = EntryPublication { entry, drafted_by: actor("clerk1", Role::Clerk) };
    city.does(PS_REVIEWER, Command::PublishEntry(publication))
}

#[test]
fn levels_hang_together_and_codes_are_given_once() {
    let mut city = City::new();
    let (duty, data, table) =
        ("public-security/residents", "public-security/residents-data", "public-security/residents-api");
    let mut head = entry(duty, "duty", "101001/000001", None);
    head.items.clear();
    publish(&mut city, head).unwrap();
    for (wrong, code) in [
        (entry(data, "data", "101001/000001", Some(duty)), "conflict"),
        (entry(data, "data", "101001/000002", Some("public-security/nobody")), "unknown"),
        (entry(table, "interface", "101001/000002", Some(duty)), "invalid"),
        (entry(data, "data", "nonsense", Some(duty)), "invalid"),
        (entry(duty, "duty", "101001/000001", Some(duty)), "invalid"),
    ] {
        assert_eq!(publish(&mut city, wrong).unwrap_err().code(), code);
    }
    publish(&mut city, entry(data, "data", "101001/000002", Some(duty))).unwrap();
    publish(&mut city, entry(table, "interface", "101001/000010", Some(data))).unwrap();
    let below = |city: &City, name: &str| -> Vec<String> {
        city.state.children(&name.parse().unwrap()).map(ToString::to_string).collect()
    };
    assert_eq!((below(&city, duty), below(&city, data)), (vec![data.to_owned()], vec![table.to_owned()]));
    assert_eq!((city.state.last_code("101001"), city.state.last_code("10100")), (10, 0));

    let next = |level: &str, code: &str, parent| {
        let mut next = entry(data, level, code, parent);
        next.version = "2.0".parse().unwrap();
        next
    };
    let moved = publish(&mut city, next("interface", "101001/000002", None));
    assert_eq!(moved.unwrap_err().code(), "conflict", "an entry stands below it");
    publish(&mut city, next("data", "101001/000003", None)).unwrap();
    assert_eq!(below(&city, duty), Vec::<String>::new());
    assert_eq!(city.state.entry_of_code("101001/000002"), None, "a code that was given up is free");
    assert_eq!(city.state.entry_of_code("101001/000003").map(ToString::to_string).as_deref(), Some(data));

    // An index that was made from a snapshot is the same.
    let mut bytes = Vec::new();
    city.state.write(&mut bytes).unwrap();
    let again = State::read(&mut bytes.as_slice()).unwrap();
    assert_eq!((again.last_code("101001"), again.digest()), (10, city.state.digest()));
    assert_eq!(again.children(&data.parse().unwrap()).count(), 1);
}

#[test]
fn what_edition_3_brought_waits_for_it() {
    let mut city = City::of_edition(Some(2));
    let duty = "public-security/residents";
    let mut bare = entry(duty, "duty", "101001/000001", None);
    bare.items.clear();
    assert_eq!(publish(&mut city, bare).unwrap_err().code(), "invalid");
    publish(&mut city, entry(duty, "duty", "101001/000001", None)).unwrap();
    let below = entry("public-security/residents-data", "data", "101001/000002", Some(duty));
    assert_eq!(publish(&mut city, below.clone()).unwrap_err().code(), "payload_unreadable");
    // A code that older programs let pass twice stays so.
    publish(&mut city, entry("public-security/other", "data", "101001/000001", None)).unwrap();
    let raise = crate::domain::edition::EditionChange { edition: 3 };
    city.does(("data-bureau", "root", Role::Admin), Command::SetEdition(raise)).unwrap();
    publish(&mut city, below).unwrap();
}

#[test]
fn an_item_that_is_not_shared_cannot_be_asked_for() {
    let mut city = City::new();
    let mut kept = entry("public-security/household-registration", "interface", "101001/000001", None);
    kept.items[0].sharing = Some(crate::domain::catalog::Sharing::NotShared);
    publish(&mut city, kept).unwrap();
    let asked = city.request(&["name"], 10, 30);
    assert_eq!(city.does(CA_CLERK, asked).unwrap_err().code(), "not_allowed");
}
