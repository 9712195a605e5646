//! Answers about files of the catalog and about many drafts at once.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::department_files::code_lists::CodeLists;
use crate::ids::{EntryName, TxId};
use crate::service::{Committed, ServiceError};
use crate::web::api::catalog_files::{count, sheet_word};
use crate::web::problem::Problem;
use crate::web::sheets::import::{Fate, Outcome};

/// What became of a file.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportAnswer {
    /// Entries that are new drafts.
    pub created: u64,
    /// Entries whose drafts changed.
    pub changed: u64,
    /// Entries whose draft or publication says the same already.
    pub unchanged: u64,
    /// Entries with faults, of which nothing was kept.
    pub failed: u64,
    /// Each entry of the file.
    pub entries: Vec<ImportedAnswer>,
}

/// What became of one entry of a file.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportedAnswer {
    /// Its name as the file has it.
    pub name: String,
    /// Its row, or its place in a list, from 1.
    pub row: usize,
    /// `created`, `changed`, `unchanged` or `failed`.
    pub state: &'static str,
    /// What is wrong.
    pub errors: Vec<MarkAnswer>,
}

/// A cell at fault.
#[derive(Debug, Serialize, ToSchema)]
pub struct MarkAnswer {
    /// `entries` or `items`.
    pub sheet: &'static str,
    /// The row in it.
    pub row: usize,
    /// The column's field; a JSON Pointer in a list of documents.
    pub column: String,
    /// What is wrong with it.
    pub message: String,
}

impl ImportAnswer {
    /// The answer about a file.
    pub fn of(outcomes: Vec<Outcome>) -> Self {
        let number = |fate| count(&outcomes, fate);
        Self {
            created: number(Fate::Created),
            changed: number(Fate::Changed),
            unchanged: number(Fate::Unchanged),
            failed: number(Fate::Failed),
            entries: outcomes.into_iter().map(ImportedAnswer::from).collect(),
        }
    }
}

impl From<Outcome> for ImportedAnswer {
    fn from(outcome: Outcome) -> Self {
        let marks = outcome.marks.into_iter().map(|mark| MarkAnswer {
            sheet: sheet_word(mark.sheet),
            row: mark.row,
            column: mark.field,
            message: mark.message,
        });
        Self { name: outcome.name, row: outcome.row, state: outcome.fate.as_str(), errors: marks.collect() }
    }
}

/// What became of each of many drafts.
#[derive(Debug, Serialize, ToSchema)]
pub struct ManyAnswer {
    /// In the order of the call.
    pub items: Vec<OneAnswer>,
}

/// What became of one draft.
#[derive(Debug, Serialize, ToSchema)]
pub struct OneAnswer {
    /// The entry.
    pub id: EntryName,
    /// Whether it was done.
    pub done: bool,
    /// The transaction, of an approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<TxId>,
    /// Its index in the ledger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ledger_index: Option<u64>,
    /// Why it was not done: a problem's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl OneAnswer {
    /// The answer about one draft.
    pub fn of(id: EntryName, done: Result<Option<Committed>, ServiceError>) -> Self {
        let empty = Self { id, done: true, transaction_id: None, ledger_index: None, code: None, detail: None };
        match done {
            Ok(committed) => Self {
                transaction_id: committed.as_ref().map(|done| done.transaction_id),
                ledger_index: committed.as_ref().map(|done| done.ledger_index),
                ..empty
            },
            Err(error) => {
                let detail = error.to_string();
                let problem = Problem::from(error);
                Self { done: false, code: Some(problem.code().to_owned()), detail: Some(detail), ..empty }
            }
        }
    }
}

/// The formats and code tables that entries of this city may name; an empty list allows everything.
#[derive(Debug, Serialize, ToSchema)]
pub struct CodeListsAnswer {
    /// Categories of formats with their types.
    #[schema(value_type = Vec<Object>)]
    pub formats: Value,
    /// Code tables with their codes, none where a table is kept elsewhere.
    #[schema(value_type = Vec<Object>)]
    pub tables: Value,
}

impl CodeListsAnswer {
    /// The answer about a city's lists.
    pub fn of(lists: &CodeLists) -> Self {
        let value = |value: Result<Value, serde_json::Error>| value.unwrap_or_default();
        Self { formats: value(serde_json::to_value(&lists.format)), tables: value(serde_json::to_value(&lists.table)) }
    }
}
