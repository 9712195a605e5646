//! Departments join, vote, are replaced and leave, while others write: by the commands that operators use.

use std::path::PathBuf;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use serde_json::{Value, json};

use crate::faults::{Acknowledged, write_until};
use crate::harness::{City, SOON, mulu, mulu_told, signal, until};

const BUREAU: &str = "data-bureau";
/// A node starts, fetches a copy and catches up.
const JOINED: Duration = Duration::from_secs(60);

/// What `mulu node` says to the authority's administrator.
fn node(city: &City, what: &str, arguments: &[&str]) -> String {
    let url = city.node(BUREAU).url.clone();
    let asked = [&["node", what, "--node", &url, "--user", "admin1"], arguments].concat();
    mulu_told(&asked, city.password(BUREAU, "admin1")).ok()
}

fn admin(city: &City, path: &str, body: &Value) -> crate::harness::Answer {
    city.person(BUREAU, "admin1").post(path, body)
}

fn cluster(city: &City, at: &str) -> Value {
    city.system(at).get("cluster").ok()
}

fn line(cluster: &Value, department: &str) -> Value {
    let nodes = cluster["nodes"].as_array().unwrap();
    nodes.iter().find(|node| node["department"] == department).cloned().unwrap_or_default()
}

/// The folder of a department that is to join.
fn invite(city: &City, department: &str) -> PathBuf {
    let dir = city.dir();
    let arguments =
        ["node", "invite", "--city", dir.to_str().unwrap(), "--department", department, "--host", "127.0.0.1"];
    mulu(&[&arguments[..], &["--base-port", "0"]].concat()).ok();
    dir.join(department)
}

fn settled(city: &City, at: &str, department: &str, role: &str) {
    until(&format!("{department} is {role}"), JOINED, || {
        let seen = city.system(at).try_get("cluster").filter(|answer| answer.status == 200)?.body;
        let line = line(&seen, department);
        let is_so = line["role"] == role || (role == "voter" && line["role"] == "leader");
        (is_so && seen["settled"] == true && line["caught_up"] == true).then_some(())
    });
}

fn stands(city: &City, acknowledged: &Acknowledged) {
    let last = acknowledged.values().max().unwrap();
    let system = city.system(BUREAU);
    until("all is applied", SOON, || {
        system.try_get(&format!("departments?min_index={last}")).filter(|answer| answer.status == 200)
    });
    for (id, index) in acknowledged {
        assert_eq!(system.get(&format!("ledger/transactions/{id}")).ok()["ledger_index"], *index, "{id}");
    }
}

#[test]
fn a_department_joins_votes_is_replaced_and_leaves_while_others_write() {
    let city = City::of_three("public-security");
    refusals(&city);
    let acknowledged = write_until(&city, &["audit"], |count| {
        until("some are written", SOON, || (count.load(SeqCst) > 5).then_some(()));
        // Water joins, catches up and is promoted; then the third no longer votes.
        let folder = invite(&city, "water");
        node(&city, "admit", &[folder.join("card.json").to_str().unwrap()]);
        city.start("water");
        settled(&city, BUREAU, "water", "learner");
        node(&city, "voters", &["data-bureau,audit,water"]);
        settled(&city, BUREAU, "water", "voter");
        settled(&city, BUREAU, "public-security", "learner");
        let before = count.load(SeqCst);
        until("more is written", SOON, || (count.load(SeqCst) > before + 5).then_some(()));
        assert!(node(&city, "list", &[]).contains("water"));
    });
    stands(&city, &acknowledged);

    // A dead voter is replaced under a new number; what its old disk says is heard no more.
    city.kill("water");
    let number = line(&cluster(&city, BUREAU), "water")["node_id"].as_u64().unwrap();
    let config = city.config("water");
    let text = std::fs::read_to_string(&config).unwrap();
    let own = line(&cluster(&city, BUREAU), "water");
    let (raft, peer) = (own["raft"].as_str().unwrap(), own["peer"].as_str().unwrap());
    let said = node(&city, "replace", &["--department", "water", "--raft", raft, "--peer", peer]);
    assert!(said.contains(&format!("node_id = {}", number + 1)), "{said}");
    let data = city.dir().join("water/data");
    std::fs::rename(&data, city.dir().join("water/lost")).unwrap();
    std::fs::create_dir(&data).unwrap();
    std::fs::write(&config, text.replace(&format!("node_id = {number}"), &format!("node_id = {}", number + 1)))
        .unwrap();
    city.start("water");
    settled(&city, BUREAU, "water", "voter");
    assert_eq!(line(&cluster(&city, "audit"), "water")["node_id"], number + 1);

    // The leader itself is removed: it hands over, knows that it is out, and the others go on.
    let leader = until("a leader", SOON, || city.leader("public-security"));
    let other = if leader == "audit" { BUREAU } else { "audit" };
    let removed = admin(&city, &format!("departments/{leader}/node/remove"), &json!({}));
    assert_eq!(removed.status, 200, "{removed}");
    until("it is out", SOON, || {
        let seen = city.system(other).try_get("cluster").filter(|answer| answer.status == 200)?.body;
        (line(&seen, &leader)["role"] == "none" && seen["settled"] == true).then_some(())
    });
    if leader != "water" {
        until("it says so", SOON, || {
            let ready = city.anonymous(&leader).try_get("/readyz")?;
            (ready.status == 503 && ready.text.contains("was removed")).then_some(())
        });
    }
    let more = write_until(&city, &[other], |count| {
        until("they write on", SOON, || (count.load(SeqCst) > 3).then_some(()));
    });
    assert!(!more.is_empty());
}

#[test]
fn votes_go_from_three_to_five_to_seven_and_back_while_others_write() {
    let city = City::of_three("public-security");
    let all = [BUREAU, "audit", "public-security", "water", "transport", "tax", "civil-affairs"];
    let acknowledged = write_until(&city, &["audit"], |count| {
        for department in &all[3..] {
            let folder = invite(&city, department);
            node(&city, "admit", &[folder.join("card.json").to_str().unwrap()]);
            city.start(department);
            settled(&city, BUREAU, department, "learner");
        }
        for voters in [5, 7, 3] {
            let (voting, learning) = all.split_at(voters);
            node(&city, "voters", &[&voting.join(",")]);
            voting.iter().for_each(|department| settled(&city, BUREAU, department, "voter"));
            learning.iter().for_each(|department| settled(&city, BUREAU, department, "learner"));
            let before = count.load(SeqCst);
            until("more is written", SOON, || (count.load(SeqCst) > before + 5).then_some(()));
        }
    });
    stands(&city, &acknowledged);
    the_only_voter_stays_and_one_change_follows_the_other(&city);
}

fn the_only_voter_stays_and_one_change_follows_the_other(city: &City) {
    until("a change is refused while another is made", JOINED, || {
        node(city, "voters", &[BUREAU]);
        settled(city, BUREAU, BUREAU, "voter");
        let refused = admin(city, "departments/data-bureau/node/remove", &json!({}));
        assert_eq!((refused.status, refused.code()), (409, "last_voter"), "{refused}");
        is_refused_while_new_voters_stand_still(city).then_some(())
    });
    ["audit", "public-security"].iter().for_each(|department| settled(city, BUREAU, department, "voter"));
}

/// Processes that stand still until this is dropped.
struct Frozen(Vec<u32>);

impl Frozen {
    fn of(city: &City, departments: &[&str]) -> Self {
        let frozen = Self(departments.iter().map(|department| city.pid(department)).collect());
        frozen.0.iter().for_each(|pid| signal(*pid, "STOP"));
        frozen
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.0.iter().for_each(|pid| signal(*pid, "CONT"));
    }
}

/// Whether another change was refused in the moments before the only old voter, without a majority of the new ones,
/// stops leading.
fn is_refused_while_new_voters_stand_still(city: &City) -> bool {
    let three = json!({"departments": [BUREAU, "audit", "public-security"]});
    std::thread::scope(|scope| {
        let _frozen = Frozen::of(city, &["audit", "public-security"]);
        // Answers only when the change is made, is refused, or takes too long.
        let asked = scope.spawn(|| city.person(BUREAU, "admin1").try_post("cluster/voters", &three));
        let joint = until("the change begins, or is not made", JOINED, || {
            let seen = city.system(BUREAU).try_get("cluster")?.body;
            let is_over = seen["leader"] == json!(null) || asked.is_finished();
            (seen["joint"] == true || is_over).then_some(seen["joint"] == true)
        });
        if !joint && asked.is_finished() {
            eprintln!("the change was not made: {}", asked.join().ok().flatten().map_or_else(String::new, |a| a.text));
        }
        joint && admin(city, "departments/water/node/remove", &json!({})).code() == "change_under_way"
    })
}

/// Each refusal, before anything is signed.
fn refusals(city: &City) {
    let size = cluster(city, BUREAU)["ledger_size"].clone();
    let place = json!({"raft": "127.0.0.1:9", "peer": "127.0.0.1:10"});
    let with = |number: u64| json!({"raft": "127.0.0.1:9", "peer": "127.0.0.1:10", "node_id": number});
    let third = line(&cluster(city, BUREAU), "public-security")["node_id"].as_u64().unwrap();
    for (path, body, status, code) in [
        ("departments/fire/node", place.clone(), 404, "not_found"),
        ("departments/audit/node", with(third), 409, "number_used"),
        ("departments/fire/node/remove", json!({}), 404, "not_found"),
        ("cluster/voters", json!({"departments": ["public-security", "audit"]}), 422, "unprocessable"),
        ("cluster/voters", json!({"departments": ["public-security", "audit", "fire"]}), 404, "not_found"),
    ] {
        let refused = admin(city, path, &body);
        assert_eq!((refused.status, refused.code()), (status, code), "{path}: {refused}");
        refused.check_problem();
    }
    for (who, code) in [("admin1", "not_the_authority"), ("clerk1", "role_not_allowed")] {
        let refused = city.person("public-security", who).post("departments/audit/node/remove", &json!({}));
        assert_eq!((refused.status, refused.code()), (403, code), "{refused}");
    }
    // With one of three away, the loss of another would be the end of the majority.
    city.stop("public-security");
    let away = || cluster(city, BUREAU)["nodes"].as_array().unwrap().iter().any(|n| n["reachable"] == false);
    until("one is away", SOON, || away().then_some(()));
    let refused = admin(city, "departments/audit/node/remove", &json!({}));
    assert_eq!((refused.status, refused.code()), (409, "would_lose_quorum"), "{refused}");
    city.start("public-security");
    city.wait_ready("public-security");
    assert_eq!(cluster(city, BUREAU)["ledger_size"], size, "something was signed");
}
