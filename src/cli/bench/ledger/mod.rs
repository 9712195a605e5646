//! Times the ledger of a real city: its nodes as processes, spoken to over HTTP as departments' systems do.

pub(super) mod http;
pub(super) mod load;
mod report;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;

use crate::cli::error::CliError;
use crate::cli::runtime;
use crate::crypto::tls::install_provider;

use super::city::{BenchCity, figure};
use super::setting::{Setting, members};
use super::usage::{self, Parts};
use load::{Entrance, Supply};
use report::{Phase, Process, Report};

/// More than any machine here can do, so that the signed transactions last.
const BATCHED_A_SECOND: usize = 30_000;
const SINGLE_A_SECOND: usize = 12_000;
const ALONE_A_SECOND: usize = 2_500;
/// Transactions signed at once while a ledger is filled.
const FILL_AT_ONCE: usize = 120_000;
const FILL_BATCH: usize = 500;
const FILL_CLIENTS: usize = 12;

/// Starts a city's nodes in a folder of their own, lets clients hand in signed transactions of 256 bytes of payload, one
/// by one and in batches, and tells throughput, latency, processor time by part, memory and disk.
#[derive(Args)]
pub struct LedgerBench {
    /// Seconds of each measurement
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Clients at once that hand in one by one
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u16).range(1..=900))]
    clients: u16,
    /// Clients at once that hand in batches
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u16).range(1..=900))]
    batch_clients: u16,
    /// Transactions of a batch
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(2..=1000))]
    batch: u16,
    /// Nodes, all of them voters
    #[arg(long, default_value_t = 3, value_parser = odd)]
    voters: usize,
    /// Fill the ledger to so many transactions, measure again, and time a node's start
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    leaves: Option<u64>,
    /// From these leaves on, measure while the read models still catch up with the filling; a start is not timed then
    #[arg(long, requires = "leaves")]
    while_catching_up: bool,
    /// Offer far more than can be carried, too, and tell how that is turned away
    #[arg(long)]
    overload: bool,
    /// Run the nodes with this program, such as another version's, instead of this one
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    #[command(flatten)]
    setting: Setting,
}

fn odd(text: &str) -> Result<usize, String> {
    let voters = text.parse().ok().filter(|voters| matches!(voters, 3 | 5 | 7));
    voters.ok_or_else(|| "choose 3, 5 or 7".to_owned())
}

impl LedgerBench {
    pub(super) fn run(self) -> Result<(), CliError> {
        install_provider();
        let (folder, departments) = self.setting.folders()?;
        let report = runtime()?.block_on(async {
            let dir = folder.0.join("city");
            let mut city = self.start(&dir, &departments).await?;
            let measured = self.measure(&mut city).await;
            // Whatever happened, no process stays behind.
            city.stop().await;
            measured
        })?;
        self.setting.tell(&report, report.json());
        Ok(())
    }

    /// As many departments as voters.
    async fn start(&self, dir: &Path, departments: &Path) -> Result<BenchCity, CliError> {
        let others = members(departments, self.voters.saturating_sub(2).max(1))?;
        let shape = self.setting.shape(others, self.voters);
        BenchCity::start(dir, departments, &shape, self.program.clone()).await
    }

    async fn measure(&self, city: &mut BenchCity) -> Result<Report, CliError> {
        let leader = city.leader().await?;
        let mut report = Report::default();
        self.phase(city, leader, &Load::warm_up()).await?;
        for load in self.loads(leader, city.members.len()) {
            eprintln!("{} …", load.name);
            report.phases.push(self.phase(city, leader, &load).await?);
        }
        if let Some(leaves) = self.leaves {
            fill(city, leaves).await?;
            let leader = city.leader().await?;
            for mut load in self.loads(leader, city.members.len()) {
                load.name = format!("{}, from {leaves} leaves", load.name);
                load.caught_up = !self.while_catching_up;
                eprintln!("{} …", load.name);
                report.phases.push(self.phase(city, leader, &load).await?);
            }
        }
        let leader = city.leader().await?;
        report.size = figure(&city.metrics(leader).await?, "mulu_ledger_size");
        report.disk(city.members.iter().map(|member| (member.ledger_dir(), member.model_dir())));
        let follower = (0..city.members.len()).find(|number| *number != leader).unwrap_or_default();
        if !self.while_catching_up {
            eprintln!("a node starts again …");
            report.restart = Some(city.restart(follower).await?);
        }
        report.idle_bytes = city.members.get(follower).map(|member| usage::resident(member.pid)).unwrap_or_default();
        Ok(report)
    }

    fn loads(&self, leader: usize, members: usize) -> Vec<Load> {
        let follower = (0..members).find(|number| *number != leader).unwrap_or_default();
        let seconds = Duration::from_secs(self.seconds);
        let short = seconds.min(Duration::from_secs(5));
        let of = |name: &str, clients, batch, a_second, at, seconds| Load {
            name: name.to_owned(),
            clients,
            batch,
            a_second,
            at,
            seconds,
            caught_up: true,
        };
        let (clients, batch) = (usize::from(self.clients), usize::from(self.batch));
        let mut loads = vec![
            of("one at a time at the leader", 1, 1, ALONE_A_SECOND, Some(leader), short),
            of("one at a time at a follower", 1, 1, ALONE_A_SECOND, Some(follower), short),
            of("one by one, all nodes", clients, 1, SINGLE_A_SECOND, None, seconds),
            of("in batches, all nodes", usize::from(self.batch_clients), batch, BATCHED_A_SECOND, None, seconds),
        ];
        if self.overload {
            loads.push(of("overload in batches", 90, 1_000, 2 * BATCHED_A_SECOND, None, seconds));
        }
        loads
    }

    async fn phase(&self, city: &BenchCity, leader: usize, load: &Load) -> Result<Phase, CliError> {
        let at = |number: usize| load.at.is_none_or(|at| at == number);
        let members = city.members.iter().enumerate().filter(|(number, _)| at(*number));
        let entrances: Vec<Entrance> = members.map(|(_, member)| member.entrance.clone()).collect();
        let seconds = usize::try_from(load.seconds.as_secs()).unwrap_or(1).max(1);
        let requests = (load.a_second * seconds).div_ceil(load.batch * entrances.len());
        let supplies = sign(&entrances, &city.chain, requests, load.batch)?;
        city.lag(load.caught_up).await?;
        let before = look(city).await?;
        let begun = Instant::now();
        let seen = load::run(&supplies, load.clients, begun + load.seconds).await.map_err(CliError::failed)?;
        let took = begun.elapsed();
        let after = look(city).await?;
        let lag = city.lag(false).await?;
        let mut phase = Phase::of(&load.name, (load.clients, load.batch), took, seen);
        phase.lag = lag;
        for (number, (before, after)) in before.iter().zip(&after).enumerate() {
            let member = city.members.get(number);
            let name = match member {
                None => "load".to_owned(),
                Some(member) if number == leader => format!("leader {}", member.entrance.department),
                Some(member) => format!("follower {}", member.entrance.department),
            };
            let bytes = usage::resident(member.map_or_else(std::process::id, |member| member.pid));
            phase.processes.push(Process { name, used: usage::between(before, after), resident: bytes });
        }
        Ok(phase)
    }
}

/// One kind of load.
struct Load {
    name: String,
    clients: usize,
    batch: usize,
    a_second: usize,
    /// At which node alone.
    at: Option<usize>,
    seconds: Duration,
    /// Whether the read models have everything before it begins.
    caught_up: bool,
}

impl Load {
    fn warm_up() -> Self {
        let seconds = Duration::from_secs(1);
        Self { name: String::new(), clients: 8, batch: 50, a_second: 4_000, at: None, seconds, caught_up: true }
    }
}

fn sign(entrances: &[Entrance], chain: &str, requests: usize, batch: usize) -> Result<Vec<Arc<Supply>>, CliError> {
    entrances.iter().map(|entrance| Supply::sign(entrance, chain, requests, batch).map(Arc::new)).collect()
}

/// Processor time of all nodes, and of this process last.
async fn look(city: &BenchCity) -> Result<Vec<Parts>, CliError> {
    let mut all = Vec::new();
    for (number, member) in city.members.iter().enumerate() {
        let metrics = city.metrics(number).await?;
        all.push(usage::refine(usage::threads(member.pid), &metrics));
    }
    let own = usage::threads(std::process::id()).values().sum();
    all.push(Parts::from([("load".to_owned(), own)]));
    Ok(all)
}

/// Fills the ledger through the same interface.
async fn fill(city: &BenchCity, leaves: u64) -> Result<(), CliError> {
    let entrances: Vec<Entrance> = city.members.iter().map(|member| member.entrance.clone()).collect();
    let begun = Instant::now();
    loop {
        let size = figure(&city.metrics(city.leader().await?).await?, "mulu_ledger_size");
        let missing = usize::try_from(leaves.saturating_sub(size)).unwrap_or(usize::MAX);
        if missing == 0 {
            return Ok(());
        }
        eprintln!("{size} of {leaves} leaves after {} s …", begun.elapsed().as_secs());
        let requests = missing.min(FILL_AT_ONCE).div_ceil(FILL_BATCH * entrances.len());
        let supplies = sign(&entrances, &city.chain, requests, FILL_BATCH)?;
        let end = Instant::now() + Duration::from_secs(3600);
        let seen = load::run(&supplies, FILL_CLIENTS, end).await.map_err(CliError::failed)?;
        if let Some(failure) = seen.failure {
            return Err(CliError::failed(format_args!("filling the ledger: {failure}")));
        }
    }
}
