//! One case as its parties see it: what happened, the papers, the rules, what is late, what the applicant is told.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::clock::Millis;
use crate::domain::case::CaseState;
use crate::domain::department_files::workflow::WorkflowFile;
use crate::domain::{Actor, Text};
use crate::exchange::QueryError;
use crate::ids::{CaseId, DepartmentId, EntryName, Slug};
use crate::policy::facts::{Action, Facts, Relation};
use crate::readmodel::ReadError;
use crate::readmodel::cases::{CaseEventView, CaseView};
use crate::readmodel::local::{CaseFact, CaseMaterial, CaseRecord, PullAttempt, PullProblem};
use crate::service::Node;
use crate::service::blocking::blocking;
use crate::service::error::ServiceError;
use crate::service::principal::Principal;
use crate::service::seams::{Parcel, settled_record};

use super::acts::fact_digest;
use super::fields::notice;

/// A case with what this department may see of it.
#[derive(Clone, Debug, Serialize)]
pub struct CaseDetail {
    /// As the ledger knows it.
    #[serde(flatten)]
    pub case: CaseView,
    /// What happened, oldest first.
    pub events: Vec<CaseEventView>,
    /// When it and its steps are due.
    pub timing: Timing,
    /// What is pulled, each with how far it got.
    pub pulls: Vec<PullStanding>,
    /// What must hold.
    pub rules: Vec<RuleStanding>,
    /// What the clerk filled in, for the parties.
    pub form: Option<Map<String, Value>>,
    /// What stood there before it was corrected last.
    pub former: Option<Map<String, Value>>,
    /// The papers: the owner's own, or as the owner's node gave them to a department that signs off.
    pub papers: Vec<CaseMaterial>,
    /// Why there are no papers, when the owner's node did not give them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub papers_missing: Option<String>,
    /// Payments, documents and answers, as the departments that recorded them gave them.
    pub facts: Vec<PartyFacts>,
    /// What the applicant is told, at the owner.
    pub notice: Option<Text>,
    /// The number on the applicant's slip, at the owner.
    pub number: Option<String>,
    /// The workflow that it follows.
    #[serde(skip)]
    pub workflow: Option<WorkflowFile>,
}

/// A fact of a step, as a party may see it.
#[derive(Clone, Debug, Serialize)]
pub struct PartyFacts {
    /// The step.
    pub step: Slug,
    /// Who recorded it.
    pub department: DepartmentId,
    /// What it says; none when it could not be had.
    pub content: Option<Value>,
    /// Whether its digest is the one on the ledger.
    pub fits: bool,
    /// Why it could not be had.
    pub missing: Option<String>,
}

/// A pull, and how far it got.
#[derive(Clone, Debug, Serialize)]
pub struct PullStanding {
    /// Its name.
    pub pull: Slug,
    /// Its title.
    pub title: Text,
    /// Whom it asks.
    pub entry: Option<EntryName>,
    /// `done`, `failed` or `waiting`.
    pub state: &'static str,
    /// Why it brought nothing, at the owner.
    pub problem: Option<PullProblem>,
}

/// A rule, and whether it holds.
#[derive(Clone, Debug, Serialize)]
pub struct RuleStanding {
    /// Its name.
    pub rule: Slug,
    /// What must hold.
    pub title: Text,
    /// Whether it does; none while it was not looked at, or does not apply.
    pub held: Option<bool>,
}

/// When a case and its steps are due, by this department's calendar.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Timing {
    /// The whole case.
    pub due: Option<Millis>,
    /// Whether that has passed.
    pub overdue: bool,
    /// Steps whose turn has come and that have a deadline.
    pub steps: BTreeMap<Slug, Millis>,
    /// Those of them that are late.
    pub late: Vec<Slug>,
}

/// What a party gave.
#[derive(Default)]
struct Given {
    papers: Vec<CaseMaterial>,
    form: Option<Map<String, Value>>,
    former: Option<Map<String, Value>>,
    facts: Vec<CaseFact>,
}

impl Node {
    /// One case; with its papers for its parties. Each reading at another party's node is recorded there.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn case(&self, who: &Principal, id: CaseId) -> Result<CaseDetail, ServiceError> {
        let (case, events) = self.reading(move |model| Ok((model.case(id)?, model.case_events(id)?))).await?;
        let case = case.ok_or_else(|| ServiceError::missing(format_args!("case {id}")))?;
        let workflow = case.version.and_then(|at| self.workflow_version(&case.owner, &case.workflow, at).ok());
        let mut detail = CaseDetail {
            timing: self.case_timing(&case),
            pulls: Vec::new(),
            rules: rules(&case, workflow.as_ref()),
            form: None,
            former: None,
            papers: Vec::new(),
            papers_missing: None,
            facts: Vec::new(),
            notice: None,
            number: None,
            events,
            workflow,
            case,
        };
        let involved = self.chain.state().case(id).is_some_and(|case| case.involves(&self.department));
        let relation = if involved { Relation::Own } else { Relation::Foreign };
        // Everybody sees how a case stands; its papers are for those who handle it.
        let actor = self.authorise(who, |role| Facts::new(Action::ReadCase, role, relation)).ok();
        let attempts = match actor {
            Some(actor) => self.fill(&mut detail, actor).await?,
            None => Vec::new(),
        };
        detail.pulls = pulls(&detail, &attempts);
        Ok(detail)
    }

    /// When a case and its steps are due.
    pub fn case_timing(&self, case: &CaseView) -> Timing {
        let now = self.clock.now();
        let days = case.days.filter(|_| !case.state.is_end());
        let due = days.map(|days| self.calendar.after(case.opened_at, days));
        let steps = case
            .steps
            .iter()
            .filter(|step| case.is_due(step))
            .filter_map(|step| Some((step.step.clone(), self.calendar.after(step.since?, step.days?))));
        let steps: BTreeMap<Slug, Millis> = steps.collect();
        let late = steps.iter().filter(|(_, due)| **due < now).map(|(step, _)| step.clone()).collect();
        Timing { due, overdue: due.is_some_and(|due| due < now), steps, late }
    }

    /// Fetches what the parties keep, at their nodes.
    async fn fill(&self, detail: &mut CaseDetail, actor: Actor) -> Result<Vec<PullAttempt>, ServiceError> {
        let (local, id) = (self.local.clone(), detail.case.id);
        let chain = self.chain.clone();
        let (record, own_facts, attempts) = blocking(move || {
            let record = settled_record(&local, &chain, id)?.map(|record| (record, local.known_slip(id)));
            Ok::<_, ReadError>((record, local.case_facts(id)?, local.pull_attempts(id)?))
        })
        .await?;
        let mut facts: Vec<(DepartmentId, Result<Vec<CaseFact>, String>)> =
            vec![(self.department.clone(), Ok(own_facts))];
        let keepers = keepers(&detail.case, &self.department);
        let asked = keepers.into_iter().map(|keeper| self.ask_party(actor.clone(), &detail.case, keeper));
        for (keeper, given) in join_all(asked).await {
            let is_owner = keeper == detail.case.owner;
            let given_facts = match given {
                Ok(given) if is_owner => {
                    (detail.papers, detail.form, detail.former) = (given.papers, given.form, given.former);
                    Ok(given.facts)
                }
                Ok(given) => Ok(given.facts),
                Err(why) => {
                    detail.papers_missing = detail.papers_missing.take().or_else(|| is_owner.then(|| why.clone()));
                    Err(why)
                }
            };
            facts.push((keeper, given_facts));
        }
        if let Some((record, slip)) = record.filter(|_| detail.case.owner == self.department) {
            detail.number = slip?.map(|slip| slip.number);
            detail.notice = told(detail, &record);
            (detail.papers, detail.form, detail.former) = (record.materials, Some(record.params), record.former);
        }
        detail.facts = party_facts(&detail.case, &facts);
        Ok(attempts)
    }

    async fn ask_party(
        &self,
        actor: Actor,
        case: &CaseView,
        keeper: DepartmentId,
    ) -> (DepartmentId, Result<Given, String>) {
        let answer = self.exchange.case_materials(actor, case.id, keeper.clone(), &case.title.zh).await;
        let row = answer.map(|answer| answer.rows.into_iter().next().unwrap_or_default());
        let given = row.map_err(|error: QueryError| error.to_string()).and_then(|row| {
            let parcel: Parcel =
                serde_json::from_value(row).map_err(|_| "its papers have an unknown form".to_owned())?;
            Ok(match parcel {
                Parcel::Papers(papers) => Given { papers, ..Given::default() },
                Parcel::All { papers, form, former, facts } => Given { papers, form, former, facts },
            })
        });
        (keeper, given)
    }
}

/// Other parties that keep something of a case: its owner, and departments that recorded something.
fn keepers(case: &CaseView, own: &DepartmentId) -> Vec<DepartmentId> {
    let recorded = case.steps.iter().filter(|step| step.word.as_ref().is_some_and(|word| word.fact.is_some()));
    let mut keepers: Vec<DepartmentId> =
        recorded.map(|step| step.department.clone()).chain([case.owner.clone()]).filter(|one| one != own).collect();
    keepers.sort_unstable();
    keepers.dedup();
    keepers
}

fn party_facts(case: &CaseView, kept: &[(DepartmentId, Result<Vec<CaseFact>, String>)]) -> Vec<PartyFacts> {
    let of_step = |step: &crate::readmodel::cases::CaseStepView| {
        let on_ledger = step.word.as_ref()?.fact.as_ref()?;
        let given = kept.iter().find(|(department, _)| department == &step.department)?;
        let found = given.1.as_ref().ok().and_then(|facts| facts.iter().find(|fact| fact.step == step.step));
        Some(PartyFacts {
            step: step.step.clone(),
            department: step.department.clone(),
            fits: found.is_some_and(|fact| fact_digest(&fact.salt, &fact.content) == on_ledger.digest),
            content: found.map(|fact| fact.content.clone()),
            missing: given.1.as_ref().err().cloned(),
        })
    };
    case.steps.iter().filter_map(of_step).collect()
}

fn pulls(detail: &CaseDetail, attempts: &[PullAttempt]) -> Vec<PullStanding> {
    let of_pull = |view: &crate::readmodel::cases::CasePullView| {
        let known = detail.workflow.as_ref().and_then(|workflow| workflow.pull(&view.pull));
        let problem = attempts.iter().find(|one| one.pull == view.pull).and_then(|one| one.problem.clone());
        let title = known.map(|pull| pull.title.clone());
        PullStanding {
            pull: view.pull.clone(),
            title: title.unwrap_or_else(|| Text { zh: view.pull.to_string(), en: view.pull.to_string() }),
            entry: known.map(|pull| pull.entry.clone()),
            state: match (&problem, &view.material) {
                (Some(_), _) => "failed",
                (None, Some(_)) => "done",
                (None, None) => "waiting",
            },
            problem,
        }
    };
    detail.case.pulls.iter().map(of_pull).collect()
}

fn rules(case: &CaseView, workflow: Option<&WorkflowFile>) -> Vec<RuleStanding> {
    let held = |name: &Slug| {
        let check = case.check.as_ref()?;
        check.results.iter().find(|result| &result.rule == name).map(|result| result.held)
    };
    let rules = workflow.into_iter().flat_map(|workflow| &workflow.rules);
    rules
        .map(|rule| RuleStanding { rule: rule.name.clone(), title: rule.title.clone(), held: held(&rule.name) })
        .collect()
}

/// What the applicant was told, or will be.
fn told(detail: &CaseDetail, record: &CaseRecord) -> Option<Text> {
    let kept = record.notice.as_ref().and_then(|kept| serde_json::from_value(kept.get("text")?.clone()).ok());
    let ready = matches!(detail.case.state, CaseState::Agreed | CaseState::Completed)
        && (detail.case.certificate.is_some() || !detail.case.ends_in_certificate);
    let fresh = || notice(detail.workflow.as_ref()?, record, detail.case.certificate.as_deref());
    kept.or_else(|| ready.then(fresh).flatten())
}
