//! Systems' tokens that were good a moment ago: a system that calls a thousand times a second is looked up once.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::clock::Millis;
use crate::crypto::digest::{Hash, sm3};
use crate::readmodel::local::SystemToken;

/// How long a token is believed without asking: `mulu token revoke` works after this at the latest.
const BELIEVED: Duration = Duration::from_secs(1);
/// More systems than one department lets call at once.
const SYSTEMS_MAX: usize = 256;

/// Systems by the digest of their token, so that no secret lies here.
#[derive(Default)]
pub struct TokenCache {
    known: Mutex<HashMap<Hash, (SystemToken, Instant)>>,
}

fn digest(token: &str) -> Hash {
    sm3(&[b"mulu-token-cache\n", token.as_bytes()])
}

impl TokenCache {
    /// The system of a token that was asked for a moment ago and has not ended.
    pub fn get(&self, token: &str, now: Millis) -> Option<SystemToken> {
        let known = self.known.lock();
        let (system, seen) = known.get(&digest(token))?;
        (seen.elapsed() < BELIEVED && system.expires > now).then(|| system.clone())
    }

    /// Keeps what the database said.
    pub fn keep(&self, token: &str, system: &SystemToken) {
        let mut known = self.known.lock();
        if known.len() >= SYSTEMS_MAX {
            known.clear();
        }
        known.insert(digest(token), (system.clone(), Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_believed_until_it_ends_and_never_another() {
        let cache = TokenCache::default();
        let now = Millis(1_795_000_000_000);
        let system = SystemToken { name: "registry".into(), created: now, expires: now.plus(10), submits: true };
        cache.keep("one", &system);
        assert_eq!(cache.get("one", now), Some(system.clone()));
        assert_eq!((cache.get("one", now.plus(10)), cache.get("two", now)), (None, None));
        for n in 0..SYSTEMS_MAX {
            cache.keep(&n.to_string(), &system);
        }
        assert!(cache.known.lock().len() <= SYSTEMS_MAX);
    }
}
