//! Rules on what a case pulled: comparisons without code, each held or not. Pure: the day is a parameter.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::{ItemName, Slug};

use super::Text;
use super::case::RuleResult;
use super::identifiers::id_number;

/// What must hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name.
    pub name: Slug,
    /// What must hold, in words.
    pub title: Text,
    /// What is looked at.
    pub left: Operand,
    /// How.
    pub op: Op,
    /// What it is compared with; or `value`, or `values`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right: Option<Operand>,
    /// A text, a whole number or a yes or no. `today` is the day, where days are compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Several of them, for `one_of`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<Value>>,
    /// One row on the left is enough; without it every row must hold.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub any: bool,
}

/// Where a value stands: `form.FIELD`, `PULL.ITEM`, or `PULL.rows` for the number of rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Operand {
    /// A field of the form.
    Form(ItemName),
    /// How many rows a pull brought.
    Rows(Slug),
    /// An item of a pull's rows.
    Item(Slug, ItemName),
}

impl Operand {
    /// The word for the form.
    pub const FORM: &'static str = "form";
}

impl FromStr for Operand {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{}` is none: write form.FIELD, PULL.ITEM or PULL.rows",
                text.chars().take(140).collect::<String>()
            )
        };
        let (place, name) = text.split_once('.').ok_or_else(wrong)?;
        if place == Self::FORM {
            return name.parse().map(Self::Form).map_err(|_| wrong());
        }
        let pull = place.parse().map_err(|_| wrong())?;
        if name == "rows" { Ok(Self::Rows(pull)) } else { Ok(Self::Item(pull, name.parse().map_err(|_| wrong())?)) }
    }
}

impl TryFrom<String> for Operand {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Operand> for String {
    fn from(operand: Operand) -> String {
        operand.to_string()
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(field) => write!(f, "{}.{field}", Self::FORM),
            Self::Rows(pull) => write!(f, "{pull}.rows"),
            Self::Item(pull, item) => write!(f, "{pull}.{item}"),
        }
    }
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Op {
    Equals,
    NotEquals,
    OneOf,
    AtLeast,
    AtMost,
    Before,
    After,
    AgeAtLeast,
}

/// What a case has: the form, and what each pull brought. A pull that its `when` left out has `None`.
pub struct Ground<'a> {
    /// What the clerk filled in.
    pub form: &'a Map<String, Value>,
    /// Rows by pull.
    pub pulls: &'a BTreeMap<Slug, Option<&'a [Value]>>,
    /// The day, `2026-11-21`.
    pub today: &'a str,
}

impl Ground<'_> {
    /// The values of an operand, one a row; none when its pull was left out.
    pub fn values(&self, operand: &Operand) -> Option<Vec<Value>> {
        let rows = |pull: &Slug| self.pulls.get(pull).copied().flatten();
        match operand {
            Operand::Form(field) => self.form.get(field.as_str()).map(|value| vec![value.clone()]),
            Operand::Rows(pull) => rows(pull).map(|rows| vec![Value::from(rows.len())]),
            Operand::Item(pull, item) => {
                let item = |row: &Value| row.get(item.as_str()).cloned().unwrap_or_default();
                rows(pull).map(|rows| rows.iter().map(item).collect())
            }
        }
    }

    /// Whether each rule holds. A rule about a pull or a field that was left out does not apply, and is not named.
    pub fn judge(&self, rules: &[Rule]) -> Vec<RuleResult> {
        let result = |rule: &Rule| Some(RuleResult { rule: rule.name.clone(), held: self.holds(rule)? });
        rules.iter().filter_map(result).collect()
    }

    fn holds(&self, rule: &Rule) -> Option<bool> {
        let left = self.values(&rule.left)?;
        let right = match (&rule.right, &rule.value, &rule.values) {
            (Some(operand), ..) => self.values(operand)?,
            (_, Some(value), _) => vec![value.clone()],
            (_, _, Some(values)) => values.clone(),
            _ => Vec::new(),
        };
        let row = |left: &Value| match rule.op {
            // Different from every one of them; otherwise one that fits is enough.
            Op::NotEquals => right.iter().all(|right| !equal(left, right)),
            op => right.iter().any(|right| self.fits(op, left, right)),
        };
        Some(match (left.is_empty(), rule.any) {
            // Of nothing nothing holds, except that it is not something.
            (true, _) => rule.op == Op::NotEquals && !rule.any,
            (false, true) => left.iter().any(row),
            (false, false) => left.iter().all(row),
        })
    }

    fn fits(&self, op: Op, left: &Value, right: &Value) -> bool {
        let days = || Some((self.day(left)?, self.day(right)?));
        let numbers = || Some((left.as_f64()?, right.as_f64()?));
        match op {
            Op::Equals | Op::OneOf => equal(left, right),
            Op::NotEquals => !equal(left, right),
            Op::AtLeast => numbers().is_some_and(|(left, right)| left >= right),
            Op::AtMost => numbers().is_some_and(|(left, right)| left <= right),
            Op::Before => days().is_some_and(|(left, right)| left < right),
            Op::After => days().is_some_and(|(left, right)| left > right),
            Op::AgeAtLeast => self.age(left).zip(right.as_i64()).is_some_and(|(age, years)| age >= years),
        }
    }

    fn day(&self, value: &Value) -> Option<jiff::civil::Date> {
        let text = value.as_str()?;
        if text == "today" { self.today.parse().ok() } else { text.get(..10)?.parse().ok() }
    }

    /// Completed years at the day, of a date of birth or the one in an ID number.
    fn age(&self, value: &Value) -> Option<i64> {
        let text = value.as_str()?;
        let born = if text.len() == 18 { id_number::birth_date(text)? } else { text.get(..10)?.parse().ok()? };
        let today: jiff::civil::Date = self.today.parse().ok()?;
        let had_birthday = (today.month(), today.day()) >= (born.month(), born.day());
        Some(i64::from(today.year()) - i64::from(born.year()) - i64::from(!had_birthday))
    }
}

/// Texts and numbers that read the same are equal: a source may write a number as a text. Nothing equals what is missing.
fn equal(left: &Value, right: &Value) -> bool {
    let text = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.trim().to_owned()),
        other => Some(other.to_string()),
    };
    text(left).is_some_and(|left| Some(left) == text(right))
}

#[cfg(test)]
#[path = "case_rules_tests.rs"]
mod tests;
