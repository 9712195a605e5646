//! `mulu node --config`: one department's node.

use std::future::Future;
use std::io::Read as _;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::crypto::tls::install_provider;
use crate::service::Node;
use crate::service::config::NodeConfig;
use crate::service::copy::mend::mend;
use crate::web;

use crate::cli::error::CliError;
use crate::cli::{logging, runtime};

use super::memory;

/// How long blocking work may take to end after all else has.
const END_PATIENCE: Duration = Duration::from_secs(2);

/// Runs until SIGTERM or SIGINT, then takes no more requests, finishes those that it has, and exits with 0.
#[derive(Args)]
pub struct RunNode {
    /// The node's `node.toml`
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Stop also when standard input ends: for a supervisor that holds its other end
    #[arg(long)]
    until_input_ends: bool,
}

impl RunNode {
    pub(super) fn run(self) -> Result<(), CliError> {
        let config = NodeConfig::load(&self.config)?;
        config.check()?;
        start(config, Ends { with_input: self.until_input_ends, watch: None })
    }
}

/// Looks after a running node; the node ends when this does.
pub(super) type Watch = Box<dyn FnOnce(Node) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// What ends a node besides signals.
pub(super) struct Ends {
    /// The end of standard input.
    pub(super) with_input: bool,
    /// The end of this.
    pub(super) watch: Option<Watch>,
}

/// Runs a node whose configuration was checked, until it is told to end.
pub(super) fn start(config: NodeConfig, ends: Ends) -> Result<(), CliError> {
    logging::start(&config.log)?;
    memory::keep_little();
    install_provider();
    let runtime = runtime()?;
    let ended = runtime.block_on(run(config, ends));
    runtime.shutdown_timeout(END_PATIENCE);
    ended
}

async fn run(config: NodeConfig, ends: Ends) -> Result<(), CliError> {
    let signalled = stop_signal()?;
    let input_ended = input_end(ends.with_input);
    let department = config.department.clone();
    tracing::info!(%department, version = env!("CARGO_PKG_VERSION"), "starting");
    let node = mended(config).await?;
    let watched = ends.watch.map(|watch| watch(node.clone()));
    let watched = async move {
        match watched {
            Some(watched) => watched.await,
            None => std::future::pending().await,
        }
    };
    let stop = async move {
        tokio::select! {
            () = signalled => {}
            () = input_ended => {}
            () = watched => {}
        }
        tracing::info!("stopping");
    };
    let served = web::serve(node.clone(), stop).await;
    node.shutdown().await;
    tracing::info!(%department, "stopped");
    served.map_err(CliError::failed)
}

/// Starts the node, and sees to what is damaged: each kind of damage once.
async fn mended(config: NodeConfig) -> Result<Node, CliError> {
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
