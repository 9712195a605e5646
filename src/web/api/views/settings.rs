//! Answers about the department's settings.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::Text;
use crate::domain::settings::{Contact, Notice, PageLanguage, SecondFactorRule};
use crate::readmodel::local::LocalSettings;

use super::Time;

/// What the administrator set.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettingsAnswer {
    /// Grows by one with each change; 0 while nothing was ever changed.
    pub version: u64,
    /// When it was changed last.
    pub changed_at: Option<Time>,
    /// By which account.
    pub changed_by: Option<String>,
    /// Of reviewers and administrators; what node.toml demands is in it.
    pub second_factor: SecondFactorRule,
    /// A session ends after so long without use.
    pub idle_minutes: u64,
    /// A session ends so long after signing in.
    pub age_minutes: u64,
    /// Whom to ask; null when nothing is shown.
    pub contact: Option<SettingsContact>,
    /// What everybody who opens the portal is told; null when nothing is.
    pub notice: Option<SettingsNotice>,
    /// Of people who chose none and whose browser asks for neither.
    pub language: PageLanguage,
}

/// Whom to ask.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettingsContact {
    /// Name of the desk.
    pub desk: Text,
    /// As people write it.
    pub telephone: String,
    /// When somebody is there.
    pub hours: Option<Text>,
}

/// A notice on every page of the portal.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettingsNotice {
    /// Plain text.
    pub text: Text,
    /// The last day on which it is shown, such as 2026-11-30, at UTC+8.
    pub until: Option<String>,
}

impl From<LocalSettings> for SettingsAnswer {
    fn from(kept: LocalSettings) -> Self {
        let LocalSettings { version, changed, settings } = kept;
        let (changed_at, changed_by) = changed.map(|(at, by)| (Time::from(at), by)).unzip();
        let contact = |Contact { desk, telephone, hours }| SettingsContact { desk, telephone, hours };
        let notice = |Notice { text, until }| SettingsNotice { text, until };
        Self {
            version,
            changed_at,
            changed_by,
            second_factor: settings.second_factor,
            idle_minutes: settings.idle_minutes,
            age_minutes: settings.age_minutes,
            contact: settings.contact.map(contact),
            notice: settings.notice.map(notice),
            language: settings.language,
        }
    }
}
