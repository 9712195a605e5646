//! The worked example of `departments/examples.toml`: invented people, the same in every department's data.

use std::sync::LazyLock;

use serde::Deserialize;

/// What stories ask about.
#[derive(Deserialize)]
pub struct Examples {
    /// Sells a home.
    pub seller_id_number: String,
    /// Buys the home.
    pub buyer_id_number: String,
    /// The home.
    pub unit_number: String,
    /// A parking bay.
    pub bay_id: String,
}

static EXAMPLES: LazyLock<Examples> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/departments/examples.toml");
    toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
});

impl Examples {
    /// The example.
    pub fn get() -> &'static Self {
        &EXAMPLES
    }
}
