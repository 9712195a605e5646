//! What the API answers: names and forms that stay, whatever the floors below call theirs. Times are RFC 3339.

pub mod accounts;
pub mod admin;
pub mod audit;
pub mod audit_summary;
pub mod cases;
pub mod catalog;
pub mod catalog_files;
pub mod catalog_list;
pub mod catalog_places;
pub mod certificates;
pub mod city;
pub mod grant_templates;
pub mod grants;
pub mod keys;
pub mod ledger;
pub mod membership;
pub mod policy;
pub mod sessions;
pub mod settings;
pub mod tokens;
mod words;

use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::clock::Millis;
use crate::ids::TxId;
use crate::readmodel;
use crate::service::Committed;

/// A moment, as RFC 3339 in UTC with milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(pub Millis);

impl From<Millis> for Time {
    fn from(at: Millis) -> Self {
        Self(at)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Something that may be absent, in the API's form.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Maybe<T>(pub Option<T>);

impl<S, T: From<S>> From<Option<S>> for Maybe<T> {
    fn from(found: Option<S>) -> Self {
        Self(found.map(T::from))
    }
}

/// A list, in the API's form.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct List<T>(pub Vec<T>);

impl<S, T: From<S>> From<Vec<S>> for List<T> {
    fn from(items: Vec<S>) -> Self {
        Self(items.into_iter().map(T::from).collect())
    }
}

/// A page of a listing.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Leads to the next page; null on the last one.
    pub next_cursor: Option<String>,
    /// Index of the last transaction that the page reflects.
    pub ledger_index: u64,
}

impl<S, T: From<S>> From<readmodel::Page<S>> for Page<T> {
    fn from(page: readmodel::Page<S>) -> Self {
        Self {
            items: page.items.into_iter().map(T::from).collect(),
            next_cursor: page.next_cursor,
            ledger_index: page.ledger_index,
        }
    }
}

/// Declares an answer and how it follows from the type below, field by field.
macro_rules! answer {
    ($(#[$meta:meta])* $name:ident from $source:path { $($(#[$field_meta:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, serde::Serialize, utoipa::ToSchema)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $kind,)*
        }

        impl From<$source> for $name {
            fn from(source: $source) -> Self {
                Self { $($field: source.$field.into(),)* }
            }
        }
    };
}
use answer;

/// A write that a majority of voters keeps.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Written {
    /// The transaction.
    pub transaction_id: TxId,
    /// Its index in the ledger.
    pub ledger_index: u64,
}

impl From<Committed> for Written {
    fn from(committed: Committed) -> Self {
        Self { transaction_id: committed.transaction_id, ledger_index: committed.ledger_index }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_texts() {
        let page: Page<Time> =
            readmodel::Page { items: vec![Millis(1_795_000_000_123)], next_cursor: None, ledger_index: 7 }.into();
        let text = serde_json::to_string(&page).unwrap();
        assert_eq!(text, r#"{"items":["2026-11-18T11:06:40.123Z"],"next_cursor":null,"ledger_index":7}"#);
        assert_eq!(serde_json::to_string(&Maybe::<Time>::from(None::<Millis>)).unwrap(), "null");
    }
}
