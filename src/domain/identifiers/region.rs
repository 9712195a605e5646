//! 行政区划代码: regions (GB/T 2260). Beijing's districts are known one by one, other provinces by their prefix.

use super::{IdentifierError, digits, ensure};

/// 北京市 and its 16 districts.
pub const BEIJING: [&str; 17] = [
    "110000", "110101", "110102", "110105", "110106", "110107", "110108", "110109", "110111", "110112", "110113",
    "110114", "110115", "110116", "110117", "110118", "110119",
];

/// Districts and counties of Beijing in earlier editions of the standard; numbers given then stay valid.
const BEIJING_FORMER: [&str; 11] =
    ["110103", "110104", "110221", "110222", "110223", "110224", "110225", "110226", "110227", "110228", "110229"];

/// The first two digits of every province, municipality, autonomous and special region.
const PROVINCES: [&str; 34] = [
    "11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37", "41", "42", "43", "44",
    "45", "46", "50", "51", "52", "53", "54", "61", "62", "63", "64", "65", "71", "81", "82",
];

/// Checks the six digits of a region that exists today.
///
/// # Errors
/// What is wrong with them.
pub fn validate(text: &str) -> Result<(), IdentifierError> {
    ensure(text.len() == 6, IdentifierError::Length)?;
    ensure(digits(text), IdentifierError::Character)?;
    let known = match text.get(..2) {
        Some("11") => BEIJING.contains(&text),
        Some(prefix) => PROVINCES.contains(&prefix),
        None => false,
    };
    ensure(known, IdentifierError::Region)
}

/// Checks the six digits of a region that exists or existed.
///
/// # Errors
/// What is wrong with them.
pub fn validate_former(text: &str) -> Result<(), IdentifierError> {
    if BEIJING_FORMER.contains(&text) { Ok(()) } else { validate(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beijing_has_sixteen_districts() {
        let beijing: Vec<String> = (110_000..120_000).map(|n| n.to_string()).filter(|n| validate(n).is_ok()).collect();
        assert_eq!(beijing, BEIJING);
        assert_eq!(validate("110104"), Err(IdentifierError::Region));
        assert_eq!(validate_former("110104"), Ok(()));
    }

    #[test]
    fn other_provinces_are_known_by_prefix() {
        assert_eq!(validate("340524"), Ok(()));
        for (wrong, why) in [
            ("990101", IdentifierError::Region),
            ("34052", IdentifierError::Length),
            ("3405244", IdentifierError::Length),
            ("34O524", IdentifierError::Character),
        ] {
            assert_eq!(validate(wrong), Err(why), "{wrong}");
        }
    }
}
