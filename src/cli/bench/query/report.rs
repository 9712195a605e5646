//! What was measured, as a table for people or as JSON.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::bench::usage::Parts;

use super::load::{Load, Seen};

/// One measurement.
pub struct Phase {
    name: String,
    load: Load,
    took: Duration,
    queries: usize,
    bytes: usize,
    /// At 50, 90, 99 and 100 of a hundred calls.
    latency: [Duration; 4],
    failed: usize,
    failure: Option<String>,
    /// Every node, and this process.
    pub processes: Vec<Process>,
}

/// What a process used.
pub struct Process {
    /// Which.
    pub name: String,
    /// Processor time by threads.
    pub used: Parts,
    /// Of these, what the exchange counted by its steps.
    pub exchange: Parts,
    /// Memory at the end, in bytes.
    pub resident: u64,
}

impl Phase {
    /// What clients saw.
    pub fn of(name: &str, load: Load, took: Duration, mut seen: Seen) -> Self {
        seen.done.sort_unstable();
        let count = seen.done.len();
        let queries = count * load.subjects;
        let at = |percent: usize| seen.done.get((count * percent).div_ceil(100).saturating_sub(1)).copied();
        let latency = [50, 90, 99, 100].map(|percent| at(percent).unwrap_or_default());
        let (bytes, failed, failure) = (seen.bytes, seen.failed, seen.failure);
        Self { name: name.to_owned(), load, took, queries, bytes, latency, failed, failure, processes: Vec::new() }
    }

    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    fn per_second(&self, count: usize) -> f64 {
        (count as f64 / self.took.as_secs_f64().max(0.001)).round()
    }

    /// Microseconds of processor time for a query.
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    fn cost(&self, used: u64) -> f64 {
        (used as f64 / self.queries.max(1) as f64 * 10.0).round() / 10.0
    }

    fn json(&self) -> Value {
        let [p50, p90, p99, max] = self.latency.map(ms);
        let parts = |parts: &Parts| -> serde_json::Map<String, Value> {
            parts.iter().map(|(part, used)| (part.clone(), json!(self.cost(*used)))).collect()
        };
        let process = |process: &Process| {
            json!({
                "name": process.name, "cpu_us_per_query": parts(&process.used),
                "exchange_us_per_query": parts(&process.exchange), "resident_bytes": process.resident,
            })
        };
        json!({
            "name": self.name, "clients": self.load.clients, "subjects_per_call": self.load.subjects,
            "planned_per_second": self.load.rate,
            "seconds": self.took.as_secs_f64(), "queries": self.queries, "per_second": self.per_second(self.queries),
            "bytes_per_second": self.per_second(self.bytes),
            "latency_ms": { "p50": p50, "p90": p90, "p99": p99, "max": max },
            "failed": self.failed, "failure": self.failure,
            "processes": self.processes.iter().map(process).collect::<Vec<_>>(),
        })
    }
}

fn ms(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e5).round() / 100.0
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p90, p99, max] = self.latency.map(ms);
        writeln!(f, "{} ({} clients)", self.name, self.load.clients)?;
        writeln!(
            f,
            "  {} queries in {:.1} s: {} a second, {:.1} MB a second; p50 {p50} ms, p90 {p90} ms, p99 {p99} ms, max {max} ms",
            self.queries,
            self.took.as_secs_f64(),
            self.per_second(self.queries),
            self.per_second(self.bytes) / 1e6
        )?;
        if self.failed > 0 {
            writeln!(f, "  {} calls FAILED: {}", self.failed, self.failure.as_deref().unwrap_or_default())?;
        }
        self.table(f, "processor time by threads, us a query", |process| &process.used)?;
        self.table(f, "of these, the exchange's steps", |process| &process.exchange)
    }
}

impl Phase {
    fn table(&self, f: &mut fmt::Formatter<'_>, title: &str, of: fn(&Process) -> &Parts) -> fmt::Result {
        let parts: BTreeSet<&String> = self.processes.iter().flat_map(|process| of(process).keys()).collect();
        if parts.is_empty() {
            return Ok(());
        }
        write!(f, "  {title:<40}")?;
        for part in &parts {
            write!(f, "{part:>11}")?;
        }
        writeln!(f, "{:>11}{:>8}", "all", "MB")?;
        let mut total = 0;
        for process in self.processes.iter().filter(|process| !of(process).is_empty()) {
            write!(f, "  {:<40}", process.name)?;
            for part in &parts {
                write!(f, "{:>11}", self.cost(of(process).get(*part).copied().unwrap_or_default()))?;
            }
            let all = of(process).values().sum();
            total += all;
            writeln!(f, "{:>11}{:>8}", self.cost(all), process.resident / 1_000_000)?;
        }
        writeln!(f, "  {} us a query in all", self.cost(total))
    }
}

/// A long answer, line by line.
pub struct Long {
    /// Bytes that came.
    pub bytes: usize,
    /// How long it took.
    pub took: Duration,
    /// Largest memory of each node meanwhile, and before, in bytes.
    pub resident: Vec<(String, u64, u64)>,
}

/// Everything.
pub struct Report {
    /// The measurements, in their order.
    pub phases: Vec<Phase>,
    /// The long answer.
    pub long: Long,
}

impl Report {
    /// For programs.
    pub fn json(&self) -> Value {
        let resident =
            |(name, before, most): &(String, u64, u64)| json!({ "name": name, "before": before, "most": most });
        json!({
            "phases": self.phases.iter().map(Phase::json).collect::<Vec<_>>(),
            "long_answer": {
                "bytes": self.long.bytes, "seconds": self.long.took.as_secs_f64(),
                "resident_bytes": self.long.resident.iter().map(resident).collect::<Vec<_>>(),
            },
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for phase in &self.phases {
            writeln!(f, "{phase}")?;
        }
        let Long { bytes, took, resident } = &self.long;
        writeln!(
            f,
            "an answer of {} MB, page after page, in {:.1} s; memory in MB before and at most meanwhile",
            bytes / 1_000_000,
            took.as_secs_f64()
        )?;
        for (name, before, most) in resident {
            writeln!(f, "  {name:<40}{:>8}{:>8}", before / 1_000_000, most / 1_000_000)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::load::SMALL;
    use super::*;

    #[test]
    fn latencies_are_those_within_which_so_many_were_done() {
        let load = Load { clients: 1, rate: None, time: Duration::from_secs(1), mixture: SMALL, subjects: 1 };
        let done = (1..=200).rev().map(Duration::from_millis).collect();
        let phase = Phase::of("x", load, Duration::from_secs(2), Seen { done, bytes: 4_000_000, ..Seen::default() });
        assert_eq!(phase.latency.map(ms), [100.0, 180.0, 198.0, 200.0]);
        assert_eq!(
            (phase.json()["per_second"].clone(), phase.json()["bytes_per_second"].clone()),
            (100.0.into(), 2e6.into())
        );
        assert_eq!(phase.cost(1_000), 5.0);
        let batch = Seen { done: vec![Duration::from_millis(7)], ..Seen::default() };
        let phase = Phase::of("x", Load { subjects: 100, ..load }, Duration::from_secs(2), batch);
        assert_eq!((phase.json()["per_second"].clone(), phase.latency.map(ms)), (50.0.into(), [7.0; 4]), "subjects");
    }
}
