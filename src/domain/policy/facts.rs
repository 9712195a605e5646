//! Facts: what a decision may depend on, each a word out of a short list.

use crate::domain::Role;
use crate::domain::catalog::{EntryState, Sharing};
use crate::domain::grant::GrantState;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$item:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$item])* $variant,)*
        }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word in rules.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

words! {
    /// What the caller wants to do.
    #[expect(missing_docs, reason = "the words say it")]
    Action {
        Query = "query",
        RequestGrant = "grant.request",
        ApproveGrant = "grant.approve",
        DenyGrant = "grant.deny",
        RevokeGrant = "grant.revoke",
        SuspendGrant = "grant.suspend",
        ResumeGrant = "grant.resume",
        ExtendGrant = "grant.extend",
        AppealGrant = "grant.appeal",
        RuleOnAppeal = "grant.rule",
        DraftEntry = "entry.draft",
        SubmitEntry = "entry.submit",
        ApproveEntry = "entry.approve",
        RejectEntry = "entry.reject",
        DeprecateEntry = "entry.deprecate",
        WithdrawEntry = "entry.withdraw",
        OpenCase = "case.open",
        SignOffCase = "case.sign_off",
        ReadCase = "case.read",
        IssueCertificate = "certificate.issue",
        SetCertificateStatus = "certificate.status",
        RecordDigest = "digest.record",
        SubmitTransactions = "ledger.submit",
        ReadAudit = "audit.read",
        OpenSubject = "audit.open_subject",
        ReadCatalog = "catalog.read",
        ReadLedger = "ledger.read",
        ReadCluster = "cluster.read",
        ManageAccounts = "account.manage",
        ManageKeys = "key.manage",
        SetPolicy = "policy.set",
    }
}

words! {
    /// How the caller's department stands to what it acts on.
    Relation {
        /// It provides the entry, owns the case or its step, issued the certificate, or the record concerns it.
        Own = "own",
        /// It asked for the grant.
        Consumer = "consumer",
        /// It provides the entry of the grant.
        Provider = "provider",
        /// None of these.
        Foreign = "foreign",
        /// It is the chain's authority, and acts as such.
        Authority = "authority",
        /// It is the chain's auditor, and acts as such.
        AuditorDept = "auditor_dept",
    }
}

words! {
    /// Whether a call keeps within a limit of its grant.
    Match {
        /// It does.
        Yes = "yes",
        /// It does not.
        No = "no",
        /// There is no such limit.
        NotApplicable = "na",
    }
}

/// The facts of one call. Nothing else enters a decision, so the same facts always give the same answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Facts {
    /// What is to be done.
    pub action: Action,
    /// In which role.
    pub role: Role,
    /// How the caller's department stands to it.
    pub relation: Relation,
    /// Whether the caller is the person who drafted it or asked for it.
    pub same_person: bool,
    /// State of the entry, if there is one.
    pub entry: Option<EntryState>,
    /// Its sharing type.
    pub sharing: Option<Sharing>,
    /// Its grade, 1 to 4; 0 without an entry.
    pub grade: u8,
    /// State of the one grant that could apply.
    pub grant: Option<GrantState>,
    /// Whether the stated purpose is the grant's.
    pub purpose: Match,
    /// Whether all items asked for are granted.
    pub items: Match,
    /// Whether the call comes from the grant's network zone.
    pub zone: Match,
    /// Whether it comes in the grant's hours.
    pub hours: Match,
}

/// Names of the attributes, in the order of [`Facts::words`] and of the model's request definition.
pub const ATTRIBUTES: [&str; 12] =
    ["action", "role", "relation", "person", "entry", "sharing", "grade", "grant", "purpose", "items", "zone", "hours"];
/// Stands for what is absent.
const NONE: &str = "none";

impl Facts {
    /// The facts of an action that concerns neither entry nor grant; set the other fields as they apply.
    pub fn new(action: Action, role: Role, relation: Relation) -> Self {
        Self {
            action,
            role,
            relation,
            same_person: false,
            entry: None,
            sharing: None,
            grade: 0,
            grant: None,
            purpose: Match::NotApplicable,
            items: Match::NotApplicable,
            zone: Match::NotApplicable,
            hours: Match::NotApplicable,
        }
    }

    /// The facts of a query in the words of an access record, which states action and role elsewhere: the others in the
    /// order of [`ATTRIBUTES`], a space between them.
    pub fn stated(&self) -> String {
        let [_, _, stated @ ..] = self.words();
        stated.join(" ")
    }

    /// The facts of a query as a record states them; `None` if they are not of this form.
    pub fn from_stated(role: Role, stated: &str) -> Option<Self> {
        let words: Vec<&str> = stated.split(' ').collect();
        let [relation, person, entry, sharing, grade, grant, purpose, items, zone, hours] = words.as_slice() else {
            return None;
        };
        let answer = |word: &str| Match::ALL.iter().copied().find(|answer| answer.as_str() == word);
        let facts = Self {
            same_person: *person == "same",
            entry: ENTRY_STATES.into_iter().find(|state| state.as_str() == *entry),
            sharing: SHARINGS.into_iter().find(|known| known.as_str() == *sharing),
            grade: grade.parse().unwrap_or(0),
            grant: GrantState::ALL.into_iter().find(|state| state.as_str() == *grant),
            purpose: answer(purpose)?,
            items: answer(items)?,
            zone: answer(zone)?,
            hours: answer(hours)?,
            ..Self::new(Action::Query, role, Relation::ALL.iter().copied().find(|known| known.as_str() == *relation)?)
        };
        // What was read into something else is no known word.
        (facts.stated() == stated).then_some(facts)
    }

    /// The facts in words, in the order of [`ATTRIBUTES`].
    pub fn words(&self) -> [&'static str; 12] {
        [
            self.action.as_str(),
            self.role.as_str(),
            self.relation.as_str(),
            if self.same_person { "same" } else { "other" },
            self.entry.map_or(NONE, EntryState::as_str),
            self.sharing.map_or(NONE, Sharing::as_str),
            match self.grade {
                1 => "1",
                2 => "2",
                3 => "3",
                4 => "4",
                _ => NONE,
            },
            self.grant.map_or(NONE, GrantState::as_str),
            self.purpose.as_str(),
            self.items.as_str(),
            self.zone.as_str(),
            self.hours.as_str(),
        ]
    }
}

/// Every word that an attribute can take, `None` for an unknown attribute.
pub fn vocabulary(attribute: &str) -> Option<Vec<&'static str>> {
    let with_none = |words: &[&'static str]| [&[NONE], words].concat();
    Some(match attribute {
        "action" => Action::ALL.iter().map(|action| action.as_str()).collect(),
        "role" => Role::ALL.iter().map(|role| role.as_str()).collect(),
        "relation" => Relation::ALL.iter().map(|relation| relation.as_str()).collect(),
        "person" => vec!["same", "other"],
        "entry" => with_none(&ENTRY_STATES.map(EntryState::as_str)),
        "sharing" => with_none(&SHARINGS.map(Sharing::as_str)),
        "grade" => with_none(&["1", "2", "3", "4"]),
        "grant" => with_none(&GrantState::ALL.map(GrantState::as_str)),
        "purpose" | "items" | "zone" | "hours" => Match::ALL.iter().map(|answer| answer.as_str()).collect(),
        _ => return None,
    })
}

/// Every state of an entry.
pub const ENTRY_STATES: [EntryState; 3] = [EntryState::Published, EntryState::Deprecated, EntryState::Withdrawn];
/// Every sharing type.
pub const SHARINGS: [Sharing; 3] = [Sharing::Unconditional, Sharing::Conditional, Sharing::NotShared];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stated_facts_are_read_back_and_nothing_else_is() {
        let facts = Facts {
            entry: Some(EntryState::Published),
            sharing: Some(Sharing::Conditional),
            grade: 3,
            grant: Some(GrantState::Active),
            purpose: Match::Yes,
            zone: Match::No,
            ..Facts::new(Action::Query, Role::System, Relation::Consumer)
        };
        assert_eq!(facts.stated(), "consumer other published conditional 3 active yes na no na");
        assert_eq!(Facts::from_stated(Role::System, &facts.stated()), Some(facts));
        let bare = Facts::new(Action::Query, Role::Clerk, Relation::Own);
        assert_eq!(Facts::from_stated(Role::Clerk, &bare.stated()), Some(bare));
        for wrong in [
            "",
            "consumer",
            "Consumer other none none none none na na na na",
            "own other draft none none none na na na na",
            "own other none none 7 none na na na na",
            "own other none none none none na na na na na",
            "own  other none none none none na na na na",
        ] {
            assert_eq!(Facts::from_stated(Role::Clerk, wrong), None, "{wrong}");
        }
    }
}
