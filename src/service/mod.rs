//! Use cases: who may, then do it, then say what came of it. Knows nothing of HTTP.

pub mod accounts;
pub mod anchoring;
pub mod audit;
mod blocking;
pub mod cases;
pub mod catalog;
pub mod catalog_places;
pub mod certificates;
mod cluster_health;
pub mod config;
pub mod copy;
pub mod departments;
pub mod edition;
pub mod error;
pub mod expiry;
pub mod grants;
pub mod health;
pub mod keys;
pub mod ledger;
mod listings;
pub mod membership;
mod node;
pub mod policy;
pub mod principal;
pub mod queries;
mod seams;
pub mod submission;
pub mod tiles;
mod token_cache;
pub mod verification;
pub mod writes;

pub use error::ServiceError;
pub use node::{Node, StartError};
pub use principal::Principal;
pub use writes::Committed;
