//! The city that is measured: real nodes as processes, in a folder of their own.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use reqwest::Client;
use tokio::time::sleep;

use crate::cli::demo::city::{DemoCity, DemoNode, make_unless_there};
use crate::cli::demo::client::{http, is_ready};
use crate::cli::demo::manifest::Manifest;
use crate::cli::demo::prepare::prepare;
use crate::cli::demo::supervisor::{Event, Supervisor};
use crate::cli::error::CliError;
use crate::cli::init::Shape;
use crate::clock::{Clock as _, DAY_MS, SystemClock};
use crate::crypto::keyring::Keyring;
use crate::readmodel::local::{Local, TokenTerms};
use crate::service::departments::load;

use super::ledger::load::Entrance;

const TOKEN_MS: u64 = DAY_MS;
const READY_PATIENCE: Duration = Duration::from_secs(300);
const PAUSE: Duration = Duration::from_millis(20);
/// How long the read model may take to catch up between measurements.
const CATCH_UP: Duration = Duration::from_secs(600);

/// A running node.
pub struct Member {
    /// Where its clients go in.
    pub entrance: Entrance,
    /// Its process.
    pub pid: u32,
    node: DemoNode,
    supervisor: Option<Supervisor>,
}

/// The running nodes.
pub struct BenchCity {
    /// The chain's id.
    pub chain: String,
    /// The nodes, in the order of their numbers.
    pub members: Vec<Member>,
    /// How to sign in at them.
    pub manifest: Manifest,
    http: Client,
    program: Option<PathBuf>,
}

impl BenchCity {
    /// Makes a city and starts it, with another program than this one if that is given.
    ///
    /// # Errors
    /// Too few departments, or a node that does not become ready.
    pub async fn start(
        dir: &Path,
        departments: &Path,
        shape: &Shape,
        program: Option<PathBuf>,
    ) -> Result<Self, CliError> {
        make_unless_there(dir, departments, shape)?;
        let city = DemoCity::open(dir)?;
        let manifest = prepare(&city, &load(departments)?)?;
        let mut members = Vec::new();
        for node in &city.nodes {
            members.push(Member { entrance: entrance(node)?, pid: 0, node: node.clone(), supervisor: None });
        }
        let mut bench = Self { chain: city.chain, members, manifest, http: http()?, program };
        for number in 0..bench.members.len() {
            bench.begin(number).await?;
        }
        for number in 0..bench.members.len() {
            bench.wait_ready(number).await?;
        }
        Ok(bench)
    }

    async fn begin(&mut self, number: usize) -> Result<(), CliError> {
        let Some(member) = self.members.get_mut(number) else { return Ok(()) };
        let mut supervisor = Supervisor::start_with(self.program.clone(), std::slice::from_ref(&member.node), false)?;
        if let Some(Event::Started { pid, .. }) = supervisor.events.recv().await {
            member.pid = pid;
        }
        member.supervisor = Some(supervisor);
        Ok(())
    }

    async fn wait_ready(&self, number: usize) -> Result<(), CliError> {
        let Some(member) = self.members.get(number) else { return Ok(()) };
        let deadline = Instant::now() + READY_PATIENCE;
        while !is_ready(&self.http, &format!("http://{}", member.entrance.address)).await {
            if Instant::now() >= deadline {
                let log = member.node.folder.join("node.log");
                return Err(CliError::failed(format_args!("a node is not ready: see {}", log.display())));
            }
            sleep(PAUSE).await;
        }
        Ok(())
    }

    /// What a node says of itself.
    ///
    /// # Errors
    /// No answer.
    pub async fn metrics(&self, number: usize) -> Result<String, CliError> {
        let Some(member) = self.members.get(number) else { return Ok(String::new()) };
        let url = format!("http://{}/metrics", member.entrance.address);
        let answer = self.http.get(url).send().await.map_err(CliError::failed)?;
        answer.text().await.map_err(CliError::failed)
    }

    /// The place of the node that leads.
    ///
    /// # Errors
    /// No answer, or nobody leads for long.
    pub async fn leader(&self) -> Result<usize, CliError> {
        let deadline = Instant::now() + READY_PATIENCE;
        while Instant::now() < deadline {
            for number in 0..self.members.len() {
                if figure(&self.metrics(number).await?, "mulu_raft_is_leader") == 1 {
                    return Ok(number);
                }
            }
            sleep(PAUSE).await;
        }
        Err(CliError::failed("nobody leads"))
    }

    /// Transactions that the read models lack, at most; and waits until they lack none if that is wanted.
    ///
    /// # Errors
    /// No answer.
    pub async fn lag(&self, catch_up: bool) -> Result<u64, CliError> {
        let deadline = Instant::now() + CATCH_UP;
        let mut first = None;
        loop {
            let mut lag = 0;
            for number in 0..self.members.len() {
                lag = lag.max(figure(&self.metrics(number).await?, "mulu_projection_lag"));
            }
            let seen = *first.get_or_insert(lag);
            if !catch_up || lag == 0 || Instant::now() >= deadline {
                return Ok(seen);
            }
            sleep(PAUSE * 10).await;
        }
    }

    /// Ends a node, starts it again and answers how long it took to be ready.
    ///
    /// # Errors
    /// It does not become ready.
    pub async fn restart(&mut self, number: usize) -> Result<Duration, CliError> {
        let running = self.members.get_mut(number).and_then(|member| member.supervisor.take());
        if let Some(supervisor) = running {
            supervisor.stop().await;
        }
        let begun = Instant::now();
        self.begin(number).await?;
        self.wait_ready(number).await?;
        Ok(begun.elapsed())
    }

    /// Ends all nodes.
    pub async fn stop(mut self) {
        for member in &mut self.members {
            if let Some(supervisor) = member.supervisor.take() {
                supervisor.stop().await;
            }
        }
    }
}

impl Member {
    /// The folder of its ledger.
    pub fn ledger_dir(&self) -> PathBuf {
        self.node.config.ledger_dir()
    }

    /// The folder of its read model.
    pub fn model_dir(&self) -> PathBuf {
        self.node.config.model_dir()
    }
}

fn entrance(node: &DemoNode) -> Result<Entrance, CliError> {
    let config = &node.config;
    let now = SystemClock.now();
    let token = Local::open(&config.model_dir())?.issue_token(
        "bench",
        &TokenTerms { submits: true, ..TokenTerms::until(now.plus(TOKEN_MS)) },
        now,
    )?;
    let key = Keyring::load(&config.keys_dir, config.keys.secret()?.as_ref())?.signing;
    Ok(Entrance { department: config.department.clone(), address: config.web.listen.to_string(), token, key })
}

/// A figure of a node's metrics; 0 when it is not there.
pub fn figure(metrics: &str, name: &str) -> u64 {
    let found = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse::<f64>().ok());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
    let figure = found.unwrap_or_default() as u64;
    figure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found_by_their_whole_name() {
        let metrics = "# HELP mulu_x y\nmulu_x_more 7\nmulu_x 5\nmulu_y{part=\"a\"} 3\n";
        assert_eq!((figure(metrics, "mulu_x"), figure(metrics, "mulu_y"), figure(metrics, "z")), (5, 0, 0));
    }
}
