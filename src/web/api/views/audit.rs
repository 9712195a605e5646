//! Answers about queries, decisions and the audit.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::crypto::digest::Hash;
use crate::domain::Actor;
use crate::domain::access::{AccessDecision, AccessRecord};
use crate::domain::finding::Mismatch;
use crate::domain::policy::facts::ATTRIBUTES;
use crate::domain::policy::rules::Need;
use crate::domain::promise::SignedPromise;
use crate::exchange;
use crate::ids::{AccessId, DepartmentId, EntryName, GrantId, ItemName, TxId, Version};
use crate::readmodel::accesses as rows;
use crate::readmodel::findings::FindingView;
use crate::service::Node;
use crate::service::replay::{Replay, ReplayedFact, Verdict};
use crate::web::language::Language;

use super::grants::BoundsAnswer;
use super::{Time, answer};

answer! {
    /// Who looked at whose data, when, why and under which rule.
    AccessRecordAnswer from AccessRecord {
        /// The access.
        access_id: AccessId,
        /// The provider's clock when it decided.
        time: Time,
        /// Who asked.
        consumer: DepartmentId,
        /// Which person or system of the consumer.
        actor: Actor,
        /// What was asked for.
        entry: EntryName,
        /// Version of the entry that was in force.
        entry_version: Option<Version>,
        /// The grant that applied.
        grant: Option<GrantId>,
        /// What was decided.
        decision: AccessDecision,
        /// The rule that decided.
        rule: String,
        /// Codes of the reasons of a refusal.
        reasons: Vec<String>,
        /// The stated purpose.
        purpose: String,
        /// The stated cause.
        cause: String,
        /// The consumer's case.
        case_id: Option<String>,
        /// Items asked for.
        items: Vec<ItemName>,
        /// Rows answered.
        rows: u32,
        /// Whose data it was, sealed to the auditor, base64.
        subject: Option<String>,
        /// SM3 of the signed request.
        request_digest: Hash,
        /// SM3 of the answer's rows, for an allowed access.
        answer_digest: Option<Hash>,
        /// Size of the ledger on which the decision rested.
        basis: u64,
        /// What the rules were given: relation, person, entry, sharing, grade, grant, purpose, items, zone, hours.
        facts: Option<String>,
    }
}

/// An access with the transaction that holds it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Access {
    /// The record as it stands on the ledger.
    #[serde(flatten)]
    pub record: AccessRecordAnswer,
    /// Whose data it was.
    pub provider: DepartmentId,
    /// The batch's transaction.
    pub transaction_id: TxId,
    /// Its index.
    pub ledger_index: u64,
    /// Place of the record in its batch, from 0.
    pub place: u64,
    /// The block.
    pub block_height: u64,
    /// State of the transaction: `committed` or `anchored`.
    pub state: &'static str,
}

impl Access {
    /// With its transaction's state as the node knows it.
    #[must_use]
    pub fn on(self, node: &Node) -> Self {
        Self { state: node.state_of(self.ledger_index), ..self }
    }
}

impl From<rows::AccessView> for Access {
    fn from(view: rows::AccessView) -> Self {
        Self {
            record: view.record.into(),
            provider: view.provider,
            transaction_id: view.transaction_id,
            ledger_index: view.ledger_index,
            place: view.place,
            block_height: view.block_height,
            state: "committed",
        }
    }
}

/// One access, with its proof.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccessDetail {
    /// The access.
    #[serde(flatten)]
    pub access: Access,
    /// Size of the ledger when this was answered.
    pub ledger_size: u64,
    /// The receipt of the batch's transaction: signature, inclusion proof and checkpoint, to be verified offline.
    #[schema(value_type = Object)]
    pub proof: Value,
    /// Where the receipt can be had again.
    pub receipt: String,
}

/// Whose data it was.
#[derive(Debug, Serialize, ToSchema)]
pub struct Subject {
    /// The access.
    pub access_id: AccessId,
    /// The value of the entry's subject parameter, such as an ID number.
    pub subject: String,
}

/// What a query brought.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueryAnswer {
    /// The rows, items by name, masked as the grant says.
    #[schema(value_type = Vec<Object>)]
    pub rows: Vec<Value>,
    /// Leads to the next page; null on the last one.
    pub next_cursor: Option<String>,
    /// The recorded access.
    pub access_id: AccessId,
    /// The grant that was used.
    pub grant_id: Option<GrantId>,
    /// The rule that decided.
    pub rule: String,
    /// Size of the ledger on which the decision rests.
    pub ledger_index: u64,
    /// The provider's signed word to record the access on the ledger.
    pub promise: PromiseAnswer,
}

/// Answers about several subjects.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchAnswer {
    /// One for each subject, in their order.
    pub answers: Vec<SubjectAnswer>,
}

/// What became of the question about one subject.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubjectAnswer {
    /// Place of the subject in the request, from 0.
    pub place: u64,
    /// The status that a query about it alone would have had.
    pub status: u16,
    /// The answer, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<QueryAnswer>,
    /// Why there is none: problem details (RFC 9457).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub problem: Option<Value>,
}

/// A promise with the provider's signature.
#[derive(Debug, Serialize, ToSchema)]
pub struct PromiseAnswer {
    /// JSON text of the promise: access, digest of the record, until when. The very text that was signed.
    pub payload: String,
    /// Which key signed.
    pub key: String,
    /// The signature, base64.
    pub signature: String,
}

impl From<exchange::QueryAnswer> for QueryAnswer {
    fn from(answer: exchange::QueryAnswer) -> Self {
        Self {
            rows: answer.rows,
            next_cursor: answer.next_cursor,
            access_id: answer.access_id,
            grant_id: answer.grant_id,
            rule: answer.rule,
            ledger_index: answer.ledger_index,
            promise: answer.promise.into(),
        }
    }
}

impl From<SignedPromise> for PromiseAnswer {
    fn from(promise: SignedPromise) -> Self {
        Self { payload: promise.payload, key: promise.key.to_string(), signature: promise.signature }
    }
}

/// A promise and a record that do not fit each other, as a consumer reported it on the ledger.
#[derive(Debug, Serialize, ToSchema)]
pub struct Finding {
    /// The access.
    pub access_id: AccessId,
    /// Who found it: the department that sent, or did not send, the call.
    pub consumer: DepartmentId,
    /// Whose promise or record it is.
    pub provider: DepartmentId,
    /// What is wrong; of `record_without_promise` nothing: an answer was lost.
    pub problem: Mismatch,
    /// The provider's signed word, where a promise was broken.
    pub promise: Option<PromiseAnswer>,
    /// Index of the transaction that holds the record, where there is one.
    pub record_index: Option<u64>,
    /// When it was reported: block time.
    pub reported_at: Time,
    /// Whether a record settles it.
    pub resolved: bool,
    /// Index of the transaction that holds that record.
    pub resolved_index: Option<u64>,
    /// The report's transaction.
    pub transaction_id: TxId,
    /// Its index.
    pub ledger_index: u64,
}

impl From<FindingView> for Finding {
    fn from(view: FindingView) -> Self {
        Self {
            access_id: view.finding.access_id,
            consumer: view.consumer,
            provider: view.finding.provider,
            problem: view.finding.problem,
            promise: view.finding.promise.map(Into::into),
            record_index: view.finding.record_index,
            reported_at: view.reported_at.into(),
            resolved: view.resolved_index.is_some(),
            resolved_index: view.resolved_index,
            transaction_id: view.transaction_id,
            ledger_index: view.ledger_index,
        }
    }
}

/// How the rules would decide.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplanationAnswer {
    /// Whether the call may happen.
    pub allowed: bool,
    /// The rule that decides.
    pub rule: String,
    /// What that rule says; null where none speaks.
    pub rule_says: Option<String>,
    /// The grant that was looked at.
    pub grant_id: Option<GrantId>,
    /// Why not, when it may not.
    pub reasons: Vec<ReasonAnswer>,
    /// What the rules were given, attribute by attribute.
    pub facts: Vec<FactAnswer>,
    /// The fewest facts that would have to be others; empty when nothing that people can change would help.
    pub needs: Vec<NeedAnswer>,
    /// Each item that the call names or, where it names none, that its grant was asked for; empty without a grant.
    pub items: Vec<ItemStandingAnswer>,
    /// What the grant limits beside the facts, and its provider's node enforces; null without a grant that was approved.
    pub limits: Option<GrantLimitsAnswer>,
    /// Number of the rules.
    pub policy_version: u64,
    /// Size of the ledger on which it rests.
    pub ledger_index: u64,
}

/// An item of a call.
#[derive(Debug, Serialize, ToSchema)]
pub struct ItemStandingAnswer {
    /// The item.
    pub name: ItemName,
    /// `granted`, `ended` (its own term is over), `left_out` (asked for, and not given) or `not_asked`.
    pub standing: String,
    /// Its own term, where that is before the grant's.
    pub valid_until: Option<Time>,
}

/// What a grant limits: of what was asked for and what was allowed the narrower.
#[derive(Debug, Serialize, ToSchema)]
pub struct GrantLimitsAnswer {
    /// Queries a calendar day (UTC+8).
    pub daily_max: u32,
    /// The end of the grant.
    pub valid_until: Time,
    /// Where from, when, how fast, which rows.
    #[serde(flatten)]
    pub bounds: BoundsAnswer,
}

/// One fact of a call.
#[derive(Debug, Serialize, ToSchema)]
pub struct FactAnswer {
    /// The attribute, such as `grant`.
    pub attribute: String,
    /// Its word, such as `active`.
    pub word: String,
}

/// A fact that would have to be another.
#[derive(Debug, Serialize, ToSchema)]
pub struct NeedAnswer {
    /// The attribute.
    pub attribute: String,
    /// What it is.
    pub is: String,
    /// What it would have to be.
    pub needs: String,
}

/// A decision made again, beside the recorded one.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReplayAnswer {
    /// The access.
    pub access_id: AccessId,
    /// Whether the ledger gives what was recorded, and no stated fact contradicts it.
    pub same: bool,
    /// As the provider recorded it; what refused the call after the rules stands in `after_rules`.
    pub recorded: VerdictAnswer,
    /// As the ledger gives it.
    pub replayed: VerdictAnswer,
    /// Fact by fact.
    pub facts: Vec<ReplayedFactAnswer>,
    /// Code of what refused the call although the rules allowed it.
    pub after_rules: Option<String>,
    /// Number of the rules in force then.
    pub policy_version: u64,
    /// Size of the ledger at which it was decided.
    pub basis: u64,
    /// Transactions from which entry and grants were made again.
    pub transactions: usize,
}

answer! {
    /// A verdict of the rules.
    VerdictAnswer from Verdict {
        /// Whether they allow the call.
        allowed: bool,
        /// The rule that decides.
        rule: String,
        /// Codes of the reasons of a refusal.
        reasons: Vec<String>,
        /// The grant that was looked at.
        grant: Option<GrantId>,
    }
}

/// One fact: what the provider stated, and what the ledger says.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReplayedFactAnswer {
    /// The attribute.
    pub attribute: String,
    /// What the record states; null where it states no facts.
    pub stated: Option<String>,
    /// What follows from the ledger; null where the ledger cannot say it.
    pub found: Option<String>,
}

impl ReplayAnswer {
    /// The replay of an access.
    pub fn of(access_id: AccessId, replay: Replay) -> Self {
        let fact = |fact: ReplayedFact| ReplayedFactAnswer {
            attribute: fact.attribute.to_owned(),
            stated: fact.stated.map(str::to_owned),
            found: fact.found.map(str::to_owned),
        };
        Self {
            access_id,
            same: replay.same,
            recorded: replay.recorded.into(),
            replayed: replay.replayed.into(),
            facts: replay.facts.into_iter().map(fact).collect(),
            after_rules: replay.after_rules,
            policy_version: replay.policy_version,
            basis: replay.basis,
            transactions: replay.transactions,
        }
    }
}

/// One reason of a refusal.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReasonAnswer {
    /// For programs.
    pub code: String,
    /// What it means and what to do.
    pub message: String,
}

impl ExplanationAnswer {
    /// The explanation in a language.
    pub fn of(explained: exchange::Explained, language: Language) -> Self {
        let explanation = explained.explanation;
        let reason = |reason: exchange::ReasonText| ReasonAnswer {
            message: language.pick(&reason.text.en, &reason.text.zh).to_owned(),
            code: reason.code,
        };
        let fact = |(attribute, word): (&str, &str)| FactAnswer { attribute: attribute.into(), word: word.into() };
        let need = |need: Need| NeedAnswer {
            attribute: need.attribute.to_owned(),
            is: need.is.to_owned(),
            needs: need.needs.to_owned(),
        };
        let item = |item: exchange::ItemSaid| ItemStandingAnswer {
            name: item.name,
            standing: item.standing.as_str().to_owned(),
            valid_until: item.until.map(Into::into),
        };
        let limits = explained.grant.as_ref().and_then(|grant| {
            let (approval, zone) = (grant.approval()?, grant.network_zone().map(str::to_owned));
            let bounds = BoundsAnswer::of(zone, grant.hours(), grant.bounds());
            let (daily_max, valid_until) = (approval.daily_max, approval.valid_until.into());
            Some(GrantLimitsAnswer { daily_max, valid_until, bounds })
        });
        Self {
            allowed: explanation.allowed,
            rule: explanation.rule,
            rule_says: explained.rule_says,
            grant_id: explanation.grant,
            reasons: explanation.reasons.into_iter().map(reason).collect(),
            facts: ATTRIBUTES.into_iter().zip(explained.facts.words()).map(fact).collect(),
            needs: explained.needs.into_iter().map(need).collect(),
            items: explained.items.into_iter().map(item).collect(),
            limits,
            policy_version: explained.policy_version,
            ledger_index: explanation.ledger_index,
        }
    }
}
