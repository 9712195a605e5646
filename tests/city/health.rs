//! What a node says of itself and of the others when a clock is wrong or a majority is gone.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::harness::{City, SOON, until};

/// Compiles a library that stands between a node and the system.
fn shim(city: &City, name: &str) -> PathBuf {
    let source = format!("{}/tests/city/shims/{name}.c", env!("CARGO_MANIFEST_DIR"));
    let library = city.dir().join(format!("{name}.so"));
    let built =
        Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl").output();
    let built = built.expect("a C compiler");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    library
}

fn check(ready: &Value, name: &str) -> Value {
    let checks = ready["checks"].as_array().expect("checks");
    checks.iter().find(|check| check["name"] == name).cloned().unwrap_or_else(|| panic!("no {name} in {ready}"))
}

#[test]
fn a_wrong_clock_is_told_by_the_node_itself_and_by_the_others() {
    let city = City::of_three("tax");
    let library = shim(&city, "clock");
    city.stop("tax");
    city.start_with("tax", &[("LD_PRELOAD", library.to_str().unwrap()), ("MULU_CLOCK_AHEAD_S", "90")]);
    let told = until("tax says that its clock is wrong", SOON, || {
        let ready = city.anonymous("tax").try_get("/readyz").filter(|answer| answer.status == 503)?.body;
        Some(check(&ready, "clock")).filter(|check| check["ok"] == false)
    });
    let detail = told["detail"].as_str().unwrap();
    assert!(detail.contains("ahead of the other nodes'") && detail.contains("NTP"), "{detail}");
    let seen = until("the others say it too", SOON, || {
        let cluster = city.system("audit").get("cluster").ok();
        let tax = cluster["nodes"].as_array()?.iter().find(|node| node["department"] == "tax")?.clone();
        tax["troubles"].as_array()?.iter().any(|name| name == "clock").then_some(tax)
    });
    let ahead = seen["clock_ahead_ms"].as_i64().unwrap();
    assert!((85_000..=90_500).contains(&ahead), "{seen}");
    let metrics = city.anonymous("audit").get("/metrics").text;
    assert!(
        metrics.contains(r#"mulu_peer_clock_ahead_seconds{department="tax"} 8"#)
            || metrics.contains(r#"mulu_peer_clock_ahead_seconds{department="tax"} 90"#),
        "{metrics}"
    );
    // Two of three clocks agree: theirs are not in doubt.
    let audit = city.anonymous("audit").get("/readyz");
    assert!(audit.status == 200 && check(&audit.body, "clock")["ok"] == true, "{audit}");
    city.stop("tax");
    city.start("tax");
    city.wait_ready("tax");
}

#[test]
fn a_lost_majority_shows_in_readiness_metrics_and_cluster() {
    let city = City::of_three("tax");
    city.kill("tax");
    city.kill("data-bureau");
    let ready = until("the last node says that the majority is gone", Duration::from_secs(30), || {
        let answer = city.anonymous("audit").try_get("/readyz").filter(|answer| answer.status == 503)?;
        Some(answer.body).filter(|ready| check(ready, "quorum")["ok"] == false)
    });
    assert!(check(&ready, "quorum")["detail"].as_str().unwrap().contains("majority of voters"), "{ready}");
    let metrics = city.anonymous("audit").get("/metrics").text;
    for line in ["mulu_raft_has_quorum 0", "mulu_check_ok{check=\"quorum\"} 0", "mulu_ready 0"] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in {metrics}");
    }
    until("nobody else is reached", SOON, || {
        let metrics = city.anonymous("audit").get("/metrics").text;
        metrics.contains("mulu_peer_reachable{department=\"tax\"} 0").then_some(())
    });
    let cluster = city.system("audit").get("cluster").ok();
    assert_eq!(cluster["has_quorum"], false, "{cluster}");
    city.start("tax");
    city.wait_ready("audit");
}
