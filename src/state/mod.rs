//! The state machine: a pure function of the ledger's transactions, equal on every node.
//!
//! No clock but block time, no randomness, no order that depends on hashing, no floating point.

pub mod applied;
mod case_acts;
mod cases;
mod catalog;
mod catalog_index;
mod certificates;
mod cosigners;
mod departments;
mod digest;
mod edition;
mod findings;
mod grant_life;
mod grants;
mod ids_seen;
mod items;
mod keys;
mod limits;
mod machine;
mod nodes;
pub mod outcome;
mod past;
mod policy;
mod repeated;
pub mod snapshot;
mod workflows;

pub use catalog::{Ending, EntryHistory, PublishedEntry};
pub use keys::{ENDORSEMENT_MS, Endorsement, KEY_TERM_MS_MAX, RETIRING_MS};
pub use machine::State;
pub use outcome::{Outcome, Refusal};
pub use past::Done;
pub use workflows::PublishedWorkflow;

#[cfg(test)]
mod tests;
