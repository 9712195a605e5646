//! Backups of nodes that serve, and the ways back from them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::SeqCst;

use mulu::service::config::NodeConfig;
use serde_json::json;

use crate::faults::{Acknowledged, nothing_is_lost, write_until};
use crate::harness::{City, SOON, Wish, mulu, mulu_told, until};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Takes a backup of a running node; answers the file.
fn back_up(city: &City, department: &str, name: &str) -> PathBuf {
    let file = city.dir().join(name);
    let config = city.config(department);
    let arguments = ["backup", "--config", text(&config), "--user", "admin1", "--out", text(&file)];
    let said = mulu_told(&arguments, city.password(department, "admin1")).ok();
    assert!(said.contains(department) && said.contains("transactions in"), "{said}");
    file
}

/// Makes a node's folder anew from a backup, with the secret that no backup holds.
fn restore(city: &City, department: &str, backup: &Path, how: &[&str]) -> String {
    let folder = city.dir().join(department);
    let aside = city.dir().join(format!("{department}.before"));
    if aside.exists() {
        fs::remove_dir_all(&aside).unwrap();
    }
    fs::rename(&folder, &aside).unwrap();
    let said = mulu(&[&["restore", text(backup), "--into", text(&folder)], how].concat()).ok();
    fs::create_dir(folder.join("secret")).unwrap();
    fs::copy(aside.join("secret/keys.secret"), folder.join("secret/keys.secret")).unwrap();
    assert!(!folder.join("data/model/projection.db").exists(), "the read model is made anew");
    said
}

#[test]
fn backups_taken_under_load_bring_the_city_back() {
    let city = City::of_three("public-security");
    let departments: Vec<String> = city.nodes().iter().map(|node| node.department.clone()).collect();
    let before = only_administrators_take_backups(&city);
    let mut backups = Vec::new();
    let during = write_until(&city, &["data-bureau", "audit"], |count| {
        until("writes go on", SOON, || (count.load(SeqCst) >= 3).then_some(()));
        for department in &departments {
            backups.push(back_up(&city, department, &format!("{department}.mulu-backup")));
        }
        let written = count.load(SeqCst);
        until("writes went on", SOON, || (count.load(SeqCst) > written).then_some(()));
    });
    assert!(during.len() > 3);
    what_is_damaged_is_not_restored(&city, &backups[0]);
    the_whole_city_goes_back(&city, &departments, &backups, &before);
    a_node_alone_does_not_vote_under_its_old_number(&city, &backups[1]);
}

/// Also writes something that every later backup must hold.
fn only_administrators_take_backups(city: &City) -> Acknowledged {
    let written = city.system("audit").post("grants", &Wish { consumer: "audit", ..Wish::default() }.body()).ok();
    let (id, index) = (written["transaction_id"].as_str().unwrap(), written["ledger_index"].as_u64().unwrap());
    city.person("audit", "clerk1").get("backup").problem(403, "role_not_allowed");
    city.system("audit").get("backup").problem(403, "role_not_allowed");
    city.anonymous("audit").get("backup").problem(401, "not_authenticated");
    let (config, out) = (city.config("audit"), city.dir().join("no.mulu-backup"));
    let arguments = ["backup", "--config", text(&config), "--user", "clerk1", "--out", text(&out)];
    let refused = mulu_told(&arguments, city.password("audit", "clerk1")).failed(1);
    assert!(refused.contains("role_not_allowed") && !out.exists(), "{refused}");
    Acknowledged::from([(id.to_owned(), index)])
}

fn what_is_damaged_is_not_restored(city: &City, backup: &Path) {
    let said = mulu(&["restore", text(backup), "--check"]).ok();
    assert!(said.contains("VALID") && said.contains("cosigned by"), "{said}");
    let whole = fs::read(backup).unwrap();
    let (damaged, into) = (city.dir().join("damaged.mulu-backup"), city.dir().join("never"));
    let segment = whole.windows(8).position(|bytes| bytes == b"MULUSEG1").unwrap();
    for change in
        [&|bytes: &mut Vec<u8>| bytes.truncate(bytes.len() / 2) as _, &|bytes: &mut Vec<u8>| bytes[segment + 500] ^= 1]
            as [&dyn Fn(&mut Vec<u8>); 2]
    {
        let mut bytes = whole.clone();
        change(&mut bytes);
        fs::write(&damaged, &bytes).unwrap();
        let said = mulu(&["restore", text(&damaged), "--into", text(&into)]).failed(1);
        assert!(said.contains("NOT VALID"), "{said}");
        mulu(&["restore", text(&damaged), "--check"]).failed(1);
    }
    let left: Vec<String> = fs::read_dir(city.dir())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("never") || name.contains("checking") || name.contains("restoring"))
        .collect();
    assert!(left.is_empty(), "{left:?} is left behind");
    fs::create_dir(&into).unwrap();
    fs::write(into.join("something"), b"of somebody's").unwrap();
    mulu(&["restore", text(backup), "--into", text(&into)]).failed(2);
}

fn the_whole_city_goes_back(city: &City, departments: &[String], backups: &[PathBuf], before: &Acknowledged) {
    city.stop_all();
    let mut entries: Vec<(u64, &str)> = Vec::new();
    for (department, backup) in departments.iter().zip(backups) {
        let said = restore(city, department, backup, &["--whole-city"]);
        let number = said.split(" entries").next().and_then(|text| text.rsplit(' ').next()?.parse().ok());
        entries.push((number.unwrap_or_else(|| panic!("no entries in {said}")), department));
    }
    // As the command says: a majority first, among it the voter with the most entries.
    entries.sort();
    let (last, first) = entries.split_first().unwrap();
    first.iter().for_each(|(_, department)| city.start(department));
    first.iter().for_each(|(_, department)| city.wait_ready(department));
    city.start(last.1);
    city.wait_ready(last.1);
    nothing_is_lost(city, before);
    for department in departments {
        assert_eq!(city.person(department, "admin1").get("sessions/current").status, 200, "sessions are in local.db");
    }
    let wish = Wish { consumer: "data-bureau", items: &["name"], ..Wish::default() };
    city.grant(&wish, &json!({}));
}

fn a_node_alone_does_not_vote_under_its_old_number(city: &City, backup: &Path) {
    let department = &city.nodes()[1].department;
    city.stop(department);
    let said = restore(city, department, backup, &[]);
    assert!(said.contains("mulu node replace"), "{said}");
    let refused = mulu(&["node", "--config", text(&city.config(department))]).failed(1);
    assert!(refused.contains("must not take part in consensus as number"), "{refused}");
    comes_back_under_a_new_number(city, department, 71);
}

/// The authority gives the node another number, with which it starts.
fn comes_back_under_a_new_number(city: &City, department: &str, number: u64) {
    let path = city.config(department);
    let own = NodeConfig::load(&path).unwrap().own().unwrap().clone();
    let authority = &city.node("data-bureau").url;
    let number = number.to_string();
    let place = ["--raft", &own.raft, "--peer", &own.peer, "--node-id", &number];
    let replace = ["node", "replace", "--node", authority, "--user", "admin1", "--department", department];
    mulu_told(&[&replace[..], &place].concat(), city.password("data-bureau", "admin1")).ok();
    let config = fs::read_to_string(&path).unwrap();
    let old = format!("node_id = {}\n", own.node_id);
    assert_eq!(config.matches(&old).count(), 1, "{config}");
    fs::write(&path, config.replace(&old, &format!("node_id = {number}\n"))).unwrap();
    city.start(department);
    city.wait_ready(department);
    until("it votes again", SOON, || {
        let cluster = city.system("data-bureau").get("cluster").ok();
        let nodes = cluster["nodes"].as_array()?.clone();
        nodes
            .iter()
            .any(|node| node["node_id"] == json!(number.parse::<u64>().unwrap()) && node["role"] != "learner")
            .then_some(())
    });
}

#[test]
fn a_damaged_node_says_so_mends_what_it_can_and_begins_nothing_empty() {
    let city = City::of_three("public-security");
    let backup = back_up(&city, "audit", "audit.mulu-backup");
    let acknowledged = write_until(&city, &["data-bureau", "audit"], |count| {
        until("writes go on", SOON, || (count.load(SeqCst) >= 12).then_some(()));
    });
    old_entries_come_back_from_others(&city, &acknowledged);
    the_projection_is_filled_anew(&city, &acknowledged);
    local_data_comes_back_from_the_backup_only(&city, &backup);
    what_was_lost_comes_from_others_under_another_number(&city, &acknowledged);
}

/// All files below a node's `data/damaged`.
fn kept(city: &City, department: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![city.node(department).data_dir.join("damaged")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

fn old_entries_come_back_from_others(city: &City, acknowledged: &Acknowledged) {
    city.stop("audit");
    let ledger = city.node("audit").data_dir.join("ledger");
    let segment = ledger.join("00000000000000000001.seg");
    let before = fs::read(&segment).unwrap();
    // In the genesis, and in a block in the middle.
    flip(&segment, 300);
    flip(&segment, before.len() / 2);
    let damaged = fs::read(&segment).unwrap();
    city.start("audit");
    city.wait_ready("audit");
    assert!(city.log("audit").contains("the node's files are mended"));
    nothing_is_lost(city, acknowledged);
    assert_eq!(fs::read(&segment).unwrap()[..before.len()], before[..], "only what was damaged is new");
    let aside: Vec<PathBuf> = kept(city, "audit");
    assert_eq!(aside.len(), 1, "{aside:?}");
    assert_eq!(fs::read(&aside[0]).unwrap(), damaged);
    city.stop("audit");
    mulu(&["ledger", "verify", "--dir", text(&city.node("audit").data_dir)]).ok();
    city.start("audit");
    city.wait_ready("audit");
}

fn the_projection_is_filled_anew(city: &City, acknowledged: &Acknowledged) {
    city.stop("audit");
    let before = kept(city, "audit").len();
    fs::write(city.node("audit").data_dir.join("model/projection.db"), b"no database").unwrap();
    city.start("audit");
    city.wait_ready("audit");
    nothing_is_lost(city, acknowledged);
    assert!(kept(city, "audit").len() > before);
}

fn local_data_comes_back_from_the_backup_only(city: &City, backup: &Path) {
    let (config, data) = (city.config("audit"), city.node("audit").data_dir.clone());
    let start = || mulu(&["node", "--config", text(&config)]).failed(1);
    city.stop("audit");
    let database = data.join("model/local.db");
    let whole = fs::read(&database).unwrap();
    // All but the first page, which alone is read at a start.
    let mut damaged = whole.clone();
    damaged[4096..].fill(0xa5);
    fs::write(&database, damaged).unwrap();
    let _ = fs::remove_file(data.join("model/local.db-wal"));
    for said in [start(), start()] {
        assert!(said.contains("local.db is damaged") && said.contains("Lost with it"), "{said}");
        assert!(said.contains("the newest backup of this node was taken on"), "{said}");
    }
    assert!(!database.exists() && kept(city, "audit").iter().any(|path| path.ends_with("local.db")));
    mulu(&["restore", text(backup), "--local", text(&city.config("data-bureau"))]).failed(2);
    mulu(&["restore", text(backup), "--local", text(&config)]).ok();
    city.start("audit");
    city.wait_ready("audit");
    city.system("audit").get("departments").ok();
}

fn what_was_lost_comes_from_others_under_another_number(city: &City, acknowledged: &Acknowledged) {
    let (config, data) = (city.config("audit"), city.node("audit").data_dir.clone());
    city.stop("audit");
    let rebuild = ["node", "rebuild", "--config", text(&config)];
    let refused = mulu(&rebuild).failed(2);
    assert!(refused.contains("holds a ledger"), "{refused}");
    // The store is gone: the node must not begin anew with the votes it may have given.
    fs::rename(data.join("store"), data.join("store.lost")).unwrap();
    let said = mulu(&["node", "--config", text(&config)]).failed(1);
    assert!(said.contains("is gone, and with it what this node voted"), "{said}");
    let said = mulu(&[&rebuild[..], &["--set-aside"]].concat()).ok();
    assert!(said.contains("cosigned by") && said.contains("is given up"), "{said}");
    let verified = mulu(&["ledger", "verify", "--dir", text(&data)]).ok();
    assert!(verified.contains("VALID"), "{verified}");
    let refused = mulu(&["node", "--config", text(&config)]).failed(1);
    assert!(refused.contains("must not take part in consensus as number"), "{refused}");
    // What the copy proved is not applied a second time.
    let started = |log: &str| log.matches("starting from a snapshot of the state").count();
    let before = started(&city.log("audit"));
    comes_back_under_a_new_number(city, "audit", 72);
    assert_eq!(started(&city.log("audit")), before + 1);
    nothing_is_lost(city, acknowledged);
}
