//! The node's store under a power cut: a process that writes and flushes as fast as it can, cut thousands of times.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;

use mulu::storage::node_store::{Batch, NodeStore};

use super::image::{Disk, Loss};
use super::journal;
use super::power::in_memory;
use super::shim::Shim;
use crate::harness::{SOON, until};
use crate::storms::chance::{Chance, amount};

/// Tells the process that writes where to do it.
const PLACE: &str = "MULU_STORE_PLACE";
const KEYS: u64 = 400;
const ROUNDS: u64 = 1_500;

/// Keys with their values; none is removed.
type Edits = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// What a round writes: a few keys, each with the round's number, or nothing where they are removed.
fn edits(round: u64) -> Edits {
    let mut chance = Chance::by(round);
    let count = 1 + chance.below(12);
    let edit = |_| {
        let key = format!("key/{:04}", chance.below(KEYS)).into_bytes();
        let value = (!chance.percent(25)).then(|| {
            let mut value = round.to_be_bytes().to_vec();
            let most = if chance.percent(5) { 4_000 } else { 300 };
            value.resize(8 + usize::try_from(chance.below(most)).unwrap(), 7);
            value
        });
        (key, value)
    };
    (0..count).map(edit).collect()
}

/// The store, as soon as threads of its last use let go of it.
fn opened(dir: &Path) -> NodeStore {
    until("the store opens", SOON, || match NodeStore::open(dir) {
        Ok(store) => Some(store),
        Err(error) if error.to_string().contains("lock") => None,
        Err(error) => panic!("{error}"),
    })
}

/// The process that writes; the story below starts it.
#[test]
#[ignore = "is started by the story of the store"]
fn writes_and_flushes() {
    let Some(place) = std::env::var_os(PLACE).map(PathBuf::from) else { return };
    let mut acknowledged = std::fs::File::create(place.join("acknowledged")).unwrap();
    for run in 0..3 {
        // Opened again and again: a store is mended when it is opened, and that can be cut too.
        let store = opened(&place.join("disk/data/store"));
        for round in run * ROUNDS / 3..(run + 1) * ROUNDS / 3 {
            let mut batch = Batch::default();
            for (key, value) in edits(round) {
                match value {
                    Some(value) => batch.put(&key, &value),
                    None => batch.delete(&key),
                }
            }
            store.apply(batch).unwrap();
            // Some are not flushed, as the node does not flush what it can lose.
            if round % 3 != 1 {
                store.flush().unwrap();
                writeln!(acknowledged, "{round} {}", journal::position(&place.join("journal"))).unwrap();
            }
        }
    }
}

#[test]
fn a_store_that_loses_power_has_all_that_was_flushed_and_opens() {
    let place = in_memory();
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new(program);
    command.args(["--exact", "disk::store::writes_and_flushes", "--ignored", "--quiet"]).env(PLACE, place.path());
    std::fs::create_dir(place.path().join("disk")).unwrap();
    let shim = Shim::over(&place.path().join("disk")).recording(&place.path().join("journal"));
    command.envs(shim.environment());
    assert!(command.status().unwrap().success());

    let text = std::fs::read_to_string(place.path().join("acknowledged")).unwrap();
    let number = |word: Option<&str>| -> u64 { word.unwrap().parse().unwrap() };
    let acks: Vec<(u64, u64)> = text
        .lines()
        .map(|line| line.split(' '))
        .map(|mut words| (number(words.next()), number(words.next())))
        .collect();
    let entries = journal::read(&place.path().join("journal"));
    let all: Vec<Edits> = (0..ROUNDS).map(edits).collect();
    let (mut chance, count) = (Chance::of("power of a store"), amount("MULU_POWER_CUTS", 250));
    let end = entries.last().unwrap().end;
    let mut cuts: Vec<u64> = (0..count).map(|_| chance.below(end)).collect();
    cuts.sort_unstable();
    let (data, mut disk) = (place.path().join("disk/data"), Disk::default());
    let (mut coming, mut wrong) = (entries.iter().peekable(), Vec::new());
    for (n, cut) in cuts.into_iter().enumerate() {
        while let Some(entry) = coming.next_if(|entry| entry.end <= cut) {
            disk.change(&entry.change);
        }
        let (loss, image) = (Loss::any(&mut chance), place.path().join(format!("image-{n}")));
        disk.cut(&data, loss, &mut chance, &image);
        let flushed = acks.iter().take_while(|(_, at)| *at <= cut).last().map_or(0, |(round, _)| round + 1);
        let looked = catch_unwind(AssertUnwindSafe(|| look(&image, flushed, &all)));
        match looked {
            Ok(None) => drop(std::fs::remove_dir_all(&image)),
            Ok(Some(why)) => wrong.push(format!("cut {n} at {cut} of {end}, {loss:?}: {why}")),
            Err(_) => wrong.push(format!("cut {n} at {cut} of {end}, {loss:?}: opening panics")),
        }
    }
    let shown = wrong.iter().take(20).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{} of {count} cuts lose something:\n{shown}", wrong.len());
}

/// What is wrong with a store in which so many rounds were flushed: each key must be as then, or as a later round left it.
fn look(image: &Path, flushed: u64, all: &[Edits]) -> Option<String> {
    let store = match NodeStore::open(&image.join("store")) {
        Ok(store) => store,
        Err(error) => return Some(error.to_string()),
    };
    let mut found: BTreeMap<Vec<u8>, Vec<u8>> = store.scan_prefix(b"", usize::MAX).unwrap().into_iter().collect();
    let (before, later) = all.split_at(usize::try_from(flushed).unwrap());
    let expected: BTreeMap<_, _> = before.iter().flatten().cloned().collect();
    for (key, value) in expected {
        let is = found.remove(&key);
        if is == value {
            continue;
        }
        if !later.iter().flatten().any(|(other, value)| *other == key && *value == is) {
            let of = |value: Option<Vec<u8>>| value.map(|value| u64::from_be_bytes(value[..8].try_into().unwrap()));
            return Some(format!("{} is of round {:?}, not {:?}", String::from_utf8_lossy(&key), of(is), of(value)));
        }
    }
    None
}
