//! What changes from one list of rules to another, rule by rule: what a person must see before they sign.

use std::collections::BTreeSet;

use serde::Serialize;

use super::facts::ATTRIBUTES;
use super::rules::{ANY, Rule};

/// What became of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It says something else.
    Changed,
    /// It says the same at another place: the first rule that matches decides.
    Moved,
}

impl Change {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Added, Self::Removed, Self::Changed, Self::Moved];

    /// The word in JSON and texts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
            Self::Moved => "moved",
        }
    }
}

/// One rule that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleChange {
    /// The rule.
    pub id: String,
    /// What became of it.
    pub change: Change,
    /// What it said; none for a new one.
    pub before: Option<String>,
    /// What it says; none for one that is gone.
    pub after: Option<String>,
}

/// What a rule says, in one line: what it is about, then its verdict.
pub fn in_words(rule: &Rule) -> String {
    let cells = ATTRIBUTES.iter().zip(&rule.cells).filter(|(_, cell)| cell.as_str() != ANY);
    let mut text: Vec<String> = cells.map(|(attribute, cell)| format!("{attribute}={cell}")).collect();
    text.push(if rule.allows { "allow" } else { "deny" }.to_owned());
    text.extend(rule.reason.map(str::to_owned));
    text.join(" ")
}

/// The rules that differ, those of the new list in its order, then those that are gone.
pub fn between(old: &[Rule], new: &[Rule]) -> Vec<RuleChange> {
    let find = |rules: &[Rule], id: &str| rules.iter().position(|rule| rule.id == id);
    let places: Vec<usize> = new.iter().filter_map(|rule| find(old, &rule.id)).collect();
    let stayed = in_order(&places);
    let mut changes = Vec::new();
    for rule in new {
        let before = find(old, &rule.id).and_then(|at| Some((at, old.get(at)?)));
        let change = match before {
            None => Change::Added,
            Some((_, before)) if !says_the_same(before, rule) => Change::Changed,
            Some((at, _)) if !stayed.contains(&at) => Change::Moved,
            Some(_) => continue,
        };
        let before = before.map(|(_, before)| in_words(before));
        changes.push(RuleChange { id: rule.id.clone(), change, before, after: Some(in_words(rule)) });
    }
    let gone = old.iter().filter(|rule| find(new, &rule.id).is_none());
    changes.extend(gone.map(|rule| RuleChange {
        id: rule.id.clone(),
        change: Change::Removed,
        before: Some(in_words(rule)),
        after: None,
    }));
    changes
}

fn says_the_same(one: &Rule, other: &Rule) -> bool {
    (one.region(), one.allows, one.reason) == (other.region(), other.allows, other.reason)
}

/// The longest part of a list of distinct numbers that rises: what is not in it has moved.
fn in_order(places: &[usize]) -> BTreeSet<usize> {
    let mut best: Vec<Vec<usize>> = Vec::new();
    for place in places {
        let fits = |run: &&Vec<usize>| run.last().is_none_or(|last| last < place);
        let mut run = best.iter().filter(fits).max_by_key(|run| run.len()).cloned().unwrap_or_default();
        run.push(*place);
        best.push(run);
    }
    best.into_iter().max_by_key(Vec::len).unwrap_or_default().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::super::rules::parse;
    use super::*;

    fn rule(id: &str, role: &str) -> String {
        format!("{id}, query, {role}, *, *, *, *, *, *, *, *, *, *, deny, no_rule\n")
    }

    #[test]
    fn rules_are_added_removed_changed_and_moved() {
        let old = [rule("a", "clerk"), rule("b", "system"), rule("c", "admin"), rule("d", "auditor")].concat();
        let new = [rule("c", "admin"), rule("a", "clerk"), rule("b", "!system"), rule("e", "clerk")].concat();
        let changes = between(&parse(&old).unwrap(), &parse(&new).unwrap());
        let told: Vec<(&str, Change)> = changes.iter().map(|change| (change.id.as_str(), change.change)).collect();
        let expected = [("c", Change::Moved), ("b", Change::Changed), ("e", Change::Added), ("d", Change::Removed)];
        assert_eq!(told, expected);
        assert_eq!(changes[1].after.as_deref(), Some("action=query role=!system deny no_rule"));
        assert_eq!(changes[3].after, None);
        let same = [rule("a", "clerk|system"), rule("b", "*")].concat();
        let worded_anew = [rule("a", "!reviewer|admin|auditor"), rule("b", "*")].concat();
        assert_eq!(
            between(&parse(&same).unwrap(), &parse(&worded_anew).unwrap()),
            [],
            "another wording, the same rule"
        );
    }
}
