//! The audit in numbers, as programs read it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::Millis;
use crate::ids::DepartmentId;
use crate::readmodel::audit_counts::{AuditSummary, PairCount, StandingOut};
use crate::readmodel::stats::AccessDay;

/// Accesses of a time in numbers.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditSummaryAnswer {
    /// Days with accesses, oldest first.
    pub days: Vec<AuditDay>,
    /// Who looked at whose data.
    pub pairs: Vec<AuditPair>,
    /// Why accesses were refused, the most frequent reason first.
    pub reasons: Vec<AuditReason>,
    /// Days with at least 50 accesses and more than 3 times the median of the 28 days before them, the largest first.
    pub standing_out: Vec<AuditStandingOut>,
    /// Index of the last transaction that this reflects.
    pub ledger_index: u64,
}

/// A calendar day (UTC+8).
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditDay {
    /// Such as `2026-11-21`.
    pub date: String,
    /// Allowed accesses.
    pub allowed: u64,
    /// Refused ones.
    pub refused: u64,
}

/// Accesses of one department to the data of another.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditPair {
    /// Who asked.
    pub consumer: DepartmentId,
    /// Whose data.
    pub provider: DepartmentId,
    /// Allowed accesses.
    pub allowed: u64,
    /// Refused ones.
    pub refused: u64,
}

/// How often a reason refused.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditReason {
    /// Its code.
    pub reason: String,
    /// Refused accesses that name it.
    pub accesses: u64,
}

/// A day far above what is usual for a department or a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditStandingOut {
    /// Such as `2026-11-21`.
    pub date: String,
    /// The department.
    pub consumer: DepartmentId,
    /// The person or system; null for the department as a whole.
    pub operator: Option<String>,
    /// Accesses on that day.
    pub accesses: u64,
    /// Median of the 28 days before.
    pub median: u64,
}

impl From<AuditSummary> for AuditSummaryAnswer {
    fn from(summary: AuditSummary) -> Self {
        let date = |day: u64| Millis::of_day(day).date();
        let day = |AccessDay { day, allowed, refused }| AuditDay { date: date(day), allowed, refused };
        let pair =
            |PairCount { consumer, provider, allowed, refused }| AuditPair { consumer, provider, allowed, refused };
        let standing = |StandingOut { day, consumer, actor, accesses, median }| AuditStandingOut {
            date: date(day),
            consumer,
            operator: actor,
            accesses,
            median,
        };
        Self {
            days: summary.days.into_iter().map(day).collect(),
            pairs: summary.pairs.into_iter().map(pair).collect(),
            reasons: summary.reasons.into_iter().map(|(reason, accesses)| AuditReason { reason, accesses }).collect(),
            standing_out: summary.standing_out.into_iter().map(standing).collect(),
            ledger_index: summary.ledger_index,
        }
    }
}
