//! `calendar.toml`: working days at UTC+8, and how many of them a decision may take.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::clock::Millis;
use crate::domain::catalog::Sharing;

use super::FileError;

/// Working days. The one of [`Default`] knows the weekend alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    weekend: BTreeSet<u8>,
    holidays: BTreeSet<u64>,
    workdays: BTreeSet<u64>,
    /// How many of them a decision may take.
    pub decision: DecisionDays,
}

/// How long a provider may take, in working days (政务数据共享条例).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionDays {
    /// A reply on data that is shared unconditionally.
    pub unconditional: u8,
    /// A decision on a grant.
    pub conditional: u8,
    /// More of them, once, with a reason.
    pub extension: u8,
    /// To decide again when the authority upheld an appeal.
    pub returned: u8,
    /// So many before its end the provider is reminded.
    pub reminder: u8,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CalendarFile {
    weekend: BTreeSet<u8>,
    holidays: Vec<String>,
    workdays: Vec<String>,
    decision: DecisionDays,
}

impl Default for Calendar {
    fn default() -> Self {
        let decision = DecisionDays { unconditional: 1, conditional: 10, extension: 5, returned: 5, reminder: 2 };
        let (holidays, workdays) = (BTreeSet::new(), BTreeSet::new());
        Self { weekend: BTreeSet::from([6, 7]), holidays, workdays, decision }
    }
}

/// No run of days off is longer: what lies behind is counted as worked, so that counting ends.
const DAYS_OFF_MAX: u64 = 60;

impl Calendar {
    /// Whether a calendar day ([`Millis::day`]) is worked.
    pub fn is_worked(&self, day: u64) -> bool {
        let is_weekend = self.weekend.contains(&Millis::of_day(day).weekday());
        self.workdays.contains(&day) || !is_weekend && !self.holidays.contains(&day)
    }

    /// The end of the n-th working day after the day of a moment.
    pub fn after(&self, from: Millis, days: u8) -> Millis {
        let last = (0..days).fold(from.day(), |day, _| self.next(day, |day| day.saturating_add(1)));
        Millis(Millis::of_day(last.saturating_add(1)).0.saturating_sub(1))
    }

    /// The moment before which whatever has so many working days is late at `now`.
    pub fn late_before(&self, now: Millis, days: u8) -> Millis {
        let first = (0..days).fold(now.day(), |day, _| self.next(day, |day| day.saturating_sub(1)));
        Millis::of_day(first)
    }

    /// Working days that a sharing type gives; none where nothing is to be decided.
    pub fn days(&self, sharing: Sharing) -> Option<u8> {
        match sharing {
            Sharing::Unconditional => Some(self.decision.unconditional),
            Sharing::Conditional => Some(self.decision.conditional),
            Sharing::NotShared => None,
        }
    }

    /// The next worked day in a direction.
    fn next(&self, day: u64, step: impl Fn(u64) -> u64) -> u64 {
        let mut next = step(day);
        for _ in 0..DAYS_OFF_MAX {
            if self.is_worked(next) {
                break;
            }
            next = step(next);
        }
        next
    }
}

/// Reads `calendar.toml`.
///
/// # Errors
/// [`FileError`] with the keys at fault.
pub fn parse(file: &str, text: &str) -> Result<Calendar, FileError> {
    let read = super::read::<CalendarFile>(file, "calendar", text)?;
    let days = |key: &str, days: &[String]| {
        let day = |(at, day): (usize, &String)| {
            let start = Millis::parse(&format!("{day}T00:00:00+08:00"));
            start.map(Millis::day).map_err(|_| FileError::new(file, format!("/{key}/{at}"), "is not a day"))
        };
        days.iter().enumerate().map(day).collect::<Result<BTreeSet<u64>, FileError>>()
    };
    let (holidays, workdays) = (days("holidays", &read.holidays)?, days("workdays", &read.workdays)?);
    Ok(Calendar { weekend: read.weekend, holidays, workdays, decision: read.decision })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Millis {
        Millis::parse(&format!("{text}+08:00")).unwrap()
    }

    #[test]
    fn days_off_are_not_counted_and_worked_saturdays_are() {
        let calendar = parse("c", include_str!("../../../departments/calendar.toml")).unwrap();
        let after = |from: &str, days| calendar.after(at(from), days).date();
        assert_eq!(after("2026-11-20T10:00:00", 1), "2026-11-23", "Friday, then Monday");
        assert_eq!(after("2026-11-21T10:00:00", 10), "2026-12-04", "asked on a Saturday");
        assert_eq!(after("2026-09-30T23:00:00", 1), "2026-10-08", "the National Day week is off");
        assert_eq!(after("2026-09-30T23:00:00", 3), "2026-10-10", "and a Saturday is worked");
        assert_eq!(calendar.after(at("2026-11-20T10:00:00"), 1).local_text(), "2026-11-23 23:59:59");
    }

    #[test]
    fn what_is_late_is_what_came_before_the_same_days_counted_back() {
        let calendar = parse("c", include_str!("../../../departments/calendar.toml")).unwrap();
        for now in ["2026-10-09T00:00:00", "2026-11-23T12:00:00", "2026-10-12T08:00:00", "2026-02-25T09:00:00"] {
            let now = at(now);
            for days in [1, 5, 10, 15] {
                let before = calendar.late_before(now, days);
                for hours in 0..24 * 40 {
                    let asked = Millis(now.0 - hours * 3_600_000);
                    assert_eq!(asked < before, calendar.after(asked, days) < now, "{asked} by {now} in {days}");
                }
            }
        }
    }

    #[test]
    fn a_day_that_does_not_exist_is_named() {
        let text = include_str!("../../../departments/calendar.toml");
        let wrong = parse("c", &text.replace("2026-01-04", "2026-02-30")).unwrap_err().to_string();
        assert!(wrong.contains("workdays"), "{wrong}");
        assert!(parse("c", &text.replace("conditional = 10 ", "conditional = 0 ")).is_err());
        assert!(!Calendar::default().is_worked(at("2026-11-21T12:00:00").day()));
    }
}
