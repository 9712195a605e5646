//! The audit in numbers: charts drawn on the server, each beside its numbers; and accesses as a file.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::HttpResponse;
use actix_web::http::header;

use crate::clock::Millis;
use crate::ids::DepartmentId;
use crate::readmodel::audit_counts::{AuditSummary, StandingOut};
use crate::readmodel::stats::AccessDay;
use crate::service::audit_numbers::Period;
use crate::web::api::catalog_files::XLSX;
use crate::web::problem::Problem;
use crate::web::sheets::accesses::AccessFile;

use super::audit::wanted;
use super::dates::start_of;
use super::desk::{Desk, Visitor};
use super::href::href;
use super::render::Answer;
use super::views::audit_numbers::{AuditNumbers, Chart, DayRow, MatrixCell, MatrixRow, ReasonRow, StandingRow, Tick};

/// Of the drawing, in its own units.
const WIDTH: u64 = 720;
const HEIGHT: u64 = 200;
const LEFT: u64 = 56;
const BOTTOM: u64 = 24;
const TOP: u64 = 10;
/// Shades of the matrix above the empty one.
const SHADES: u64 = 4;
/// Length of the longest bar of the reasons.
const METER: u64 = 128;

/// The charts.
pub async fn show(visitor: Visitor) -> Answer {
    let wrong = || Problem::new("invalid_parameter");
    let day = |name: &str| match visitor.query.get(name) {
        "" => Ok(None),
        day => start_of(day).map(Some).ok_or_else(wrong),
    };
    let period = Period::of(day("from")?, day("to")?, visitor.node.clock.now())?;
    let summary = visitor.node.audit_summary(&visitor.who, period).await?;
    let (from, to) = (Millis::of_day(period.first).date(), Millis::of_day(period.last).date());
    let largest_reason = summary.reasons.iter().map(|(_, count)| *count).max().unwrap_or(1);
    let reason = |(code, count): &(String, u64)| ReasonRow {
        code: code.clone(),
        count: *count,
        length: (count * METER / largest_reason.max(1)).max(1),
    };
    let (columns, matrix) = matrix(&visitor, &summary, &from, &to);
    let row =
        |day: &AccessDay| DayRow { date: Millis::of_day(day.day).date(), allowed: day.allowed, refused: day.refused };
    visitor.show(&AuditNumbers {
        page: visitor.page(),
        t: visitor.t,
        chart: chart(period, &summary.days),
        days: summary.days.iter().rev().map(row).collect(),
        columns,
        matrix,
        reasons: summary.reasons.iter().map(reason).collect(),
        standing_out: summary.standing_out.iter().map(|one| standing(&visitor, one)).collect(),
        ledger_index: summary.ledger_index,
        from,
        to,
    })
}

/// The next of 1, 2, 5, 10, 20, 50 … that is not below.
fn round_up(number: u64) -> u64 {
    let mut step = 1_u64;
    loop {
        for factor in [1, 2, 5] {
            let round = step.saturating_mul(factor);
            if round >= number {
                return round;
            }
        }
        step = step.saturating_mul(10);
    }
}

/// Bars of the days: refused ones stand on the allowed ones.
fn chart(period: Period, days: &[AccessDay]) -> Chart {
    let count = period.last - period.first + 1;
    let top = round_up(days.iter().map(|day| day.allowed + day.refused).max().unwrap_or(1).max(2));
    let (room, base) = (HEIGHT - TOP - BOTTOM, HEIGHT - BOTTOM);
    let high = |accesses: u64| accesses.saturating_mul(room) / top;
    let x = |place: u64| LEFT + place * (WIDTH - LEFT) / count;
    let mut chart = Chart { width: WIDTH, height: HEIGHT, left: LEFT, ..Chart::default() };
    for day in days {
        let place = day.day.saturating_sub(period.first);
        let (left, right) = (x(place), x(place + 1));
        let gap = u64::from(right - left > 4);
        let width = (right - left).saturating_sub(gap).max(1);
        // What is there is seen, however little it is.
        let allowed = high(day.allowed).max(u64::from(day.allowed > 0));
        let refused = high(day.refused).max(u64::from(day.refused > 0));
        let bar = |from: u64, height: u64| format!("M{left} {}v-{height}h{width}v{height}z", base - from);
        if allowed > 0 {
            chart.allowed.push_str(&bar(0, allowed));
        }
        if refused > 0 {
            chart.refused.push_str(&bar(allowed, refused));
        }
    }
    chart.ticks = [0, top / 2, top].map(|value| Tick { value, y: base - high(value) }).into();
    let date = |day: u64| Millis::of_day(day).date();
    chart.dates = vec![(LEFT, "start", date(period.first))];
    if count > 1 {
        chart.dates.push((WIDTH, "end", date(period.last)));
    }
    chart
}

fn matrix(desk: &Desk, summary: &AuditSummary, from: &str, to: &str) -> (Vec<String>, Vec<MatrixRow>) {
    let counts: BTreeMap<(&DepartmentId, &DepartmentId), u64> =
        summary.pairs.iter().map(|pair| ((&pair.consumer, &pair.provider), pair.allowed + pair.refused)).collect();
    let most = counts.values().copied().max().unwrap_or(1).max(1);
    let consumers: BTreeSet<&DepartmentId> = summary.pairs.iter().map(|pair| &pair.consumer).collect();
    let providers: BTreeSet<&DepartmentId> = summary.pairs.iter().map(|pair| &pair.provider).collect();
    let cell = |consumer: &DepartmentId, provider: &DepartmentId| {
        let count = counts.get(&(consumer, provider)).copied().unwrap_or(0);
        let fields = [("consumer", consumer.as_str()), ("provider", provider.as_str()), ("from", from), ("to", to)];
        let shade = if count == 0 { 0 } else { 1 + count * (SHADES - 1) / most };
        MatrixCell { count, shade, href: href("/audit", &fields) }
    };
    let row = |consumer: &&DepartmentId| MatrixRow {
        name: desk.department(consumer),
        cells: providers.iter().map(|provider| cell(consumer, provider)).collect(),
    };
    (providers.iter().map(|provider| desk.department(provider)).collect(), consumers.iter().map(row).collect())
}

fn standing(desk: &Desk, one: &StandingOut) -> StandingRow {
    let date = Millis::of_day(one.day).date();
    let actor = one.actor.clone().unwrap_or_default();
    let fields = [("consumer", one.consumer.as_str()), ("operator", &*actor), ("from", &*date), ("to", &*date)];
    StandingRow {
        href: href("/audit", &fields),
        consumer: desk.department(&one.consumer),
        accesses: one.accesses,
        median: one.median,
        date: date.clone(),
        actor,
    }
}

/// The filtered accesses as a file.
pub async fn export(visitor: Visitor) -> Answer {
    let form = match visitor.query.get("format") {
        "xlsx" => AccessFile::Xlsx,
        "csv" => AccessFile::Csv,
        _ => return Err(Problem::new("invalid_parameter").detail("format is xlsx or csv")),
    };
    let export = visitor.node.export_accesses(&visitor.who, wanted(&visitor.query)?).await?;
    let t = visitor.t;
    let written = actix_web::web::block(move || form.write(&export, t).map_err(|error| error.to_string()));
    let bytes = written.await.map_err(Problem::internal)?.map_err(Problem::internal)?;
    Ok(sent(form, bytes))
}

/// A file of accesses as it is sent.
pub fn sent(form: AccessFile, bytes: Vec<u8>) -> HttpResponse {
    let kind = match form {
        AccessFile::Xlsx => XLSX,
        AccessFile::Csv => "text/csv; charset=utf-8",
    };
    let disposition = format!("attachment; filename=\"{}\"", form.name());
    HttpResponse::Ok().content_type(kind).insert_header((header::CONTENT_DISPOSITION, disposition)).body(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readmodel::audit_counts::{DAYS_BEFORE, STANDS_OUT_MIN, STANDS_OUT_TIMES};
    use crate::service::audit_numbers::EXPORT_MAX;
    use crate::web::portal::words::{Lang, Words};

    #[test]
    fn bars_stand_on_each_other_within_the_drawing() {
        let period = Period { first: 100, last: 129 };
        let days = [AccessDay { day: 100, allowed: 300, refused: 100 }, AccessDay { day: 129, allowed: 0, refused: 1 }];
        let chart = chart(period, &days);
        assert_eq!(chart.ticks.iter().map(|tick| tick.value).collect::<Vec<_>>(), [0, 250, 500]);
        assert_eq!(chart.allowed, "M56 176v-99h21v99z");
        assert_eq!(chart.refused, "M56 77v-33h21v33zM697 176v-1h22v1z", "one refusal of five hundred is seen");
        assert_eq!([1, 2, 3, 6, 11, 400, 501].map(round_up), [1, 2, 5, 10, 20, 500, 1000]);
        assert_eq!(super::chart(period, &[]).allowed, "");
    }

    #[test]
    fn the_page_tells_the_rule_as_it_is() {
        for lang in [Lang::Zh, Lang::En] {
            let (t, grouped) = (Words::of(lang), |number: u64| Words::of(lang).number(number));
            let rule = t.say("audit-standing-out-rule");
            for number in [DAYS_BEFORE, STANDS_OUT_MIN, STANDS_OUT_TIMES] {
                assert!(rule.contains(&format!(" {number} ")), "{rule}");
            }
            assert!(t.say("audit-export-hint").contains(&grouped(EXPORT_MAX as u64)));
        }
    }
}
