//! `mulu node rebuild`: begins a node anew that lost its data.

use std::path::PathBuf;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::clock::{Clock as _, SystemClock};
use crate::crypto::tls::install_provider;
use crate::ids::DepartmentId;
use crate::service::config::NodeConfig;
use crate::service::copy::CopyError;
use crate::service::copy::pull::{self, Progress};
use crate::service::copy::rebuild::{rebuild, set_aside};

use super::error::CliError;
use super::runtime;

/// Fetches the ledger from the other departments' nodes into a folder that has neither ledger nor store, proves it against
/// a checkpoint that enough departments cosigned, and puts it in its place. What was interrupted goes on where it was.
#[derive(Args)]
pub struct Rebuild {
    /// The node's `node.toml`; its keys and certificate must be there, its data must not
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Keep a ledger and a store that are there, and of no use any more, in `data/damaged/` first
    #[arg(long)]
    set_aside: bool,
}

impl Rebuild {
    pub(super) fn run(self) -> Result<(), CliError> {
        let config = NodeConfig::load(&self.config)?;
        config.check()?;
        install_provider();
        if self.set_aside {
            for kept in set_aside(&config, SystemClock.now())? {
                println!("kept        {}", kept.display());
            }
        }
        let bar = bar();
        let rebuilt = runtime()?.block_on(rebuild(&config, SystemClock.now(), |progress| show(&bar, &progress)));
        bar.finish_and_clear();
        let (pulled, lost) = rebuilt?;
        let names = |of: &[DepartmentId]| of.iter().map(DepartmentId::as_str).collect::<Vec<_>>().join(", ");
        println!(
            "copied      {} transactions in {} entries, from {}",
            pulled.size,
            pulled.entries,
            names(&pulled.from)
        );
        println!("proven      cosigned by {}", names(&pulled.cosigners));
        println!(
            "lost        accounts, drafts, papers and tokens, unless local.db lies in {}",
            config.model_dir().display()
        );
        println!("            (`mulu restore BACKUP --local {}` brings it back);", self.config.display());
        println!("            access records that waited for the ledger");
        match lost {
            Some(number) => println!(
                "next        have the authority give this node a new number (`mulu node replace`): number {number} is given up"
            ),
            None => println!("next        start the node"),
        }
        Ok(())
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} of {len} transactions, {per_sec}") {
        bar.set_style(style);
    }
    bar
}

fn show(bar: &ProgressBar, Progress { size, of }: &Progress) {
    bar.set_length(*of);
    bar.set_position(*size);
}

/// Lets a node that has no ledger begin with a copy of the others'. Where nobody gives one, it begins with the genesis.
///
/// # Errors
/// The node's own files or certificate.
pub(super) fn begin_with_a_copy(config: &NodeConfig) -> Result<(), CliError> {
    if !pull::is_empty(config) {
        return Ok(());
    }
    install_provider();
    let bar = bar();
    let pulled = runtime()?.block_on(pull::pull(config, &pull::sources(config), |progress| show(&bar, &progress)));
    bar.finish_and_clear();
    match pulled {
        Ok(pulled) => {
            let from: Vec<&str> = pulled.from.iter().map(DepartmentId::as_str).collect();
            eprintln!("begins with {} transactions, proven, from {}", pulled.size, from.join(", "));
            Ok(())
        }
        Err(CopyError::Unavailable(why)) => {
            eprintln!(
                "no other node gives a copy ({why}): the node begins with the genesis and takes all from the log"
            );
            Ok(())
        }
        Err(why) => Err(why.into()),
    }
}
