//! A file goes out and comes back the same, and what is wrong is told in its own cells.

use super::columns::Codes;
use super::read::{Line, cell_of, lines};
use super::*;
use crate::web::portal::views::drafts::DraftFields;
use crate::web::portal::words::{Lang, Words};

fn entries() -> Vec<DraftFields> {
    let pairs = [
        ("name", "heating-account"),
        ("version", "1.0"),
        ("level", "interface"),
        ("code", "303001001"),
        ("title_zh", "供热账户"),
        ("sharing", "conditional"),
        ("condition_zh", "=1+1"),
        ("open", "no"),
        ("update_cycle", "daily"),
        ("param-0-name", "id_number"),
        ("param-0-format", "id_number"),
        ("param-0-required", "no"),
        ("param-0-title", "公民身份号码"),
        ("item-0-name", "balance"),
        ("item-0-title_zh", "余额"),
        ("item-0-kind", "number"),
        ("item-0-length", "10"),
        ("item-0-sensitive", "yes"),
        ("item-0-grade", "3"),
        ("item-0-masking", "full"),
        ("item-1-name", "since"),
        ("item-1-kind", "date"),
    ];
    let pairs: Vec<_> = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let second: Vec<_> = [("name", "heating-duty"), ("level", "duty")]
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    vec![DraftFields::read(&pairs), DraftFields::read(&second)]
}

fn read(bytes: &[u8]) -> Vec<Line> {
    lines(&tables(bytes).unwrap(), &Codes::new(), Words::of(Lang::Zh))
}

#[test]
fn what_is_written_is_read_the_same_in_both_forms_and_languages() {
    for lang in [Lang::Zh, Lang::En] {
        let written = tables_of(&entries(), lang);
        for bytes in [workbook(&written, &[], lang).unwrap(), csv(&written, lang).unwrap()] {
            let back = read(&bytes);
            assert_eq!(back.len(), 2);
            assert!(back.iter().all(|line| line.marks.is_empty()));
            let fields = &back[0].fields;
            assert_eq!((fields.name.as_str(), fields.sharing.as_str()), ("heating-account", "conditional"));
            assert_eq!((fields.update_cycle.as_str(), fields.level.as_str()), ("daily", "interface"));
            assert_eq!(fields.parameters[0].required, "no");
            assert_eq!(fields.items.len(), 2);
            assert_eq!((fields.items[0].kind.as_str(), fields.items[0].sensitive.as_str()), ("number", "yes"));
            assert_eq!(fields.items[0].length, "10");
            assert!(back[1].fields.items.is_empty());
        }
    }
    let text = String::from_utf8(csv(&tables_of(&entries(), Lang::Zh), Lang::Zh).unwrap()).unwrap();
    assert!(text.contains("'=1+1"), "a formula would be run by who opens the file");
}

#[test]
fn faults_come_back_in_the_clerks_own_file() {
    let written = tables_of(&entries(), Lang::Zh);
    let bytes = workbook(&written, &[], Lang::Zh).unwrap();
    let own = tables(&bytes).unwrap();
    let line = &read(&bytes)[0];
    assert_eq!(cell_of(line, "item-1-length"), (Sheet::Items, 3, "length".to_owned()));
    assert_eq!(cell_of(line, "param-0-name"), (Sheet::Entries, 2, "parameters".to_owned()));
    assert_eq!(cell_of(line, "items"), (Sheet::Entries, 2, "name".to_owned()));
    let mark = Mark { sheet: Sheet::Items, row: 3, field: "length".into(), message: "长度须为整数".into() };
    let marked = tables(&workbook(&own, &[mark], Lang::Zh).unwrap()).unwrap();
    assert!(marked.items.rows[1].1.contains(&"长度须为整数".to_owned()), "{:?}", marked.items.rows);
    // The marked copy can be corrected and sent again as it is.
    assert_eq!(lines(&marked, &Codes::new(), Words::of(Lang::Zh))[0].fields.items.len(), 2);
}

#[test]
fn numbers_for_sharing_types_are_read_only_when_their_meaning_is_told() {
    let file = "name,sharing\na-table,2\n";
    let line = &read(file.as_bytes())[0];
    assert_eq!(line.marks[0].field, "sharing");
    let told = Codes::from([("2".to_owned(), "conditional".to_owned())]);
    let lines = lines(&tables(file.as_bytes()).unwrap(), &told, Words::of(Lang::En));
    assert_eq!((lines[0].marks.len(), lines[0].fields.sharing.as_str()), (0, "conditional"));
}
