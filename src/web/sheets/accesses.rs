//! Accesses as a file for people: a workbook or CSV, one line an access, in the words of a language.

use rust_xlsxwriter::{Format, Workbook, XlsxError};

use crate::readmodel::accesses::AccessView;
use crate::service::audit_numbers::Export;
use crate::web::portal::words::Words;

/// Field, and key of its word.
const COLUMNS: &[(&str, &str)] = &[
    ("time", "time"),
    ("access_id", "access-id"),
    ("decision", "decision"),
    ("rule", "rule"),
    ("reasons", "reason"),
    ("consumer", "consumer"),
    ("operator", "actor"),
    ("provider", "provider"),
    ("entry", "entry"),
    ("version", "version"),
    ("grant", "grant"),
    ("purpose", "purpose"),
    ("cause", "cause"),
    ("case_id", "case-number"),
    ("items", "access-items"),
    ("rows", "rows"),
    ("ledger_index", "ledger-index"),
    ("transaction_id", "transaction"),
    ("request_digest", "request-digest"),
    ("answer_digest", "answer-digest"),
];
const WIDTH: f64 = 20.0;

/// A form of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessFile {
    /// A workbook.
    Xlsx,
    /// CSV in UTF-8 with a byte order mark.
    Csv,
}

impl AccessFile {
    /// Writes the file.
    ///
    /// # Errors
    /// What the writers say; none is expected, because they write to memory.
    pub fn write(self, export: &Export, t: Words) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(match self {
            Self::Xlsx => workbook(export, t)?,
            Self::Csv => table(export, t)?,
        })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Xlsx => "accesses.xlsx",
            Self::Csv => "accesses.csv",
        }
    }
}

fn cell(field: &str, access: &AccessView, t: Words) -> String {
    let record = &access.record;
    let text = |value: Option<String>| value.unwrap_or_default();
    match field {
        "time" => record.time.local_text(),
        "access_id" => record.access_id.to_string(),
        "decision" => t.word("decision", record.decision.as_str()),
        "rule" => record.rule.clone(),
        "reasons" => {
            let reasons = record.reasons.iter().map(|reason| t.word("reason-short", reason));
            reasons.collect::<Vec<_>>().join(&t.say("list-comma"))
        }
        "consumer" => record.consumer.to_string(),
        "operator" => record.actor.user.clone(),
        "provider" => access.provider.to_string(),
        "entry" => record.entry.to_string(),
        "version" => text(record.entry_version.map(|version| version.to_string())),
        "grant" => text(record.grant.map(|grant| grant.to_string())),
        "purpose" => record.purpose.clone(),
        "cause" => record.cause.clone(),
        "case_id" => text(record.case_id.clone()),
        "items" => record.items.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        "rows" => record.rows.to_string(),
        "ledger_index" => access.ledger_index.to_string(),
        "transaction_id" => access.transaction_id.to_string(),
        "request_digest" => record.request_digest.to_string(),
        _ => text(record.answer_digest.map(|digest| digest.to_string())),
    }
}

/// What stands below the last line when there was more.
fn cut(export: &Export, t: Words) -> Option<String> {
    let count = u64::try_from(export.accesses.len()).unwrap_or(u64::MAX);
    export.is_cut.then(|| t.say_count("audit-cut", "count", count))
}

fn workbook(export: &Export, t: Words) -> Result<Vec<u8>, XlsxError> {
    let (mut book, head) = (Workbook::new(), Format::new().set_bold());
    let sheet = book.add_worksheet();
    sheet.set_name(t.say("audit-title"))?;
    sheet.set_freeze_panes(1, 0)?;
    for (at, (_, key)) in (0_u16..).zip(COLUMNS) {
        sheet.set_column_width(at, WIDTH)?;
        sheet.write_string_with_format(0, at, t.say(key), &head)?;
    }
    let mut row = 1;
    for access in &export.accesses {
        for (at, (field, _)) in (0_u16..).zip(COLUMNS) {
            // Texts, never formulas: what strangers wrote is not reckoned with.
            sheet.write_string(row, at, cell(field, access, t))?;
        }
        row += 1;
    }
    if let Some(word) = cut(export, t) {
        sheet.write_string_with_format(row, 0, word, &head)?;
    }
    book.save_to_buffer()
}

fn table(export: &Export, t: Words) -> Result<Vec<u8>, csv::Error> {
    let mut out = csv::WriterBuilder::new().flexible(true).from_writer("\u{feff}".as_bytes().to_vec());
    out.write_record(COLUMNS.iter().map(|(_, key)| t.say(key)))?;
    for access in &export.accesses {
        out.write_record(COLUMNS.iter().map(|(field, _)| safe(cell(field, access, t))))?;
    }
    if let Some(word) = cut(export, t) {
        out.write_record([word])?;
    }
    out.into_inner().map_err(|error| error.into_error().into())
}

/// A cell that a spreadsheet would take for a formula is written as text.
fn safe(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::portal::words::Lang;

    #[test]
    fn formulas_come_as_texts() {
        for (cell, safe_cell) in [
            ("=1+1", "'=1+1"),
            ("-2", "'-2"),
            ("@a", "'@a"),
            ("+86", "'+86"),
            ("\tx", "'\tx"),
            ("社会救助", "社会救助"),
            ("", ""),
        ] {
            assert_eq!(safe(cell.into()), safe_cell);
        }
    }

    #[test]
    fn a_file_that_was_cut_says_so() {
        let export = Export { accesses: Vec::new(), is_cut: true };
        for lang in [Lang::Zh, Lang::En] {
            let t = Words::of(lang);
            let text = String::from_utf8(AccessFile::Csv.write(&export, t).unwrap()).unwrap();
            assert!(
                text.lines().nth(1).is_some_and(|line| line.contains(&t.say_count("audit-cut", "count", 0))),
                "{text}"
            );
            assert_eq!(text.lines().next().unwrap().split(',').count(), COLUMNS.len());
            assert!(AccessFile::Xlsx.write(&export, t).unwrap().starts_with(b"PK"));
        }
        let whole = AccessFile::Csv.write(&Export::default(), Words::of(Lang::En)).unwrap();
        assert_eq!(String::from_utf8(whole).unwrap().lines().count(), 1);
    }
}
