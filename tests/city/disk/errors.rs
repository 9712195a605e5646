//! Every kind of call that a node makes to its disk fails, one at a time and under load: a short write is completed, a
//! failed write or sync of ledger or store ends the process with 70, the city goes on, and nothing acknowledged is lost.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::load::{Kept, Kind, Load, PROVIDER};
use super::shim::Shim;
use crate::harness::{City, SOON, mulu, until};
use crate::storms::chance::{Chance, amount};

/// What a node does when a call fails.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Then {
    /// It ends with 70: what lies on its disk is not known any more.
    Ends,
    /// It goes on: the call is repeated, or what failed can be made anew.
    GoesOn,
}

/// A call on files whose paths contain a text, how it fails, and what follows.
#[derive(Clone, Copy, Debug)]
struct Fault(&'static str, &'static str, &'static str, Then);

/// Each in its turn; the chance decides which of many such calls it is.
const FAULTS: [Fault; 18] = [
    Fault("write", ".seg", "EIO", Then::Ends),
    Fault("sync", ".seg", "EIO", Then::Ends),
    Fault("write", ".seg", "SHORT", Then::GoesOn),
    Fault("write", "/store/db", "EIO", Then::Ends),
    Fault("write", ".seg", "ENOSPC", Then::Ends),
    Fault("sync", "/store/db", "EIO", Then::Ends),
    Fault("write", "/store/db", "SHORT", Then::GoesOn),
    Fault("write", "/projection.db", "EIO", Then::GoesOn),
    Fault("sync", ".seg", "ENOSPC", Then::Ends),
    Fault("write", "/store/db", "ENOSPC", Then::Ends),
    Fault("write", "/local.db", "EIO", Then::GoesOn),
    Fault("sync", "/local.db", "EIO", Then::GoesOn),
    Fault("write", "/ledger/tree/", "EIO", Then::Ends),
    Fault("write", "/projection.db", "ENOSPC", Then::GoesOn),
    Fault("write", "/local.db", "ENOSPC", Then::GoesOn),
    Fault("write", "/ledger/checkpoint", "EIO", Then::GoesOn),
    Fault("rename", "/ledger/checkpoint", "EIO", Then::GoesOn),
    Fault("write", "/disk-probe", "ENOSPC", Then::GoesOn),
];

/// Lets one call of a node fail, and sees what follows.
fn fail(city: &City, at: &str, fault: Fault, nth: u64, place: &Path, load: &Load<'_>) {
    let Fault(call, part, error, then) = fault;
    let (said, armed, data) = (&place.join("said"), &place.join("armed"), &city.node(at).data_dir);
    for file in [said, armed] {
        let _ = std::fs::remove_file(file);
    }
    city.kill(at);
    city.start_with(at, &Shim::over(data).failing(call, nth, error, part, said).armed_by(armed).environment());
    city.wait_ready(at);
    std::fs::write(armed, "").unwrap();
    let what = format!("the {nth}. {call} of {part} at {at} fails with {error}");
    until(&what, SOON, || said.exists().then_some(()));
    if then == Then::Ends {
        assert_eq!(city.ended(at), 70, "{what}");
        let log = city.log(at);
        let last = log.lines().last().unwrap_or_default();
        assert!(last.contains("the node cannot go on") && last.contains("\"ERROR\""), "{what}: {last}");
        city.start(at);
    }
    city.wait_ready(at);
    let before = load.count(Kind::Transaction);
    until(&format!("{what}: the city goes on"), SOON, || (load.count(Kind::Transaction) > before + 2).then_some(()));
    let told = std::fs::read_to_string(said).unwrap();
    let is_kept = [".seg", "/store/db"].contains(&part);
    assert!(!is_kept || !told.contains("again sync"), "{what}: a failed sync was tried again: {told}");
}

/// Every node has every transaction at its place, and the auditor every access.
fn nothing_is_lost(city: &City, acks: &[Kept]) {
    for node in city.nodes() {
        let system = city.system(&node.department);
        for ack in acks {
            if let Kept::Transaction { id, index, .. } = ack {
                let path = format!("ledger/transactions/{id}?min_index={index}");
                let found = until(&format!("{id} at {}", node.department), SOON, || {
                    system.try_get(&path).filter(|answer| answer.status == 200)
                });
                assert_eq!(found.body["ledger_index"], *index, "{id} at {}", node.department);
            }
        }
    }
    let auditor = city.person("audit", "auditor1");
    for ack in acks {
        if let Kept::Access { id, .. } = ack {
            let on_record = || auditor.try_get(&format!("audit/accesses/{id}")).filter(|answer| answer.status == 200);
            until(&format!("the access {id} is on record"), SOON, || on_record().map(|_| ()));
        }
    }
}

#[test]
fn each_call_to_the_disk_fails_once_and_nothing_acknowledged_is_lost() {
    let mut chance = Chance::of("disk errors");
    let city = City::of_three(PROVIDER);
    let (nodes, place) = (["audit", "data-bureau"], tempfile::tempdir().unwrap());
    let faults = FAULTS.iter().cycle().take(usize::try_from(amount("MULU_DISK_ERRORS", 18)).unwrap());
    let acks = Load::on(&city).tolerating(500).work(
        &nodes,
        || (),
        |load| {
            for (n, fault) in faults.enumerate() {
                // No writer works at the provider: what is local to a node is written at another.
                let often = [".seg", "/store/db", "/local.db", "/projection.db"].contains(&fault.1);
                let nth = 1 + chance.below(if often { 12 } else { 2 });
                // Records of accesses lie in the provider's store: it is written most there.
                let at = if fault.1 == "/store/db" {
                    PROVIDER
                } else if fault.1 == "/local.db" {
                    nodes[n % 2]
                } else {
                    city.nodes()[n % 3].department.as_str()
                };
                fail(&city, at, *fault, nth, place.path(), load);
            }
        },
    );
    let acks: Vec<Kept> = acks.into_iter().map(|ack| ack.kept).collect();
    nothing_is_lost(&city, &acks);
    city.stop_all();
    for node in city.nodes() {
        mulu(&["ledger", "verify", "--dir", node.data_dir.to_str().unwrap()]).ok();
    }
}

/// A node's folder as it was before its first start, but for the accounts.
fn begin_anew(data: &Path, accounts: &[(PathBuf, Vec<u8>)]) {
    std::fs::remove_dir_all(data).unwrap();
    std::fs::create_dir_all(data.join("model")).unwrap();
    accounts.iter().for_each(|(path, bytes)| std::fs::write(path, bytes).unwrap());
}

#[test]
fn a_first_start_that_fails_at_any_call_can_be_repeated() {
    let mut chance = Chance::of("disk errors at the first start");
    let city = City::at_rest_with(PROVIDER, 1);
    let (node, place) = (city.node("data-bureau"), tempfile::tempdir().unwrap());
    let said = place.path().join("said");
    let accounts = ["model/local.db", "model/local.db-wal"].map(|name| node.data_dir.join(name));
    let accounts: Vec<_> =
        accounts.into_iter().filter_map(|path| Some((path.clone(), std::fs::read(path).ok()?))).collect();
    let calls =
        [("create", 10), ("write", 30), ("sync", 14), ("rename", 2), ("create", 10), ("write", 30), ("sync", 14)];
    for (call, most) in calls.iter().cycle().take(usize::try_from(amount("MULU_DISK_ERRORS", 18)).unwrap() / 2) {
        let (nth, error) = (1 + chance.below(*most), *chance.pick(&["EIO", "ENOSPC"]));
        begin_anew(&node.data_dir, &accounts);
        let _ = std::fs::remove_file(&said);
        city.start_with("data-bureau", &Shim::over(&node.data_dir).failing(call, nth, error, "", &said).environment());
        let what = format!("the {nth}. {call} of a new node fails with {error}");
        let anyone = city.anonymous("data-bureau");
        // Ready, since nothing depended on it, or ended.
        until(&what, SOON, || {
            let is_ready = || anyone.try_get("/readyz").is_some_and(|answer| answer.status == 200);
            (!city.runs("data-bureau") || is_ready()).then_some(())
        });
        if !city.runs("data-bureau") {
            let code = city.ended("data-bureau");
            assert!([1, 70].contains(&code), "{what}: it ended with {code}");
            city.start("data-bureau");
            city.wait_ready("data-bureau");
        }
        let ready = anyone.get("/readyz").ok();
        assert_eq!(ready["ready"], json!(true), "{what}");
        city.kill("data-bureau");
    }
}
