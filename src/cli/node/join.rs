//! `mulu node join`: a new node's first start. It shows how far the node has caught up, and leaves it running.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::error::CliError;
use crate::cli::rebuild;
use crate::consensus::Standing;
use crate::service::Node;
use crate::service::config::NodeConfig;

use super::run::{self, Ends};

const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A node that is this near is as far as the others: they write on meanwhile.
const NEAR_ENTRIES: u64 = 16;

/// Starts from the department's folder, says on standard error how far the node has come, and goes on running as
/// `mulu node --config` does.
#[derive(Args)]
pub struct Join {
    /// The node's `node.toml`
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Stop the node once it has caught up: for those whose service manager starts it then
    #[arg(long)]
    then_stop: bool,
}

impl Join {
    pub(super) fn run(self) -> Result<(), CliError> {
        let config = NodeConfig::load(&self.config)?;
        config.check()?;
        let own = config.own().map(|own| own.node_id).unwrap_or_default();
        eprintln!("{} joins as node {own}", config.department);
        rebuild::begin_with_a_copy(&config)?;
        let then_stop = self.then_stop;
        let ends = Ends { with_input: false, watch: Some(Box::new(move |node| Box::pin(watch(node, then_stop)))) };
        run::start(config, ends)?;
        if then_stop {
            eprintln!("start it with: mulu node --config {}", self.config.display());
        }
        Ok(())
    }
}

/// Tells the progress until the node has caught up; then ends if it is to stop, and else never.
async fn watch(node: Node, then_stop: bool) {
    let mut told = String::new();
    loop {
        let (is_there, news) = progress(&node);
        if news != told {
            eprintln!("{news}");
            told = news;
        }
        if is_there && then_stop {
            return;
        }
        if is_there {
            return std::future::pending().await;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Whether the node has caught up, and what to say.
fn progress(node: &Node) -> (bool, String) {
    let status = node.consensus.status();
    let furthest = status.reports.iter().map(|report| report.commit).max().unwrap_or(0).max(status.commit);
    let lag = furthest.saturating_sub(status.applied_raft_index);
    let connected = status.peers.iter().filter(|peer| peer.connected).count();
    match status.standing {
        Standing::Removed | Standing::Replaced { .. } => {
            (false, format!("the ledger says that node {} is out for ever: take a new number", status.node_id))
        }
        _ if connected == 0 => (false, "no other node can be reached yet: has the authority admitted this one?".into()),
        Standing::Joining => {
            (false, format!("{connected} nodes reached; {furthest} entries to catch up with, {lag} to go"))
        }
        Standing::Member if !status.configuration.contains(status.node_id) => {
            (false, format!("on the ledger; {lag} entries to go; waiting to be taken into consensus"))
        }
        Standing::Member if lag > NEAR_ENTRIES => (false, format!("learning: {lag} of {furthest} entries to go")),
        Standing::Member => (true, "caught up: the node runs, and may be given a vote".into()),
    }
}
