//! Begins a node anew that lost its data, and gives up the number under which it had acknowledged what is lost.

use std::path::PathBuf;

use crate::clock::Millis;
use crate::service::config::NodeConfig;
use crate::storage::damaged::{self, DAMAGED_DIR};
use crate::storage::is_in_use;

use super::CopyError;
use super::pull::{Progress, Pulled, pull, sources};
use super::returned::{self, Spent};

/// Keeps the ledger and the store of a stopped node aside; answers where they lie now.
///
/// # Errors
/// [`CopyError`]; also while the node runs.
pub fn set_aside(config: &NodeConfig, now: Millis) -> Result<Vec<PathBuf>, CopyError> {
    if is_in_use(&config.ledger_dir()) {
        return Err(CopyError::Usage("the node is running: stop it first".into()));
    }
    let there = [config.ledger_dir(), config.store_dir()].into_iter().filter(|dir| dir.exists());
    let aside = config.data_dir.join(DAMAGED_DIR);
    there.map(|dir| Ok(damaged::set_aside(&aside, now, &dir)?)).collect()
}

/// Fills the data folder from the other nodes. Unless the ledger has given the node another number than `node.toml`
/// names, the number is given up: the node takes part again under a new one.
///
/// # Errors
/// As [`pull`].
pub async fn rebuild(
    config: &NodeConfig,
    now: Millis,
    progress: impl FnMut(Progress) + Send,
) -> Result<(Pulled, Option<u64>), CopyError> {
    let pulled = pull(config, &sources(config), progress).await?;
    let known = config.own().map(|own| own.node_id);
    let lost = known.filter(|known| pulled.number.is_none_or(|number| number == *known));
    if let Some(number) = lost {
        let why = "what it had was lost, and its ledger came from other nodes".to_owned();
        returned::give_up(&config.data_dir, Spent { number, why, time: now })?;
    }
    Ok((pulled, lost))
}
