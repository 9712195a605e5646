//! Types of certificates (证照类型, GB/T 36903): what a department issues, on whose authority, for how long, with which fields.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::{DAY_MS, Millis};
use crate::ids::{ItemName, Slug};

use super::{Actor, Text};

/// A year of a term, in milliseconds: 365.25 days.
const YEAR_MS: u64 = 31_557_600_000;

/// A type in one version, as its file says it and the ledger keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateType {
    /// Its name; the file bears the same.
    pub name: Slug,
    /// From 1; a changed type takes the next.
    pub version: u32,
    /// USCC of the authority that defines the type, and three characters (证照类型代码).
    pub type_code: String,
    /// 证照类型名称, the title on its face.
    pub title: Text,
    /// 证照定义机构.
    pub defining_authority: Authority,
    /// What the holder's code is (持证主体代码类型代码).
    pub holder_kind: HolderKind,
    /// Whether it may be issued without a case: a clerk prepares it, a reviewer issues it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_hand: bool,
    /// How long it is valid.
    pub validity: Validity,
    /// JSON Schema (2020-12) of its fields; each has `x-title` in both languages.
    pub fields: Value,
    /// Its face: sections in order, with the fields in each.
    #[serde(rename = "section")]
    pub sections: Vec<Section>,
    /// What the law says of it, small on its face.
    pub legal_note: Text,
}

/// Who defines a type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// Its name.
    pub name: Text,
    /// Its USCC.
    pub code: String,
}

/// 持证主体代码类型.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HolderKind {
    /// 公民身份号码.
    #[serde(rename = "111")]
    Person,
    /// 统一社会信用代码.
    #[serde(rename = "001")]
    Enterprise,
}

impl HolderKind {
    /// The code of the standard.
    pub fn code(self) -> &'static str {
        match self {
            Self::Person => "111",
            Self::Enterprise => "001",
        }
    }

    /// What the code's number is called.
    pub fn title(self) -> Text {
        let (zh, en) = match self {
            Self::Person => ("公民身份号码", "Citizen ID number"),
            Self::Enterprise => ("统一社会信用代码", "Unified social credit code"),
        };
        Text { zh: zh.into(), en: en.into() }
    }

    /// The format by which a holder's code is checked.
    pub fn format(self) -> &'static str {
        match self {
            Self::Person => "id_number",
            Self::Enterprise => "uscc",
        }
    }
}

/// How long a certificate is valid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case", deny_unknown_fields)]
pub enum Validity {
    /// Without end.
    None {},
    /// So many years from the day of issue.
    Years {
        /// How many.
        years: u16,
    },
    /// So many days from the day of issue.
    Days {
        /// How many.
        days: u16,
    },
    /// Until the day that a field names.
    Until {
        /// The field, a date.
        field: ItemName,
    },
}

impl Validity {
    /// The last day of a certificate that is issued now, `2027-01-31`; none for no end.
    pub fn last_day(&self, now: Millis, fields: &Map<String, Value>) -> Option<String> {
        // A term of one year from 1 March ends with the last of February.
        let after = |ms: u64| Some(now.plus(ms.saturating_sub(DAY_MS)).date());
        match self {
            Self::None {} => None,
            Self::Years { years } => after(u64::from(*years).saturating_mul(YEAR_MS)),
            Self::Days { days } => after(u64::from(*days).saturating_mul(DAY_MS)),
            Self::Until { field } => fields.get(field.as_str()).and_then(Value::as_str).map(str::to_owned),
        }
    }
}

/// A part of the face.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Its heading.
    pub title: Text,
    /// Its fields, in order.
    pub fields: Vec<ItemName>,
}

impl CertificateType {
    /// The title of a field.
    pub fn field_title(&self, field: &str) -> Option<Text> {
        let schema = self.fields.get("properties")?.get(field)?;
        serde_json::from_value(schema.get("x-title")?.clone()).ok()
    }
}

/// A department publishes a version of a type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypePublication {
    /// The type.
    pub document: CertificateType,
}

/// A published version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedType {
    /// The type.
    pub document: CertificateType,
    /// Who published it.
    pub by: Actor,
    /// Block time.
    pub at: Millis,
    /// Index of the transaction.
    pub index: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_ends_on_the_day_before_its_anniversary() {
        let now = Millis::parse("2026-11-21T10:00:00+08:00").unwrap();
        let fields = Map::from_iter([("until".to_owned(), Value::from("2030-05-01"))]);
        let last = |validity: Validity| validity.last_day(now, &fields);
        assert_eq!(last(Validity::None {}), None);
        assert_eq!(last(Validity::Days { days: 1 }).as_deref(), Some("2026-11-21"));
        assert_eq!(last(Validity::Days { days: 365 }).as_deref(), Some("2027-11-20"));
        assert_eq!(last(Validity::Years { years: 4 }).as_deref(), Some("2030-11-20"));
        assert_eq!(last(Validity::Until { field: "until".parse().unwrap() }).as_deref(), Some("2030-05-01"));
    }
}
