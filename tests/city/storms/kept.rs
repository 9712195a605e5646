//! After a storm: everything acknowledged stands at every node once, where it was told, and all nodes agree.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::harness::{Caller, City, mulu, until};

use super::load::{Acknowledged, PATIENCE};

const PAGE: &str = "ledger/transactions?refused=false&kind=digest.record&page_size=200";

/// Claims that nothing acknowledged is lost, doubled, moved or changed at any node, and that all nodes agree.
#[track_caller]
pub fn nothing_is_lost(city: &City, acknowledged: &Acknowledged) {
    assert!(!acknowledged.is_empty(), "nothing was acknowledged");
    let first = acknowledged.values().map(|kept| kept.index).min().unwrap();
    let last = acknowledged.values().map(|kept| kept.index).max().unwrap();
    for node in city.nodes() {
        let department = node.department.as_str();
        let system = city.system(department);
        until(&format!("{department} has caught up"), PATIENCE, || {
            system.try_get(&format!("departments?min_index={last}")).filter(|answer| answer.status == 200)
        });
        let found = papers(&system, first);
        for (id, kept) in acknowledged {
            let places = found.get(id).map(Vec::as_slice).unwrap_or_default();
            assert_eq!(
                places,
                [(kept.index, kept.digest.clone())],
                "{id} at {department}, acknowledged by {}",
                kept.by
            );
        }
    }
    all_agree(city, last);
}

/// Every paper that a node lists as done, down to an index: its places and digests.
fn papers(system: &Caller, first: u64) -> BTreeMap<String, Vec<(u64, String)>> {
    let mut found: BTreeMap<String, Vec<(u64, String)>> = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let page = system.get(&format!("{PAGE}&cursor={cursor}")).ok();
        let items = page["items"].as_array().unwrap();
        let text = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
        for item in items {
            let place = (item["ledger_index"].as_u64().unwrap(), text(item, "reference"));
            found.entry(text(item, "transaction_id")).or_default().push(place);
        }
        let lowest = items.last().and_then(|item| item["ledger_index"].as_u64()).unwrap_or_default();
        match page["next_cursor"].as_str() {
            Some(next) if lowest >= first => next.clone_into(&mut cursor),
            _ => return found,
        }
    }
}

/// Claims that all nodes come to the same size, root and digest of the state, beyond an index.
#[track_caller]
fn all_agree(city: &City, last: u64) {
    let seen = |department: &str| {
        let asker = city.system(department).with("accept", "application/json");
        let shown = asker.try_get("ledger/checkpoint?newest=true").filter(|answer| answer.status == 200)?.body;
        Some((shown["size"].as_u64()?, shown["root"].clone(), shown["state"].clone()))
    };
    until("all nodes have cosigned the same size", PATIENCE, || {
        let all: Option<Vec<_>> = city.nodes().iter().map(|node| seen(&node.department)).collect();
        let all = all?;
        let size = all.first()?.0;
        if size <= last || all.iter().any(|one| one.0 != size) {
            return None;
        }
        assert!(all.iter().all(|one| one == &all[0]), "nodes disagree about the ledger of size {size}: {all:?}");
        Some(())
    });
}

/// Has every node's ledger audited offline.
#[track_caller]
pub fn ledgers_verify(city: &City) {
    for node in city.nodes() {
        mulu(&["ledger", "verify", "--dir", node.data_dir.to_str().unwrap(), "--chain", city.chain()]).ok();
    }
}
