//! `/api/v1/query`, `/grants` and `/audit`: a department gets what it was granted, and every access is on record.

mod batch;
mod certificate;
mod command;
mod granted;
mod recorded;
mod refused;

use serde_json::{Value, json};

use crate::harness::Examples;

/// The entry of most stories.
const HOUSEHOLD: &str = "public-security/household-registration";

/// A query about the seller of the worked example, for social assistance.
fn about_the_seller(items: &[&str], case_id: &str) -> Value {
    json!({
        "purpose": "social-assistance",
        "cause": "社会救助资格核验",
        "case_id": case_id,
        "params": {"id_number": Examples::get().seller_id_number},
        "items": items,
    })
}
