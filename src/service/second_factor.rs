//! Codes of a second factor (RFC 6238): six digits every thirty seconds, as every authenticator app makes them.

use totp_rs::{Algorithm, Builder, Secret, Totp};
use zeroize::Zeroizing;

use crate::clock::Millis;
use crate::crypto::keys::Held;
use crate::crypto::seal::seal;
use crate::ids::DepartmentId;

use super::error::ServiceError;
use super::picture::qr;

/// RFC 4226, 4: as long as the digest.
const SECRET_BYTES: usize = 20;
/// Steps that a device's clock may be off, RFC 6238, 5.2.
const SKEW: u16 = 1;
const STEP_S: u64 = 30;
const CONTEXT: &str = "mulu second factor v1\n";

/// What a device needs to make codes.
#[derive(Clone, Debug)]
pub struct Enrolment {
    /// The secret in base32, in groups of four, for those who type it.
    pub secret: String,
    /// The same with who and where, as a picture (SVG) for those who have a camera.
    pub qr: String,
}

fn internal(error: impl std::fmt::Display) -> ServiceError {
    ServiceError::Internal(format!("the second factor: {error}"))
}

fn totp(secret: &[u8], (department, user): (&DepartmentId, &str)) -> Result<Totp, ServiceError> {
    let builder = Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_skew(SKEW)
        .with_step_duration(STEP_S)
        .with_secret(Secret::new(secret.into()))
        .with_issuer(Some(format!("Mulu {department}")))
        .with_account_name(user);
    builder.build().map_err(internal)
}

fn context(user: &str) -> Vec<u8> {
    format!("{CONTEXT}{user}").into_bytes()
}

/// A new secret of an account, sealed to the department's own key: a copy of the database alone makes no codes.
pub(super) fn new_secret(keys: &Held, user: &str) -> Result<Vec<u8>, ServiceError> {
    let mut secret = Zeroizing::new([0u8; SECRET_BYTES]);
    getrandom::fill(secret.as_mut()).map_err(|_| internal("no randomness"))?;
    seal(&keys.sealing.public(), &context(user), secret.as_ref()).map_err(internal)
}

/// What a device needs.
pub(super) fn enrolment(keys: &Held, whose: (&DepartmentId, &str), sealed: &[u8]) -> Result<Enrolment, ServiceError> {
    let secret = keys.open(&context(whose.1), sealed).map_err(internal)?;
    let totp = totp(&secret, whose)?;
    let qr = qr(&totp.to_url().map_err(internal)?)?;
    let letters: Vec<char> = totp.secret().to_base32().chars().collect();
    let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
    Ok(Enrolment { secret: groups.join(" "), qr })
}

/// The step whose code this is, if it is one of now. A secret that cannot be opened fits no code.
pub(super) fn step_of(
    keys: &Held,
    whose: (&DepartmentId, &str),
    sealed: &[u8],
    code: &str,
    now: Millis,
) -> Option<u64> {
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let opened = keys.open(&context(whose.1), sealed);
    if opened.is_err() {
        tracing::error!(user = whose.1, "the secret of a second factor cannot be opened with this node's keys");
    }
    totp(&opened.ok()?, whose).ok()?.check(&digits, now.0 / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::keyring::Keyring;
    use crate::crypto::keys::Keys;
    use crate::crypto::sign::Algorithm as Signing;

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // Appendix B's secret and times; its eight digits end in the six of the same step.
        let department: DepartmentId = "tax".parse().unwrap();
        let keys = Keys::from(Keyring::generate(Signing::Ed25519).unwrap()).get();
        let sealed = seal(&keys.sealing.public(), &context("li.na"), b"12345678901234567890").unwrap();
        let step =
            |code: &str, seconds: u64| step_of(&keys, (&department, "li.na"), &sealed, code, Millis(seconds * 1000));
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            assert_eq!(step(code, seconds), Some(seconds / 30), "{code}");
            assert_eq!(step(code, seconds + 30), Some(seconds / 30), "a slow device");
            assert_eq!(step(code, seconds + 60), None, "an old code");
        }
        assert_eq!(step(" 287 082 ", 59), Some(1));
        assert_eq!((step("28708", 59), step("287O82", 59), step("", 59)), (None, None, None));
        assert_eq!(step_of(&keys, (&department, "zhao"), &sealed, "287082", Millis(59_000)), None, "another's secret");
    }

    #[test]
    fn a_device_gets_the_secret_as_text_and_as_picture() {
        let department: DepartmentId = "tax".parse().unwrap();
        let keys = Keys::from(Keyring::generate(Signing::Sm2).unwrap()).get();
        let sealed = new_secret(&keys, "li.na").unwrap();
        let found = enrolment(&keys, (&department, "li.na"), &sealed).unwrap();
        assert_eq!((found.secret.len(), found.secret.matches(' ').count()), (39, 7), "{}", found.secret);
        assert!(found.qr.starts_with("<svg ") && !found.qr.contains("style"), "{:.80}", found.qr);
    }
}
