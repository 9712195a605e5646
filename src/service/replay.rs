//! A past decision made again from the ledger: the same entry, grants and rules as they stood at its index.

use std::collections::BTreeSet;

use crate::domain::access::{AccessDecision, AccessRecord};
use crate::domain::grant::Grant;
use crate::exchange::{CASE_MATERIALS, Call, SCOPE_RULE, look};
use crate::ids::{AccessId, GrantId};
use crate::policy::facts::{ATTRIBUTES, Facts};
use crate::policy::{Decision, Engine};
use crate::readmodel::PageRequest;
use crate::readmodel::transactions::{TransactionFilter, TransactionView};
use crate::state::Done;

use super::Node;
use super::error::ServiceError;
use super::principal::Principal;

/// Transactions from which one decision is made again.
const TRANSACTIONS_MAX: usize = 5_000;
const PAGE_SIZE: u32 = 200;

/// A verdict of the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the rules allow the call.
    pub allowed: bool,
    /// The rule that decided.
    pub rule: String,
    /// Codes of the reasons, for a refusal by the rules.
    pub reasons: Vec<String>,
    /// The grant that was looked at.
    pub grant: Option<GrantId>,
}

/// One fact: what the provider stated, and what the ledger says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayedFact {
    /// The attribute.
    pub attribute: &'static str,
    /// What the record states; none where it states no facts.
    pub stated: Option<&'static str>,
    /// What follows from the ledger; none where the ledger cannot say it.
    pub found: Option<&'static str>,
}

/// A decision beside itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// As the provider recorded it. What refused the call after the rules had allowed it stands in `after_rules`.
    pub recorded: Verdict,
    /// As the ledger gives it.
    pub replayed: Verdict,
    /// Whether both are the same, and no stated fact contradicts the ledger.
    pub same: bool,
    /// Fact by fact.
    pub facts: Vec<ReplayedFact>,
    /// Code of what refused the call although the rules allowed it: a quota, a source that failed, rows out of scope.
    pub after_rules: Option<String>,
    /// Number of the rules in force then.
    pub policy_version: u64,
    /// Size of the ledger at which it was decided.
    pub basis: u64,
    /// Transactions from which entry and grants were made again.
    pub transactions: usize,
}

impl Node {
    /// Makes a recorded decision again, from the ledger at its index.
    ///
    /// # Errors
    /// The policy's refusal; `not_replayable` with what is missing; the archive's.
    pub async fn replay(&self, who: &Principal, id: AccessId) -> Result<Replay, ServiceError> {
        let record = self.access(who, id).await?.access.record;
        if record.entry.name.as_str() == CASE_MATERIALS {
            let why = "the papers of a case are given to those who take part in it: no rule of the policy decides it";
            return Err(ServiceError::conflict("not_replayable", why));
        }
        let done = self.transactions_about(&record).await?;
        let past = self.chain.state().clone().past(record.basis, &done);
        let past = past.map_err(|why| ServiceError::conflict("not_replayable", why))?;
        let policy = past.policy().cloned().ok_or_else(|| ServiceError::Internal("no rules".into()))?;
        let engine = Engine::new(&policy).map_err(|why| ServiceError::conflict("not_replayable", why.to_string()))?;
        let stated = record.facts.as_deref().and_then(|facts| Facts::from_stated(record.actor.role, facts));
        let seen = look(
            &past,
            &Call {
                consumer: &record.consumer,
                role: record.actor.role,
                entry: &record.entry,
                purpose: &record.purpose,
                items: &record.items,
                // On the ledger are neither parameters, which name a person, nor the zone, which the caller's node knows.
                params: None,
                zone: None,
                now: record.time,
            },
        );
        let zone_limited = seen.grant.as_ref().is_some_and(|grant| Grant::network_zone(grant).is_some());
        let mut facts = seen.facts;
        if let Some(stated) = stated.filter(|_| zone_limited) {
            facts.zone = stated.zone;
        }
        let decided = engine.decide(&facts);
        let (recorded, after_rules) = recorded(&record, &decided);
        let replayed = verdict(decided, seen.grant.as_ref().map(|grant| grant.id));
        let facts = beside(stated.as_ref(), &facts, zone_limited);
        let fits = facts.iter().all(|fact| fact.stated.is_none() || fact.found.is_none() || fact.stated == fact.found);
        Ok(Replay {
            same: fits && recorded == replayed,
            recorded,
            replayed,
            facts,
            after_rules,
            policy_version: policy.version,
            basis: record.basis,
            transactions: done.len(),
        })
    }

    /// The transactions about the entry of an access and the consumer's grants on it, before it was decided.
    async fn transactions_about(&self, record: &AccessRecord) -> Result<Vec<Done>, ServiceError> {
        let grants: Vec<GrantId> =
            self.chain.state().grants_of(&record.consumer, &record.entry).map(|grant| grant.id).collect();
        let references = std::iter::once(record.entry.to_string()).chain(grants.iter().map(ToString::to_string));
        let mut found: Vec<TransactionView> = Vec::new();
        for reference in references {
            let mut cursor = None;
            loop {
                let page = PageRequest { cursor, size: Some(PAGE_SIZE) };
                let filter = TransactionFilter {
                    reference: Some(reference.clone()),
                    refused: Some(false),
                    page,
                    ..TransactionFilter::default()
                };
                let page = self.transactions(filter).await?;
                found.extend(page.items.into_iter().filter(|view| view.ledger_index < record.basis));
                if found.len() > TRANSACTIONS_MAX {
                    let why = format!("more than {TRANSACTIONS_MAX} transactions are about this entry and its grants");
                    return Err(ServiceError::conflict("not_replayable", why));
                }
                cursor = page.next_cursor;
                if cursor.is_none() {
                    break;
                }
            }
        }
        found.sort_by_key(|view| view.ledger_index);
        let mut done = Vec::with_capacity(found.len());
        for view in found {
            let transaction = self.transaction_at(view.ledger_index).await?;
            done.push(Done { index: view.ledger_index, at: view.time, transaction });
        }
        Ok(done)
    }
}

fn verdict(decision: Decision, grant: Option<GrantId>) -> Verdict {
    let reasons = decision.reasons.iter().map(|reason| reason.code.to_owned()).collect();
    Verdict { allowed: decision.allowed, rule: decision.rule, reasons, grant }
}

/// What the rules said by the record, and what refused the call after them. Reasons that are none of the rules' came
/// from what a record does not tell: parameters, counters, the source.
fn recorded(record: &AccessRecord, decided: &Decision) -> (Verdict, Option<String>) {
    let verdict = |allowed, rule: &str, reasons: &[String]| Verdict {
        allowed,
        rule: rule.to_owned(),
        reasons: reasons.to_vec(),
        grant: record.grant,
    };
    let known: BTreeSet<&str> = crate::policy::reason::REASONS.iter().map(|reason| reason.code).collect();
    let after = record.reasons.first().filter(|code| !known.contains(code.as_str()));
    match record.decision {
        AccessDecision::Allowed => (verdict(true, &record.rule, &[]), None),
        // The rows that a grant reaches are no matter of the rules, and the rule that allowed is not in the record.
        AccessDecision::Refused if record.rule == SCOPE_RULE => {
            (verdict(true, &decided.rule, &[]), record.reasons.first().cloned())
        }
        AccessDecision::Refused => match after {
            Some(code) => (verdict(true, &record.rule, &[]), Some(code.clone())),
            None => (verdict(false, &record.rule, &record.reasons), None),
        },
    }
}

fn beside(stated: Option<&Facts>, found: &Facts, zone_limited: bool) -> Vec<ReplayedFact> {
    let (stated, found) = (stated.map(Facts::words), found.words());
    let fact = |(at, attribute): (usize, &'static str)| ReplayedFact {
        attribute,
        stated: stated.as_ref().and_then(|words| words.get(at)).copied(),
        found: found.get(at).copied().filter(|_| attribute != "zone" || !zone_limited),
    };
    ATTRIBUTES.into_iter().enumerate().map(fact).collect()
}
