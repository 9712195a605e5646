//! Times queries end to end: a small city's nodes as processes, the load beside them, and the provider's bare service.

mod client;
mod load;
mod report;
mod service;
mod setup;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;

use crate::cli::error::CliError;
use crate::cli::runtime;
use crate::crypto::tls::install_provider;
use crate::service::queries::SUBJECTS_MAX;

use super::city::BenchCity;
use super::setting::Setting;
use super::usage::{self, Parts};
use client::Connection;
use load::{Load, MIXED, SMALL, Target};
use report::{Long, Phase, Process, Report};
use service::{ROW_BYTES, Service};

const RSS_PAUSE: Duration = Duration::from_millis(20);
const EXCHANGE_PARTS: &str = "mulu_exchange_cpu_seconds_total{part=\"";

/// Starts four nodes and the provider's own HTTP service, lets a consumer's system query through them and, for
/// comparison, the service itself, and tells rate, latency, processor time by part, and memory under a long answer.
#[derive(Args)]
pub struct QueryBench {
    /// Seconds of each measurement
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Clients at once that ask for small answers
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=200))]
    clients: u32,
    /// Clients at once that ask about a hundred subjects in each call; a node asks about four of these at a time
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=60))]
    batch_clients: u32,
    /// Clients at once that ask for the mixture
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=200))]
    mixed_clients: u32,
    /// Planned queries a second when latency is measured
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// Megabytes of the long answer
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    long_mb: u32,
    /// Run the nodes with this program, such as another version's, instead of this one
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    #[command(flatten)]
    setting: Setting,
}

impl QueryBench {
    pub(super) fn run(self) -> Result<(), CliError> {
        install_provider();
        let (folder, given) = self.setting.folders()?;
        let service = Service::start()?;
        let report = runtime()?.block_on(async {
            let folders = folder.0.join("departments");
            setup::departments(&given, &folders, service.port)?;
            let city = self.start(&folder.0.join("city"), &folders).await?;
            let measured = self.measure(&city, &service).await;
            // Whatever happened, no process stays behind.
            city.stop().await;
            measured
        })?;
        self.setting.tell(&report, report.json());
        Ok(())
    }

    async fn start(&self, dir: &Path, folders: &Path) -> Result<BenchCity, CliError> {
        let named = |name: &str| name.parse().map_err(CliError::failed);
        let shape = self.setting.shape(vec![named(setup::CONSUMER)?, named(setup::PROVIDER)?], 3);
        BenchCity::start(dir, folders, &shape, self.program.clone()).await
    }

    async fn measure(&self, city: &BenchCity, service: &Service) -> Result<Report, CliError> {
        setup::publish(&city.manifest).await?;
        let consumer = city.members.iter().find(|member| member.entrance.department.as_str() == setup::CONSUMER);
        let consumer = consumer.ok_or_else(|| CliError::failed("the city has no consumer"))?;
        let node = Target::Node {
            address: consumer.entrance.address.clone(),
            token: consumer.entrance.token.clone(),
            entry: setup::ENTRY.to_owned(),
        };
        let bare = Target::Service { address: format!("127.0.0.1:{}", service.port) };
        let time = Duration::from_secs(self.seconds);
        let small = Load { clients: self.clients, rate: None, time, mixture: SMALL, subjects: 1 };
        let batch = Load { clients: self.batch_clients, subjects: SUBJECTS_MAX, ..small };
        let mixed = Load { clients: self.mixed_clients, mixture: MIXED, ..small };
        load::run(&node, Load { clients: 8, time: Duration::from_secs(1), ..small }).await.map_err(CliError::failed)?;
        let planned = format!("one row of 1 kB, {} planned a second", self.rate);
        let mut phases = Vec::new();
        for (name, target, load) in [
            ("one row of 1 kB, as many as can be done", &node, small),
            (planned.as_str(), &node, Load { rate: Some(self.rate), ..small }),
            ("one row of 1 kB about each of 100 subjects in a call", &node, batch),
            ("2 kB 30 %, 10 kB 60 %, 100 kB 9 %, 2 MB 0.9 %, 10 MB 0.1 %", &node, mixed),
            ("one row of 1 kB, from the bare service", &bare, small),
            ("the same mixture, from the bare service", &bare, mixed),
        ] {
            eprintln!("{name} …");
            phases.push(phase(city, name, target, load).await?);
        }
        eprintln!("an answer of {} MB …", self.long_mb);
        Ok(Report { phases, long: self.long(city, &node).await? })
    }

    /// Reads a long answer and watches the nodes' memory.
    async fn long(&self, city: &BenchCity, node: &Target) -> Result<Long, CliError> {
        let Target::Node { address, .. } = node else { return Err(CliError::failed("not a node")) };
        let rows = usize::try_from(self.long_mb).unwrap_or(1) * 1_000_000 / ROW_BYTES;
        let request = node.request(rows.max(1_001));
        let mut connection = Connection::open(address, false).await.map_err(CliError::failed)?;
        let memory = || city.members.iter().map(|member| usage::resident(member.pid)).collect::<Vec<_>>();
        let before = memory();
        let (mut most, begun) = (before.clone(), Instant::now());
        let mut answering = tokio::spawn(async move { connection.send(&request).await });
        let answer = loop {
            most.iter_mut().zip(memory()).for_each(|(most, now)| *most = now.max(*most));
            if let Ok(ended) = tokio::time::timeout(RSS_PAUSE, &mut answering).await {
                break ended.map_err(CliError::failed)?.map_err(CliError::failed)?;
            }
        };
        if answer.status != 200 || !String::from_utf8_lossy(&answer.end).contains("{\"end\":") {
            let end = String::from_utf8_lossy(&answer.end);
            return Err(CliError::failed(format_args!("the long answer: {}: {end}", answer.status)));
        }
        let names = city.members.iter().map(|member| member.entrance.department.to_string());
        let resident = names.zip(before).zip(most).map(|((name, before), most)| (name, before, most)).collect();
        Ok(Long { bytes: answer.bytes, took: begun.elapsed(), resident })
    }
}

async fn phase(city: &BenchCity, name: &str, target: &Target, load: Load) -> Result<Phase, CliError> {
    city.lag(true).await?;
    let before = look(city).await?;
    let begun = Instant::now();
    let seen = load::run(target, load).await.map_err(CliError::failed)?;
    let took = begun.elapsed();
    let after = look(city).await?;
    let mut phase = Phase::of(name, load, took, seen);
    for (number, (before, after)) in before.iter().zip(&after).enumerate() {
        let member = city.members.get(number);
        let name =
            member.map_or_else(|| "load and service".to_owned(), |member| member.entrance.department.to_string());
        let resident = usage::resident(member.map_or_else(std::process::id, |member| member.pid));
        let [used, exchange] =
            [(&before.0, &after.0), (&before.1, &after.1)].map(|(before, after)| usage::between(before, after));
        phase.processes.push(Process { name, used, exchange, resident });
    }
    Ok(phase)
}

/// Processor time of all nodes by threads and by the exchange's steps, and of this process last.
async fn look(city: &BenchCity) -> Result<Vec<(Parts, Parts)>, CliError> {
    let mut all = Vec::new();
    for (number, member) in city.members.iter().enumerate() {
        let metrics = city.metrics(number).await?;
        let mut threads = usage::refine(usage::threads(member.pid), &metrics);
        // Threads that have ended meanwhile are in the process's time alone.
        let whole = u64::try_from(usage::processor_time(member.pid).as_micros()).unwrap_or(u64::MAX);
        let ended = whole.saturating_sub(threads.values().sum());
        *threads.entry("other".to_owned()).or_default() += ended;
        all.push((threads, exchange_parts(&metrics)));
    }
    all.push((usage::threads(std::process::id()), Parts::new()));
    Ok(all)
}

fn exchange_parts(metrics: &str) -> Parts {
    let part = |line: &str| {
        let (part, seconds) = line.strip_prefix(EXCHANGE_PARTS)?.split_once("\"} ")?;
        let seconds: f64 = seconds.parse().ok()?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time since the process began")]
        let micros = (seconds * 1e6) as u64;
        Some((part.to_owned(), micros))
    };
    metrics.lines().filter_map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_exchange_counts_is_read_from_the_metrics() {
        let metrics = "# TYPE x\nmulu_exchange_cpu_seconds_total{part=\"judge\"} 0.25\nmulu_other 1\n";
        assert_eq!(exchange_parts(metrics), Parts::from([("judge".to_owned(), 250_000)]));
    }
}
