//! Sign-ins that wait for their code, and locks that were told of: small, bounded, and gone with the process.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::clock::Millis;
use crate::crypto::digest::{Hash, sm3};

use super::error::ServiceError;

/// How long a code may be answered after the password.
pub const ANSWER_TIME: Duration = Duration::from_secs(5 * 60);
/// People who may be looking for their device at once; the longest waiting begins again.
const WAITING_MAX: usize = 1_000;
const LOCKS_MAX: usize = 1_000;

/// Sign-ins by the digest of their secret, so that no secret lies here.
#[derive(Default)]
pub struct SignIns {
    waiting: Mutex<HashMap<Hash, (String, Instant)>>,
    locks: Mutex<HashMap<String, Millis>>,
}

fn digest(secret: &str) -> Hash {
    sm3(&[b"mulu-sign-in\n", secret.as_bytes()])
}

impl SignIns {
    /// Somebody has shown their password; answers the secret under which the code is answered.
    ///
    /// # Errors
    /// No randomness.
    pub fn begin(&self, user: &str) -> Result<String, ServiceError> {
        let mut bytes = [0u8; 32];
        getrandom::fill(&mut bytes).map_err(|_| ServiceError::Internal("no randomness".into()))?;
        let secret = hex::encode(bytes);
        let mut waiting = self.waiting.lock();
        waiting.retain(|_, (_, begun)| begun.elapsed() < ANSWER_TIME);
        if waiting.len() >= WAITING_MAX
            && let Some(oldest) = waiting.iter().min_by_key(|(_, (_, begun))| *begun).map(|(key, _)| *key)
        {
            waiting.remove(&oldest);
        }
        waiting.insert(digest(&secret), (user.to_owned(), Instant::now()));
        Ok(secret)
    }

    /// Whose sign-in a secret is, while it may be answered.
    pub fn user(&self, secret: &str) -> Option<String> {
        let waiting = self.waiting.lock();
        let (user, begun) = waiting.get(&digest(secret))?;
        (begun.elapsed() < ANSWER_TIME).then(|| user.clone())
    }

    /// The sign-in is over, one way or the other.
    pub fn end(&self, secret: &str) {
        self.waiting.lock().remove(&digest(secret));
    }

    /// Whether a lock of a name has not been told of.
    pub fn is_new_lock(&self, user: &str, until: Millis) -> bool {
        let mut locks = self.locks.lock();
        if locks.len() >= LOCKS_MAX && !locks.contains_key(user) {
            locks.clear();
        }
        locks.insert(user.to_owned(), until) != Some(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_waits_under_its_secret_until_it_ends() {
        let all = SignIns::default();
        let (one, other) = (all.begin("li.na").unwrap(), all.begin("zhao").unwrap());
        assert_eq!((all.user(&one).as_deref(), all.user(&other).as_deref()), (Some("li.na"), Some("zhao")));
        assert_eq!(all.user("guess"), None);
        all.end(&one);
        assert_eq!(all.user(&one), None);
        for _ in 0..WAITING_MAX {
            all.begin("crowd").unwrap();
        }
        assert_eq!(all.user(&other), None, "the longest waiting begins again");
        assert_eq!(all.waiting.lock().len(), WAITING_MAX);
    }

    #[test]
    fn a_lock_is_told_of_once() {
        let all = SignIns::default();
        let told: Vec<bool> = [5, 5, 9].map(|until| all.is_new_lock("li.na", Millis(until))).into();
        assert_eq!(told, [true, false, true]);
    }
}
