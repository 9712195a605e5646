//! What people and programs reach over HTTP: portal, API, and the exchange between nodes. The only floor that names
//! actix.

pub mod api;
#[cfg(test)]
mod app_tests;
pub mod docs;
pub mod error;
pub mod extract;
pub mod language;
pub mod metrics;
pub mod middleware;
pub mod openapi;
pub mod peer;
pub mod portal;
pub mod problem;
pub mod root;
pub mod server;
pub mod sheets;
pub mod tiles;

pub use error::WebError;
pub use server::serve;
