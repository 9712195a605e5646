//! Many write and read through all nodes while nodes are killed and links fail: what each was answered must be what one
//! copy of the ledger would have answered.

mod clients;
mod linear;
#[cfg(test)]
mod linear_tests;
mod objects;
mod restart;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::City;

use super::chance::{Chance, amount};
use super::load::PATIENCE;
use super::proxy::{Network, Passage, Weather};
use clients::Clients;
use linear::{Call, Object, check};
use objects::{Grant, Register};

/// What was called and answered, by object.
struct Record<O: Object> {
    begun: Instant,
    calls: Mutex<BTreeMap<String, Vec<Call<O::Op>>>>,
}

impl<O: Object> Record<O> {
    fn new() -> Self {
        Self { begun: Instant::now(), calls: Mutex::default() }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap()
    }

    /// Notes a call that was just answered, or given up.
    fn note(&self, object: &str, start: u64, op: O::Op, answered: bool) {
        let end = answered.then(|| self.now());
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.entry(object.to_owned()).or_default().push(Call { start, end, op });
    }

    fn len(&self) -> usize {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).values().map(Vec::len).sum()
    }

    /// Checks each object's history by itself (linearizability is local); answers the number of calls.
    #[track_caller]
    fn check_each(self) -> usize {
        let calls = self.calls.into_inner().unwrap_or_else(PoisonError::into_inner);
        for (object, calls) in &calls {
            check::<O>(calls).unwrap_or_else(|why| panic!("{object} is not one object: {why}"));
        }
        calls.values().map(Vec::len).sum()
    }
}

/// Kills a node, cuts one off or in one direction, or makes all links bad; then lets it pass.
fn trouble(city: &City, network: &Network, chance: &mut Chance) {
    let all: Vec<&str> = city.nodes().iter().map(|node| node.department.as_str()).collect();
    let any = *chance.pick(&all);
    let target = city.leader(any).filter(|_| chance.percent(50)).unwrap_or_else(|| any.to_owned());
    let how = *chance.pick(&Passage::CUTS);
    match chance.below(6) {
        0 => network.isolate(&target, how),
        1 => network.set_from(&target, &Weather::of(Passage::Swallowed)),
        2 => network.set_to(&target, &Weather::of(Passage::Swallowed)),
        3 => network.set_all(&Weather { lost: 15, doubled: 5, delay_ms: 0..15, ..Weather::default() }),
        _ => {
            city.kill(&target);
            city.start(&target);
        }
    }
    thread::park_timeout(Duration::from_millis(300 + chance.below(900)));
    network.heal();
    thread::park_timeout(Duration::from_millis(200 + chance.below(600)));
}

#[test]
fn registers_and_grants_are_linearizable() {
    let mut chance = Chance::of("history");
    let city = City::at_rest("public-security");
    let network = Network::between(&city, &mut chance);
    city.start_all();
    let clients = Clients::of(&city);
    let (registers, grants) = (Record::<Register>::new(), Record::<Grant>::new());
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..4 {
            let chance = chance.fork();
            scope.spawn(|| clients.use_registers(&registers, chance, &stop));
        }
        let (contested, served) = (chance.fork(), chance.fork());
        scope.spawn(|| clients.contest_grants(&grants, contested, &stop));
        scope.spawn(|| clients.query_on_grants(&grants, served, &stop));
        let _stopping = Stop(&stop);
        let (begun, long) = (Instant::now(), Duration::from_secs(amount("MULU_HISTORY_S", 20)));
        // On a crowded machine little happens in that time, and little says nothing.
        let enough = || registers.len() > 100 && grants.len() > 50;
        while begun.elapsed() < long || !enough() && begun.elapsed() < long + PATIENCE {
            trouble(&city, &network, &mut chance);
        }
    });
    let (of_registers, of_grants) = (registers.check_each(), grants.check_each());
    eprintln!("history: {of_registers} calls of registers and {of_grants} of grants, all as of one copy");
    assert!(of_registers > 50 && of_grants > 20, "too little happened to say anything");
}

struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}
