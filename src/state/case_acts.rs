//! What the parties of a case do in it since edition 4: pull, check, return, resubmit, assign, withdraw, complete.

use std::collections::BTreeSet;

use crate::domain::case::{
    Assignee, Case, CaseAssignment, CaseCheck, CaseCompletion, CaseCorrection, CaseEnd, CasePull, CaseResubmission,
    CaseReturn, CaseState, CaseWithdrawal, SignOffStep,
};
use crate::ids::{CaseId, Slug};

use super::cases::{check_pulls, own_step};
use super::catalog::reviewer;
use super::limits;
use super::machine::{Context, State};
use super::outcome::Refusal;

const RESULTS_MAX: usize = 100;
const USER_CHARS_MAX: usize = 64;

impl State {
    pub(super) fn record_pull(&mut self, by: &Context<'_>, pull: CasePull) -> Result<(), Refusal> {
        let case = self.owned(by, pull.case)?;
        if !case.pulls().contains(&pull.pull) {
            return Err(Refusal::Unknown(format!("pull {}", pull.pull)));
        }
        in_state(case, &[CaseState::Waiting])?;
        // Data that did not agree may be pulled again; other data stays as it came.
        if case.pulled.contains_key(&pull.pull) && !case.disputed.contains(&pull.pull) {
            return Err(Refusal::Conflict(format!("{} was pulled already", pull.pull)));
        }
        self.happen(&pull.case, |case| {
            case.checked = None;
            case.disputed.remove(&pull.pull);
            case.pulled.insert(pull.pull, pull.material);
        })
    }

    pub(super) fn record_check(&mut self, by: &Context<'_>, check: CaseCheck) -> Result<(), Refusal> {
        let case = self.owned(by, check.case)?;
        in_state(case, &[CaseState::Waiting])?;
        if let Some(missing) = case.pulls().iter().find(|name| !case.pulled.contains_key(*name)) {
            return Err(Refusal::Conflict(format!("{missing} was not pulled yet")));
        }
        let distinct: BTreeSet<_> = check.results.iter().map(|result| &result.rule).collect();
        if check.results.len() > RESULTS_MAX || distinct.len() != check.results.len() {
            return Err(Refusal::Invalid(format!("a check has up to {RESULTS_MAX} rules, each once")));
        }
        let held = check.results.iter().all(|result| result.held);
        self.happen(&check.case, |case| {
            case.checked = Some(held);
            case.disputed = if held { BTreeSet::new() } else { case.pulled.keys().cloned().collect() };
        })
    }

    pub(super) fn return_case(&mut self, by: &Context<'_>, word: &CaseReturn) -> Result<(), Refusal> {
        let (case, step) = self.case_step(word.case, &word.step)?;
        since_edition_4(case)?;
        own_step(by, case, step)?;
        limits::text("reason", &word.reason, limits::TEXT_CHARS_MAX)?;
        in_state(case, &[CaseState::InProgress, CaseState::Returned])?;
        if !case.is_due(step) {
            return Err(Refusal::Conflict("the step is signed off, was returned, or waits for another".into()));
        }
        self.happen(&word.case, |case| {
            case.returned.insert(word.step.clone());
        })
    }

    pub(super) fn resubmit_case(&mut self, by: &Context<'_>, word: CaseResubmission) -> Result<(), Refusal> {
        let case = self.owned(by, word.case)?;
        limits::text("note", &word.note, limits::TEXT_CHARS_MAX)?;
        let Some(correction) = word.correction else {
            in_state(case, &[CaseState::Returned])?;
            return self.happen(&word.case, |case| case.returned.clear());
        };
        in_state(case, &[CaseState::Waiting, CaseState::Returned])?;
        check_correction(case, &correction)?;
        self.happen(&word.case, |case| correct(case, correction))
    }

    /// The step's department gives it to one of its people or to another department; the owner to another department.
    pub(super) fn assign_case(&mut self, by: &Context<'_>, word: CaseAssignment) -> Result<(), Refusal> {
        let (case, step) = self.case_step(word.case, &word.step)?;
        since_edition_4(case)?;
        let is_theirs = case.department_of(step) == by.department;
        if !is_theirs && &case.owner != by.department {
            return Err(Refusal::NotAllowed("the step's department or the case's owner gives it to another".into()));
        }
        reviewer(by)?;
        limits::text("reason", &word.reason, limits::TEXT_CHARS_MAX)?;
        in_state(case, &[CaseState::Waiting, CaseState::InProgress, CaseState::Returned])?;
        if case.sign_offs.contains_key(&word.step) {
            return Err(Refusal::Conflict("the step is signed off".into()));
        }
        let kept = case.assigned.get(&word.step).cloned().unwrap_or_default();
        let assignee = match (word.department, word.user) {
            (Some(department), None) => {
                if !self.departments.contains_key(&department) {
                    return Err(Refusal::Unknown(format!("department {department}")));
                }
                Assignee { department: Some(department), user: None }
            }
            (None, Some(user)) if is_theirs => {
                limits::text("user", &user, USER_CHARS_MAX)?;
                Assignee { user: Some(user), ..kept }
            }
            (None, Some(_)) => {
                return Err(Refusal::NotAllowed("a person is named by the step's own department".into()));
            }
            _ => return Err(Refusal::Invalid("a step goes either to a department or to a person".into())),
        };
        self.happen(&word.case, |case| {
            case.assigned.insert(word.step, assignee);
        })
    }

    pub(super) fn withdraw_case(&mut self, by: &Context<'_>, word: &CaseWithdrawal) -> Result<(), Refusal> {
        let case = self.owned(by, word.case)?;
        limits::text("reason", &word.reason, limits::TEXT_CHARS_MAX)?;
        if case.state().is_end() {
            return Err(Refusal::Conflict(format!("the case is {}", case.state().as_str())));
        }
        self.happen(&word.case, |case| case.ended = Some(CaseEnd::Withdrawn))
    }

    /// Ends a case without a certificate; of one with a certificate the applicant is told.
    pub(super) fn complete_case(&mut self, by: &Context<'_>, word: &CaseCompletion) -> Result<(), Refusal> {
        let case = self.owned(by, word.case)?;
        let by_certificate = case.opening.certificate == Some(true);
        let tells = case.certificate.is_some() && case.notice.is_none() && word.notice_digest.is_some();
        if by_certificate && !tells {
            return Err(Refusal::Conflict("a certificate ends this case, and its applicant is told once".into()));
        }
        if !by_certificate {
            in_state(case, &[CaseState::Agreed])?;
        }
        self.happen(&word.case, |case| {
            case.notice = word.notice_digest;
            if !by_certificate {
                case.ended = Some(CaseEnd::Completed);
            }
        })
    }

    /// A case of edition 4 of the department that acts.
    fn owned(&self, by: &Context<'_>, id: CaseId) -> Result<&Case, Refusal> {
        let case = self.known_case(id)?;
        if &case.owner != by.department {
            return Err(Refusal::NotAllowed("only the case's owner does this".into()));
        }
        since_edition_4(case)?;
        Ok(case)
    }
}

fn check_correction(case: &Case, correction: &CaseCorrection) -> Result<(), Refusal> {
    check_pulls(&correction.pulls)?;
    check_pulls(&correction.kept)?;
    if case.form_digest() != Some(correction.corrects) || correction.corrects == correction.form_digest {
        return Err(Refusal::Conflict("the form was corrected meanwhile, or is the same".into()));
    }
    let stays = |name: &Slug| correction.pulls.contains(name) && case.pulled.contains_key(name);
    match correction.kept.iter().find(|name| !stays(name)) {
        Some(missing) => Err(Refusal::Conflict(format!("{missing} was not pulled, and cannot stay"))),
        None => Ok(()),
    }
}

/// The form takes its place; what rested on the one before is to be done again, as [`CaseCorrection`] says.
fn correct(case: &mut Case, correction: CaseCorrection) {
    let stays = |name: &Slug, steps: &[SignOffStep]| {
        steps.iter().any(|step| &step.step == name && step.kind().outlives_correction())
    };
    let steps = &case.opening.steps;
    case.sign_offs.retain(|name, _| stays(name, steps));
    case.pulled.retain(|name, _| correction.kept.contains(name));
    case.returned.clear();
    case.disputed.clear();
    case.checked = None;
    case.correction = Some(correction);
}

/// A case from before goes its old way.
fn since_edition_4(case: &Case) -> Result<(), Refusal> {
    let is_old = case.opening.version.is_none();
    if is_old { Err(Refusal::Conflict("the case was opened before its workflow was published".into())) } else { Ok(()) }
}

fn in_state(case: &Case, wanted: &[CaseState]) -> Result<(), Refusal> {
    let state = case.state();
    if wanted.contains(&state) { Ok(()) } else { Err(Refusal::Conflict(format!("the case is {}", state.as_str()))) }
}
