//! Reads a policy's model and accepts the one form that is safe: Casbin panics on an effect it does not know, and a
//! free matcher could be slow or fail on some call only.

use super::PolicyError;
use super::facts::ATTRIBUTES;

const EFFECT: &str = "priority(p.eft) || deny";
/// No model is longer.
const MODEL_BYTES_MAX: usize = 8 * 1024;

/// Columns of a rule, in order.
pub fn columns() -> Vec<&'static str> {
    let mut columns = vec!["id"];
    columns.extend(ATTRIBUTES);
    columns.extend(["eft", "reason"]);
    columns
}

/// A checked model. Only the order in which the matcher compares the attributes is its author's.
pub struct Model {
    order: Vec<&'static str>,
}

impl Model {
    /// Reads and checks a model.
    ///
    /// # Errors
    /// [`PolicyError::Model`].
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        if text.len() > MODEL_BYTES_MAX {
            return Err(PolicyError::Model("longer than 8 KiB".into()));
        }
        let sections = sections(text)?;
        let [(request, r), (policy, p), (effect, e), (matchers, m)] = sections.as_slice() else {
            return Err(wrong("needs its four sections once each: request, policy, effect, matchers"));
        };
        let keys = [request.as_str(), policy, effect, matchers];
        if keys != ["request_definition.r", "policy_definition.p", "policy_effect.e", "matchers.m"] {
            return Err(wrong("needs request_definition r, policy_definition p, policy_effect e and matchers m"));
        }
        let words = |list: &str| list.split(',').map(|word| word.trim().to_owned()).collect::<Vec<_>>();
        if words(r) != ATTRIBUTES {
            return Err(PolicyError::Model(format!("the request must be: {}", ATTRIBUTES.join(", "))));
        }
        if words(p) != columns() {
            return Err(PolicyError::Model(format!("the policy must be: {}", columns().join(", "))));
        }
        if e != EFFECT {
            return Err(PolicyError::Model(format!("the effect must be: {EFFECT}")));
        }
        Ok(Self { order: matcher(m)? })
    }

    /// The model for Casbin, written anew so that it reads exactly what was checked, and with the attributes alone
    /// that the rules at hand distinguish: Casbin copies every column of every rule it looks at.
    pub fn for_attributes(&self, used: &[&'static str]) -> String {
        let terms: Vec<String> = self.order.iter().filter(|name| used.contains(name)).map(|name| term(name)).collect();
        format!(
            "[request_definition]\nr = {0}\n[policy_definition]\np = {0}, eft\n[policy_effect]\ne = {EFFECT}\n\
             [matchers]\nm = {1}\n",
            used.join(", "),
            terms.join(" && "),
        )
    }
}

fn term(name: &str) -> String {
    format!("(p.{name} == \"*\" || r.{name} == p.{name})")
}

/// Each attribute once: `(p.x == "*" || r.x == p.x)`, joined by `&&`.
fn matcher(text: &str) -> Result<Vec<&'static str>, PolicyError> {
    let bare = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    let mut names = Vec::new();
    for part in text.split("&&") {
        let name = ATTRIBUTES
            .iter()
            .find(|name| bare(&term(name)) == bare(part))
            .ok_or_else(|| PolicyError::Model(format!("`{}` is not of the form {}", part.trim(), term("role"))))?;
        if names.contains(name) {
            return Err(PolicyError::Model(format!("the matcher compares {name} twice")));
        }
        names.push(*name);
    }
    match ATTRIBUTES.iter().find(|name| !names.contains(name)) {
        Some(missing) => Err(PolicyError::Model(format!("the matcher does not compare {missing}"))),
        None => Ok(names),
    }
}

/// `section.key` and value of every setting, lines that end in a backslash joined with the next.
fn sections(text: &str) -> Result<Vec<(String, String)>, PolicyError> {
    let mut found = Vec::new();
    let mut section = String::new();
    let joined = text.replace("\\\n", " ").replace("\\\r\n", " ");
    for line in joined.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.clone_into(&mut section);
        } else {
            let (key, value) = line.split_once('=').ok_or_else(|| wrong("has a line that is no `key = value`"))?;
            found.push((format!("{section}.{}", key.trim()), value.trim().to_owned()));
        }
    }
    Ok(found)
}

fn wrong(why: &str) -> PolicyError {
    PolicyError::Model(why.to_owned())
}
