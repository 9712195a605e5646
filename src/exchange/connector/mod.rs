//! Connectors: how a provider's node asks its department's own data.

pub mod config;
