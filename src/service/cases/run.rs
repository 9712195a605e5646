//! A case is carried on: what is missing is pulled, each answer kept and noted, and the rules are looked at.
//!
//! Safe to repeat at any moment: what came is never asked for again, and what nobody knows the end of is sent again under
//! its id, so that a provider which has heard of it does nothing twice.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt as _;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::Actor;
use crate::domain::case::{Case, CaseCheck, CasePull, CaseState, Material, RuleResult};
use crate::domain::case_rules::{Ground, Operand, Rule};
use crate::domain::command::Command;
use crate::domain::department_files::workflow::{Pull, WorkflowFile};
use crate::exchange::{QueryCall, QueryError};
use crate::ids::{CaseId, Slug};
use crate::policy::facts::{Action, Facts};
use crate::readmodel::local::{CaseMaterial, PullAttempt, PullProblem};
use crate::service::Node;
use crate::service::blocking::blocking;
use crate::service::error::ServiceError;
use crate::service::principal::Principal;

use super::problems::{of_query, of_service, rows_missing};

/// Pulls of one case that are made at the same time.
const PULLS_AT_ONCE: usize = 8;

/// How far a case got.
#[derive(Clone, Debug, Serialize)]
pub struct CaseProgress {
    /// The case.
    pub case: CaseId,
    /// Where it stands.
    pub state: CaseState,
    /// Pulls that brought nothing.
    pub problems: Vec<(Slug, PullProblem)>,
}

/// A case that is being carried on; another one who would do the same is turned away meanwhile.
pub(super) struct Turn<'a> {
    node: &'a Node,
    case: CaseId,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.node.case_runs.lock().remove(&self.case);
    }
}

/// One carrying-on.
struct Run<'a> {
    node: &'a Node,
    actor: &'a Actor,
    case: CaseId,
    workflow: &'a WorkflowFile,
    form: &'a Map<String, Value>,
}

impl Node {
    /// Carries a waiting case on: pulls what is missing, and pulls anew what the rules did not agree with.
    ///
    /// # Errors
    /// The policy's refusal, or `conflict` when somebody does it already or the case waits for no data.
    pub async fn retry_case(&self, who: &Principal, id: CaseId) -> Result<CaseProgress, ServiceError> {
        let case = self.ledger_case(id)?;
        let relation = self.relation_to_case(&case);
        let actor = self.authorise(who, |role| Facts::new(Action::OpenCase, role, relation))?;
        if case.state() != CaseState::Waiting {
            let detail = format!("the case is {}: it waits for no data", case.state().as_str());
            return Err(ServiceError::conflict("conflict", detail));
        }
        self.run_case(&actor, id, true).await
    }

    /// Keeps others from carrying a case on meanwhile.
    pub(super) fn case_turn(&self, id: CaseId) -> Result<Turn<'_>, ServiceError> {
        if !self.case_runs.lock().insert(id) {
            return Err(ServiceError::conflict("conflict", "the case is being carried on: look again in a moment"));
        }
        Ok(Turn { node: self, case: id })
    }

    /// As [`Node::retry_case`], for somebody who may. `again` also pulls what did not agree.
    pub(super) async fn run_case(&self, actor: &Actor, id: CaseId, again: bool) -> Result<CaseProgress, ServiceError> {
        let _turn = self.case_turn(id)?;
        let case = self.ledger_case(id)?;
        let workflow = self.workflow_of(&case)?;
        let local = self.local.clone();
        blocking(move || local.set_running(id, true)).await?;
        let record = self.papers_of(id).await?;
        let run = Run { node: self, actor, case: id, workflow: &workflow, form: &record.params };
        let state = run.carry_on(&case, again).await?;
        let local = self.local.clone();
        let attempts = blocking(move || {
            local.set_running(id, false)?;
            local.pull_attempts(id)
        });
        let problems = attempts.await?.into_iter().filter_map(|one| Some((one.pull, one.problem?))).collect();
        Ok(CaseProgress { case: id, state, problems })
    }
}

impl Run<'_> {
    async fn carry_on(&self, case: &Case, again: bool) -> Result<CaseState, ServiceError> {
        if case.state() != CaseState::Waiting {
            return Ok(case.state());
        }
        let disputed = if again && case.checked == Some(false) { self.disputed().await? } else { BTreeSet::new() };
        let attempts = self.attempts().await?;
        let is_done = |name: &Slug| attempts.get(name).is_some_and(PullAttempt::is_done);
        let wanted = case.pulls().iter().filter_map(|name| {
            let pull = self.workflow.pull(name)?;
            let anew = disputed.contains(name);
            let noted = case.pulled.get(name).map(|material| material.access_id);
            let kept = attempts.get(name).filter(|_| is_done(name)).and_then(|one| one.material.clone());
            match kept {
                Some(kept) if !anew && noted == Some(kept.access_id) => None,
                kept => Some((pull, anew, kept.filter(|_| !anew))),
            }
        });
        let pulls: Vec<_> = wanted.map(|(pull, anew, kept)| self.pull(pull, anew, kept)).collect();
        let pulled = futures_util::stream::iter(pulls).buffer_unordered(PULLS_AT_ONCE);
        let ended: Vec<Result<(), ServiceError>> = pulled.collect().await;
        ended.into_iter().collect::<Result<(), _>>()?;
        self.check().await?;
        Ok(self.node.ledger_case(self.case)?.state())
    }

    async fn attempts(&self) -> Result<BTreeMap<Slug, PullAttempt>, ServiceError> {
        let (local, case) = (self.node.local.clone(), self.case);
        let attempts = blocking(move || local.pull_attempts(case)).await?;
        Ok(attempts.into_iter().map(|attempt| (attempt.pull.clone(), attempt)).collect())
    }

    /// Pulls that a rule looks at which does not hold.
    async fn disputed(&self) -> Result<BTreeSet<Slug>, ServiceError> {
        let broken: Vec<Slug> =
            self.judge().await?.into_iter().filter(|result| !result.held).map(|result| result.rule).collect();
        let of_rule = |rule: &Rule| {
            let operands = [Some(rule.left.clone()), rule.right.clone()];
            operands.into_iter().flatten().filter_map(|operand| match operand {
                Operand::Form(_) => None,
                Operand::Rows(pull) | Operand::Item(pull, _) => Some(pull),
            })
        };
        Ok(self.workflow.rules.iter().filter(|rule| broken.contains(&rule.name)).flat_map(of_rule).collect())
    }

    /// Asks, keeps the answer, and notes it on the ledger. What the provider says against it is kept as the reason; an
    /// error is one of this node.
    async fn pull(&self, pull: &Pull, anew: bool, kept: Option<CaseMaterial>) -> Result<(), ServiceError> {
        let material = match kept {
            Some(kept) => kept,
            None => match self.ask(pull, anew).await? {
                Some(material) => material,
                None => return Ok(()),
            },
        };
        let Err(error) = self.note(pull, &material).await else { return Ok(()) };
        // Somebody's earlier try may have come to the ledger meanwhile.
        let noted = self.node.ledger_case(self.case)?.pulled.get(&pull.name).map(|one| one.access_id);
        if noted == Some(material.access_id) { Ok(()) } else { Err(error) }
    }

    async fn note(&self, pull: &Pull, material: &CaseMaterial) -> Result<(), ServiceError> {
        let CaseMaterial { entry, access_id, digest, .. } = material.clone();
        let material = Material { entry, access_id, digest };
        self.write(Command::RecordPull(CasePull { case: self.case, pull: pull.name.clone(), material })).await
    }

    async fn write(&self, command: Command) -> Result<(), ServiceError> {
        let id = crate::ids::TxId::new(self.node.clock.now());
        self.node.write_as(id, self.actor.clone(), command).await.map(|_| ())
    }

    async fn ask(&self, pull: &Pull, anew: bool) -> Result<Option<CaseMaterial>, ServiceError> {
        let mut answered = self.ask_once(pull, anew).await?;
        if matches!(answered, Err(QueryError::Replayed)) {
            // The provider heard of it, and its answer is lost: only a new call brings it.
            answered = self.ask_once(pull, true).await?;
        }
        let ended = match answered {
            Ok(material) => {
                let found = material.rows.as_array().map_or(0, Vec::len);
                let enough = found >= usize::try_from(pull.rows_min).unwrap_or(usize::MAX);
                if enough { Ok(material) } else { Err(rows_missing(found, pull)) }
            }
            Err(error) => Err(of_query(&error)),
        };
        let (local, case, name) = (self.node.local.clone(), self.case, pull.name.clone());
        blocking(move || {
            if let Err(error) = local.end_pull(case, &name, &ended) {
                let problem = of_service(&ServiceError::from(error));
                return local.end_pull(case, &name, &Err(problem)).map(|()| None);
            }
            Ok(ended.ok())
        })
        .await
    }

    async fn ask_once(&self, pull: &Pull, anew: bool) -> Result<Result<CaseMaterial, QueryError>, ServiceError> {
        let (local, case, name, now) = (self.node.local.clone(), self.case, pull.name.clone(), self.node.clock.now());
        let attempt = blocking(move || local.begin_pull(case, &name, now, anew)).await?;
        let call = QueryCall {
            actor: self.actor.clone(),
            entry: pull.entry.clone(),
            version: None,
            purpose: self.workflow.purpose.clone(),
            cause: self.workflow.cause.clone(),
            case_id: Some(self.case.to_string()),
            params: Value::Object(pull.params_of(self.form)),
            items: pull.items.clone(),
            cursor: None,
            access_id: Some(attempt.access_id),
        };
        Ok(self.node.exchange.query(call).await.map(|answer| CaseMaterial {
            name: pull.name.clone(),
            title: pull.title.clone(),
            entry: pull.entry.clone(),
            access_id: answer.access_id,
            digest: answer.rows_digest,
            rows: Value::Array(answer.rows),
        }))
    }

    /// Looks at the rules once everything is there, and puts what they say on the ledger.
    async fn check(&self) -> Result<(), ServiceError> {
        let case = self.node.ledger_case(self.case)?;
        let is_whole = case.pulls().iter().all(|name| case.pulled.contains_key(name));
        if !is_whole || case.state() != CaseState::Waiting {
            return Ok(());
        }
        let results = self.judge().await?;
        if case.checked == Some(false) && results.iter().any(|result| !result.held) {
            return Ok(());
        }
        self.write(Command::RecordCheck(CaseCheck { case: self.case, results })).await
    }

    async fn judge(&self) -> Result<Vec<RuleResult>, ServiceError> {
        let attempts = self.attempts().await?;
        let rows = |pull: &Pull| attempts.get(&pull.name)?.material.as_ref()?.rows.as_array().map(Vec::as_slice);
        let pulls = self.workflow.pulls.iter().map(|pull| (pull.name.clone(), rows(pull))).collect();
        let today = self.node.clock.now().date();
        Ok(Ground { form: self.form, pulls: &pulls, today: &today }.judge(&self.workflow.rules))
    }
}
