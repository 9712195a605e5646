//! A city to be made: which departments, which of them vote, and where their nodes listen.

mod algorithms;
pub mod files;
pub mod node_toml;
pub mod ports;

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::crypto::digest::HashAlgorithm;
use crate::crypto::sign::Algorithm;
use crate::domain::department_files::department::{DepartmentFile, Part};
use crate::ids::DepartmentId;

use super::error::CliError;
pub use algorithms::{AlgorithmChoice, Algorithms};
use ports::Ports;

/// Voters unless told otherwise: two of five may fail.
const VOTERS_DEFAULT: usize = 5;
const VOTERS_MAX: usize = 7;

/// One department's node.
#[derive(Clone, Debug)]
pub struct PlannedNode {
    /// The department as its folder describes it.
    pub file: DepartmentFile,
    /// Whether it votes.
    pub voter: bool,
    /// Where it listens.
    pub ports: Ports,
    /// With what it signs, and to what kind of key others seal.
    pub keys: Algorithm,
}

/// All nodes of the city, in the order of their numbers.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The nodes.
    pub nodes: Vec<PlannedNode>,
    /// Who admits departments and sets rules.
    pub authority: DepartmentId,
    /// To whom subjects are sealed.
    pub auditor: DepartmentId,
    /// Where nodes reach one another: an address or name of all, or with `{department}` in it one of each.
    pub host: String,
    /// Where nodes listen, when that is not where they are reached.
    pub listen: Option<IpAddr>,
    /// Departments that must cosign a checkpoint to anchor it; a majority of all unless stated.
    pub cosignatures: Option<u32>,
    /// Digest of the chain's tree.
    pub hash: HashAlgorithm,
}

/// The departments that shall have a node: those named, and always authority and auditor.
///
/// # Errors
/// A name that no department has.
pub fn choose(all: Vec<DepartmentFile>, only: &[DepartmentId]) -> Result<Vec<DepartmentFile>, CliError> {
    if let Some(unknown) = only.iter().find(|id| all.iter().all(|file| &file.id != *id)) {
        let known: Vec<&str> = all.iter().map(|file| file.id.as_str()).collect();
        return Err(CliError::usage(format_args!(
            "no department is called `{unknown}`; there are {}",
            known.join(", ")
        )));
    }
    let is_chosen = |file: &DepartmentFile| only.is_empty() || file.part != Part::Member || only.contains(&file.id);
    let mut chosen: Vec<DepartmentFile> = all.into_iter().filter(is_chosen).collect();
    chosen.sort_by_key(|file| file.order);
    Ok(chosen)
}

impl Plan {
    /// Plans a node for each department.
    ///
    /// # Errors
    /// A number of voters that is even, above 7 or above the number of departments.
    pub fn new(
        departments: Vec<DepartmentFile>,
        voters: Option<usize>,
        host: &str,
        ports: Vec<Ports>,
        algorithms: Algorithms,
    ) -> Result<Self, CliError> {
        let voters = vote(&departments, voters)?;
        let of_part = |part| departments.iter().find(|file| file.part == part).map(|file| file.id.clone());
        let missing = || CliError::usage("the city needs an authority and an auditor");
        let authority = of_part(Part::Authority).ok_or_else(missing)?;
        let auditor = of_part(Part::Auditor).ok_or_else(missing)?;
        let node = |(number, (file, ports)): (usize, (DepartmentFile, Ports))| PlannedNode {
            voter: voters.contains(&file.id),
            keys: algorithms.suite.keys(number),
            file,
            ports,
        };
        let nodes = departments.into_iter().zip(ports).enumerate().map(node).collect();
        let (host, hash) = (host.to_owned(), algorithms.hash);
        Ok(Self { nodes, authority, auditor, host, listen: None, cosignatures: None, hash })
    }
}

impl Plan {
    /// The same city, in which so many departments anchor a checkpoint.
    ///
    /// # Errors
    /// None of them, or more than there are.
    pub fn anchored_by(self, cosignatures: Option<u32>) -> Result<Self, CliError> {
        let count = cosignatures.map(|count| usize::try_from(count).unwrap_or(usize::MAX));
        if count.is_some_and(|count| count == 0 || count > self.nodes.len()) {
            let why = format!("--cosignatures must be 1 to {}, the number of departments", self.nodes.len());
            return Err(CliError::usage(why));
        }
        Ok(Self { cosignatures, ..self })
    }

    /// Where the others reach a node.
    pub fn host_of(&self, node: &PlannedNode) -> String {
        self.host.replace("{department}", node.file.id.as_str())
    }
}

/// The voters: the authority first, then in the order of the departments' numbers.
fn vote(departments: &[DepartmentFile], voters: Option<usize>) -> Result<BTreeSet<DepartmentId>, CliError> {
    let most = departments.len().min(VOTERS_MAX);
    let count = voters.unwrap_or_else(|| {
        let most = most.min(VOTERS_DEFAULT);
        if most.is_multiple_of(2) { most.saturating_sub(1) } else { most }
    });
    if count.is_multiple_of(2) || count > most {
        let why = format!("{count} voters are not possible: choose 1, 3, 5 or 7, and not more than departments");
        return Err(CliError::usage(why));
    }
    let mut ranked: Vec<&DepartmentFile> = departments.iter().collect();
    ranked.sort_by_key(|file| (file.part != Part::Authority, file.order));
    Ok(ranked.into_iter().take(count).map(|file| file.id.clone()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Text;

    fn file(id: &str, order: u64, part: Part) -> DepartmentFile {
        DepartmentFile {
            id: id.parse().unwrap(),
            name: Text::default(),
            uscc: "11110000000021135M".into(),
            part,
            order,
            duties: vec![],
            accounts: vec![],
        }
    }

    fn all() -> Vec<DepartmentFile> {
        vec![
            file("tax", 2, Part::Member),
            file("water", 3, Part::Member),
            file("audit", 4, Part::Auditor),
            file("data-bureau", 9, Part::Authority),
        ]
    }

    #[test]
    fn authority_and_auditor_are_always_chosen_and_unknown_names_are_told() {
        let ids = |only: &[&str]| {
            let only: Vec<DepartmentId> = only.iter().map(|id| id.parse().unwrap()).collect();
            let chosen = choose(all(), &only);
            chosen.map(|c| c.iter().map(|f| f.id.to_string()).collect::<Vec<_>>().join(" ")).map_err(|e| e.to_string())
        };
        assert_eq!(ids(&[]).unwrap(), "tax water audit data-bureau");
        assert_eq!(ids(&["water"]).unwrap(), "water audit data-bureau");
        assert!(ids(&["fire"]).unwrap_err().contains("there are tax, water, audit, data-bureau"));
    }

    #[test]
    fn voters_are_odd_in_number_with_the_authority_among_them() {
        let voters =
            |count| vote(&all(), count).map(|v| v.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
        assert_eq!(voters(None).unwrap(), "data-bureau tax water");
        assert_eq!(voters(Some(1)).unwrap(), "data-bureau");
        for wrong in [0, 2, 4, 5, 9] {
            assert!(voters(Some(wrong)).is_err(), "{wrong} voters of four");
        }
    }
}
