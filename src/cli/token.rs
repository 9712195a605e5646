//! `mulu token`: tokens with which a department's systems call its node.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::clock::{Clock as _, SystemClock};
use crate::readmodel::local::Local;
use crate::service::config::NodeConfig;

use super::error::CliError;

const DAY_MS: u64 = 86_400_000;

/// Work with tokens of departmental systems.
#[derive(Subcommand)]
pub enum Token {
    /// Issue a token to a system, in place of the one it had, and print it: the only copy
    Add(Add),
    /// End a system's token
    Revoke(Revoke),
}

#[derive(Args)]
pub struct Add {
    /// The node's `node.toml`
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Name of the system; audit records show it
    #[arg(long)]
    system: String,
    /// Days until it ends
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u64).range(1..=3650))]
    days: u64,
    /// The system may also hand in transactions that it signed itself with the department's key
    #[arg(long)]
    submits: bool,
}

#[derive(Args)]
pub struct Revoke {
    /// The node's `node.toml`
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Name of the system
    #[arg(long)]
    system: String,
}

impl Token {
    pub(super) fn run(self) -> Result<(), CliError> {
        match self {
            Self::Add(Add { config, system, days, submits }) => {
                let config = NodeConfig::load(&config)?;
                let now = SystemClock.now();
                let (local, expires) = (Local::open(&config.model_dir())?, now.plus(days * DAY_MS));
                let token = if submits {
                    local.issue_submitter_token(&system, expires, now)?
                } else {
                    local.issue_token(&system, expires, now)?
                };
                println!("{token}");
            }
            Self::Revoke(Revoke { config, system }) => {
                let config = NodeConfig::load(&config)?;
                Local::open(&config.model_dir())?.revoke_token(&system)?;
                println!("the token of {system} has ended");
            }
        }
        Ok(())
    }
}
