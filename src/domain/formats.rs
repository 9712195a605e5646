//! Formats of our own for JSON Schema's `format`: check digits, dates and code tables, where a pattern ends.

use crate::ids::DepartmentId;

use super::identifiers::{IdentifierError, certificate_identifier, id_number, plate, region, unit_number, uscc};

/// A format's name and its check.
pub type Format = (&'static str, fn(&str) -> Result<(), IdentifierError>);

/// Every format beyond those of JSON Schema 2020-12.
pub const FORMATS: &[Format] = &[
    ("id_number", id_number::validate),
    ("uscc", uscc::validate),
    ("unit_number", unit_number::validate),
    ("plate", plate::validate),
    ("certificate_identifier", certificate_identifier::validate),
    ("bay_id", bay_id),
    ("department", department),
];

/// Checks a text against one of our formats.
///
/// # Errors
/// What is wrong with it. An unknown format checks nothing.
pub fn check(format: &str, text: &str) -> Result<(), IdentifierError> {
    FORMATS.iter().find(|(name, _)| *name == format).map_or(Ok(()), |(_, check)| check(text))
}

/// A roadside parking bay: district (GB/T 2260), road section, bay, as `110105-0042-017`.
fn bay_id(text: &str) -> Result<(), IdentifierError> {
    let mut parts = text.split('-');
    let (Some(district), Some(road), Some(bay), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(IdentifierError::Length);
    };
    if road.len() != 4 || bay.len() != 3 {
        return Err(IdentifierError::Length);
    }
    if !road.bytes().chain(bay.bytes()).all(|b| b.is_ascii_digit()) {
        return Err(IdentifierError::Character);
    }
    region::validate(district)
}

/// A department's id, as `civil-affairs`; whether the city has it, the ledger says.
fn department(text: &str) -> Result<(), IdentifierError> {
    text.parse::<DepartmentId>().map(|_| ()).map_err(|_| IdentifierError::Character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bay_has_three_numbers_and_lies_in_a_district() {
        assert_eq!(check("bay_id", "110105-0042-017"), Ok(()));
        assert_eq!(check("bay_id", "110104-0042-017"), Err(IdentifierError::Region));
        for wrong in ["", "110105-0042", "110105-0042-017-1", "110105-42-017", "110105-0042-01a", "110105 0042 017"] {
            assert!(check("bay_id", wrong).is_err(), "{wrong:?} passed");
        }
    }
}
