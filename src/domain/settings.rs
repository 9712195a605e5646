//! What a department's administrator sets in the portal, and what may be set. Defaults are what holds until then.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Text;
use super::schema::{Fault, FaultCode, api_body};

/// How long a session may rest at most, and does unless somebody says less, in minutes.
pub const IDLE_MINUTES_MAX: u64 = 30;
/// How long a session may last at most, and does unless somebody says less, in minutes.
pub const AGE_MINUTES_MAX: u64 = 480;
const MINUTE_MS: u64 = 60_000;
/// In the log, for what was not set.
const NOTHING: &str = "–";

/// Whether a second factor is a must; the stricter rule is the greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecondFactorRule {
    /// Everybody may set one up.
    #[default]
    Offered,
    /// Reviewers and administrators set one up before anything else.
    Required,
}

impl SecondFactorRule {
    /// Every rule.
    pub const ALL: [Self; 2] = [Self::Offered, Self::Required];

    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Offered => "offered",
            Self::Required => "required",
        }
    }
}

/// A language of the portal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PageLanguage {
    /// Chinese.
    #[default]
    Zh,
    /// English.
    En,
}

impl PageLanguage {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::Zh, Self::En];

    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Zh => "zh",
            Self::En => "en",
        }
    }
}

/// Whom to ask.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Name of the desk.
    pub desk: Text,
    /// As people write it.
    pub telephone: String,
    /// When somebody is there.
    pub hours: Option<Text>,
}

/// What everybody who opens the portal shall know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Plain text.
    pub text: Text,
    /// The last day on which it is shown, `2026-11-30` at UTC+8.
    pub until: Option<String>,
}

impl Notice {
    /// Whether it has not ended on a day.
    pub fn is_shown(&self, today: &str) -> bool {
        self.until.as_deref().is_none_or(|until| today <= until)
    }
}

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Of reviewers and administrators.
    pub second_factor: SecondFactorRule,
    /// How long a session may rest, in minutes.
    pub idle_minutes: u64,
    /// How long a session may last, in minutes.
    pub age_minutes: u64,
    /// Whom to ask.
    pub contact: Option<Contact>,
    /// What everybody shall know.
    pub notice: Option<Notice>,
    /// Of people who chose none and whose browser asks for neither.
    pub language: PageLanguage,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            second_factor: SecondFactorRule::default(),
            idle_minutes: IDLE_MINUTES_MAX,
            age_minutes: AGE_MINUTES_MAX,
            contact: None,
            notice: None,
            language: PageLanguage::default(),
        }
    }
}

impl Settings {
    /// How long a session may rest, in milliseconds.
    pub fn idle_ms(&self) -> u64 {
        self.idle_minutes.saturating_mul(MINUTE_MS)
    }

    /// How long a session may last, in milliseconds.
    pub fn age_ms(&self) -> u64 {
        self.age_minutes.saturating_mul(MINUTE_MS)
    }

    /// What differs in later settings: place, before and after, each as people read it.
    pub fn differences(&self, after: &Self) -> Vec<(String, String, String)> {
        let (before, after) = (leaves(self), leaves(after));
        let places: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let told = |of: &BTreeMap<String, String>, place| of.get(place).map_or(NOTHING, String::as_str).to_owned();
        let differing = places.into_iter().filter(|place| before.get(*place) != after.get(*place));
        differing.map(|place| (place.clone(), told(&before, place), told(&after, place))).collect()
    }
}

/// Every value below a document by its place, `notice/text/zh`.
fn leaves(settings: &Settings) -> BTreeMap<String, String> {
    fn walk(place: &str, value: &Value, found: &mut BTreeMap<String, String>) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    let below = if place.is_empty() { name.clone() } else { format!("{place}/{name}") };
                    walk(&below, value, found);
                }
            }
            Value::Null => {}
            Value::String(text) => drop(found.insert(place.to_owned(), text.clone())),
            other => drop(found.insert(place.to_owned(), other.to_string())),
        }
    }
    let mut found = BTreeMap::new();
    walk("", &serde_json::to_value(settings).unwrap_or_default(), &mut found);
    found
}

/// Settings that shall take the place of a version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsChange {
    /// The version that was read; 0 while nothing was ever changed.
    pub version: u64,
    /// All of them.
    #[serde(flatten)]
    pub settings: Settings,
}

impl SettingsChange {
    /// Everything that is wrong with it, by JSON Pointer (RFC 6901): bounds and forms by the schema `settings`, then what
    /// needs to know what holds now, what the operator demands, and which day it is (`2026-11-30`).
    pub fn faults(&self, now: &Settings, demanded: SecondFactorRule, today: &str) -> Vec<Fault> {
        let document = serde_json::to_value(self).unwrap_or_default();
        let mut faults = api_body("settings").map(|schema| schema.check(&document)).unwrap_or_default();
        let new = &self.settings;
        if new.second_factor < demanded {
            let message = "node.toml demands a second factor: the operator alone can change that";
            faults.push(Fault::of(FaultCode::NotOffered, "/second_factor", message));
        }
        if new.idle_minutes > new.age_minutes {
            let longest = new.age_minutes.to_string();
            faults.push(Fault::of(FaultCode::Maximum, "/idle_minutes", "is longer than age_minutes").naming(longest));
        }
        // A notice that ended by itself may stay as it is while something else is changed.
        if new.notice != now.notice && new.notice.as_ref().is_some_and(|notice| !notice.is_shown(today)) {
            faults.push(Fault::of(FaultCode::PastDate, "/notice/until", "is over: name a later day"));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: &str = "2026-11-22";

    fn text(zh: &str, en: &str) -> Text {
        Text { zh: zh.into(), en: en.into() }
    }

    fn full() -> Settings {
        Settings {
            contact: Some(Contact {
                desk: text("政务服务科", "Service desk"),
                telephone: "010-1234 5678 转 2".into(),
                hours: Some(text("工作日 9:00–17:00", "9:00–17:00 on working days")),
            }),
            notice: Some(Notice {
                text: text("周六维护\n九点起", "Closed on Saturday"), until: Some(TODAY.into())
            }),
            ..Settings::default()
        }
    }

    fn places(settings: Settings, now: &Settings, demanded: SecondFactorRule) -> Vec<String> {
        let change = SettingsChange { version: 3, settings };
        change.faults(now, demanded, TODAY).into_iter().map(|fault| fault.pointer).collect()
    }

    #[test]
    fn what_holds_by_itself_and_what_fills_every_place_fits() {
        for settings in [Settings::default(), full()] {
            assert_eq!(places(settings, &Settings::default(), SecondFactorRule::Offered), [""; 0]);
        }
        let least = Settings { idle_minutes: 5, age_minutes: 30, ..full() };
        assert_eq!(places(least, &Settings::default(), SecondFactorRule::Offered), [""; 0]);
    }

    #[test]
    fn every_bound_is_named_by_its_place() {
        let contact = |change: fn(&mut Contact)| {
            let mut settings = full();
            settings.contact.iter_mut().for_each(change);
            settings
        };
        let notice = |change: fn(&mut Notice)| {
            let mut settings = full();
            settings.notice.iter_mut().for_each(change);
            settings
        };
        for (settings, place) in [
            (Settings { idle_minutes: 4, ..full() }, "/idle_minutes"),
            (Settings { idle_minutes: IDLE_MINUTES_MAX + 1, ..full() }, "/idle_minutes"),
            (Settings { age_minutes: 29, idle_minutes: 5, ..full() }, "/age_minutes"),
            (Settings { age_minutes: AGE_MINUTES_MAX + 1, ..full() }, "/age_minutes"),
            (contact(|it| it.desk.zh.clear()), "/contact/desk/zh"),
            (contact(|it| it.desk.en = "x".repeat(121)), "/contact/desk/en"),
            (contact(|it| it.telephone.clear()), "/contact/telephone"),
            (contact(|it| it.telephone = "010\n110".into()), "/contact/telephone"),
            (contact(|it| it.hours = Some(text("", "always"))), "/contact/hours/zh"),
            (notice(|it| it.text.zh = "超".repeat(501)), "/notice/text/zh"),
            (notice(|it| it.text.en.clear()), "/notice/text/en"),
            (notice(|it| it.text.en = "\u{7}".into()), "/notice/text/en"),
            (notice(|it| it.until = Some("2026-02-30".into())), "/notice/until"),
            (notice(|it| it.until = Some("2026-11-21".into())), "/notice/until"),
        ] {
            let found = places(settings, &Settings::default(), SecondFactorRule::Offered);
            assert!(!found.is_empty() && found.iter().all(|found| found == place), "{place}: {found:?}");
        }
    }

    #[test]
    fn what_the_operator_demands_is_not_loosened() {
        let demanded = SecondFactorRule::Required;
        assert_eq!(places(full(), &full(), demanded), ["/second_factor"]);
        let tight = Settings { second_factor: demanded, ..full() };
        assert_eq!(places(tight, &full(), demanded), [""; 0]);
    }

    #[test]
    fn a_session_rests_no_longer_than_it_lasts() {
        let settings = Settings { idle_minutes: 30, age_minutes: 29, ..full() };
        assert_eq!(places(settings, &full(), SecondFactorRule::Offered), ["/age_minutes", "/idle_minutes"]);
    }

    #[test]
    fn a_notice_ends_with_its_day_and_stands_in_no_ones_way_then() {
        let mut ended = full();
        ended.notice.iter_mut().for_each(|notice| notice.until = Some("2026-11-21".into()));
        let shown = |settings: &Settings, today: &str| settings.notice.as_ref().is_some_and(|it| it.is_shown(today));
        assert!(shown(&full(), TODAY) && !shown(&full(), "2026-11-23") && !shown(&ended, TODAY));
        let more = Settings { idle_minutes: 10, ..ended.clone() };
        assert_eq!(places(more, &ended, SecondFactorRule::Offered), [""; 0]);
    }

    #[test]
    fn differences_are_told_one_by_one() {
        let after = Settings { idle_minutes: 20, notice: None, ..full() };
        let found = full().differences(&after);
        let told: Vec<(&str, &str, &str)> =
            found.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str())).collect();
        assert_eq!(
            told,
            [
                ("idle_minutes", "30", "20"),
                ("notice/text/en", "Closed on Saturday", NOTHING),
                ("notice/text/zh", "周六维护\n九点起", NOTHING),
                ("notice/until", TODAY, NOTHING),
            ]
        );
        assert!(full().differences(&full()).is_empty());
    }
}
