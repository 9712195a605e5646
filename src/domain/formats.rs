//! Formats of our own for JSON Schema's `format`, with check digits and code tables where a pattern ends.

use super::identifiers;

/// A format's name and its check.
pub type Format = (&'static str, fn(&str) -> bool);

/// Every format beyond those of JSON Schema 2020-12.
pub const FORMATS: &[Format] = &[
    ("id_number", |text| identifiers::id_number::validate(text).is_ok()),
    ("uscc", |text| identifiers::uscc::validate(text).is_ok()),
    ("unit_number", |text| identifiers::unit_number::validate(text).is_ok()),
    ("plate", |text| identifiers::plate::validate(text).is_ok()),
    ("certificate_identifier", |text| identifiers::certificate_identifier::validate(text).is_ok()),
    ("bay_id", bay_id),
];

/// A parking bay: district (GB/T 2260), road section, bay, as `110105-0042-017`.
fn bay_id(text: &str) -> bool {
    let mut parts = text.split('-');
    let mut next = |length: usize| {
        parts.next().is_some_and(|part| part.len() == length && part.bytes().all(|b| b.is_ascii_digit()))
    };
    next(6) && next(4) && next(3) && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bay_has_three_numbers() {
        assert!(bay_id("110105-0042-017"));
        for wrong in ["", "110105-0042", "110105-0042-017-1", "110105-42-017", "11010５-0042-017", "110105 0042 017"] {
            assert!(!bay_id(wrong), "{wrong:?} passed");
        }
    }
}
