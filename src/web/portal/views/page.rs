//! What every page has: who reads it, in which language, and the parts of forms.
#![expect(missing_docs, reason = "a field of a view is named after its place on the page")]

use crate::domain::Role;
use crate::web::portal::assets;
use crate::web::portal::words::{Lang, Words};

/// The frame of a page.
#[derive(Clone, Debug, Default)]
pub struct Page {
    pub lang: Lang,
    /// Name of the node's department.
    pub department: String,
    /// Name of the city.
    pub city: String,
    /// Who is signed in; nobody on public pages.
    pub user: Option<User>,
    /// The session's token against forged forms.
    pub csrf: String,
    /// Path and query of this page, percent-encoded, as the browser sent them, without `lang`.
    pub path: String,
    /// What the last action did.
    pub flashes: Vec<Flash>,
    /// What the department tells everybody now.
    pub notice: Option<String>,
    /// Whom to ask.
    pub contact: Option<Contact>,
}

/// Whom to ask, in the reader's language.
#[derive(Clone, Debug, Default)]
pub struct Contact {
    pub desk: String,
    pub telephone: String,
    /// Empty when nothing is said about them.
    pub hours: String,
}

/// The person signed in.
#[derive(Clone, Debug, Default)]
pub struct User {
    /// Account name.
    pub name: String,
    pub roles: Vec<Role>,
}

/// One line about the last action.
#[derive(Clone, Debug, Default)]
pub struct Flash {
    /// `done` or `failed`.
    pub kind: &'static str,
    /// In the reader's language.
    pub text: String,
    /// Transaction that holds the action, for a link.
    pub transaction: Option<String>,
}

/// An option of a select, or a box to tick.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    pub value: String,
    pub label: String,
    pub chosen: bool,
}

/// A text field whose name comes from data, such as a query's parameter.
#[derive(Clone, Debug, Default)]
pub struct Field {
    pub name: String,
    pub label: String,
    pub hint: String,
    pub value: String,
    pub required: bool,
}

/// What is wrong with one field of a form.
#[derive(Clone, Debug, Default)]
pub struct Fault {
    /// Id of the field on the page.
    pub field: String,
    pub message: String,
}

/// What is wrong with a form.
#[derive(Clone, Debug, Default)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    /// Adds what is wrong with a field: keys of its label and of the fault.
    pub fn add(&mut self, t: Words, field: &str, label: &str, code: &str) {
        self.0.push(Fault { field: field.to_owned(), message: t.fault(label, code) });
    }

    /// The same for a field whose label comes from data.
    pub fn add_named(&mut self, t: Words, field: &str, label: &str, code: &str) {
        let message = format!("{label}{}{}", t.say("colon"), t.word("fault", code));
        self.0.push(Fault { field: field.to_owned(), message });
    }

    /// The same with the words that tell it, unless the field was told of already.
    pub fn tell(&mut self, t: Words, field: &str, label: &str, said: &str) {
        if self.of(field).is_none() {
            let message = format!("{label}{}{said}", t.say("colon"));
            self.0.push(Fault { field: field.to_owned(), message });
        }
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is wrong with the field of an id.
    pub fn of(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|fault| fault.field == field).map(|fault| fault.message.as_str())
    }

    /// All of them.
    pub fn all(&self) -> &[Fault] {
        &self.0
    }
}

/// A link of the side navigation.
pub struct Link {
    pub href: &'static str,
    /// Key of its text.
    pub key: &'static str,
    pub current: bool,
}

/// Address, text, and who sees it; an empty list means everybody signed in.
const LINKS: &[(&str, &str, &[Role])] = &[
    ("/", "nav-home", &[]),
    ("/catalog", "nav-catalog", &[]),
    ("/drafts", "nav-drafts", &[Role::Clerk, Role::Reviewer]),
    ("/grants", "nav-grants", &[]),
    ("/query", "nav-query", &[Role::Clerk]),
    ("/cases", "nav-cases", &[Role::Clerk, Role::Reviewer]),
    ("/certificates", "nav-certificates", &[]),
    ("/audit", "nav-audit", &[Role::Auditor]),
    ("/ledger", "nav-ledger", &[]),
    ("/cluster", "nav-cluster", &[]),
    ("/policy", "nav-policy", &[]),
    ("/admin", "nav-admin", &[Role::Admin]),
    ("/verify", "nav-verify", &[]),
];

impl Page {
    /// Whether the reader has a role.
    pub fn is(&self, role: Role) -> bool {
        self.user.as_ref().is_some_and(|user| user.roles.contains(&role))
    }

    /// Whether the reader looks after accounts and the node.
    pub fn is_admin(&self) -> bool {
        self.is(Role::Admin)
    }

    /// The links the reader may use.
    pub fn links(&self) -> Vec<Link> {
        let path = self.path.split('?').next().unwrap_or_default();
        LINKS
            .iter()
            .filter(|(_, _, roles)| roles.is_empty() || roles.iter().any(|role| self.is(*role)))
            .map(|(href, key, _)| {
                let below = path.strip_prefix(href).is_some_and(|rest| rest.starts_with('/'));
                Link { href, key, current: path == *href || (*href != "/" && below) }
            })
            .collect()
    }

    /// Names of the reader's roles.
    pub fn role_names(&self) -> String {
        let words = Words::of(self.lang);
        let roles = self.user.iter().flat_map(|user| &user.roles);
        roles.map(|role| words.word("role", role.as_str())).collect::<Vec<_>>().join(" · ")
    }

    /// This page in the other language.
    pub fn other_language_href(&self) -> String {
        let mark = if self.path.contains('?') { '&' } else { '?' };
        format!("{}{mark}lang={}", self.path, self.lang.other().code())
    }

    pub fn style_href(&self) -> &'static str {
        &assets::STYLE.href
    }

    pub fn script_href(&self) -> &'static str {
        &assets::SCRIPT.href
    }

    /// Scripts of pages that are kept up to date, in their order: none where nobody is signed in.
    pub fn live_script_hrefs(&self) -> Vec<&'static str> {
        let all = [&assets::SCRIPT_SSE.href, &assets::SCRIPT_LIVE.href];
        if self.user.is_some() { all.map(String::as_str).into() } else { Vec::new() }
    }

    pub fn icon_href(&self) -> &'static str {
        &assets::ICON.href
    }
}
