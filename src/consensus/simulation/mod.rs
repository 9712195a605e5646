//! The consensus driver in a simulated city: seeded faults on a virtual clock, invariants at every step.
//!
//! `cargo test --lib simulation` runs fresh seeds for a while; `MULU_SIM_SEEDS=100000 cargo test --lib simulation --
//! --nocapture` runs as many, on all cores, and says how fast; `MULU_SIM_SEED=N` replays one and tells its story.
//!
//! `sabotage` breaks disk, reads and state for good and names the check that notices. In the driver itself were broken,
//! for once, and noticed: acknowledgements sent before the log is synced (the library panics, for the leader relies on
//! entries that a power cut took), entries handed over when they are stored and not when they are committed ("not
//! committed"), a vote that is not noted ("one vote", after some 400 seeds, and a dozen since nodes end right after they
//! vote), a leader that counts blocks from the last committed one ("block numbers"). Not noticed, for it does no harm:
//! a pool that is not emptied when the lead is lost.

mod changes;
mod checks;
mod clients;
mod dice;
mod disk;
mod faults;
mod fixtures;
mod ledger;
mod node;
mod sabotage;
mod wire;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use sabotage::Sabotage;
use world::{Tally, World};

/// The short form: so many seeds, unless time is over before.
const SEEDS: u64 = 300;
const SHORT: Duration = Duration::from_secs(10);

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is no number: {value}")))
}

fn fresh_seed() -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).unwrap();
    // Short enough to be copied by hand.
    u64::from_le_bytes(bytes) % 1_000_000_000_000
}

/// Runs a seed; its failure names it.
fn run(seed: u64, is_told: bool) -> Result<Tally, String> {
    run_as(seed, is_told, None)
}

/// The same, with something broken.
fn run_broken(seed: u64, sabotage: Sabotage) -> Result<Tally, String> {
    run_as(seed, false, Some(sabotage))
}

fn run_as(seed: u64, is_told: bool, sabotage: Option<Sabotage>) -> Result<Tally, String> {
    catch_unwind(AssertUnwindSafe(|| World::new(seed, is_told, sabotage).run())).map_err(|panic| {
        let why = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        format!("seed {seed}: {}; replay: MULU_SIM_SEED={seed} cargo test --lib simulation", why.unwrap_or("a panic"))
    })
}

#[test]
fn nothing_acknowledged_is_lost_whatever_fails() {
    if let Some(seed) = number("MULU_SIM_SEED") {
        println!("{:?}", run(seed, true).unwrap());
        return;
    }
    let seeds = number("MULU_SIM_SEEDS");
    let (count, limit) = (seeds.unwrap_or(SEEDS), seeds.map_or(SHORT, |_| Duration::MAX));
    let threads = seeds.map_or(1, |_| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
    let first = fresh_seed();
    let (next, begin) = (AtomicU64::new(0), Instant::now());
    let (sum, failures, is_over) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) && begin.elapsed() < limit {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break;
                    }
                    match run(first + number, false) {
                        Ok(tally) => sum.lock().push(tally),
                        Err(why) => {
                            failures.lock().push(why);
                            is_over.store(true, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    report(&sum.lock(), begin.elapsed());
    let failures = failures.lock();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn report(tallies: &[Tally], took: Duration) {
    let mean = |of: fn(&Tally) -> u64| tallies.iter().map(of).sum::<u64>() / (tallies.len() as u64).max(1);
    println!(
        "{} seeds in {took:.1?}, {:.0} a minute; each on average {} s, {} events, {} elections, {} ends, {} entries, {} acknowledged, {} reads",
        tallies.len(),
        tallies.len() as f64 * 60.0 / took.as_secs_f64(),
        mean(|t| t.time) / 1_000_000,
        mean(|t| t.events),
        mean(|t| t.elections * 10) as f64 / 10.0,
        mean(|t| t.ends),
        mean(|t| t.entries),
        mean(|t| t.acknowledged),
        mean(|t| t.reads),
    );
}

#[test]
fn a_seed_replays_step_by_step() {
    for seed in [1, 2, 3] {
        assert_eq!(run(seed, false).unwrap(), run(seed, false).unwrap());
    }
}
