//! The audit in numbers.
#![expect(missing_docs, reason = "a field of a view is named after its place on the page")]

use askama::Template;

use super::Page;
use crate::web::portal::words::Words;

/// `GET /audit/numbers`.
#[derive(Template)]
#[template(path = "audit_numbers.html")]
pub struct AuditNumbers {
    pub page: Page,
    pub t: Words,
    /// Days, `2026-11-21`.
    pub from: String,
    pub to: String,
    pub chart: Chart,
    /// Newest first.
    pub days: Vec<DayRow>,
    /// Names of the departments that provide.
    pub columns: Vec<String>,
    pub matrix: Vec<MatrixRow>,
    pub reasons: Vec<ReasonRow>,
    pub standing_out: Vec<StandingRow>,
    pub ledger_index: u64,
}

/// Bars over days, as paths of a drawing.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    pub width: u64,
    pub height: u64,
    pub left: u64,
    pub allowed: String,
    pub refused: String,
    pub ticks: Vec<Tick>,
    /// Place, where the text is held, and text.
    pub dates: Vec<(u64, &'static str, String)>,
}

/// A line of the scale.
#[derive(Clone, Debug, Default)]
pub struct Tick {
    pub value: u64,
    pub y: u64,
}

/// One day.
#[derive(Clone, Debug, Default)]
pub struct DayRow {
    pub date: String,
    pub allowed: u64,
    pub refused: u64,
}

/// What a department asked of the others.
#[derive(Clone, Debug, Default)]
pub struct MatrixRow {
    pub name: String,
    pub cells: Vec<MatrixCell>,
}

/// Accesses between two departments.
#[derive(Clone, Debug, Default)]
pub struct MatrixCell {
    pub count: u64,
    /// 0 to 4.
    pub shade: u64,
    pub href: String,
}

/// How often a reason refused.
#[derive(Clone, Debug, Default)]
pub struct ReasonRow {
    pub code: String,
    pub count: u64,
    /// Of its bar.
    pub length: u64,
}

/// A day far above what is usual.
#[derive(Clone, Debug, Default)]
pub struct StandingRow {
    pub date: String,
    pub consumer: String,
    /// Empty for the department as a whole.
    pub actor: String,
    pub accesses: u64,
    pub median: u64,
    pub href: String,
}
