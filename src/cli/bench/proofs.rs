//! Times proofs from a tree on disk, in a folder that is removed afterwards.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use crate::cli::error::CliError;
use crate::cli::sample::Rng;
use crate::crypto::digest::HashAlgorithm;
use crate::storage::StorageError;
use crate::storage::tree_store::{TreeStore, TreeView};

use super::Folder;

/// Leaves that are added at once, as a full block would.
const BLOCK: u64 = 256;

#[derive(Args)]
pub struct Proofs {
    /// Leaves of the tree
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(2..=100_000_000))]
    leaves: u64,
    /// Proofs of each kind
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    proofs: u64,
    /// Where to put the tree for the time of the measurement [default: the system's temporary folder]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Proofs {
    pub(super) fn run(self) -> Result<(), CliError> {
        let folder = Folder::new(self.dir.clone());
        let (view, build) = self.build(&folder.0)?;
        let mut rng = Rng::new(1, "proofs");
        let (last, mut inclusion, mut consistency) = (self.leaves - 1, Vec::new(), Vec::new());
        for _ in 0..self.proofs {
            let index = between(&mut rng, 0, last);
            inclusion.push(timed(|| view.inclusion(index, self.leaves))?);
            let from = between(&mut rng, 1, last);
            consistency.push(timed(|| view.consistency(from, self.leaves))?);
        }
        self.report(build, inclusion, consistency);
        Ok(())
    }

    fn build(&self, dir: &Path) -> Result<(TreeView, Duration), CliError> {
        let algorithm = HashAlgorithm::Sm3;
        let begun = Instant::now();
        let mut tree = TreeStore::open(dir, algorithm)?;
        let mut next = 0;
        while next < self.leaves {
            let end = self.leaves.min(next + BLOCK);
            let leaves: Vec<_> = (next..end).map(|n| algorithm.digest(&[&[0], &n.to_be_bytes()])).collect();
            tree.append(&leaves)?;
            next = end;
        }
        Ok((tree.view(), begun.elapsed()))
    }

    fn report(&self, build: Duration, inclusion: Vec<Duration>, consistency: Vec<Duration>) {
        let (inclusion, consistency) = (Spread::of(inclusion), Spread::of(consistency));
        if self.json {
            let shown = json!({
                "leaves": self.leaves, "proofs": self.proofs, "build_ms": build.as_millis() as u64,
                "inclusion_us": inclusion.json(), "consistency_us": consistency.json(),
            });
            println!("{shown}");
            return;
        }
        println!(
            "{} leaves in {:.2} s, {} proofs of each kind, each proven against the root",
            self.leaves,
            build.as_secs_f64(),
            self.proofs
        );
        println!("             p50      p99      max");
        println!("inclusion    {inclusion}");
        println!("consistency  {consistency}");
    }
}

fn between(rng: &mut Rng, low: u64, high: u64) -> u64 {
    let bound = |number| i64::try_from(number).unwrap_or(i64::MAX);
    u64::try_from(rng.between(bound(low), bound(high))).unwrap_or_default()
}

fn timed<T>(proof: impl FnOnce() -> Result<Option<T>, StorageError>) -> Result<Duration, CliError> {
    let begun = Instant::now();
    let made = proof()?;
    let took = begun.elapsed();
    made.map(|_| took).ok_or_else(|| CliError::failed("a proof was not made"))
}

/// How long the quickest half, all but one in a hundred, and the slowest took.
struct Spread {
    p50: Duration,
    p99: Duration,
    max: Duration,
}

impl Spread {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |percent: usize| {
            times.get((times.len() * percent / 100).min(times.len().saturating_sub(1))).copied().unwrap_or_default()
        };
        Self { p50: at(50), p99: at(99), max: at(100) }
    }

    fn json(&self) -> Value {
        let us = |time: Duration| time.as_nanos() as f64 / 1000.0;
        json!({ "p50": us(self.p50), "p99": us(self.p99), "max": us(self.max) })
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let us = |time: Duration| format!("{:.0} us", time.as_secs_f64() * 1e6);
        write!(f, "{:<9}{:<9}{}", us(self.p50), us(self.p99), us(self.max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_is_that_of_the_sorted_times() {
        let spread = Spread::of((1..=200).rev().map(Duration::from_micros).collect());
        assert_eq!(spread.json(), json!({ "p50": 101.0, "p99": 199.0, "max": 200.0 }));
    }

    #[test]
    fn a_small_measurement_runs_and_cleans_up() {
        let dir = tempfile::tempdir().unwrap();
        let bench = Proofs { leaves: 300, proofs: 20, dir: Some(dir.path().to_owned()), json: true };
        bench.run().unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
