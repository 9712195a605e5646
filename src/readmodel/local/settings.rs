//! What an administrator set in the portal: one row, held in memory too, since every page and every session asks for it.

use std::net::IpAddr;
use std::sync::Arc;

use diesel::prelude::*;

use crate::clock::Millis;
use crate::domain::settings::{Settings, SettingsChange};
use crate::readmodel::columns::{column, from_json, number, to_json};
use crate::readmodel::error::ReadError;

use super::Local;
use super::acts::{Act, ActKind, add};
use super::schema::settings;
use super::sessions::end_old;

/// The place of the one row.
const ONE: i32 = 1;

/// What an administrator set, and which version of it is in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalSettings {
    /// Grows by one with each change; 0 while nothing was ever changed.
    pub version: u64,
    /// When it was changed last, and by whom.
    pub changed: Option<(Millis, String)>,
    /// What holds.
    pub settings: Settings,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = settings)]
struct Row {
    one: i32,
    version: i64,
    changed_at: i64,
    changed_by: String,
    body: String,
}

/// Reads the row; what holds by itself when there is none.
pub(super) fn load(connection: &mut SqliteConnection) -> Result<LocalSettings, ReadError> {
    let row: Option<Row> = settings::table.find(ONE).select(Row::as_select()).first(connection).optional()?;
    let Some(row) = row else { return Ok(LocalSettings::default()) };
    Ok(LocalSettings {
        version: number(row.version),
        changed: Some((Millis(number(row.changed_at)), row.changed_by)),
        settings: from_json(&row.body)?,
    })
}

impl Local {
    /// The settings in force.
    pub fn settings(&self) -> Arc<LocalSettings> {
        self.shared.settings.read().clone()
    }

    /// Puts settings in the place of a version, with a line in the log for each that differs: both or neither. Sessions that
    /// are over by the old or the new settings end. Nothing happens when nothing differs.
    ///
    /// # Errors
    /// [`ReadError::Conflict`] when another version is in force.
    pub fn change_settings(
        &self,
        change: &SettingsChange,
        (user, from): (&str, Option<IpAddr>),
        now: Millis,
    ) -> Result<Arc<LocalSettings>, ReadError> {
        let SettingsChange { version, settings: new } = change;
        let kept = self.write(|connection| {
            let before = load(connection)?;
            if before.version != *version {
                let present = before.version;
                return Err(ReadError::Conflict(format!(
                    "version {present} is in force, not {version}: read it first"
                )));
            }
            let differences = before.settings.differences(new);
            if differences.is_empty() {
                return Ok(before);
            }
            for (subject, was, is) in differences {
                let detail = format!("{was} → {is}");
                let kind = ActKind::SettingsChanged;
                add(connection, &Act { kind, user: user.to_owned(), from, subject, detail }, now)?;
            }
            // Who loosens them brings no session back.
            end_old(connection, &before.settings, now)?;
            end_old(connection, new, now)?;
            let kept = LocalSettings {
                version: version.saturating_add(1),
                changed: Some((now, user.to_owned())),
                settings: new.clone(),
            };
            let row = Row {
                one: ONE,
                version: column(kept.version),
                changed_at: column(now.0),
                changed_by: user.to_owned(),
                body: to_json(new)?,
            };
            diesel::replace_into(settings::table).values(row).execute(connection)?;
            Ok(kept)
        })?;
        let kept = Arc::new(kept);
        let mut held = self.shared.settings.write();
        // Two changes may come back from the database in another order than they went in.
        if held.version < kept.version {
            *held = kept.clone();
        }
        drop(held);
        self.tell();
        Ok(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::super::accounts::NewAccount;
    use super::super::acts::ActFilter;
    use super::*;
    use crate::domain::Role;
    use crate::domain::settings::{IDLE_MINUTES_MAX, Notice, PageLanguage, SecondFactorRule};

    const NOW: Millis = Millis(1_795_000_000_000);
    const MINUTE: u64 = 60_000;

    fn change(version: u64, settings: Settings) -> SettingsChange {
        SettingsChange { version, settings }
    }

    #[test]
    fn settings_hold_at_once_and_after_a_restart_and_every_difference_is_a_line() {
        let dir = tempfile::tempdir().unwrap();
        let local = Local::open(dir.path()).unwrap();
        let other = local.clone();
        assert_eq!(*local.settings(), LocalSettings::default());
        let who = ("zhao", "10.1.2.3".parse().ok());
        let same = local.change_settings(&change(0, Settings::default()), who, NOW).unwrap();
        assert_eq!((same.version, local.acts(&ActFilter::default()).unwrap().items.len()), (0, 0));

        let notice = Notice { text: Default::default(), until: Some("2026-12-01".into()) };
        let tight = Settings {
            second_factor: SecondFactorRule::Required,
            idle_minutes: 10,
            notice: Some(notice),
            language: PageLanguage::En,
            ..Settings::default()
        };
        let kept = local.change_settings(&change(0, tight.clone()), who, NOW).unwrap();
        assert_eq!((kept.version, &kept.settings), (1, &tight));
        assert_eq!(other.settings(), kept, "another worker sees it");
        let lines = local.acts(&ActFilter { kind: Some(ActKind::SettingsChanged), ..ActFilter::default() }).unwrap();
        let told: Vec<(&str, &str)> =
            lines.items.iter().map(|line| (line.subject.as_str(), line.detail.as_str())).collect();
        assert!(told.contains(&("idle_minutes", "30 → 10")), "{told:?}");
        assert!(told.contains(&("notice/until", "– → 2026-12-01")), "{told:?}");
        assert!(lines.items.iter().all(|line| line.user == "zhao" && line.from == who.1));
        local.check_acts().unwrap();

        let late = local.change_settings(&change(0, Settings::default()), who, NOW);
        assert!(matches!(late, Err(ReadError::Conflict(_))), "{late:?}");
        assert_eq!(local.settings(), kept, "a lost update was taken");
        drop((local, other));
        assert_eq!(*Local::open(dir.path()).unwrap().settings(), *kept);
    }

    #[test]
    fn sessions_that_exist_end_by_the_new_settings_and_do_not_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let local = Local::open(dir.path()).unwrap();
        let roles = &[Role::Clerk];
        let new =
            NewAccount { user: "li.na", display_name: "李娜", password: "12345678", once: false, roles, lang: "zh" };
        local.create_account(&new, NOW).unwrap();
        let (resting, busy) = (NOW, NOW.plus(9 * MINUTE));
        let resting = local.open_session("li.na", None, resting).unwrap().token;
        let busy = local.open_session("li.na", None, busy).unwrap().token;
        let now = NOW.plus(12 * MINUTE);
        let alive = |token: &str, now: Millis| local.session(token, false, now).unwrap().is_some();
        assert!(alive(&resting, now) && alive(&busy, now));
        let short = Settings { idle_minutes: 10, age_minutes: 30, ..Settings::default() };
        local.change_settings(&change(0, short), ("zhao", None), now).unwrap();
        assert!(!alive(&resting, now) && alive(&busy, now));
        assert_eq!(local.session(&busy, false, now).unwrap().unwrap().ends, NOW.plus(39 * MINUTE));
        let later = NOW.plus(20 * MINUTE);
        local.change_settings(&change(1, Settings::default()), ("zhao", None), later).unwrap();
        assert!(!alive(&resting, later) && !alive(&busy, later), "a session that had ended came back");
        let fresh = local.open_session("li.na", None, later).unwrap().token;
        assert!(alive(&fresh, later.plus((IDLE_MINUTES_MAX - 1) * MINUTE)));
    }
}
