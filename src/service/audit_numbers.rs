//! The audit in numbers, one subject's trace in short, and accesses as a file.

use crate::clock::Millis;
use crate::policy::facts::Action;
use crate::readmodel::PageRequest;
use crate::readmodel::accesses::AccessView;
use crate::readmodel::audit_counts::{AuditSummary, SubjectLine};
use crate::readmodel::local::ActKind;
use crate::readmodel::page::PAGE_SIZE_MAX;

use super::Node;
use super::audit::AuditFilter;
use super::error::ServiceError;
use super::principal::Principal;

/// Accesses of one export: as many as a person reads; for more there are narrower filters.
pub const EXPORT_MAX: usize = 10_000;
/// Calendar days of one summary.
pub const PERIOD_DAYS_MAX: u64 = 366;
/// Calendar days of a summary whose beginning nobody says.
pub const PERIOD_DAYS: u64 = 30;

/// Accesses for a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Export {
    /// Newest first.
    pub accesses: Vec<AccessView>,
    /// Whether there were more than [`EXPORT_MAX`].
    pub is_cut: bool,
}

/// First and last calendar day (UTC+8) of a summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Number of the first day.
    pub first: u64,
    /// Number of the last day.
    pub last: u64,
}

impl Period {
    /// The days in which two moments lie; without them the [`PERIOD_DAYS`] up to `now`.
    ///
    /// # Errors
    /// [`ServiceError::Malformed`] for an end before its beginning, or more than [`PERIOD_DAYS_MAX`].
    pub fn of(from: Option<Millis>, to: Option<Millis>, now: Millis) -> Result<Self, ServiceError> {
        let last = to.unwrap_or(now).day();
        let first = from.map_or(last.saturating_sub(PERIOD_DAYS - 1), Millis::day);
        if first > last || last - first >= PERIOD_DAYS_MAX {
            return Err(ServiceError::Malformed(format!("a summary takes 1 to {PERIOD_DAYS_MAX} days")));
        }
        Ok(Self { first, last })
    }
}

impl Node {
    /// Accesses in numbers: by day, departments and reason, and days that stand out. The auditor's department counts all,
    /// others those that concern them.
    ///
    /// # Errors
    /// The policy's refusal.
    pub async fn audit_summary(&self, who: &Principal, period: Period) -> Result<AuditSummary, ServiceError> {
        self.authorise(who, self.audit_facts(Action::ReadAudit))?;
        self.reading(move |model| model.audit_summary(period.first, period.last)).await
    }

    /// Who saw what of one subject, the last one first; on the auditor's node only.
    ///
    /// # Errors
    /// The policy's refusal, [`ServiceError::Malformed`] where subjects cannot be found.
    pub async fn subject_lines(&self, who: &Principal, subject: &str) -> Result<Vec<SubjectLine>, ServiceError> {
        let key = self.subject_key(who, subject)?;
        self.reading(move |model| model.subject_lines(key)).await
    }

    /// The filtered accesses for a file, newest first, at most [`EXPORT_MAX`]. Who took them out is written down.
    ///
    /// # Errors
    /// As for the listing.
    pub async fn export_accesses(&self, who: &Principal, audit: AuditFilter) -> Result<Export, ServiceError> {
        let (mut export, mut cursor) = (Export::default(), None);
        loop {
            let mut next = audit.clone();
            next.filter.page = PageRequest { cursor, size: Some(PAGE_SIZE_MAX) };
            let page = self.accesses(who, next).await?;
            export.accesses.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() || export.accesses.len() >= EXPORT_MAX {
                break;
            }
        }
        export.is_cut = cursor.is_some() || export.accesses.len() > EXPORT_MAX;
        export.accesses.truncate(EXPORT_MAX);
        self.note(who, ActKind::AccessesExported, "", &format!("{} accesses", export.accesses.len())).await;
        Ok(export)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::DAY_MS;

    #[test]
    fn a_summary_is_of_whole_days_and_no_longer_than_a_year() {
        let (now, day) = (Millis(1_795_000_000_000), DAY_MS);
        let of = |from: Option<u64>, to: Option<u64>| Period::of(from.map(Millis), to.map(Millis), now).ok();
        assert_eq!(of(None, None), Some(Period { first: now.day() - 29, last: now.day() }));
        assert_eq!(of(Some(now.0), Some(now.0)), Some(Period { first: now.day(), last: now.day() }));
        assert!(of(Some(now.0 - 365 * day), None).is_some());
        assert_eq!(of(Some(now.0 - 366 * day), None), None);
        assert_eq!(of(Some(now.0 + day), None), None);
    }
}
