//! What a watcher keeps when somebody changed the past before its eyes: both signed notes, and what they prove.

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::ids::DepartmentId;

use super::checkpoint::{Keys, SignedCheckpoint};
use super::evidence::{EVIDENCE_BYTES_MAX, Shown};
use super::watch::Kind;

/// A file of evidence, JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sighting {
    /// Form of the file: 1.
    pub v: u32,
    /// The chain's id.
    pub chain: String,
    /// Which alarm.
    pub kind: Kind,
    /// Who showed it.
    pub url: String,
    /// For people.
    pub why: String,
    /// When, by the watcher's clock.
    pub seen_ms: Millis,
    /// The signed note that was known before, or that another place showed.
    pub known: String,
    /// The signed note that was shown.
    pub seen: String,
    /// The departments' keys by the watcher's policy.
    pub keys: Keys,
}

impl Sighting {
    /// Reads a file; checks nothing but its form.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > EVIDENCE_BYTES_MAX {
            return Err("longer than 1 MiB".into());
        }
        let sighting: Self = serde_json::from_str(text).map_err(|e| e.to_string())?;
        if sighting.v == 1 { Ok(sighting) } else { Err(format!("unknown version {}", sighting.v)) }
    }

    /// What happened, what it means and what to do, in plain words.
    pub fn explain(&self) -> String {
        let what = match self.kind {
            Kind::StateDivergence => {
                "for the same transactions, departments vouched for two accounts of what they came to: some of them run \
                another program, or lie"
            }
            Kind::Rollback => {
                "the ledger became shorter: transactions that departments vouched for are gone there, because files were \
                set back or because they are hidden"
            }
            _ => {
                "departments vouched for two ledgers under one name: there is a fork, and somebody is shown a false history"
            }
        };
        format!(
            "At {}, {} showed a checkpoint that does not agree with one known before ({}). That means: {what}. Show both notes \
            to the departments named below, and audit their ledgers with `mulu ledger verify`.",
            self.seen_ms, self.url, self.why
        )
    }

    /// Checks everything that can be checked from the file alone, and says what cannot. The keys are those of the
    /// watcher unless trusted ones are given.
    ///
    /// # Errors
    /// Why the file does not show what it claims.
    pub fn verify(&self, trusted: Option<&Keys>) -> Result<Shown, String> {
        let keys = trusted.unwrap_or(&self.keys);
        let (known, by) = self.note(&self.known, keys)?;
        let (seen, by_too) = self.note(&self.seen, keys)?;
        let (one, other) = (known.checkpoint(), seen.checkpoint());
        if one == other {
            return Err("the notes say the same".into());
        }
        let line = |note: &SignedCheckpoint, by: &[DepartmentId]| {
            let (checkpoint, names) = (note.checkpoint(), join(by));
            format!("{names} cosigned size {}, root {}, state {}", checkpoint.size, checkpoint.root, checkpoint.state)
        };
        let mut shown = Shown { proven: vec![line(&known, &by), line(&seen, &by_too)], unproven: vec![] };
        let both: Vec<DepartmentId> = by.into_iter().filter(|department| by_too.contains(department)).collect();
        if one.size == other.size {
            shown.proven.push("two checkpoints of one size contradict each other".into());
            if !both.is_empty() {
                shown.proven.push(format!("{} cosigned both, which no honest node does", join(&both)));
            }
        } else if self.kind == Kind::Rollback {
            shown.unproven.push(format!("that {} showed the smaller one after the larger one", self.url));
        } else {
            shown.unproven.push("that neither is the beginning of the other: nobody could prove that it is".into());
        }
        shown.unproven.push("whether a department did it itself, or somebody who has its key".into());
        Ok(shown)
    }

    fn note(&self, text: &str, keys: &Keys) -> Result<(SignedCheckpoint, Vec<DepartmentId>), String> {
        let note = SignedCheckpoint::parse(text).map_err(|e| e.to_string())?;
        if note.checkpoint().chain() != self.chain {
            return Err("a note is of another chain".into());
        }
        let cosigners = note.cosigners(keys).map_err(|e| e.to_string())?;
        if cosigners.is_empty() {
            return Err("a note is not cosigned by any department that is known".into());
        }
        Ok((note, cosigners.into_iter().map(|cosigner| cosigner.department).collect()))
    }
}

fn join(departments: &[DepartmentId]) -> String {
    departments.iter().map(DepartmentId::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::watch::tests::{CHAIN, checkpoint, note, policy};

    fn sighting(kind: Kind, seen: (u64, u64), cosigners: &[(usize, u64)]) -> Sighting {
        Sighting {
            v: 1,
            chain: CHAIN.into(),
            kind,
            url: "http://tax.example".into(),
            why: "two roots of one size".into(),
            seen_ms: Millis(5),
            known: note(&checkpoint(7, u64::MAX, 0), &[(0, 5), (1, 6)]),
            seen: note(&checkpoint(seen.0, seen.1, 0), cosigners),
            keys: policy().departments().clone(),
        }
    }

    #[test]
    fn a_fork_of_one_size_names_who_signed_both_sides() {
        let sighting = sighting(Kind::Fork, (7, 3), &[(1, 7), (2, 8)]);
        let shown = Sighting::parse(&serde_json::to_string(&sighting).unwrap()).unwrap().verify(None).unwrap();
        assert!(shown.proven.contains(&"tax cosigned both, which no honest node does".to_owned()), "{shown:?}");
        assert!(sighting.explain().contains("http://tax.example"));
    }

    #[test]
    fn what_two_notes_cannot_show_is_said() {
        for (kind, size) in [(Kind::Rollback, 5), (Kind::Fork, 9)] {
            let shown = sighting(kind, (size, 3), &[(0, 7), (1, 8)]).verify(None).unwrap();
            assert_eq!((shown.proven.len(), shown.unproven.len()), (2, 2), "{kind:?}");
        }
    }

    #[test]
    fn a_forged_sighting_shows_nothing() {
        let good = sighting(Kind::Fork, (7, 3), &[(0, 7), (1, 8)]);
        let same = Sighting { seen: good.known.clone(), ..good.clone() };
        let altered = Sighting { seen: good.seen.replacen("\n7\n", "\n8\n", 1), ..good.clone() };
        let other = Sighting { chain: "mulu-2".into(), ..good.clone() };
        for forged in [same, altered, other, sighting(Kind::Fork, (7, 3), &[])] {
            assert!(forged.verify(None).is_err(), "{forged:?}");
        }
        assert!(good.verify(Some(&Keys::new())).is_err());
    }
}
