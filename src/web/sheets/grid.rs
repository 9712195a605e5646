//! Files into grids of text: workbooks (.xlsx) and CSV, bounded in bytes, rows and columns before they are believed.

use std::io::Cursor;

use calamine::{Data, Reader as _, Xlsx};

use super::columns::{ENTRY, ITEM};
use super::inflate::inflated;

/// The largest file, in bytes.
pub const FILE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// What a workbook may unpack to, in bytes.
const UNPACKED_BYTES_MAX: u64 = 64 * 1024 * 1024;
const PARTS_MAX: usize = 200;
/// Rows of one table.
pub const ROWS_MAX: usize = 20_000;
const CELL_CHARS_MAX: usize = 8_000;
/// What an item's fields begin with where entries and items stand in one table.
pub const ITEM_PREFIX: &str = "item_";

/// Why a file is not a table of the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SheetError {
    /// Neither a workbook nor CSV in UTF-8.
    #[error("the file is neither an .xlsx workbook nor CSV in UTF-8")]
    Unreadable,
    /// Beyond a bound.
    #[error("the file is too large: at most 4 MiB, 64 MiB unpacked, 20,000 rows")]
    TooLarge,
    /// The headings are missing.
    #[error("the first row must hold the template's headings: take the template and fill it in")]
    NoHeadings,
}

/// A cell: its text without spaces around it.
pub type Cell = String;

/// A table: headings' fields and rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grid {
    /// The field of each column.
    pub fields: Vec<String>,
    /// The rows below the headings, each as the file numbers it, from 2.
    pub rows: Vec<(usize, Vec<Cell>)>,
}

impl Grid {
    /// What stands in a row below a field.
    pub fn get<'a>(&self, row: &'a [Cell], field: &str) -> &'a str {
        self.column(field).and_then(|at| row.get(at)).map_or("", String::as_str)
    }

    /// The number of a field's column.
    pub fn column(&self, field: &str) -> Option<usize> {
        self.fields.iter().position(|known| known == field)
    }

    fn of(rows: impl Iterator<Item = Vec<Cell>>, key: &str) -> Result<Self, SheetError> {
        let mut rows = rows.enumerate();
        let (_, headings) = rows.next().ok_or(SheetError::NoHeadings)?;
        let fields: Vec<String> = headings.iter().map(|heading| super::columns::field_of(heading).to_owned()).collect();
        if !fields.iter().any(|field| field == key) {
            return Err(SheetError::NoHeadings);
        }
        let mut grid = Self { fields, rows: Vec::new() };
        for (at, row) in rows.filter(|(_, row)| row.iter().any(|cell| !cell.is_empty())) {
            if grid.rows.len() >= ROWS_MAX {
                return Err(SheetError::TooLarge);
            }
            grid.rows.push((at + 1, row));
        }
        Ok(grid)
    }
}

/// The tables of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tables {
    /// Entries, one a row.
    pub entries: Grid,
    /// Items, one a row, each with its entry.
    pub items: Grid,
    /// Whether both are one table, in which an entry stands once for each of its items.
    pub flat: bool,
}

/// The tables of a file: entries and items. In CSV both stand in one table: an entry's columns in the first of its rows,
/// its items' in each, their fields with `item_` before them.
///
/// # Errors
/// [`SheetError`].
pub fn tables(bytes: &[u8]) -> Result<Tables, SheetError> {
    if bytes.len() > FILE_BYTES_MAX {
        return Err(SheetError::TooLarge);
    }
    if bytes.starts_with(b"PK") { workbook(bytes) } else { csv(bytes) }
}

fn workbook(bytes: &[u8]) -> Result<Tables, SheetError> {
    if unpacked(bytes).ok_or(SheetError::Unreadable)? > UNPACKED_BYTES_MAX {
        return Err(SheetError::TooLarge);
    }
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|_| SheetError::Unreadable)?;
    let mut sheet = |at: usize, columns: usize, key: &str| {
        let name = book.sheet_names().get(at).cloned().ok_or(SheetError::NoHeadings)?;
        let range = book.worksheet_range(&name).map_err(|_| SheetError::Unreadable)?;
        // Rows keep their numbers where the first ones are empty.
        let (height, _) = range.end().unwrap_or_default();
        let width = u32::try_from(columns * 2).unwrap_or(u32::MAX);
        let cell = |row: u32, column: u32| range.get_value((row, column)).map(text).unwrap_or_default();
        let row = |row: u32| (0..width).map(|column| cell(row, column)).collect::<Vec<_>>();
        if usize::try_from(height).is_ok_and(|height| height > ROWS_MAX * 4) {
            return Err(SheetError::TooLarge);
        }
        Grid::of((0..=height).map(row), key)
    };
    Ok(Tables { entries: sheet(0, ENTRY.len(), "name")?, items: sheet(1, ITEM.len(), "entry")?, flat: false })
}

fn text(data: &Data) -> String {
    let text = match data {
        Data::Empty | Data::Error(_) => String::new(),
        // A clerk's 18 is 18, not 18.0; a day is a day.
        Data::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => format!("{number:.0}"),
        Data::DateTime(moment) => {
            let (year, month, day, ..) = moment.to_ymd_hms_milli();
            format!("{year:04}-{month:02}-{day:02}")
        }
        other => other.to_string(),
    };
    text.trim().chars().take(CELL_CHARS_MAX).collect()
}

/// What the parts of a ZIP file unpack to, counted and not believed: a directory may say less than there is (APPNOTE 4.3.7,
/// 4.3.12, 4.3.16). Nothing where it is none.
fn unpacked(bytes: &[u8]) -> Option<u64> {
    let number = |at: usize, length: usize| -> Option<usize> {
        let field = bytes.get(at..at.checked_add(length)?)?;
        Some(field.iter().rev().fold(0, |number, byte| (number << 8) | usize::from(*byte)))
    };
    let end = bytes.windows(4).rposition(|mark| mark == b"PK\x05\x06")?;
    let parts = number(end + 10, 2)?;
    let mut at = number(end + 16, 4)?;
    let mut sum = 0_u64;
    for _ in 0..parts.min(PARTS_MAX) {
        if bytes.get(at..at.checked_add(4)?)? != b"PK\x01\x02" {
            return None;
        }
        let (method, packed, local) = (number(at + 10, 2)?, number(at + 20, 4)?, number(at + 42, 4)?);
        let begin = local.checked_add(30 + number(local + 26, 2)? + number(local + 28, 2)?)?;
        let data = bytes.get(begin..begin.checked_add(packed)?)?;
        sum += match method {
            0 => u64::try_from(packed).ok()?,
            8 => inflated(data, UNPACKED_BYTES_MAX.saturating_sub(sum))?,
            _ => return None,
        };
        at += 46 + number(at + 28, 2)? + number(at + 30, 2)? + number(at + 32, 2)?;
    }
    if parts > PARTS_MAX { Some(u64::MAX) } else { Some(sum) }
}

fn csv(bytes: &[u8]) -> Result<Tables, SheetError> {
    let text = std::str::from_utf8(bytes).map_err(|_| SheetError::Unreadable)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|_| SheetError::Unreadable)?;
        rows.push(record.iter().map(|cell| cell.trim().chars().take(CELL_CHARS_MAX).collect()).collect::<Vec<Cell>>());
        if rows.len() > ROWS_MAX {
            return Err(SheetError::TooLarge);
        }
    }
    let all = Grid::of(rows.into_iter(), "name")?;
    let of_item = |field: &String| match field.as_str() {
        "name" => "entry".to_owned(),
        field => field.strip_prefix(ITEM_PREFIX).unwrap_or_default().to_owned(),
    };
    let items = Grid { fields: all.fields.iter().map(of_item).collect(), rows: all.rows.clone() };
    Ok(Tables { entries: all, items, flat: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_table_is_refused_before_it_is_unpacked() {
        for bytes in [&b"PK\x03\x04 and then nothing"[..], b"PK\x05\x06", b"\xff\xfe\x00", b"PK"] {
            assert_eq!(tables(bytes).unwrap_err(), SheetError::Unreadable, "{bytes:?}");
        }
        assert_eq!(tables(b"a,b\n1,2\n").unwrap_err(), SheetError::NoHeadings);
        assert_eq!(tables(b"").unwrap_err(), SheetError::NoHeadings);
        assert_eq!(tables(&vec![b'x'; FILE_BYTES_MAX + 1]).unwrap_err(), SheetError::TooLarge);
        // A part of stored bytes whose directory says that it unpacks to nothing.
        let part = |data: &[u8], method: u8| {
            let size = u32::try_from(data.len()).unwrap().to_le_bytes();
            let mut file = vec![0; 30];
            file.extend(data);
            let directory = file.len();
            file.extend(b"PK\x01\x02");
            file.resize(directory + 46, 0);
            file[directory + 10] = method;
            file[directory + 20..directory + 24].copy_from_slice(&size);
            let place = u32::try_from(directory).unwrap().to_le_bytes();
            file.extend(b"PK\x05\x06");
            file.extend([0, 0, 0, 0, 1, 0, 1, 0, 46, 0, 0, 0]);
            file.extend(place);
            file.extend([0, 0]);
            file
        };
        assert_eq!(unpacked(&part(&[7; 100], 0)), Some(100));
        assert_eq!(unpacked(&part(&[7; 100], 9)), None);
        // A run of the longest repeats there are: 1 MB that would be a gigabyte.
        let bomb = super::super::inflate::tests::bomb(1_000_000);
        assert!(unpacked(&part(&bomb, 8)).is_some_and(|size| size > UNPACKED_BYTES_MAX));
        assert_eq!(tables(&[b"PK".as_slice(), &part(&bomb, 8)].concat()).unwrap_err(), SheetError::Unreadable);
    }
}
