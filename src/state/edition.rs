//! Which edition of the ledger is in force.

use crate::domain::Role;
use crate::domain::command::Command;
use crate::domain::edition::{self, EditionChange, FIRST};

use super::machine::{Context, State};
use super::outcome::Refusal;

impl State {
    /// The edition in force.
    pub fn edition(&self) -> u32 {
        let of_genesis = || self.genesis().and_then(|genesis| genesis.edition).unwrap_or(FIRST);
        self.edition.get(&()).copied().unwrap_or_else(of_genesis)
    }

    /// Refuses a kind that a later edition brings, with the refusal of programs that do not know it at all.
    ///
    /// # Errors
    /// [`Refusal::Payload`].
    pub fn check_edition(&self, command: &Command) -> Result<(), Refusal> {
        let (kind, needed) = (command.kind(), edition::of(command));
        if needed <= self.edition() {
            return Ok(());
        }
        Err(Refusal::Payload(format!(
            "`{kind}` comes with edition {needed}; this ledger is in edition {}",
            self.edition()
        )))
    }

    /// Raises the edition, also to one that this program does not know: it must stop then, and says so itself.
    pub(super) fn set_edition(&mut self, by: &Context<'_>, change: EditionChange) -> Result<(), Refusal> {
        self.require_authority(by)?;
        if by.actor.role != Role::Admin {
            return Err(Refusal::NotAllowed("an administrator of the authority raises the edition".into()));
        }
        let next = self.edition().saturating_add(1);
        if change.edition != next {
            return Err(Refusal::Conflict(format!("the next edition is {next}")));
        }
        self.edition.insert((), next);
        Ok(())
    }
}
