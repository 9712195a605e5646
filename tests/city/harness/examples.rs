//! The worked example of `departments/examples.toml`: invented people, the same in every department's data.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

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
    /// Licences that the demo issued.
    #[serde(rename = "licence")]
    pub licences: Vec<ExampleLicence>,
    /// What a clerk fills in for each workflow.
    #[serde(rename = "case")]
    pub cases: Vec<ExampleCase>,
}

/// A licence of the demo.
#[derive(Deserialize)]
pub struct ExampleLicence {
    /// Whose it is.
    pub holder_code: String,
}

/// A form of a workflow, filled in.
#[derive(Deserialize)]
pub struct ExampleCase {
    /// Whose workflow it is.
    pub department: String,
    /// The workflow.
    pub workflow: String,
    /// The rule that does not hold; none when the case runs to its end.
    pub refused_by: Option<String>,
    /// The form's fields.
    pub form: Value,
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
