//! Passwords that a machine chooses.

use super::CryptoError;

const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// A password of 16 characters without look-alikes: 92 bits.
///
/// # Errors
/// [`CryptoError::Randomness`].
pub fn random_password() -> Result<String, CryptoError> {
    let mut password = String::with_capacity(16);
    let mut bytes = [0u8; 64];
    while password.len() < 16 {
        getrandom::fill(&mut bytes).map_err(|_| CryptoError::Randomness)?;
        // Bytes beyond the last whole multiple are dropped, so that every letter is equally likely.
        let fair = bytes.iter().filter(|byte| usize::from(**byte) < LETTERS.len() * (256 / LETTERS.len()));
        let letters = fair.filter_map(|byte| LETTERS.get(usize::from(*byte) % LETTERS.len()));
        password.extend(letters.take(16 - password.len()).map(|letter| char::from(*letter)));
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_differ_and_have_no_look_alikes() {
        let (one, other) = (random_password().unwrap(), random_password().unwrap());
        assert_ne!(one, other);
        assert!(one.len() == 16 && !one.contains(['0', 'O', '1', 'l', 'I', 'o']), "{one}");
    }
}
