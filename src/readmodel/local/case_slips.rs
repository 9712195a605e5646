//! Slips of cases: the number by which an applicant asks, and the code that only the slip bears.

use std::collections::BTreeMap;

use diesel::prelude::*;

use crate::clock::Millis;
use crate::ids::CaseId;
use crate::readmodel::columns::{column, from_text};
use crate::readmodel::error::ReadError;

use super::Local;
use super::schema::case_slips;
use super::secrets::recovery_code;

/// Letters of a code with the strokes between them: 60 random bits.
const CODE_CHARS: usize = 14;

/// What stands on a slip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseSlip {
    /// The case.
    pub case: CaseId,
    /// Its number at this department, such as `20261121-0007`.
    pub number: String,
    /// The code, such as `k3jq-9x2a-77mp`.
    pub code: String,
}

type Row = (String, String, String);

fn slip((case, number, code): Row) -> Result<CaseSlip, ReadError> {
    Ok(CaseSlip { case: from_text(&case)?, number, code })
}

impl CaseSlip {
    /// Whether somebody has the slip's code. Case, spaces and strokes do not count, and the time tells nothing.
    pub fn fits(&self, code: &str) -> bool {
        let plain = |code: &str| -> Vec<u8> {
            code.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_lowercase()).collect()
        };
        let (own, sent) = (plain(&self.code), plain(code));
        let differs = own.iter().zip(&sent).fold(0, |differs, (a, b)| differs | (a ^ b));
        !own.is_empty() && own.len() == sent.len() && differs == 0
    }
}

impl Local {
    /// The slip of a case; made now when there is none. Numbers count the cases of a day.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn case_slip(&self, case: CaseId, now: Millis) -> Result<CaseSlip, ReadError> {
        if let Some(known) = self.known_slip(case)? {
            return Ok(known);
        }
        let code: String = recovery_code()?.chars().take(CODE_CHARS).collect();
        self.write(|connection| {
            let day = case.time().date().replace('-', "");
            let of_day = case_slips::table.filter(case_slips::number.like(format!("{day}-%")));
            let before: i64 = of_day.count().get_result(connection)?;
            let number = format!("{day}-{:04}", before.saturating_add(1));
            let row = (
                case_slips::case_id.eq(case.to_string()),
                case_slips::number.eq(number),
                case_slips::code.eq(code),
                case_slips::made_at.eq(column(now.0)),
            );
            diesel::insert_into(case_slips::table)
                .values(row)
                .on_conflict(case_slips::case_id)
                .do_nothing()
                .execute(connection)?;
            Ok(())
        })?;
        self.known_slip(case)?.ok_or_else(|| ReadError::Corrupt(format!("the slip of case {case} is lost")))
    }

    /// The slip of a case, if one was made.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn known_slip(&self, case: CaseId) -> Result<Option<CaseSlip>, ReadError> {
        let row: Option<Row> = self.with(|connection| {
            let columns = (case_slips::case_id, case_slips::number, case_slips::code);
            Ok(case_slips::table.find(case.to_string()).select(columns).first(connection).optional()?)
        })?;
        row.map(slip).transpose()
    }

    /// The numbers of those of the cases that have a slip. For pages of a list: each id is a parameter of the query.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn case_numbers(&self, cases: &[CaseId]) -> Result<BTreeMap<CaseId, String>, ReadError> {
        let cases: Vec<String> = cases.iter().map(CaseId::to_string).collect();
        let rows: Vec<(String, String)> = self.with(|connection| {
            let found = case_slips::table.filter(case_slips::case_id.eq_any(&cases));
            Ok(found.select((case_slips::case_id, case_slips::number)).load(connection)?)
        })?;
        rows.into_iter().map(|(case, number)| Ok((from_text(&case)?, number))).collect()
    }

    /// The slip with a number.
    ///
    /// # Errors
    /// [`ReadError`] of the database.
    pub fn slip_of_number(&self, number: &str) -> Result<Option<CaseSlip>, ReadError> {
        let row: Option<Row> = self.with(|connection| {
            let found = case_slips::table.filter(case_slips::number.eq(number));
            let columns = (case_slips::case_id, case_slips::number, case_slips::code);
            Ok(found.select(columns).first(connection).optional()?)
        })?;
        row.map(slip).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::DAY_MS;

    const NOW: Millis = Millis(1_795_000_000_000);

    #[test]
    fn a_slip_is_made_once_and_numbers_count_a_day() {
        let dir = tempfile::tempdir().unwrap();
        let local = Local::open(dir.path()).unwrap();
        let [first, second, next_day] = [0, 1, DAY_MS].map(|after| CaseId::new(NOW.plus(after)));
        assert_eq!(local.known_slip(first), Ok(None));
        let [one, two, three] = [first, second, next_day].map(|case| local.case_slip(case, NOW).unwrap());
        assert_eq!(local.case_slip(first, NOW.plus(9)), Ok(one.clone()), "the same slip again");
        let ends = [&one, &two, &three].map(|slip| slip.number.split_once('-').unwrap().1.to_owned());
        assert_eq!(ends, ["0001", "0002", "0001"]);
        assert_eq!(local.slip_of_number(&two.number), Ok(Some(two.clone())));
        assert_eq!(local.slip_of_number("20261121-9999"), Ok(None));
        let numbers = local.case_numbers(&[two.case, CaseId::new(NOW)]).unwrap();
        assert_eq!(numbers, BTreeMap::from([(two.case, two.number)]));
        assert_ne!(one.code, two.code);
    }

    #[test]
    fn only_the_whole_code_fits() {
        let case = CaseId::new(NOW);
        let slip = CaseSlip { case, number: "20261121-0001".into(), code: "k3jq-9x2a-77mp".into() };
        for code in ["k3jq-9x2a-77mp", "K3JQ9X2A77MP", " k3jq 9x2a 77mp "] {
            assert!(slip.fits(code), "{code}");
        }
        for code in ["", "k3jq-9x2a-77m", "k3jq-9x2a-77mq", "k3jq-9x2a-77mpp"] {
            assert!(!slip.fits(code), "{code}");
        }
        assert!(!CaseSlip { code: String::new(), ..slip }.fits(""));
    }
}
