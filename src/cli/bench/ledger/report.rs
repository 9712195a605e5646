//! What was measured, as a table for people or as JSON.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::bench::usage::{Parts, bytes};

use super::load::Seen;

/// One measurement.
#[derive(Default)]
pub struct Phase {
    name: String,
    clients: usize,
    batch: usize,
    took: Duration,
    transactions: usize,
    /// At 50, 90, 99 and 100 of a hundred transactions.
    latency: [Duration; 4],
    busy: usize,
    busy_max: Duration,
    failed: usize,
    failure: Option<String>,
    /// Transactions that the slowest read model had not taken in at the end.
    pub lag: u64,
    /// Every node, and the load itself.
    pub processes: Vec<Process>,
}

/// What a process used.
pub struct Process {
    /// Which.
    pub name: String,
    /// Processor time by part.
    pub used: Parts,
    /// Memory at the end, in bytes.
    pub resident: u64,
}

impl Phase {
    /// What clients saw.
    pub fn of(name: &str, (clients, batch): (usize, usize), took: Duration, mut seen: Seen) -> Self {
        seen.done.sort_unstable();
        let transactions = seen.done.iter().map(|(_, count)| count).sum();
        let latency = [50, 90, 99, 100].map(|percent| at(&seen.done, transactions, percent));
        let Seen { busy, busy_max, failed, failure, .. } = seen;
        let name = name.to_owned();
        let (lag, processes) = (0, Vec::new());
        Self { name, clients, batch, took, transactions, latency, busy, busy_max, failed, failure, lag, processes }
    }

    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    fn per_second(&self) -> f64 {
        (self.transactions as f64 / self.took.as_secs_f64().max(0.001)).round()
    }

    /// Processor time in seconds for a thousand transactions.
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    fn cost(&self, used: u64) -> f64 {
        used as f64 / self.transactions.max(1) as f64 / 1_000.0
    }

    fn json(&self) -> Value {
        let [p50, p90, p99, max] = self.latency.map(ms);
        let process = |process: &Process| {
            let parts: serde_json::Map<String, Value> =
                process.used.iter().map(|(part, used)| (part.clone(), json!(self.cost(*used)))).collect();
            json!({ "name": process.name, "cpu_s_per_1000": parts, "resident_bytes": process.resident })
        };
        json!({
            "name": self.name, "clients": self.clients, "batch": self.batch, "seconds": self.took.as_secs_f64(),
            "transactions": self.transactions, "per_second": self.per_second(),
            "latency_ms": { "p50": p50, "p90": p90, "p99": p99, "max": max },
            "turned_away": self.busy, "turned_away_max_ms": ms(self.busy_max),
            "failed": self.failed, "failure": self.failure, "projection_lag": self.lag,
            "processes": self.processes.iter().map(process).collect::<Vec<_>>(),
        })
    }
}

/// The latency within which so many of a hundred transactions were done.
fn at(done: &[(Duration, usize)], transactions: usize, percent: usize) -> Duration {
    let wanted = (transactions * percent).div_ceil(100);
    let mut counted = 0;
    let found = done.iter().find(|(_, count)| {
        counted += count;
        counted >= wanted
    });
    found.map(|(took, _)| *took).unwrap_or_default()
}

fn ms(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e5).round() / 100.0
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p90, p99, max] = self.latency.map(ms);
        writeln!(f, "{} ({} clients, {} a request)", self.name, self.clients, self.batch)?;
        writeln!(
            f,
            "  {} transactions in {:.1} s: {} a second; p50 {p50} ms, p90 {p90} ms, p99 {p99} ms, max {max} ms",
            self.transactions,
            self.took.as_secs_f64(),
            self.per_second()
        )?;
        if self.busy > 0 {
            writeln!(f, "  {} requests turned away with 503, each within {} ms", self.busy, ms(self.busy_max))?;
        }
        if self.failed > 0 {
            writeln!(f, "  {} transactions FAILED: {}", self.failed, self.failure.as_deref().unwrap_or_default())?;
        }
        writeln!(f, "  the read model lagged by {} transactions at the end", self.lag)?;
        let parts: BTreeSet<&String> = self.processes.iter().flat_map(|process| process.used.keys()).collect();
        write!(f, "  processor time, us a transaction  ")?;
        for part in &parts {
            write!(f, "{part:>10}")?;
        }
        writeln!(f, "{:>10}{:>9}", "all", "MB")?;
        let mut total = 0.0;
        for process in &self.processes {
            write!(f, "  {:<34}", process.name)?;
            for part in &parts {
                write!(f, "{:>10.1}", self.cost(process.used.get(*part).copied().unwrap_or_default()) * 1e3)?;
            }
            let all = self.cost(process.used.values().sum()) * 1e3;
            total += all;
            writeln!(f, "{all:>10.1}{:>9}", process.resident / 1_000_000)?;
        }
        writeln!(f, "  {total:.1} us of processor time a transaction in all")
    }
}

/// Everything.
#[derive(Default)]
pub struct Report {
    /// The measurements, in their order.
    pub phases: Vec<Phase>,
    /// Transactions on the ledger at the end.
    pub size: u64,
    /// How long a node took from its start until it was ready, if that was timed.
    pub restart: Option<Duration>,
    /// Memory of a follower at the end.
    pub idle_bytes: u64,
    ledger_bytes: u64,
    model_bytes: u64,
}

impl Report {
    /// Measures the disk that the nodes use: ledger and read model of each. The largest count.
    pub fn disk(&mut self, nodes: impl Iterator<Item = (PathBuf, PathBuf)>) {
        for (ledger, model) in nodes {
            let ledger_bytes = bytes(&ledger);
            let model_bytes = ["projection.db", "projection.db-wal"].map(|file| model.join(file));
            let model_bytes = model_bytes.iter().filter_map(|file| file.metadata().ok()).map(|meta| meta.len()).sum();
            self.ledger_bytes = self.ledger_bytes.max(ledger_bytes);
            self.model_bytes = self.model_bytes.max(model_bytes);
        }
    }

    fn each(&self, bytes: u64) -> u64 {
        bytes / self.size.max(1)
    }

    /// For programs. Times of processors are seconds for a thousand transactions.
    pub fn json(&self) -> Value {
        json!({
            "phases": self.phases.iter().map(Phase::json).collect::<Vec<_>>(),
            "size": self.size,
            "disk_bytes_per_transaction": { "ledger": self.each(self.ledger_bytes), "read_model": self.each(self.model_bytes) },
            "restart_s": self.restart.map(|took| took.as_secs_f64()),
            "idle_resident_bytes": self.idle_bytes,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for phase in &self.phases {
            writeln!(f, "{phase}")?;
        }
        writeln!(
            f,
            "{} transactions on the ledger; on disk {} bytes each, and {} in the read model",
            self.size,
            self.each(self.ledger_bytes),
            self.each(self.model_bytes)
        )?;
        if let Some(restart) = self.restart {
            write!(f, "a node with them is ready {:.2} s after its start; ", restart.as_secs_f64())?;
        }
        write!(f, "a follower has {} MB", self.idle_bytes / 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_counts_once_whatever_request_it_came_in() {
        let ms = Duration::from_millis;
        let seen = Seen { done: vec![(ms(30), 1), (ms(10), 98), (ms(20), 1)], failed: 2, ..Seen::default() };
        let phase = Phase::of("x", (1, 98), Duration::from_secs(2), seen);
        assert_eq!((phase.transactions, phase.per_second()), (100, 50.0));
        assert_eq!(phase.latency, [ms(10), ms(10), ms(20), ms(30)]);
        assert_eq!(phase.json()["latency_ms"]["p99"], 20.0);
        assert_eq!(Phase::of("x", (1, 1), ms(1), Seen::default()).latency, [Duration::ZERO; 4]);
    }
}
