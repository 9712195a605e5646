//! Cases on the ledger: opened by their owner, signed off by each department named.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::case::{Case, CaseOpening, CaseState, SignOff, SignedOff};
use crate::ids::CaseId;

use super::catalog::reviewer;
use super::limits;
use super::machine::{Context, State};
use super::outcome::Refusal;

const STEPS_MAX: usize = 50;
const MATERIALS_MAX: usize = 50;

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
        let id = CaseId::from(by.id);
        let case = Case {
            id,
            owner: by.department.clone(),
            opened_by: by.actor.clone(),
            opened_at: by.at,
            opening,
            sign_offs: BTreeMap::new(),
            certificate: None,
        };
        self.cases.insert(id, case);
        Ok(())
    }

    pub(super) fn sign_off_case(&mut self, by: &Context<'_>, sign_off: SignOff) -> Result<(), Refusal> {
        let unknown = || Refusal::Unknown(format!("case {}", sign_off.case));
        let case = self.cases.get(&sign_off.case).ok_or_else(unknown)?;
        let step = case.opening.steps.iter().find(|step| step.step == sign_off.step);
        let step = step.ok_or_else(|| Refusal::Unknown(format!("step {}", sign_off.step)))?;
        if &step.department != by.department {
            return Err(Refusal::NotAllowed(format!("this step is for {}", step.department)));
        }
        reviewer(by)?;
        if !sign_off.agreed {
            limits::text("note", &sign_off.note, limits::TEXT_CHARS_MAX)?;
        } else if sign_off.note.chars().count() > limits::TEXT_CHARS_MAX {
            return Err(Refusal::Invalid("note is too long".into()));
        }
        if case.state() != CaseState::InProgress || case.sign_offs.contains_key(&sign_off.step) {
            return Err(Refusal::Conflict("the step is signed off, or the case has ended".into()));
        }
        let (id, step) = (sign_off.case, sign_off.step.clone());
        let given = SignedOff { sign_off, by: by.actor.clone(), at: by.at };
        self.cases.change(&id, |case| {
            case.sign_offs.insert(step, given);
        });
        Ok(())
    }
}
