//! 机动车号牌: a vehicle's plate (GA 36), with those of new-energy vehicles.

use super::{IdentifierError, ensure};

const PROVINCES: &str = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新";
/// Trailers, learners, police, Hong Kong, Macao: in the last place.
const SUFFIXES: &str = "挂学警港澳";

/// Checks a plate, without the dot that is painted on it.
///
/// # Errors
/// What is wrong with it.
pub fn validate(text: &str) -> Result<(), IdentifierError> {
    let characters: Vec<char> = text.chars().collect();
    let fits = match characters.as_slice() {
        [province, office, rest @ ..] if rest.len() == 5 || rest.len() == 6 => {
            PROVINCES.contains(*province)
                && letter(*office)
                && if rest.len() == 5 { usual(rest) } else { new_energy(rest) }
        }
        _ => return Err(IdentifierError::Length),
    };
    ensure(fits, IdentifierError::Character)
}

/// I and O look like 1 and 0.
fn letter(c: char) -> bool {
    c.is_ascii_uppercase() && !matches!(c, 'I' | 'O')
}

fn usual(rest: &[char]) -> bool {
    let serial = |c: &char| c.is_ascii_digit() || letter(*c);
    match rest {
        [front @ .., last] => front.iter().all(serial) && (serial(last) || SUFFIXES.contains(*last)),
        [] => false,
    }
}

/// Large vehicles carry their letter at the end, small ones at the beginning.
fn new_energy(rest: &[char]) -> bool {
    let kind = |c: &char| ('A'..='K').contains(c) && letter(*c);
    let digits = |part: &[char]| part.iter().all(char::is_ascii_digit);
    match rest {
        [number @ .., last] if digits(number) => kind(last),
        [first, second, number @ ..] => kind(first) && (second.is_ascii_digit() || letter(*second)) && digits(number),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_special_and_new_energy_plates_pass() {
        for plate in
            ["京A12345", "京N8A6K2", "粤B1234港", "京A1234警", "沪C1234学", "京AD12345", "京AAB1234", "京A12345D"]
        {
            assert_eq!(validate(plate), Ok(()), "{plate}");
        }
    }

    #[test]
    fn nothing_else_does() {
        for plate in [
            "",
            "京A1234",
            "京A1234567",
            "A12345京",
            "京I12345",
            "京AO2345",
            "京a12345",
            "京A1234挂5",
            "京A123警警",
            "国A12345",
            "京AL12345",
            "京A12345L",
            "京AD1234A",
            "京AD123456",
            " 京A12345",
            "京A12345\n",
            "京A·12345",
            "京ADI1234",
        ] {
            assert!(validate(plate).is_err(), "{plate:?} passed");
        }
    }
}
