//! Mulu (目录): a government data-directory chain. The floors, from the ground up: a floor imports
//! only floors listed before it.

pub mod clock;
pub mod ids;

pub mod crypto;

pub mod ledger;

pub mod domain;

pub mod state;

pub mod storage;

pub mod consensus;

pub mod policy;

pub mod readmodel;

pub mod exchange;

pub mod service;

pub mod web;

pub mod cli;

#[cfg(test)]
mod fuzzing;
#[cfg(test)]
mod lookalikes;
