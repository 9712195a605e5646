//! Drafts of catalog entries: the list, one draft, and its form.
#![expect(missing_docs, reason = "a field of a view is named after its place on the page")]

use askama::Template;

use super::catalog::{ChangeRow, EntryBody};
use super::masking::{Kept, chosen, kept};
use super::{Choice, Faults, Page};
use crate::web::portal::words::Words;

/// `GET /drafts`.
#[derive(Template)]
#[template(path = "drafts.html")]
pub struct Drafts {
    pub page: Page,
    pub t: Words,
    pub rows: Vec<DraftRow>,
    /// Whether there are drafts at all, found or not.
    pub any: bool,
    pub q: String,
    /// As in [`DraftRow::state`]; empty for any.
    pub state: String,
    pub first_href: Option<String>,
    pub next_href: Option<String>,
    pub may_create: bool,
    /// Whether the reader may submit one of them.
    pub may_submit: bool,
    /// Whether the reader may decide on one of them.
    pub may_review: bool,
}

/// `POST /drafts/import`.
#[derive(Template)]
#[template(path = "import.html")]
pub struct ImportPage {
    pub page: Page,
    pub t: Words,
    pub rows: Vec<ImportRow>,
    /// Entries with faults.
    pub failed: u64,
    /// The marked copy of the file, when something is wrong with it.
    pub marked: Option<String>,
}

/// What became of an entry of a file.
#[derive(Clone, Debug, Default)]
pub struct ImportRow {
    pub name: String,
    pub row: usize,
    /// `created`, `changed`, `unchanged` or `failed`.
    pub fate: &'static str,
    pub faults: Vec<String>,
}

/// A draft in the list.
#[derive(Clone, Debug, Default)]
pub struct DraftRow {
    /// The entry's name without its provider.
    pub name: String,
    pub title: String,
    pub version: String,
    /// `draft`, `under_review` or `rejected`.
    pub state: String,
    pub drafted_by: String,
    pub updated: String,
    /// Why it was rejected.
    pub note: String,
    pub may_edit: bool,
    pub may_submit: bool,
    pub may_review: bool,
}

/// `GET /drafts/{name}`.
#[derive(Template)]
#[template(path = "draft.html")]
pub struct DraftPage {
    pub page: Page,
    pub t: Words,
    pub draft: DraftRow,
    pub entry: EntryBody,
    /// What differs from the published version, if there is one.
    pub changes: Vec<ChangeRow>,
    /// Related codes that nobody bears: perhaps mistyped.
    pub unknown_codes: Vec<String>,
    /// The reader drafted it and may not approve it.
    pub own: bool,
}

/// `GET /drafts/new` and `GET /drafts/{name}/edit`.
#[derive(Template)]
#[template(path = "draft_form.html")]
pub struct DraftForm {
    pub page: Page,
    pub t: Words,
    /// Where the form goes: `/drafts` or `/drafts/{name}`.
    pub action: String,
    /// Whether the name may be chosen.
    pub new: bool,
    /// Formats' categories and types, and code tables, to choose from.
    pub categories: Vec<Choice>,
    pub types: Vec<Choice>,
    pub tables: Vec<Choice>,
    pub draft: DraftFields,
    pub faults: Faults,
}

/// What stands in the form, as typed.
#[derive(Clone, Debug, Default)]
pub struct DraftFields {
    pub name: String,
    pub version: String,
    pub level: String,
    /// `provider/name` of the entry one level above.
    pub parent: String,
    pub code: String,
    pub title_zh: String,
    pub title_en: String,
    pub summary_zh: String,
    pub summary_en: String,
    pub class_zh: String,
    pub class_en: String,
    pub category_zh: String,
    pub category_en: String,
    pub topic_zh: String,
    pub topic_en: String,
    pub detail_zh: String,
    pub detail_en: String,
    pub duty_zh: String,
    pub duty_en: String,
    pub format_category: String,
    pub format_type: String,
    pub sharing: String,
    pub condition_zh: String,
    pub condition_en: String,
    /// `platform`, `mail`, `media` or empty.
    pub means: String,
    /// `yes` or `no`.
    pub open: String,
    pub open_condition_zh: String,
    pub open_condition_en: String,
    pub update_cycle: String,
    pub issue_date: String,
    /// One a line.
    pub related_codes: String,
    pub subject: String,
    pub parameters: Vec<ParameterFields>,
    pub items: Vec<ItemFields>,
}

/// A row of the parameters.
#[derive(Clone, Debug, Default)]
pub struct ParameterFields {
    pub name: String,
    /// `id_number`, `uscc`, `unit_number`, `bay_id`, `date` or `text`.
    pub format: String,
    /// `yes` or `no`.
    pub required: String,
    pub title: String,
}

/// A row of the items. A row without a name counts as empty.
#[derive(Clone, Debug, Default)]
pub struct ItemFields {
    pub name: String,
    pub title_zh: String,
    pub title_en: String,
    pub kind: String,
    pub length: String,
    /// `yes` or `no`.
    pub sensitive: String,
    pub grade: String,
    pub masking: String,
    /// Of a masking of one's own, while a form is read.
    pub masking_first: String,
    pub masking_last: String,
    pub masking_sign: String,
    pub code_table: String,
    /// `min..max`.
    pub range: String,
    /// Empty where the item is shared as its entry.
    pub sharing: String,
    pub condition_zh: String,
    pub condition_en: String,
}

/// Rows a form can have: as many as an entry may have items.
pub const ITEM_ROWS_MAX: usize = 60;
/// Rows for parameters.
pub const PARAMETER_ROWS_MAX: usize = 8;
/// Empty rows that "add rows" adds.
pub const ROWS_ADDED: usize = 4;

impl ItemFields {
    /// Its masking, if that is one of the provider's own.
    pub fn kept(&self) -> Kept {
        kept(&self.masking)
    }
}

impl DraftFields {
    /// An empty form, with what most entries have.
    pub fn starting(today: String) -> Self {
        let usual = |text: &str| text.to_owned();
        Self {
            version: usual("1.0"),
            level: usual("interface"),
            sharing: usual("conditional"),
            open: usual("no"),
            update_cycle: usual("real_time"),
            format_category: usual("database"),
            format_type: usual("sqlite"),
            issue_date: today,
            ..Self::default()
        }
        .with_more_rows()
    }

    /// Reads what a browser sent: pairs of field and value, unknown ones ignored.
    pub fn read(pairs: &[(String, String)]) -> Self {
        let mut fields = Self::default();
        for (key, value) in pairs {
            let value = value.trim();
            if let Some((row, column)) = row_of(key, "item-", ITEM_ROWS_MAX) {
                set_item(&mut fields.items, row, column, value);
            } else if let Some((row, column)) = row_of(key, "param-", PARAMETER_ROWS_MAX) {
                set_parameter(&mut fields.parameters, row, column, value);
            } else if let Some(place) = fields.place(key) {
                value.clone_into(place);
            }
        }
        for item in &mut fields.items {
            item.masking = chosen(&item.masking, &item.masking_first, &item.masking_last, &item.masking_sign);
        }
        fields
    }

    /// Adds empty rows, up to the bounds.
    #[must_use]
    pub fn with_more_rows(mut self) -> Self {
        let items = (self.items.len() + ROWS_ADDED).min(ITEM_ROWS_MAX);
        self.items.resize_with(items, ItemFields::default);
        let parameters = self.parameters.len().clamp(2, PARAMETER_ROWS_MAX);
        self.parameters.resize_with(parameters, ParameterFields::default);
        self
    }
}

/// Gives fields by their names.
macro_rules! by_name {
    ($kind:ident: $($field:ident)*) => {
        impl $kind {
            /// What stands in the field of a name; nothing for an unknown one.
            pub fn get(&self, name: &str) -> &str {
                $(if name == stringify!($field) {
                    return &self.$field;
                })*
                ""
            }

            fn place(&mut self, name: &str) -> Option<&mut String> {
                $(if name == stringify!($field) {
                    return Some(&mut self.$field);
                })*
                None
            }
        }
    };
}

by_name! { DraftFields:
    name version level parent code title_zh title_en summary_zh summary_en class_zh class_en category_zh category_en topic_zh topic_en detail_zh detail_en duty_zh duty_en format_category format_type sharing condition_zh condition_en means open open_condition_zh open_condition_en update_cycle issue_date related_codes subject
}
by_name! { ItemFields:
    name title_zh title_en kind length sensitive grade masking masking_first masking_last masking_sign code_table range sharing condition_zh condition_en
}
by_name! { ParameterFields: name format required title }

/// `item-3-name` is row 3, column `name`.
fn row_of<'a>(key: &'a str, prefix: &str, rows_max: usize) -> Option<(usize, &'a str)> {
    let (row, column) = key.strip_prefix(prefix)?.split_once('-')?;
    row.parse().ok().filter(|row| *row < rows_max).map(|row| (row, column))
}

fn row_at<T: Default>(rows: &mut Vec<T>, row: usize) -> Option<&mut T> {
    if rows.len() <= row {
        rows.resize_with(row + 1, T::default);
    }
    rows.get_mut(row)
}

fn set_item(rows: &mut Vec<ItemFields>, row: usize, column: &str, value: &str) {
    if let Some(place) = row_at(rows, row).and_then(|fields| fields.place(column)) {
        value.clone_into(place);
    }
}

fn set_parameter(rows: &mut Vec<ParameterFields>, row: usize, column: &str, value: &str) {
    if let Some(place) = row_at(rows, row).and_then(|fields| fields.place(column)) {
        value.clone_into(place);
    }
}
