//! Nodes are killed, restarted and left alone: what was acknowledged stays, what cannot be written is refused.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{City, SOON, Wish, eventually, until};

/// Writes that a node acknowledged: transaction and index.
pub type Acknowledged = BTreeMap<String, u64>;

fn wish(consumer: &str, number: usize) -> Value {
    let mut body = Wish { consumer, ..Wish::default() }.body();
    body["matter"] = json!(format!("事项{number}"));
    body
}

/// Writes at every given node at the same time, until `enough` says so; only answers of success count.
pub fn write_until(city: &City, nodes: &[&str], enough: impl FnOnce(&AtomicUsize)) -> Acknowledged {
    let (stop, count, all) = (AtomicBool::new(false), AtomicUsize::new(0), Mutex::new(Acknowledged::new()));
    thread::scope(|scope| {
        for department in nodes {
            let (stop, count, all) = (&stop, &count, &all);
            scope.spawn(move || {
                for number in 0.. {
                    if stop.load(SeqCst) {
                        return;
                    }
                    let answer = city.system(department).try_post("grants", &wish(department, number));
                    let Some(answer) = answer else { continue };
                    if answer.status == 201 {
                        let id = answer.body["transaction_id"].as_str().unwrap().to_owned();
                        let index = answer.body["ledger_index"].as_u64().unwrap();
                        all.lock().unwrap_or_else(PoisonError::into_inner).insert(id, index);
                        count.fetch_add(1, SeqCst);
                    } else {
                        assert_eq!(answer.status, 503, "{answer}");
                        answer.check_problem();
                    }
                }
            });
        }
        // Also when this story fails, the writers must come to an end.
        let _stopping = Stop(&stop);
        enough(&count);
    });
    all.into_inner().unwrap_or_else(PoisonError::into_inner)
}

struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

/// Claims that every node has every acknowledged transaction, at the place that was told.
pub fn nothing_is_lost(city: &City, acknowledged: &Acknowledged) {
    let last = acknowledged.values().max().unwrap();
    for node in city.nodes() {
        let system = city.system(&node.department);
        until(&format!("{} has caught up", node.department), SOON, || {
            system.try_get(&format!("departments?min_index={last}")).filter(|answer| answer.status == 200)
        });
        for (id, index) in acknowledged {
            let found = system.get(&format!("ledger/transactions/{id}")).ok();
            assert_eq!(found["ledger_index"], *index, "{} at {}", id, node.department);
        }
    }
}

#[test]
fn a_city_survives_its_leader_a_power_cut_and_the_loss_of_its_majority() {
    let city = City::of_three("public-security");
    let mut acknowledged = the_leader_is_killed(&city);
    nothing_is_lost(&city, &acknowledged);
    the_power_is_cut(&city, &mut acknowledged);
    without_a_majority_nothing_is_written_and_everything_is_read(&city, &acknowledged);
    nothing_is_lost(&city, &acknowledged);
}

fn the_leader_is_killed(city: &City) -> Acknowledged {
    let leader = until("a leader", SOON, || city.leader("audit"));
    let others: Vec<&str> = ["data-bureau", "audit"].into_iter().filter(|node| *node != leader).collect();
    let acknowledged = write_until(city, &others, |count| {
        until("writes go on", SOON, || (count.load(SeqCst) >= 5).then_some(()));
        city.kill(&leader);
        let before = count.load(SeqCst);
        // One answer may have been on its way when the leader died.
        until("others write again", Duration::from_secs(15), || (count.load(SeqCst) > before + 3).then_some(()));
    });
    let witness = others[0];
    let next = city.leader(witness).expect("another leader");
    assert_ne!(next, leader);
    city.start(&leader);
    city.wait_ready(&leader);
    acknowledged
}

fn the_power_is_cut(city: &City, acknowledged: &mut Acknowledged) {
    let before = write_until(city, &["data-bureau", "audit"], |count| {
        until("writes go on", SOON, || (count.load(SeqCst) >= 5).then_some(()));
        city.nodes().iter().for_each(|node| city.kill(&node.department));
    });
    acknowledged.extend(before);
    city.start_all();
    nothing_is_lost(city, acknowledged);
    let written = city.system("audit").post("grants", &wish("audit", 0)).ok();
    let (id, index) = (written["transaction_id"].as_str().unwrap(), written["ledger_index"].as_u64().unwrap());
    assert!(index > *acknowledged.values().max().unwrap());
    acknowledged.insert(id.to_owned(), index);
}

fn without_a_majority_nothing_is_written_and_everything_is_read(city: &City, acknowledged: &Acknowledged) {
    city.kill("data-bureau");
    city.kill("public-security");
    let (anyone, system) = (city.anonymous("audit"), city.system("audit"));
    let ready = until("the survivor says that it is not ready", SOON, || {
        anyone.try_get("/readyz").filter(|answer| answer.status == 503)
    });
    let checks = ready.body["checks"].as_array().unwrap();
    let quorum = checks.iter().find(|check| check["name"] == "quorum").unwrap();
    assert_eq!((&ready.body["ready"], &quorum["ok"]), (&json!(false), &json!(false)), "{ready}");
    assert_eq!(anyone.get("/healthz").status, 200, "the process itself is well");

    let refused = system.post("grants", &wish("audit", 1));
    assert!(refused.header("retry-after").is_some(), "{refused}");
    refused.problem(503, "no_quorum");
    for (id, index) in acknowledged.iter().take(3) {
        assert_eq!(system.get(&format!("ledger/transactions/{id}")).ok()["ledger_index"], *index);
    }
    assert!(!system.get("catalog/entries?q=户籍").ok()["items"].as_array().unwrap().is_empty());
    assert_eq!(system.get("cluster").ok()["has_quorum"], false);

    city.start("data-bureau");
    city.wait_ready("audit");
    city.start("public-security");
    city.wait_ready("public-security");
    eventually("writes go on", || system.post("grants", &wish("audit", 2)).status == 201);
}
