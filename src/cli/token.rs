//! `mulu token`: tokens with which a department's systems call its node.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::clock::{Clock as _, DAY_MS, Millis, SystemClock};
use crate::crypto::tls::fingerprint_of;
use crate::ids::EntryName;
use crate::readmodel::local::tokens::{Credential, TOKEN_DAYS_MAX};
use crate::readmodel::local::{ActKind, Local, SystemToken, TokenTerms};
use crate::service::config::NodeConfig;

use super::account::note;
use super::error::CliError;

const HOUR_MS: u64 = 3_600_000;

/// Work with tokens of departmental systems.
#[derive(Subcommand)]
pub enum Token {
    /// Issue a token to a system, in place of those it had, and print it: the only copy. Or know it by its certificate
    Add(Add),
    /// Issue a system another token, or know its next certificate, on the same terms; the present one ends a while later
    Rotate(Rotate),
    /// Show each token's terms, when and whence it was last used, and where it should not have been
    List(List),
    /// End a system's tokens
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
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u64).range(1..=TOKEN_DAYS_MAX))]
    days: u64,
    /// The system may also hand in transactions that it signed itself with the department's key
    #[arg(long)]
    submits: bool,
    /// An entry, `provider/name`, that it may query; several may be named, and all are meant when none is
    #[arg(long = "entry", value_name = "ENTRY")]
    entries: Vec<EntryName>,
    /// An address from which it may come; several may be named, and all are meant when none is
    #[arg(long = "from", value_name = "ADDRESS")]
    sources: Vec<IpAddr>,
    /// PEM file with the system's certificate, by which it is known at `[systems] listen` instead of by a token
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
}

#[derive(Args)]
pub struct Rotate {
    /// The node's `node.toml`
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Name of the system
    #[arg(long)]
    system: String,
    /// Days until the new one ends
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u64).range(1..=TOKEN_DAYS_MAX))]
    days: u64,
    /// Hours until the present one ends: time for the system to change over
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u64).range(0..=720))]
    overlap: u64,
    /// PEM file with the system's certificate, by which it is known at `[systems] listen` instead of by a token
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
}

#[derive(Args)]
pub struct List {
    /// The node's `node.toml`
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
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
        let now = SystemClock.now();
        match self {
            Self::Add(Add { config, system, days, submits, entries, sources, certificate }) => {
                let terms = TokenTerms { expires: now.plus(days * DAY_MS), submits, entries, sources };
                let credential = credential(certificate)?;
                let local = local(&config)?;
                println!("{}", local.admit_system(&system, &credential, &terms, now)?);
                note(&local, ActKind::TokenIssued, &system)?;
            }
            Self::Rotate(Rotate { config, system, days, overlap, certificate }) => {
                let ends = (now.plus(days * DAY_MS), now.plus(overlap * HOUR_MS));
                let credential = credential(certificate)?;
                let local = local(&config)?;
                println!("{}", local.rotate_token(&system, &credential, ends, now)?);
                note(&local, ActKind::TokenRotated, &system)?;
            }
            Self::List(List { config }) => local(&config)?.system_tokens()?.iter().for_each(|token| show(token, now)),
            Self::Revoke(Revoke { config, system }) => {
                let local = local(&config)?;
                local.revoke_token(&system)?;
                note(&local, ActKind::TokenRevoked, &system)?;
                println!("the tokens of {system} have ended");
            }
        }
        Ok(())
    }
}

fn credential(certificate: Option<PathBuf>) -> Result<Credential, CliError> {
    Ok(match certificate {
        Some(file) => Credential::Certificate(fingerprint_of(&file)?),
        None => Credential::Token,
    })
}

fn local(config: &Path) -> Result<Local, CliError> {
    Ok(Local::open(&NodeConfig::load(config)?.model_dir())?)
}

fn show(token: &SystemToken, now: Millis) {
    let place = |at: Option<Millis>, from: Option<IpAddr>| {
        let from = from.map(|from| format!(" from {from}")).unwrap_or_default();
        at.map_or_else(|| "never".to_owned(), |at| format!("{at}{from}"))
    };
    let SystemToken { name, terms, .. } = token;
    let state = if terms.expires <= now { "ended" } else { "until" };
    let of = |items: Vec<String>| if items.is_empty() { "all".to_owned() } else { items.join(",") };
    let entries = of(terms.entries.iter().map(ToString::to_string).collect());
    let sources = of(terms.sources.iter().map(ToString::to_string).collect());
    let used = place(token.last_used, token.last_from);
    println!("{name}\t{state} {}\tentries {entries}\tfrom {sources}\tused {used}", terms.expires);
    if token.alarm_at.is_some() {
        println!("  ALARM: used where it should not be, {}", place(token.alarm_at, token.alarm_from));
    }
}
