//! The form of what an administrator sets: from fields into settings, and back.

use crate::domain::Text;
use crate::domain::schema::{Fault as Misfit, FaultCode};
use crate::domain::settings::{Contact, Notice, SecondFactorRule, Settings, SettingsChange};
use crate::readmodel::local::LocalSettings;
use crate::web::problem::Problem;

use super::codes;
use super::form::Fields;
use super::told::told;
use super::views::Faults;
use super::views::admin::SettingsFields;
use super::words::Words;

/// The form filled with what holds.
pub fn filled(kept: &LocalSettings, demanded: SecondFactorRule) -> SettingsFields {
    let Settings { second_factor, idle_minutes, age_minutes, contact, notice, language } = kept.settings.clone();
    let contact = contact.unwrap_or_default();
    let (hours, notice) = (contact.hours.unwrap_or_default(), notice.unwrap_or_default());
    SettingsFields {
        version: kept.version.to_string(),
        second_factor: second_factor.as_str().to_owned(),
        rules: rules(demanded),
        idle: idle_minutes.to_string(),
        age: age_minutes.to_string(),
        language: language.as_str().to_owned(),
        desk_zh: contact.desk.zh,
        desk_en: contact.desk.en,
        telephone: contact.telephone,
        hours_zh: hours.zh,
        hours_en: hours.en,
        notice_zh: notice.text.zh,
        notice_en: notice.text.en,
        notice_until: notice.until.unwrap_or_default(),
    }
}

/// The form as it was sent.
pub fn sent(form: &Fields, demanded: SecondFactorRule) -> SettingsFields {
    let get = |name: &str| form.get(name).to_owned();
    // Browsers end lines in two characters (WHATWG HTML 4.10.21.7).
    let lines = |name: &str| form.get(name).replace("\r\n", "\n");
    SettingsFields {
        version: get("version"),
        second_factor: get("second_factor"),
        rules: rules(demanded),
        idle: get("idle"),
        age: get("age"),
        language: get("language"),
        desk_zh: get("desk_zh"),
        desk_en: get("desk_en"),
        telephone: get("telephone"),
        hours_zh: get("hours_zh"),
        hours_en: get("hours_en"),
        notice_zh: lines("notice_zh"),
        notice_en: lines("notice_en"),
        notice_until: get("notice_until"),
    }
}

fn rules(demanded: SecondFactorRule) -> Vec<&'static str> {
    SecondFactorRule::ALL.into_iter().filter(|rule| *rule >= demanded).map(SecondFactorRule::as_str).collect()
}

/// What the form says; none of its numbers and words need fit their bounds yet.
///
/// # Errors
/// `invalid_parameter` for what no browser sends of this form.
pub fn read(fields: &SettingsFields) -> Result<SettingsChange, Problem> {
    let wrong = || Problem::new("invalid_parameter");
    let text = |zh: &str, en: &str| (!zh.is_empty() || !en.is_empty()).then(|| Text { zh: zh.into(), en: en.into() });
    let desk = text(&fields.desk_zh, &fields.desk_en);
    let hours = text(&fields.hours_zh, &fields.hours_en);
    let is_contact = desk.is_some() || hours.is_some() || !fields.telephone.is_empty();
    let contact = Contact { desk: desk.unwrap_or_default(), telephone: fields.telephone.clone(), hours };
    let until = Some(fields.notice_until.clone()).filter(|until| !until.is_empty());
    let notice = text(&fields.notice_zh, &fields.notice_en);
    let notice = (notice.is_some() || until.is_some()).then(|| Notice { text: notice.unwrap_or_default(), until });
    // What is no number is out of bounds.
    let minutes = |text: &str| text.parse().unwrap_or(0);
    Ok(SettingsChange {
        version: fields.version.parse().map_err(|_| wrong())?,
        settings: Settings {
            second_factor: codes::value(&fields.second_factor).ok_or_else(wrong)?,
            idle_minutes: minutes(&fields.idle),
            age_minutes: minutes(&fields.age),
            contact: is_contact.then_some(contact),
            notice,
            language: codes::value(&fields.language).ok_or_else(wrong)?,
        },
    })
}

/// What is wrong, at the fields that it concerns.
pub fn faults(t: Words, misfits: &[Misfit], fields: &SettingsFields) -> Faults {
    let mut faults = Faults::default();
    for misfit in misfits {
        let (field, value) = match misfit.pointer.as_str() {
            "/second_factor" => ("second_factor", &fields.second_factor),
            "/idle_minutes" => ("idle", &fields.idle),
            "/age_minutes" => ("age", &fields.age),
            "/contact/desk/zh" => ("desk_zh", &fields.desk_zh),
            "/contact/desk/en" => ("desk_en", &fields.desk_en),
            "/contact/telephone" => ("telephone", &fields.telephone),
            "/contact/hours/zh" => ("hours_zh", &fields.hours_zh),
            "/contact/hours/en" => ("hours_en", &fields.hours_en),
            "/notice/text/zh" => ("notice_zh", &fields.notice_zh),
            "/notice/text/en" => ("notice_en", &fields.notice_en),
            "/notice/until" => ("notice_until", &fields.notice_until),
            _ => ("language", &fields.language),
        };
        let empty = Misfit::of(FaultCode::Required, "", "");
        let said = told(t, if value.is_empty() { &empty } else { misfit }, |_| None);
        faults.tell(t, field, &t.word("setting", field), &said);
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::super::words::Lang;
    use super::*;
    use crate::domain::settings::PageLanguage;

    fn form(pairs: &[(&str, &str)]) -> SettingsFields {
        let usual =
            [("version", "2"), ("second_factor", "offered"), ("idle", "30"), ("age", "480"), ("language", "zh")];
        let all = pairs.iter().chain(&usual).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        sent(&Fields::of(all), SecondFactorRule::Offered)
    }

    #[test]
    fn a_form_that_is_left_as_it_is_changes_nothing() {
        let hours = Some(Text { zh: "全天".into(), en: "always".into() });
        let desk = Text { zh: "服务台".into(), en: "Desk".into() };
        let settings = Settings {
            contact: Some(Contact { desk, telephone: "12345".into(), hours }),
            notice: Some(Notice { text: Text { zh: "公告".into(), en: "Notice".into() }, until: None }),
            language: PageLanguage::En,
            ..Settings::default()
        };
        for settings in [Settings::default(), settings] {
            let kept = LocalSettings { version: 7, changed: None, settings };
            let read = read(&filled(&kept, SecondFactorRule::Offered)).unwrap();
            assert_eq!((read.version, read.settings), (7, kept.settings));
        }
    }

    #[test]
    fn faults_stand_at_their_fields() {
        let long = "x".repeat(501);
        let fields = form(&[
            ("idle", "an hour"),
            ("telephone", "12345"),
            ("notice_zh", "一\r\n二"),
            ("notice_en", long.as_str()),
            ("notice_until", "2026-01-01"),
        ]);
        assert_eq!(fields.notice_zh, "一\n二");
        let change = read(&fields).unwrap();
        let misfits = change.faults(&Settings::default(), SecondFactorRule::Required, "2026-11-22");
        let found = faults(Words::of(Lang::En), &misfits, &fields);
        for (field, message) in [
            ("second_factor", "is not on offer"),
            ("idle", "must not be below 5"),
            ("desk_zh", "must be filled in"),
            ("desk_en", "must be filled in"),
            ("notice_en", "has more than 500 characters"),
            ("notice_until", "is over"),
        ] {
            assert!(found.of(field).is_some_and(|said| said.contains(message)), "{field}: {:?}", found.of(field));
        }
        assert_eq!(found.all().len(), 6);
        assert_eq!(rules(SecondFactorRule::Required), ["required"]);
    }

    #[test]
    fn what_no_browser_sends_is_refused() {
        for strange in [("version", "x"), ("second_factor", "none"), ("language", "fr")] {
            assert!(read(&form(&[strange])).is_err(), "{strange:?}");
        }
    }
}
