//! 公民身份号码: the number of a citizen (GB 11643-1999).

use jiff::civil::Date;

use super::{IdentifierError, digits, ensure, region};

const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECKS: &[u8; 11] = b"10X98765432";
/// No living person is older.
const YEAR_MIN: i16 = 1880;

/// Checks a number: form, region, date of birth, check character. The letter is a capital X.
///
/// # Errors
/// What is wrong with it.
pub fn validate(text: &str) -> Result<(), IdentifierError> {
    let (body, check) = text.split_at_checked(17).ok_or(IdentifierError::Length)?;
    ensure(text.len() == 18, IdentifierError::Length)?;
    let expected = check_char(body).ok_or(IdentifierError::Character)?;
    ensure(check.bytes().all(|b| b.is_ascii_digit() || b == b'X'), IdentifierError::Character)?;
    ensure(check.chars().eq([expected]), IdentifierError::Check)?;
    region::validate_former(body.get(..6).unwrap_or_default())?;
    birth_date(text).map(|_| ()).ok_or(IdentifierError::Date)
}

/// The check character of the first 17 digits; `None` when they are not 17 digits.
pub fn check_char(body: &str) -> Option<char> {
    if body.len() != WEIGHTS.len() || !digits(body) {
        return None;
    }
    let sum: u32 = body.bytes().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    CHECKS.get(usize::try_from(sum % 11).ok()?).map(|byte| char::from(*byte))
}

/// The whole number of its first 17 digits.
pub fn complete(body: &str) -> Option<String> {
    check_char(body).map(|check| format!("{body}{check}"))
}

/// The date of birth in a number, when there is such a date.
pub fn birth_date(text: &str) -> Option<Date> {
    let part = |range| text.get(range).and_then(|part: &str| part.parse::<i16>().ok());
    let (year, month, day) = (part(6..10)?, part(10..12)?, part(12..14)?);
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    (year >= YEAR_MIN).then_some(date)
}

#[cfg(test)]
mod tests {
    use super::super::tests::every_single_change_is_noticed;
    use super::*;

    #[test]
    fn a_valid_number_passes_and_no_neighbour_does() {
        // A textbook example, no one's.
        every_single_change_is_noticed("34052419800101001X", "0123456789XxA.户", |text| validate(text).is_ok());
        assert_eq!(complete("34052419800101001").as_deref(), Some("34052419800101001X"));
        assert_eq!(birth_date("34052419800101001X"), Some(Date::constant(1980, 1, 1)));
    }

    #[test]
    fn a_right_check_digit_does_not_excuse_a_wrong_date_or_region() {
        let number = |body: &str| validate(&complete(body).unwrap());
        assert_eq!(number("11010520000229001"), Ok(()));
        assert_eq!(number("11010519000229001"), Err(IdentifierError::Date));
        assert_eq!(number("11010520001301001"), Err(IdentifierError::Date));
        assert_eq!(number("11010520000010001"), Err(IdentifierError::Date));
        assert_eq!(number("11010500010101001"), Err(IdentifierError::Date));
        assert_eq!(number("11019920000101001"), Err(IdentifierError::Region));
        assert_eq!(number("99010120000101001"), Err(IdentifierError::Region));
        // Xuanwu is no more, but those who were born there keep their numbers.
        assert_eq!(number("11010419700101001"), Ok(()));
        assert_eq!(validate("34052419800101001x"), Err(IdentifierError::Character));
        assert_eq!(validate("340524198001010012"), Err(IdentifierError::Check));
        assert_eq!(validate("34052419800101001"), Err(IdentifierError::Length));
    }
}
