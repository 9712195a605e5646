//! Use cases: what a department's node does, without a word of HTTP.

pub mod config;
pub mod departments;
