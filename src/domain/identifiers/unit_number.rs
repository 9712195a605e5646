//! 不动产单元号: the number of a real-estate unit (GB/T 37346-2019), 28 characters without a check digit.

use super::{IdentifierError, digits, ensure, region};

/// Ownership of the parcel: state, collective, disputed or unclear.
const OWNERSHIP: &str = "GJZ";
/// Right in the parcel.
const RIGHT: &str = "ABSXCDEFHGWY";
/// What stands on it: building, forest, other, nothing.
const FIXTURE: &str = "FLQW";

/// Checks a number: 6 digits of the county, 3 of the cadastral district, 3 of the sub-district, 2 letters of the
/// parcel's feature, 5 digits of the parcel, 1 letter of the fixture, 8 digits of the unit.
///
/// # Errors
/// What is wrong with it.
pub fn validate(text: &str) -> Result<(), IdentifierError> {
    ensure(text.len() == 28, IdentifierError::Length)?;
    let part = |range| text.get(range).unwrap_or_default();
    let one_of = |part: &str, letters: &str| part.len() == 1 && letters.contains(part);
    let form = digits(part(0..12))
        && one_of(part(12..13), OWNERSHIP)
        && one_of(part(13..14), RIGHT)
        && digits(part(14..19))
        && one_of(part(19..20), FIXTURE)
        && digits(part(20..28));
    ensure(form, IdentifierError::Character)?;
    region::validate(part(0..6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_takes_its_own_characters() {
        let valid = "110105001002GB00003F00010023";
        assert_eq!(validate(valid), Ok(()));
        assert_eq!(validate("110108012003JC00001W00000000"), Ok(()));
        for (at, _) in valid.char_indices() {
            let changed = format!("{}Z{}", &valid[..at], &valid[at + 1..]);
            // Z is a letter of ownership, and of nothing else.
            assert_eq!(validate(&changed).is_ok(), at == 12, "{changed}");
        }
        assert_eq!(validate(&valid[1..]), Err(IdentifierError::Length));
        assert_eq!(validate(&valid.replace("110105", "110199")), Err(IdentifierError::Region));
        assert_eq!(validate(&valid.replace("GB", "GI")), Err(IdentifierError::Character));
        assert_eq!(validate("1101050010020000003100010023"), Err(IdentifierError::Character));
        assert_eq!(validate("户".repeat(9).as_str()), Err(IdentifierError::Length));
    }
}
