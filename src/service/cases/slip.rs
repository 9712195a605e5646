//! What an applicant holds and may know: the slip of a case, and how it stands for who has the slip.

use std::collections::BTreeMap;

use crate::domain::Text;
use crate::domain::department_files::workflow::WorkflowFile;
use crate::ids::CaseId;
use crate::readmodel::cases::CaseView;
use crate::readmodel::local::CaseSlip;
use crate::service::Node;
use crate::service::blocking::blocking;
use crate::service::error::ServiceError;
use crate::service::picture::qr;
use crate::service::principal::Principal;

use super::detail::Timing;

/// Numbers and codes are no longer.
const ASKED_CHARS_MAX: usize = 64;

/// A slip to hand over.
#[derive(Clone, Debug)]
pub struct Slip {
    /// Number and code.
    pub kept: CaseSlip,
    /// The case.
    pub case: CaseView,
    /// When it is due.
    pub timing: Timing,
    /// The workflow that it follows.
    pub workflow: WorkflowFile,
    /// Where its holder sees how it stands: the number is in the address, the code is not.
    pub url: String,
    /// The same as a picture (SVG).
    pub picture: String,
}

/// A case as its applicant sees it.
#[derive(Clone, Debug)]
pub struct PublicCase {
    /// Its number.
    pub number: String,
    /// As the ledger has it: no personal data is in it.
    pub case: CaseView,
    /// When it and its steps are due.
    pub timing: Timing,
    /// Name of its workflow.
    pub title: Text,
}

impl Node {
    /// The slip of a case of this department. Clerks and reviewers may.
    ///
    /// # Errors
    /// The policy's refusal, [`ServiceError::NotFound`].
    pub async fn case_slip(&self, who: &Principal, id: CaseId) -> Result<Slip, ServiceError> {
        self.authorise_owner(who, id)?;
        let workflow = self.workflow_of(&self.ledger_case(id)?)?;
        let (local, now) = (self.local.clone(), self.clock.now());
        let kept = blocking(move || local.case_slip(id, now)).await?;
        let case = self.reading(move |model| model.case(id)).await?;
        let case = case.ok_or_else(|| ServiceError::missing(format_args!("case {id}")))?;
        let url = format!("{}/progress?number={}", self.config.web.public_url(), kept.number);
        let picture = qr(&url)?;
        Ok(Slip { timing: self.case_timing(&case), kept, case, workflow, url, picture })
    }

    /// The numbers of those of the cases that this department handles: no more than a page of them.
    ///
    /// # Errors
    /// [`ServiceError`] of the database.
    pub async fn case_numbers(&self, cases: Vec<CaseId>) -> Result<BTreeMap<CaseId, String>, ServiceError> {
        let local = self.local.clone();
        blocking(move || local.case_numbers(&cases)).await
    }

    /// The case of this department with a number. Clerks and reviewers may.
    ///
    /// # Errors
    /// The policy's refusal, [`ServiceError::NotFound`].
    pub async fn case_of_number(&self, who: &Principal, number: &str) -> Result<CaseId, ServiceError> {
        let slip = self.slip(number).await?;
        let slip = slip.ok_or_else(|| ServiceError::missing("a case with this number"))?;
        self.authorise_owner(who, slip.case)?;
        Ok(slip.case)
    }

    /// How a case stands, for who has its slip. One that does not exist and a wrong code look alike.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn public_case(&self, number: &str, code: &str) -> Result<PublicCase, ServiceError> {
        let unknown = || ServiceError::missing("a case with this number and code");
        let slip = self.slip(number).await?.filter(|_| code.len() <= ASKED_CHARS_MAX);
        let slip = slip.filter(|slip| slip.fits(code)).ok_or_else(unknown)?;
        let case = self.reading(move |model| model.case(slip.case)).await?.ok_or_else(unknown)?;
        let version = case.version.unwrap_or_default();
        let workflow = self.workflow_version(&case.owner, &case.workflow, version);
        let title = workflow.map_or_else(|_| case.title.clone(), |workflow| workflow.title);
        Ok(PublicCase { number: slip.number, timing: self.case_timing(&case), title, case })
    }

    async fn slip(&self, number: &str) -> Result<Option<CaseSlip>, ServiceError> {
        if number.len() > ASKED_CHARS_MAX {
            return Ok(None);
        }
        let (local, number) = (self.local.clone(), number.to_owned());
        blocking(move || local.slip_of_number(&number)).await
    }
}
