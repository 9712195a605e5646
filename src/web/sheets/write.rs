//! Tables into files: the template, what is published, and a clerk's own file with its faults marked.

use rust_xlsxwriter::{Color, Format, Workbook, XlsxError};

use crate::web::portal::views::drafts::{DraftFields, ItemFields};
use crate::web::portal::words::{Lang, Words};

use super::columns::{Column, ENTRY, ITEM};
use super::grid::{Grid, ITEM_PREFIX, Tables};
use super::read::{Mark, Sheet};

const WIDTH: f64 = 18.0;

/// The tables of entries, in the words of a language.
pub fn tables(entries: &[DraftFields], lang: Lang) -> Tables {
    let fields = |columns: &[Column]| columns.iter().map(|column| column.field.to_owned()).collect();
    let row = |entry: &DraftFields| ENTRY.iter().map(|column| column.word(&value(entry, column.field), lang)).collect();
    let items = entries.iter().flat_map(|entry| entry.items.iter().map(move |item| (entry, item)));
    let items = items.filter(|(_, item)| !item.name.is_empty());
    let item_row = |(entry, item): (&DraftFields, &ItemFields)| -> Vec<String> {
        let cell = |column: &Column| match column.field {
            "entry" => entry.name.clone(),
            field => column.word(item.get(field), lang),
        };
        ITEM.iter().map(cell).collect()
    };
    Tables {
        entries: Grid {
            fields: fields(ENTRY),
            rows: entries.iter().enumerate().map(|(at, entry)| (at + 2, row(entry))).collect(),
        },
        items: Grid {
            fields: fields(ITEM),
            rows: items.enumerate().map(|(at, item)| (at + 2, item_row(item))).collect(),
        },
        flat: false,
    }
}

fn value(entry: &DraftFields, field: &str) -> String {
    if field != "parameters" {
        return entry.get(field).to_owned();
    }
    let named = entry.parameters.iter().filter(|row| !row.name.is_empty());
    let line = |row: &crate::web::portal::views::drafts::ParameterFields| {
        format!("{}:{}:{}:{}", row.name, row.format, row.required, row.title)
    };
    named.map(line).collect::<Vec<_>>().join("\n")
}

/// A workbook of both tables. Cells that are marked are red, and a last column says what is wrong in each row.
///
/// # Errors
/// What the writer says; none is expected.
pub fn workbook(tables: &Tables, marks: &[Mark], lang: Lang) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    for (sheet, grid, columns, title) in
        [(Sheet::Entries, &tables.entries, ENTRY, "sheet-entries"), (Sheet::Items, &tables.items, ITEM, "sheet-items")]
    {
        let own: Vec<&Mark> = marks.iter().filter(|mark| mark.sheet == sheet).collect();
        page(&mut book, &Words::of(lang).say(title), grid, columns, &own, lang)?;
    }
    book.save_to_buffer()
}

fn page(
    book: &mut Workbook,
    name: &str,
    grid: &Grid,
    columns: &[Column],
    marks: &[&Mark],
    lang: Lang,
) -> Result<(), XlsxError> {
    let (head, wrong) = (Format::new().set_bold(), Format::new().set_background_color(Color::RGB(0x00FF_C7CE)));
    let sheet = book.add_worksheet();
    sheet.set_name(name)?;
    sheet.set_freeze_panes(1, 0)?;
    // What the reader added beyond the template stays his own business.
    let known: Vec<(usize, String)> = grid
        .fields
        .iter()
        .enumerate()
        .filter_map(|(at, field)| {
            columns.iter().find(|column| column.field == field).map(|column| (at, column.heading(lang)))
        })
        .collect();
    let place = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
    for (to, (_, heading)) in known.iter().enumerate() {
        sheet.set_column_width(place(to), WIDTH)?;
        sheet.write_string_with_format(0, place(to), heading, &head)?;
    }
    let last = place(known.len());
    if !marks.is_empty() {
        sheet.write_string_with_format(0, last, Words::of(lang).say("sheet-fault"), &head)?;
        sheet.set_column_width(last, WIDTH * 3.0)?;
    }
    for (number, cells) in &grid.rows {
        let row = u32::try_from(number.saturating_sub(1)).unwrap_or(u32::MAX);
        let own: Vec<&&Mark> = marks.iter().filter(|mark| mark.row == *number).collect();
        for (to, (at, _)) in known.iter().enumerate() {
            let (text, field) = (cells.get(*at).map_or("", String::as_str), grid.fields.get(*at));
            if own.iter().any(|mark| Some(&mark.field) == field) {
                sheet.write_string_with_format(row, place(to), text, &wrong)?;
            } else if !text.is_empty() {
                sheet.write_string(row, place(to), text)?;
            }
        }
        let told: Vec<&str> = own.iter().map(|mark| mark.message.as_str()).collect();
        if !told.is_empty() {
            sheet.write_string(row, last, told.join("；"))?;
        }
    }
    Ok(())
}

/// Both tables as one, in CSV with a byte order mark, so that spreadsheets take it for UTF-8.
///
/// # Errors
/// None is expected: it is written to memory.
pub fn csv(tables: &Tables, lang: Lang) -> Result<Vec<u8>, csv::Error> {
    let mut out = csv::Writer::from_writer("\u{feff}".as_bytes().to_vec());
    let of_items = || ITEM.iter().filter(|column| column.field != "entry");
    let item_heading = |column: &Column| {
        let heading = column.heading(lang);
        let title = heading.strip_suffix(column.field).unwrap_or_default();
        format!("{title}{ITEM_PREFIX}{}", column.field)
    };
    out.write_record(ENTRY.iter().map(|column| column.heading(lang)).chain(of_items().map(item_heading)))?;
    for (_, entry) in &tables.entries.rows {
        let name = tables.entries.get(entry, "name");
        let own = tables.items.rows.iter().filter(|(_, cells)| tables.items.get(cells, "entry") == name);
        let mut items: Vec<Vec<&str>> =
            own.map(|(_, cells)| of_items().map(|column| tables.items.get(cells, column.field)).collect()).collect();
        if items.is_empty() {
            items.push(vec![""; ITEM.len() - 1]);
        }
        for item in items {
            out.write_record(
                ENTRY
                    .iter()
                    .map(|column| safe(tables.entries.get(entry, column.field)))
                    .chain(item.into_iter().map(safe)),
            )?;
        }
    }
    out.into_inner().map_err(|error| error.into_error().into())
}

/// A cell that a spreadsheet would take for a formula is written as text.
fn safe(cell: &str) -> String {
    if cell.starts_with(['=', '+', '@']) { format!("'{cell}") } else { cell.to_owned() }
}
