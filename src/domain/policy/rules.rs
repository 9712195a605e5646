//! Reads the ordered rules of a policy and refuses every word that no fact can have.

use super::PolicyError;
use super::facts::{ATTRIBUTES, Facts, vocabulary};
use super::model::columns;
use super::reason;
use super::region::Region;

/// No policy has more rules.
const RULES_MAX: usize = 500;
/// Lines that all rules together may stand for, once lists of words are written out.
const LINES_MAX: usize = 5_000;
/// Stands for every word.
pub const ANY: &str = "*";

/// A rule as a person wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name, in decisions and in the audit.
    pub id: String,
    /// Whether it allows.
    pub allows: bool,
    /// Code of the reason, for a refusal.
    pub reason: Option<&'static str>,
    /// Line of the document, from 1.
    pub line: usize,
    /// The cells between id and effect, as written.
    pub cells: Vec<String>,
    /// Words that each cell stands for: `*`, or words of the attribute.
    words: Vec<Vec<&'static str>>,
    region: Region,
}

impl Rule {
    /// All facts that the rule matches.
    pub(super) fn region(&self) -> &Region {
        &self.region
    }

    /// Whether the rule matches a call.
    pub fn matches(&self, facts: &Facts) -> bool {
        self.region.meet(&Region::of_facts(facts)).is_some()
    }

    /// Whether the rule can apply to an action.
    pub fn concerns(&self, action: &str) -> bool {
        self.words.first().is_some_and(|words| words.iter().any(|word| *word == ANY || *word == action))
    }

    /// Whether the rule distinguishes values of an attribute, given by its position.
    pub fn distinguishes(&self, attribute: usize) -> bool {
        self.words.get(attribute).is_some_and(|words| words.as_slice() != [ANY])
    }

    /// The rule as plain lines for Casbin, with one word a cell: the given attributes and the effect.
    pub fn lines(&self, attributes: &[usize]) -> Vec<Vec<String>> {
        let mut lines = vec![Vec::new()];
        for words in attributes.iter().filter_map(|at| self.words.get(*at)) {
            let with = |line: &Vec<String>, word: &str| [line.as_slice(), &[word.to_owned()]].concat();
            lines = lines.iter().flat_map(|line| words.iter().map(move |word| with(line, word))).collect();
        }
        lines.iter_mut().for_each(|line| line.push(if self.allows { "allow" } else { "deny" }.to_owned()));
        lines
    }

    fn line_count(&self) -> usize {
        self.words.iter().map(Vec::len).fold(1, usize::saturating_mul)
    }
}

/// A fact that would have to be another for a call to be allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The attribute.
    pub attribute: &'static str,
    /// What it is.
    pub is: &'static str,
    /// What it would have to be.
    pub needs: &'static str,
}

/// What people can change about a call: first what is nearest at hand.
const CHANGEABLE: [&str; 7] = ["purpose", "items", "zone", "hours", "grant", "role", "person"];

/// The fewest facts that would have to be others for the rules to allow a call; none when it is allowed, or when none of
/// them would help.
pub fn needs(rules: &[Rule], facts: &Facts) -> Vec<Need> {
    let is = Region::of_facts(facts);
    let mut found: Option<Vec<(usize, usize)>> = None;
    let places = CHANGEABLE.map(|name| ATTRIBUTES.iter().position(|known| *known == name).unwrap_or_default());
    let mut open = vec![(is, Vec::new())];
    for place in places {
        let words = ATTRIBUTES.get(place).and_then(|name| vocabulary(name)).unwrap_or_default();
        let mut more = Vec::new();
        for (region, changed) in &open {
            for word in 0..words.len() {
                let next = region.with(place, word);
                if next != *region {
                    more.push((next, [changed.as_slice(), &[(place, word)]].concat()));
                }
            }
        }
        open.append(&mut more);
    }
    // Fewest changes first; among equals, those of what is nearest at hand.
    open.sort_by_key(|(_, changed)| changed.len());
    for (region, changed) in open {
        let decides = rules.iter().find(|rule| rule.region.meet(&region).is_some());
        if decides.is_some_and(|rule| rule.allows) {
            found = Some(changed);
            break;
        }
    }
    let words = facts.words();
    let need = |(place, word): (usize, usize)| {
        let attribute = *ATTRIBUTES.get(place)?;
        Some(Need { attribute, is: words.get(place)?, needs: vocabulary(attribute)?.get(word)? })
    };
    found.unwrap_or_default().into_iter().filter_map(need).collect()
}

/// Reads all rules, in order.
///
/// # Errors
/// [`PolicyError::Rule`] with the line.
pub fn parse(text: &str) -> Result<Vec<Rule>, PolicyError> {
    let mut rules: Vec<Rule> = Vec::new();
    let mut lines = 0_usize;
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let rule = rule(at + 1, line)?;
        if rules.iter().any(|earlier| earlier.id == rule.id) {
            return Err(PolicyError::Rule { line: at + 1, why: format!("the id {} is taken", rule.id) });
        }
        lines = lines.saturating_add(rule.line_count());
        rules.push(rule);
        if rules.len() > RULES_MAX || lines > LINES_MAX {
            return Err(PolicyError::Rule { line: at + 1, why: "the policy is too large".into() });
        }
    }
    if rules.is_empty() {
        return Err(PolicyError::Rule { line: 0, why: "there are no rules".into() });
    }
    Ok(rules)
}

fn rule(number: usize, line: &str) -> Result<Rule, PolicyError> {
    let wrong = |why: String| PolicyError::Rule { line: number, why };
    let cells: Vec<&str> = line.split(',').map(str::trim).collect();
    let needed = columns().len();
    let ([id, middle @ .., effect, code], true) = (cells.as_slice(), cells.len() == needed) else {
        return Err(wrong(format!("has {} columns, not {needed}: {}", cells.len(), columns().join(", "))));
    };
    if id.is_empty() || id.len() > 64 || !id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    {
        return Err(wrong(format!("`{id}` is not an id: use a-z, 0-9 and -")));
    }
    let allows = match *effect {
        "allow" => true,
        "deny" => false,
        other => return Err(wrong(format!("`{other}` is not an effect: write allow or deny"))),
    };
    let reason = match (allows, *code) {
        (true, "-") => None,
        (true, other) => return Err(wrong(format!("an allowing rule has - for a reason, not `{other}`"))),
        (false, code) => {
            Some(reason::of_code(code).ok_or_else(|| wrong(format!("`{code}` is not a known reason")))?.code)
        }
    };
    let words = ATTRIBUTES.iter().zip(middle).map(|(attribute, cell)| words(attribute, cell).map_err(wrong));
    let words = words.collect::<Result<Vec<_>, _>>()?;
    let cells = middle.iter().map(|cell| (*cell).to_owned()).collect();
    let region = Region::of(&words);
    Ok(Rule { id: (*id).to_owned(), allows, reason, line: number, cells, words, region })
}

/// The words of a cell: `*`, `a`, `a|b` or, for all others, `!a|b`.
fn words(attribute: &str, cell: &str) -> Result<Vec<&'static str>, String> {
    if cell == ANY {
        return Ok(vec![ANY]);
    }
    let known = vocabulary(attribute).unwrap_or_default();
    let (inverted, list) = cell.strip_prefix('!').map_or((false, cell), |list| (true, list));
    let mut named = Vec::new();
    for word in list.split('|') {
        let word = known
            .iter()
            .find(|known| **known == word)
            .ok_or_else(|| format!("`{word}` is not known for {attribute}: write one of {}", known.join(", ")))?;
        if named.contains(word) {
            return Err(format!("`{word}` stands twice in {attribute}"));
        }
        named.push(*word);
    }
    let words: Vec<_> = known.into_iter().filter(|word| named.contains(word) != inverted).collect();
    if words.is_empty() { Err(format!("`{cell}` leaves nothing for {attribute}")) } else { Ok(words) }
}
