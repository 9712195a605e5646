//! The state machine: a pure function of the ledger's transactions, equal on every node.

pub mod applied;
pub mod outcome;
