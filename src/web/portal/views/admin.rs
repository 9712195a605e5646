//! Administration: accounts, tokens of systems, settings, and the log of what was done.
#![expect(missing_docs, reason = "a field of a view is named after its place on the page")]

use askama::Template;

use super::{Choice, Faults, Page};
use crate::web::portal::words::Words;

/// `GET /admin`.
#[derive(Template)]
#[template(path = "admin_accounts.html")]
pub struct Accounts {
    pub page: Page,
    pub t: Words,
    pub rows: Vec<AccountRow>,
    /// Roles to choose from for a new account.
    pub roles: Vec<Choice>,
    pub user: String,
    pub display: String,
    pub faults: Faults,
}

/// An account.
#[derive(Clone, Debug, Default)]
pub struct AccountRow {
    pub user: String,
    pub display: String,
    /// In the reader's language.
    pub roles: String,
    pub created: String,
    /// `active`, `disabled`, `locked` or `must_change`.
    pub state: &'static str,
    /// Until when it is locked, or since when it rests.
    pub when: String,
    pub has_second_factor: bool,
    /// The reader's own.
    pub own: bool,
}

/// `GET /admin/accounts/{user}`.
#[derive(Template)]
#[template(path = "admin_account.html")]
pub struct AccountPage {
    pub page: Page,
    pub t: Words,
    pub account: AccountRow,
    pub roles: Vec<Choice>,
    pub acts: Vec<ActRow>,
}

/// What is shown once: a password or a token.
#[derive(Template)]
#[template(path = "admin_secret.html")]
pub struct Secret {
    pub page: Page,
    pub t: Words,
    /// `password` or `token`.
    pub kind: &'static str,
    /// Whose.
    pub of: String,
    pub secret: String,
    /// Where to go on.
    pub back: &'static str,
}

/// `GET /admin/tokens`.
#[derive(Template)]
#[template(path = "admin_tokens.html")]
pub struct Tokens {
    pub page: Page,
    pub t: Words,
    pub rows: Vec<TokenRow>,
    pub entries: Vec<Choice>,
    pub system: String,
    pub days: String,
    pub chosen_entries: String,
    pub sources: String,
    pub faults: Faults,
}

/// A token.
#[derive(Clone, Debug, Default)]
pub struct TokenRow {
    pub id: i64,
    pub system: String,
    /// `active` or `expired`.
    pub state: &'static str,
    pub created: String,
    pub expires: String,
    /// Empty for all.
    pub entries: Vec<String>,
    /// Empty for all.
    pub sources: Vec<String>,
    pub submits: bool,
    /// When and whence; empty for never.
    pub used: String,
    /// When and whence it was where it should not be; empty for never.
    pub alarm: String,
    /// The newest of its system: forms stand beside it alone.
    pub newest: bool,
}

/// `GET /admin/settings`.
#[derive(Template)]
#[template(path = "admin_settings.html")]
pub struct Settings {
    pub page: Page,
    pub t: Words,
    pub fields: SettingsFields,
    /// When they were changed last; empty for never.
    pub changed_at: String,
    pub changed_by: String,
    pub faults: Faults,
    pub sections: Vec<Section>,
    pub sources: Vec<SourceRow>,
}

/// The form of what can be set.
#[derive(Clone, Debug, Default)]
pub struct SettingsFields {
    pub version: String,
    pub second_factor: String,
    /// Rules on offer.
    pub rules: Vec<&'static str>,
    pub idle: String,
    pub age: String,
    pub language: String,
    pub desk_zh: String,
    pub desk_en: String,
    pub telephone: String,
    pub hours_zh: String,
    pub hours_en: String,
    pub notice_zh: String,
    pub notice_en: String,
    pub notice_until: String,
}

/// Settings that belong together.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// Code of `section-` texts.
    pub code: &'static str,
    /// The file that says so, and where in it; empty for what no file says.
    pub file: String,
    pub rows: Vec<SettingRow>,
}

/// A setting in force.
#[derive(Clone, Debug, Default)]
pub struct SettingRow {
    /// Code of `setting-` texts.
    pub code: &'static str,
    pub value: String,
}

/// A data source of the department.
#[derive(Clone, Debug, Default)]
pub struct SourceRow {
    pub entry: String,
    pub title: String,
    pub sort: &'static str,
    /// `fits`, `behind` or `silent`: answers, fails, is left alone.
    pub state: &'static str,
    pub failures: u32,
    /// In words; empty when it was not asked yet.
    pub answered: String,
}

/// `GET /admin/log`.
#[derive(Template)]
#[template(path = "admin_log.html")]
pub struct Log {
    pub page: Page,
    pub t: Words,
    pub kinds: &'static [&'static str],
    pub kind: String,
    pub about: String,
    pub from: String,
    pub to: String,
    pub rows: Vec<ActRow>,
    /// The same lines as CSV.
    pub csv_href: String,
    pub first_href: Option<String>,
    pub next_href: Option<String>,
}

/// A line of the log.
#[derive(Clone, Debug, Default)]
pub struct ActRow {
    pub id: u64,
    pub at: String,
    pub kind: String,
    pub user: String,
    pub from: String,
    pub subject: String,
    pub detail: String,
    /// The detail is a transaction.
    pub is_transaction: bool,
}
