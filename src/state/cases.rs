//! Cases on the ledger: opened and carried on by their owner, signed off by each department named.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::Role;
use crate::domain::case::{Case, CaseOpening, CaseState, SignOff, SignOffStep, SignedOff};
use crate::ids::{CaseId, Slug};

use super::catalog::reviewer;
use super::limits;
use super::machine::{Context, State};
use super::outcome::Refusal;

const STEPS_MAX: usize = 50;
const MATERIALS_MAX: usize = 50;
const DAYS_MAX: u8 = 250;
/// What may happen in one case after its opening.
const EVENTS_MAX: u32 = 500;

impl State {
    pub(super) fn open_case(&mut self, by: &Context<'_>, opening: CaseOpening) -> Result<(), Refusal> {
        limits::text("title.zh", &opening.title.zh, 100)?;
        limits::text("title.en", &opening.title.en, 200)?;
        if opening.steps.is_empty() || opening.steps.len() > STEPS_MAX || opening.materials.len() > MATERIALS_MAX {
            return Err(Refusal::Invalid(format!(
                "a case has 1 to {STEPS_MAX} steps and 0 to {MATERIALS_MAX} materials"
            )));
        }
        let distinct: BTreeSet<_> = opening.steps.iter().map(|step| &step.step).collect();
        if distinct.len() != opening.steps.len() {
            return Err(Refusal::Invalid("two steps have the same name".into()));
        }
        if let Some(step) = opening.steps.iter().find(|step| !self.departments.contains_key(&step.department)) {
            return Err(Refusal::Unknown(format!("department {}", step.department)));
        }
        if opening.needs_edition_4() {
            self.check_opening(by, &opening)?;
        }
        let id = CaseId::from(by.id);
        let case = Case {
            id,
            owner: by.department.clone(),
            opened_by: by.actor.clone(),
            opened_at: by.at,
            opening,
            sign_offs: BTreeMap::new(),
            certificate: None,
            pulled: BTreeMap::new(),
            checked: None,
            disputed: BTreeSet::new(),
            returned: BTreeSet::new(),
            assigned: BTreeMap::new(),
            ended: None,
            notice: None,
            correction: None,
            events: 0,
        };
        self.cases.insert(id, case);
        Ok(())
    }

    /// What an opening says since edition 4: it follows the workflow in force, and its parts fit together.
    fn check_opening(&self, by: &Context<'_>, opening: &CaseOpening) -> Result<(), Refusal> {
        let invalid = |why: &str| Err(Refusal::Invalid(why.into()));
        let Some(version) = opening.version else { return invalid("a case of this kind names its workflow's version") };
        let name = &opening.workflow;
        let in_force = self.workflow(by.department, name).map(|(latest, _)| latest);
        let in_force = in_force.ok_or_else(|| Refusal::Unknown(format!("a published workflow {name}")))?;
        if version != in_force {
            return Err(Refusal::Conflict(format!("version {in_force} of {name} is in force")));
        }
        let pulls = opening.pulls.as_deref().unwrap_or_default();
        if !opening.materials.is_empty() || opening.form_digest.is_none() || opening.pulls.is_none() {
            return invalid("the form's digest and the pulls are named, and nothing is pulled before");
        }
        check_pulls(pulls)?;
        let mut above: BTreeSet<&Slug> = BTreeSet::new();
        for step in &opening.steps {
            if step.after().len() > STEPS_MAX || !step.after().iter().all(|name| above.contains(name)) {
                return invalid("a step can only follow steps above it");
            }
            if !matches!(step.role, None | Some(Role::Clerk | Role::Reviewer)) {
                return invalid("a step is for clerks or for reviewers");
            }
            above.insert(&step.step);
        }
        let mut days = opening.steps.iter().map(|step| step.days).chain([opening.days]).flatten();
        if days.any(|days| !(1..=DAYS_MAX).contains(&days)) {
            return Err(Refusal::Invalid(format!("a step or case has 1 to {DAYS_MAX} working days")));
        }
        Ok(())
    }

    pub(super) fn sign_off_case(&mut self, by: &Context<'_>, sign_off: SignOff) -> Result<(), Refusal> {
        let (case, step) = self.case_step(sign_off.case, &sign_off.step)?;
        own_step(by, case, step)?;
        if !sign_off.agreed {
            limits::text("note", &sign_off.note, limits::TEXT_CHARS_MAX)?;
        } else if sign_off.note.chars().count() > limits::TEXT_CHARS_MAX {
            return Err(Refusal::Invalid("note is too long".into()));
        }
        let fact = sign_off.fact.as_ref().map(|fact| fact.kind);
        if sign_off.agreed && fact.unwrap_or_default() != step.kind() || fact.is_some_and(|kind| kind != step.kind()) {
            return Err(Refusal::Invalid(format!("this step is done by a {}", step.kind().as_str())));
        }
        let open = matches!(case.state(), CaseState::InProgress | CaseState::Returned);
        if !open || case.sign_offs.contains_key(&sign_off.step) {
            return Err(Refusal::Conflict("the step is signed off, or the case has ended".into()));
        }
        if !case.is_due(step) {
            return Err(Refusal::Conflict("the step was returned, or waits for another".into()));
        }
        let (id, step) = (sign_off.case, sign_off.step.clone());
        let given = SignedOff { sign_off, by: by.actor.clone(), at: by.at };
        self.happen(&id, |case| {
            case.sign_offs.insert(step, given);
        })
    }

    /// A case.
    pub(super) fn known_case(&self, id: CaseId) -> Result<&Case, Refusal> {
        self.cases.get(&id).ok_or_else(|| Refusal::Unknown(format!("case {id}")))
    }

    /// A case and one of its steps.
    pub(super) fn case_step(&self, id: CaseId, step: &Slug) -> Result<(&Case, &SignOffStep), Refusal> {
        let case = self.known_case(id)?;
        let step = case.step(step).ok_or_else(|| Refusal::Unknown(format!("step {step}")))?;
        Ok((case, step))
    }

    /// Changes a case, unless too much happened in it already. One from before edition 4 keeps no count.
    pub(super) fn happen(&mut self, id: &CaseId, change: impl FnOnce(&mut Case)) -> Result<(), Refusal> {
        let case = self.known_case(*id)?;
        let counts = case.opening.version.is_some();
        if case.events >= EVENTS_MAX {
            return Err(Refusal::Conflict(format!("in one case at most {EVENTS_MAX} things happen")));
        }
        self.cases.change(id, |case| {
            case.events = case.events.saturating_add(u32::from(counts));
            change(case);
        });
        Ok(())
    }
}

pub(super) fn check_pulls(pulls: &[Slug]) -> Result<(), Refusal> {
    let distinct: BTreeSet<_> = pulls.iter().collect();
    if pulls.len() <= MATERIALS_MAX && distinct.len() == pulls.len() {
        return Ok(());
    }
    Err(Refusal::Invalid(format!("a case has up to {MATERIALS_MAX} pulls, each once")))
}

/// A step is its department's, its role's, and, once it was given to a person, that person's.
pub(super) fn own_step(by: &Context<'_>, case: &Case, step: &SignOffStep) -> Result<(), Refusal> {
    let department = case.department_of(step);
    if department != by.department {
        return Err(Refusal::NotAllowed(format!("this step is for {department}")));
    }
    if !step.is_for(by.actor.role) {
        reviewer(by)?;
    }
    let person = case.assigned.get(&step.step).and_then(|assignee| assignee.user.as_ref());
    if person.is_some_and(|person| person != &by.actor.user) {
        return Err(Refusal::NotAllowed("this step was given to another person of the department".into()));
    }
    Ok(())
}
