//! A file's entries become drafts: those that are new or changed; the same file again changes nothing.

use serde_json::Value;

use crate::domain::catalog::Entry;
use crate::domain::entry_rules;
use crate::domain::schema::Fault;
use crate::ids::{EntryName, Slug};
use crate::readmodel::local::DraftState;
use crate::service::{Node, Principal, ServiceError};
use crate::web::portal::draft_document::{document, told_at};
use crate::web::portal::words::Words;
use crate::web::problem::Problem;

use super::columns::Codes;
use super::grid::Tables;
use super::read::{Line, Mark, Sheet, cell_of, lines};

/// Entries of one file.
pub const ENTRIES_MAX: usize = 2_000;

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// A new draft.
    Created,
    /// Its draft says something else now.
    Changed,
    /// Its draft, or the entry itself, says this already.
    Unchanged,
    /// Something is wrong with it.
    Failed,
}

impl Fate {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Failed => "failed",
        }
    }
}

/// What became of one entry of a file.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its name as the file has it.
    pub name: String,
    /// Its row, or its place in a list, from 1.
    pub row: usize,
    /// What became of it.
    pub fate: Fate,
    /// What is wrong with it.
    pub marks: Vec<Mark>,
}

/// Takes the entries of tables in as drafts of this department.
pub async fn import(node: &Node, who: &Principal, tables: &Tables, numbers: &Codes, t: Words) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for line in lines(tables, numbers, t) {
        let name = line.fields.name.clone();
        let (fate, mut marks) = match line.marks.is_empty() {
            true => take_line(node, who, &line, t).await,
            false => (Fate::Failed, Vec::new()),
        };
        marks.extend(line.marks);
        outcomes.push(Outcome { name, row: line.row, fate, marks });
        if outcomes.len() >= ENTRIES_MAX {
            break;
        }
    }
    outcomes
}

async fn take_line(node: &Node, who: &Principal, line: &Line, t: Words) -> (Fate, Vec<Mark>) {
    let mark = |field: &str, message: String| {
        let (sheet, row, field) = cell_of(line, field);
        Mark { sheet, row, field, message }
    };
    // A name that is none is told with everything else that is wrong.
    let name = line.fields.name.parse::<Slug>().ok();
    let name = name.map(|name| EntryName { provider: node.department.clone(), name });
    let (published, code) = {
        let state = node.chain.state();
        let history = name.as_ref().and_then(|name| state.entry(name));
        let own = state.department(&node.department);
        (history.map(|history| history.current().entry.clone()), own.map(|own| own.uscc.clone()).unwrap_or_default())
    };
    let draft = match &name {
        Some(name) => node.draft(who, name).await.ok().filter(|draft| draft.state != DraftState::Published),
        None => None,
    };
    let before = draft.as_ref().map(|draft| &draft.entry).or(published.as_ref());
    let document = document(&line.fields, &node.department, &code, before);
    match take_document(node, who, document).await {
        Ok(fate) => (fate, Vec::new()),
        Err(ServiceError::Invalid(faults)) => {
            let marks = faults.iter().map(|fault| {
                let (field, label, said) = told_at(t, fault, &line.fields);
                mark(&field, format!("{label}{}{said}", t.say("colon")))
            });
            (Fate::Failed, marks.collect())
        }
        Err(ServiceError::Conflict { code, detail }) => {
            let field = if code == "code_taken" { "code" } else { "version" };
            (Fate::Failed, vec![mark(field, t.word_or("problem", code, &detail))])
        }
        Err(error) => {
            let text = error.to_string();
            (Fate::Failed, vec![mark("name", t.word_or("problem", Problem::from(error).code(), &text))])
        }
    }
}

/// Takes one document in as a draft, unless the catalog or its draft says the same already.
///
/// # Errors
/// Whatever is wrong with it.
pub async fn take_document(node: &Node, who: &Principal, document: Value) -> Result<Fate, ServiceError> {
    let document = node.with_code(document).await?;
    let entry: Entry = match serde_json::from_value(document.clone()) {
        Ok(entry) => entry,
        // The schema says better than the reader of JSON what is wrong.
        Err(_) => return node.save_draft(who, document).await.map(|_| Fate::Created),
    };
    let faults = entry_rules::check(&entry);
    if !faults.is_empty() {
        return Err(ServiceError::Invalid(faults));
    }
    let published = node.chain.state().entry(&entry.name).map(|history| history.current().entry.clone());
    let draft = node.draft(who, &entry.name).await.ok().filter(|draft| draft.state != DraftState::Published);
    let drafted = draft.as_ref().map(|draft| &draft.entry);
    if drafted.or(published.as_ref()) == Some(&entry) {
        return Ok(Fate::Unchanged);
    }
    node.save_draft(who, document).await?;
    Ok(if drafted.is_some() { Fate::Changed } else { Fate::Created })
}

/// Takes a list of documents in, as the catalog's export in JSON writes them.
///
/// # Errors
/// [`ServiceError::Malformed`] for what is no list of documents.
pub async fn import_documents(node: &Node, who: &Principal, bytes: &[u8]) -> Result<Vec<Outcome>, ServiceError> {
    let malformed = || ServiceError::Malformed("send a list of entries, or {\"entries\": [..]}".to_owned());
    let sent: Value = serde_json::from_slice(bytes).map_err(|_| malformed())?;
    let list = sent.get("entries").unwrap_or(&sent).as_array().filter(|list| list.len() <= ENTRIES_MAX);
    let mut outcomes = Vec::new();
    for (at, document) in list.ok_or_else(malformed)?.iter().enumerate() {
        let name = document.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let mark =
            |fault: Fault| Mark { sheet: Sheet::Entries, row: at + 1, field: fault.pointer, message: fault.message };
        let (fate, marks) = match take_document(node, who, document.clone()).await {
            Ok(fate) => (fate, Vec::new()),
            Err(ServiceError::Invalid(faults)) => (Fate::Failed, faults.into_iter().map(mark).collect()),
            Err(error) => (Fate::Failed, vec![mark(Fault::new("", error.to_string()))]),
        };
        outcomes.push(Outcome { name, row: at + 1, fate, marks });
    }
    Ok(outcomes)
}
