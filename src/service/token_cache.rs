//! Systems' tokens that were good a moment ago, and where each was seen: a system that calls a thousand times a second
//! is looked up once, and a token in two hands is noticed.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::clock::Millis;
use crate::crypto::digest::{Hash, sm3};
use crate::readmodel::local::SystemToken;

/// How long a token is believed without asking: `mulu token revoke` works after this at the latest.
const BELIEVED: Duration = Duration::from_secs(1);
/// How often its use is written down.
const WRITTEN_EVERY: Duration = Duration::from_secs(60);
/// Two addresses within this are two systems.
const TOGETHER: Duration = Duration::from_secs(60);
/// More systems than one department lets call at once.
const SYSTEMS_MAX: usize = 256;

/// Systems by the digest of their token, so that no secret lies here.
#[derive(Default)]
pub struct TokenCache {
    known: Mutex<HashMap<Hash, (SystemToken, Instant)>>,
    seen: Mutex<HashMap<i64, Seen>>,
}

struct Seen {
    from: IpAddr,
    at: Instant,
    written: Instant,
    alarmed: Option<Instant>,
}

/// What follows from a token's use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Nothing new.
    Known,
    /// It is to be written down.
    Note,
    /// It is used at two places at once; told once in a while.
    Twice,
}

fn digest(token: &str) -> Hash {
    sm3(&[b"mulu-token-cache\n", token.as_bytes()])
}

fn bound(all: &mut HashMap<i64, Seen>, id: i64) {
    if all.len() >= SYSTEMS_MAX && !all.contains_key(&id) {
        all.clear();
    }
}

impl TokenCache {
    /// The system of a token that was asked for a moment ago and has not ended.
    pub fn get(&self, token: &str, now: Millis) -> Option<SystemToken> {
        let known = self.known.lock();
        let (system, seen) = known.get(&digest(token))?;
        (seen.elapsed() < BELIEVED && system.terms.expires > now).then(|| system.clone())
    }

    /// Keeps what the database said.
    pub fn keep(&self, token: &str, system: &SystemToken) {
        let mut known = self.known.lock();
        if known.len() >= SYSTEMS_MAX {
            known.clear();
        }
        known.insert(digest(token), (system.clone(), Instant::now()));
    }

    /// A token was used from an address, at a moment.
    pub fn used(&self, id: i64, from: IpAddr, at: Instant) -> Use {
        let mut all = self.seen.lock();
        bound(&mut all, id);
        let Some(seen) = all.get_mut(&id) else {
            all.insert(id, Seen { from, at, written: at, alarmed: None });
            return Use::Note;
        };
        let is_elsewhere = seen.from != from && at.saturating_duration_since(seen.at) < TOGETHER;
        (seen.from, seen.at) = (from, at);
        let since = |moment: Instant| at.saturating_duration_since(moment);
        if is_elsewhere && seen.alarmed.is_none_or(|before| since(before) >= TOGETHER) {
            seen.alarmed = Some(at);
            return Use::Twice;
        }
        if since(seen.written) < WRITTEN_EVERY {
            return Use::Known;
        }
        seen.written = at;
        Use::Note
    }

    /// Whether to tell that a token came from where it may not, at a moment; once in a while.
    pub fn strange(&self, id: i64, from: IpAddr, at: Instant) -> bool {
        let mut all = self.seen.lock();
        bound(&mut all, id);
        let seen = all.entry(id).or_insert(Seen { from, at, written: at, alarmed: None });
        let is_due = seen.alarmed.is_none_or(|before| at.saturating_duration_since(before) >= TOGETHER);
        if is_due {
            seen.alarmed = Some(at);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readmodel::local::TokenTerms;

    fn system(now: Millis) -> SystemToken {
        SystemToken {
            id: 1,
            name: "registry".into(),
            created: now,
            terms: TokenTerms::until(now.plus(10)),
            last_used: None,
            last_from: None,
            alarm_at: None,
            alarm_from: None,
        }
    }

    #[test]
    fn a_token_is_believed_until_it_ends_and_never_another() {
        let cache = TokenCache::default();
        let now = Millis(1_795_000_000_000);
        let system = system(now);
        cache.keep("one", &system);
        assert_eq!(cache.get("one", now), Some(system.clone()));
        assert_eq!((cache.get("one", now.plus(10)), cache.get("two", now)), (None, None));
        for n in 0..SYSTEMS_MAX {
            cache.keep(&n.to_string(), &system);
        }
        assert!(cache.known.lock().len() <= SYSTEMS_MAX);
    }

    #[test]
    fn a_token_at_two_places_at_once_is_noticed_and_one_that_moved_is_not() {
        let (cache, begin) = (TokenCache::default(), Instant::now());
        let (here, there): (IpAddr, IpAddr) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let at = |seconds| begin + Duration::from_secs(seconds);
        assert_eq!(cache.used(1, here, at(0)), Use::Note, "the first use is written down");
        assert_eq!(cache.used(1, here, at(59)), Use::Known);
        assert_eq!(cache.used(1, here, at(60)), Use::Note, "once a minute");
        assert_eq!(cache.used(1, there, at(120)), Use::Note, "it moved to another machine");
        assert_eq!(cache.used(1, here, at(121)), Use::Twice);
        assert_eq!(cache.used(1, there, at(122)), Use::Known, "told once in a while");
        assert_eq!(cache.used(1, here, at(181)), Use::Twice);
        assert_eq!(cache.used(2, there, at(181)), Use::Note, "another token");
        let told: Vec<bool> = [0, 1, 60].map(|seconds| cache.strange(3, there, at(seconds))).into();
        assert_eq!(told, [true, false, true]);
    }
}
