//! The request for a grant: its form, and sending it.

use actix_web::http::StatusCode;

use crate::clock::DAY_MS;
use crate::domain::catalog::{Entry, Sharing};
use crate::domain::grant::bounds::Bounds;
use crate::domain::grant::{Details, GrantRequest};
use crate::domain::schema::Fault;
use crate::ids::{DepartmentId, EntryName, GrantId, ItemName, Slug};
use crate::readmodel::grants::GrantView;
use crate::service::ServiceError;
use crate::web::problem::Problem;

use super::codes;
use super::dates::end_of;
use super::desk::{Desk, Visitor};
use super::form::{Fields, Posted};
use super::grant_bounds::{self, Limited};
use super::grants::asked_item;
use super::render::{Answer, FAULTY};
use super::told::told;
use super::views::grants::{GrantFields, GrantRequestForm};
use super::views::{Choice, Faults};
use super::words::Words;

/// What the form suggests: a term that is often granted, and a number that a counter reaches in a day.
const TERM_MS: u64 = 180 * DAY_MS;
const DAILY_MAX: u32 = 500;
const DAILY_MAX_MAX: u32 = 10_000_000;
const LEGAL_CHARS_MAX: usize = 500;
const MATTER_CHARS_MAX: usize = 200;

/// The form: empty, or as a grant stands that is to be changed.
pub async fn new(visitor: Visitor) -> Answer {
    if let Ok(old) = visitor.query.get("replaces").parse::<GrantId>() {
        let old = visitor.node.grant(old).await?;
        let entry = wanted(&visitor, &old.request.entry.to_string()).await?;
        let (items, asked) = as_it_stands(&old);
        return form(&visitor, StatusCode::OK, &entry, &items, asked, Faults::default());
    }
    let entry = wanted(&visitor, visitor.query.get("entry")).await?;
    let asked = GrantFields {
        purpose: visitor.query.get("purpose").to_owned(),
        matter: visitor.query.get("matter").to_owned(),
        mode: "query".to_owned(),
        daily_max: DAILY_MAX.to_string(),
        valid_until: visitor.node.clock.now().plus(TERM_MS).date(),
        bounds: grant_bounds::fields(None, None, &Bounds::default()),
        ..GrantFields::default()
    };
    let chosen: Vec<ItemName> = visitor.query.all("item").filter_map(|name| name.parse().ok()).collect();
    form(&visitor, StatusCode::OK, &entry, &chosen, asked, Faults::default())
}

/// The fields of a grant's own request.
fn as_it_stands(grant: &GrantView) -> (Vec<ItemName>, GrantFields) {
    let request = &grant.request;
    let details = request.details.as_deref().cloned().unwrap_or_default();
    let bounds = request.bounds.as_deref().cloned().unwrap_or_default();
    let asked = GrantFields {
        purpose: request.purpose.to_string(),
        legal_basis: request.legal_basis.to_string(),
        matter: request.matter.to_string(),
        mode: codes::word(&request.mode),
        daily_max: request.daily_max.to_string(),
        valid_until: request.valid_until.date(),
        purpose_text: details.purpose_text.map(Into::into).unwrap_or_default(),
        legal_clause: details.legal_clause.map(Into::into).unwrap_or_default(),
        letter: details.letter.map(|letter| letter.to_string()).unwrap_or_default(),
        assessment: details.assessment.unwrap_or_default(),
        system: details.system.map(Into::into).unwrap_or_default(),
        bounds: grant_bounds::fields(request.network_zone.as_deref(), request.hours, &bounds),
        replaces: grant.id.to_string(),
        members: request.members().iter().map(ToString::to_string).collect(),
    };
    (request.items.to_vec(), asked)
}

async fn wanted(desk: &Desk, name: &str) -> Result<Entry, Problem> {
    let name: EntryName = name.parse().map_err(|_| Problem::new("unknown_entry"))?;
    Ok(desk.node.entry(name, None).await?.entry)
}

/// The purposes of the city, to choose from.
pub fn purposes(desk: &Desk) -> Vec<Choice> {
    let choice = |purpose: &crate::domain::department_files::city::Purpose| Choice {
        value: purpose.code.clone(),
        label: desk.t.pick(&purpose.name).to_owned(),
        chosen: false,
    };
    desk.node.purposes().iter().map(choice).collect()
}

fn form(
    desk: &Desk,
    status: StatusCode,
    entry: &Entry,
    chosen: &[ItemName],
    asked: GrantFields,
    faults: Faults,
) -> Answer {
    let condition = entry.sharing_condition.as_ref().map(|text| desk.t.pick(text).to_owned());
    let shared = entry.items.iter().filter(|item| is_offered(entry, &item.name));
    let item = |item: &crate::domain::catalog::Item| {
        asked_item(desk, Some(entry), &item.name, &asked.bounds, chosen.contains(&item.name))
    };
    let view = GrantRequestForm {
        page: desk.page_at(&format!("/grants/new?entry={}", entry.name)),
        t: desk.t,
        entry: entry.name.to_string(),
        version: entry.version.to_string(),
        entry_title: desk.t.pick(&entry.title).to_owned(),
        provider: desk.department(&entry.name.provider),
        sharing: entry.sharing.as_str().to_owned(),
        sharing_condition: condition.unwrap_or_default(),
        items: shared.map(item).collect(),
        purposes: purposes(desk),
        members: others(desk, entry, &asked.members),
        replaces: asked.replaces.clone(),
        asked,
        faults,
    };
    desk.show_as(status, &view)
}

/// Whether an item can be asked for: it is there, and its department shares it.
fn is_offered(entry: &Entry, name: &ItemName) -> bool {
    entry.item(name).is_some_and(|item| item.sharing_in(entry) != Sharing::NotShared)
}

/// Sends the request: the provider decides.
pub async fn ask(Posted { visitor, form: sent }: Posted) -> Answer {
    let entry = wanted(&visitor, sent.get("entry")).await?;
    let asked = typed(&sent);
    let items: Vec<ItemName> = sent.all("items").filter_map(|name| name.parse().ok()).collect();
    let mut faults = Faults::default();
    if let Some(request) = request(&visitor, &entry, &asked, &items, &mut faults) {
        match visitor.node.request_grant(&visitor.who, request).await {
            Ok(committed) => {
                let href = format!("/grants/{}", committed.transaction_id);
                return visitor.done(&href, "grant_requested", Some(committed.transaction_id));
            }
            Err(ServiceError::Invalid(found)) => {
                found.iter().for_each(|fault| tell(visitor.t, fault, &mut faults));
            }
            Err(error) => return Err(error.into()),
        }
    }
    form(&visitor, FAULTY, &entry, &items, asked, faults)
}

fn typed(sent: &Fields) -> GrantFields {
    let field = |name: &str| sent.get(name).to_owned();
    GrantFields {
        purpose: field("purpose"),
        legal_basis: field("legal_basis"),
        matter: field("matter"),
        mode: field("mode"),
        daily_max: field("daily_max"),
        valid_until: field("valid_until"),
        purpose_text: field("purpose_text"),
        legal_clause: field("legal_clause"),
        letter: field("letter"),
        assessment: field("assessment"),
        system: field("system"),
        bounds: grant_bounds::typed(sent),
        replaces: field("replaces"),
        members: sent.all("members").map(str::to_owned).collect(),
    }
}

/// Tells a fault that the ledger or its schema found at its field.
pub(super) fn tell(t: Words, fault: &Fault, faults: &mut Faults) {
    let (field, label) = place(&fault.place());
    faults.tell(t, field, &t.say(label), &told(t, fault, |_| None));
}

/// The field of a fault, and the key of its label.
fn place(pointer: &str) -> (&'static str, &'static str) {
    match pointer.split('/').nth(1).unwrap_or_default() {
        "purpose" => ("purpose", "purpose"),
        "legal_basis" => ("legal_basis", "legal-basis"),
        "matter" => ("matter", "matter"),
        "daily_max" => ("daily_max", "daily-max"),
        "valid_until" => ("valid_until", "valid-until"),
        "network_zone" => ("network_zone", "network-zone"),
        "hours" => ("hours_from", "hours"),
        "bounds" => ("scope", "scope"),
        "details" => ("purpose_text", "purpose-text"),
        "members" => ("members", "ask-members"),
        _ => ("items", "ask-items"),
    }
}

fn request(
    desk: &Desk,
    entry: &Entry,
    asked: &GrantFields,
    items: &[ItemName],
    faults: &mut Faults,
) -> Option<GrantRequest> {
    let t = desk.t;
    if items.is_empty() {
        faults.add(t, "items", "ask-items", "no_items");
    } else if items.iter().any(|name| !is_offered(entry, name)) {
        faults.add(t, "items", "ask-items", "not_offered");
    }
    let known = desk.node.purposes();
    if asked.purpose.is_empty() {
        faults.add(t, "purpose", "purpose", "required");
    } else if asked.purpose.parse::<Slug>().is_err()
        || (!known.is_empty() && known.iter().all(|purpose| purpose.code != asked.purpose))
    {
        faults.add(t, "purpose", "purpose", "bad_code");
    }
    for (field, label, value, max) in [
        ("matter", "matter", &asked.matter, MATTER_CHARS_MAX),
        ("legal_basis", "legal-basis", &asked.legal_basis, LEGAL_CHARS_MAX),
    ] {
        if value.is_empty() {
            faults.add(t, field, label, "required");
        } else if value.chars().count() > max {
            faults.add(t, field, label, "too_long");
        }
    }
    let daily_max = asked.daily_max.parse::<u32>().ok().filter(|max| (1..=DAILY_MAX_MAX).contains(max));
    if daily_max.is_none() {
        faults.add(t, "daily_max", "daily-max", "bad_number");
    }
    let until = end_of(&asked.valid_until);
    match until {
        None => faults.add(t, "valid_until", "valid-until", "bad_date"),
        Some(until) if until <= desk.node.clock.now() => faults.add(t, "valid_until", "valid-until", "past_date"),
        Some(_) => {}
    }
    let Limited { network_zone, hours, bounds } = grant_bounds::read(desk, &asked.bounds, entry, until, faults);
    let details = details(desk, asked, faults);
    let members = members(desk, entry, asked, faults);
    if !faults.is_empty() {
        return None;
    }
    Some(GrantRequest {
        entry: entry.name.clone(),
        version: entry.version,
        purpose: asked.purpose.as_str().into(),
        legal_basis: asked.legal_basis.as_str().into(),
        matter: asked.matter.as_str().into(),
        items: items.into(),
        mode: codes::value(&asked.mode).unwrap_or_default(),
        daily_max: daily_max?,
        valid_until: until?,
        network_zone,
        hours,
        details: details.stated(),
        bounds: bounds.stated(),
        replaces: asked.replaces.parse().ok(),
        members,
    })
}

/// The departments for which one may ask beside one's own.
fn others(desk: &Desk, entry: &Entry, chosen: &[String]) -> Vec<Choice> {
    let state = desk.node.chain.state();
    let other = state.departments().filter(|one| one.id != desk.node.department && one.id != entry.name.provider);
    let choice = |one: &crate::domain::department::Department| Choice {
        value: one.id.to_string(),
        label: desk.t.pick(&one.name).to_owned(),
        chosen: chosen.iter().any(|chosen| chosen == one.id.as_str()),
    };
    other.map(choice).collect()
}

fn members(desk: &Desk, entry: &Entry, asked: &GrantFields, faults: &mut Faults) -> Option<Box<[DepartmentId]>> {
    let offered = others(desk, entry, &asked.members);
    if asked.members.iter().any(|member| offered.iter().all(|choice| &choice.value != member)) {
        faults.add(desk.t, "members", "ask-members", "not_offered");
    }
    let chosen: Box<[DepartmentId]> = asked.members.iter().filter_map(|member| member.parse().ok()).collect();
    Some(chosen).filter(|chosen| !chosen.is_empty())
}

fn details(desk: &Desk, asked: &GrantFields, faults: &mut Faults) -> Details {
    let t = desk.t;
    let mut text = |field: &str, label: &str, value: &str| {
        if value.chars().count() > LEGAL_CHARS_MAX {
            faults.add(t, field, label, "too_long");
        }
        Some(value.to_owned()).filter(|value| !value.is_empty())
    };
    let purpose_text = text("purpose_text", "purpose-text", &asked.purpose_text);
    let legal_clause = text("legal_clause", "legal-clause", &asked.legal_clause);
    let assessment = text("assessment", "assessment", &asked.assessment);
    let system = text("system", "linked-system", &asked.system).map(Into::into);
    let letter = asked.letter.to_ascii_lowercase().parse().ok();
    if letter.is_none() && !asked.letter.is_empty() {
        faults.add(t, "letter", "letter", "bad_digest");
    }
    let (purpose_text, legal_clause) = (purpose_text.map(Into::into), legal_clause.map(Into::into));
    Details { purpose_text, legal_clause, letter, assessment, system }
}
