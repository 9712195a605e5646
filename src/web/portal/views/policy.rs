//! The city's rules.
#![expect(missing_docs, reason = "a field of a view is named after its place on the page")]

use askama::Template;

use super::grants::Side;
use super::{Choice, Faults, Page};
use crate::web::portal::words::Words;

/// `GET /policy`.
#[derive(Template)]
#[template(path = "policy.html")]
pub struct Policy {
    pub page: Page,
    pub t: Words,
    pub version: u64,
    pub in_force: bool,
    /// Why this node cannot decide by these rules; empty when it can.
    pub fault: String,
    pub rules: Vec<PolicyRuleRow>,
    /// What this version changed.
    pub changed: Vec<RuleChangeRow>,
    pub history: Vec<PolicyVersionRow>,
    pub waiting: Option<WaitingRow>,
    pub may_propose: bool,
    pub may_confirm: bool,
    /// What was typed, or the texts in force; and what is wrong with it.
    pub note: String,
    pub rules_text: String,
    pub model_text: String,
    pub faults: Faults,
}

/// A rule.
#[derive(Clone, Debug, Default)]
pub struct PolicyRuleRow {
    pub id: String,
    /// Attribute and words, as written.
    pub when: Vec<(String, String)>,
    /// `allowed` or `refused`.
    pub decision: &'static str,
    /// Code of the reason; empty for an allowing rule.
    pub reason: String,
}

/// A rule that is not what it was.
#[derive(Clone, Debug, Default)]
pub struct RuleChangeRow {
    pub id: String,
    /// `added`, `removed`, `changed` or `moved`.
    pub change: &'static str,
    pub before: String,
    pub after: String,
}

/// A version of the rules.
#[derive(Clone, Debug, Default)]
pub struct PolicyVersionRow {
    pub version: u64,
    pub in_force: bool,
    pub note: String,
    /// Who and when; empty for what is older than edition 3.
    pub proposed: String,
    pub confirmed: String,
}

/// What waits for its second signature.
#[derive(Clone, Debug, Default)]
pub struct WaitingRow {
    pub id: String,
    pub digest: String,
    pub note: String,
    pub by: String,
    pub time: String,
    pub changes: Vec<RuleChangeRow>,
    pub idle: Vec<String>,
    /// None for readers whom the accesses do not concern.
    pub shadow: Option<ShadowRow>,
}

/// What would have become of the last accesses.
#[derive(Clone, Debug, Default)]
pub struct ShadowRow {
    pub looked_at: usize,
    pub unknown: usize,
    pub newly_allowed: usize,
    pub newly_refused: usize,
    pub other_rule: usize,
    pub examples: Vec<ShadowExampleRow>,
}

/// An access that would have been decided otherwise.
#[derive(Clone, Debug, Default)]
pub struct ShadowExampleRow {
    pub access_id: String,
    pub consumer: String,
    pub entry: String,
    pub before: String,
    /// What the new rules say: `allowed` or `refused`.
    pub decision: &'static str,
    pub after: String,
}

/// `GET /policy/explain`.
#[derive(Template)]
#[template(path = "policy_explain.html")]
pub struct Explain {
    pub page: Page,
    pub t: Words,
    pub entries: Vec<Choice>,
    pub purposes: Vec<Choice>,
    pub roles: Vec<Choice>,
    /// As typed: names with commas between.
    pub items: String,
    pub faults: Faults,
    pub answer: Option<Verdict>,
}

/// An item, and whether it may be had.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    pub name: String,
    pub title: String,
    /// `granted`, `ended`, `left_out`, `not_asked`.
    pub standing: &'static str,
    /// The last day of its own term; empty for the grant's.
    pub until: String,
}

/// How the rules would decide.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// `allowed` or `refused`.
    pub decision: &'static str,
    pub rule: String,
    /// What that rule says, in the rules' own words; empty where none speaks.
    pub says: String,
    /// Codes.
    pub reasons: Vec<String>,
    /// The grant that was looked at; empty for none.
    pub grant: String,
    /// Attribute and word.
    pub facts: Vec<(&'static str, &'static str)>,
    /// Attribute, what it is, what it would have to be.
    pub needs: Vec<(&'static str, String, String)>,
    /// Each item that could be meant, where there is a grant.
    pub standings: Vec<Standing>,
    /// What the grant limits beside the facts; `allowed` holds.
    pub limits: Vec<Side>,
    /// Where to ask for a grant that the entry needs; empty when none is to be asked for.
    pub grant_href: String,
    pub version: u64,
    pub ledger_index: u64,
}
