//! Times decisions of a node that knows a million grants, and beside them Casbin with one line a grant.

mod city;

use std::fmt;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use crate::cli::error::CliError;
use crate::domain::Role;
use crate::exchange::{Call, Seen, look};
use crate::policy::flat_lists::FlatLists;
use crate::policy::{Engine, default_document};

use super::usage::resident;
use city::{City, Question};

/// Sizes at which Casbin gets one line a grant.
const FLAT_LINES: [usize; 3] = [1_000, 10_000, 100_000];
/// No size takes longer to be decided on; larger ones are left out once a decision takes as long as [`FLAT_DECISION_MAX`].
const FLAT_TIME: Duration = Duration::from_secs(5);
const FLAT_DECISION_MAX: Duration = Duration::from_secs(1);

/// Fills a state with grants by their transactions, then decides on calls: from the state's facts to the verdict.
#[derive(Args)]
pub struct Policy {
    /// Grants in force
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(20..=5_000_000))]
    grants: u32,
    /// Decisions to time
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(20..=10_000_000))]
    decisions: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Policy {
    pub(super) fn run(self) -> Result<(), CliError> {
        let report = self.measure()?;
        if self.json {
            println!("{}", report.json());
        } else {
            println!("{report}");
        }
        Ok(())
    }

    fn measure(&self) -> Result<Report, CliError> {
        let own = std::process::id();
        let begun = Instant::now();
        let mut city = City::new()?;
        let before = resident(own);
        for n in 0..self.grants {
            if n.is_multiple_of(100_000) && n > 0 {
                eprintln!("{n} of {} grants after {} s …", self.grants, begun.elapsed().as_secs());
            }
            city.grant()?;
        }
        let built = begun.elapsed();
        // Before the calls are made up: they are no part of a node.
        let resident_bytes = resident(own);
        let questions: Vec<Question> = (0..self.decisions).filter_map(|n| city.question(to_usize(n))).collect();
        let engine = Engine::new(&default_document()).map_err(CliError::failed)?;
        let (mut times, mut allowed) = (Vec::with_capacity(questions.len()), 0);
        for question in &questions {
            let begun = Instant::now();
            let decision = decide(&city, &engine, question);
            times.push(begun.elapsed());
            allowed += usize::from(decision);
        }
        let mut flat = Vec::new();
        for lines in FLAT_LINES.into_iter().filter(|lines| *lines <= to_usize(self.grants)) {
            let measured = FlatRow::measure(&city, &questions, lines)?;
            let slow = measured.spread.p50 > FLAT_DECISION_MAX;
            flat.push(measured);
            if slow {
                break;
            }
        }
        let state_bytes = resident_bytes.saturating_sub(before);
        Ok(Report { grants: self.grants, built, allowed, spread: Spread::of(times), resident_bytes, state_bytes, flat })
    }
}

fn to_usize(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// What the provider's node does for a call once it is opened.
fn decide(city: &City, engine: &Engine, question: &Question) -> bool {
    let call = Call {
        consumer: &question.consumer,
        role: Role::System,
        entry: &question.entry,
        purpose: &question.purpose,
        items: &question.items,
        params: Some(&question.params),
        zone: None,
        now: city.now,
    };
    let Seen { facts, out_of_scope, .. } = look(&city.state, &call);
    engine.decide(&facts).allowed && !out_of_scope
}

/// Casbin with one line a grant.
struct FlatRow {
    lines: usize,
    built: Duration,
    spread: Spread,
}

impl FlatRow {
    fn measure(city: &City, questions: &[Question], lines: usize) -> Result<Self, CliError> {
        let grants = city.grants.iter().filter_map(|id| city.state.grant(*id));
        let line = |grant: &crate::domain::grant::Grant| {
            let request = &grant.request;
            [grant.consumer.to_string(), request.entry.to_string(), request.purpose.to_string()]
        };
        let of_grants: Vec<[String; 3]> = grants.map(line).take(lines).collect();
        let begun = Instant::now();
        let lists = FlatLists::new(of_grants).map_err(CliError::failed)?;
        let (built, begun, mut times) = (begun.elapsed(), Instant::now(), Vec::new());
        for question in questions {
            if begun.elapsed() >= FLAT_TIME {
                break;
            }
            let entry = question.entry.to_string();
            let asked = Instant::now();
            lists.allows([question.consumer.as_str(), &entry, &question.purpose]).map_err(CliError::failed)?;
            times.push(asked.elapsed());
        }
        Ok(Self { lines, built, spread: Spread::of(times) })
    }
}

/// How long decisions took.
#[derive(Default)]
struct Spread {
    count: usize,
    p50: Duration,
    p99: Duration,
    p999: Duration,
    max: Duration,
}

impl Spread {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |thousandths: usize| times.get(times.len() * thousandths / 1_000).or(times.last()).copied();
        let at = |thousandths| at(thousandths).unwrap_or_default();
        Self { count: times.len(), p50: at(500), p99: at(990), p999: at(999), max: at(1_000) }
    }

    fn figures(&self) -> [f64; 4] {
        [self.p50, self.p99, self.p999, self.max].map(|time| (time.as_secs_f64() * 1e7).round() / 10.0)
    }

    fn json(&self) -> Value {
        let [p50, p99, p999, max] = self.figures();
        json!({ "decisions": self.count, "p50_us": p50, "p99_us": p99, "p999_us": p999, "max_us": max })
    }
}

struct Report {
    grants: u32,
    built: Duration,
    allowed: usize,
    spread: Spread,
    resident_bytes: u64,
    /// Of these, what came with the grants.
    state_bytes: u64,
    flat: Vec<FlatRow>,
}

impl Report {
    fn json(&self) -> Value {
        let flat = |row: &FlatRow| json!({ "lines": row.lines, "built_ms": row.built.as_millis() as u64, "latency": row.spread.json() });
        json!({
            "grants": self.grants, "built_s": self.built.as_secs(), "allowed": self.allowed,
            "latency": self.spread.json(), "resident_bytes": self.resident_bytes, "state_bytes": self.state_bytes,
            "casbin_with_a_line_a_grant": self.flat.iter().map(flat).collect::<Vec<_>>(),
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let megabytes = |bytes: u64| bytes / 1_000_000;
        writeln!(f, "{} grants in force, made by their transactions in {} s", self.grants, self.built.as_secs())?;
        let (all, state) = (megabytes(self.resident_bytes), megabytes(self.state_bytes));
        writeln!(f, "{all} MB of memory in all, {state} MB of them since the first grant")?;
        writeln!(f, "{} of {} calls allowed", self.allowed, self.spread.count)?;
        writeln!(f, "{:<34}{:>10}{:>12}{:>12}{:>12}{:>14}", "", "decisions", "p50 us", "p99 us", "p99.9 us", "max us")?;
        row(f, "facts, then Casbin's verdict", &self.spread)?;
        for flat in &self.flat {
            row(f, &format!("Casbin with {} lines", flat.lines), &flat.spread)?;
        }
        Ok(())
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, spread: &Spread) -> fmt::Result {
    let [p50, p99, p999, max] = spread.figures();
    writeln!(f, "{name:<34}{:>10}{p50:>12}{p99:>12}{p999:>12}{max:>14}", spread.count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_measurement_decides_as_the_calls_were_made() {
        let report = Policy { grants: 1_000, decisions: 400, json: true }.measure().unwrap();
        // Sixteen of twenty keep within a grant; others may happen to.
        assert!((320..400).contains(&report.allowed), "{} allowed", report.allowed);
        assert_eq!((report.flat.len(), report.flat[0].lines), (1, 1_000));
        assert_eq!(report.json()["latency"]["decisions"], 400);
    }

    #[test]
    fn the_spread_is_that_of_the_sorted_times() {
        let spread = Spread::of((1..=2_000).rev().map(Duration::from_micros).collect());
        assert_eq!(spread.figures(), [1_001.0, 1_981.0, 1_999.0, 2_000.0]);
    }
}
