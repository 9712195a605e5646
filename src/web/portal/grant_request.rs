//! The request for a grant: its form, and sending it.

use actix_web::http::StatusCode;

use crate::domain::catalog::Entry;
use crate::domain::grant::GrantRequest;
use crate::ids::{EntryName, ItemName, Slug};
use crate::service::ServiceError;
use crate::web::problem::Problem;

use super::codes;
use super::dates::end_of;
use super::desk::{Desk, Visitor};
use super::form::{Fields, Posted};
use super::grants::asked_item;
use super::render::{Answer, FAULTY};
use super::views::grants::{GrantFields, GrantRequestForm};
use super::views::{Choice, Faults};

/// What the form suggests: a term that is often granted, and a number that a counter reaches in a day.
const TERM_MS: u64 = 180 * 86_400_000;
const DAILY_MAX: u32 = 500;
const DAILY_MAX_MAX: u32 = 10_000_000;
const LEGAL_CHARS_MAX: usize = 500;
const MATTER_CHARS_MAX: usize = 200;

/// The form.
pub async fn new(visitor: Visitor) -> Answer {
    let entry = wanted(&visitor, visitor.query.get("entry")).await?;
    let asked = GrantFields {
        mode: "query".to_owned(),
        daily_max: DAILY_MAX.to_string(),
        valid_until: visitor.node.clock.now().plus(TERM_MS).date(),
        ..GrantFields::default()
    };
    form(&visitor, StatusCode::OK, &entry, &[], asked, Faults::default())
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
    let item =
        |item: &crate::domain::catalog::Item| asked_item(desk, Some(entry), &item.name, chosen.contains(&item.name));
    let view = GrantRequestForm {
        page: desk.page_at(&format!("/grants/new?entry={}", entry.name)),
        t: desk.t,
        entry: entry.name.to_string(),
        version: entry.version.to_string(),
        entry_title: desk.t.pick(&entry.title).to_owned(),
        provider: desk.department(&entry.name.provider),
        sharing: entry.sharing.as_str().to_owned(),
        sharing_condition: condition.unwrap_or_default(),
        items: entry.items.iter().map(item).collect(),
        purposes: purposes(desk),
        asked,
        faults,
    };
    desk.show_as(status, &view)
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
                for fault in found {
                    let (field, label) = place(&fault.pointer);
                    faults.add(visitor.t, field, label, "bad_value");
                }
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
        network_zone: field("network_zone"),
        hours_from: field("hours_from"),
        hours_to: field("hours_to"),
    }
}

/// The field of a fault that the ledger's schema found, and the key of its label.
fn place(pointer: &str) -> (&'static str, &'static str) {
    match pointer.split('/').nth(1).unwrap_or_default() {
        "purpose" => ("purpose", "purpose"),
        "legal_basis" => ("legal_basis", "legal-basis"),
        "matter" => ("matter", "matter"),
        "daily_max" => ("daily_max", "daily-max"),
        "valid_until" => ("valid_until", "valid-until"),
        "network_zone" => ("network_zone", "network-zone"),
        "hours" => ("hours_from", "hours"),
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
    } else if items.iter().any(|name| entry.item(name).is_none()) {
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
    let zone = Some(asked.network_zone.clone()).filter(|zone| !zone.is_empty());
    if zone.as_ref().is_some_and(|zone| zone.parse::<Slug>().is_err()) {
        faults.add(t, "network_zone", "network-zone", "bad_code");
    }
    let hours = hours(asked);
    if hours.is_err() {
        faults.add(t, "hours_from", "hours", "bad_hours");
    }
    if !faults.is_empty() {
        return None;
    }
    Some(GrantRequest {
        entry: entry.name.clone(),
        version: entry.version,
        purpose: asked.purpose.clone(),
        legal_basis: asked.legal_basis.clone(),
        matter: asked.matter.clone(),
        items: items.to_vec(),
        mode: codes::value(&asked.mode).unwrap_or_default(),
        daily_max: daily_max?,
        valid_until: until?,
        network_zone: zone,
        hours: hours.ok()?,
    })
}

/// Both hours or none, the first before the second.
fn hours(asked: &GrantFields) -> Result<Option<(u8, u8)>, ()> {
    if asked.hours_from.is_empty() && asked.hours_to.is_empty() {
        return Ok(None);
    }
    match (asked.hours_from.parse::<u8>(), asked.hours_to.parse::<u8>()) {
        (Ok(from), Ok(to)) if from < to && to <= 24 => Ok(Some((from, to))),
        _ => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_come_in_order_or_not_at_all() {
        let of = |from: &str, to: &str| {
            hours(&GrantFields { hours_from: from.to_owned(), hours_to: to.to_owned(), ..GrantFields::default() })
        };
        assert_eq!(of("", ""), Ok(None));
        assert_eq!(of("8", "18"), Ok(Some((8, 18))));
        assert_eq!(of("0", "24"), Ok(Some((0, 24))));
        for (from, to) in [("8", ""), ("", "8"), ("18", "8"), ("8", "8"), ("8", "25"), ("-1", "8"), ("x", "8")] {
            assert_eq!(of(from, to), Err(()), "{from} {to}");
        }
    }
}
