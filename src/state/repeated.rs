//! Texts, lists and actors that a million grants repeat, each kept once. Made anew with the grants, and no part of the digest.

use imbl::OrdSet;

use crate::domain::Actor;
use crate::domain::grant::{Grant, GrantDecision, GrantedItem};
use crate::domain::shared::Shared;
use crate::ids::ItemName;

/// What the grants repeat. Nothing is taken out: a grant stays in the state for ever, and what it says with it.
#[derive(Clone, Debug, Default)]
pub(super) struct Repeated {
    texts: OrdSet<Shared<str>>,
    asked: OrdSet<Shared<[ItemName]>>,
    given: OrdSet<Shared<[GrantedItem]>>,
    actors: OrdSet<Shared<Actor>>,
}

impl Repeated {
    /// Lets a grant share with those before it what it says as they do.
    pub fn share(&mut self, grant: &mut Grant) {
        let request = &mut grant.request;
        for text in [&mut request.purpose, &mut request.legal_basis, &mut request.matter] {
            once(&mut self.texts, text);
        }
        if let Some(details) = &mut request.details {
            for text in
                [&mut details.purpose_text, &mut details.legal_clause, &mut details.system].into_iter().flatten()
            {
                once(&mut self.texts, text);
            }
        }
        once(&mut self.asked, &mut request.items);
        once(&mut self.actors, &mut grant.requested_by);
        self.share_decision(&mut grant.decision);
    }

    /// The same for a decision on one.
    pub fn share_decision(&mut self, decision: &mut GrantDecision) {
        match decision {
            GrantDecision::Active { approval, by, .. } | GrantDecision::Revoked { approval, by, .. } => {
                once(&mut self.given, &mut approval.items);
                once(&mut self.actors, by);
            }
            GrantDecision::Replaced { approval, .. } => once(&mut self.given, &mut approval.items),
            GrantDecision::Denied { by, .. } => once(&mut self.actors, by),
            GrantDecision::Requested => {}
        }
    }
}

fn once<T: ?Sized + Ord>(known: &mut OrdSet<Shared<T>>, value: &mut Shared<T>) {
    match known.get(&*value) {
        Some(one) => *value = one.clone(),
        None => drop(known.insert(value.clone())),
    }
}
