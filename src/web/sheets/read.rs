//! Rows as filled forms: each entry of a file with its items, and what is wrong with a cell before it is a form.

use std::collections::BTreeMap;

use crate::web::portal::views::drafts::{DraftFields, ITEM_ROWS_MAX, PARAMETER_ROWS_MAX};
use crate::web::portal::words::{Lang, Words};

use super::columns::{Codes, ENTRY, ITEM};
use super::grid::Tables;

/// Which table a cell is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sheet {
    /// That of entries.
    Entries,
    /// That of items.
    Items,
}

/// A cell at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// In which table.
    pub sheet: Sheet,
    /// In which row, as the file numbers them.
    pub row: usize,
    /// In which column.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

/// An entry of a file.
#[derive(Debug)]
pub struct Line {
    /// Its row in the table of entries.
    pub row: usize,
    /// The rows of its items, in the order of the form's.
    pub item_rows: Vec<usize>,
    /// The filled form.
    pub fields: DraftFields,
    /// What is wrong already.
    pub marks: Vec<Mark>,
}

/// The entries of a file, in its order.
pub fn lines(tables: &Tables, numbers: &Codes, t: Words) -> Vec<Line> {
    let mut items: BTreeMap<&str, Vec<(usize, &[String])>> = BTreeMap::new();
    for (row, cells) in &tables.items.rows {
        items.entry(tables.items.get(cells, "entry")).or_default().push((*row, cells));
    }
    let mut lines: Vec<Line> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for (row, cells) in &tables.entries.rows {
        let name = tables.entries.get(cells, "name");
        if !seen.insert(name) {
            if !tables.flat {
                let message = t.fault("draft-name", "repeated");
                let mark = Mark { sheet: Sheet::Entries, row: *row, field: "name".into(), message };
                lines.push(Line { row: *row, item_rows: vec![], fields: DraftFields::default(), marks: vec![mark] });
            }
            continue;
        }
        let own = items.get(name).map(Vec::as_slice).unwrap_or_default();
        lines.push(line(tables, numbers, t, (*row, cells), own));
    }
    for (row, cells) in tables.items.rows.iter().filter(|_| !tables.flat) {
        let entry = tables.items.get(cells, "entry");
        if !seen.contains(entry) {
            let message = t.fault("entry", "not_offered");
            let mark = Mark { sheet: Sheet::Items, row: *row, field: "entry".into(), message };
            lines.push(Line { row: *row, item_rows: vec![], fields: DraftFields::default(), marks: vec![mark] });
        }
    }
    lines
}

fn line(
    tables: &Tables,
    numbers: &Codes,
    t: Words,
    (row, cells): (usize, &[String]),
    items: &[(usize, &[String])],
) -> Line {
    let mut marks = Vec::new();
    let mut pairs = Vec::new();
    for column in ENTRY.iter().filter(|column| column.field != "parameters") {
        match column.code(tables.entries.get(cells, column.field), numbers) {
            Ok(code) => pairs.push((column.field.to_owned(), code)),
            Err(fault) => {
                let message = t.fault(column.title, fault);
                marks.push(Mark { sheet: Sheet::Entries, row, field: column.field.to_owned(), message });
            }
        }
    }
    pairs.extend(parameters(tables.entries.get(cells, "parameters")));
    let mut item_rows = Vec::new();
    let named = |(_, cells): &&(usize, &[String])| !tables.items.get(cells, "name").is_empty();
    for (at, (item_row, cells)) in items.iter().filter(|item| !tables.flat || named(item)).enumerate() {
        if at >= ITEM_ROWS_MAX {
            let message = t.say("import-too-many-items");
            marks.push(Mark { sheet: Sheet::Items, row: *item_row, field: "name".into(), message });
            break;
        }
        item_rows.push(*item_row);
        for column in ITEM.iter().filter(|column| column.field != "entry") {
            match column.code(tables.items.get(cells, column.field), numbers) {
                Ok(code) => pairs.push((format!("item-{at}-{}", column.field), code)),
                Err(fault) => {
                    let message = t.fault(column.title, fault);
                    marks.push(Mark { sheet: Sheet::Items, row: *item_row, field: column.field.to_owned(), message });
                }
            }
        }
    }
    Line { row, item_rows, fields: DraftFields::read(&pairs), marks }
}

/// Parameters stand in one cell, one a line: `name:format:yes:title`.
fn parameters(cell: &str) -> Vec<(String, String)> {
    let rows = cell.split(['\n', ';', '；']).map(str::trim).filter(|row| !row.is_empty()).take(PARAMETER_ROWS_MAX);
    let mut pairs = Vec::new();
    for (at, row) in rows.enumerate() {
        let mut parts = row.splitn(4, [':', '：']).map(str::trim);
        for field in ["name", "format", "required", "title"] {
            let value = parts.next().unwrap_or_default();
            let value = match (field, value) {
                ("required", value) if [Lang::Zh, Lang::En].iter().any(|lang| Words::of(*lang).say("no") == value) => {
                    "no"
                }
                ("required", "") => "yes",
                ("format", "") => "text",
                (_, value) => value,
            };
            pairs.push((format!("param-{at}-{field}"), value.to_owned()));
        }
    }
    pairs
}

/// The cell of a form's field: which table, which row, which column.
pub fn cell_of(line: &Line, field: &str) -> (Sheet, usize, String) {
    if let Some((at, column)) = field.strip_prefix("item-").and_then(|rest| rest.split_once('-'))
        && let Some(row) = at.parse::<usize>().ok().and_then(|at| line.item_rows.get(at))
    {
        return (Sheet::Items, *row, column.to_owned());
    }
    let known = ENTRY.iter().any(|column| column.field == field);
    let field = if field.starts_with("param-") {
        "parameters"
    } else if known {
        field
    } else {
        "name"
    };
    (Sheet::Entries, line.row, field.to_owned())
}
