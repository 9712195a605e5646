//! The load of a storm: the archives of all departments hand in papers, and remember what was acknowledged.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{Archive, City, Paper, pause, until};

use super::chance::Chance;

/// After this long, a city that does not write is one that never will: on a crowded machine its disk alone may take seconds.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A paper that a node said to stand on the ledger.
pub struct Kept {
    /// Where.
    pub index: u64,
    /// What it records.
    pub digest: String,
    /// Which node said so.
    pub by: String,
    /// When it was handed in the time that succeeded.
    pub handed_in: Instant,
    /// When the node said so.
    pub told: Instant,
}

/// By transaction.
pub type Acknowledged = BTreeMap<String, Kept>;

/// The archives of a city's departments.
pub struct Load {
    archives: Vec<Archive>,
    /// Papers of one call.
    batch: usize,
    /// Between two calls.
    gap: Duration,
    chance: Mutex<Chance>,
}

/// What the load has done so far.
pub struct Progress {
    count: BTreeMap<String, AtomicU64>,
    stop: AtomicBool,
    kept: Mutex<Acknowledged>,
}

impl Load {
    /// An archive at every node of a running city.
    pub fn of(city: &City, batch: usize, gap: Duration, chance: &mut Chance) -> Self {
        let archives = city.nodes().iter().map(|node| Archive::of(city, &node.department)).collect();
        Self { archives, batch, gap, chance: Mutex::new(chance.fork()) }
    }

    /// Hands papers in at every node, each one call after the other, until `storm` is over.
    pub fn during(&self, storm: impl FnOnce(&Progress)) -> Acknowledged {
        let count = self.archives.iter().map(|archive| (archive.department().to_owned(), AtomicU64::new(0)));
        let progress = Progress { count: count.collect(), stop: AtomicBool::new(false), kept: Mutex::default() };
        thread::scope(|scope| {
            for archive in &self.archives {
                let chance = self.chance.lock().unwrap_or_else(PoisonError::into_inner).fork();
                let progress = &progress;
                scope.spawn(move || self.write(archive, progress, chance));
            }
            // Also when the storm's story fails, the writers must come to an end.
            let _stopping = Stop(&progress.stop);
            storm(&progress);
        });
        progress.kept.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, archive: &Archive, progress: &Progress, mut chance: Chance) {
        let mut papers: Vec<Paper> = Vec::new();
        let mut number = 0u64;
        while !progress.stop.load(SeqCst) {
            thread::park_timeout(self.gap);
            // What was not acknowledged may stand there all the same: handed in again, it must not stand there twice.
            if papers.is_empty() || chance.percent(30) {
                let sign = |at| archive.sign(&format!("{} {number} {at}", archive.department()), "storm");
                papers = (0..self.batch).map(sign).collect();
                number += 1;
            }
            let handed_in = Instant::now();
            let Some(answer) = archive.hand_in(&papers) else {
                pause();
                continue;
            };
            if answer.status != 200 {
                assert_eq!(answer.status, 503, "{answer}");
                answer.check_problem();
                assert!(answer.header("retry-after").is_some(), "{answer}");
                pause();
                continue;
            }
            let outcomes = answer.body.as_array().unwrap();
            assert_eq!(outcomes.len(), papers.len(), "{answer}");
            for (paper, outcome) in papers.iter().zip(outcomes) {
                assert_ne!(outcome["outcome"], "refused", "{outcome}");
                if let Some(index) = outcome["ledger_index"].as_u64() {
                    progress.acknowledge(archive.department(), paper, index, handed_in);
                }
            }
            papers.retain({
                let mut done = outcomes.iter().map(|outcome| outcome["ledger_index"].is_u64());
                move |_| !done.next().unwrap_or_default()
            });
        }
    }
}

struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

impl Progress {
    fn acknowledge(&self, by: &str, paper: &Paper, index: u64, handed_in: Instant) {
        let kept = Kept { index, digest: paper.digest.clone(), by: by.to_owned(), handed_in, told: Instant::now() };
        let before = self.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(paper.id.clone(), kept);
        assert!(before.is_none_or(|before| before.index == index), "{} moved within the ledger", paper.id);
        self.count[by].fetch_add(1, SeqCst);
    }

    /// Papers acknowledged by some nodes so far.
    pub fn at(&self, nodes: &[&str]) -> u64 {
        nodes.iter().map(|node| self.count[*node].load(SeqCst)).sum()
    }

    /// Papers acknowledged so far.
    pub fn all(&self) -> u64 {
        self.count.values().map(|count| count.load(SeqCst)).sum()
    }

    /// Waits until every one of some nodes has acknowledged papers that were handed in after this call.
    #[track_caller]
    pub fn goes_on_at(&self, nodes: &[&str]) {
        for node in nodes {
            let before = self.at(&[node]);
            // One answer may have been on its way.
            let more = before + 2;
            until(&format!("{node} acknowledges papers again"), PATIENCE, || (self.at(&[node]) > more).then_some(()));
        }
    }
}
