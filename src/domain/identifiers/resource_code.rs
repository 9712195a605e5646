//! 信息资源代码 (政务信息资源目录编制指南, 2017): 类 1 digit, 项 2, 目 3, 细目, `/`, a sequence number of six digits.

use super::{IdentifierError, digits, ensure};

/// Digits of 类, 项 and 目, which every code has; 细目 may have up to [`DETAIL_MAX`] more.
const FIXED: usize = 6;
const DETAIL_MAX: usize = 12;
/// The last number that a prefix has.
pub const SEQUENCE_MAX: u32 = 999_999;

/// Checks a whole code.
///
/// # Errors
/// [`IdentifierError`].
pub fn check(code: &str) -> Result<(), IdentifierError> {
    let (prefix, sequence) = code.split_once('/').ok_or(IdentifierError::Length)?;
    check_prefix(prefix)?;
    ensure(sequence.len() == 6, IdentifierError::Length)?;
    ensure(digits(sequence), IdentifierError::Character)
}

/// Checks what stands before the slash.
///
/// # Errors
/// [`IdentifierError`].
pub fn check_prefix(prefix: &str) -> Result<(), IdentifierError> {
    ensure((FIXED..=FIXED + DETAIL_MAX).contains(&prefix.len()), IdentifierError::Length)?;
    ensure(digits(prefix) && !prefix.starts_with('0'), IdentifierError::Character)
}

/// What stands before the slash; all of it, where there is no slash yet.
pub fn prefix(code: &str) -> &str {
    code.split_once('/').map_or(code, |(prefix, _)| prefix)
}

/// The number after the slash of a whole code.
pub fn sequence(code: &str) -> Option<u32> {
    code.split_once('/').and_then(|(_, number)| number.parse().ok())
}

/// The code of a number below a prefix; none beyond the last number.
pub fn numbered(prefix: &str, number: u32) -> Option<String> {
    (1..=SEQUENCE_MAX).contains(&number).then(|| format!("{prefix}/{number:06}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_parts_and_nothing_else() {
        for right in ["101001/000001", "101002001/000001", "101002001123456789/999999"] {
            assert_eq!(check(right), Ok(()), "{right}");
        }
        for wrong in ["", "101001", "10100/000001", "001001/000001", "101001/00001", "101001/0000012", "1010a1/000001"]
        {
            assert!(check(wrong).is_err(), "{wrong} passed");
        }
        assert_eq!((prefix("101001/000007"), sequence("101001/000007")), ("101001", Some(7)));
        assert_eq!(numbered("101001", 42).as_deref(), Some("101001/000042"));
        assert_eq!((numbered("101001", 0), numbered("101001", SEQUENCE_MAX + 1)), (None, None));
    }
}
