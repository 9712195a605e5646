//! `mulu node rebuild`: begins a node anew that lost its data.

use std::path::PathBuf;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::clock::{Clock as _, SystemClock};
use crate::crypto::tls::install_provider;
use crate::ids::DepartmentId;
use crate::service::config::NodeConfig;
use crate::service::copy::pull::Progress;
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
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} of {len} transactions, {per_sec}") {
            bar.set_style(style);
        }
        let tell = |Progress { size, of }| {
            bar.set_length(of);
            bar.set_position(size);
        };
        let rebuilt = runtime()?.block_on(rebuild(&config, SystemClock.now(), tell));
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
