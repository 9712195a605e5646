//! `mulu account`: accounts of a department's portal.

use std::io::Read as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::clock::{Clock as _, SystemClock};
use crate::domain::Role;
use crate::readmodel::local::Local;
use crate::readmodel::local::accounts::NewAccount;
use crate::service::config::NodeConfig;

use super::error::CliError;

/// Work with accounts of the portal.
#[derive(Subcommand)]
pub enum Account {
    /// Make an account, or give one that exists a new password
    Add(Add),
    /// List the accounts
    List(List),
}

#[derive(Args)]
pub struct Add {
    /// The node's `node.toml`
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Name to sign in with
    #[arg(long)]
    user: String,
    /// Name for people; the user's name when absent
    #[arg(long)]
    name: Option<String>,
    /// What the account may do: clerk, reviewer, admin or auditor; may be given several times
    #[arg(long = "role", required = true, value_parser = role)]
    roles: Vec<Role>,
    /// Read the password from standard input; otherwise one is made and printed
    #[arg(long)]
    password_stdin: bool,
}

#[derive(Args)]
pub struct List {
    /// The node's `node.toml`
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

impl Account {
    pub(super) fn run(self) -> Result<(), CliError> {
        match self {
            Self::Add(add) => add.run(),
            Self::List(List { config }) => {
                let config = NodeConfig::load(&config)?;
                for account in Local::open(&config.model_dir())?.accounts()? {
                    let roles: Vec<&str> = account.roles.iter().map(|role| role.as_str()).collect();
                    println!("{}\t{}\t{}", account.user, roles.join(","), account.display_name);
                }
                Ok(())
            }
        }
    }
}

impl Add {
    fn run(self) -> Result<(), CliError> {
        let config = NodeConfig::load(&self.config)?;
        let password = if self.password_stdin { from_stdin()? } else { random_password()? };
        let local = Local::open(&config.model_dir())?;
        let display_name = self.name.as_deref().unwrap_or(&self.user);
        let new = NewAccount { user: &self.user, display_name, password: &password, roles: &self.roles, lang: "zh" };
        put(&local, &new)?;
        println!("account {} of {} is ready", self.user, config.department);
        if !self.password_stdin {
            println!("password: {password}");
        }
        Ok(())
    }
}

/// Makes an account; one that exists gets the password and roles.
///
/// # Errors
/// A name, password or role that may not be, or the database's.
pub fn put(local: &Local, new: &NewAccount<'_>) -> Result<(), CliError> {
    if local.account(new.user)?.is_some() {
        local.set_password(new.user, new.password)?;
        local.set_roles(new.user, new.roles)?;
    } else {
        local.create_account(new, SystemClock.now())?;
    }
    Ok(())
}

/// A password of 16 characters without look-alikes: 92 bits.
///
/// # Errors
/// No randomness.
pub fn random_password() -> Result<String, CliError> {
    const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let mut password = String::with_capacity(16);
    let mut bytes = [0u8; 64];
    while password.len() < 16 {
        getrandom::fill(&mut bytes).map_err(|_| CliError::failed("no randomness from the operating system"))?;
        // Bytes beyond the last whole multiple are dropped, so that every letter is equally likely.
        let fair = bytes.iter().filter(|byte| usize::from(**byte) < LETTERS.len() * (256 / LETTERS.len()));
        let letters = fair.filter_map(|byte| LETTERS.get(usize::from(*byte) % LETTERS.len()));
        password.extend(letters.take(16 - password.len()).map(|letter| char::from(*letter)));
    }
    Ok(password)
}

fn from_stdin() -> Result<String, CliError> {
    let mut text = String::new();
    let read = std::io::stdin().take(4096).read_to_string(&mut text);
    read.map_err(|e| CliError::failed(format_args!("reading the password from standard input: {e}")))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn role(text: &str) -> Result<Role, String> {
    let role = Role::ALL.into_iter().find(|role| role.as_str() == text && *role != Role::System);
    role.ok_or_else(|| "write clerk, reviewer, admin or auditor".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_differ_and_have_no_look_alikes() {
        let (one, other) = (random_password().unwrap(), random_password().unwrap());
        assert_ne!(one, other);
        assert!(one.len() == 16 && !one.contains(['0', 'O', '1', 'l', 'I', 'o']), "{one}");
        assert_eq!((role("clerk"), role("system").is_err()), (Ok(Role::Clerk), true));
    }
}
