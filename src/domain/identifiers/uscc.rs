//! 统一社会信用代码: the unified social credit code of an organisation (GB 32100-2015).

use super::{IdentifierError, digits, ensure};

/// Digits and letters without I, O, S, V, Z.
const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
/// Powers of 3 modulo 31.
const WEIGHTS: [usize; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];

/// Checks a code: form, the six digits of its region, check character.
///
/// # Errors
/// What is wrong with it.
pub fn validate(text: &str) -> Result<(), IdentifierError> {
    let (body, check) = text.split_at_checked(17).ok_or(IdentifierError::Length)?;
    ensure(text.len() == 18, IdentifierError::Length)?;
    let expected = check_char(body).ok_or(IdentifierError::Character)?;
    ensure(body.get(2..8).is_some_and(digits), IdentifierError::Character)?;
    ensure(check.bytes().all(|b| ALPHABET.contains(&b)), IdentifierError::Character)?;
    ensure(check.chars().eq([expected]), IdentifierError::Check)
}

/// The check character of the first 17; `None` when they are not 17 of the alphabet.
pub fn check_char(body: &str) -> Option<char> {
    if body.len() != WEIGHTS.len() {
        return None;
    }
    let mut sum = 0;
    for (byte, weight) in body.bytes().zip(WEIGHTS) {
        sum += ALPHABET.iter().position(|known| *known == byte)? * weight;
    }
    ALPHABET.get((31 - sum % 31) % 31).map(|byte| char::from(*byte))
}

/// The whole code of its first 17 characters.
pub fn complete(body: &str) -> Option<String> {
    check_char(body).map(|check| format!("{body}{check}"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::every_single_change_is_noticed;
    use super::*;

    #[test]
    fn valid_codes_pass_and_no_neighbour_does() {
        for valid in ["11110000000021135M", "11100000000013338W", "11220000013544541J", "11430000006122244L"] {
            every_single_change_is_noticed(valid, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZa.户", |text| {
                validate(text).is_ok()
            });
            assert_eq!(complete(&valid[..17]).as_deref(), Some(valid));
        }
    }

    #[test]
    fn the_reason_is_named() {
        assert_eq!(validate("11110000000021135A"), Err(IdentifierError::Check));
        assert_eq!(validate("1111000000002113"), Err(IdentifierError::Length));
        assert_eq!(validate("11110000000021135MM"), Err(IdentifierError::Length));
        assert_eq!(validate("1111O000000021135M"), Err(IdentifierError::Character));
        let letters_for_a_region = complete("11ABCDEF000021135").unwrap();
        assert_eq!(validate(&letters_for_a_region), Err(IdentifierError::Character));
        assert_eq!(validate(""), Err(IdentifierError::Length));
    }
}
