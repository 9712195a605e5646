//! Finds every fault of a configuration at once, before anything starts.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::crypto::keyring::{Keyring, SEALING_FILE, SIGNING_FILE};
use crate::crypto::pem;
use crate::domain::command::{Command, Payload};
use crate::domain::department::Genesis;
use crate::domain::node::check_address;
use crate::exchange::OUTBOX_AGE_MS_MAX;
use crate::ledger::transaction::Transaction;

use super::{ConfigError, NodeConfig, database};

const NODES_MAX: usize = 500;

impl NodeConfig {
    /// Checks the values, the files that they name, and whether they belong together.
    ///
    /// # Errors
    /// [`ConfigError::Faults`] with all faults.
    pub fn check(&self) -> Result<(), ConfigError> {
        let mut faults = Vec::new();
        addresses(self, &mut faults);
        nodes(self, &mut faults);
        bounds(self, &mut faults);
        database::check(
            self,
            |path, faults| private("the password", "database_password_file", path, faults),
            &mut faults,
        );
        files(self, &mut faults);
        let keys = keys(self, &mut faults);
        genesis(self, keys.as_ref(), &mut faults);
        if faults.is_empty() { Ok(()) } else { Err(ConfigError::Faults(faults)) }
    }
}

fn addresses(config: &NodeConfig, faults: &mut Vec<String>) {
    let listens =
        [("web.listen", config.web.listen), ("peer.listen", config.peer.listen), ("raft.listen", config.raft.listen)];
    let systems = config.systems.as_ref().map(|systems| ("systems.listen", systems.listen));
    let mut seen = BTreeMap::new();
    for (key, listen) in listens.into_iter().chain(systems) {
        if listen.port() == 0 {
            faults.push(format!("{key}: port 0 cannot be told to others; choose a port"));
        } else if let Some(other) = seen.insert(listen.port(), key) {
            faults.push(format!("{key}: port {} is {other}'s already; choose another", listen.port()));
        }
    }
    let url = config.web.public_url();
    if let Err(why) = url_fault(&url) {
        faults.push(format!("web.public_url: `{url}` {why}"));
    }
    if config.web.cookie_secure == Some(false) && url.starts_with("https://") {
        faults.push("web.cookie_secure: must not be false when public_url is https".into());
    }
}

fn url_fault(url: &str) -> Result<(), &'static str> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let rest = rest.ok_or("must begin with http:// or https://")?;
    if rest.is_empty() || rest.chars().any(|c| c.is_whitespace() || c.is_control() || "?#\"'<>".contains(c)) {
        return Err("is not a URL");
    }
    if rest.ends_with('/') { Err("must not end with a slash") } else { Ok(()) }
}

fn nodes(config: &NodeConfig, faults: &mut Vec<String>) {
    if config.nodes.is_empty() || config.nodes.len() > NODES_MAX {
        faults.push(format!("nodes: write 1 to {NODES_MAX} [[nodes]]"));
    }
    if config.own().is_none() {
        faults.push(format!("department: `{}` is none of the [[nodes]]", config.department));
    }
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for node in &config.nodes {
        let department = &node.department;
        let (raft, peer) = (("raft", &node.raft), ("peer", &node.peer));
        for (key, address) in [raft, peer] {
            match check_address(address) {
                Err(why) => faults.push(format!("nodes, {department}.{key}: `{address}` {why}")),
                Ok(()) => once(&mut seen, address.clone(), format!("{department}.{key}"), faults),
            }
        }
        if let Err(why) = url_fault(&node.web) {
            faults.push(format!("nodes, {department}.web: `{}` {why}", node.web));
        }
        if node.node_id == 0 {
            faults.push(format!("nodes, {department}.node_id: counts from 1"));
        }
        once(&mut seen, format!("node_id {}", node.node_id), department.to_string(), faults);
        once(&mut seen, format!("department {department}"), "another node".to_owned(), faults);
    }
}

fn once(seen: &mut BTreeMap<String, String>, what: String, who: String, faults: &mut Vec<String>) {
    if let Some(other) = seen.get(&what) {
        faults.push(format!("nodes, {who}: {what} is there already, for {other}"));
    } else {
        seen.insert(what, who);
    }
}

fn bounds(config: &NodeConfig, faults: &mut Vec<String>) {
    let limits = &config.limits;
    let mut within = |key: &str, value: u64, min: u64, max: u64| {
        if !(min..=max).contains(&value) {
            faults.push(format!("limits.{key}: {value} is not within {min} to {max}"));
        }
    };
    within("query_timeout_ms", limits.query_timeout_ms, 100, 60_000);
    within("submit_timeout_ms", limits.submit_timeout_ms, 100, 60_000);
    within("promise_ms", limits.promise_ms, 1_000, OUTBOX_AGE_MS_MAX);
    within("disk_reserve_mb", limits.disk_reserve_mb, 1, 1_048_576);
}

fn files(config: &NodeConfig, faults: &mut Vec<String>) {
    let systems = config.systems.iter();
    let systems = systems.flat_map(|it| [("systems.cert", &it.cert), ("systems.client_ca", &it.client_ca)]);
    for (key, path) in [("tls.ca", &config.tls.ca), ("tls.cert", &config.tls.cert)].into_iter().chain(systems) {
        if let Err(why) = pem::read(path) {
            faults.push(format!("{key}: {why}"));
        }
    }
    if !config.departments_dir.is_dir() {
        faults.push(format!("departments_dir: {} is not a folder", config.departments_dir.display()));
    }
    if config.data_dir.exists() && !config.data_dir.is_dir() {
        faults.push(format!("data_dir: {} is not a folder", config.data_dir.display()));
    }
}

/// The keys, if they can be read. Why not is told once: a file that is not there needs no second word.
fn keys(config: &NodeConfig, faults: &mut Vec<String>) -> Option<Keyring> {
    let before = faults.len();
    for (key, path) in
        [("keys.key_file", &config.keys.key_file), ("keys.passphrase_file", &config.keys.passphrase_file)]
    {
        if let Some(path) = path {
            private("the secret", key, path, faults);
        }
    }
    private("the key", "tls.key", &config.tls.key, faults);
    if let Some(systems) = &config.systems {
        private("the key", "systems.key", &systems.key, faults);
    }
    for file in [SIGNING_FILE, SEALING_FILE] {
        private("the key", "keys_dir", &config.keys_dir.join(file), faults);
    }
    let is_told = faults.len() > before;
    let read = || {
        let secret = config.keys.secret()?;
        config.tls_files()?.check_key()?;
        if let Some((_, files)) = config.systems_tls()? {
            files.check_key()?;
        }
        Keyring::load(&config.keys_dir, secret.as_ref())
    };
    match read() {
        Ok(keys) => Some(keys),
        Err(why) => {
            if !is_told {
                faults.push(format!("keys: {why}"));
            }
            None
        }
    }
}

/// Bits of a mode that let others read a file. What a service manager hands over as a credential has an access list, and
/// its group's bits are that list's mask (acl(5)); only the service can enter the folder (systemd.exec(5)).
pub(super) fn bits_of_others(path: &Path, credentials: Option<&Path>) -> u32 {
    if credentials.is_some_and(|folder| path.starts_with(folder)) { 0o007 } else { 0o077 }
}

/// A key or secret that others can read is no longer private.
fn private(what: &str, key: &str, path: &Path, faults: &mut Vec<String>) {
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    match std::fs::metadata(path) {
        Err(cause) => faults.push(format!("{key}: {}: {cause}", path.display())),
        Ok(found) if !found.is_file() => faults.push(format!("{key}: {} is not a file", path.display())),
        Ok(found) if found.permissions().mode() & bits_of_others(path, credentials.as_deref()) != 0 => {
            let mode = found.permissions().mode() & 0o777;
            faults.push(format!(
                "{key}: {} is open to others (mode {mode:o}): {what} is no longer private; run `chmod 600` on it",
                path.display()
            ));
        }
        Ok(_) => {}
    }
}

fn genesis(config: &NodeConfig, keys: Option<&Keyring>, faults: &mut Vec<String>) {
    let genesis = match read_genesis(&config.genesis) {
        Ok((_, genesis)) => genesis,
        Err(why) => return faults.push(format!("genesis: {}: {why}", config.genesis.display())),
    };
    // Departments may join later, and nodes may be replaced: then the genesis does not name them, or by another number.
    let others = || genesis.departments.iter().filter(|other| other.id != config.department);
    for other in others().filter(|other| config.own().is_some_and(|own| own.node_id == other.node_id)) {
        let (id, number) = (&config.department, other.node_id);
        faults.push(format!("nodes, {id}.node_id: {number} is the number of {} in the genesis", other.id));
    }
    // Another key than the genesis names may be a later one, which the ledger will tell; another department's is not.
    for other in others().filter(|other| keys.is_some_and(|keys| keys.signing.public() == other.signing_key)) {
        faults.push(format!("keys_dir: {} holds the key of {}", config.keys_dir.display(), other.id));
    }
}

/// Reads the transaction and the document with which the chain begins. Says nothing of its signature.
///
/// # Errors
/// What is wrong with the file, for the operator.
pub fn read_genesis(path: &Path) -> Result<(Transaction, Genesis), String> {
    let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
    let tx = Transaction::decode(&bytes).map_err(|e| e.to_string())?;
    match Payload::decode(tx.payload())?.command {
        Command::Genesis(genesis) => Ok((tx, genesis)),
        other => Err(format!("is a transaction of the kind {}, not chain.genesis", other.kind())),
    }
}
