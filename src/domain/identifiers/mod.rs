//! Identifiers of Chinese standards: persons, organisations, real estate, regions, vehicles, certificates.

pub mod certificate_identifier;
pub mod id_number;
pub mod plate;
pub mod region;
pub mod resource_code;
pub mod unit_number;
pub mod uscc;

/// Why a text is not an identifier of its standard. Never repeats the text: it may name a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentifierError {
    /// Too long, too short, or its parts are.
    #[error("has a wrong length")]
    Length,
    /// A character that the standard does not allow in its place.
    #[error("has a character that is not allowed there")]
    Character,
    /// No such date.
    #[error("contains a date that does not exist")]
    Date,
    /// No such region.
    #[error("contains an unknown region code")]
    Region,
    /// A typing error, most likely.
    #[error("has a wrong check character: compare it with the original")]
    Check,
}

/// Fails unless a condition holds.
fn ensure(holds: bool, error: IdentifierError) -> Result<(), IdentifierError> {
    if holds { Ok(()) } else { Err(error) }
}

fn digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    /// Asserts that no identifier differs from a valid one in a single character of an alphabet.
    pub(super) fn every_single_change_is_noticed(valid: &str, alphabet: &str, accepts: impl Fn(&str) -> bool) {
        assert!(accepts(valid), "{valid} is refused");
        for (at, old) in valid.char_indices() {
            for new in alphabet.chars().filter(|new| *new != old) {
                let changed = format!("{}{new}{}", &valid[..at], &valid[at + old.len_utf8()..]);
                assert!(!accepts(&changed), "{changed} passes for {valid}");
            }
            let cut = format!("{}{}", &valid[..at], &valid[at + old.len_utf8()..]);
            assert!(!accepts(&cut), "{cut} passes for {valid}");
        }
    }
}
