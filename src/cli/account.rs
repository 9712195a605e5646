//! `mulu account`: accounts of a department's portal.

use std::io::Read as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::clock::{Clock as _, SystemClock};
use crate::crypto::password::random_password;
use crate::domain::Role;
use crate::readmodel::ReadError;
use crate::readmodel::local::accounts::NewAccount;
use crate::readmodel::local::acts::OPERATOR;
use crate::readmodel::local::{Act, ActKind, Local};
use crate::service::config::NodeConfig;

use super::error::CliError;

/// Work with accounts of the portal.
#[derive(Subcommand)]
pub enum Account {
    /// Make an account, or give one that exists a new password
    Add(Add),
    /// List the accounts
    List(List),
    /// Take an account's second factor away, for somebody who lost device and recovery codes
    ResetSecondFactor(One),
    /// Let an account rest: nobody signs in with it, and its sessions end
    Disable(One),
    /// Let an account be used again, and unlock it
    Enable(One),
}

#[derive(Args)]
pub struct One {
    /// The node's `node.toml`
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Name of the account
    #[arg(long)]
    user: String,
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
    /// The password is good for one sign-in, at which a new one is chosen
    #[arg(long)]
    once: bool,
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
                let local = Local::open(&NodeConfig::load(&config)?.model_dir())?;
                let with_code = local.with_second_factor()?;
                for account in local.accounts()? {
                    let roles: Vec<&str> = account.roles.iter().map(|role| role.as_str()).collect();
                    let code = if with_code.contains(&account.user) { "\tsecond factor" } else { "" };
                    let rests = if account.disabled.is_some() { "\trests" } else { "" };
                    println!("{}\t{}\t{}{code}{rests}", account.user, roles.join(","), account.display_name);
                }
                Ok(())
            }
            Self::ResetSecondFactor(one) => {
                one.change(ActKind::SecondFactorRemoved, "has no second factor", |local, user| {
                    local.remove_second_factor(user)?;
                    local.end_sessions(user)
                })
            }
            Self::Disable(one) => one.change(ActKind::AccountDisabled, "rests", |local, user| {
                local.set_disabled(user, Some(SystemClock.now()))
            }),
            Self::Enable(one) => one.change(ActKind::AccountEnabled, "may be used", |local, user| {
                local.set_disabled(user, None)?;
                local.unlock(user)
            }),
        }
    }
}

impl One {
    fn change(
        &self,
        kind: ActKind,
        now: &str,
        work: impl FnOnce(&Local, &str) -> Result<(), ReadError>,
    ) -> Result<(), CliError> {
        let local = Local::open(&NodeConfig::load(&self.config)?.model_dir())?;
        if local.account(&self.user)?.is_none() {
            return Err(CliError::failed(format_args!("there is no account {}", self.user)));
        }
        work(&local, &self.user)?;
        note(&local, kind, &self.user)?;
        println!("account {} {now}", self.user);
        Ok(())
    }
}

/// Writes down what the operator did.
pub(super) fn note(local: &Local, kind: ActKind, subject: &str) -> Result<(), ReadError> {
    let act = Act { kind, user: OPERATOR.into(), from: None, subject: subject.to_owned(), detail: String::new() };
    local.note(&act, SystemClock.now())
}

impl Add {
    fn run(self) -> Result<(), CliError> {
        let config = NodeConfig::load(&self.config)?;
        let password = if self.password_stdin { from_stdin()? } else { random_password()? };
        let local = Local::open(&config.model_dir())?;
        let display_name = self.name.as_deref().unwrap_or(&self.user);
        let new = NewAccount {
            user: &self.user,
            display_name,
            password: &password,
            once: self.once,
            roles: &self.roles,
            lang: "zh",
        };
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
        local.set_password(new.user, new.password, new.once)?;
        local.set_roles(new.user, new.roles)?;
        note(local, ActKind::PasswordReset, new.user)?;
        note(local, ActKind::RolesChanged, new.user)?;
    } else {
        local.create_account(new, SystemClock.now())?;
        note(local, ActKind::AccountCreated, new.user)?;
    }
    Ok(())
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
    fn systems_have_no_accounts() {
        assert_eq!((role("clerk"), role("system").is_err()), (Ok(Role::Clerk), true));
    }
}
