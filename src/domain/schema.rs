//! JSON Schema 2020-12 at run time: what others send is checked before it is believed.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jsonschema::{Draft, PatternOptions, Retrieve, Uri, ValidationOptions, Validator};
use serde_json::Value;

pub use super::fault::{Fault, FaultCode};
use super::formats::FORMATS;

mod faults;

/// Faults that one check reports, at most; who sends more learns the rest next time.
pub const FAULTS_MAX: usize = 32;
/// The longest schema document that a department may publish, in bytes of its JSON text.
pub const SCHEMA_BYTES_MAX: usize = 32 * 1024;
const MESSAGE_CHARS_MAX: usize = 240;
const REGEX_BYTES_MAX: usize = 1 << 20;
const BASE: &str = "https://schemas.mulu.internal/";

/// A compiled schema. Patterns run in linear time, formats are checked, nothing is ever fetched.
#[derive(Debug)]
pub struct Schema {
    validator: Validator,
}

impl Schema {
    /// Compiles a schema that a department wrote. It must stand by itself: a reference to another
    /// document is an error, and so is a format that nobody knows.
    ///
    /// # Errors
    /// What is wrong with the schema, for people.
    pub fn compile(schema: &Value) -> Result<Self, String> {
        if schema.to_string().len() > SCHEMA_BYTES_MAX {
            return Err(format!("the schema is longer than {SCHEMA_BYTES_MAX} bytes"));
        }
        if !schema.is_object() {
            return Err("a schema is a JSON object".to_owned());
        }
        Self::build(options().offline(), schema)
    }

    /// Compiles a schema of the program itself, which may refer to its neighbours.
    fn compile_own(text: &str) -> Result<Self, String> {
        let schema: Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
        Self::build(options().with_retriever(Neighbours), &schema)
    }

    fn build(options: ValidationOptions<'_>, schema: &Value) -> Result<Self, String> {
        match options.build(schema) {
            Ok(validator) => Ok(Self { validator }),
            Err(e) => Err(cut(&format!("{}: {e}", e.instance_path()), MESSAGE_CHARS_MAX)),
        }
    }

    /// Every fault of a document, up to [`FAULTS_MAX`]; none means that it fits.
    pub fn check(&self, document: &Value) -> Vec<Fault> {
        // Most documents fit, which is told without looking for places.
        if self.fits(document) {
            return Vec::new();
        }
        self.validator.iter_errors(document).flat_map(|error| faults::faults(&error)).take(FAULTS_MAX).collect()
    }

    /// Whether a document fits: cheaper than [`Schema::check`].
    pub fn fits(&self, document: &Value) -> bool {
        self.validator.is_valid(document)
    }
}

fn options() -> ValidationOptions<'static> {
    let options = jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .should_ignore_unknown_formats(false)
        .with_pattern_options(PatternOptions::regex().size_limit(REGEX_BYTES_MAX).dfa_size_limit(REGEX_BYTES_MAX));
    FORMATS.iter().fold(options, |options, (name, check)| options.with_format(*name, |text: &str| check(text).is_ok()))
}

fn cut(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

/// Answers references between the program's own schemas, from memory.
struct Neighbours;

impl Retrieve for Neighbours {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let name = uri.as_str().strip_prefix(BASE).unwrap_or_default();
        let text = match name {
            "common.json" => include_str!("../../schemas/common.json"),
            "department/certificate.json" => include_str!("../../schemas/department/certificate.json"),
            "department/catalog-entry.json" => include_str!("../../schemas/department/catalog-entry.json"),
            "department/workflow.json" => include_str!("../../schemas/department/workflow.json"),
            _ => return Err(format!("{uri} is not a schema of this program").into()),
        };
        Ok(serde_json::from_str(text)?)
    }
}

macro_rules! own_schemas {
    ($folder:literal: $($name:literal,)*) => {
        &[$(($name, include_str!(concat!("../../schemas/", $folder, "/", $name, ".json"))),)*]
    };
}

const TX: &[(&str, &str)] = own_schemas!("tx":
    "chain.genesis",
    "department.register",
    "node.set",
    "node.remove",
    "voters.set",
    "edition.set",
    "policy.set",
    "policy.propose",
    "policy.confirm",
    "policy.reject",
    "key.rotate",
    "key.revoke",
    "key.endorse",
    "entry.publish",
    "entry.deprecate",
    "entry.withdraw",
    "grant.request",
    "grant.approve",
    "grant.preapprove",
    "grant.deny",
    "grant.revoke",
    "grant.suspend",
    "grant.resume",
    "grant.extend",
    "grant.appeal",
    "grant.rule",
    "access.batch",
    "access.finding",
    "workflow.publish",
    "case.open",
    "case.sign_off",
    "case.pull",
    "case.check",
    "case.return",
    "case.resubmit",
    "case.assign",
    "case.withdraw",
    "case.complete",
    "certificate.issue",
    "certificate.status",
    "certificate_type.publish",
    "certificate.annotate",
    "digest.record",
);
const DEPARTMENT: &[(&str, &str)] = own_schemas!("department":
    "department",
    "catalog-entry",
    "connector",
    "workflow",
    "certificate",
    "grants",
    "purposes",
    "code-lists",
    "calendar",
    "templates",
    "examples",
);

const API: &[(&str, &str)] = own_schemas!("api":
    "empty",
    "session",
    "account",
    "roles",
    "token",
    "token_rotation",
    "reason",
    "names",
    "ending",
    "grant",
    "approval",
    "renewal",
    "template_request",
    "ruling",
    "query",
    "query_batch",
    "explain",
    "case",
    "sign_off",
    "resubmission",
    "assignment",
    "certificate_status",
    "certificate_annotation",
    "certificate_preparation",
    "key_rotation",
    "edition",
    "policy",
    "policy_proposal",
    "policy_rollback",
    "policy_confirmation",
    "key_endorsement",
    "new_department",
    "node",
    "voters",
    "digest",
    "settings",
);

type Compiled = BTreeMap<&'static str, Schema>;

fn compile_all(documents: &[(&'static str, &str)]) -> Compiled {
    #[expect(clippy::expect_used, reason = "the documents are part of the program, and a test compiles them all")]
    let compile = |text| Schema::compile_own(text).expect("the program's own schemas compile");
    documents.iter().map(|(name, text)| (*name, compile(text))).collect()
}

/// The schema of a transaction's body, by kind.
pub fn tx_body(kind: &str) -> Option<&'static Schema> {
    static COMPILED: LazyLock<Compiled> = LazyLock::new(|| compile_all(TX));
    COMPILED.get(kind)
}

/// The schema of a file in a department's folder: `department`, `catalog-entry`, `connector`,
/// `workflow`, `certificate`, `grants`, `purposes`, `code-lists`, `calendar`, `templates` or `examples`.
pub fn department_file(name: &str) -> Option<&'static Schema> {
    static COMPILED: LazyLock<Compiled> = LazyLock::new(|| compile_all(DEPARTMENT));
    COMPILED.get(name)
}

/// The schema of a body of the HTTP API, by its name in `schemas/api/`.
pub fn api_body(name: &str) -> Option<&'static Schema> {
    static COMPILED: LazyLock<Compiled> = LazyLock::new(|| compile_all(API));
    COMPILED.get(name)
}

/// The texts of the schemas that the HTTP API's description holds: shared parts, a catalog entry, and every body.
pub fn api_documents() -> impl Iterator<Item = (&'static str, &'static str)> {
    let shared = [
        ("common", include_str!("../../schemas/common.json")),
        ("catalog-entry", include_str!("../../schemas/department/catalog-entry.json")),
    ];
    shared.into_iter().chain(API.iter().copied())
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
