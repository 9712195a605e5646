//! Bounds of use that a grant may have beside its daily maximum: rate, days of the week, which rows, and terms of single items.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::Millis;
use crate::domain::catalog::Entry;
use crate::domain::edition::present;
use crate::ids::ItemName;

/// Restrictions of rows in one grant.
pub const SCOPES_MAX: usize = 8;
/// Values that one of them allows.
pub const SCOPE_VALUES_MAX: usize = 50;
/// Characters of such a value.
pub const SCOPE_VALUE_CHARS_MAX: usize = 120;

/// Bounds of use, each optional. A request may state them, an approval may state narrower ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// Days of the week (UTC+8), 1 Monday to 7 Sunday, rising.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub weekdays: Option<Vec<u8>>,
    /// Queries in a short time.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub rate: Option<Rate>,
    /// Which rows; all of them must hold.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub scope: Option<Vec<RowScope>>,
    /// Until when single items may be had, where that is before the grant's own end (edition 5).
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub item_terms: Option<Vec<ItemTerm>>,
}

/// The term of one item of a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemTerm {
    /// The item.
    pub item: ItemName,
    /// From when on it may not be had any more.
    pub valid_until: Millis,
}

/// The most queries in each second and each minute of the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// In one second.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub per_second: Option<u32>,
    /// In one minute.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub per_minute: Option<u32>,
}

/// Rows of which a parameter or an item has one of some values, such as one district.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowScope {
    /// A parameter of the entry's `request_schema`, or one of its items.
    pub field: ItemName,
    /// The values that it may have, as text.
    pub values: Vec<String>,
}

impl Bounds {
    /// These bounds, if there is any.
    pub fn stated(self) -> Option<Box<Self>> {
        (self != Self::default()).then(|| Box::new(self))
    }

    /// What is wrong with them, whatever the entry.
    ///
    /// # Errors
    /// The fault, for people.
    pub fn check(&self, entry: &Entry) -> Result<(), String> {
        if let Some(days) = &self.weekdays {
            let rising = days.iter().zip(days.iter().skip(1)).all(|(day, next)| day < next);
            if days.is_empty() || !rising || !days.iter().all(|day| (1..=7).contains(day)) {
                return Err("weekdays are numbers from 1 (Monday) to 7, rising".into());
            }
        }
        if let Some(Rate { per_second, per_minute }) = self.rate {
            if per_second.is_none() && per_minute.is_none() {
                return Err("rate names per_second, per_minute or both".into());
            }
            if per_second == Some(0) || per_minute == Some(0) {
                return Err("a rate is at least 1".into());
            }
        }
        if let Some(terms) = &self.item_terms {
            let twice = |(at, term): (usize, &ItemTerm)| terms.iter().take(at).any(|other| other.item == term.item);
            if terms.is_empty() || terms.len() > entry.items.len() || terms.iter().enumerate().any(twice) {
                return Err("item_terms names each item once at most, and at least one".into());
            }
        }
        self.scope.as_deref().map_or(Ok(()), |scope| check_scope(scope, entry))
    }

    /// Until when an item may be had, where these bounds say so.
    pub fn term_of(&self, item: &ItemName) -> Option<Millis> {
        let own = self.item_terms.iter().flatten().find(|term| &term.item == item);
        own.map(|term| term.valid_until)
    }

    /// Leaves out the terms that are not to be kept.
    pub fn keep_terms(&mut self, keep: impl Fn(&ItemTerm) -> bool) {
        self.item_terms.iter_mut().for_each(|terms| terms.retain(&keep));
        self.item_terms.take_if(|terms| terms.is_empty());
    }

    /// These bounds within others: where they leave something out the others hold, and of two rates or terms the lower one.
    #[must_use]
    pub fn within(self, outer: Self) -> Self {
        Self {
            weekdays: self.weekdays.or(outer.weekdays),
            rate: Rate::lower(self.rate, outer.rate),
            scope: self.scope.or(outer.scope),
            item_terms: earlier(self.item_terms, outer.item_terms),
        }
    }

    /// The first bound that is wider than in `ceiling`.
    pub(super) fn wider(&self, ceiling: &Self) -> Option<&'static str> {
        let within_days = |days: &Vec<u8>, all: &Vec<u8>| days.iter().all(|day| all.contains(day));
        if let (Some(days), Some(all)) = (&self.weekdays, &ceiling.weekdays)
            && !within_days(days, all)
        {
            return Some("weekdays");
        }
        if let (Some(rate), Some(most)) = (self.rate, ceiling.rate)
            && (exceeds(rate.per_second, most.per_second) || exceeds(rate.per_minute, most.per_minute))
        {
            return Some("rate");
        }
        let later = |term: &ItemTerm| ceiling.term_of(&term.item).is_some_and(|most| term.valid_until > most);
        if self.item_terms.iter().flatten().any(later) {
            return Some("item_terms");
        }
        let widened = |scope: &[RowScope]| ceiling.scope.iter().flatten().any(|most| !is_kept(most, scope));
        self.scope.as_deref().is_some_and(widened).then_some("scope")
    }
}

impl Rate {
    /// The lower of both in each unit.
    pub fn lower(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        let (Some(a), Some(b)) = (one, other) else { return one.or(other) };
        let least = |a: Option<u32>, b: Option<u32>| a.into_iter().chain(b).min();
        Some(Self { per_second: least(a.per_second, b.per_second), per_minute: least(a.per_minute, b.per_minute) })
    }
}

impl RowScope {
    /// Whether a row or a call's parameters keep within it; `None` when they do not have the field.
    pub fn holds(&self, of: &Map<String, Value>) -> Option<bool> {
        let text = match of.get(self.field.as_str())? {
            Value::String(text) => text.clone(),
            Value::Null => return Some(false),
            other => other.to_string(),
        };
        Some(self.values.contains(&text))
    }
}

/// Whether a moment lies on one of the days of the week, at UTC+8.
pub fn is_on(weekdays: &[u8], at: Millis) -> bool {
    weekdays.contains(&at.weekday())
}

fn check_scope(scope: &[RowScope], entry: &Entry) -> Result<(), String> {
    if scope.is_empty() || scope.len() > SCOPES_MAX {
        return Err(format!("scope names 1 to {SCOPES_MAX} fields"));
    }
    for (at, RowScope { field, values }) in scope.iter().enumerate() {
        let parameter = entry.request_schema.get("properties").and_then(|all| all.get(field.as_str()));
        if parameter.is_none() && entry.item(field).is_none() {
            return Err(format!("scope: {field} is neither a parameter nor an item of {}", entry.name));
        }
        if scope.iter().take(at).any(|earlier| &earlier.field == field) {
            return Err(format!("scope: {field} is named twice"));
        }
        let fits = |value: &String| (1..=SCOPE_VALUE_CHARS_MAX).contains(&value.chars().count());
        if values.is_empty() || values.len() > SCOPE_VALUES_MAX || !values.iter().all(fits) {
            return Err(format!(
                "scope: {field} has 1 to {SCOPE_VALUES_MAX} values of 1 to {SCOPE_VALUE_CHARS_MAX} characters"
            ));
        }
    }
    Ok(())
}

/// Whether a restriction stands in a narrower scope too, with the same values or fewer.
fn is_kept(most: &RowScope, scope: &[RowScope]) -> bool {
    scope.iter().any(|own| own.field == most.field && own.values.iter().all(|value| most.values.contains(value)))
}

/// All terms of both, of one item the earlier.
fn earlier(one: Option<Vec<ItemTerm>>, other: Option<Vec<ItemTerm>>) -> Option<Vec<ItemTerm>> {
    let (Some(mut terms), Some(more)) = (one.clone(), other.clone()) else { return one.or(other) };
    for term in more {
        match terms.iter_mut().find(|known| known.item == term.item) {
            Some(known) => known.valid_until = known.valid_until.min(term.valid_until),
            None => terms.push(term),
        }
    }
    Some(terms)
}

fn exceeds(rate: Option<u32>, most: Option<u32>) -> bool {
    matches!((rate, most), (Some(rate), Some(most)) if rate > most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn bounds(value: Value) -> Bounds {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_is_narrower_passes_and_what_is_wider_is_named() {
        let most = bounds(json!({"weekdays": [1, 2, 3], "rate": {"per_second": 5, "per_minute": 60},
            "scope": [{"field": "district", "values": ["海淀区", "东城区"]}]}));
        for narrower in [
            json!({}),
            json!({"weekdays": [2]}),
            json!({"rate": {"per_second": 5}}),
            json!({"scope": [{"field": "district", "values": ["海淀区"]}, {"field": "kind", "values": ["a"]}]}),
        ] {
            assert_eq!(bounds(narrower.clone()).wider(&most), None, "{narrower}");
        }
        for (wider, named) in [
            (json!({"weekdays": [3, 4]}), "weekdays"),
            (json!({"rate": {"per_minute": 61}}), "rate"),
            (json!({"scope": [{"field": "kind", "values": ["a"]}]}), "scope"),
            (json!({"scope": [{"field": "district", "values": ["海淀区", "西城区"]}]}), "scope"),
        ] {
            assert_eq!(bounds(wider.clone()).wider(&most), Some(named), "{wider}");
        }
    }

    #[test]
    fn a_scope_compares_texts_and_refuses_what_has_no_value() {
        let scope = RowScope { field: "level".parse().unwrap(), values: vec!["3".into(), "true".into()] };
        let holds = |row: Value| scope.holds(row.as_object().unwrap());
        assert_eq!(holds(json!({"level": 3})), Some(true));
        assert_eq!(holds(json!({"level": "3"})), Some(true));
        assert_eq!(holds(json!({"level": true})), Some(true));
        assert_eq!(holds(json!({"level": "4"})), Some(false));
        assert_eq!(holds(json!({"level": null})), Some(false));
        assert_eq!(holds(json!({"other": "3"})), None);
    }

    #[test]
    fn of_two_terms_of_an_item_the_earlier_holds() {
        let of = |name: i64, phone: i64| {
            bounds(
                json!({"item_terms": [{"item": "name", "valid_until": name}, {"item": "phone", "valid_until": phone}]}),
            )
        };
        let one = bounds(json!({"item_terms": [{"item": "phone", "valid_until": 5}], "weekdays": [1]}));
        let both = one.clone().within(of(3, 7));
        let until = |bounds: &Bounds, item: &str| bounds.term_of(&item.parse().unwrap()).map(|until| until.0);
        assert_eq!((until(&both, "name"), until(&both, "phone"), until(&both, "age")), (Some(3), Some(5), None));
        assert_eq!(both.weekdays, Some(vec![1]));
        assert_eq!((one.wider(&of(3, 5)), one.wider(&of(3, 4))), (None, Some("item_terms")));
        assert_eq!(one.wider(&bounds(json!({}))), None);
    }

    #[test]
    fn null_is_not_the_same_as_left_out() {
        assert!(serde_json::from_value::<Bounds>(json!({"rate": null})).is_err());
        assert_eq!(bounds(json!({})), Bounds::default());
    }

    #[test]
    fn days_of_the_week_begin_in_beijing() {
        // Saturday 2026-11-21, 23:59 in Beijing; then Sunday.
        let at = Millis::parse("2026-11-21T15:59:59Z").unwrap();
        assert!(is_on(&[6], at) && is_on(&[7], at.plus(1_000)) && !is_on(&[1, 2, 3, 4, 5], at));
    }
}
