//! A disk fills up, of a follower and of the leader: work is refused before anything breaks, and goes on by itself.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::load::{PROVIDER, write};
use super::shim::Shim;
use crate::harness::{City, Examples, SOON, eventually, until};

const VOTERS: [&str; 3] = ["data-bureau", "audit", PROVIDER];

/// While this file is there, a node's disk has no room; what the node itself writes still fits into the reserve.
fn switch(place: &Path, at: &str) -> PathBuf {
    place.join(at)
}

fn check(ready: &Value) -> &Value {
    ready["checks"].as_array().unwrap().iter().find(|check| check["name"] == "disk").unwrap()
}

/// The value of a metric.
fn metric(city: &City, at: &str, name: &str) -> f64 {
    let text = city.anonymous(at).get("/metrics").text;
    let line = text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap_or_else(|| panic!("no {name}"));
    line.rsplit_once(' ').unwrap().1.parse().unwrap()
}

/// Waits until a node writes to the ledger.
fn writes(city: &City, at: &str) -> u64 {
    let mut number = 0;
    until(&format!("{at} writes"), SOON, || {
        number += 1;
        let (answer, _) = write(city, at, number)?;
        if answer.status != 201 {
            answer.check_problem();
            assert_eq!(answer.status, 503, "{answer}");
        }
        answer.body["ledger_index"].as_u64()
    })
}

/// Fills a node's disk and sees that it refuses all new work, says why, and lets the others go on.
fn fill(city: &City, place: &Path, at: &str) {
    std::fs::write(switch(place, at), "").unwrap();
    let ready = until(&format!("{at} says that its disk is full"), SOON, || {
        city.anonymous(at).try_get("/readyz").filter(|answer| answer.status == 503)
    });
    let check = check(&ready.body);
    assert_eq!(check["ok"], false, "{ready}");
    assert!(check["detail"].as_str().unwrap().contains("make room"), "{ready}");
    assert_eq!(city.anonymous(at).get("/healthz").status, 200, "a restart would not help");
    assert!(metric(city, at, "mulu_disk_full") > 0.0 && metric(city, at, "mulu_disk_free_bytes") > 0.0);

    let system = city.system(at);
    let params = json!({"id_number": Examples::get().seller_id_number});
    let call = json!({"purpose": "statistics", "cause": "核验", "params": params});
    for (path, body) in [
        ("grants", json!({})),
        ("catalog/entries", json!({})),
        ("query/public-security/household-registration", call.clone()),
    ] {
        let refused = system.post(path, &body);
        assert!(refused.header("retry-after").is_some(), "{refused}");
        let problem = refused.problem(503, "disk_full");
        assert!(problem["detail"].as_str().unwrap().contains("by itself"), "{at}: {problem}");
    }
    let chinese = system.with("accept-language", "zh").post("grants", &json!({})).problem(503, "disk_full");
    assert!(chinese["detail"].as_str().unwrap().contains("磁盘"), "{chinese}");
    assert!(!system.get("catalog/entries").ok()["items"].as_array().unwrap().is_empty(), "reading goes on");
    if at == PROVIDER {
        let asked = city.system("audit").post("query/public-security/household-registration", &call);
        asked.problem(503, "outbox_full");
    }
    for other in VOTERS.iter().filter(|other| **other != at && *other != &PROVIDER) {
        writes(city, other);
    }
}

/// Makes room again: the node goes on and catches up, without a restart.
fn make_room(city: &City, place: &Path, at: &str) {
    let pid = city.pid(at);
    std::fs::remove_file(switch(place, at)).unwrap();
    city.wait_ready(at);
    assert!(metric(city, at, "mulu_disk_full") < 1.0);
    let newest = writes(city, "audit");
    until(&format!("{at} has caught up"), SOON, || {
        let path = format!("departments?min_index={newest}");
        city.system(at).try_get(&path).filter(|answer| answer.status == 200)
    });
    assert_eq!(city.pid(at), pid, "{at} was started again");
}

#[test]
fn a_full_disk_refuses_work_and_takes_it_again_when_there_is_room() {
    let (city, place) = (City::at_rest(PROVIDER), tempfile::tempdir().unwrap());
    for at in VOTERS {
        let shim = Shim::over(&city.node(at).data_dir).switched(&switch(place.path(), at), "ENOSPC", "/disk-probe");
        city.start_with(at, &shim.environment());
    }
    VOTERS.iter().for_each(|at| city.wait_ready(at));
    writes(&city, "audit");

    let leads = || until("a leader", SOON, || city.leader("audit"));
    let leader = leads();
    let follower = VOTERS.iter().rev().find(|at| **at != leader).unwrap();
    fill(&city, place.path(), follower);
    make_room(&city, place.path(), follower);

    let leader = leads();
    fill(&city, place.path(), &leader);
    let witness = VOTERS.iter().find(|at| **at != leader).unwrap();
    eventually("another leads", || city.leader(witness).is_some_and(|now| now != leader));
    make_room(&city, place.path(), &leader);

    // With two of three full there is no majority, and nothing breaks either.
    for at in ["data-bureau", PROVIDER] {
        std::fs::write(switch(place.path(), at), "").unwrap();
    }
    let refused = until("the last one says that nothing can be written", SOON, || {
        write(&city, "audit", 0).map(|(answer, _)| answer).filter(|answer| answer.status == 503)
    });
    refused.problem(503, "no_quorum");
    for at in ["data-bureau", PROVIDER] {
        std::fs::remove_file(switch(place.path(), at)).unwrap();
    }
    VOTERS.iter().for_each(|at| city.wait_ready(at));
    writes(&city, "audit");
}
