//! The network between the nodes is bad while they are written to: cut, cut in one direction, lossy, slow, flapping.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{City, SOON, eventually, until};

use super::chance::{Chance, amount};
use super::kept::{ledgers_verify, nothing_is_lost};
use super::load::{Acknowledged, Load, PATIENCE, Progress};
use super::proxy::{Network, Passage, Weather};

const GAP: Duration = Duration::from_millis(20);

/// A city whose nodes reach one another through a network that can be made bad.
struct Storm {
    city: City,
    network: Network,
    load: Load,
    chance: Chance,
}

impl Storm {
    /// The leader, and the others.
    fn leader(&self) -> (&str, Vec<&str>) {
        let all = self.all();
        let leader = until("all agree who leads", PATIENCE, || {
            let told: Vec<String> = all.iter().filter_map(|at| self.city.leader(at)).collect();
            let first = told.first()?;
            (told.len() == all.len() && told.iter().all(|one| one == first)).then(|| first.clone())
        });
        let (leader, others): (Vec<&str>, Vec<&str>) = all.into_iter().partition(|name| *name == leader);
        (leader[0], others)
    }

    fn all(&self) -> Vec<&str> {
        self.city.nodes().iter().map(|node| node.department.as_str()).collect()
    }

    fn term(&self, at: &str) -> u64 {
        self.city.system(at).get("cluster").ok()["term"].as_u64().unwrap()
    }

    /// How a node is cut off.
    fn cut(&mut self) -> Passage {
        *self.chance.pick(&Passage::CUTS)
    }

    /// Makes the weather fair again, and waits until every node acknowledges.
    fn heal(&self, progress: &Progress) {
        self.network.heal();
        progress.goes_on_at(&self.all());
    }

    /// For a while, in which the city must go on at some nodes, none of their terms may rise by more than this.
    fn is_calm(&self, nodes: &[&str], for_ms: u64, progress: &Progress) {
        let (term, before) = (self.term(nodes[0]), progress.at(nodes));
        thread::park_timeout(Duration::from_millis(for_ms));
        let (after, written) = (self.term(nodes[0]), progress.at(nodes) - before);
        assert!(after <= term + 1, "elections do not end: from term {term} to {after} in {for_ms} ms");
        assert!(written > 0, "nothing was written in {for_ms} ms");
    }
}

/// The leader is cut off: it acknowledges nothing more and says so, the others go on.
fn the_leader_is_cut_off(storm: &mut Storm) -> Acknowledged {
    let how = storm.cut();
    let (leader, others) = storm.leader();
    let city = &storm.city;
    let mut cut_off = None;
    let acknowledged = storm.load.during(|progress| {
        progress.goes_on_at(&storm.all());
        storm.network.isolate(leader, how);
        let cut = Instant::now();
        progress.goes_on_at(&others);
        eprintln!("{leader} cut off ({how:?}): others write again after {:?}", cut.elapsed());

        let system = city.system(leader);
        eventually("it knows that it has no majority", || system.get("cluster").ok()["has_quorum"] == false);
        let refused = system.post("digests", &json!({"digest": "5e".repeat(32), "label": "storm"}));
        assert!(refused.header("retry-after").is_some(), "{refused}");
        refused.problem(503, "no_quorum");
        let read = system.get("catalog/entries").ok();
        assert!(read["ledger_index"].is_u64() && !read["items"].as_array().unwrap().is_empty(), "{read}");
        system.with("mulu-read", "fresh").get("catalog/entries").problem(503, "no_quorum");
        city.system(others[0]).with("mulu-read", "fresh").get("catalog/entries").ok();
        storm.is_calm(&others, 1_000, progress);
        cut_off = Some((cut, Instant::now()));
        storm.heal(progress);
    });
    let (cut, healed) = cut_off.unwrap();
    let alone = acknowledged.values().find(|kept| kept.by == leader && kept.handed_in > cut && kept.told < healed);
    assert!(alone.is_none_or(|kept| kept.index == 0), "{leader} acknowledged a paper while it was cut off");
    acknowledged
}

/// The leader is not heard, or does not hear: another leads, and nobody disturbs it.
fn the_leader_is_cut_off_in_one_direction(storm: &mut Storm, hears: bool) -> Acknowledged {
    let weather = Weather::of(Passage::Swallowed);
    let (leader, others) = storm.leader();
    storm.load.during(|progress| {
        progress.goes_on_at(&storm.all());
        if hears {
            storm.network.set_from(leader, &weather);
        } else {
            storm.network.set_to(leader, &weather);
        }
        let cut = Instant::now();
        progress.goes_on_at(&others);
        eprintln!("{leader} cut off (hears: {hears}): others write again after {:?}", cut.elapsed());
        until("another leads", PATIENCE, || storm.city.leader(others[0]).filter(|next| next != leader));
        storm.is_calm(&others, amount("MULU_NETWORK_S", 2) * 1_000, progress);
        storm.heal(progress);
    })
}

/// Frames are lost, late, doubled and out of order everywhere.
fn every_link_is_bad(storm: &mut Storm) -> Acknowledged {
    let weather = Weather { lost: 20, doubled: 10, delay_ms: 0..25, ..Weather::default() };
    storm.load.during(|progress| {
        progress.goes_on_at(&storm.all());
        let before = (progress.all(), storm.network.counted());
        storm.network.set_all(&weather);
        thread::park_timeout(Duration::from_secs(amount("MULU_NETWORK_S", 4)));
        // It may be slow, but it must go on.
        progress.goes_on_at(&[storm.leader().0]);
        let [lost, doubled, delivered] = storm.network.counted();
        assert!(lost > before.1[0] && doubled > before.1[1], "the weather was fair");
        eprintln!(
            "bad links: {} written; {lost} lost, {doubled} doubled, {delivered} delivered",
            progress.all() - before.0
        );
        storm.heal(progress);
    })
}

/// One follower gets little through: the others do not wait for it, and it catches up in the end.
fn one_follower_is_slow(storm: &mut Storm) -> Acknowledged {
    let (leader, others) = storm.leader();
    let (slow, fast) = (others[0], [leader, others[1]]);
    let size = |at: &str| storm.city.system(at).get("cluster").ok()["ledger_size"].as_u64().unwrap();
    storm.load.during(|progress| {
        progress.goes_on_at(&storm.all());
        storm.network.set_to(slow, &Weather { bytes_per_s: Some(4_000), ..Weather::default() });
        let (before, begun) = (progress.at(&fast), Instant::now());
        let (has, have) = until("the others are ahead by far", PATIENCE, || {
            let (has, have) = (size(slow), size(leader));
            (progress.at(&fast) > before + 100 && has + 50 < have).then_some((has, have))
        });
        eprintln!("{slow} gets 4 kB/s: it has {has} transactions, the others {have} after {:?}", begun.elapsed());
        storm.heal(progress);
    })
}

/// One follower's machine stands still, and no connection ends: the others go on, and notice it all the same.
fn one_follower_is_frozen(storm: &mut Storm) -> Acknowledged {
    let (leader, others) = storm.leader();
    let frozen = others[0];
    storm.load.during(|progress| {
        progress.goes_on_at(&storm.all());
        let before = storm.network.connections(leader, frozen);
        storm.network.isolate(frozen, Passage::Frozen);
        let begun = Instant::now();
        until("the leader gives the connection up", SOON, || {
            (storm.network.connections(leader, frozen) > before).then_some(())
        });
        eprintln!("{frozen} frozen: {leader} gave its connection up after {:?}", begun.elapsed());
        progress.goes_on_at(&[leader, others[1]]);
        storm.heal(progress);
    })
}

/// Whoever leads is cut off for a moment, again and again.
fn the_lead_flaps(storm: &mut Storm) -> Acknowledged {
    let mut chance = storm.chance.fork();
    storm.load.during(|progress| {
        progress.goes_on_at(&storm.all());
        for _ in 0..amount("MULU_FLAPS", 6) {
            let any = *chance.pick(&storm.all());
            let leader = storm.city.leader(any).unwrap_or_else(|| any.to_owned());
            let how = *chance.pick(&Passage::CUTS);
            storm.network.isolate(&leader, how);
            thread::park_timeout(Duration::from_millis(200 + chance.below(1_300)));
            storm.network.heal();
            thread::park_timeout(Duration::from_millis(chance.below(700)));
        }
        storm.heal(progress);
    })
}

#[test]
fn what_was_acknowledged_outlives_every_network() {
    let mut chance = Chance::of("network");
    let city = City::at_rest("public-security");
    let network = Network::between(&city, &mut chance);
    city.start_all();
    let load = Load::of(&city, 2, GAP, &mut chance);
    let mut storm = Storm { city, network, load, chance };
    for round in 0..amount("MULU_NETWORK_ROUNDS", 1) {
        eprintln!("round {round}");
        for scene in [
            the_leader_is_cut_off as fn(&mut Storm) -> Acknowledged,
            |storm| the_leader_is_cut_off_in_one_direction(storm, true),
            |storm| the_leader_is_cut_off_in_one_direction(storm, false),
            every_link_is_bad,
            one_follower_is_slow,
            one_follower_is_frozen,
            the_lead_flaps,
        ] {
            let acknowledged = scene(&mut storm);
            nothing_is_lost(&storm.city, &acknowledged);
        }
    }
    ledgers_verify(&storm.city);
}
