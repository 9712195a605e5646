//! `mulu node`: one department's node.

use std::future::Future;
use std::io::Read as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::crypto::tls::install_provider;
use crate::service::Node;
use crate::service::config::NodeConfig;
use crate::service::copy::mend::mend;
use crate::web;

use super::error::CliError;
use super::rebuild::Rebuild;
use super::{logging, runtime};

/// How long blocking work may take to end after all else has.
const END_PATIENCE: Duration = Duration::from_secs(2);

/// Runs until SIGTERM or SIGINT, then takes no more requests, finishes those that it has, and exits with 0.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct RunNode {
    #[command(subcommand)]
    work: Option<Work>,
    /// The node's `node.toml`
    #[arg(long, value_name = "FILE", required = true)]
    config: Option<PathBuf>,
    /// Stop also when standard input ends: for a supervisor that holds its other end
    #[arg(long)]
    until_input_ends: bool,
}

/// Other work with a node than running it.
#[derive(Subcommand)]
enum Work {
    /// Begin a node anew that lost its data: fetches the ledger from the other nodes
    Rebuild(Rebuild),
}

impl RunNode {
    pub(super) fn run(self) -> Result<(), CliError> {
        match self.work {
            Some(Work::Rebuild(rebuild)) => return rebuild.run(),
            None => {}
        }
        let config = self.config.ok_or_else(|| CliError::usage("name the node's node.toml with --config"))?;
        let config = NodeConfig::load(&config)?;
        config.check()?;
        logging::start(&config.log)?;
        install_provider();
        let runtime = runtime()?;
        let ended = runtime.block_on(run(config, self.until_input_ends));
        runtime.shutdown_timeout(END_PATIENCE);
        ended
    }
}

async fn run(config: NodeConfig, until_input_ends: bool) -> Result<(), CliError> {
    let signalled = stop_signal()?;
    let input_ended = input_end(until_input_ends);
    let department = config.department.clone();
    tracing::info!(%department, version = env!("CARGO_PKG_VERSION"), "starting");
    let node = start(config).await?;
    let stop = async move {
        tokio::select! {
            () = signalled => {}
            () = input_ended => {}
        }
        tracing::info!("stopping");
    };
    let served = web::serve(node.clone(), stop).await;
    node.shutdown().await;
    tracing::info!(%department, "stopped");
    served.map_err(CliError::failed)
}

/// Starts the node, and sees to what is damaged: each kind of damage once.
async fn start(config: NodeConfig) -> Result<Node, CliError> {
    let mut told = String::new();
    loop {
        let error = match tokio::task::block_in_place(|| Node::start(config.clone())) {
            Ok(node) => return Ok(node),
            Err(error) => error,
        };
        let why = error.to_string();
        if why == told {
            return Err(CliError::failed(error));
        }
        match mend(&config, &error).await {
            Ok(Some(mended)) => tracing::warn!(damage = why, mended, "the node's files are mended"),
            Ok(None) => return Err(CliError::failed(error)),
            Err(lost) => {
                tracing::error!(damage = why, %lost, "the node cannot start");
                return Err(lost.into());
            }
        }
        told = why;
    }
}

/// Ends at SIGTERM, SIGINT or SIGHUP.
///
/// # Errors
/// The system's.
pub fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, CliError> {
    let listen = |kind| signal(kind).map_err(|e| CliError::failed(format_args!("listening for signals: {e}")));
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut hangup = listen(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
        }
    })
}

/// Ends when standard input does; never, unless it is asked for.
async fn input_end(asked: bool) {
    if !asked {
        return std::future::pending().await;
    }
    let (ended, wait) = oneshot::channel();
    // A thread of its own: reading standard input cannot be cancelled.
    std::thread::spawn(move || {
        let mut ignored = [0u8; 256];
        let mut input = std::io::stdin().lock();
        while matches!(input.read(&mut ignored), Ok(1..)) {}
        // Nobody waits any more when the node ended before.
        let _ = ended.send(());
    });
    let _ = wait.await;
}
