//! Where from, when, how fast and which rows: the part of a form that requests and approvals share, and how pages show it.

use crate::clock::Millis;
use crate::domain::catalog::Entry;
use crate::domain::grant::bounds::{Bounds, ItemTerm, Rate, RowScope};
use crate::ids::{ItemName, Slug};

use super::dates::end_of;
use super::desk::Desk;
use super::form::Fields;
use super::views::Faults;
use super::views::grants::{BoundsFields, Side, Weekday};

const WEEK: [u8; 7] = [1, 2, 3, 4, 5, 6, 7];

/// What stands in this part of a form, read.
#[derive(Debug, Default)]
pub struct Limited {
    pub network_zone: Option<String>,
    pub hours: Option<(u8, u8)>,
    pub bounds: Bounds,
}

/// The fields as typed.
pub fn typed(form: &Fields) -> BoundsFields {
    let field = |name: &str| form.get(name).to_owned();
    BoundsFields {
        network_zone: field("network_zone"),
        hours_from: field("hours_from"),
        hours_to: field("hours_to"),
        weekdays: week(&form.all("weekdays").filter_map(|day| day.parse().ok()).collect::<Vec<u8>>()),
        per_second: field("per_second"),
        per_minute: field("per_minute"),
        scope: field("scope"),
        terms: form.all("items").map(|item| (item.to_owned(), field(&until_field(item)))).collect(),
    }
}

/// The field with the last day of an item's own term.
fn until_field(item: &str) -> String {
    format!("until-{item}")
}

/// The fields as they stand in a request or an approval.
pub fn fields(zone: Option<&str>, hours: Option<(u8, u8)>, bounds: &Bounds) -> BoundsFields {
    let number = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
    let rate = bounds.rate.unwrap_or_default();
    BoundsFields {
        network_zone: zone.unwrap_or_default().to_owned(),
        hours_from: hours.map(|(from, _)| from.to_string()).unwrap_or_default(),
        hours_to: hours.map(|(_, to)| to.to_string()).unwrap_or_default(),
        weekdays: week(bounds.weekdays.as_deref().unwrap_or_default()),
        per_second: number(rate.per_second),
        per_minute: number(rate.per_minute),
        scope: scope_text(bounds.scope.as_deref().unwrap_or_default(), "\n"),
        terms: bounds
            .item_terms
            .iter()
            .flatten()
            .map(|term| (term.item.to_string(), term.valid_until.date()))
            .collect(),
    }
}

fn week(chosen: &[u8]) -> Vec<Weekday> {
    WEEK.iter().map(|day| Weekday { number: day.to_string(), chosen: chosen.contains(day) }).collect()
}

/// Reads the fields; every day of the week, or none, means no limit. `end` is the end of the whole, if that can be read.
pub fn read(desk: &Desk, typed: &BoundsFields, entry: &Entry, end: Option<Millis>, faults: &mut Faults) -> Limited {
    let t = desk.t;
    let network_zone = Some(typed.network_zone.clone()).filter(|zone| !zone.is_empty());
    if network_zone.as_ref().is_some_and(|zone| zone.parse::<Slug>().is_err()) {
        faults.add(t, "network_zone", "network-zone", "bad_code");
    }
    let hours = hours(typed).unwrap_or_else(|()| {
        faults.add(t, "hours_from", "hours", "bad_hours");
        None
    });
    let days: Vec<u8> =
        typed.weekdays.iter().filter(|day| day.chosen).filter_map(|day| day.number.parse().ok()).collect();
    let weekdays = Some(days).filter(|days| (1..7).contains(&days.len()));
    let mut number = |field: &str, label: &str, value: &str| match (value, value.parse::<u32>()) {
        ("", _) => None,
        (_, Ok(number)) if (1..=6_000_000).contains(&number) => Some(number),
        _ => {
            faults.add(t, field, label, "bad_number");
            None
        }
    };
    let rate = Rate {
        per_second: number("per_second", "rate-second", &typed.per_second),
        per_minute: number("per_minute", "rate-minute", &typed.per_minute),
    };
    let scope = scope(&typed.scope);
    let item_terms = terms(desk, typed, end, faults);
    let bounds = Bounds {
        weekdays,
        rate: Some(rate).filter(|rate| *rate != Rate::default()),
        scope: scope.clone().ok().filter(|scope| !scope.is_empty()),
        item_terms: Some(item_terms).filter(|terms| !terms.is_empty()),
    };
    if scope.is_err() || bounds.check(entry).is_err() {
        faults.add(t, "scope", "scope", "bad_scope");
    }
    Limited { network_zone, hours, bounds }
}

/// The items that end before the whole does.
fn terms(desk: &Desk, typed: &BoundsFields, end: Option<Millis>, faults: &mut Faults) -> Vec<ItemTerm> {
    let mut terms = Vec::new();
    for (item, day) in typed.terms.iter().filter(|(_, day)| !day.is_empty()) {
        let wrong = match (end_of(day), item.parse::<ItemName>()) {
            (Some(until), _) if until <= desk.node.clock.now() => "past_date",
            (Some(until), _) if end.is_some_and(|end| until.date() > end.date()) => "after_end",
            (Some(until), _) if end.is_some_and(|end| until.date() == end.date()) => continue,
            (Some(valid_until), Ok(item)) => {
                terms.push(ItemTerm { item, valid_until });
                continue;
            }
            _ => "bad_date",
        };
        faults.add(desk.t, &until_field(item), "item-until", wrong);
    }
    terms
}

/// Both hours or none, the first before the second.
fn hours(typed: &BoundsFields) -> Result<Option<(u8, u8)>, ()> {
    if typed.hours_from.is_empty() && typed.hours_to.is_empty() {
        return Ok(None);
    }
    match (typed.hours_from.parse::<u8>(), typed.hours_to.parse::<u8>()) {
        (Ok(from), Ok(to)) if from < to && to <= 24 => Ok(Some((from, to))),
        _ => Err(()),
    }
}

/// One field a line, `district = 海淀区, 东城区`.
fn scope(text: &str) -> Result<Vec<RowScope>, ()> {
    let line = |line: &str| {
        let (field, values) = line.split_once('=').ok_or(())?;
        let values = values.split([',', '，', '、']).map(|value| value.trim().to_owned());
        Ok(RowScope {
            field: field.trim().parse().map_err(|_| ())?,
            values: values.filter(|value| !value.is_empty()).collect(),
        })
    };
    text.lines().map(str::trim).filter(|text| !text.is_empty()).map(line).collect()
}

fn scope_text(scope: &[RowScope], between: &str) -> String {
    let line = |scope: &RowScope| format!("{} = {}", scope.field, scope.values.join(", "));
    scope.iter().map(line).collect::<Vec<_>>().join(between)
}

/// Asked and allowed, side by side; limits that neither names are left out.
pub fn sides(desk: &Desk, asked: &Limited, allowed: Option<&Limited>) -> Vec<Side> {
    let t = desk.t;
    let of = |show: &dyn Fn(&Limited) -> String| (show(asked), allowed.map(show).unwrap_or_default());
    let zone = |limited: &Limited| limited.network_zone.clone().unwrap_or_default();
    let hours = |limited: &Limited| limited.hours.map(|(from, to)| format!("{from}:00–{to}:00")).unwrap_or_default();
    let days = |limited: &Limited| {
        let days = limited.bounds.weekdays.iter().flatten().map(|day| t.word("weekday", &day.to_string()));
        days.collect::<Vec<_>>().join(" ")
    };
    let per_second = |limited: &Limited| number(limited.bounds.rate.and_then(|rate| rate.per_second));
    let per_minute = |limited: &Limited| number(limited.bounds.rate.and_then(|rate| rate.per_minute));
    let scope = |limited: &Limited| scope_text(limited.bounds.scope.as_deref().unwrap_or_default(), "; ");
    let rows = [
        ("network-zone", of(&zone)),
        ("hours", of(&hours)),
        ("weekdays", of(&days)),
        ("rate-second", of(&per_second)),
        ("rate-minute", of(&per_minute)),
        ("scope", of(&scope)),
    ];
    let rows = rows.into_iter().filter(|(_, (asked, allowed))| !asked.is_empty() || !allowed.is_empty());
    rows.map(|(label, (asked, allowed))| Side { label: t.say(label), asked, allowed }).collect()
}

fn number(number: Option<u32>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

/// The field of a limit that is wider than asked for, and the key of its label.
pub fn place(limit: &str) -> (&'static str, &'static str) {
    match limit {
        "daily_max" => ("daily_max", "daily-max"),
        "valid_until" => ("valid_until", "valid-until"),
        "network_zone" => ("network_zone", "network-zone"),
        "hours" => ("hours_from", "hours"),
        "weekdays" => ("weekdays", "weekdays"),
        "rate" => ("per_second", "rate"),
        "item_terms" => ("items", "item-until"),
        _ => ("scope", "scope"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_come_in_order_or_not_at_all() {
        let of = |from: &str, to: &str| {
            hours(&BoundsFields { hours_from: from.to_owned(), hours_to: to.to_owned(), ..BoundsFields::default() })
        };
        assert_eq!(of("", ""), Ok(None));
        assert_eq!(of("8", "18"), Ok(Some((8, 18))));
        assert_eq!(of("0", "24"), Ok(Some((0, 24))));
        for (from, to) in [("8", ""), ("", "8"), ("18", "8"), ("8", "8"), ("8", "25"), ("-1", "8"), ("x", "8")] {
            assert_eq!(of(from, to), Err(()), "{from} {to}");
        }
    }

    #[test]
    fn a_scope_is_written_one_field_a_line() {
        let read = scope("district = 海淀区，东城区\n\n kind=a, b\n").unwrap();
        assert_eq!(scope_text(&read, "; "), "district = 海淀区, 东城区; kind = a, b");
        assert_eq!(scope(&scope_text(&read, "\n")), Ok(read));
        assert_eq!(scope(" \n"), Ok(vec![]));
        for wrong in ["district", "= x", "大区 = 海淀"] {
            assert_eq!(scope(wrong), Err(()), "{wrong}");
        }
    }
}
