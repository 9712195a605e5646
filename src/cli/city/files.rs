//! Writes a new city: its authority, its genesis, and a folder for each node.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::cli::error::CliError;
use crate::clock::Millis;
use crate::crypto::ca::CityAuthority;
use crate::crypto::keyring::Keyring;
use crate::crypto::secret::Secret;
use crate::crypto::sign::Algorithm;
use crate::domain::command::{Command, Payload};
use crate::domain::department::{Department, Genesis};
use crate::domain::{Actor, Role, Text};
use crate::ids::{DepartmentId, TxId};
use crate::ledger::chain::chain_id;
use crate::ledger::transaction::Transaction;
use crate::ledger::trust::TrustPolicy;
use crate::policy;
use crate::service::config::NodeAddress;

use super::node_toml::NodeText;
use super::{Plan, PlannedNode, node_toml};

/// The genesis in the city's folder and in each node's.
pub const GENESIS_FILE: &str = "genesis.tx";
/// Configuration in each node's folder.
pub const CONFIG_FILE: &str = "node.toml";
/// Under it the private keys in a node's folder are encrypted.
pub const SECRET_FILE: &str = "secret/keys.secret";
/// Whom a holder of receipts may trust.
pub const TRUST_FILE: &str = "trust.toml";
/// The authority's certificate and key.
pub const AUTHORITY_DIR: &str = "authority";

/// Makes the city in `out`, which must not exist or be empty: all of it or, after an error, nothing. Answers the chain's id.
///
/// # Errors
/// `out` holds something, or the files cannot be written.
pub fn make(plan: &Plan, city: Text, departments_dir: &Path, out: &Path, now: Millis) -> Result<String, CliError> {
    let parts = fs::read_dir(out).map(Iterator::count);
    if matches!(parts, Ok(1..)) {
        return Err(CliError::usage(format_args!("{} is not empty: choose another folder", out.display())));
    }
    let staging = staging(out)?;
    let made = make_in(plan, city, departments_dir, &staging, now).and_then(|chain| {
        fs::rename(&staging, out).map_err(|e| CliError::io(out, &e))?;
        Ok(chain)
    });
    if made.is_err() {
        // What is left would only be keys of a city that does not exist.
        let _ = fs::remove_dir_all(&staging);
    }
    made
}

/// A folder beside `out`, so that a city appears whole or not at all.
fn staging(out: &Path) -> Result<PathBuf, CliError> {
    let out = std::path::absolute(out).map_err(|e| CliError::io(out, &e))?;
    let mut name = out.file_name().map(ToOwned::to_owned).unwrap_or_default();
    name.push(format!(".new-{}", std::process::id()));
    let staging = out.with_file_name(name);
    private_dir(&staging)?;
    Ok(staging)
}

fn make_in(plan: &Plan, city: Text, departments_dir: &Path, dir: &Path, now: Millis) -> Result<String, CliError> {
    let authority_dir = dir.join(AUTHORITY_DIR);
    private_dir(&authority_dir)?;
    let authority = CityAuthority::create(&format!("{} CA", city.en), now)?;
    authority.save(&authority_dir)?;
    let address =
        |node: &PlannedNode| node_toml::node_address(&node.file.id, node.file.order, &plan.host_of(node), node.ports);
    let addresses: Vec<NodeAddress> = plan.nodes.iter().map(address).collect();
    let mut keyrings = BTreeMap::new();
    for node in &plan.nodes {
        let folder = dir.join(node.file.id.as_str());
        let host = plan.host_of(node);
        let keyring = furnish(&folder, &authority, (&node.file.id, &host), node.keys, now)?;
        let text = NodeText {
            department: &node.file.id,
            name: &node.file.name,
            listen: &plan.listen.map_or_else(|| host.clone(), |ip| ip.to_string()),
            host: &host,
            ports: node.ports,
            departments_dir,
            nodes: &addresses,
        };
        write(&folder.join(CONFIG_FILE), node_toml::text(&text).as_bytes())?;
        keyrings.insert(node.file.id.clone(), keyring);
    }
    let (chain, tx) = genesis(plan, city, &keyrings, now)?;
    write(&dir.join(GENESIS_FILE), tx.as_bytes())?;
    for node in &plan.nodes {
        write(&dir.join(node.file.id.as_str()).join(GENESIS_FILE), tx.as_bytes())?;
    }
    write(&dir.join(TRUST_FILE), trust(plan, &chain, &keyrings)?.as_bytes())?;
    Ok(chain)
}

/// A node's folder, with new keys under a new secret, and a certificate.
///
/// # Errors
/// The files cannot be written.
pub fn furnish(
    folder: &Path,
    authority: &CityAuthority,
    (department, host): (&DepartmentId, &str),
    keys: Algorithm,
    now: Millis,
) -> Result<Keyring, CliError> {
    for private in ["keys", "secret", "tls", "data"] {
        private_dir(&folder.join(private))?;
    }
    let secret = Secret::create_key_file(&folder.join(SECRET_FILE))?;
    let keyring = Keyring::generate(keys)?;
    keyring.save(&folder.join("keys"), Some(&secret))?;
    authority.issue(department, &[host.to_owned()], now)?.locked(&secret)?.save(&folder.join("tls"))?;
    Ok(keyring)
}

/// The chain's first transaction, signed by the authority for the very chain that it begins.
fn genesis(
    plan: &Plan,
    city: Text,
    keyrings: &BTreeMap<DepartmentId, Keyring>,
    now: Millis,
) -> Result<(String, Transaction), CliError> {
    let key_of = |id: &DepartmentId| keyrings.get(id).ok_or_else(|| CliError::failed(format_args!("{id} has no keys")));
    let mut departments = Vec::with_capacity(plan.nodes.len());
    for node in &plan.nodes {
        let keyring = key_of(&node.file.id)?;
        departments.push(Department {
            id: node.file.id.clone(),
            name: node.file.name.clone(),
            uscc: node.file.uscc.clone(),
            signing_key: keyring.signing.public(),
            signing_key_valid_until: None,
            sealing_key: keyring.sealing.public().to_string(),
            voter: node.voter,
            node_id: node.file.order,
        });
    }
    let payload = Payload {
        id: TxId::new(now),
        department: plan.authority.clone(),
        actor: Actor { user: "init".into(), role: Role::Admin },
        command: Command::Genesis(Genesis {
            city,
            hash: plan.hash,
            authority: plan.authority.clone(),
            auditor: plan.auditor.clone(),
            cosignatures_min: plan.cosignatures,
            endorsements_min: None,
            edition: Some(crate::domain::edition::NEWEST),
            departments,
            policy: policy::default_document(),
        }),
    };
    let payload = payload.encode().map_err(CliError::failed)?;
    let chain = chain_id(&payload);
    let tx = Transaction::sign(&chain, payload.as_bytes(), &key_of(&plan.authority)?.signing)?;
    Ok((chain, tx))
}

/// A policy for `mulu receipt verify`: as many departments as anchor a checkpoint, a majority unless told otherwise.
fn trust(plan: &Plan, chain: &str, keyrings: &BTreeMap<DepartmentId, Keyring>) -> Result<String, CliError> {
    let stated = plan.cosignatures.and_then(|count| usize::try_from(count).ok());
    let needed = stated.unwrap_or(keyrings.len() / 2 + 1);
    let departments = keyrings.iter().map(|(id, keyring)| (id.clone(), vec![keyring.signing.public()]));
    let policy = TrustPolicy::any(chain, departments.collect(), needed).map_err(CliError::failed)?;
    policy.file().map_err(CliError::failed)
}

/// Creates a folder that only its owner can enter.
///
/// # Errors
/// The system's.
pub fn private_dir(path: &Path) -> Result<(), CliError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|e| CliError::io(path, &e))
}

/// Writes a file.
///
/// # Errors
/// The system's.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    fs::write(path, bytes).map_err(|e| CliError::io(path, &e))
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
