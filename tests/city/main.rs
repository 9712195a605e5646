//! Stories of a whole city: real nodes as processes, spoken to over HTTP only.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "what is not as a story says must fail its test, and say why"
)]

mod harness;

mod accounts;
mod backups;
mod cases;
mod catalog;
mod certificates;
mod described;
mod disk;
mod errors;
mod evidence;
mod explorer;
mod facts;
mod faults;
mod flows;
mod grants;
mod headers;
mod health;
mod keys;
mod ledger;
mod membership;
mod old_parts;
mod operations;
mod postgres;
mod promises;
mod providers;
mod queries;
mod rules;
mod settings;
mod sign_in;
mod storms;
mod submissions;
mod suites;
mod watch;
