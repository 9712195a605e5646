//! `mulu node`: runs a department's node; its subcommands bring nodes into the cluster and out of it.

mod card;
mod change;
mod invite;
mod join;
mod list;
mod memory;
mod run;

use clap::{Args, Subcommand};

use super::error::CliError;
use super::rebuild::Rebuild;
pub use run::stop_signal;

/// Runs one department's node, or works with the cluster's members.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Node {
    #[command(subcommand)]
    command: Option<NodeCommand>,
    #[command(flatten)]
    run: Option<run::RunNode>,
}

/// Work with the members of consensus.
#[derive(Subcommand)]
enum NodeCommand {
    /// Make the folder of a node that is to join, or a certificate anew, on the authority's machine
    Invite(invite::Invite),
    /// Put a department and its node on the ledger, by the card that `invite` wrote (authority)
    Admit(change::Admit),
    /// Begin a node anew that lost its data: fetches the ledger from the other nodes
    Rebuild(Rebuild),
    /// Run a new node and show how far it has caught up
    Join(join::Join),
    /// Show all nodes: what each is, shall be, and how far it has come
    List(list::List),
    /// Say where a department's node is from now on
    Move(change::Move),
    /// Put a new node with a new number in the place of a department's present one (authority)
    Replace(change::Replace),
    /// End a department's node for ever; the department stays (authority)
    Remove(change::Remove),
    /// Say whose nodes vote: 1, 3, 5 or 7 departments (authority)
    Voters(change::Voters),
}

impl Node {
    pub(super) fn run(self) -> Result<(), CliError> {
        match (self.command, self.run) {
            (None, Some(run)) => run.run(),
            (None, None) => Err(CliError::usage("name the node's configuration with --config, or a subcommand")),
            (Some(command), _) => match command {
                NodeCommand::Invite(command) => command.run(),
                NodeCommand::Admit(command) => command.run(),
                NodeCommand::Rebuild(command) => command.run(),
                NodeCommand::Join(command) => command.run(),
                NodeCommand::List(command) => command.run(),
                NodeCommand::Move(command) => command.run(),
                NodeCommand::Replace(command) => command.run(),
                NodeCommand::Remove(command) => command.run(),
                NodeCommand::Voters(command) => command.run(),
            },
        }
    }
}
