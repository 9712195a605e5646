//! What every policy keeps, whatever its rules: the golden lines of `principles.csv`. They are proven for every
//! combination of facts, not tried for some: a rule's cells and a principle's cells are sets, and what is left of a
//! principle when earlier rules have taken their part must not meet a rule of the other verdict.

use std::sync::LazyLock;

use super::PolicyError;
use super::region::Region;
use super::rules::{self, Rule};

/// The principles as people read them.
pub const TEXT: &str = include_str!("principles.csv");
/// Comparisons of a principle's parts with rules that one check may take: some hundredths of a second.
const STEPS_MAX: usize = 500_000;

/// Decides where no rule matches.
pub const DEFAULT_RULE: &str = "default-deny";

static PRINCIPLES: LazyLock<Vec<Rule>> = LazyLock::new(|| rules::parse(TEXT).unwrap_or_default());

/// The principles, each like a rule that must never be overruled.
pub fn all() -> &'static [Rule] {
    &PRINCIPLES
}

/// Whether the rules keep every principle.
///
/// # Errors
/// [`PolicyError::Principle`] with the first that is broken, [`PolicyError::Tangled`].
pub fn hold(rules: &[Rule]) -> Result<(), PolicyError> {
    let mut steps = 0;
    all().iter().try_for_each(|principle| holds(principle, rules, &mut steps))
}

fn holds(principle: &Rule, rules: &[Rule], steps: &mut usize) -> Result<(), PolicyError> {
    let mut rest = vec![*principle.region()];
    for rule in rules {
        let mut left = Vec::new();
        for part in &rest {
            *steps += 1;
            match part.meet(rule.region()) {
                None => left.push(*part),
                Some(met) if rule.allows != principle.allows => {
                    return Err(broken(principle, &rule.id, rule.allows, &met));
                }
                Some(_) => left.extend(part.without(rule.region())),
            }
        }
        if *steps > STEPS_MAX {
            return Err(PolicyError::Tangled);
        }
        rest = left;
        if rest.is_empty() {
            return Ok(());
        }
    }
    match rest.first().filter(|_| principle.allows) {
        Some(left) => Err(broken(principle, DEFAULT_RULE, false, left)),
        None => Ok(()),
    }
}

fn broken(principle: &Rule, rule: &str, allows: bool, facts: &Region) -> PolicyError {
    PolicyError::Principle {
        principle: principle.id.clone(),
        rule: rule.to_owned(),
        verdict: if allows { "allow" } else { "deny" },
        facts: facts.example(),
    }
}

/// Rules that never decide, because earlier ones take all that they speak of.
pub fn idle(rules: &[Rule]) -> Vec<&Rule> {
    let (mut found, mut steps) = (Vec::new(), 0);
    for (at, rule) in rules.iter().enumerate() {
        let mut rest = vec![*rule.region()];
        for earlier in rules.iter().take(at) {
            steps += rest.len();
            if steps > STEPS_MAX {
                return found;
            }
            let outside = |part: &Region| match part.meet(earlier.region()) {
                None => vec![*part],
                Some(_) => part.without(earlier.region()),
            };
            rest = rest.iter().flat_map(outside).collect();
        }
        if rest.is_empty() {
            found.push(rule);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken_by(rules: &str) -> String {
        match hold(&rules::parse(rules).unwrap()) {
            Err(PolicyError::Principle { principle, rule, .. }) => format!("{principle} by {rule}"),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn the_principles_can_be_read() {
        assert!(rules::parse(TEXT).is_ok_and(|all| all.len() > 20), "{:?}", rules::parse(TEXT));
    }

    #[test]
    fn a_rule_that_opens_what_is_not_shared_is_found_behind_others() {
        let own =
            "own, query, clerk|system, own, *, published, unconditional|conditional, *, *, *, *, *, *, allow, -\n";
        let audit = "audit, audit.read, auditor, auditor_dept, *, *, *, *, *, *, *, *, *, allow, -\n";
        let keys = "keys, account.manage|key.manage, admin, own, *, *, *, *, *, *, *, *, *, allow, -\n";
        let rules = "rules, policy.set, admin, authority, *, *, *, *, *, *, *, *, *, allow, -\n";
        let keeps = format!("{audit}{keys}{rules}");
        assert_eq!(broken_by(&format!("{own}{keeps}")), "Ok(())");
        assert_eq!(
            broken_by(&format!("{own}open, *, *, *, *, *, *, *, *, *, *, *, *, allow, -")),
            "entry-gone by open"
        );
        let mended = format!("{own}{audit}{keys}");
        assert_eq!(broken_by(&mended), "authority-sets-rules by default-deny", "nobody could mend such rules");
        let shut = "shut, *, *, *, *, *, *, *, *, *, *, *, *, deny, no_rule\n";
        assert_eq!(broken_by(&format!("{shut}{keeps}")), "audit-reads by shut");
        let named = "one, query, clerk, foreign, *, published, not_shared, 4, none, na, na, na, na, allow, -\n";
        assert_eq!(broken_by(&format!("{own}{named}{keeps}")), "never-not-shared by one", "a single combination");
    }

    #[test]
    fn rules_that_never_decide_are_told() {
        let text = "a, query, clerk|system, *, *, *, *, *, *, *, *, *, *, deny, no_rule\n\
                    b, query, !clerk|system, *, *, *, *, *, *, *, *, *, *, deny, no_rule\n\
                    c, query, *, own, *, *, *, *, *, *, *, *, *, allow, -\n\
                    d, case.open, *, own, *, *, *, *, *, *, *, *, *, allow, -";
        let rules = rules::parse(text).unwrap();
        assert_eq!(idle(&rules).iter().map(|rule| rule.id.as_str()).collect::<Vec<_>>(), ["c"]);
    }
}
