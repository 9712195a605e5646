//! Cosignatures: what each department says of the ledger, and when enough of them say the same.
//!
//! The apply thread leaves every block's head on the desk (`desk`). The cosign thread (`cosigner`) signs those that are
//! due, stores durably what it signed, and only then sends it to every node. What others signed is checked and kept in
//! the book (`book`); a checkpoint that enough departments signed, and that this node reached itself, is *anchored*.
//! Cosignatures travel from node to node; no leader is asked.

mod book;
mod cosigner;
mod desk;

pub(super) use book::{Book, Contradiction};
pub(super) use cosigner::Cosigner;
pub(super) use desk::{BLOCKS_EVERY, Desk};

pub use book::{Anchored, Cosigning, DepartmentWord};
