//! A clerk's workbook: a whole catalog entry comes in by Excel, with its faults marked in a copy of the clerk's own file.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use calamine::{Data, Reader as _, Xlsx};
use rust_xlsxwriter::Workbook;

use crate::browser::Browser;
use crate::harness::City;

/// Sheets by name, as rows of cells.
type Book = Vec<(String, Vec<Vec<String>>)>;

fn read(bytes: Vec<u8>) -> Book {
    let mut book = Xlsx::new(Cursor::new(bytes)).unwrap();
    let names = book.sheet_names();
    let text = |cell: &Data| cell.to_string();
    let rows = |name: &String| {
        let sheet = book.worksheet_range(name).unwrap();
        (name.clone(), sheet.rows().map(|row| row.iter().map(text).collect()).collect())
    };
    names.iter().map(rows).collect()
}

fn write(book: &Book) -> Vec<u8> {
    let mut out = Workbook::new();
    for (name, rows) in book {
        let sheet = out.add_worksheet();
        sheet.set_name(name).unwrap();
        for (row, cells) in (0..).zip(rows) {
            for (column, cell) in (0..).zip(cells) {
                sheet.write_string(row, column, cell).unwrap();
            }
        }
    }
    out.save_to_buffer().unwrap()
}

/// Sets a cell of every row below a heading that ends so.
fn set(book: &mut Book, sheet: usize, heading: &str, value: &str) {
    let rows = &mut book[sheet].1;
    let column = rows[0].iter().position(|cell| cell.ends_with(&format!(" {heading}"))).expect(heading);
    rows.iter_mut().skip(1).for_each(|row| value.clone_into(&mut row[column]));
}

#[test]
fn a_clerk_publishes_an_entry_by_a_workbook_and_its_marked_copy() {
    let (city, browser) = (City::shared(), Browser::start());
    let clerk = browser.tab(city, "transport");
    clerk.sign_in(city, "transport", "clerk1");
    // What is published, taken out and worded anew, is the beginning of another entry.
    let mut book = read(clerk.download("/api/v1/catalog/export?format=xlsx&provider=transport"));
    for rows in book.iter_mut().map(|(_, rows)| rows) {
        let first = rows[1][0].clone();
        rows.retain(|row| row[0] == first || row[0].ends_with(" name") || row[0].ends_with(" entry"));
    }
    for (sheet, heading, value) in [
        (0, "name", "bus-stop"),
        (0, "code", ""),
        (0, "title_zh", "公交站点信息"),
        (0, "title_en", "Bus stops"),
        (0, "version", "one"),
        (1, "entry", "bus-stop"),
    ] {
        set(&mut book, sheet, heading, value);
    }
    // The same file is told of in Chinese to who reads Chinese.
    clerk.open("/drafts?lang=zh");
    clerk.press("从 Excel 或 CSV 导入");
    clerk.upload("file", "bus.xlsx", &write(&book));
    clerk.go("导入");
    clerk.sees("版本：请填写主版本号.次版本号，例如 1.0。");
    let marked = clerk.first_link("data:");
    let marked = read(BASE64.decode(marked.split_once(',').unwrap().1).unwrap());
    assert_eq!(marked[0].1[1].last().unwrap(), "版本：请填写主版本号.次版本号，例如 1.0。");

    clerk.open("/drafts?lang=en");
    clerk.press("Import from Excel or CSV");
    clerk.upload("file", "bus.xlsx", &write(&book));
    clerk.go("Import");
    clerk.sees("1 entry was not imported");
    clerk.sees("write major.minor");

    // The clerk mends the marked copy, and sends that.
    let marked = clerk.first_link("data:");
    let mut marked = read(BASE64.decode(marked.split_once(',').unwrap().1).unwrap());
    let told = marked[0].1[1].last().unwrap();
    assert!(told.contains("write major.minor"), "the last column says what is wrong: {told}");
    set(&mut marked, 0, "version", "1.0");
    clerk.open("/drafts");
    clerk.press("Import from Excel or CSV");
    clerk.upload("file", "bus-mended.xlsx", &write(&marked));
    clerk.go("Import");
    clerk.sees("new draft");
    clerk.open("/drafts");
    clerk.fill("q", "no such draft");
    clerk.go("Filter");
    clerk.sees("No draft matches.");
    clerk.fill("q", "公交站点");
    clerk.fill("state", "draft");
    clerk.go("Filter");
    clerk.tick("name", "bus-stop");
    clerk.go("Submit those chosen");
    clerk.sees("The draft is submitted");
    clerk.is_quiet();

    let other = Browser::start();
    let reviewer = other.tab(city, "transport");
    reviewer.sign_in(city, "transport", "reviewer1");
    reviewer.open("/drafts/bus-stop");
    reviewer.go("Approve and publish");
    reviewer.sees("Approved: the entry is published on the ledger.");
    reviewer.sees("Bus stops");
    reviewer.go("中文");
    reviewer.sees("公交站点信息");
    reviewer.is_quiet();
}
