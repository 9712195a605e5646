//! What is broken on purpose, to see that the simulation notices: each break is caught, and by which check.

use super::run_broken;

/// A break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sabotage {
    /// The log says that it is synced, and is not: whoever relies on it acknowledges too early.
    SyncForgotten,
    /// Entries of an old leader stay where those of a new one belong.
    CutForgotten,
    /// A vote is sent and not noted.
    VoteForgotten,
    /// Values are noted and not flushed.
    FlushForgotten,
    /// What lies in the log is applied before it is committed.
    AppliedEarly,
    /// A transaction is acknowledged when it waits for a block.
    AcknowledgedEarly,
    /// A read is answered from what is applied here, without asking the leader.
    ReadAtOnce,
    /// One node takes another time for the block's.
    OwnTime,
    /// The network is not mended at the end.
    CutForEver,
}

/// Seeds until which a break must have been seen.
const SEEDS: u64 = 1000;

/// The check that sees a break first, in the first seed that shows it.
fn caught_by(sabotage: Sabotage) -> String {
    let found = (1..=SEEDS).find_map(|seed| Some((seed, run_broken(seed, sabotage).err()?)));
    let (seed, why) = found.unwrap_or_else(|| panic!("{sabotage:?} was not noticed in {SEEDS} seeds"));
    println!("{sabotage:?}: {why}");
    assert!(run_broken(seed, sabotage).err() == Some(why.clone()), "seed {seed} does not replay");
    why
}

fn is_caught(sabotage: Sabotage, by: &[&str]) {
    let why = caught_by(sabotage);
    assert!(by.iter().any(|check| why.contains(check)), "{why}");
}

#[test]
fn a_log_that_is_not_synced_is_noticed() {
    is_caught(Sabotage::SyncForgotten, &["durable majority"]);
}

#[test]
fn a_log_that_is_not_cut_is_noticed() {
    is_caught(Sabotage::CutForgotten, &["log matching", "committed stays", "durable majority"]);
}

#[test]
fn a_vote_that_is_not_noted_is_noticed() {
    let by = ["one vote", "one leader"];
    is_caught(Sabotage::VoteForgotten, &by);
    is_caught(Sabotage::FlushForgotten, &by);
}

#[test]
fn what_is_applied_or_acknowledged_too_early_is_noticed() {
    is_caught(Sabotage::AppliedEarly, &["not committed"]);
    is_caught(Sabotage::AcknowledgedEarly, &["acknowledged is kept", "fresh reads"]);
}

#[test]
fn a_stale_read_is_noticed() {
    is_caught(Sabotage::ReadAtOnce, &["fresh reads"]);
}

#[test]
fn a_state_of_its_own_is_noticed() {
    is_caught(Sabotage::OwnTime, &["equal states"]);
}

#[test]
fn a_standstill_is_noticed() {
    is_caught(Sabotage::CutForEver, &["liveness"]);
}
