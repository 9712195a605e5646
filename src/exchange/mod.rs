//! The exchange: one query from the consumer's node to the provider's, recorded before it is answered.

pub mod connector;
pub mod provider_database;
