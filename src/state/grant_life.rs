//! Grants on the ledger between request and end: replaced, approved by two, suspended, extended, appealed against.

use crate::clock::DAY_MS;
use crate::domain::Role;
use crate::domain::command::GrantEnding;
use crate::domain::grant::life::{Appeal, AppealRuling, FirstApproval, Life, Ruling, TWO_APPROVERS_GRADE, Word};
use crate::domain::grant::{Approval, Grant, GrantDecision, GrantRequest, GrantState};
use crate::ids::GrantId;

use super::catalog::reviewer;
use super::limits;
use super::machine::{Context, State};
use super::outcome::Refusal;

/// The longest time that the authority may give a provider to decide again: ninety days.
const DECIDE_MS_MAX: u64 = 90 * DAY_MS;

impl State {
    /// A renewal or change comes in the place of a grant that is in force.
    pub(super) fn check_replaced(&self, by: &Context<'_>, request: &GrantRequest, old: GrantId) -> Result<(), Refusal> {
        let grant = self.known(old)?;
        if &grant.consumer != by.department || grant.request.entry != request.entry {
            return Err(Refusal::NotAllowed("only a grant of one's own on the same entry can be replaced".into()));
        }
        match grant.state(by.at) {
            GrantState::Active => Ok(()),
            other => Err(Refusal::Conflict(format!("the grant to be replaced is {}", other.as_str()))),
        }
    }

    /// The grant that ends when this one is approved.
    pub(super) fn replaced_by(&self, by: &Context<'_>, grant: &Grant) -> Result<Option<GrantId>, Refusal> {
        let Some(old) = grant.request.replaces else { return Ok(None) };
        match self.known(old)?.state(by.at) {
            // The authority may have suspended it: an approval must not get round that.
            GrantState::Suspended => Err(Refusal::Conflict("the grant to be replaced is suspended".into())),
            _ => Ok(Some(old)),
        }
    }

    /// Whether the entry's grade asks for two approvers.
    pub(super) fn needs_two(&self, grant: &Grant) -> bool {
        let history = self.entries.get(&grant.request.entry);
        self.edition() >= 3 && history.is_some_and(|history| history.current().entry.grade() >= TWO_APPROVERS_GRADE)
    }

    pub(super) fn check_first_of_two(
        &self,
        by: &Context<'_>,
        grant: &Grant,
        approval: &Approval,
    ) -> Result<(), Refusal> {
        if !self.needs_two(grant) {
            return Ok(());
        }
        let first = grant.first_approval();
        let first =
            first.ok_or_else(|| Refusal::Conflict("an entry of grade 4 needs a first approval before".into()))?;
        if first.by.user == by.actor.user {
            return Err(Refusal::OwnRequest);
        }
        approval.within_first(&first.approval).map_err(Refusal::Invalid)
    }

    pub(super) fn preapprove_grant(&mut self, by: &Context<'_>, approval: Approval) -> Result<(), Refusal> {
        let grant = self.decidable(by, approval.grant)?;
        if !self.needs_two(grant) {
            return Err(Refusal::Conflict("the entry needs one approval only".into()));
        }
        if grant.first_approval().is_some() {
            return Err(Refusal::Conflict("the first approval is given: a second person approves".into()));
        }
        self.check_approval(by, grant, &approval)?;
        let (id, first) = (approval.grant, FirstApproval { approval, by: by.actor.clone(), at: by.at });
        self.live(id, |life| life.first = Some(first));
        Ok(())
    }

    pub(super) fn suspend_grant(&mut self, by: &Context<'_>, said: GrantEnding) -> Result<(), Refusal> {
        let grant = self.known(said.grant)?;
        self.require_provider_or_authority(by, grant)?;
        self.require_state(by, grant, GrantState::Active)?;
        let (id, word) = self.word(by, said)?;
        self.live(id, |life| life.pause = Some(word));
        Ok(())
    }

    pub(super) fn resume_grant(&mut self, by: &Context<'_>, said: GrantEnding) -> Result<(), Refusal> {
        let grant = self.known(said.grant)?;
        self.require_provider_or_authority(by, grant)?;
        self.require_state(by, grant, GrantState::Suspended)?;
        let paused_by = grant.life().and_then(|life| life.pause.as_ref()).map(|word| &word.department);
        if paused_by != Some(by.department) && !self.is_authority(by) {
            return Err(Refusal::NotAllowed("the authority suspended it: the authority lets it go on".into()));
        }
        let (id, _) = self.word(by, said)?;
        self.live(id, |life| life.pause = None);
        Ok(())
    }

    pub(super) fn extend_grant(&mut self, by: &Context<'_>, said: GrantEnding) -> Result<(), Refusal> {
        let grant = self.decidable(by, said.grant)?;
        if grant.life().is_some_and(|life| life.extension.is_some() || life.appeal.is_some()) {
            return Err(Refusal::Conflict("the time to decide is extended once, and not after an appeal".into()));
        }
        let (id, word) = self.word(by, said)?;
        self.live(id, |life| life.extension = Some(word));
        Ok(())
    }

    pub(super) fn appeal_grant(&mut self, by: &Context<'_>, said: GrantEnding) -> Result<(), Refusal> {
        let grant = self.known(said.grant)?;
        if &grant.consumer != by.department {
            return Err(Refusal::NotAllowed("only the consumer appeals against a refusal".into()));
        }
        if !matches!(by.actor.role, Role::Clerk | Role::Reviewer) {
            return Err(Refusal::NotAllowed("a clerk or reviewer appeals".into()));
        }
        self.require_state(by, grant, GrantState::Denied)?;
        if grant.life().is_some_and(|life| life.appeal.is_some()) {
            return Err(Refusal::Conflict("the authority has ruled on an appeal already".into()));
        }
        let (id, word) = self.word(by, said)?;
        self.live(id, |life| life.appeal = Some(Appeal { word, ruling: None }));
        Ok(())
    }

    pub(super) fn rule_on_appeal(&mut self, by: &Context<'_>, said: AppealRuling) -> Result<(), Refusal> {
        self.require_authority(by)?;
        reviewer(by)?;
        let AppealRuling { grant: id, upheld, reason, decide_by } = said;
        self.require_state(by, self.known(id)?, GrantState::Appealed)?;
        match decide_by {
            Some(until) if upheld && until > by.at && until.since(by.at) <= DECIDE_MS_MAX => {}
            None if !upheld => {}
            _ => {
                let why = "decide_by lies within ninety days when an appeal is upheld, and is left out otherwise";
                return Err(Refusal::Invalid(why.into()));
            }
        }
        let (_, word) = self.word(by, GrantEnding { grant: id, reason })?;
        self.live(id, |life| {
            if let Some(appeal) = &mut life.appeal {
                appeal.ruling = Some(Ruling { upheld, word, decide_by });
            }
            // Whoever decides again begins anew.
            life.first = None;
        });
        if upheld {
            self.decide(id, GrantDecision::Requested);
        }
        Ok(())
    }

    fn known(&self, id: GrantId) -> Result<&Grant, Refusal> {
        self.grants.get(&id).ok_or_else(|| Refusal::Unknown(format!("grant {id}")))
    }

    fn live(&mut self, id: GrantId, change: impl FnOnce(&mut Life)) {
        self.grants.change(&id, |grant| change(grant.life.get_or_insert_default()));
    }

    fn word(&self, by: &Context<'_>, said: GrantEnding) -> Result<(GrantId, Word), Refusal> {
        limits::text("reason", &said.reason, limits::TEXT_CHARS_MAX)?;
        let (by, department, at) = (by.actor.clone(), by.department.clone(), by.at);
        Ok((said.grant, Word { reason: said.reason, by, department, at }))
    }

    fn is_authority(&self, by: &Context<'_>) -> bool {
        self.genesis().is_some_and(|genesis| &genesis.authority == by.department)
    }

    fn require_provider_or_authority(&self, by: &Context<'_>, grant: &Grant) -> Result<(), Refusal> {
        if grant.provider() != by.department && !self.is_authority(by) {
            return Err(Refusal::NotAllowed("only the provider or the authority suspends and resumes a grant".into()));
        }
        reviewer(by)
    }

    fn require_state(&self, by: &Context<'_>, grant: &Grant, wanted: GrantState) -> Result<(), Refusal> {
        match grant.state(by.at) {
            state if state == wanted => Ok(()),
            other => Err(Refusal::Conflict(format!("the grant is {}", other.as_str()))),
        }
    }
}
