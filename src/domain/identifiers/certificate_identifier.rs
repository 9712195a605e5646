//! 电子证照标识: the identifier of an electronic certificate (GB/T 36904-2018).
//!
//! `1.2.156.3005.2.<type>.<issuer>.<serial>.<version>.<check>`; the type is the USCC of the authority that defined it
//! and three characters, the issuer a USCC, the version three digits. The check character is that of
//! ISO 7064 MOD 37,36 over type, issuer, serial and version.

use super::{IdentifierError, digits, ensure, uscc};

/// The standard's arc of object identifiers.
pub const ROOT: &str = "1.2.156.3005.2.";
const ALPHABET: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
/// Longest serial.
const SERIAL_MAX: usize = 30;

/// The parts of a valid identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts<'a> {
    /// USCC of the authority that defined the type, and three characters.
    pub kind: &'a str,
    /// USCC of the issuer.
    pub issuer: &'a str,
    /// The same in every version of one certificate.
    pub serial: &'a str,
    /// From 1 to 999.
    pub version: u16,
}

/// Checks an identifier: form, both USCCs, check character.
///
/// # Errors
/// What is wrong with it.
pub fn validate(text: &str) -> Result<(), IdentifierError> {
    parts(text).map(|_| ())
}

/// Checks an identifier and takes it apart.
///
/// # Errors
/// What is wrong with it.
pub fn parts(text: &str) -> Result<Parts<'_>, IdentifierError> {
    let parts = text.strip_prefix(ROOT).ok_or(IdentifierError::Character)?;
    let parts: Vec<&str> = parts.split('.').collect();
    let [kind, issuer, serial, version, check] = parts.as_slice() else { return Err(IdentifierError::Length) };
    ensure(version.len() == 3 && check.len() == 1, IdentifierError::Length)?;
    check_parts(kind, issuer, serial, version)?;
    let expected = check_char(&[kind, issuer, serial, version]).ok_or(IdentifierError::Character)?;
    ensure(check.chars().eq([expected]), IdentifierError::Check)?;
    let version = version.parse().map_err(|_| IdentifierError::Character)?;
    Ok(Parts { kind, issuer, serial, version })
}

/// The identifier of a certificate; `version` counts from 1 to 999.
///
/// # Errors
/// What is wrong with the parts.
pub fn issue(kind: &str, issuer: &str, serial: &str, version: u16) -> Result<String, IdentifierError> {
    let version = format!("{version:03}");
    check_parts(kind, issuer, serial, &version)?;
    ensure(version != "000", IdentifierError::Character)?;
    let check = check_char(&[kind, issuer, serial, &version]).ok_or(IdentifierError::Character)?;
    Ok(format!("{ROOT}{kind}.{issuer}.{serial}.{version}.{check}"))
}

fn check_parts(kind: &str, issuer: &str, serial: &str, version: &str) -> Result<(), IdentifierError> {
    let alphanumeric = |part: &str| part.bytes().all(|b| ALPHABET.contains(&b));
    ensure(alphanumeric(kind) && alphanumeric(serial) && digits(version), IdentifierError::Character)?;
    ensure(kind.len() == 21 && (1..=SERIAL_MAX).contains(&serial.len()), IdentifierError::Length)?;
    ensure(version.len() == 3, IdentifierError::Length)?;
    uscc::validate(kind.get(..18).unwrap_or_default())?;
    uscc::validate(issuer)
}

/// ISO 7064 MOD 37,36 over the parts, one after another; `None` when a character is not of the alphabet.
fn check_char(parts: &[&str]) -> Option<char> {
    let mut product = 36;
    for byte in parts.iter().flat_map(|part| part.bytes()) {
        let sum = (product + ALPHABET.iter().position(|known| *known == byte)?) % 36;
        product = (if sum == 0 { 36 } else { sum }) * 2 % 37;
    }
    ALPHABET.get((37 - product) % 36).map(|byte| char::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::super::tests::every_single_change_is_noticed;
    use super::*;

    const VALID: [&str; 2] = [
        "1.2.156.3005.2.11100000000013338W032.11220000013544541J.2430599.001.F",
        "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U",
    ];

    #[test]
    fn valid_identifiers_pass_and_no_neighbour_does() {
        for valid in VALID {
            every_single_change_is_noticed(valid, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ.a户", |text| {
                validate(text).is_ok()
            });
        }
    }

    #[test]
    fn the_check_character_alone_notices_every_change() {
        let body = "11100000000013338W03211220000013544541J2430599001";
        let check = check_char(&[body]);
        assert_eq!(check, Some('F'));
        for at in 0..body.len() {
            for new in ALPHABET.iter().map(|b| char::from(*b)).filter(|new| !body[at..].starts_with(*new)) {
                assert_ne!(check_char(&[&body[..at], &new.to_string(), &body[at + 1..]]), check, "{at} {new}");
            }
        }
    }

    #[test]
    fn what_is_issued_is_valid() {
        let issued = issue("11100000000013338W032", "11220000013544541J", "2430599", 1);
        assert_eq!(issued.as_deref(), Ok(VALID[0]));
        let parts = parts(VALID[0]).unwrap();
        assert_eq!((parts.kind, parts.serial, parts.version), ("11100000000013338W032", "2430599", 1));
        for serial in 0..200 {
            let issued = issue("11100000000013338W011", "11110000000021135M", &format!("2026{serial:06}"), 1).unwrap();
            assert_eq!(validate(&issued), Ok(()));
        }
        assert!(issue("11100000000013338W032", "11220000013544541K", "2430599", 1).is_err());
        assert!(issue("11100000000013338W032", "11220000013544541J", "", 1).is_err());
        assert!(issue("11100000000013338W032", "11220000013544541J", "24.30", 1).is_err());
        assert!(issue("11100000000013338W032", "11220000013544541J", "2430599", 0).is_err());
        assert!(issue("11100000000013338W032", "11220000013544541J", "2430599", 1000).is_err());
        assert!(issue("11100000000013338W03", "11220000013544541J", "2430599", 1).is_err());
    }
}
