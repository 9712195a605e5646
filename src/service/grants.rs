//! Grants: ask, decide, end, look.

use serde::Deserialize;

use crate::clock::Millis;
use crate::domain::catalog::Masking;
use crate::domain::command::{Command, GrantEnding};
use crate::domain::grant::bounds::Bounds;
use crate::domain::grant::life::TWO_APPROVERS_GRADE;
use crate::domain::grant::{Approval, Grant, GrantRequest, GrantState, GrantedItem};
use crate::domain::schema::{Fault, FaultCode};
use crate::ids::{DepartmentId, GrantId, ItemName};
use crate::policy::facts::{Action, Facts, Relation};
use crate::readmodel::Page;
use crate::readmodel::grants::{GrantFilter, GrantView};

use super::Node;
use super::error::ServiceError;
use super::principal::Principal;
use super::writes::Committed;

/// A provider's limits; what is left out stays as it was asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Items granted; all that were asked for when left out.
    #[serde(default)]
    pub items: Option<Vec<ItemLimit>>,
    /// Queries a calendar day.
    #[serde(default)]
    pub daily_max: Option<u32>,
    /// Until when.
    #[serde(default)]
    pub valid_until: Option<Millis>,
    /// Network zone.
    #[serde(default)]
    pub network_zone: Option<String>,
    /// Hours of the day.
    #[serde(default)]
    pub hours: Option<(u8, u8)>,
    /// Rate, days of the week, rows.
    #[serde(default)]
    pub bounds: Bounds,
}

/// One granted item: its name, or its name with a masking of the provider's choice.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum ItemLimit {
    /// Masked as the entry says.
    Name(ItemName),
    /// Masked as stated.
    Masked {
        /// The item.
        name: ItemName,
        /// The masking; the entry's own when left out.
        #[serde(default)]
        masking: Option<Masking>,
    },
}

impl Node {
    /// Asks another department for a grant. Clerks, reviewers and systems may ask.
    ///
    /// # Errors
    /// The policy's or the ledger's refusal.
    pub async fn request_grant(&self, who: &Principal, request: GrantRequest) -> Result<Committed, ServiceError> {
        let facts = self.entry_facts(Action::RequestGrant, &request.entry)?;
        let actor = self.authorise(who, facts)?;
        self.check_items(&request)?;
        self.write(who, actor, Command::RequestGrant(request)).await
    }

    /// Grants what was asked for, within the provider's own limits; on an entry of grade 4 the first of two approvals is
    /// recorded and the request goes on waiting. Answers where it stands then. Reviewers of the provider may.
    ///
    /// # Errors
    /// The policy's or the ledger's refusal.
    pub async fn approve_grant(
        &self,
        who: &Principal,
        id: GrantId,
        limits: Limits,
    ) -> Result<(Committed, GrantState), ServiceError> {
        let grant = self.known_grant(id)?;
        let actor = self.authorise(who, self.grant_facts(Action::ApproveGrant, &grant, who))?;
        let approval = self.approval(&grant, limits);
        if grant.first_approval().is_none() && self.needs_two_approvers(&grant) {
            let committed = self.write(who, actor, Command::PreapproveGrant(approval)).await?;
            return Ok((committed, GrantState::Requested));
        }
        Ok((self.write(who, actor, Command::ApproveGrant(approval)).await?, GrantState::Active))
    }

    /// Whether the grade of the entry asks for two approvers.
    fn needs_two_approvers(&self, grant: &Grant) -> bool {
        let state = self.chain.state();
        let grade = state.entry(&grant.request.entry).map_or(0, |history| history.current().entry.grade());
        state.edition() >= 3 && grade >= TWO_APPROVERS_GRADE
    }

    /// Refuses a request, with a reason.
    ///
    /// # Errors
    /// The policy's or the ledger's refusal.
    pub async fn deny_grant(&self, who: &Principal, id: GrantId, reason: String) -> Result<Committed, ServiceError> {
        let grant = self.known_grant(id)?;
        let actor = self.authorise(who, self.grant_facts(Action::DenyGrant, &grant, who))?;
        self.write(who, actor, Command::DenyGrant(GrantEnding { grant: id, reason })).await
    }

    /// Ends a grant before its time, with a reason. Reviewers of provider or consumer may.
    ///
    /// # Errors
    /// The policy's or the ledger's refusal.
    pub async fn revoke_grant(&self, who: &Principal, id: GrantId, reason: String) -> Result<Committed, ServiceError> {
        let grant = self.known_grant(id)?;
        let actor = self.authorise(who, self.grant_facts(Action::RevokeGrant, &grant, who))?;
        self.write(who, actor, Command::RevokeGrant(GrantEnding { grant: id, reason })).await
    }

    /// One grant.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn grant(&self, id: GrantId) -> Result<GrantView, ServiceError> {
        let now = self.clock.now();
        let found = self.reading(move |model| model.grant(id, now)).await?;
        found.map(|view| self.with_deadline(view)).ok_or_else(|| ServiceError::missing(format_args!("grant {id}")))
    }

    /// Grants of the city, newest first.
    ///
    /// # Errors
    /// A cursor of another listing.
    pub async fn grants(&self, filter: GrantFilter) -> Result<Page<GrantView>, ServiceError> {
        let now = self.clock.now();
        let mut page = self.reading(move |model| model.grants(&filter, now)).await?;
        page.items = page.items.into_iter().map(|view| self.with_deadline(view)).collect();
        Ok(page)
    }

    /// Names each item that the entry does not have; the ledger would name the first alone.
    fn check_items(&self, request: &GrantRequest) -> Result<(), ServiceError> {
        let state = self.chain.state();
        let Some(history) = state.entry(&request.entry) else { return Ok(()) };
        let entry = &history.current().entry;
        let unknown = request.items.iter().enumerate().filter(|(_, name)| entry.item(name).is_none());
        let fault = |(at, name)| {
            let why = format!("`{name}` is not an item of {}", entry.name);
            Fault::of(FaultCode::NotOffered, format!("/items/{at}"), why)
        };
        let faults: Vec<Fault> = unknown.map(fault).collect();
        if faults.is_empty() { Ok(()) } else { Err(ServiceError::Invalid(faults)) }
    }

    pub(super) fn known_grant(&self, id: GrantId) -> Result<Grant, ServiceError> {
        let found = self.chain.state().grant(id).cloned();
        found.ok_or_else(|| ServiceError::missing(format_args!("grant {id}")))
    }

    fn grant_facts(&self, action: Action, grant: &Grant, who: &Principal) -> impl Fn(crate::domain::Role) -> Facts {
        let relation = self.relation_to_grant(grant);
        let asked = grant.consumer == self.department && grant.requested_by.user == who.user;
        // Who gave the first of two approvals is not the second person.
        let approved_first = action == Action::ApproveGrant
            && relation == Relation::Provider
            && grant.first_approval().is_some_and(|first| first.by.user == who.user);
        let same_person = relation == Relation::Own || asked || approved_first;
        let state = grant.state(self.clock.now());
        move |role| Facts { same_person, grant: Some(state), ..Facts::new(action, role, relation) }
    }

    pub(super) fn relation_to_grant(&self, grant: &Grant) -> Relation {
        relation(&self.department, grant.provider(), &grant.consumer)
    }

    /// The approval that limits make: what they leave out is as the first approver said, or as it was asked for.
    fn approval(&self, grant: &Grant, limits: Limits) -> Approval {
        let state = self.chain.state();
        let entry = state.entry(&grant.request.entry).map(|history| &history.current().entry);
        let replaced = grant.request.replaces.and_then(|old| state.grant(old));
        let first = grant.first_approval().map(|first| &first.approval);
        // As before: by the first approver, by the grant that is renewed, by the entry.
        let masked_before = [first, replaced.and_then(Grant::approval)];
        let usual_masking = |name: &ItemName| {
            let before = masked_before.iter().flatten().flat_map(|approval| &approval.items);
            let before = before.clone().find(|item| &item.name == name).map(|item| item.masking);
            let own = || entry.and_then(|entry| entry.item(name)).map(|item| item.masking);
            before.or_else(own).unwrap_or_default()
        };
        let most = first.cloned().unwrap_or_else(|| grant.request.ceiling(grant.id));
        let items = match limits.items {
            None => most.items.iter().map(|item| (item.name.clone(), None)).collect(),
            Some(items) => items.into_iter().map(ItemLimit::parts).collect::<Vec<_>>(),
        };
        let granted = |(name, masking): (ItemName, Option<Masking>)| {
            let masking = masking.unwrap_or_else(|| usual_masking(&name));
            GrantedItem { name, masking }
        };
        let before = first.cloned();
        let (zone, hours, bounds) =
            before.map(|first| (first.network_zone, first.hours, first.bounds)).unwrap_or_default();
        let items: Vec<GrantedItem> = items.into_iter().map(granted).collect();
        let mut bounds = limits.bounds.within(bounds.map(|bounds| *bounds).unwrap_or_default());
        // The first approver's word on an item that the second leaves out says nothing any more.
        let before = first.and_then(|first| first.bounds.as_deref());
        bounds.keep_terms(|term| {
            let given = items.iter().any(|item| item.name == term.item);
            given || before.is_none_or(|before| before.term_of(&term.item).is_none())
        });
        Approval {
            grant: grant.id,
            items: items.into(),
            daily_max: limits.daily_max.unwrap_or(most.daily_max),
            valid_until: limits.valid_until.unwrap_or(most.valid_until),
            network_zone: limits.network_zone.or(zone),
            hours: limits.hours.or(hours),
            bounds: bounds.stated(),
        }
    }
}

impl ItemLimit {
    fn parts(self) -> (ItemName, Option<Masking>) {
        match self {
            Self::Name(name) => (name, None),
            Self::Masked { name, masking } => (name, masking),
        }
    }
}

fn relation(own: &DepartmentId, provider: &DepartmentId, consumer: &DepartmentId) -> Relation {
    match (own == provider, own == consumer) {
        (true, true) => Relation::Own,
        (true, false) => Relation::Provider,
        (false, true) => Relation::Consumer,
        (false, false) => Relation::Foreign,
    }
}
