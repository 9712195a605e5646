//! Grants between request and end: renewed, suspended, given more time, appealed against; and what waits too long.

use crate::clock::Millis;
use crate::domain::Role;
use crate::domain::command::{Command, GrantEnding};
use crate::domain::department_files::calendar::Calendar;
use crate::domain::grant::life::AppealRuling;
use crate::domain::grant::{Grant, GrantRequest};
use crate::ids::GrantId;
use crate::policy::facts::{Action, Facts, Relation};
use crate::readmodel::grants::{Due, GrantView, Overdue};

use super::Node;
use super::error::ServiceError;
use super::principal::Principal;
use super::writes::Committed;

impl Node {
    /// Asks for a new term of an active grant, with everything else as it was allowed. Who may ask for a grant may.
    ///
    /// # Errors
    /// `not_found`, the policy's or the ledger's refusal.
    pub async fn renew_grant(
        &self,
        who: &Principal,
        id: GrantId,
        valid_until: Millis,
    ) -> Result<Committed, ServiceError> {
        let grant = self.known_grant(id)?;
        let request = self.renewal(&grant, valid_until)?;
        self.request_grant(who, request).await
    }

    /// The request that asks for the same again: the allowed items that the entry still has, within the limits that hold.
    fn renewal(&self, grant: &Grant, valid_until: Millis) -> Result<GrantRequest, ServiceError> {
        let Some(approval) = grant.approval() else {
            return Err(ServiceError::conflict(
                "conflict",
                "the grant was never approved: wait, or ask anew".to_owned(),
            ));
        };
        let state = self.chain.state();
        let history = state.entry(&grant.request.entry);
        let entry = &history
            .ok_or_else(|| ServiceError::missing(format_args!("entry {}", grant.request.entry)))?
            .current()
            .entry;
        let now = self.clock.now();
        let names = approval.items.iter().map(|item| item.name.clone());
        // What was given for a shorter time ends as it was given.
        let items = names.filter(|name| entry.item(name).is_some() && grant.gives(name, now)).collect::<Vec<_>>();
        let mut bounds = grant.bounds();
        bounds.keep_terms(|term| items.contains(&term.item) && term.valid_until < valid_until);
        Ok(GrantRequest {
            version: entry.version,
            items: items.into(),
            daily_max: approval.daily_max,
            valid_until,
            network_zone: grant.network_zone().map(str::to_owned),
            hours: grant.hours(),
            bounds: bounds.stated(),
            replaces: Some(grant.id),
            ..grant.request.clone()
        })
    }

    /// Suspends a grant: queries are refused at once. Reviewers of the provider or the authority may.
    ///
    /// # Errors
    /// The policy's or the ledger's refusal.
    pub async fn suspend_grant(&self, who: &Principal, id: GrantId, why: String) -> Result<Committed, ServiceError> {
        self.say(who, id, why, Action::SuspendGrant, Command::SuspendGrant).await
    }

    /// Lets a suspended grant go on. Reviewers of the department that suspended it, or of the authority, may.
    ///
    /// # Errors
    /// The policy's or the ledger's refusal.
    pub async fn resume_grant(&self, who: &Principal, id: GrantId, why: String) -> Result<Committed, ServiceError> {
        self.say(who, id, why, Action::ResumeGrant, Command::ResumeGrant).await
    }

    /// Takes more time to decide, once. Reviewers of the provider may.
    ///
    /// # Errors
    /// The policy's or the ledger's refusal.
    pub async fn extend_grant(&self, who: &Principal, id: GrantId, why: String) -> Result<Committed, ServiceError> {
        self.say(who, id, why, Action::ExtendGrant, Command::ExtendGrant).await
    }

    /// Appeals to the authority against a refusal. Clerks and reviewers of the consumer may.
    ///
    /// # Errors
    /// The policy's or the ledger's refusal.
    pub async fn appeal_grant(&self, who: &Principal, id: GrantId, why: String) -> Result<Committed, ServiceError> {
        self.say(who, id, why, Action::AppealGrant, Command::AppealGrant).await
    }

    /// Rules on an appeal: upheld, the provider must decide again within the calendar's days. Reviewers of the authority may.
    ///
    /// # Errors
    /// The policy's or the ledger's refusal.
    pub async fn rule_on_appeal(
        &self,
        who: &Principal,
        id: GrantId,
        upheld: bool,
        reason: String,
    ) -> Result<Committed, ServiceError> {
        let grant = self.known_grant(id)?;
        let actor = self.authorise(who, self.life_facts(Action::RuleOnAppeal, &grant))?;
        let decide_by = upheld.then(|| self.calendar.after(self.clock.now(), self.calendar.decision.returned));
        self.write(who, actor, Command::RuleOnAppeal(AppealRuling { grant: id, upheld, reason, decide_by })).await
    }

    async fn say(
        &self,
        who: &Principal,
        id: GrantId,
        reason: String,
        action: Action,
        command: impl FnOnce(GrantEnding) -> Command,
    ) -> Result<Committed, ServiceError> {
        let grant = self.known_grant(id)?;
        let actor = self.authorise(who, self.life_facts(action, &grant))?;
        self.write(who, actor, command(GrantEnding { grant: id, reason })).await
    }

    /// Facts of an action that the authority may do as such, wherever the department is not a party itself.
    fn life_facts(&self, action: Action, grant: &Grant) -> impl Fn(Role) -> Facts {
        let relation = match self.relation_to_grant(grant) {
            Relation::Foreign | Relation::Consumer if self.acts_for_authority(action) => Relation::Authority,
            Relation::Provider if action == Action::RuleOnAppeal && self.is_authority() => Relation::Authority,
            relation => relation,
        };
        let state = grant.state(self.clock.now());
        move |role| Facts { grant: Some(state), ..Facts::new(action, role, relation) }
    }

    fn acts_for_authority(&self, action: Action) -> bool {
        let of_authority = [Action::SuspendGrant, Action::ResumeGrant, Action::RuleOnAppeal];
        of_authority.contains(&action) && self.is_authority()
    }

    /// Working days of the city.
    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// What has waited too long at this moment.
    pub fn overdue(&self) -> Overdue {
        let (now, days) = (self.clock.now(), self.calendar.decision);
        Overdue {
            decide: self.calendar.late_before(now, days.conditional),
            extended: self.calendar.late_before(now, days.conditional.saturating_add(days.extension)),
            returned: now,
        }
    }

    /// Until when the provider has to decide, while it has to.
    pub(super) fn with_deadline(&self, mut view: GrantView) -> GrantView {
        let days = self.calendar.decision;
        view.decide_by = view.due.map(|due| match due {
            Due::Decide(from) => self.calendar.after(from, days.conditional),
            Due::Extended(from) => self.calendar.after(from, days.conditional.saturating_add(days.extension)),
            Due::Returned(until) => until,
        });
        view
    }
}
