//! Answers about the city's rules.

use serde::Serialize;
use utoipa::ToSchema;

use crate::crypto::digest::Hash;
use crate::domain::Actor;
use crate::domain::policy::difference::{Change, RuleChange};
use crate::domain::policy::facts::ATTRIBUTES;
use crate::domain::policy::rules::Rule;
use crate::domain::policy::{PolicyRecord, PolicyWord};
use crate::ids::{AccessId, DepartmentId, EntryName, TxId};
use crate::service::policy::{PolicyCheck, PolicyView, ProposalView, Shadow, ShadowExample};

use super::{List, Time, answer};

/// The rules of one version.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyAnswer {
    /// Its number and whose signatures put it into force.
    #[serde(flatten)]
    pub version: PolicyVersion,
    /// Whether it is in force now.
    pub in_force: bool,
    /// Why this node cannot decide by it; null when it can.
    pub fault: Option<String>,
    /// Text of the model.
    pub model: String,
    /// Text of the rules.
    pub rules: String,
    /// The rules one by one, in order: the first that matches decides.
    pub table: Vec<RuleAnswer>,
}

/// One version of the rules.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyVersion {
    /// Its number, from 1.
    pub version: u64,
    /// What the second signature named: SM3.
    pub digest: Hash,
    /// What changed and why; empty for the first.
    pub note: String,
    /// The first signature; null for rules older than edition 3.
    pub proposed: Option<WordAnswer>,
    /// The second signature, since which it is in force.
    pub confirmed: Option<WordAnswer>,
}

/// One signature under a document.
#[derive(Debug, Serialize, ToSchema)]
pub struct WordAnswer {
    /// Whose.
    pub department: DepartmentId,
    /// Which person of it.
    pub actor: Actor,
    /// The transaction.
    pub transaction_id: TxId,
    /// Its index.
    pub ledger_index: u64,
    /// Block time.
    pub time: Time,
}

/// One rule.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleAnswer {
    /// Its name, in decisions and in the audit.
    pub id: String,
    /// What it asks of a call, attribute by attribute; what it does not name may be anything.
    pub when: Vec<ConditionAnswer>,
    /// Whether it allows.
    pub allows: bool,
    /// Code of the reason of a refusal.
    pub reason: Option<String>,
}

/// One condition of a rule.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConditionAnswer {
    /// The attribute.
    pub attribute: String,
    /// The words that fit, as written: `clerk|system`, or `!reviewer` for all others.
    pub words: String,
}

/// What a document would change, if it came into force.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyCheckAnswer {
    /// The number that it would have.
    pub version: u64,
    /// Rules that differ from those in force.
    pub changes: Vec<RuleChangeAnswer>,
    /// Rules that never decide, because earlier ones take all that they speak of.
    pub idle: Vec<String>,
    /// What would have become of this node's last 10,000 accesses; null for callers who may not read the audit.
    pub shadow: Option<ShadowAnswer>,
}

answer! {
    /// What would have become of the last accesses under other rules.
    ShadowAnswer from Shadow {
        /// Accesses that were decided again.
        looked_at: usize,
        /// Accesses whose records state no facts: of before edition 3, or papers of cases.
        unknown: usize,
        /// Refused then, allowed under the new rules.
        newly_allowed: usize,
        /// Allowed then, refused under the new rules.
        newly_refused: usize,
        /// The same verdict by another rule.
        other_rule: usize,
        /// Some of those whose verdict changes, the newest first.
        #[schema(value_type = Vec<ShadowExampleAnswer>)]
        examples: List<ShadowExampleAnswer>,
    }
}

answer! {
    /// An access that would have been decided otherwise.
    ShadowExampleAnswer from ShadowExample {
        /// The access.
        access_id: AccessId,
        /// By whom.
        consumer: DepartmentId,
        /// On what.
        entry: EntryName,
        /// Whether the new rules allow it.
        allowed: bool,
        /// The rule in force that decides.
        before: String,
        /// The new rule that decides.
        after: String,
    }
}

/// A rule that is not what it was.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleChangeAnswer {
    /// The rule.
    pub id: String,
    /// `added`, `removed`, `changed` or `moved`.
    pub change: String,
    /// What it said.
    pub before: Option<String>,
    /// What it says.
    pub after: Option<String>,
}

/// What waits for the second signature.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProposalsAnswer {
    /// At most one: a new one takes the place of the one before.
    pub items: Vec<ProposalAnswer>,
}

/// A proposal that waits for its second signature.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProposalAnswer {
    /// Names it when it is confirmed or rejected.
    pub id: TxId,
    /// What the second signature must name: SM3.
    pub digest: Hash,
    /// What changes and why.
    pub note: String,
    /// The first signature.
    pub proposed: WordAnswer,
    /// What it would change.
    pub effect: PolicyCheckAnswer,
    /// Text of the model.
    pub model: String,
    /// Text of the rules.
    pub rules: String,
}

/// Every version that is known, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyVersions {
    /// The versions.
    pub items: Vec<PolicyVersion>,
}

impl From<PolicyWord> for WordAnswer {
    fn from(word: PolicyWord) -> Self {
        Self {
            department: word.department,
            actor: word.actor,
            transaction_id: word.transaction,
            ledger_index: word.index,
            time: word.at.into(),
        }
    }
}

impl From<&PolicyRecord> for PolicyVersion {
    fn from(record: &PolicyRecord) -> Self {
        Self {
            version: record.document.version,
            digest: record.document.digest(),
            note: record.note.clone(),
            proposed: record.proposed.clone().map(Into::into),
            confirmed: record.confirmed.clone().map(Into::into),
        }
    }
}

impl From<&Rule> for RuleAnswer {
    fn from(rule: &Rule) -> Self {
        let said = ATTRIBUTES.iter().zip(&rule.cells).filter(|(_, cell)| cell.as_str() != "*");
        let condition = |(attribute, cell): (&&str, &String)| ConditionAnswer {
            attribute: (*attribute).to_owned(),
            words: cell.clone(),
        };
        Self {
            id: rule.id.clone(),
            when: said.map(condition).collect(),
            allows: rule.allows,
            reason: rule.reason.map(str::to_owned),
        }
    }
}

impl From<PolicyView> for PolicyAnswer {
    fn from(view: PolicyView) -> Self {
        Self {
            version: (&view.record).into(),
            in_force: view.in_force,
            fault: view.fault,
            table: view.rules.iter().map(Into::into).collect(),
            model: view.record.document.model,
            rules: view.record.document.rules,
        }
    }
}

impl From<RuleChange> for RuleChangeAnswer {
    fn from(change: RuleChange) -> Self {
        let RuleChange { id, change, before, after } = change;
        Self { id, change: Change::as_str(change).to_owned(), before, after }
    }
}

impl From<PolicyCheck> for PolicyCheckAnswer {
    fn from(check: PolicyCheck) -> Self {
        Self {
            version: check.document.version,
            changes: check.changes.into_iter().map(Into::into).collect(),
            idle: check.idle,
            shadow: None,
        }
    }
}

impl From<ProposalView> for ProposalAnswer {
    fn from(view: ProposalView) -> Self {
        let waiting = view.waiting;
        Self {
            id: waiting.proposed.transaction,
            digest: view.digest,
            note: waiting.note,
            proposed: waiting.proposed.into(),
            effect: view.check.into(),
            model: waiting.document.model,
            rules: waiting.document.rules,
        }
    }
}
