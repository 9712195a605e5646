//! Formats of our own for JSON Schema's `format`, with check digits and code tables where a pattern ends.

/// A format's name and its check.
pub type Format = (&'static str, fn(&str) -> bool);

/// Every format beyond those of JSON Schema 2020-12.
pub const FORMATS: &[Format] = &[
    ("id_number", id_number),
    ("uscc", uscc),
    ("unit_number", unit_number),
    ("plate", plate),
    ("certificate_identifier", certificate_identifier),
    ("bay_id", bay_id),
];

fn id_number(text: &str) -> bool {
    let (digits, check) = text.split_at_checked(17).unwrap_or(("", ""));
    digits.bytes().all(|b| b.is_ascii_digit())
        && check.bytes().all(|b| b.is_ascii_digit() || b == b'X')
        && !check.is_empty()
}

fn uscc(text: &str) -> bool {
    text.len() == 18 && text.bytes().all(|b| b"0123456789ABCDEFGHJKLMNPQRTUWXY".contains(&b))
}

fn unit_number(text: &str) -> bool {
    text.len() == 28 && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
}

fn plate(text: &str) -> bool {
    (7..=8).contains(&text.chars().count())
}

fn certificate_identifier(text: &str) -> bool {
    text.starts_with("1.2.156.3005.2.") && text.len() <= 96
}

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
