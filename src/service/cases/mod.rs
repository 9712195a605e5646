//! Cases: pull what the departments already have, compare it, let them sign off, end.

mod acts;
mod correct;
mod detail;
pub mod fields;
mod open;
mod problems;
mod resume;
mod run;
mod slip;

pub use acts::{AssignWord, FactContent, ResubmitWord, ReturnWord, SignOffWord};
pub use correct::Resubmitted;
pub use detail::{CaseDetail, PartyFacts, PullStanding, RuleStanding, Timing};
pub use open::{OpenedCase, StartCase};
pub(super) use resume::go_on;
pub use run::CaseProgress;
pub use slip::{PublicCase, Slip};

use crate::domain::case::Case;
use crate::ids::CaseId;
use crate::policy::facts::Relation;
use crate::readmodel::Page;
use crate::readmodel::cases::{CaseFilter, CaseTerm, CaseView};
use crate::readmodel::local::CaseRecord;

use super::Node;
use super::blocking::blocking;
use super::error::ServiceError;
use super::seams::settled_record;

impl Node {
    /// Cases of the city, newest first.
    ///
    /// # Errors
    /// A cursor of another listing.
    pub async fn cases(&self, filter: CaseFilter) -> Result<Page<CaseView>, ServiceError> {
        self.reading(move |model| model.cases(&filter)).await
    }

    /// What a filter of late cases needs: the deadlines there are, by this department's calendar.
    ///
    /// # Errors
    /// The database's.
    pub async fn case_terms(&self) -> Result<Vec<CaseTerm>, ServiceError> {
        let days = self.reading(move |model| model.case_terms()).await?;
        let now = self.clock.now();
        Ok(days.into_iter().map(|days| CaseTerm { days, late_before: self.calendar.late_before(now, days) }).collect())
    }

    /// A case as the ledger has it.
    fn ledger_case(&self, id: CaseId) -> Result<Case, ServiceError> {
        let case = self.chain.state().case(id).cloned();
        case.ok_or_else(|| ServiceError::missing(format_args!("case {id}")))
    }

    /// What this department keeps of its case.
    pub(super) async fn papers_of(&self, id: CaseId) -> Result<CaseRecord, ServiceError> {
        let (local, chain) = (self.local.clone(), self.chain.clone());
        let record = blocking(move || settled_record(&local, &chain, id)).await?;
        record.ok_or_else(|| ServiceError::missing(format_args!("the papers of case {id} here")))
    }

    /// How this department stands to a case that it would carry on.
    fn relation_to_case(&self, case: &Case) -> Relation {
        if case.owner == self.department { Relation::Own } else { Relation::Foreign }
    }
}

/// Randomness that keeps what stands behind a digest from being guessed, hex.
fn fresh_salt() -> Result<String, ServiceError> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|_| ServiceError::Internal("no randomness for a salt".into()))?;
    Ok(hex::encode(salt))
}
