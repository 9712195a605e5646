//! The audit in numbers: accesses by day, by departments and by reason of refusal, and days that stand out.
//!
//! Counts are kept by calendar day (UTC+8) while records come, so what is read here grows with days and departments,
//! never with records.

use std::collections::BTreeMap;

use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::upsert::excluded;
use serde::Serialize;

use crate::clock::Millis;
use crate::crypto::digest::Hash;
use crate::domain::access::{AccessDecision, AccessRecord};
use crate::ids::{DepartmentId, EntryName};

use super::ReadModel;
use super::columns::{column, from_text, key, number};
use super::database::{Database, insert_rows};
use super::error::ReadError;
use super::position::projected;
use super::schema::{access_actors, access_pairs, access_reasons, accesses};
use super::stats::AccessDay;

/// Days that a day is compared with: those before it. A day without accesses counts as nought.
pub const DAYS_BEFORE: u64 = 28;
/// Fewer accesses on a day never stand out.
pub const STANDS_OUT_MIN: u64 = 50;
/// A day stands out when it has more than this many times the median of the days before it.
pub const STANDS_OUT_TIMES: u64 = 3;
/// Days that stand out, in one answer.
const STANDING_OUT_MAX: usize = 50;
/// Days of operators that are looked at for that: the largest.
const CANDIDATES_MAX: i64 = 200;
/// Lines of a subject's summary.
const TRACE_LINES_MAX: i64 = 200;

/// The audit of a time in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditSummary {
    /// Days with accesses, oldest first.
    pub days: Vec<AccessDay>,
    /// Who looked at whose data.
    pub pairs: Vec<PairCount>,
    /// Why accesses were refused, the most frequent reason first.
    pub reasons: Vec<(String, u64)>,
    /// Days far above what is usual for a department or a person, the largest first.
    pub standing_out: Vec<StandingOut>,
    /// Index of the last transaction that this reflects.
    pub ledger_index: u64,
}

/// Accesses of one department to another's data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairCount {
    /// Who asked.
    pub consumer: DepartmentId,
    /// Whose data.
    pub provider: DepartmentId,
    /// Allowed accesses.
    pub allowed: u64,
    /// Refused ones.
    pub refused: u64,
}

/// A day with far more accesses than usual.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingOut {
    /// Number of the day.
    pub day: u64,
    /// The department.
    pub consumer: DepartmentId,
    /// The person or system; none for the department as a whole.
    pub actor: Option<String>,
    /// Accesses on that day.
    pub accesses: u64,
    /// Median of the [`DAYS_BEFORE`] days before it.
    pub median: u64,
}

/// What a department saw of one subject through one entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SubjectLine {
    /// Who asked.
    pub consumer: DepartmentId,
    /// For what.
    pub entry: EntryName,
    /// How it was decided.
    pub decision: String,
    /// How often.
    pub accesses: u64,
    /// The last time.
    pub last: Millis,
}

/// What one batch of records adds to the counts.
#[derive(Default)]
pub(super) struct Tally<'a> {
    pairs: BTreeMap<(u64, &'a str, &'a str, &'static str), i64>,
    reasons: BTreeMap<(u64, String), i64>,
    actors: BTreeMap<(u64, &'a str, String), i64>,
}

impl<'a> Tally<'a> {
    /// Counts a record.
    pub(super) fn add(&mut self, record: &'a AccessRecord) {
        let (day, consumer) = (record.time.day(), record.consumer.as_str());
        let pair = (day, consumer, record.entry.provider.as_str(), record.decision.as_str());
        *self.pairs.entry(pair).or_default() += 1;
        *self.actors.entry((day, consumer, key(&record.actor.user))).or_default() += 1;
        if record.decision == AccessDecision::Refused {
            for reason in &record.reasons {
                *self.reasons.entry((day, key(reason))).or_default() += 1;
            }
        }
    }

    /// Adds what was counted to what stands there.
    pub(super) fn write(self, connection: &mut Database) -> Result<(), ReadError> {
        {
            use access_pairs::dsl;
            let row = |((day, consumer, provider, decision), more)| {
                let place = (dsl::day.eq(column(day)), dsl::consumer.eq(consumer), dsl::provider.eq(provider));
                (place, dsl::decision.eq(decision), dsl::accesses.eq(more))
            };
            let rows: Vec<_> = self.pairs.into_iter().map(row).collect();
            insert_rows!(connection, access_pairs::table, &rows, |insert| insert
                .on_conflict((dsl::day, dsl::consumer, dsl::provider, dsl::decision))
                .do_update()
                .set(dsl::accesses.eq(dsl::accesses + excluded(dsl::accesses))));
        }
        {
            use access_reasons::dsl;
            let row =
                |((day, reason), more)| (dsl::day.eq(column(day)), dsl::reason.eq(reason), dsl::accesses.eq(more));
            let rows: Vec<_> = self.reasons.into_iter().map(row).collect();
            insert_rows!(connection, access_reasons::table, &rows, |insert| insert
                .on_conflict((dsl::day, dsl::reason))
                .do_update()
                .set(dsl::accesses.eq(dsl::accesses + excluded(dsl::accesses))));
        }
        {
            use access_actors::dsl;
            let row = |((day, consumer, actor), more)| {
                let whose = (dsl::consumer.eq(consumer), dsl::actor.eq(actor));
                (dsl::day.eq(column(day)), whose, dsl::accesses.eq(more))
            };
            let rows: Vec<_> = self.actors.into_iter().map(row).collect();
            insert_rows!(connection, access_actors::table, &rows, |insert| insert
                .on_conflict((dsl::day, dsl::consumer, dsl::actor))
                .do_update()
                .set(dsl::accesses.eq(dsl::accesses + excluded(dsl::accesses))));
        }
        Ok(())
    }
}

/// The median of a day's forerunners: `known` holds those with accesses.
fn median(mut known: Vec<u64>) -> u64 {
    let days = usize::try_from(DAYS_BEFORE).unwrap_or(usize::MAX);
    known.resize(days.max(known.len()), 0);
    known.sort_unstable();
    let at = |place: usize| known.get(place).copied().unwrap_or(0);
    (at((known.len() - 1) / 2) + at(known.len() / 2)) / 2
}

fn stands_out(accesses: u64, median: u64) -> bool {
    accesses >= STANDS_OUT_MIN && accesses > median.saturating_mul(STANDS_OUT_TIMES)
}

impl ReadModel {
    /// The numbers of the calendar days `first` to `last`, both included.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn audit_summary(&self, first: u64, last: u64) -> Result<AuditSummary, ReadError> {
        self.read(|connection| {
            let (days, pairs) = pairs(connection, first, last)?;
            let mut standing_out = departments_standing_out(connection, first, last)?;
            standing_out.extend(actors_standing_out(connection, first, last)?);
            standing_out.sort_by(|a, b| b.accesses.cmp(&a.accesses).then(b.day.cmp(&a.day)));
            standing_out.truncate(STANDING_OUT_MAX);
            let ledger_index = projected(connection)?.ledger_index();
            Ok(AuditSummary { days, pairs, reasons: reasons(connection, first, last)?, standing_out, ledger_index })
        })
    }

    /// Who saw what of a subject, the last one first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn subject_lines(&self, subject_key: Hash) -> Result<Vec<SubjectLine>, ReadError> {
        let rows: Vec<(String, String, String, i64, i64)> = self.read(|connection| {
            Ok(accesses::table
                .filter(accesses::subject_key.eq(subject_key.0.to_vec()))
                .group_by((accesses::consumer, accesses::entry, accesses::decision))
                .select((
                    accesses::consumer,
                    accesses::entry,
                    accesses::decision,
                    sql::<BigInt>("COUNT(*)"),
                    sql::<BigInt>("MAX(time)"),
                ))
                .order(sql::<BigInt>("MAX(time)").desc())
                .limit(TRACE_LINES_MAX)
                .load(connection)?)
        })?;
        let line = |(consumer, entry, decision, count, last): (String, String, String, i64, i64)| {
            Ok(SubjectLine {
                consumer: from_text(&consumer)?,
                entry: from_text(&entry)?,
                decision,
                accesses: number(count),
                last: Millis(number(last)),
            })
        };
        rows.into_iter().map(line).collect()
    }
}

/// Days, and pairs of departments, of a time.
fn pairs(connection: &mut Database, first: u64, last: u64) -> Result<(Vec<AccessDay>, Vec<PairCount>), ReadError> {
    use access_pairs::dsl;
    let within = dsl::day.ge(column(first)).and(dsl::day.le(column(last)));
    let by_day: Vec<(i64, String, i64)> = access_pairs::table
        .filter(within)
        .group_by((dsl::day, dsl::decision))
        .select((dsl::day, dsl::decision, sum()))
        .load(connection)?;
    let by_pair: Vec<(String, String, String, i64)> = access_pairs::table
        .filter(within)
        .group_by((dsl::consumer, dsl::provider, dsl::decision))
        .select((dsl::consumer, dsl::provider, dsl::decision, sum()))
        .load(connection)?;
    let mut days = BTreeMap::<u64, AccessDay>::new();
    for (day, decision, count) in by_day {
        let day = days.entry(number(day)).or_insert(AccessDay { day: number(day), ..AccessDay::default() });
        *sort(&decision, &mut day.allowed, &mut day.refused) = number(count);
    }
    let mut pairs = BTreeMap::<(String, String), (u64, u64)>::new();
    for (consumer, provider, decision, count) in by_pair {
        let (allowed, refused) = pairs.entry((consumer, provider)).or_default();
        *sort(&decision, allowed, refused) = number(count);
    }
    let pair = |((consumer, provider), (allowed, refused)): ((String, String), (u64, u64))| {
        Ok(PairCount { consumer: from_text(&consumer)?, provider: from_text(&provider)?, allowed, refused })
    };
    Ok((days.into_values().collect(), pairs.into_iter().map(pair).collect::<Result<_, ReadError>>()?))
}

/// Accesses of a group's days; PostgreSQL would answer a number of any size.
fn sum() -> SqlLiteral<BigInt> {
    sql("CAST(SUM(accesses) AS BIGINT)")
}

fn sort<'a>(decision: &str, allowed: &'a mut u64, refused: &'a mut u64) -> &'a mut u64 {
    if decision == AccessDecision::Allowed.as_str() { allowed } else { refused }
}

fn reasons(connection: &mut Database, first: u64, last: u64) -> Result<Vec<(String, u64)>, ReadError> {
    use access_reasons::dsl;
    let rows: Vec<(String, i64)> = access_reasons::table
        .filter(dsl::day.ge(column(first)).and(dsl::day.le(column(last))))
        .group_by(dsl::reason)
        .select((dsl::reason, sum()))
        .order((sum().desc(), dsl::reason))
        .load(connection)?;
    Ok(rows.into_iter().map(|(reason, count)| (reason, number(count))).collect())
}

fn departments_standing_out(connection: &mut Database, first: u64, last: u64) -> Result<Vec<StandingOut>, ReadError> {
    use access_pairs::dsl;
    let rows: Vec<(String, i64, i64)> = access_pairs::table
        .filter(dsl::day.ge(column(first.saturating_sub(DAYS_BEFORE))).and(dsl::day.le(column(last))))
        .group_by((dsl::consumer, dsl::day))
        .select((dsl::consumer, dsl::day, sum()))
        .load(connection)?;
    let mut own = BTreeMap::<String, BTreeMap<u64, u64>>::new();
    for (consumer, day, count) in rows {
        own.entry(consumer).or_default().insert(number(day), number(count));
    }
    let mut found = Vec::new();
    for (consumer, days) in own {
        for (day, accesses) in days.range(first..) {
            let before = days.range(day.saturating_sub(DAYS_BEFORE)..*day).map(|(_, count)| *count).collect();
            let median = median(before);
            if stands_out(*accesses, median) {
                let consumer = from_text(&consumer)?;
                found.push(StandingOut { day: *day, consumer, actor: None, accesses: *accesses, median });
            }
        }
    }
    Ok(found)
}

fn actors_standing_out(connection: &mut Database, first: u64, last: u64) -> Result<Vec<StandingOut>, ReadError> {
    use access_actors::dsl;
    let candidates: Vec<(i64, String, String, i64)> = access_actors::table
        .filter(dsl::day.ge(column(first)).and(dsl::day.le(column(last))))
        .filter(dsl::accesses.ge(column(STANDS_OUT_MIN)))
        .order(dsl::accesses.desc())
        .limit(CANDIDATES_MAX)
        .select((dsl::day, dsl::consumer, dsl::actor, dsl::accesses))
        .load(connection)?;
    let mut found = Vec::new();
    for (day, consumer, actor, accesses) in candidates {
        let (day, accesses) = (number(day), number(accesses));
        let before: Vec<i64> = access_actors::table
            .filter(dsl::consumer.eq(&consumer).and(dsl::actor.eq(&actor)))
            .filter(dsl::day.ge(column(day.saturating_sub(DAYS_BEFORE))).and(dsl::day.lt(column(day))))
            .select(dsl::accesses)
            .load(connection)?;
        let median = median(before.into_iter().map(number).collect());
        if stands_out(accesses, median) {
            found.push(StandingOut { day, consumer: from_text(&consumer)?, actor: Some(actor), accesses, median });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::DAY_MS;
    use crate::readmodel::testing::{BEGIN, access};

    const ENTRY: &str = "public-security/household-registration";

    fn filled(records: &[AccessRecord]) -> (tempfile::TempDir, ReadModel) {
        let dir = tempfile::tempdir().unwrap();
        let model = ReadModel::open(dir.path()).unwrap();
        let mut tally = Tally::default();
        records.iter().for_each(|record| tally.add(record));
        tally.write(&mut model.connect().unwrap().0).unwrap();
        (dir, model)
    }

    fn refused(at: Millis, reason: &str) -> AccessRecord {
        let reasons = vec![reason.to_owned()];
        AccessRecord { decision: AccessDecision::Refused, reasons, ..access(ENTRY, at) }
    }

    #[test]
    fn days_departments_and_reasons_are_counted() {
        let at = |day: u64| BEGIN.plus(day * DAY_MS);
        let other = AccessRecord { consumer: "tax".parse().unwrap(), ..access("housing/sale-contract", at(1)) };
        let all =
            [access(ENTRY, at(0)), refused(at(0), "no_grant"), access(ENTRY, at(1)), other, refused(at(1), "no_grant")];
        let (_dir, model) = filled(&all);
        let first = BEGIN.day();
        let summary = model.audit_summary(first, first + 1).unwrap();
        assert_eq!(
            summary.days,
            [AccessDay { day: first, allowed: 1, refused: 1 }, AccessDay { day: first + 1, allowed: 2, refused: 1 }]
        );
        let pairs: Vec<_> = summary
            .pairs
            .iter()
            .map(|pair| (pair.consumer.as_str(), pair.provider.as_str(), pair.allowed, pair.refused))
            .collect();
        assert_eq!(pairs, [("civil-affairs", "public-security", 2, 2), ("tax", "housing", 1, 0)]);
        assert_eq!(summary.reasons, [("no_grant".to_owned(), 2)]);
        assert!(model.audit_summary(first + 2, first + 9).unwrap().days.is_empty());
    }

    #[test]
    fn a_day_far_above_the_own_median_stands_out_and_a_busy_routine_does_not() {
        // Sixty a day is this department's routine; on the last day one person asks four times as often.
        let mut records = Vec::new();
        for day in 0..=20 {
            for n in 0..60 {
                records.push(access(ENTRY, BEGIN.plus(day * DAY_MS + n)));
            }
        }
        for n in 0..240 {
            let mut record = access(ENTRY, BEGIN.plus(20 * DAY_MS + n));
            record.actor.user = "li.na".into();
            records.push(record);
        }
        let (_dir, model) = filled(&records);
        let last = BEGIN.day() + 20;
        let found = model.audit_summary(last, last).unwrap().standing_out;
        let told: Vec<_> = found.iter().map(|one| (one.actor.as_deref(), one.accesses, one.median)).collect();
        assert_eq!(told, [(None, 300, 60), (Some("li.na"), 240, 0)]);
        assert!(model.audit_summary(last - 1, last - 1).unwrap().standing_out.is_empty(), "a routine of 19 days");
    }

    #[test]
    fn the_median_counts_quiet_days_as_nought() {
        assert_eq!(median(vec![100; 13]), 0);
        assert_eq!(median(vec![100; 14]), 50);
        assert_eq!(median((1..=28).collect()), 14);
        assert!(stands_out(50, 16) && !stands_out(50, 17) && !stands_out(49, 0));
    }
}
