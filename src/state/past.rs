//! What decisions on one entry rested on at an earlier size of the ledger, made anew from the transactions about it.

use crate::clock::Millis;
use crate::domain::catalog::EntryState;
use crate::domain::command::{Command, Payload};
use crate::domain::policy::PolicyDocument;
use crate::ledger::transaction::Transaction;

use super::catalog::{EntryHistory, PublishedEntry};
use super::items::Items;
use super::machine::{Context, State};

/// A transaction that was done, with its place and block time.
#[derive(Clone, Debug)]
pub struct Done {
    /// Its index.
    pub index: u64,
    /// Block time.
    pub at: Millis,
    /// The transaction.
    pub transaction: Transaction,
}

impl State {
    /// This state with its entries, grants and rules as they were at a size of the ledger, as far as `done` goes: the
    /// transactions about an entry and its grants, in their order. They were done once, so they must be done again.
    ///
    /// # Errors
    /// What could not be done again: then this is not what was, and nothing may be said of it.
    pub fn past(&self, size: u64, done: &[Done]) -> Result<Self, String> {
        let mut past = self.clone();
        past.entries = Items::new(self.entries.kind(), self.algorithm);
        past.grants = Items::new(self.grants.kind(), self.algorithm);
        past.grants_of = imbl::OrdMap::new();
        let policy = self.policy_at(size).ok_or("the rules of that time are not kept")?;
        past.policy.insert((), policy);
        for Done { index, at, transaction } in done.iter().filter(|done| done.index < size) {
            let wrong = |why: String| format!("transaction {index}: {why}");
            let payload = Payload::decode(transaction.payload()).map_err(wrong)?;
            past.time = *at;
            past.redo(*index, *at, transaction, payload).map_err(wrong)?;
        }
        past.size = size;
        Ok(past)
    }

    fn redo(&mut self, index: u64, at: Millis, transaction: &Transaction, payload: Payload) -> Result<(), String> {
        let Payload { id, department, actor, command } = payload;
        match command {
            // What else the catalog held then is not at hand, so what it had to fit is not asked again.
            Command::PublishEntry(publication) => {
                let name = publication.entry.name.clone();
                let (entry, drafted_by) = (publication.entry, publication.drafted_by);
                let published = PublishedEntry { entry, drafted_by, approved_by: actor, at, index };
                let history = match self.entries.get(&name).cloned() {
                    None => EntryHistory::begin(published),
                    Some(mut history) => {
                        history.supersede(published, self.algorithm);
                        history
                    }
                };
                self.entries.insert(name, history);
                Ok(())
            }
            Command::DeprecateEntry(ending) => {
                self.entries.change(&ending.entry, |history| history.state = EntryState::Deprecated);
                Ok(())
            }
            Command::WithdrawEntry(ending) => {
                self.entries.change(&ending.entry, |history| history.state = EntryState::Withdrawn);
                Ok(())
            }
            command => {
                let by = Context { id, department: &department, actor: &actor, key: transaction.key(), at, index };
                self.execute(&by, command).map_err(|refusal| refusal.to_string())
            }
        }
    }

    /// The rules in force at a size of the ledger; none where those of that time are in the ledger alone.
    pub fn policy_at(&self, size: u64) -> Option<PolicyDocument> {
        let all = self.policies();
        let since = |at: usize| all.get(at).and_then(|record| record.confirmed.as_ref()).map(|word| word.index);
        let at = (0..all.len()).rev().find(|at| since(*at).is_none_or(|index| index < size))?;
        let record = all.get(at)?;
        // Rules of one signature left no place behind: where two of them follow one another, it is not known when.
        let is_known = since(at).is_some() || at == 0;
        is_known.then(|| record.document.clone())
    }
}
