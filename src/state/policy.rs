//! Who sets the city's rules: the authority proposes, the auditing department confirms. No department rules alone.

use crate::domain::Role;
use crate::domain::policy::{
    self, PolicyConfirmation, PolicyDocument, PolicyProposal, PolicyRecord, PolicyRejection, PolicyWord, WaitingPolicy,
};
use crate::ids::TxId;

use super::limits;
use super::machine::{Context, State};
use super::outcome::Refusal;

const POLICY_CHARS_MAX: usize = 32 * 1024;
/// Since this edition rules take two signatures.
const TWO_SIGNATURES: u32 = 3;

impl State {
    /// The rules by one signature, as before edition 3.
    pub(super) fn set_policy(&mut self, by: &Context<'_>, document: PolicyDocument) -> Result<(), Refusal> {
        self.require_authority(by)?;
        if self.edition() >= TWO_SIGNATURES {
            let why =
                "rules take two signatures since edition 3: propose them, and let the auditing department confirm";
            return Err(Refusal::NotAllowed(why.into()));
        }
        self.check_next(&document)?;
        self.policy.insert((), document);
        Ok(())
    }

    /// Puts a document before the auditing department, in the place of one that waits.
    pub(super) fn propose_policy(&mut self, by: &Context<'_>, proposal: PolicyProposal) -> Result<(), Refusal> {
        self.require_authority(by)?;
        require_admin(by)?;
        let PolicyProposal { document, note } = proposal;
        limits::text("note", &note, limits::TEXT_CHARS_MAX)?;
        self.check_next(&document)?;
        if self.policy().is_some_and(|present| present.says_the_same(&document)) {
            return Err(Refusal::Conflict("the rules in force say the same already".into()));
        }
        policy::check(&document).map_err(|wrong| Refusal::Invalid(wrong.to_string()))?;
        self.proposal.insert((), WaitingPolicy { document, note, proposed: word(by) });
        Ok(())
    }

    /// The second signature: the document is in force from the next transaction on.
    pub(super) fn confirm_policy(
        &mut self,
        by: &Context<'_>,
        confirmation: &PolicyConfirmation,
    ) -> Result<(), Refusal> {
        let genesis = self.genesis().ok_or_else(|| Refusal::Conflict("the chain has not begun".into()))?;
        if &genesis.auditor != by.department {
            return Err(Refusal::NotAllowed("the auditing department confirms rules".into()));
        }
        require_admin(by)?;
        let waiting = self.waiting(confirmation.proposal)?.clone();
        if &waiting.proposed.department == by.department && waiting.proposed.actor.user == by.actor.user {
            return Err(Refusal::OwnRequest);
        }
        if waiting.document.digest() != confirmation.digest {
            return Err(Refusal::Conflict("the proposal's digest is another: look at it again".into()));
        }
        self.check_next(&waiting.document)?;
        self.remember_replaced();
        let WaitingPolicy { document, note, proposed } = waiting;
        let record =
            PolicyRecord { document: document.clone(), note, proposed: Some(proposed), confirmed: Some(word(by)) };
        self.policies.insert(document.version, record);
        self.policy.insert((), document);
        self.proposal.remove(&());
        Ok(())
    }

    /// Ends a proposal without any change.
    pub(super) fn reject_policy(&mut self, by: &Context<'_>, rejection: &PolicyRejection) -> Result<(), Refusal> {
        let is_auditor = self.genesis().is_some_and(|genesis| &genesis.auditor == by.department);
        if !is_auditor {
            self.require_authority(by)?;
        }
        require_admin(by)?;
        limits::text("reason", &rejection.reason, limits::TEXT_CHARS_MAX)?;
        self.waiting(rejection.proposal)?;
        self.proposal.remove(&());
        Ok(())
    }

    /// Keeps what came into force before documents were kept.
    fn remember_replaced(&mut self) {
        let Some(replaced) = self.policy().filter(|old| !self.policies.contains_key(&old.version)).cloned() else {
            return;
        };
        let record = PolicyRecord { document: replaced, note: String::new(), proposed: None, confirmed: None };
        self.policies.insert(record.document.version, record);
    }

    fn waiting(&self, proposal: TxId) -> Result<&WaitingPolicy, Refusal> {
        let waiting = self.waiting_policy().filter(|waiting| waiting.proposed.transaction == proposal);
        waiting.ok_or_else(|| Refusal::Conflict(format!("proposal {proposal} waits no more: look at what does")))
    }

    fn check_next(&self, document: &PolicyDocument) -> Result<(), Refusal> {
        let next = self.policy().map_or(1, |policy| policy.version.saturating_add(1));
        if document.version != next {
            return Err(Refusal::Conflict(format!("the next version of the rules is {next}")));
        }
        limits::text("model", &document.model, POLICY_CHARS_MAX)?;
        limits::text("rules", &document.rules, POLICY_CHARS_MAX)
    }

    /// The rules in force.
    pub fn policy(&self) -> Option<&PolicyDocument> {
        self.policy.get(&())
    }

    /// The proposal that waits for its second signature.
    pub fn waiting_policy(&self) -> Option<&WaitingPolicy> {
        self.proposal.get(&())
    }

    /// Every document that is or was in force, the oldest first, as far as it is known: those between the genesis and
    /// edition 3 are in the ledger alone.
    pub fn policies(&self) -> Vec<PolicyRecord> {
        let plain = |document: &PolicyDocument| PolicyRecord {
            document: document.clone(),
            note: String::new(),
            proposed: None,
            confirmed: None,
        };
        let mut all: Vec<PolicyRecord> = self.policies.values().cloned().collect();
        let begun_with = self.genesis().map(|genesis| &genesis.policy);
        for known in begun_with.into_iter().chain(self.policy()) {
            if !all.iter().any(|record| record.document.version == known.version) {
                all.push(plain(known));
            }
        }
        all.sort_by_key(|record| record.document.version);
        all
    }
}

fn require_admin(by: &Context<'_>) -> Result<(), Refusal> {
    if by.actor.role == Role::Admin {
        return Ok(());
    }
    Err(Refusal::NotAllowed("an administrator of the department signs for its rules".into()))
}

fn word(by: &Context<'_>) -> PolicyWord {
    PolicyWord {
        department: by.department.clone(),
        actor: by.actor.clone(),
        transaction: by.id,
        index: by.index,
        at: by.at,
    }
}
