//! `mulu node`: one department's node.

use std::future::Future;
use std::io::Read as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::crypto::tls::install_provider;
use crate::service::Node;
use crate::service::config::NodeConfig;
use crate::web;

use super::error::CliError;
use super::{logging, runtime};

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
    let node = tokio::task::block_in_place(|| Node::start(config)).map_err(CliError::failed)?;
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
