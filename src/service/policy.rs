//! The city's rules: shown, checked, proposed by the authority, confirmed or refused by the auditing department.

use crate::crypto::digest::Hash;
use crate::domain::access::AccessRecord;
use crate::domain::command::Command;
use crate::domain::policy::difference::{RuleChange, between};
use crate::domain::policy::rules::{self, Rule};
use crate::domain::policy::{
    self, PolicyConfirmation, PolicyDocument, PolicyError, PolicyProposal, PolicyRecord, PolicyRejection,
    WaitingPolicy, principles,
};
use crate::domain::schema::{Fault, FaultCode};
use crate::domain::{Actor, Role};
use crate::ids::{AccessId, DepartmentId, EntryName, TxId};
use crate::policy::Engine;
use crate::policy::facts::{Action, Facts, Relation};
use crate::readmodel::PageRequest;
use crate::readmodel::accesses::AccessFilter;

use super::Node;
use super::error::ServiceError;
use super::health::Check;
use super::principal::Principal;
use super::writes::Committed;

/// A document that is or was in force, with its rules read.
#[derive(Clone, Debug)]
pub struct PolicyView {
    /// The document, and whose signatures put it into force.
    pub record: PolicyRecord,
    /// Whether it is in force now.
    pub in_force: bool,
    /// Its rules, in order; none when they cannot be read.
    pub rules: Vec<Rule>,
    /// Why this node cannot decide by it, if it cannot.
    pub fault: Option<String>,
}

/// What is to be known of a document before anybody signs it.
#[derive(Clone, Debug)]
pub struct PolicyCheck {
    /// The document, with the number that it would have.
    pub document: PolicyDocument,
    /// Rules that differ from those in force.
    pub changes: Vec<RuleChange>,
    /// Rules that never decide, because earlier ones take all that they speak of.
    pub idle: Vec<String>,
}

/// What would have become of the last accesses under other rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shadow {
    /// Accesses that were decided again.
    pub looked_at: usize,
    /// Accesses whose records state no facts: of before edition 3, or papers of cases.
    pub unknown: usize,
    /// Refused then, allowed under the new rules.
    pub newly_allowed: usize,
    /// Allowed then, refused under the new rules.
    pub newly_refused: usize,
    /// The same verdict by another rule.
    pub other_rule: usize,
    /// Some of those whose verdict changes, the newest first.
    pub examples: Vec<ShadowExample>,
}

/// An access that would have been decided otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShadowExample {
    /// The access.
    pub access_id: AccessId,
    /// By whom.
    pub consumer: DepartmentId,
    /// On what.
    pub entry: EntryName,
    /// Whether the new rules allow it.
    pub allowed: bool,
    /// The rule in force that decides.
    pub before: String,
    /// The new rule that decides.
    pub after: String,
}

/// Accesses that a shadow run looks at.
const SHADOW_ACCESSES: usize = 10_000;
const SHADOW_EXAMPLES: usize = 10;
const SHADOW_PAGE: u32 = 200;

/// A proposal that waits for its second signature, and what it would change.
#[derive(Clone, Debug)]
pub struct ProposalView {
    /// The proposal.
    pub waiting: WaitingPolicy,
    /// What the second signature must name.
    pub digest: Hash,
    /// What it would change.
    pub check: PolicyCheck,
}

impl Node {
    /// A document of the rules: the one in force, or an earlier one.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] for a version that was never in force, or is not kept.
    pub fn policy_document(&self, version: Option<u64>) -> Result<PolicyView, ServiceError> {
        let present = self.present_policy()?.version;
        let wanted = version.unwrap_or(present);
        let found = self.policy_history().into_iter().find(|record| record.document.version == wanted);
        let record = found.ok_or_else(|| ServiceError::missing(format_args!("version {wanted} of the rules")))?;
        let fault = Engine::new(&record.document).err().map(|why| why.to_string());
        let rules = rules::parse(&record.document.rules).unwrap_or_default();
        Ok(PolicyView { in_force: wanted == present, rules, fault, record })
    }

    /// Every document that is or was in force, the newest first.
    pub fn policy_history(&self) -> Vec<PolicyRecord> {
        let mut all = self.chain.state().policies();
        all.reverse();
        all
    }

    /// The proposal that waits for its second signature.
    ///
    /// # Errors
    /// None is expected: what waits was checked by every node.
    pub fn policy_proposal(&self) -> Result<Option<ProposalView>, ServiceError> {
        let Some(waiting) = self.chain.state().waiting_policy().cloned() else { return Ok(None) };
        let check = self.check_policy(&waiting.document.model, &waiting.document.rules)?;
        Ok(Some(ProposalView { digest: waiting.document.digest(), waiting, check }))
    }

    /// Checks a model and rules as every node will, and with the engine of this one, and says what they would change.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] with what is wrong and where.
    pub fn check_policy(&self, model: &str, rules: &str) -> Result<PolicyCheck, ServiceError> {
        let present = self.present_policy()?;
        let version = present.version.saturating_add(1);
        let document = PolicyDocument { version, model: model.to_owned(), rules: rules.to_owned() };
        let new = policy::check(&document).map_err(|wrong| fault(&wrong))?;
        Engine::new(&document).map_err(unusable)?;
        let old = rules::parse(&present.rules).unwrap_or_default();
        let idle = principles::idle(&new).into_iter().map(|rule| rule.id.clone()).collect();
        Ok(PolicyCheck { document, changes: between(&old, &new), idle })
    }

    /// Decides this node's last 10,000 accesses by the rules in force and by others: all of the city's on the auditor's
    /// node, and on others those that concern the department.
    ///
    /// # Errors
    /// The policy's refusal: it is for those who sign, and for those who read the audit.
    pub async fn shadow(&self, who: &Principal, document: &PolicyDocument) -> Result<Shadow, ServiceError> {
        self.authorise(who, |role| Facts::new(Action::ManageKeys, role, Relation::Own))
            .or_else(|_| self.authorise(who, self.audit_facts(Action::ReadAudit)))?;
        let present = self.policy()?;
        let new = Engine::new(document).map_err(unusable)?;
        let mut shadow = Shadow::default();
        let mut cursor = None;
        while shadow.looked_at + shadow.unknown < SHADOW_ACCESSES {
            let page = PageRequest { cursor, size: Some(SHADOW_PAGE) };
            let filter = AccessFilter { page, ..AccessFilter::default() };
            let page = self.reading(move |model| model.accesses(&filter)).await?;
            page.items.iter().for_each(|access| shadow.look(&access.record, &present, &new));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        Ok(shadow)
    }

    /// Puts a model and rules before the auditing department.
    ///
    /// # Errors
    /// The policy's refusal, what is wrong in the document, the ledger's refusal.
    pub async fn propose_policy(
        &self,
        who: &Principal,
        model: &str,
        rules: &str,
        note: String,
    ) -> Result<Committed, ServiceError> {
        let relation = if self.is_authority() { Relation::Authority } else { Relation::Foreign };
        let actor = self.rule_keeper(who, Action::SetPolicy, relation)?;
        let document = self.check_policy(model, rules)?.document;
        self.write(who, actor, Command::ProposePolicy(PolicyProposal { document, note })).await
    }

    /// Proposes an earlier document anew; the one before the present one when none is named. It takes two signatures
    /// like every other: a way around them would be the way that a thief of the authority's key takes.
    ///
    /// # Errors
    /// As [`Node::propose_policy`], and [`ServiceError::NotFound`].
    pub async fn rollback_policy(
        &self,
        who: &Principal,
        version: Option<u64>,
        note: Option<String>,
    ) -> Result<Committed, ServiceError> {
        let present = self.present_policy()?.version;
        let version = version.unwrap_or(present.saturating_sub(1));
        let record = self.policy_document(Some(version))?.record;
        let note = note.unwrap_or_else(|| format!("back to version {version} / 恢复第 {version} 版"));
        self.propose_policy(who, &record.document.model, &record.document.rules, note).await
    }

    /// The second signature, by the auditing department. This node checks the document once more before it signs.
    ///
    /// # Errors
    /// `not_the_auditor`, what is wrong in the document, the ledger's refusal.
    pub async fn confirm_policy(
        &self,
        who: &Principal,
        proposal: TxId,
        digest: Hash,
    ) -> Result<Committed, ServiceError> {
        let actor = self.rule_keeper(who, Action::ManageKeys, Relation::Own)?;
        self.require_auditor()?;
        if let Some(waiting) = self.policy_proposal()?.filter(|waiting| waiting.digest != digest) {
            let why = format!("the proposal that waits has the digest {}: look at it again", waiting.digest);
            return Err(ServiceError::conflict("conflict", why));
        }
        self.write(who, actor, Command::ConfirmPolicy(PolicyConfirmation { proposal, digest })).await
    }

    /// Withdraws a proposal (authority) or refuses it (auditing department).
    ///
    /// # Errors
    /// `not_the_auditor`, the ledger's refusal.
    pub async fn reject_policy(
        &self,
        who: &Principal,
        proposal: TxId,
        reason: String,
    ) -> Result<Committed, ServiceError> {
        let actor = self.rule_keeper(who, Action::ManageKeys, Relation::Own)?;
        if !self.is_authority() {
            self.require_auditor()?;
        }
        self.write(who, actor, Command::RejectPolicy(PolicyRejection { proposal, reason })).await
    }

    /// Whether this department is the auditing one.
    pub fn is_auditor(&self) -> bool {
        self.chain.state().genesis().is_some_and(|genesis| genesis.auditor == self.department)
    }

    fn require_auditor(&self) -> Result<(), ServiceError> {
        if self.is_auditor() {
            return Ok(());
        }
        let auditor = self.chain.state().genesis().map(|genesis| genesis.auditor.to_string()).unwrap_or_default();
        let detail =
            format!("only the auditing department, {auditor}, gives the second signature: ask its administrator");
        Err(ServiceError::NotAllowed { code: "not_the_auditor", detail })
    }

    /// Where no rules can be loaded, an administrator must still be able to have them mended: every node checks the
    /// role again.
    fn rule_keeper(&self, who: &Principal, action: Action, relation: Relation) -> Result<Actor, ServiceError> {
        match self.authorise(who, |role| Facts::new(action, role, relation)) {
            Err(ServiceError::Internal(_)) if who.has(Role::Admin) => Ok(who.acting(Role::Admin)),
            answer => answer,
        }
    }

    fn present_policy(&self) -> Result<PolicyDocument, ServiceError> {
        let present = self.chain.state().policy().cloned();
        present.ok_or_else(|| ServiceError::Internal("the ledger holds no rules".into()))
    }

    /// Rules that this node cannot load stop no part of it but its decisions: every call is refused until they are mended.
    pub(super) fn policy_check(&self) -> Check {
        let (version, waits) = {
            let state = self.chain.state();
            (state.policy().map_or(0, |policy| policy.version), state.waiting_policy().is_some())
        };
        match self.policy() {
            Ok(_) if waits => {
                Check::new("policy", true, format!("version {version}; a proposal waits to be confirmed"))
            }
            Ok(_) => Check::new("policy", true, format!("version {version}")),
            Err(why) => {
                let why = match why {
                    ServiceError::Internal(why) => why,
                    other => other.to_string(),
                };
                let detail = format!("version {version} cannot be loaded, so every call is refused: {why}");
                Check::new("policy", false, detail).seen("policy", why)
            }
        }
    }
}

impl Shadow {
    fn look(&mut self, record: &AccessRecord, present: &Engine, new: &Engine) {
        let stated = record.facts.as_deref().and_then(|facts| Facts::from_stated(record.actor.role, facts));
        let Some(facts) = stated else {
            self.unknown += 1;
            return;
        };
        self.looked_at += 1;
        let (before, after) = (present.decide(&facts), new.decide(&facts));
        match (before.allowed, after.allowed) {
            (false, true) => self.newly_allowed += 1,
            (true, false) => self.newly_refused += 1,
            _ if before.rule != after.rule => self.other_rule += 1,
            _ => {}
        }
        if before.allowed != after.allowed && self.examples.len() < SHADOW_EXAMPLES {
            self.examples.push(ShadowExample {
                access_id: record.access_id,
                consumer: record.consumer.clone(),
                entry: record.entry.clone(),
                allowed: after.allowed,
                before: before.rule,
                after: after.rule,
            });
        }
    }
}

fn fault(wrong: &PolicyError) -> ServiceError {
    let (code, pointer, named) = match wrong {
        PolicyError::Model(why) => (FaultCode::PolicyModel, "/model", why.clone()),
        PolicyError::Rule { line, why } => (FaultCode::PolicyRule, "/rules", format!("{line}: {why}")),
        PolicyError::Principle { principle, rule, verdict, facts } => {
            (FaultCode::PolicyPrinciple, "/rules", format!("{principle}: {rule} → {verdict} {facts}"))
        }
        PolicyError::Tangled => (FaultCode::PolicyTangled, "/rules", String::new()),
    };
    Fault::of(code, pointer, wrong.to_string()).naming(named).into()
}

/// The engine's own complaint about rules that were found right.
fn unusable(wrong: impl std::fmt::Display) -> ServiceError {
    Fault::of(FaultCode::PolicyRule, "/rules", wrong.to_string()).naming(wrong).into()
}
