//! The page of the city's rules: read by everybody, proposed by the authority, confirmed by the auditing department.

use actix_web::web::Path;

use crate::crypto::digest::Hash;
use crate::domain::Role;
use crate::domain::policy::PolicyWord;
use crate::domain::policy::difference::{Change, RuleChange, between};
use crate::domain::policy::facts::ATTRIBUTES;
use crate::domain::policy::rules::{self, Rule};
use crate::ids::TxId;
use crate::service::ServiceError;
use crate::service::policy::{PolicyView, ProposalView, Shadow};
use crate::web::problem::Problem;

use super::desk::{Desk, Visitor};
use super::form::{Fields, Posted};
use super::render::{Answer, FAULTY};
use super::told::told;
use super::views::Faults;
use super::views::policy::{
    Policy, PolicyRuleRow, PolicyVersionRow, RuleChangeRow, ShadowExampleRow, ShadowRow, WaitingRow,
};

const PAGE: &str = "/policy";

/// The rules in force or of an earlier version, what waits, and what was.
pub async fn show(visitor: Visitor) -> Answer {
    let version = match visitor.query.get("version") {
        "" => None,
        text => Some(text.parse().map_err(|_| Problem::new("invalid_parameter"))?),
    };
    let view = page(&visitor, version, None, Faults::default()).await?;
    visitor.show(&view)
}

/// Puts rules before the auditing department.
pub async fn propose(Posted { visitor, form }: Posted) -> Answer {
    // Browsers send line ends of their own; the ledger has one kind.
    let text = |name: &str| form.raw(name).replace("\r\n", "\n");
    let proposed =
        visitor.node.propose_policy(&visitor.who, &text("model"), &text("rules"), form.get("note").to_owned()).await;
    match proposed {
        Ok(committed) => visitor.done(PAGE, "policy_proposed", Some(committed.transaction_id)),
        Err(ServiceError::Invalid(found)) => {
            let mut faults = Faults::default();
            for fault in &found {
                let (field, label) = match fault.place().as_str() {
                    "/note" => ("note", "policy-note"),
                    place if place.contains("model") => ("model", "policy-model"),
                    _ => ("rules", "policy-rules"),
                };
                faults.tell(visitor.t, field, &visitor.t.say(label), &told(visitor.t, fault, |_| None));
            }
            let view = page(&visitor, None, Some(&form), faults).await?;
            visitor.show_as(FAULTY, &view)
        }
        Err(error) => Err(error.into()),
    }
}

/// Proposes an earlier version.
pub async fn roll_back(Posted { visitor, form }: Posted) -> Answer {
    let version = form.get("version").parse().map_err(|_| Problem::new("invalid_parameter"))?;
    let committed = visitor.node.rollback_policy(&visitor.who, Some(version), None).await?;
    visitor.done(PAGE, "policy_proposed", Some(committed.transaction_id))
}

/// The second signature.
pub async fn confirm(Posted { visitor, form }: Posted, id: Path<TxId>) -> Answer {
    let digest: Hash = form.get("digest").parse().map_err(|_| Problem::new("invalid_parameter"))?;
    let committed = visitor.node.confirm_policy(&visitor.who, *id, digest).await?;
    visitor.done(PAGE, "policy_confirmed", Some(committed.transaction_id))
}

/// Withdraws or refuses what waits.
pub async fn reject(Posted { visitor, form }: Posted, id: Path<TxId>) -> Answer {
    let committed = visitor.node.reject_policy(&visitor.who, *id, form.reason()?).await?;
    visitor.done(PAGE, "policy_rejected", Some(committed.transaction_id))
}

async fn page(
    visitor: &Visitor,
    version: Option<u64>,
    typed: Option<&Fields>,
    faults: Faults,
) -> Result<Policy, Problem> {
    let shown = visitor.node.policy_document(version)?;
    let number = shown.record.document.version;
    let before = number.checked_sub(1).and_then(|number| visitor.node.policy_document(Some(number)).ok());
    let changed = before.map(|before| between(&before.rules, &shown.rules)).unwrap_or_default();
    let history = visitor.node.policy_history();
    let newest = history.first().map_or(0, |record| record.document.version);
    let is_admin = visitor.is(Role::Admin);
    let PolicyView { record, in_force, rules, fault } = shown;
    let word = |word: &Option<PolicyWord>| word.as_ref().map(|word| signed(visitor, word)).unwrap_or_default();
    let typed = |name: &str, present: &str| typed.map_or_else(|| present.to_owned(), |form| form.raw(name).to_owned());
    Ok(Policy {
        page: visitor.page_at(PAGE),
        t: visitor.t,
        version: number,
        in_force,
        fault: fault.unwrap_or_default(),
        rules: rules.iter().map(rule_row).collect(),
        changed: changed.into_iter().map(change_row).collect(),
        history: history
            .iter()
            .map(|record| PolicyVersionRow {
                version: record.document.version,
                in_force: record.document.version == newest,
                note: record.note.clone(),
                proposed: word(&record.proposed),
                confirmed: word(&record.confirmed),
            })
            .collect(),
        waiting: waiting(visitor).await?,
        may_propose: is_admin && visitor.node.is_authority(),
        may_confirm: is_admin && visitor.node.is_auditor(),
        note: typed("note", ""),
        rules_text: typed("rules", &record.document.rules),
        model_text: typed("model", &record.document.model),
        faults,
    })
}

async fn waiting(visitor: &Visitor) -> Result<Option<WaitingRow>, Problem> {
    let Some(ProposalView { waiting, digest, check }) = visitor.node.policy_proposal()? else { return Ok(None) };
    let shadow = visitor.node.shadow(&visitor.who, &check.document).await.ok();
    Ok(Some(WaitingRow {
        id: waiting.proposed.transaction.to_string(),
        digest: digest.to_string(),
        note: waiting.note,
        by: format!("{} · {}", visitor.department(&waiting.proposed.department), waiting.proposed.actor.user),
        time: waiting.proposed.at.local_text(),
        changes: check.changes.into_iter().map(change_row).collect(),
        idle: check.idle,
        shadow: shadow.map(|shadow| shadow_row(visitor, shadow)),
    }))
}

fn signed(desk: &Desk, word: &PolicyWord) -> String {
    format!("{} · {} · {}", desk.department(&word.department), word.actor.user, word.at.local_text())
}

fn decision(allows: bool) -> &'static str {
    if allows { "allowed" } else { "refused" }
}

fn rule_row(rule: &Rule) -> PolicyRuleRow {
    let said = ATTRIBUTES.iter().zip(&rule.cells).filter(|(_, cell)| cell.as_str() != rules::ANY);
    PolicyRuleRow {
        id: rule.id.clone(),
        when: said.map(|(attribute, cell)| ((*attribute).to_owned(), cell.clone())).collect(),
        decision: decision(rule.allows),
        reason: rule.reason.unwrap_or_default().to_owned(),
    }
}

fn change_row(change: RuleChange) -> RuleChangeRow {
    RuleChangeRow {
        id: change.id,
        change: Change::as_str(change.change),
        before: change.before.unwrap_or_default(),
        after: change.after.unwrap_or_default(),
    }
}

fn shadow_row(desk: &Desk, shadow: Shadow) -> ShadowRow {
    let examples = shadow.examples.into_iter().map(|one| ShadowExampleRow {
        access_id: one.access_id.to_string(),
        consumer: desk.department(&one.consumer),
        entry: one.entry.to_string(),
        before: one.before,
        decision: decision(one.allowed),
        after: one.after,
    });
    ShadowRow {
        looked_at: shadow.looked_at,
        unknown: shadow.unknown,
        newly_allowed: shadow.newly_allowed,
        newly_refused: shadow.newly_refused,
        other_rule: shadow.other_rule,
        examples: examples.collect(),
    }
}
