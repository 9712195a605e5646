//! Corrected forms of cases: kept before the ledger has their digest, in force once it has.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::Millis;
use crate::crypto::digest::Hash;
use crate::domain::case::CaseCorrection;
use crate::ids::CaseId;
use crate::readmodel::columns::{from_json, to_json};
use crate::readmodel::error::ReadError;

use super::schema::{case_pulls, case_records};
use super::{Local, paper};

/// A correction that has not come to the ledger by then never will: its id is out of time.
const WAITS_MS_MAX: u64 = 660_000;
/// Corrections of one case whose end nobody knows, at most.
const WAITING_MAX: usize = 8;
/// Forms of one case that are kept, at most.
const FORMER_MAX: usize = 100;

/// A form of a case, as a clerk filled it in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseForm {
    /// What was filled in.
    pub params: Map<String, Value>,
    /// Of its digest, hex.
    pub salt: String,
    /// SM3 of salt and form, as on the ledger.
    pub digest: Hash,
    /// When it was kept.
    pub at: Millis,
}

/// Column for column what is read of a record here.
type Columns = (String, Option<String>, Option<String>, Option<String>);

fn list(text: Option<&String>) -> Result<Vec<CaseForm>, ReadError> {
    text.map_or(Ok(Vec::new()), |text| from_json(text))
}

impl Local {
    /// Keeps a corrected form, before its digest goes to the ledger.
    ///
    /// # Errors
    /// [`ReadError::Conflict`] when too many wait or were made, [`ReadError::Invalid`] when they are too long.
    pub fn begin_correction(&self, case: CaseId, form: &CaseForm) -> Result<(), ReadError> {
        self.write(|connection| {
            let row = || case_records::table.find(case.to_string());
            let (waiting, former): (Option<String>, Option<String>) =
                row().select((case_records::corrections, case_records::former)).first(connection)?;
            let (mut waiting, former) = (list(waiting.as_ref())?, list(former.as_ref())?);
            waiting.retain(|one| form.at.since(one.at) < WAITS_MS_MAX);
            if waiting.len() >= WAITING_MAX || former.len() >= FORMER_MAX {
                return Err(ReadError::Conflict("the form was corrected too often: try again later".into()));
            }
            waiting.push(form.clone());
            let text = Some(paper(&waiting)?);
            diesel::update(row()).set(case_records::corrections.eq(text)).execute(connection)?;
            Ok(())
        })
    }

    /// Puts the form that the ledger has into force, if it waits for that; what was pulled for the one before is
    /// forgotten, except for what stays.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn settle_correction(&self, case: CaseId, correction: &CaseCorrection) -> Result<(), ReadError> {
        let waits = |connection: &mut SqliteConnection| -> Result<Option<Columns>, ReadError> {
            let row = case_records::table.find(case.to_string()).filter(case_records::corrections.is_not_null());
            let columns = (case_records::params, case_records::salt, case_records::corrections, case_records::former);
            Ok(row.select(columns).first(connection).optional()?)
        };
        if self.with(waits)?.is_none() {
            return Ok(());
        }
        self.write(|connection| {
            let Some((params, salt, waiting, former)) = waits(connection)? else { return Ok(()) };
            let mut waiting = list(waiting.as_ref())?;
            let Some(at) = waiting.iter().position(|form| form.digest == correction.form_digest) else { return Ok(()) };
            let form = waiting.remove(at);
            let mut former = list(former.as_ref())?;
            let (before, salt) = (from_json(&params)?, salt.unwrap_or_default());
            former.push(CaseForm { params: before, salt, digest: correction.corrects, at: form.at });
            let waiting = if waiting.is_empty() { None } else { Some(to_json(&waiting)?) };
            diesel::update(case_records::table.find(case.to_string()))
                .set((
                    case_records::params.eq(to_json(&form.params)?),
                    case_records::salt.eq(Some(form.salt)),
                    case_records::corrections.eq(waiting),
                    case_records::former.eq(Some(paper(&former)?)),
                ))
                .execute(connection)?;
            let kept: Vec<String> = correction.kept.iter().map(ToString::to_string).collect();
            let gone = case_pulls::table
                .filter(case_pulls::case_id.eq(case.to_string()))
                .filter(case_pulls::pull.ne_all(kept));
            let empty = (
                case_pulls::open.eq(0),
                case_pulls::problem.eq(None::<String>),
                case_pulls::material.eq(None::<String>),
            );
            diesel::update(gone).set(empty).execute(connection)?;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::Text;
    use crate::ids::Slug;
    use crate::readmodel::local::CaseMaterial;

    const NOW: Millis = Millis(1_795_000_000_000);

    fn form(buyer: &str, digest: u8, at: Millis) -> CaseForm {
        let params = json!({"buyer": buyer}).as_object().cloned().unwrap();
        CaseForm { params, salt: format!("{digest:02x}"), digest: Hash([digest; 32]), at }
    }

    fn correction(digest: u8, kept: &[Slug]) -> CaseCorrection {
        let (corrects, form_digest) = (Hash([1; 32]), Hash([digest; 32]));
        CaseCorrection { corrects, form_digest, pulls: Vec::new(), kept: kept.to_vec() }
    }

    #[test]
    fn a_correction_is_in_force_when_the_ledger_has_it_and_forgets_what_it_changes() {
        let dir = tempfile::tempdir().unwrap();
        let local = Local::open(dir.path()).unwrap();
        let case = CaseId::new(NOW);
        local.begin_case(case, &form("old", 1, NOW).params, "aa", NOW).unwrap();
        let names = ["title", "tax"].map(|name| name.parse::<Slug>().unwrap());
        for name in &names {
            let access_id = local.begin_pull(case, name, NOW, false).unwrap().access_id;
            let (title, entry) = (Text::default(), "tax/deed-tax-payment".parse().unwrap());
            let (digest, rows) = (Hash([7; 32]), json!([{}]));
            let came = CaseMaterial { name: name.clone(), title, entry, access_id, digest, rows };
            local.end_pull(case, name, &Ok(came)).unwrap();
        }
        local.begin_correction(case, &form("lost", 2, NOW)).unwrap();
        local.begin_correction(case, &form("new", 3, NOW.plus(1))).unwrap();
        local.settle_correction(case, &correction(9, &[])).unwrap();
        let before = local.case_record(case).unwrap().unwrap();
        assert_eq!((before.params["buyer"].as_str(), before.materials.len()), (Some("old"), 2), "not on the ledger");
        assert_eq!(before.former, None);
        let settle = || local.settle_correction(case, &correction(3, &names[..1]));
        settle().unwrap();
        settle().unwrap();
        let after = local.case_record(case).unwrap().unwrap();
        assert_eq!((after.params["buyer"].as_str(), after.salt.as_deref()), (Some("new"), Some("03")));
        assert_eq!(after.materials.iter().map(|one| &one.name).collect::<Vec<_>>(), [&names[0]]);
        assert_eq!(after.former.unwrap()["buyer"], "old");
        let again = local.begin_pull(case, &names[1], NOW.plus(2), false).unwrap();
        assert_eq!(again.attempt, 2, "asked anew, under another id");
    }

    #[test]
    fn what_waits_is_bounded_and_forgotten_in_time() {
        let dir = tempfile::tempdir().unwrap();
        let local = Local::open(dir.path()).unwrap();
        let case = CaseId::new(NOW);
        local.begin_case(case, &Map::new(), "aa", NOW).unwrap();
        for n in 0..8 {
            local.begin_correction(case, &form("x", n, NOW)).unwrap();
        }
        assert!(matches!(local.begin_correction(case, &form("x", 9, NOW)), Err(ReadError::Conflict(_))));
        local.begin_correction(case, &form("x", 9, NOW.plus(WAITS_MS_MAX))).unwrap();
        local.settle_correction(case, &correction(0, &[])).unwrap();
        assert_eq!(local.case_record(case).unwrap().unwrap().former, None, "forgotten");
    }
}
