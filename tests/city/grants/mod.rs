//! `/api/v1/grants`: what departments agree on, and how long it holds.

mod application;
mod life;
mod shared;
mod templates;

use serde_json::{Value, json};

use crate::harness::Examples;

const HOUSEHOLD: &str = "public-security/household-registration";

/// A query about the seller.
fn about_the_seller(purpose: &str) -> Value {
    let params = json!({"id_number": Examples::get().seller_id_number});
    json!({"purpose": purpose, "cause": "核验", "params": params, "items": ["name"]})
}
