//! Whom the holder of a receipt trusts: which departments' cosignatures count, and how many are needed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::crypto::sign::PublicKey;
use crate::ids::DepartmentId;

use super::checkpoint::Keys;

/// Groups within groups; deeper than this nobody reads.
const DEPTH_MAX: usize = 16;
const FILE_HEAD: &str = "# Whom to trust in `mulu receipt verify`: so many of these departments must have cosigned.\n";
const DEPARTMENTS_MAX: usize = 1024;
const GROUPS_MAX: usize = 256;
/// The most keys of one department in a policy.
pub const KEYS_MAX: usize = 64;

/// A policy file: `chain`, `[departments]` with one or more public keys each, and either `signatures_min` (so many of
/// the departments) or `quorum` (the name of a group) with `[groups.<name>] at_least, of`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct TrustPolicy {
    chain: String,
    departments: Keys,
    rule: Rule,
    groups: BTreeMap<String, Group>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    Any(usize),
    Group(String),
}

/// So many of these departments and groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    at_least: usize,
    of: Vec<String>,
}

/// The file as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    chain: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    signatures_min: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quorum: Option<String>,
    departments: BTreeMap<DepartmentId, OneOrMore>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    groups: BTreeMap<String, Group>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(PublicKey),
    More(Vec<PublicKey>),
}

impl TryFrom<Form> for TrustPolicy {
    type Error = String;

    fn try_from(form: Form) -> Result<Self, String> {
        let departments: Keys = form.departments.into_iter().map(|(id, keys)| (id, keys.into())).collect();
        let rule = match (form.signatures_min, form.quorum) {
            (Some(count), None) => Rule::Any(count),
            (None, Some(group)) => Rule::Group(group),
            _ => return Err("state either signatures_min or quorum, and not both".into()),
        };
        let policy = Self { chain: form.chain, departments, rule, groups: form.groups };
        policy.check()?;
        Ok(policy)
    }
}

impl From<TrustPolicy> for Form {
    fn from(policy: TrustPolicy) -> Self {
        let (signatures_min, quorum) = match policy.rule {
            Rule::Any(count) => (Some(count), None),
            Rule::Group(group) => (None, Some(group)),
        };
        let departments = policy.departments.into_iter().map(|(id, keys)| (id, keys.into())).collect();
        Self { chain: policy.chain, signatures_min, quorum, departments, groups: policy.groups }
    }
}

impl From<OneOrMore> for Vec<PublicKey> {
    fn from(keys: OneOrMore) -> Self {
        match keys {
            OneOrMore::One(key) => vec![key],
            OneOrMore::More(keys) => keys,
        }
    }
}

impl From<Vec<PublicKey>> for OneOrMore {
    fn from(mut keys: Vec<PublicKey>) -> Self {
        match keys.pop() {
            Some(only) if keys.is_empty() => Self::One(only),
            last => Self::More(keys.into_iter().chain(last).collect()),
        }
    }
}

impl TrustPolicy {
    /// So many of these departments, whichever.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn any(chain: &str, departments: Keys, signatures_min: usize) -> Result<Self, String> {
        let policy =
            Self { chain: chain.to_owned(), departments, rule: Rule::Any(signatures_min), groups: BTreeMap::new() };
        policy.check()?;
        Ok(policy)
    }

    /// The policy as a file, with a word for its reader.
    ///
    /// # Errors
    /// None that a policy which was read or made could cause; the writer's own.
    pub fn file(&self) -> Result<String, toml::ser::Error> {
        Ok(format!("{FILE_HEAD}{}", toml::to_string(self)?))
    }

    /// The chain's id.
    pub fn chain(&self) -> &str {
        &self.chain
    }

    /// The departments whose cosignatures count, with their keys.
    pub fn departments(&self) -> &Keys {
        &self.departments
    }

    fn check(&self) -> Result<(), String> {
        if self.chain.is_empty() {
            return Err("chain is empty".into());
        }
        if self.departments.len() > DEPARTMENTS_MAX || self.groups.len() > GROUPS_MAX {
            return Err(format!("more than {DEPARTMENTS_MAX} departments or {GROUPS_MAX} groups"));
        }
        let mut owners = BTreeMap::new();
        for (department, keys) in &self.departments {
            if keys.is_empty() || keys.len() > KEYS_MAX {
                return Err(format!("{department} needs 1 to {KEYS_MAX} keys"));
            }
            for key in keys {
                // One key under two names would be one signer that counts twice.
                if let Some(other) = owners.insert(key.to_string(), department) {
                    return Err(format!("{other} and {department} have a key in common, or one has it twice"));
                }
            }
        }
        for (name, group) in &self.groups {
            self.check_group(name, group)?;
        }
        self.check_depth()?;
        match &self.rule {
            Rule::Any(0) => Err("signatures_min is 0: that would trust nobody's word".into()),
            Rule::Any(count) if *count > self.departments.len() => {
                Err(format!("signatures_min is {count}, of {} departments", self.departments.len()))
            }
            Rule::Any(_) => Ok(()),
            Rule::Group(name) if self.groups.contains_key(name) => Ok(()),
            Rule::Group(name) => Err(format!("quorum: there is no group {name}")),
        }
    }

    fn check_group(&self, name: &str, group: &Group) -> Result<(), String> {
        if self.department(name).is_some() {
            return Err(format!("{name} is the name of a department and of a group"));
        }
        if group.at_least == 0 || group.at_least > group.of.len() {
            return Err(format!("group {name}: at_least is {}, of {} members", group.at_least, group.of.len()));
        }
        let mut members = BTreeSet::new();
        for member in &group.of {
            if !members.insert(member) {
                return Err(format!("group {name} names {member} twice"));
            }
            if self.department(member).is_none() && !self.groups.contains_key(member) {
                return Err(format!("group {name}: {member} is neither a department nor a group"));
            }
        }
        Ok(())
    }

    fn department(&self, name: &str) -> Option<&DepartmentId> {
        self.departments.keys().find(|department| department.as_str() == name)
    }

    /// Groups that name each other in a circle are deeper than any. Level by level, because the ways down through a few
    /// groups that share their members are more than anybody can walk.
    fn check_depth(&self) -> Result<(), String> {
        let mut settled: BTreeSet<&str> = self.departments.keys().map(DepartmentId::as_str).collect();
        for _ in 0..DEPTH_MAX {
            let above = self.groups.iter().filter(|(_, group)| group.of.iter().all(|m| settled.contains(m.as_str())));
            let above: Vec<&str> = above.map(|(name, _)| name.as_str()).collect();
            settled.extend(above);
        }
        match self.groups.keys().find(|name| !settled.contains(name.as_str())) {
            Some(name) => Err(format!("groups go round in a circle or deeper than {DEPTH_MAX} at {name}")),
            None => Ok(()),
        }
    }

    /// Whether these departments are enough.
    ///
    /// # Errors
    /// What is lacking, for people.
    pub fn fulfilled(&self, cosigners: &BTreeSet<DepartmentId>) -> Result<(), String> {
        match &self.rule {
            Rule::Any(needed) => {
                let have = cosigners.iter().filter(|cosigner| self.departments.contains_key(cosigner)).count();
                if have >= *needed { Ok(()) } else { Err(format!("{have} of {needed} cosignatures needed")) }
            }
            Rule::Group(name) => {
                let holding = self.holding(cosigners);
                let (have, needed, of) = self.groups.get(name).map_or((0, 1, 0), |group| {
                    let have = group.of.iter().filter(|member| holding.contains(member.as_str())).count();
                    (have, group.at_least, group.of.len())
                });
                if have >= needed {
                    return Ok(());
                }
                Err(format!("group {name}: {have} of its {of} members cosigned, {needed} needed"))
            }
        }
    }

    /// The departments that cosigned, and the groups that have enough members among these, level by level.
    fn holding<'a>(&'a self, cosigners: &'a BTreeSet<DepartmentId>) -> BTreeSet<&'a str> {
        let known = cosigners.iter().filter(|cosigner| self.departments.contains_key(cosigner));
        let mut holding: BTreeSet<&str> = known.map(DepartmentId::as_str).collect();
        for _ in 0..DEPTH_MAX {
            let enough = self.groups.iter().filter(|(_, group)| {
                group.of.iter().filter(|member| holding.contains(member.as_str())).count() >= group.at_least
            });
            let enough: Vec<&str> = enough.map(|(name, _)| name.as_str()).collect();
            holding.extend(enough);
        }
        holding
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::sign::SigningKey;

    fn key(n: u8) -> PublicKey {
        SigningKey::from_seed(&[n; 32]).public()
    }

    fn policy(rest: &str) -> Result<TrustPolicy, String> {
        let (a, b, c, d) = (key(1), key(2), key(3), key(4));
        // TOML wants plain keys before tables.
        let (plain, groups) = rest.split_at(rest.find('[').unwrap_or(rest.len()));
        let text = format!(
            "chain = \"mulu-1\"\n{plain}\n[departments]\ntax = \"{a}\"\naudit = [\"{b}\", \"{c}\"]\nwater = \"{d}\"\n{groups}"
        );
        toml::from_str(&text).map_err(|e| e.to_string())
    }

    fn are_enough(policy: &TrustPolicy, names: &[&str]) -> bool {
        policy.fulfilled(&names.iter().map(|name| name.parse().unwrap()).collect()).is_ok()
    }

    #[test]
    fn so_many_of_the_departments_or_a_group_within_groups() {
        let any = policy("signatures_min = 2").unwrap();
        assert!(are_enough(&any, &["tax", "water"]) && are_enough(&any, &["tax", "water", "audit"]));
        assert!(!are_enough(&any, &["tax"]) && !are_enough(&any, &["tax", "stranger"]));
        assert_eq!(any.departments()[&"audit".parse().unwrap()].len(), 2);

        let groups = "quorum = \"all\"\n[groups.all]\nat_least = 2\nof = [\"audit\", \"payers\"]\n\
            [groups.payers]\nat_least = 1\nof = [\"tax\", \"water\"]\n";
        let grouped = policy(groups).unwrap();
        assert!(are_enough(&grouped, &["audit", "water"]) && are_enough(&grouped, &["audit", "tax"]));
        assert!(!are_enough(&grouped, &["tax", "water"]) && !are_enough(&grouped, &["audit"]));
        let again: TrustPolicy = toml::from_str(&grouped.file().unwrap()).unwrap();
        assert_eq!(again, grouped);
    }

    #[test]
    fn groups_that_share_their_members_are_judged_at_once() {
        // Twelve groups on each of fifteen levels: 12^15 ways down.
        let mut groups = String::from("quorum = \"g-0-0\"\n");
        for (level, n) in (0..15).flat_map(|level| (0..12).map(move |n| (level, n))) {
            let below: Vec<String> = (0..12).map(|m| format!("\"g-{}-{m}\"", level + 1)).collect();
            let below = if level == 14 { "\"tax\", \"audit\", \"water\"".into() } else { below.join(", ") };
            groups += &format!("[groups.g-{level}-{n}]\nat_least = 2\nof = [{below}]\n");
        }
        let shared = policy(&groups).unwrap();
        assert!(are_enough(&shared, &["tax", "water"]) && !are_enough(&shared, &["tax"]));
        // A stranger that is called like a group is none.
        assert!(!are_enough(&shared, &["g-1-0", "g-1-1"]));
    }

    #[test]
    fn a_faulty_policy_is_refused_with_its_fault() {
        for (text, fault) in [
            ("", "either signatures_min or quorum"),
            ("signatures_min = 1\nquorum = \"g\"", "either signatures_min or quorum"),
            ("signatures_min = 0", "nobody"),
            ("signatures_min = 4", "of 3 departments"),
            ("signatures_max = 4", "unknown field"),
            ("quorum = \"g\"", "no group g"),
            ("quorum = \"g\"\n[groups.g]\nat_least = 2\nof = [\"tax\"]", "at_least is 2"),
            ("quorum = \"g\"\n[groups.g]\nat_least = 1\nof = [\"tax\", \"tax\"]", "twice"),
            ("quorum = \"g\"\n[groups.g]\nat_least = 1\nof = [\"nobody\"]", "neither"),
            ("quorum = \"tax\"\n[groups.tax]\nat_least = 1\nof = [\"water\"]", "department and of a group"),
            (
                "quorum = \"g\"\n[groups.g]\nat_least = 1\nof = [\"h\"]\n[groups.h]\nat_least = 1\nof = [\"g\"]",
                "circle",
            ),
        ] {
            let why = policy(text).unwrap_err();
            assert!(why.contains(fault), "{text}: {why}");
        }
        let twice: Keys = [("tax", 1), ("audit", 1)].map(|(name, n)| (name.parse().unwrap(), vec![key(n)])).into();
        assert!(TrustPolicy::any("mulu-1", twice, 1).unwrap_err().contains("in common"));
    }
}
