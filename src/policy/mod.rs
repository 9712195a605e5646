//! Policy: who may do what. Casbin decides on the facts of a call by the rules that stand on the ledger; it knows no
//! list of grants, so a decision costs the same with ten grants or ten million. The only floor that names Casbin.

mod first_match;
pub mod flat_lists;

#[cfg(test)]
mod engine_tests;
#[cfg(test)]
mod matrix_tests;

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use casbin::{CoreApi as _, DefaultModel, Enforcer, MemoryAdapter, MgmtApi as _};
use parking_lot::RwLock;

use crate::domain::policy::principles::DEFAULT_RULE;
use crate::domain::policy::{self as document, PolicyDocument, model::Model};
pub use crate::domain::policy::{facts, reason, rules};

use facts::{ATTRIBUTES, Action, Facts, Match};
use first_match::FirstMatch;
use reason::{NO_RULE, Reason};
use rules::{Need, Rule};

/// Why a policy document cannot decide.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The document itself.
    #[error(transparent)]
    Document(#[from] document::PolicyError),
    /// Casbin refused what passed our checks.
    #[error("Casbin: {0}")]
    Casbin(String),
}

/// What was decided, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether the call may proceed.
    pub allowed: bool,
    /// Id of the rule that decided.
    pub rule: String,
    /// Why it is refused; empty when it is allowed.
    pub reasons: Vec<Reason>,
}

/// A policy document, ready to decide. Immutable: a new document makes a new engine.
pub struct Engine {
    version: u64,
    rules: Vec<Rule>,
    by_action: BTreeMap<Action, ActionRules>,
    /// Decisions made before. They depend on the facts alone, and few of the possible facts ever occur.
    known: RwLock<HashMap<Facts, Decision>>,
}

/// The rules that can apply to one action: Casbin reads its rules one by one, so it gets no others.
struct ActionRules {
    enforcer: Enforcer,
    /// Positions of the attributes that these rules distinguish.
    attributes: Vec<usize>,
    /// Index of the rule from which each of Casbin's lines comes.
    origins: Vec<usize>,
}

/// Decisions that an engine remembers.
const KNOWN_MAX: usize = 10_000;

/// The rules with which a city begins; they stand in `src/policy/default/`.
pub fn default_document() -> PolicyDocument {
    PolicyDocument {
        version: 1,
        model: include_str!("default/model.conf").to_owned(),
        rules: include_str!("default/rules.csv").to_owned(),
    }
}

impl Engine {
    /// Reads and checks a document.
    ///
    /// # Errors
    /// [`PolicyError`] with the place and the reason; a document with an error is never in force.
    pub fn new(document: &PolicyDocument) -> Result<Self, PolicyError> {
        let model = Model::parse(&document.model)?;
        let rules = rules::parse(&document.rules)?;
        let mut by_action = BTreeMap::new();
        for action in Action::ALL {
            let concerned: Vec<(usize, &Rule)> =
                rules.iter().enumerate().filter(|(_, rule)| rule.concerns(action.as_str())).collect();
            if !concerned.is_empty() {
                by_action.insert(*action, ActionRules::new(&model, &concerned)?);
            }
        }
        Ok(Self { version: document.version, rules, by_action, known: RwLock::default() })
    }

    /// Version of the document.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The rules, in order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The fewest facts that would have to be others for a call to be allowed.
    pub fn needs(&self, facts: &Facts) -> Vec<Need> {
        rules::needs(&self.rules, facts)
    }

    /// Decides on a call. A refusal names the reason of the rule that decided, and then whatever else of purpose,
    /// items, zone and hours is outside the grant, so that the caller can put all of it right at once.
    pub fn decide(&self, facts: &Facts) -> Decision {
        if let Some(decision) = self.known.read().get(facts) {
            return decision.clone();
        }
        let decision = self.decide_anew(facts);
        let mut known = self.known.write();
        if known.len() < KNOWN_MAX {
            known.insert(*facts, decision.clone());
        }
        decision
    }

    fn decide_anew(&self, facts: &Facts) -> Decision {
        let mut decision = self.enforce(facts);
        if !decision.allowed {
            for fault in single_faults(facts) {
                for reason in self.enforce(&fault).reasons {
                    if reason != NO_RULE && !decision.reasons.contains(&reason) {
                        decision.reasons.push(reason);
                    }
                }
            }
        }
        decision
    }

    fn enforce(&self, facts: &Facts) -> Decision {
        let Some(rule) = self.by_action.get(&facts.action).and_then(|rules| rules.first_match(facts)) else {
            return Decision { allowed: false, rule: DEFAULT_RULE.to_owned(), reasons: vec![NO_RULE] };
        };
        let (allowed, rule) = (rule.0, self.rules.get(rule.1));
        let reason = rule.and_then(|rule| rule.reason).and_then(reason::of_code).unwrap_or(NO_RULE);
        Decision {
            allowed,
            rule: rule.map(|rule| rule.id.clone()).unwrap_or_default(),
            reasons: if allowed { Vec::new() } else { vec![reason] },
        }
    }
}

impl ActionRules {
    fn new(model: &Model, rules: &[(usize, &Rule)]) -> Result<Self, PolicyError> {
        // The first attribute is the action, the same for all of them; Casbin needs at least one.
        let mut attributes: Vec<usize> =
            (1..ATTRIBUTES.len()).filter(|at| rules.iter().any(|(_, rule)| rule.distinguishes(*at))).collect();
        if attributes.is_empty() {
            attributes.push(1);
        }
        let (mut lines, mut origins) = (Vec::new(), Vec::new());
        for (index, rule) in rules {
            for line in rule.lines(&attributes) {
                // What says the same as an earlier line never decides, and Casbin keeps no second copy.
                if !lines.contains(&line) {
                    lines.push(line);
                    origins.push(*index);
                }
            }
        }
        let used: Vec<&'static str> = attributes.iter().filter_map(|at| ATTRIBUTES.get(*at)).copied().collect();
        Ok(Self { enforcer: enforcer(&model.for_attributes(&used), lines)?, attributes, origins })
    }

    /// Whether the first rule that matches allows, and its index; `None` when no rule matches.
    fn first_match(&self, facts: &Facts) -> Option<(bool, usize)> {
        let words = facts.words();
        let request: Vec<&'static str> = self.attributes.iter().filter_map(|at| words.get(*at)).copied().collect();
        let (answer, line) = first_match::observe(|| self.enforcer.enforce(request));
        // Casbin fails on a malformed model or rule only, and both were checked: if it does, nothing matches.
        Some((answer.ok()?, *self.origins.get(line?)?))
    }
}

/// The facts with all faults but one put right, when there are several.
fn single_faults(facts: &Facts) -> Vec<Facts> {
    let faults = [facts.purpose, facts.items, facts.zone, facts.hours].map(|answer| answer == Match::No);
    if faults.iter().filter(|fault| **fault).count() < 2 {
        return Vec::new();
    }
    let right = |keep: bool, answer: Match| if answer == Match::No && !keep { Match::Yes } else { answer };
    let only = |at: usize| Facts {
        purpose: right(at == 0, facts.purpose),
        items: right(at == 1, facts.items),
        zone: right(at == 2, facts.zone),
        hours: right(at == 3, facts.hours),
        ..*facts
    };
    faults.iter().enumerate().filter(|(_, fault)| **fault).map(|(at, _)| only(at)).collect()
}

fn enforcer(model: &str, lines: Vec<Vec<String>>) -> Result<Enforcer, PolicyError> {
    let casbin = |e: casbin::Error| PolicyError::Casbin(e.to_string());
    let build = async {
        let model = DefaultModel::from_str(model).await?;
        let mut enforcer = Enforcer::new(model, MemoryAdapter::default()).await?;
        enforcer.enable_auto_save(false);
        enforcer.set_effector(Box::new(FirstMatch));
        let added = enforcer.add_policies(lines).await?;
        Ok((enforcer, added))
    };
    // Building from memory never waits for anything: one poll completes it, within or without a runtime.
    match pin!(build).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok((enforcer, true))) => Ok(enforcer),
        Poll::Ready(Ok((_, false))) => Err(PolicyError::Casbin("two rules say the same".into())),
        Poll::Ready(Err(e)) => Err(casbin(e)),
        Poll::Pending => Err(PolicyError::Casbin("building did not complete".into())),
    }
}
