//! How far each pull of a case got, so that nothing is asked twice and nothing that came is lost.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Millis;
use crate::crypto::digest::{Hash, sm3};
use crate::domain::Text;
use crate::domain::case::StepKind;
use crate::ids::{AccessId, CaseId, Slug};
use crate::readmodel::columns::{column, from_json, number, to_json};
use crate::readmodel::error::ReadError;

use super::cases::CaseMaterial;
use super::schema::{case_facts, case_pulls};
use super::{Local, paper};

/// So long an attempt may be sent again under its id: providers remember ids for ten minutes.
const AGAIN_MS: u64 = 540_000;

/// Why a pull brought nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullProblem {
    /// Stable code.
    pub code: String,
    /// For people.
    pub text: Text,
    /// Whether the provider may not have heard of it: then the same call is sent again.
    pub lost: bool,
}

/// A pull, as far as it got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullAttempt {
    /// Its name.
    pub pull: Slug,
    /// The id of its access.
    pub access_id: AccessId,
    /// Its number, from 1.
    pub attempt: u32,
    /// When it was begun.
    pub begun_at: Millis,
    /// Whether nobody knows how it ended.
    pub open: bool,
    /// Why it brought nothing.
    pub problem: Option<PullProblem>,
    /// What the last good one brought.
    pub material: Option<CaseMaterial>,
}

/// A payment, document or answer, kept by the department that recorded it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseFact {
    /// The step that it did.
    pub step: Slug,
    /// What it is.
    pub kind: StepKind,
    /// What it says.
    pub content: Value,
    /// Of its digest, hex.
    pub salt: String,
    /// SM3 of salt and content, as on the ledger.
    pub digest: Hash,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = case_pulls)]
struct PullRow {
    case_id: String,
    pull: String,
    attempt: i32,
    begun_at: i64,
    open: i32,
    problem: Option<String>,
    material: Option<String>,
}

impl PullAttempt {
    /// Whether it brought what was asked for.
    pub fn is_done(&self) -> bool {
        !self.open && self.problem.is_none() && self.material.is_some()
    }
}

/// The id of an attempt's access: it follows from case, pull, number and time, so that the same attempt always has the same.
fn access_id(case: CaseId, pull: &str, attempt: i32, begun_at: i64) -> Option<AccessId> {
    let digest = sm3(&[case.as_bytes(), pull.as_bytes(), b"\0", &attempt.to_be_bytes()]);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(digest.0.get(..16)?);
    bytes.get_mut(..6)?.copy_from_slice(begun_at.to_be_bytes().get(2..)?);
    // Version 7 and the variant of RFC 9562.
    bytes[6] = bytes[6] & 0x0f | 0x70;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    AccessId::from_bytes(bytes)
}

fn attempt(row: PullRow) -> Result<PullAttempt, ReadError> {
    let wrong = || ReadError::Corrupt(format!("a pull of case {}", row.case_id));
    let case: CaseId = row.case_id.parse().map_err(|_| wrong())?;
    Ok(PullAttempt {
        access_id: access_id(case, &row.pull, row.attempt, row.begun_at).ok_or_else(wrong)?,
        pull: row.pull.parse().map_err(|_| wrong())?,
        attempt: u32::try_from(row.attempt).unwrap_or(0),
        begun_at: Millis(number(row.begun_at)),
        open: row.open == 1,
        problem: row.problem.map(|text| from_json(&text)).transpose()?,
        material: row.material.map(|text| from_json(&text)).transpose()?,
    })
}

impl Local {
    /// Begins an attempt, and keeps that before anything is sent. One whose end nobody knows, or that its provider may not
    /// have heard of, goes on under the same id while providers remember ids; `anew` begins another in any case.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn begin_pull(&self, case: CaseId, pull: &Slug, now: Millis, anew: bool) -> Result<PullAttempt, ReadError> {
        self.write(|connection| {
            let known: Option<PullRow> = case_pulls::table
                .find((case.to_string(), pull.to_string()))
                .select(PullRow::as_select())
                .first(connection)
                .optional()?;
            let goes_on = known.as_ref().is_some_and(|row| {
                let problem = row.problem.as_ref().and_then(|text| from_json::<PullProblem>(text).ok());
                let unknown = row.open == 1 || problem.is_some_and(|problem| problem.lost);
                !anew && unknown && now.since(Millis(number(row.begun_at))) < AGAIN_MS
            });
            let (number, begun_at) = match &known {
                Some(row) if goes_on => (row.attempt, row.begun_at),
                Some(row) => (row.attempt.saturating_add(1), column(now.0)),
                None => (1, column(now.0)),
            };
            let row = PullRow {
                case_id: case.to_string(),
                pull: pull.to_string(),
                attempt: number,
                begun_at,
                open: 1,
                problem: None,
                material: known.and_then(|row| row.material),
            };
            diesel::insert_into(case_pulls::table)
                .values(&row)
                .on_conflict((case_pulls::case_id, case_pulls::pull))
                .do_update()
                .set((
                    case_pulls::attempt.eq(row.attempt),
                    case_pulls::begun_at.eq(row.begun_at),
                    case_pulls::open.eq(1),
                    case_pulls::problem.eq(None::<String>),
                ))
                .execute(connection)?;
            attempt(row)
        })
    }

    /// Keeps how an attempt ended.
    ///
    /// # Errors
    /// [`ReadError::Invalid`] when the answer is too long to keep.
    pub fn end_pull(
        &self,
        case: CaseId,
        pull: &Slug,
        ended: &Result<CaseMaterial, PullProblem>,
    ) -> Result<(), ReadError> {
        let row = case_pulls::table.find((case.to_string(), pull.to_string()));
        match ended {
            Ok(material) => {
                let material = Some(paper(material)?);
                let change = (case_pulls::open.eq(0), case_pulls::material.eq(material));
                self.with(|connection| Ok(diesel::update(row).set(change).execute(connection).map(|_| ())?))
            }
            Err(problem) => {
                let change = (case_pulls::open.eq(0), case_pulls::problem.eq(Some(to_json(problem)?)));
                self.with(|connection| Ok(diesel::update(row).set(change).execute(connection).map(|_| ())?))
            }
        }
    }

    /// All pulls of a case, as far as each got, in the order in which they were begun first.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn pull_attempts(&self, case: CaseId) -> Result<Vec<PullAttempt>, ReadError> {
        let rows: Vec<PullRow> = self.with(|connection| {
            let of_case = case_pulls::table.filter(case_pulls::case_id.eq(case.to_string()));
            Ok(of_case.order(sql::<BigInt>("rowid")).select(PullRow::as_select()).load(connection)?)
        })?;
        rows.into_iter().map(attempt).collect()
    }

    /// Keeps what this department recorded for its step; the same step again replaces it.
    ///
    /// # Errors
    /// [`ReadError::Invalid`] when it is too long.
    pub fn keep_fact(&self, case: CaseId, fact: &CaseFact, now: Millis) -> Result<(), ReadError> {
        let row = (
            case_facts::case_id.eq(case.to_string()),
            case_facts::step.eq(fact.step.to_string()),
            case_facts::fact.eq(paper(fact)?),
            case_facts::kept_at.eq(column(now.0)),
        );
        self.with(|connection| {
            diesel::replace_into(case_facts::table).values(row).execute(connection)?;
            Ok(())
        })
    }

    /// What this department recorded in a case.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn case_facts(&self, case: CaseId) -> Result<Vec<CaseFact>, ReadError> {
        let of_case = case_facts::table.filter(case_facts::case_id.eq(case.to_string())).select(case_facts::fact);
        let facts: Vec<String> = self.with(|connection| Ok(of_case.order(case_facts::step).load(connection)?))?;
        facts.iter().map(|text| from_json(text)).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Millis = Millis(1_795_000_000_000);

    fn material(pull: &Slug, access_id: AccessId) -> CaseMaterial {
        CaseMaterial {
            name: pull.clone(),
            title: Text { zh: "契税".into(), en: "Deed tax".into() },
            entry: "tax/deed-tax-payment".parse().unwrap(),
            access_id,
            digest: Hash([7; 32]),
            rows: json!([{ "amount": 1 }]),
        }
    }

    fn problem(lost: bool) -> PullProblem {
        PullProblem { code: "provider_late".into(), text: Text::default(), lost }
    }

    #[test]
    fn an_attempt_keeps_its_id_until_its_end_is_known() {
        let dir = tempfile::tempdir().unwrap();
        let local = Local::open(dir.path()).unwrap();
        let (case, pull): (CaseId, Slug) = (CaseId::new(NOW), "deed-tax".parse().unwrap());
        let begin = |after, anew| local.begin_pull(case, &pull, NOW.plus(after), anew).unwrap();
        let first = begin(0, false);
        assert_eq!((first.access_id.time(), first.attempt, first.open), (NOW, 1, true));
        assert_eq!(begin(60_000, false).access_id, first.access_id, "the node died meanwhile");
        local.end_pull(case, &pull, &Err(problem(true))).unwrap();
        assert_eq!(begin(120_000, false).access_id, first.access_id, "nobody may have heard of it");
        assert_ne!(begin(AGAIN_MS, false).access_id, first.access_id, "providers forget ids");
        local.end_pull(case, &pull, &Err(problem(false))).unwrap();
        let third = begin(AGAIN_MS + 1, false);
        assert_eq!(third.attempt, 3, "the provider answered, and said no");
        let came = material(&pull, third.access_id);
        local.end_pull(case, &pull, &Ok(came.clone())).unwrap();
        let kept = local.pull_attempts(case).unwrap();
        assert!(kept[0].is_done() && kept[0].material.as_ref() == Some(&came));
        let fourth = begin(AGAIN_MS + 2, true);
        assert_eq!((fourth.attempt, fourth.material.as_ref()), (4, Some(&came)), "what came stays until more comes");
        assert!(!local.pull_attempts(case).unwrap()[0].is_done());
        assert_eq!(local.pull_attempts(CaseId::new(NOW)), Ok(vec![]));
    }

    #[test]
    fn pulls_stay_in_the_order_of_their_beginning_and_ids_differ() {
        let dir = tempfile::tempdir().unwrap();
        let local = Local::open(dir.path()).unwrap();
        let (case, other) = (CaseId::new(NOW), CaseId::new(NOW));
        let names = ["title", "contract", "tax"].map(|name| name.parse::<Slug>().unwrap());
        let ids = |case| names.each_ref().map(|name| local.begin_pull(case, name, NOW, false).unwrap().access_id);
        let all: std::collections::BTreeSet<_> = [ids(case), ids(other)].concat().into_iter().collect();
        assert_eq!(all.len(), 6);
        local.begin_pull(case, &names[0], NOW, true).unwrap();
        let kept: Vec<Slug> = local.pull_attempts(case).unwrap().into_iter().map(|attempt| attempt.pull).collect();
        assert_eq!(kept, names);
    }

    #[test]
    fn a_fact_is_kept_by_its_step() {
        let dir = tempfile::tempdir().unwrap();
        let local = Local::open(dir.path()).unwrap();
        let case = CaseId::new(NOW);
        let fact = |yuan: u32| CaseFact {
            step: "fee".parse().unwrap(),
            kind: StepKind::Payment,
            content: json!({ "amount_yuan": yuan }),
            salt: "aa".into(),
            digest: Hash([1; 32]),
        };
        local.keep_fact(case, &fact(1), NOW).unwrap();
        local.keep_fact(case, &fact(2), NOW).unwrap();
        assert_eq!(local.case_facts(case), Ok(vec![fact(2)]));
        assert_eq!(local.case_facts(CaseId::new(NOW)), Ok(vec![]));
    }
}
