//! The whole policy as one table, compared with `tests/golden/policy-matrix.txt` (UPDATE_GOLDEN=1 writes it anew), and
//! what must hold of the default rules.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::facts::{ENTRY_STATES, SHARINGS};
use super::*;
use crate::domain::Role;
use crate::domain::catalog::{EntryState, Sharing};
use crate::domain::grant::GrantState;
use facts::Relation;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/policy-matrix.txt");

fn with_none<T: Copy>(values: &[T]) -> Vec<Option<T>> {
    std::iter::once(None).chain(values.iter().copied().map(Some)).collect()
}

/// Every combination of relation, person, entry, sharing and grant for an action and role, within all limits.
fn combinations(action: Action, role: Role) -> Vec<Facts> {
    let mut all = Vec::new();
    for relation in Relation::ALL.iter().copied() {
        for same_person in [false, true] {
            for entry in with_none(&ENTRY_STATES) {
                for sharing in with_none(&SHARINGS) {
                    for grant in with_none(&GrantState::ALL) {
                        let limit = if grant.is_some() { Match::Yes } else { Match::NotApplicable };
                        let facts = Facts::new(action, role, relation);
                        let facts = Facts { same_person, entry, sharing, grade: 1, grant, ..facts };
                        all.push(Facts { purpose: limit, items: limit, zone: limit, hours: limit, ..facts });
                    }
                }
            }
        }
    }
    all
}

/// Every combination of the limits, for queries with an active grant.
fn limits(role: Role) -> Vec<Facts> {
    let facts = Facts::new(Action::Query, role, Relation::Consumer);
    let (entry, sharing) = (Some(EntryState::Published), Some(Sharing::Conditional));
    let facts = Facts { entry, sharing, grade: 1, grant: Some(GrantState::Active), ..facts };
    let mut all = Vec::new();
    for purpose in Match::ALL.iter().copied() {
        for items in Match::ALL.iter().copied() {
            for zone in Match::ALL.iter().copied() {
                for hours in Match::ALL.iter().copied() {
                    all.push(Facts { purpose, items, zone, hours, ..facts });
                }
            }
        }
    }
    all
}

/// Positions in [`Facts::words`] by which the table is split, in the order of printing: entry, sharing, relation,
/// person, grant.
const DIMENSIONS: [usize; 5] = [4, 5, 2, 3, 7];
const LIMITS: [usize; 4] = [8, 9, 10, 11];

/// Rows under their words, and what is decided for each role.
type Rows = Vec<(Vec<&'static str>, String)>;

/// Prints rows as a tree: values of a dimension that lead to the same answers share a line, and a dimension that
/// makes no difference is left out.
fn print(text: &mut String, title: &str, dimensions: &[usize], rows: Rows) {
    let Some((dimension, deeper)) = dimensions.split_first() else {
        return writeln!(text, "{title}: {}", rows[0].1).unwrap();
    };
    let mut classes: Vec<(Vec<&'static str>, Rows)> = Vec::new();
    let name = facts::ATTRIBUTES[*dimension];
    for value in facts::vocabulary(name).unwrap() {
        let below =
            rows.iter().filter(|(key, _)| key[0] == value).map(|(key, answer)| (key[1..].to_vec(), answer.clone()));
        let below: Rows = below.collect();
        match classes.iter_mut().find(|(_, known)| *known == below) {
            Some((values, _)) => values.push(value),
            None => classes.push((vec![value], below)),
        }
    }
    let one = classes.len() == 1;
    for (values, below) in classes {
        let title = if one { title.to_owned() } else { format!("{title} {name}={}", values.join("|")) };
        print(text, &title, deeper, below);
    }
}

/// `allow clerk system (rule); deny admin (rule) reason` for all roles of one combination.
fn answers(engine: &Engine, of_roles: &[Facts]) -> String {
    let mut groups: Vec<(Decision, Vec<&str>)> = Vec::new();
    for facts in of_roles {
        let decision = engine.decide(facts);
        match groups.iter_mut().find(|(known, _)| *known == decision) {
            Some((_, roles)) => roles.push(facts.role.as_str()),
            None => groups.push((decision, vec![facts.role.as_str()])),
        }
    }
    groups.sort_by_key(|(decision, _)| !decision.allowed);
    let texts = groups.iter().map(|(decision, roles)| {
        let reasons: Vec<_> = decision.reasons.iter().map(|reason| reason.code).collect();
        let why = if reasons.is_empty() { String::new() } else { format!(" {}", reasons.join("+")) };
        let roles = if roles.len() == Role::ALL.len() { "*".to_owned() } else { roles.join("|") };
        format!("{} {roles} [{}]{why}", if decision.allowed { "allow" } else { "deny" }, decision.rule)
    });
    texts.collect::<Vec<_>>().join("; ")
}

fn section(engine: &Engine, title: &str, dimensions: &[usize], combinations: impl Fn(Role) -> Vec<Facts>) -> String {
    let by_role: Vec<Vec<Facts>> = Role::ALL.iter().map(|role| combinations(*role)).collect();
    let mut rows = Rows::new();
    for at in 0..by_role[0].len() {
        let of_roles: Vec<Facts> = by_role.iter().map(|facts| facts[at]).collect();
        let words = of_roles[0].words();
        rows.push((dimensions.iter().map(|d| words[*d]).collect(), answers(engine, &of_roles)));
    }
    let mut text = String::new();
    print(&mut text, title, dimensions, rows);
    text
}

fn matrix(engine: &Engine) -> String {
    let mut text = String::from(
        "# Every role x relation x person x entry x sharing x grant, action by action, within the limits of the grant;\n\
         # then every combination of those limits for a query. What makes no difference to an action is left out.\n",
    );
    for action in Action::ALL.iter().copied() {
        text.push('\n');
        text += &section(engine, action.as_str(), &DIMENSIONS, |role| combinations(action, role));
    }
    text.push('\n');
    text += &section(engine, "query with an active grant", &LIMITS, limits);
    text
}

#[test]
fn the_whole_policy_is_what_people_agreed_on() {
    let matrix = matrix(&Engine::new(&default_document()).unwrap());
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        std::fs::write(GOLDEN, &matrix).unwrap();
    }
    let golden = std::fs::read_to_string(GOLDEN).unwrap_or_default();
    for action in Action::ALL {
        assert!(
            golden.lines().any(|line| line.split([' ', ':']).next() == Some(action.as_str())),
            "{action:?} is not in the golden table"
        );
    }
    for (line, (expected, found)) in golden.lines().zip(matrix.lines()).enumerate() {
        assert_eq!(expected, found, "line {} of {GOLDEN}; UPDATE_GOLDEN=1 writes it anew", line + 1);
    }
    assert_eq!(golden.lines().count(), matrix.lines().count());
}

#[test]
fn every_rule_decides_something() {
    let engine = Engine::new(&default_document()).unwrap();
    let mut deciding = BTreeSet::new();
    for action in Action::ALL.iter().copied() {
        for role in Role::ALL {
            combinations(action, role).iter().for_each(|facts| _ = deciding.insert(engine.decide(facts).rule));
        }
    }
    for role in Role::ALL {
        limits(role).iter().for_each(|facts| _ = deciding.insert(engine.decide(facts).rule));
    }
    let idle: Vec<&str> =
        engine.rules().iter().map(|rule| rule.id.as_str()).filter(|id| !deciding.contains(*id)).collect();
    assert_eq!(idle, Vec::<&str>::new(), "rules that never decide");
}

/// The sentences, checked on every combination, whatever the rules' wording.
#[test]
fn no_combination_breaks_the_principles() {
    let engine = Engine::new(&default_document()).unwrap();
    for role in Role::ALL {
        for facts in combinations(Action::Query, role).into_iter().chain(limits(role)) {
            let allowed = engine.decide(&facts).allowed;
            let refused = |why: &str| assert!(!allowed, "{why}: {facts:?}");
            if facts.sharing == Some(Sharing::NotShared) {
                refused("not shared");
            }
            if matches!(facts.entry, None | Some(EntryState::Withdrawn)) {
                refused("withdrawn or unknown");
            }
            if !matches!(role, Role::Clerk | Role::System) {
                refused("role");
            }
            let conditional = facts.sharing == Some(Sharing::Conditional) && facts.relation != Relation::Own;
            if conditional && facts.grant != Some(GrantState::Active) {
                refused("no active grant");
            }
            let limits = [facts.purpose, facts.items, facts.zone, facts.hours];
            if conditional && limits.contains(&Match::No) {
                refused("outside the grant");
            }
        }
        for action in [Action::ApproveGrant, Action::DenyGrant, Action::ApproveEntry, Action::RejectEntry] {
            for facts in combinations(action, role).iter().filter(|facts| facts.same_person) {
                assert!(!engine.decide(facts).allowed, "self-approval: {facts:?}");
            }
        }
    }
}
