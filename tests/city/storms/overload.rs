//! Twice as much as the city can carry: it takes what it can, refuses the rest at once and says when to come back, stays
//! within its memory, answers everybody else, and is itself again within seconds.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{Archive, City, Paper, SOON, until};

use super::chance::amount;
use super::kept::nothing_is_lost;
use super::load::{Acknowledged, Kept};

/// Papers of one call.
const BATCH: usize = 200;
/// Callers at each node: together they may have more under way than all queues hold.
const CALLERS: usize = 40;
/// What a node may need beyond what it needed before.
const GROWTH_KB_MAX: u64 = 400 * 1024;
/// How many of the acknowledged papers are looked for.
const SAMPLE: usize = 2_000;

/// What came of a flood.
#[derive(Default)]
struct Fate {
    done: AtomicU64,
    /// Papers that were refused because there was no room.
    busy: AtomicU64,
    /// Papers whose outcome did not come in time.
    late: AtomicU64,
    kept: Mutex<Acknowledged>,
}

impl Fate {
    fn note(&self, archive: &Archive, papers: &[Paper], handed_in: Instant) {
        let count = |which: &AtomicU64, number: usize| _ = which.fetch_add(number.try_into().unwrap(), SeqCst);
        let answer = archive.hand_in(papers).expect("an overloaded node still answers");
        if answer.status != 200 {
            assert_eq!(answer.status, 503, "{answer}");
            answer.check_problem();
            assert!(answer.header("retry-after").is_some_and(|s| s.parse::<u64>().is_ok()), "{answer}");
            return count(if answer.code() == "ledger_busy" { &self.busy } else { &self.late }, papers.len());
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        for (paper, outcome) in papers.iter().zip(answer.body.as_array().unwrap()) {
            match (outcome["ledger_index"].as_u64(), outcome["code"].as_str()) {
                (Some(index), _) => {
                    count(&self.done, 1);
                    let (digest, by) = (paper.digest.clone(), archive.department().to_owned());
                    kept.insert(paper.id.clone(), Kept { index, digest, by, handed_in, told: Instant::now() });
                }
                (None, Some("ledger_busy")) => count(&self.busy, 1),
                (None, Some("no_quorum")) => count(&self.late, 1),
                _ => panic!("{outcome}"),
            }
        }
    }
}

/// Signs so many papers at every archive, on all cores.
fn papers(archives: &[Archive], each: usize, label: &str) -> Vec<Vec<Vec<Paper>>> {
    thread::scope(|scope| {
        let sign = |archive: &Archive| {
            let paper = |at| archive.sign(&format!("{label} {} {at}", archive.department()), label);
            (0..each).map(paper).collect::<Vec<_>>().chunks(BATCH).map(<[Paper]>::to_vec).collect()
        };
        let signing: Vec<_> = archives.iter().map(|archive| scope.spawn(move || sign(archive))).collect();
        signing.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

/// Hands all papers in, `callers` at every node, each call at its time if a rate is given; answers how long that took.
fn flood(
    archives: &[Archive],
    papers: Vec<Vec<Vec<Paper>>>,
    callers: usize,
    rate: Option<f64>,
    fate: &Fate,
) -> Duration {
    let begun = Instant::now();
    // A node's share of the rate, in calls.
    let calls_a_s = rate.map(|rate| rate / archives.len() as f64 / BATCH as f64);
    thread::scope(|scope| {
        for (archive, batches) in archives.iter().zip(papers) {
            let batches =
                std::sync::Arc::new(Mutex::new(batches.into_iter().enumerate().collect::<Vec<_>>().into_iter()));
            for _ in 0..callers {
                let batches = batches.clone();
                scope.spawn(move || {
                    loop {
                        let next = batches.lock().unwrap_or_else(PoisonError::into_inner).next();
                        let Some((number, batch)) = next else { return };
                        if let Some(calls) = calls_a_s {
                            let due = Duration::from_secs_f64(number as f64 / calls);
                            thread::park_timeout(due.saturating_sub(begun.elapsed()));
                        }
                        fate.note(archive, &batch, Instant::now());
                    }
                });
            }
        }
    });
    begun.elapsed()
}

fn memory_kb(city: &City) -> BTreeMap<String, u64> {
    let read = |department: &str| {
        let status = std::fs::read_to_string(format!("/proc/{}/status", city.pid(department))).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    };
    city.nodes().iter().map(|node| (node.department.clone(), read(&node.department))).collect()
}

/// Looks after everything else until told to stop; answers the longest time that an answer took, and the most memory.
fn watch(city: &City, stop: &AtomicBool) -> (Duration, u64, u64) {
    let (mut slowest, mut most, mut looks) = (Duration::ZERO, 0, 0);
    while !stop.load(SeqCst) {
        for node in city.nodes() {
            for path in ["/healthz", "/readyz", "/metrics", "catalog/entries"] {
                let asked = Instant::now();
                let answer = city.system(&node.department).get(path);
                assert!(answer.status == 200 || path == "/readyz" && answer.status == 503, "{answer}");
                slowest = slowest.max(asked.elapsed());
                looks += 1;
            }
        }
        most = memory_kb(city).into_values().fold(most, u64::max);
        thread::park_timeout(Duration::from_millis(100));
    }
    (slowest, most, looks)
}

#[test]
fn twice_what_it_can_carry_is_refused_in_half_and_forgotten_soon() {
    let city = City::of_three("tax");
    let archives: Vec<Archive> = city.nodes().iter().map(|node| Archive::of(&city, &node.department)).collect();
    let (calm, fate) = (Fate::default(), Fate::default());
    let took = flood(&archives, papers(&archives, 20 * BATCH, "calm"), 4, None, &calm);
    let carries = calm.done.load(SeqCst) as f64 / took.as_secs_f64();
    let before = memory_kb(&city).into_values().max().unwrap();

    let long = amount("MULU_OVERLOAD_S", 10);
    let each = (carries * 2.0 * long as f64) as usize / archives.len();
    let offered = papers(&archives, each, "flood");
    let stop = AtomicBool::new(false);
    let (took, (slowest, most, looks)) = thread::scope(|scope| {
        let watching = scope.spawn(|| watch(&city, &stop));
        let took = flood(&archives, offered, CALLERS, Some(carries * 2.0), &fate);
        stop.store(true, SeqCst);
        (took, watching.join().unwrap())
    });
    let ended = Instant::now();
    for archive in &archives {
        let one = archive.sign(&format!("after {}", archive.department()), "after");
        until("a paper is acknowledged at once", SOON, || {
            let asked = Instant::now();
            let answer = archive.hand_in(std::slice::from_ref(&one))?;
            let soon = asked.elapsed() < Duration::from_secs(1);
            (soon && answer.status == 200 && answer.body[0]["outcome"] == "done").then_some(())
        });
    }
    let recovered = ended.elapsed();
    let count = |which: &AtomicU64| which.load(SeqCst);
    eprintln!(
        "carries {carries:.0}/s; offered {} in {took:?}: {} acknowledged, {} refused, {} late; {looks} other answers, the slowest \
         in {slowest:?}; memory {before} kB before, {most} kB at most; itself again after {recovered:?}",
        each * archives.len(),
        count(&fate.done),
        count(&fate.busy),
        count(&fate.late),
    );
    assert!(most < before + GROWTH_KB_MAX, "a node needed {most} kB, {before} kB before");
    assert!(recovered < Duration::from_secs(5), "itself again only after {recovered:?}");
    assert!(slowest < Duration::from_secs(15), "an answer took {slowest:?}");
    let mut kept: Vec<(String, Kept)> =
        fate.kept.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().collect();
    kept.sort_by_key(|(_, kept)| std::cmp::Reverse(kept.index));
    kept.truncate(SAMPLE);
    nothing_is_lost(&city, &kept.into_iter().collect());
}
