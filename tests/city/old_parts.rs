//! Old parts of the ledger in an archive, and starts from a snapshot of the state: what is served while they are there,
//! and what is said when they are not.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::{Answer, Archive, City, Paper, SOON, mulu, until};

/// A node writes a snapshot at its end after 4,096 transactions.
const PAPERS: usize = 4_300;
const AT_ONCE: usize = 500;
/// The node whose ledger is moved about.
const OWN: &str = "audit";

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn ledger(city: &City) -> PathBuf {
    city.node(OWN).data_dir.join("ledger")
}

/// Answers the papers, and where the last one stands.
fn hand_in(archive: &Archive) -> (Vec<Paper>, u64) {
    let mut last = 0;
    let papers: Vec<Paper> = (0..PAPERS).map(|number| archive.sign(&format!("papers of {number}"), "档案")).collect();
    for some in papers.chunks(AT_ONCE) {
        let answers = archive.hand_in(some).expect("the node answers").ok();
        let answers = answers.as_array().unwrap();
        assert!(answers.iter().all(|answer| answer["outcome"] == "done"), "{answers:?}");
        last = answers.iter().filter_map(|answer| answer["ledger_index"].as_u64()).fold(last, u64::max);
    }
    (papers, last)
}

/// Makes three segment files of one, as if the ledger had been longer: the first keeps a tenth of the entries, and so
/// does the last.
fn cut_in_three(ledger: &Path) {
    let whole = fs::read(ledger.join("00000000000000000001.seg")).unwrap();
    // Behind the header of 16 bytes: length (4), checksum (4), 18 bytes more, data.
    let mut places = vec![16];
    while let Some(length) = whole.get(places[places.len() - 1]..).and_then(|rest| rest.first_chunk::<4>()) {
        places.push(places[places.len() - 1] + 26 + u32::from_be_bytes(*length) as usize);
    }
    let entries = places.len() - 1;
    assert!(entries >= 20 && places[entries] == whole.len(), "{entries} entries");
    let bounds = [0, entries / 10, entries - entries / 10, entries];
    for part in bounds.windows(2) {
        let first = part[0] as u64 + 1;
        let bytes = [b"MULUSEG1", &first.to_be_bytes()[..], &whole[places[part[0]]..places[part[1]]]].concat();
        fs::write(ledger.join(format!("{first:020}.seg")), bytes).unwrap();
    }
}

/// Names a folder for the archive in `node.toml`, and moves what may be moved.
fn move_to(city: &City, folder: &Path) -> String {
    let config = city.config(OWN);
    let named = fs::read_to_string(&config).unwrap();
    mulu(&["ledger", "archive", "--config", text(&config), "--keep", "1"]).failed(2);
    fs::write(&config, format!("{named}\n[ledger]\narchive = \"{}\"\n", text(folder))).unwrap();
    mulu(&["ledger", "archive", "--config", text(&config), "--keep", "1"]).ok()
}

fn start(city: &City) {
    city.start(OWN);
    city.wait_ready(OWN);
}

fn started_from(city: &City) -> usize {
    city.log(OWN).matches("starting from a snapshot of the state").count()
}

/// A paper, and the last place of the ledger that the answer must know.
struct Old<'a>(&'a Paper, u64);

impl Old<'_> {
    fn record(&self, city: &City) -> Answer {
        city.system(OWN).get(&format!("ledger/transactions/{}?min_index={}", self.0.id, self.1))
    }

    fn receipt(&self, city: &City) -> Answer {
        city.system(OWN).get(&format!("ledger/transactions/{}/receipt?min_index={}", self.0.id, self.1))
    }
}

#[test]
fn old_parts_lie_in_an_archive_and_starts_need_neither_them_nor_a_whole_snapshot() {
    let city = City::of_three("public-security");
    let (papers, last) = hand_in(&Archive::of(&city, OWN));
    let (old, new) = (Old(&papers[PAPERS / 2], last), Old(&papers[PAPERS - 1], last));
    let before = old.record(&city).ok();
    // The newest entry is in what all nodes cosigned, so that all below it may be moved.
    new.receipt(&city).ok();
    city.stop(OWN);
    let folder = city.dir().join("archive");
    cut_in_three(&ledger(&city));
    let said = move_to(&city, &folder);
    assert!(said.contains("1 of 3 files moved to"), "{said}");
    let from_snapshots = started_from(&city);
    start(&city);
    assert_eq!(started_from(&city), from_snapshots + 1);
    what_is_archived_is_served_while_it_is_there(&city, &folder, &old, &before);
    a_damaged_snapshot_is_set_aside(&city, &before, &old);
}

fn what_is_archived_is_served_while_it_is_there(city: &City, folder: &Path, old: &Old<'_>, before: &serde_json::Value) {
    let trust = city.dir().join("trust.toml");
    let verified = |receipt: &Answer| {
        let file = city.dir().join("receipt.json");
        fs::write(&file, &receipt.text).unwrap();
        mulu(&["receipt", "verify", text(&file), "--policy", text(&trust)]).ok()
    };
    assert_eq!(old.record(city).ok()["payload"], before["payload"]);
    assert!(verified(&old.receipt(city)).contains("VALID"));
    let size = city.system(OWN).get("cluster").ok()["ledger_size"].as_u64().unwrap();
    let consistent = format!("ledger/consistency?from={}&to={size}", size / 2);
    let proof = city.system(OWN).get(&consistent).ok();

    // The archive is away: proofs need no records; whoever asks for one is told where it lies, also by a new start.
    let away = folder.with_extension("away");
    for starts_anew in [false, true] {
        fs::rename(folder, &away).unwrap();
        if starts_anew {
            city.stop(OWN);
            start(city);
        }
        old.record(city).problem(503, "archived");
        old.receipt(city).problem(503, "archived");
        assert_eq!(city.system(OWN).get(&consistent).ok(), proof);
        fs::rename(&away, folder).unwrap();
        assert_eq!(old.record(city).ok()["payload"], before["payload"]);
        assert!(verified(&old.receipt(city)).contains("VALID"));
    }
}

fn a_damaged_snapshot_is_set_aside(city: &City, before: &serde_json::Value, old: &Old<'_>) {
    city.stop(OWN);
    let snapshots = || -> Vec<PathBuf> {
        let listing = fs::read_dir(ledger(city).join("snapshots")).unwrap();
        let mut files: Vec<PathBuf> = listing.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    };
    let whole = snapshots().pop().unwrap();
    let mut bytes = fs::read(&whole).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(&whole, bytes).unwrap();
    let from_snapshots = started_from(city);
    start(city);
    assert!(city.log(OWN).contains("a snapshot is damaged: it is set aside"));
    assert_eq!(started_from(city), from_snapshots, "the whole ledger is applied, its archived part with it");
    assert!(!whole.exists() && snapshots().contains(&whole.with_extension("snap.damaged")), "{:?}", snapshots());
    assert_eq!(old.record(city).ok()["payload"], before["payload"]);
    let checkpoint = |department: &str| city.system(department).get("ledger/checkpoint?newest=true").text;
    let head = |note: &str| note.lines().take(3).map(str::to_owned).collect::<Vec<_>>();
    until("it holds what the others hold", SOON, || {
        (head(&checkpoint(OWN)) == head(&checkpoint("data-bureau"))).then_some(())
    });
}
