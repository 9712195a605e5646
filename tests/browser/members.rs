//! The administrator's story: a department's node is admitted, moved, replaced and removed on the cluster's page.

use serde_json::Value;

use crate::browser::Browser;
use crate::harness::{City, eventually, mulu};

const BUREAU: &str = "data-bureau";

/// What the cluster says of the water department's node.
fn water(city: &City) -> Value {
    let cluster = city.system(BUREAU).get("cluster").ok();
    let nodes = cluster["nodes"].as_array().unwrap();
    nodes.iter().find(|node| node["department"] == "water").cloned().unwrap_or_default()
}

#[test]
fn an_administrator_admits_moves_replaces_and_removes_a_node() {
    let (city, browser) = (City::of_three("public-security"), Browser::start());
    let dir = city.dir();
    let invite = ["node", "invite", "--city", dir.to_str().unwrap(), "--department", "water", "--host", "127.0.0.1"];
    mulu(&[&invite[..], &["--base-port", "0"]].concat()).ok();
    let card = std::fs::read_to_string(dir.join("water/card.json")).unwrap();
    let tab = browser.tab(&city, BUREAU);
    tab.sign_in(&city, BUREAU, "admin1");
    let made = |button: &str| {
        tab.go(button);
        tab.sees("The change is on the ledger");
    };
    tab.open("/cluster");
    tab.fill("card", "{}");
    tab.go("Admit a department's node");
    tab.sees("this is not the card of a node");
    tab.open("/cluster");
    tab.fill("card", &card);
    made("Admit a department's node");
    city.start("water");
    eventually("it learns", || water(&city)["role"] == "learner" && water(&city)["caught_up"] == true);

    let (raft, peer, number) = {
        let line = water(&city);
        let elsewhere = |name: &str| line[name].as_str().unwrap().replace("127.0.0.1", "localhost");
        (elsewhere("raft"), elsewhere("peer"), line["node_id"].as_u64().unwrap())
    };
    let place = || {
        tab.fill("place-department", "water");
        tab.fill("raft", &raft);
        tab.fill("peer", &peer);
    };
    place();
    made("Move or replace a node");
    assert_eq!((&water(&city)["raft"], &water(&city)["node_id"]), (&raft.clone().into(), &number.into()));

    place();
    tab.tick("replace", "yes");
    made("Move or replace a node");
    assert_eq!(water(&city)["node_id"], number + 1);
    city.stop("water");

    tab.fill("remove-department", "water");
    made("Remove a node");
    eventually("it is out", || water(&city)["wanted"] == "none" && water(&city)["role"] == "none");
    tab.is_quiet();
}
