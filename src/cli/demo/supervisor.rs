//! Keeps the demo's nodes running: one child process a department.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::cli::error::CliError;

use super::city::DemoNode;

/// Restarts of one node in a row.
const RESTARTS_MAX: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);
/// A node that ran for so long has recovered: its restarts are counted anew.
const RECOVERED: Duration = Duration::from_secs(60);
/// How long a node may take to end in order.
const STOP_PATIENCE: Duration = Duration::from_secs(10);
/// The exit code of a wrong configuration: starting again would not help.
const EXIT_CONFIG: i32 = 2;

/// What happened to a node, by its place in the list of nodes.
#[derive(Debug)]
pub enum Event {
    /// It runs as a process.
    Started { node: usize, pid: u32 },
    /// It ended by itself.
    Ended { node: usize, status: String, again: bool },
}

/// All children. They end when this is dropped.
pub struct Supervisor {
    stop: watch::Sender<bool>,
    keepers: JoinSet<()>,
    /// What happens.
    pub events: mpsc::Receiver<Event>,
}

impl Supervisor {
    /// Starts a process for each node.
    ///
    /// # Errors
    /// This program cannot be found.
    pub fn start(nodes: &[DemoNode], restart: bool) -> Result<Self, CliError> {
        Self::start_with(None, nodes, restart)
    }

    /// The same with another program than this one.
    ///
    /// # Errors
    /// As [`Supervisor::start`].
    pub fn start_with(program: Option<PathBuf>, nodes: &[DemoNode], restart: bool) -> Result<Self, CliError> {
        let own = || std::env::current_exe().map_err(|e| CliError::failed(format_args!("finding this program: {e}")));
        let program = program.map_or_else(own, Ok)?;
        let (stop, stopped) = watch::channel(false);
        let (tell, events) = mpsc::channel(64);
        let mut keepers = JoinSet::new();
        for (place, node) in nodes.iter().enumerate() {
            let keeper = Keeper {
                place,
                node: node.clone(),
                program: program.clone(),
                restart,
                stopped: stopped.clone(),
                tell: tell.clone(),
            };
            keepers.spawn(keeper.keep());
        }
        Ok(Self { stop, keepers, events })
    }

    /// Ends every child and waits for it.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        self.events.close();
        while self.keepers.join_next().await.is_some() {}
    }
}

struct Keeper {
    place: usize,
    node: DemoNode,
    program: PathBuf,
    restart: bool,
    stopped: watch::Receiver<bool>,
    tell: mpsc::Sender<Event>,
}

impl Keeper {
    async fn keep(mut self) {
        let mut restarts = 0;
        loop {
            let begun = Instant::now();
            let (status, retry) = match self.spawn() {
                Ok(child) => match self.watch(child).await {
                    Some(status) => (describe(status), status.code() != Some(EXIT_CONFIG)),
                    None => return,
                },
                Err(why) => (why, true),
            };
            if begun.elapsed() >= RECOVERED {
                restarts = 0;
            }
            restarts += 1;
            let again = self.restart && retry && restarts <= RESTARTS_MAX;
            // Nobody listens any more only when all is being stopped.
            let _ = self.tell.send(Event::Ended { node: self.place, status, again }).await;
            if !again {
                return;
            }
            tokio::select! {
                () = sleep(PAUSE * restarts) => {}
                _ = self.stopped.wait_for(|stopped| *stopped) => return,
            }
        }
    }

    fn spawn(&self) -> Result<Child, String> {
        let log =
            open_log(&self.node.folder.join("node.log")).map_err(|e| format!("its log cannot be written: {e}"))?;
        let errors = log.try_clone().map_err(|e| e.to_string())?;
        let mut command = Command::new(&self.program);
        command.args(["node", "--until-input-ends", "--config"]).arg(&self.node.config_path);
        // The child ends in order when this pipe closes: also when this process is killed.
        command.stdin(Stdio::piped()).stdout(log).stderr(errors).kill_on_drop(true);
        // Ctrl-C reaches this process alone, which then ends the children one way only.
        command.process_group(0);
        command.spawn().map_err(|e| format!("it cannot be started: {e}"))
    }

    /// Waits until the child ends by itself; `None` when it was stopped.
    async fn watch(&mut self, mut child: Child) -> Option<ExitStatus> {
        let started = Event::Started { node: self.place, pid: child.id().unwrap_or_default() };
        let _ = self.tell.send(started).await;
        // Waiting would close the pipe.
        let input = child.stdin.take();
        tokio::select! {
            status = child.wait() => return status.ok(),
            _ = self.stopped.wait_for(|stopped| *stopped) => {}
        }
        drop(input);
        if timeout(STOP_PATIENCE, child.wait()).await.is_err() {
            eprintln!("{} does not end: it is killed", self.node.config.department);
            let _ = child.kill().await;
        }
        None
    }
}

fn open_log(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}
