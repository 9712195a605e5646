//! How the rules would decide a call of this department: asked without making it, for any role.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::clock::Millis;
use crate::domain::Role;
use crate::domain::catalog::Sharing;
use crate::domain::grant::Grant;
use crate::domain::policy::facts::ATTRIBUTES;
use crate::exchange::{Explained, ItemSaid};
use crate::ids::{EntryName, ItemName};
use crate::service::Principal;
use crate::service::queries::QueryRequest;
use crate::web::problem::Problem;

use super::codes;
use super::desk::{Desk, Visitor};
use super::grant_bounds::{Limited, sides};
use super::grant_request::purposes;
use super::query;
use super::render::{Answer, FAULTY};
use super::views::grants::Side;
use super::views::policy::{Explain, Standing, Verdict};
use super::views::{Choice, Faults};

/// Who might call.
const ROLES: [Role; 5] = [Role::Clerk, Role::System, Role::Reviewer, Role::Admin, Role::Auditor];

/// The word of a fact that does not apply, such as the purpose within a grant where there is none.
const NOT_APPLICABLE: &str = "na";

/// The form, with the answer when an entry is named.
pub async fn explain(visitor: Visitor) -> Answer {
    let sent = &visitor.query;
    let entry: Option<EntryName> = sent.get("entry").parse().ok();
    let role = codes::value(sent.get("role")).unwrap_or(Role::Clerk);
    let purpose = sent.get("purpose");
    let items: Result<Vec<ItemName>, _> = query_parts(sent.get("items")).map(str::parse).collect();
    let mut faults = Faults::default();
    let answer = match (&entry, items) {
        (_, Err(_)) => {
            faults.add(visitor.t, "items", "explain-items", "bad_value");
            None
        }
        (None, _) => None,
        (Some(entry), Ok(items)) => Some(verdict(&visitor, entry, (role, purpose), items).await?),
    };
    let choice = |of: Role| Choice {
        value: of.as_str().to_owned(),
        label: visitor.t.word("role", of.as_str()),
        chosen: of == role,
    };
    let marked = |one: Choice| Choice { chosen: one.value == purpose, ..one };
    let view = Explain {
        page: visitor.page(),
        t: visitor.t,
        entries: query::choices(&visitor, entry.as_ref(), |_| true).await?,
        purposes: purposes(&visitor).into_iter().map(marked).collect(),
        roles: ROLES.into_iter().map(choice).collect(),
        items: sent.get("items").to_owned(),
        answer,
        faults,
    };
    if view.faults.is_empty() { visitor.show(&view) } else { visitor.show_as(FAULTY, &view) }
}

/// Names with commas or spaces between.
fn query_parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '，' | '、')).filter(|part| !part.is_empty())
}

async fn verdict(
    visitor: &Visitor,
    entry: &EntryName,
    (role, purpose): (Role, &str),
    items: Vec<ItemName>,
) -> Result<Verdict, Problem> {
    // Nothing is done in this role: the rules are only read, and everybody may read them.
    let who = Principal { roles: BTreeSet::from([role]), entries: None, ..visitor.who.clone() };
    let request = QueryRequest {
        version: None,
        purpose: purpose.to_owned(),
        cause: String::new(),
        case_id: None,
        params: Value::Null,
        items,
        cursor: None,
    };
    let explained = visitor.node.explain(&who, entry.clone(), request).await?;
    Ok(shown(visitor, entry, explained))
}

fn shown(desk: &Desk, entry: &EntryName, explained: Explained) -> Verdict {
    let Explained { explanation, rule_says, policy_version, facts, needs, grant, items } = explained;
    let conditional = {
        let state = desk.node.chain.state();
        state.entry(entry).is_some_and(|history| history.current().entry.sharing == Sharing::Conditional)
    };
    let may_ask = !explanation.allowed
        && conditional
        && needs.iter().any(|need| need.attribute == "grant")
        && (desk.is(Role::Clerk) || desk.is(Role::Reviewer));
    Verdict {
        decision: if explanation.allowed { "allowed" } else { "refused" },
        rule: explanation.rule,
        says: rule_says.unwrap_or_default(),
        reasons: explanation.reasons.into_iter().map(|reason| reason.code).collect(),
        grant: explanation.grant.map(|grant| grant.to_string()).unwrap_or_default(),
        facts: ATTRIBUTES.into_iter().zip(facts.words()).collect(),
        // What does not apply yet follows from the others.
        needs: needs
            .into_iter()
            .filter(|need| need.is != NOT_APPLICABLE)
            .map(|need| (need.attribute, need.is.to_owned(), need.needs.to_owned()))
            .collect(),
        grant_href: if may_ask { format!("/grants/new?entry={entry}") } else { String::new() },
        standings: items.into_iter().map(|item| standing(desk, entry, item)).collect(),
        limits: grant.map(|grant| limits(desk, &grant)).unwrap_or_default(),
        version: policy_version,
        ledger_index: explanation.ledger_index,
    }
}

fn standing(desk: &Desk, entry: &EntryName, item: ItemSaid) -> Standing {
    let state = desk.node.chain.state();
    let known = state.entry(entry).and_then(|history| history.current().entry.item(&item.name));
    Standing {
        title: known.map(|known| desk.t.pick(&known.title).to_owned()).unwrap_or_default(),
        name: item.name.to_string(),
        standing: item.standing.as_str(),
        until: item.until.map(Millis::date).unwrap_or_default(),
    }
}

/// What a grant limits beside the facts, the narrower of asked and allowed.
fn limits(desk: &Desk, grant: &Grant) -> Vec<Side> {
    let Some(approval) = grant.approval() else { return Vec::new() };
    let holds =
        Limited { network_zone: grant.network_zone().map(str::to_owned), hours: grant.hours(), bounds: grant.bounds() };
    let own = |label: &str, allowed: String| Side { label: desk.t.say(label), asked: String::new(), allowed };
    let first =
        [own("daily-max", approval.daily_max.to_string()), own("valid-until", approval.valid_until.local_text())];
    first.into_iter().chain(sides(desk, &Limited::default(), Some(&holds))).collect()
}
