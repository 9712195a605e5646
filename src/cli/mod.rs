//! The commands of `mulu`, one file each. What a command answers goes to standard output, all else to standard error.
#![expect(clippy::print_stdout, reason = "what a command answers goes to standard output")]

mod account;
mod backup;
mod bench;
mod certificate;
mod check_config;
mod city;
mod completion;
mod connector;
mod demo;
mod departments;
mod edition;
mod error;
mod health;
mod init;
mod keygen;
mod keys;
mod ledger;
mod logging;
mod node;
mod policy;
mod projection;
mod query;
mod rebuild;
mod receipt;
mod restore;
mod sample;
mod token;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use error::CliError;

/// The whole command line.
#[derive(Parser)]
#[command(name = "mulu", version, about = "Mulu (目录): a government data-directory chain, one node a department")]
#[command(
    after_help = "Exit codes: 0 done; 1 failed, or what was verified is not valid; 2 wrong use or configuration."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a whole city on this machine: one process a department, all data in one folder
    Demo(demo::Demo),
    /// Run one department's node, or bring nodes into the cluster and out of it
    Node(node::Node),
    /// Make a city: authority, genesis, and a folder for each department's node
    Init(init::Init),
    /// Make a department's keys
    Keygen(keygen::Keygen),
    /// Work with keys on the ledger: show, replace, end, and vouch for those of others
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Show or raise the ledger's edition: which kinds of transactions it knows
    Edition(edition::Edition),
    /// Work with the city's rules: show, check, propose, confirm, go back
    #[command(subcommand)]
    Policy(policy::Policy),
    /// Check a node's configuration and tell every fault
    CheckConfig(check_config::CheckConfig),
    /// Try the department's own data sources
    #[command(subcommand)]
    Connector(connector::Connector),
    /// Ask a running node how it is
    Health(health::Health),
    /// Work with accounts of the portal
    #[command(subcommand)]
    Account(account::Account),
    /// Work with tokens of departmental systems
    #[command(subcommand)]
    Token(token::Token),
    /// Audit a ledger, offline
    #[command(subcommand)]
    Ledger(ledger::Ledger),
    /// Audit a receipt, offline
    #[command(subcommand)]
    Receipt(receipt::Receipt),
    /// Check an e-licence, offline
    #[command(subcommand)]
    Certificate(certificate::Certificate),
    /// Work with a node's read model
    #[command(subcommand)]
    Projection(projection::Projection),
    /// Take a backup of a running node
    Backup(backup::Backup),
    /// Make a node's folder of a backup, or verify one
    Restore(restore::Restore),
    /// Ask another department for data
    Query(query::Query),
    /// Print what a shell needs to complete this command line
    Completion(completion::Completion),
    /// Write the sample data of the demo city
    Sample(sample::Sample),
    /// Measure on this machine what the node's parts can do
    #[command(subcommand)]
    Bench(bench::Bench),
}

/// Reads the command line, does what it says and answers the exit code.
pub fn run() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Demo(command) => command.run(),
        Command::Node(command) => command.run(),
        Command::Init(command) => command.run(),
        Command::Keygen(command) => command.run(),
        Command::Keys(command) => command.run(),
        Command::Edition(command) => command.run(),
        Command::Policy(command) => command.run(),
        Command::CheckConfig(command) => command.run(),
        Command::Connector(command) => command.run(),
        Command::Health(command) => command.run(),
        Command::Account(command) => command.run(),
        Command::Token(command) => command.run(),
        Command::Ledger(command) => command.run(),
        Command::Receipt(command) => command.run(),
        Command::Certificate(command) => command.run(),
        Command::Projection(command) => command.run(),
        Command::Backup(command) => command.run(),
        Command::Restore(command) => command.run(),
        Command::Query(command) => command.run(),
        Command::Completion(command) => command.run(),
        Command::Sample(command) => command.run(),
        Command::Bench(command) => command.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mulu: {error}");
            error.exit_code()
        }
    }
}

/// A runtime for the commands that wait for others.
fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| CliError::failed(format_args!("starting the runtime: {e}")))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
