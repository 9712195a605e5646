//! What a demo's node needs before it starts: its department's data, accounts, and a token for its system.

use std::fs;
use std::thread;

use crate::cli::account::put;
use crate::cli::error::CliError;
use crate::clock::{Clock as _, DAY_MS, SystemClock};
use crate::crypto::password::random_password;
use crate::readmodel::local::accounts::NewAccount;
use crate::readmodel::local::{Local, TokenTerms};
use crate::service::departments::{City, DepartmentFolder};

use super::city::{DemoCity, DemoNode};
use super::manifest::{AccountEntry, Manifest, NodeEntry};

/// The system in whose name a department's token acts.
const SYSTEM: &str = "business-system";
const TOKEN_DAYS: u64 = 365;
/// Passwords are hashed slowly on purpose: a few departments at the same time.
const THREADS: usize = 4;

/// Prepares all nodes and answers what `demo.json` will say. What an earlier run made stays.
///
/// # Errors
/// The first node's that cannot be prepared.
pub fn prepare(city: &DemoCity, folders: &City) -> Result<Manifest, CliError> {
    let earlier = Manifest::take_earlier(&city.dir);
    let mut entries = Vec::with_capacity(city.nodes.len());
    for nodes in city.nodes.chunks(THREADS) {
        let prepared = thread::scope(|scope| {
            let earlier = earlier.as_ref();
            let start = |node| scope.spawn(move || prepare_node(city, folders, node, earlier));
            let threads: Vec<_> = nodes.iter().map(start).collect();
            threads.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
        });
        for entry in prepared {
            entries.push(entry.map_err(|_| CliError::failed("preparing a node failed"))??);
        }
    }
    Ok(Manifest { chain: city.chain.clone(), nodes: entries })
}

fn prepare_node(
    city: &DemoCity,
    folders: &City,
    node: &DemoNode,
    earlier: Option<&Manifest>,
) -> Result<NodeEntry, CliError> {
    let config = &node.config;
    let missing = || {
        CliError::usage(format_args!("{} has no folder for {}", config.departments_dir.display(), config.department))
    };
    let folder = folders.department(&config.department).ok_or_else(missing)?;
    fs::create_dir_all(&config.provider_dir).map_err(|e| CliError::io(&config.provider_dir, &e))?;
    folder.fill_databases(&config.provider_dir)?;
    let local = Local::open(&config.model_dir())?;
    let earlier =
        earlier.and_then(|manifest| manifest.nodes.iter().find(|entry| entry.department == config.department));
    let genesis = city.genesis.departments.iter().find(|department| department.id == config.department);
    Ok(NodeEntry {
        department: config.department.clone(),
        name_zh: folder.file.name.zh.clone(),
        raft: if genesis.is_some_and(|department| department.voter) { "voter" } else { "learner" }.to_owned(),
        url: config.web.public_url(),
        pid: 0,
        data_dir: config.data_dir.clone(),
        system_token: system_token(&local, earlier)?,
        accounts: accounts(&local, folder, earlier)?,
    })
}

/// The token of an earlier run while it is valid, or a new one.
fn system_token(local: &Local, earlier: Option<&NodeEntry>) -> Result<String, CliError> {
    let now = SystemClock.now();
    if let Some(entry) = earlier
        && local.system(&entry.system_token, now)?.is_some()
    {
        return Ok(entry.system_token.clone());
    }
    Ok(local.issue_token(SYSTEM, &TokenTerms::until(now.plus(TOKEN_DAYS * DAY_MS)), now)?)
}

/// The accounts of the department's file. A password stands in `demo.json` alone: when that is lost, there is a new one.
fn accounts(
    local: &Local,
    folder: &DepartmentFolder,
    earlier: Option<&NodeEntry>,
) -> Result<Vec<AccountEntry>, CliError> {
    let mut entries = Vec::with_capacity(folder.file.accounts.len());
    for account in &folder.file.accounts {
        let known = earlier.and_then(|entry| entry.accounts.iter().find(|known| known.user == account.user));
        if let Some(known) = known
            && local.account(&account.user)?.is_some()
        {
            entries.push(known.clone());
            continue;
        }
        let password = random_password()?;
        put(
            local,
            &NewAccount {
                user: &account.user,
                display_name: &account.title.zh,
                password: &password,
                once: false,
                roles: &account.roles,
                lang: "zh",
            },
        )?;
        entries.push(AccountEntry { user: account.user.clone(), password, roles: account.roles.clone() });
    }
    Ok(entries)
}
