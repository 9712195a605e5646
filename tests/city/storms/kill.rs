//! Nodes are killed again and again while they are written to: one, the leader, two, all; also while they start.

use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{City, is_running, until};

use super::chance::{Chance, amount};
use super::kept::{ledgers_verify, nothing_is_lost};
use super::load::{Load, PATIENCE, Progress};

/// Every restart applies the ledger again: the load must not make it long.
const GAP: Duration = Duration::from_millis(20);

/// Who dies next.
fn victims<'a>(city: &'a City, chance: &mut Chance) -> Vec<&'a str> {
    let all: Vec<&str> = city.nodes().iter().map(|node| node.department.as_str()).collect();
    let any = *chance.pick(&all);
    match chance.below(100) {
        0..45 => vec![any],
        45..75 => {
            let leader = city.leader(any);
            vec![all.iter().find(|name| leader.as_deref() == Some(**name)).copied().unwrap_or(any)]
        }
        75..90 => all.into_iter().filter(|name| *name != any).collect(),
        _ => all,
    }
}

/// Kills them at the same moment and starts them again at once.
fn kill(city: &City, victims: &[&str]) {
    for victim in victims {
        assert!(is_running(city.pid(victim)), "the node of {victim} ended by itself");
    }
    thread::scope(|scope| {
        for victim in victims {
            scope.spawn(|| city.kill(victim));
        }
    });
    victims.iter().for_each(|victim| city.start(victim));
}

/// Kills until `kills` nodes have died. Most of the time the city comes to write again in between; else the next die
/// while the last are still starting.
fn storm(city: &City, kills: u64, chance: &mut Chance, progress: &Progress) {
    let (mut killed, begun) = (0, Instant::now());
    while killed < kills {
        let before = progress.all();
        let dying = victims(city, chance);
        kill(city, &dying);
        killed += u64::try_from(dying.len()).unwrap();
        if chance.percent(60) {
            until("the city writes again", PATIENCE, || (progress.all() > before + 3).then_some(()));
        }
        thread::park_timeout(Duration::from_millis(chance.below(200)));
        if killed % 100 < 2 {
            eprintln!("{killed} killed, {} acknowledged, after {:?}", progress.all(), begun.elapsed());
        }
    }
    eprintln!("{killed} killed, {} acknowledged, after {:?}", progress.all(), begun.elapsed());
    city.nodes().iter().for_each(|node| city.wait_ready(&node.department));
    let all: Vec<&str> = city.nodes().iter().map(|node| node.department.as_str()).collect();
    progress.goes_on_at(&all);
}

#[test]
fn what_was_acknowledged_outlives_a_hundred_kills() {
    let mut chance = Chance::of("kill");
    let city = City::of_three("tax");
    let load = Load::of(&city, 2, GAP, &mut chance);
    let acknowledged = load.during(|progress| storm(&city, amount("MULU_KILLS", 100), &mut chance, progress));
    nothing_is_lost(&city, &acknowledged);
    ledgers_verify(&city);
}
