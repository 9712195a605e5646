//! The house itself: floors import only what lies below them, and each library has its one place.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot read the house must fail")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The floors, from the ground up (ARCHITECTURE.md).
const FLOORS: [&str; 14] = [
    "clock",
    "ids",
    "crypto",
    "ledger",
    "domain",
    "state",
    "storage",
    "consensus",
    "policy",
    "readmodel",
    "exchange",
    "service",
    "web",
    "cli",
];

/// Libraries that only one floor, or two, may name.
const PLACES: [(&str, &[&str]); 6] = [
    ("sled::", &["storage"]),
    ("casbin::", &["policy"]),
    ("tantivy::", &["readmodel"]),
    ("diesel::", &["readmodel", "exchange"]),
    ("actix_web::", &["web"]),
    ("raft::", &["consensus"]),
];

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

/// Every source file below `src/` that belongs to a floor, with the floor's name and its code without comments.
fn rooms() -> Vec<(String, PathBuf, Vec<String>)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    files
        .into_iter()
        .filter_map(|path| {
            let inside = path.strip_prefix(&src).unwrap();
            let floor = inside.components().next().unwrap().as_os_str().to_str().unwrap();
            let floor = floor.strip_suffix(".rs").unwrap_or(floor).to_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.lines().map(|line| line.split("//").next().unwrap_or_default().to_owned()).collect();
            (!["lib", "main"].contains(&floor.as_str())).then_some((floor, path, code))
        })
        .collect()
}

fn height(floor: &str) -> usize {
    FLOORS.iter().position(|known| *known == floor).unwrap_or_else(|| panic!("{floor} is not a floor"))
}

#[test]
fn a_floor_imports_only_floors_below_it() {
    let mut wrong = Vec::new();
    for (floor, path, code) in rooms() {
        for (number, line) in code.iter().enumerate() {
            for part in line.split("crate::").skip(1) {
                let target: String = part.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                if FLOORS.contains(&target.as_str()) && height(&target) > height(&floor) {
                    wrong.push(format!("{}:{}: {floor} looks up to {target}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_library_stays_in_its_place() {
    let mut wrong = Vec::new();
    for (floor, path, code) in rooms() {
        for (number, line) in code.iter().enumerate() {
            for (library, places) in PLACES {
                // `raft::` is also the end of other paths; only a path's beginning counts.
                let names_it = line
                    .match_indices(library)
                    .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'));
                if names_it && !places.contains(&floor.as_str()) {
                    wrong.push(format!("{}:{}: {library} belongs to {places:?}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_room_says_what_it_is_for_and_is_no_hall() {
    let mut wrong = Vec::new();
    for (_, path, _) in rooms() {
        let text = std::fs::read_to_string(&path).unwrap();
        if !text.starts_with("//! ") {
            wrong.push(format!("{}: the first line does not say its purpose", path.display()));
        }
        let lines = text.lines().count();
        if lines > 500 {
            wrong.push(format!("{}: {lines} lines", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Names of metrics in a text, without the endings that histograms add.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let words = text.split(|c: char| !is_part(c));
    let names = words.filter(|word| word.starts_with("mulu_") || word.starts_with("process_"));
    let family =
        |name: &str| ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).map(str::to_owned);
    names.map(|name| family(name).unwrap_or_else(|| name.to_owned())).collect()
}

#[test]
fn operators_are_told_of_no_metric_that_is_not_there() {
    let house = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&house.join("src/web/metrics"), &mut files);
    files.push(house.join("src/cli/ledger/watch/tell.rs"));
    let exported: BTreeSet<String> = files
        .iter()
        .flat_map(|path| {
            let text = std::fs::read_to_string(path).unwrap();
            // Names are texts of the program; what its tests write is none.
            let code = text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
            code.split('"').skip(1).step_by(2).flat_map(metrics_in).collect::<Vec<_>>()
        })
        .collect();
    assert!(exported.contains("mulu_ready") && exported.contains("process_threads"), "{exported:?}");
    for file in ["docs/operating.md", "docs/operating/alerts.yaml", "docs/operating/dashboard.json"] {
        let named = metrics_in(&std::fs::read_to_string(house.join(file)).unwrap());
        assert!(!named.is_empty(), "{file} names no metric");
        let unknown: Vec<_> = named.difference(&exported).collect();
        assert!(unknown.is_empty(), "{file} names metrics that no node exports: {unknown:?}");
    }
}
