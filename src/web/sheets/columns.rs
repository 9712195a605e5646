//! The columns of the tables: their fields, their titles, and the words that may stand in them.

use std::collections::BTreeMap;

use crate::web::portal::words::{Lang, Words};

/// A column: the form's field, the key of its title, and the family of its words.
pub struct Column {
    /// Name of the field, which ends the column's heading.
    pub field: &'static str,
    /// Key of the title.
    pub title: &'static str,
    /// Family and codes of the words that may stand there, none for free text.
    words: Option<(&'static str, &'static [&'static str])>,
}

const fn text(field: &'static str, title: &'static str) -> Column {
    Column { field, title, words: None }
}

const fn words(
    field: &'static str,
    title: &'static str,
    family: &'static str,
    codes: &'static [&'static str],
) -> Column {
    Column { field, title, words: Some((family, codes)) }
}

const SHARING: &[&str] = &["unconditional", "conditional", "not_shared"];

/// Columns of the table of entries.
pub const ENTRY: &[Column] = &[
    text("name", "draft-name"),
    text("version", "version"),
    words("level", "level", "level", &["duty", "data", "interface"]),
    text("parent", "meta-parent"),
    text("code", "meta-code"),
    text("title_zh", "title-zh"),
    text("title_en", "title-en"),
    text("summary_zh", "summary-zh"),
    text("summary_en", "summary-en"),
    text("class_zh", "class-zh"),
    text("class_en", "class-en"),
    text("category_zh", "category-zh"),
    text("category_en", "category-en"),
    text("topic_zh", "topic-zh"),
    text("topic_en", "topic-en"),
    text("detail_zh", "detail-zh"),
    text("detail_en", "detail-en"),
    text("duty_zh", "duty-zh"),
    text("duty_en", "duty-en"),
    text("format_category", "format-category"),
    text("format_type", "format-type"),
    words("sharing", "sharing", "sharing", SHARING),
    text("condition_zh", "condition-zh"),
    text("condition_en", "condition-en"),
    words("means", "meta-means", "means", &["platform", "mail", "media"]),
    words("open", "meta-open", "open", &["yes", "no"]),
    text("open_condition_zh", "open-condition-zh"),
    text("open_condition_en", "open-condition-en"),
    words(
        "update_cycle",
        "meta-cycle",
        "cycle",
        &["real_time", "daily", "weekly", "monthly", "quarterly", "yearly", "irregular"],
    ),
    text("issue_date", "meta-issue-date"),
    text("related_codes", "meta-related"),
    text("subject", "draft-subject"),
    text("parameters", "entry-parameters"),
];

/// Columns of the table of items; the first names the entry.
pub const ITEM: &[Column] = &[
    text("entry", "entry"),
    text("name", "item-name"),
    text("title_zh", "title-zh"),
    text("title_en", "title-en"),
    words("kind", "item-kind", "kind", &["string", "integer", "number", "date", "boolean"]),
    text("length", "item-length"),
    words("sensitive", "item-sensitive", "", &["yes", "no"]),
    text("grade", "item-grade"),
    words(
        "masking",
        "item-masking",
        "masking",
        &["none", "name", "id_number", "phone", "address", "bank_card", "full"],
    ),
    text("code_table", "item-code-table"),
    text("range", "item-range"),
    words("sharing", "item-sharing", "sharing", SHARING),
    text("condition_zh", "condition-zh"),
    text("condition_en", "condition-en"),
];

/// What numbers mean that stand for sharing types. Systems disagree about them, so nothing is guessed.
pub type Codes = BTreeMap<String, String>;

impl Column {
    /// The heading: the title in a language, then the field, by which the column is known.
    pub fn heading(&self, lang: Lang) -> String {
        format!("{} {}", Words::of(lang).say(self.title), self.field)
    }

    /// The code of what stands in a cell: a code itself, or its word in either language.
    ///
    /// # Errors
    /// For a number in place of a sharing type whose meaning nobody told.
    pub fn code(&self, cell: &str, numbers: &Codes) -> Result<String, &'static str> {
        let Some((family, codes)) = self.words else { return Ok(cell.to_owned()) };
        let spelt = |code: &&&str| {
            let word = |lang| match family {
                "" => Words::of(lang).say(code),
                family => Words::of(lang).word(family, code),
            };
            cell.eq_ignore_ascii_case(code) || [Lang::Zh, Lang::En].into_iter().any(|lang| word(lang) == cell)
        };
        if let Some(code) = codes.iter().find(spelt) {
            return Ok((*code).to_owned());
        }
        match family {
            // Of these the form knows two words only, and would take any other for a no.
            "" | "open" if !cell.is_empty() => return Err("one_of"),
            "masking" if cell.is_empty() => return Ok("none".to_owned()),
            _ => {}
        }
        if family == "sharing" && !cell.is_empty() && cell.bytes().all(|byte| byte.is_ascii_digit()) {
            return numbers.get(cell).cloned().ok_or("number_untold");
        }
        // What it is not is told by the entry's own rules.
        Ok(cell.to_owned())
    }

    /// What a cell says of a code: its word.
    pub fn word(&self, code: &str, lang: Lang) -> String {
        match self.words {
            Some(("", _)) if !code.is_empty() => Words::of(lang).say(code),
            Some((family, _)) if !code.is_empty() => Words::of(lang).word(family, code),
            _ => code.to_owned(),
        }
    }
}

/// The field that a heading ends with.
pub fn field_of(heading: &str) -> &str {
    heading.split_whitespace().next_back().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_both_languages_and_codes_are_read_and_numbers_only_when_told() {
        let sharing = ENTRY.iter().find(|column| column.field == "sharing").unwrap();
        let none = Codes::new();
        for cell in ["有条件共享", "conditional", "Conditional", "CONDITIONAL"] {
            assert_eq!(sharing.code(cell, &none).as_deref(), Ok("conditional"), "{cell}");
        }
        assert_eq!(sharing.code("2", &none), Err("number_untold"));
        let told = Codes::from([("2".to_owned(), "not_shared".to_owned())]);
        assert_eq!(sharing.code("2", &told).as_deref(), Ok("not_shared"));
        assert_eq!(sharing.code("sometimes", &none).as_deref(), Ok("sometimes"));
        let of_items = |field: &str| ITEM.iter().find(|column| column.field == field).unwrap();
        assert_eq!(of_items("sensitive").code("perhaps", &none), Err("one_of"), "not a no");
        assert_eq!(of_items("masking").code("", &none).as_deref(), Ok("none"));
        for column in ENTRY.iter().chain(ITEM) {
            for lang in [Lang::Zh, Lang::En] {
                assert_eq!(field_of(&column.heading(lang)), column.field);
                for code in column.words.map(|(_, codes)| codes).unwrap_or_default() {
                    assert_eq!(column.code(&column.word(code, lang), &none).as_deref(), Ok(*code));
                }
            }
        }
    }
}
