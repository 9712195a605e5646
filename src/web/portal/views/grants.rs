//! Grants: the list, the request, one grant and its decision.
#![expect(missing_docs, reason = "a field of a view is named after its place on the page")]

use askama::Template;

use super::masking::{Kept, kept};
use super::{Choice, Faults, Page};
use crate::web::portal::words::Words;

/// `GET /grants`.
#[derive(Template)]
#[template(path = "grants.html")]
pub struct Grants {
    pub page: Page,
    pub t: Words,
    /// `asked_by_us`, `asked_of_us`, or, for the authority, `appeals`.
    pub side: String,
    pub authority: bool,
    pub state: String,
    pub rows: Vec<GrantRow>,
    pub ledger_index: u64,
    pub first_href: Option<String>,
    pub next_href: Option<String>,
}

/// A grant in a list.
#[derive(Clone, Debug, Default)]
pub struct GrantRow {
    pub id: String,
    /// `provider/name`.
    pub entry: String,
    pub entry_title: String,
    /// The other department.
    pub partner: String,
    pub purpose: String,
    /// Its name; empty for one that the city's list does not have.
    pub purpose_name: String,
    pub matter: String,
    pub state: String,
    pub requested_at: String,
    pub valid_until: String,
    pub expires_soon: bool,
    /// Until when it has to be decided, while it has to.
    pub decide_by: String,
    pub overdue: bool,
}

/// `GET /grants/new?entry=provider/name`.
#[derive(Template)]
#[template(path = "grant_request.html")]
pub struct GrantRequestForm {
    pub page: Page,
    pub t: Words,
    /// `provider/name`.
    pub entry: String,
    pub version: String,
    pub entry_title: String,
    pub provider: String,
    pub sharing: String,
    pub sharing_condition: String,
    pub items: Vec<AskedItem>,
    /// Purposes to choose from: code and name.
    pub purposes: Vec<Choice>,
    pub asked: GrantFields,
    /// Other departments for which it may be asked.
    pub members: Vec<Choice>,
    /// The grant in whose place this one is to come; empty for a new one.
    pub replaces: String,
    pub faults: Faults,
}

/// An item that can be asked for or granted.
#[derive(Clone, Debug, Default)]
pub struct AskedItem {
    pub name: String,
    pub title: String,
    pub grade: u8,
    pub sensitive: bool,
    /// The entry's own masking; in an approval, the one chosen.
    pub masking: String,
    /// The last day of its own term; empty for the grant's.
    pub until: String,
    pub chosen: bool,
}

impl AskedItem {
    /// Its masking, if that is one of the provider's own.
    pub fn kept(&self) -> Kept {
        kept(&self.masking)
    }
}

/// What stands in the form, as typed.
#[derive(Clone, Debug, Default)]
pub struct GrantFields {
    pub purpose: String,
    pub legal_basis: String,
    pub matter: String,
    pub mode: String,
    pub daily_max: String,
    /// A day, `2027-01-31`; the grant ends when the day does.
    pub valid_until: String,
    pub purpose_text: String,
    pub legal_clause: String,
    /// Digest of the official letter, in hexadecimal.
    pub letter: String,
    pub assessment: String,
    /// The system that will use the data.
    pub system: String,
    pub bounds: BoundsFields,
    /// The grant in whose place this one is to come; empty for a new one.
    pub replaces: String,
    /// Other departments for which it is asked.
    pub members: Vec<String>,
}

/// Where from, when, how fast and which rows, as typed.
#[derive(Clone, Debug, Default)]
pub struct BoundsFields {
    pub network_zone: String,
    pub hours_from: String,
    pub hours_to: String,
    pub weekdays: Vec<Weekday>,
    pub per_second: String,
    pub per_minute: String,
    /// One field a line, `district = 海淀区, 东城区`.
    pub scope: String,
    /// Items with a term of their own: name and last day.
    pub terms: Vec<(String, String)>,
}

impl BoundsFields {
    /// The last day of an item's own term; empty where it has none.
    pub fn until(&self, item: &str) -> String {
        let own = self.terms.iter().find(|(name, _)| name == item);
        own.map(|(_, day)| day.clone()).unwrap_or_default()
    }
}

/// A day of the week to tick.
#[derive(Clone, Debug, Default)]
pub struct Weekday {
    /// `1` Monday to `7` Sunday.
    pub number: String,
    pub chosen: bool,
}

/// A limit as asked and as allowed; empty where there is none.
#[derive(Clone, Debug, Default)]
pub struct Side {
    pub label: String,
    pub asked: String,
    pub allowed: String,
}

/// `GET /grants/{id}`.
#[derive(Template)]
#[template(path = "grant.html")]
pub struct GrantPage {
    pub page: Page,
    pub t: Words,
    pub id: String,
    pub entry: String,
    pub entry_title: String,
    pub version: String,
    pub consumer: String,
    pub provider: String,
    /// Departments that share it with the consumer.
    pub members: Vec<String>,
    pub state: String,
    pub requested_by: String,
    pub requested_at: String,
    pub purpose: String,
    /// Its name; empty for one that the city's list does not have.
    pub purpose_name: String,
    pub legal_basis: String,
    pub matter: String,
    pub mode: String,
    pub purpose_text: String,
    pub legal_clause: String,
    pub letter: String,
    pub assessment: String,
    pub system: String,
    pub sides: Vec<Side>,
    pub items: Vec<GrantItem>,
    pub daily_max: u32,
    pub valid_until: String,
    /// What the provider allowed.
    pub approved: Option<Approved>,
    /// Who decided, when and why, when decided.
    pub decision: Option<Decided>,
    /// The first of two approvals.
    pub first: Option<Decided>,
    /// Until when the provider has to decide, while it has to.
    pub decide_by: String,
    pub overdue: bool,
    /// The grant in whose place this one comes; empty for a new one.
    pub replaces: String,
    pub replaced_by: String,
    pub steps: Vec<GrantStep>,
    pub may_decide: bool,
    /// The reader asked and may not decide.
    pub own: bool,
    /// The reader gave the first approval and may not give the second.
    pub own_first: bool,
    pub may_renew: bool,
    /// What the reader may do with a reason: `deny`, `revoke`, `suspend`, `resume`, `extend`, `appeal`, `uphold`, `dismiss`.
    pub acts: Vec<&'static str>,
    /// The approval as typed; before that, as asked.
    pub approval: ApprovalFields,
    pub faults: Faults,
}

/// An item, as asked and as allowed.
#[derive(Clone, Debug, Default)]
pub struct GrantItem {
    pub name: String,
    pub title: String,
    pub grade: u8,
    pub sensitive: bool,
    pub asked: bool,
    /// The last day of its own term, as asked for; empty for the grant's.
    pub asked_until: String,
    /// Masking when allowed.
    pub allowed: Option<String>,
    /// The last day of the term that holds, where it is its own.
    pub allowed_until: String,
}

/// One thing that happened to a grant.
#[derive(Clone, Debug, Default)]
pub struct GrantStep {
    /// Kind of the transaction.
    pub kind: String,
    pub by: String,
    pub department: String,
    pub at: String,
    pub reason: String,
    pub index: u64,
}

/// The provider's limits.
#[derive(Clone, Debug, Default)]
pub struct Approved {
    pub daily_max: u32,
    pub valid_until: String,
}

/// A decision.
#[derive(Clone, Debug, Default)]
pub struct Decided {
    pub by: String,
    pub at: String,
    pub reason: String,
    /// Index of its transaction.
    pub index: u64,
}

/// The form of an approval.
#[derive(Clone, Debug, Default)]
pub struct ApprovalFields {
    pub items: Vec<AskedItem>,
    pub daily_max: String,
    pub valid_until: String,
    pub bounds: BoundsFields,
}
