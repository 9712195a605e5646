//! Seals many texts to few readers: one head serves a reader for a few seconds, so that curves are computed once for all.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::{Head, SealingPublicKey};
use crate::crypto::CryptoError;

/// How long a head is used.
const USED_FOR: Duration = Duration::from_secs(10);
/// Texts under one head: nonces are random, and SM4-GCM bears 2^32 of them under one key (NIST SP 800-38D, 8.3).
const TEXTS_MAX: u32 = 4_096;
/// Readers for whom heads are kept; to more, each text has its own.
const READERS_MAX: usize = 256;

/// The heads in use, by reader.
#[derive(Default)]
pub struct Sealer(Mutex<HashMap<SealingPublicKey, Used>>);

struct Used {
    head: Arc<Head>,
    since: Instant,
    texts: u32,
}

impl Sealer {
    /// Seals a text that lies in parts, which are put together in the sealed text alone. Any [`super::open`] of the
    /// reader's opens it, and only under the same context.
    ///
    /// # Errors
    /// Those of [`super::seal`].
    pub fn seal(&self, to: &SealingPublicKey, context: &[u8], parts: &[&[u8]]) -> Result<Vec<u8>, CryptoError> {
        self.head(to, Instant::now())?.seal(context, parts)
    }

    /// Forgets, and wipes, heads that are not used any more; to be called now and then.
    pub fn forget(&self) {
        self.forget_at(Instant::now());
    }

    fn forget_at(&self, now: Instant) {
        self.0.lock().retain(|_, used| used.is_fresh(now));
    }

    fn head(&self, to: &SealingPublicKey, now: Instant) -> Result<Arc<Head>, CryptoError> {
        if let Some(used) = self.0.lock().get_mut(to).filter(|used| used.is_fresh(now) && used.texts < TEXTS_MAX) {
            used.texts += 1;
            return Ok(used.head.clone());
        }
        // Not under the lock: whoever seals to others need not wait for it.
        let head = Arc::new(Head::new(to)?);
        let mut readers = self.0.lock();
        if readers.len() < READERS_MAX || readers.contains_key(to) {
            readers.insert(to.clone(), Used { head: head.clone(), since: now, texts: 1 });
        }
        Ok(head)
    }
}

impl Used {
    fn is_fresh(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) < USED_FOR
    }
}

#[cfg(test)]
mod tests {
    use super::super::{NONCE_BYTES, Scheme, SealingKey, open};
    use super::*;

    fn head_of(sealed: &[u8]) -> Vec<u8> {
        let bytes =
            if sealed[0] == 1 { super::super::x25519_form::HEAD_BYTES } else { super::super::sm2_form::HEAD_BYTES };
        sealed[..bytes].to_vec()
    }

    #[test]
    fn texts_under_one_head_have_their_own_nonces_and_open_under_their_own_contexts() {
        for scheme in [Scheme::X25519, Scheme::Sm2] {
            let (sealer, reader) = (Sealer::default(), SealingKey::generate(scheme).unwrap());
            // Another instance of the same key, which has seen nothing.
            let other = SealingKey::from_secret(scheme, &reader.secret()).unwrap();
            let contexts = [b"a".as_slice(), b"b", b"a"];
            let sealed = contexts.map(|context| sealer.seal(&reader.public(), context, &[b"te", b"xt"]).unwrap());
            let heads: Vec<Vec<u8>> = sealed.iter().map(|sealed| head_of(sealed)).collect();
            assert!(heads.windows(2).all(|pair| pair[0] == pair[1]));
            let nonce = |sealed: &[u8]| sealed[heads[0].len()..][..NONCE_BYTES].to_vec();
            assert!(nonce(&sealed[0]) != nonce(&sealed[1]) && nonce(&sealed[0]) != nonce(&sealed[2]));
            assert_ne!(sealed[0], sealed[2]);
            for (context, sealed) in contexts.iter().zip(&sealed) {
                assert_eq!(open(&reader, context, sealed).unwrap().as_slice(), b"text");
                assert_eq!(open(&other, context, sealed).unwrap().as_slice(), b"text");
                assert!(open(&reader, b"c", sealed).is_err());
                let mut changed = sealed.clone();
                changed[1] ^= 1;
                assert!(open(&reader, context, &changed).is_err(), "a head that is known does not stand for another");
            }
            assert!(open(&SealingKey::generate(scheme).unwrap(), b"a", &sealed[0]).is_err());
        }
    }

    #[test]
    fn a_head_serves_so_many_texts_for_so_long_and_one_reader() {
        let sealer = Sealer::default();
        let [one, two] = [1, 2].map(|n| SealingKey::from_secret(Scheme::X25519, &[n; 32]).unwrap().public());
        let begun = Instant::now();
        let head = |to, after| sealer.head(to, begun + after).unwrap().bytes.clone();
        let first = head(&one, Duration::ZERO);
        assert_ne!(head(&two, Duration::ZERO), first);
        for _ in 1..TEXTS_MAX {
            assert_eq!(head(&one, Duration::ZERO), first);
        }
        let second = head(&one, Duration::from_secs(1));
        assert_ne!(second, first, "the first has served enough texts");
        let just_within = Duration::from_secs(1) + USED_FOR - Duration::from_millis(1);
        assert_eq!(head(&one, just_within), second);
        assert_ne!(head(&one, Duration::from_secs(1) + USED_FOR), second);
    }

    #[test]
    fn few_readers_are_kept_and_none_for_long() {
        let sealer = Sealer::default();
        let begun = Instant::now();
        for n in 0..READERS_MAX + 3 {
            let mut secret = [9; 32];
            secret[..8].copy_from_slice(&n.to_be_bytes());
            let reader = SealingKey::from_secret(Scheme::X25519, &secret).unwrap();
            let sealed = sealer.head(&reader.public(), begun).unwrap().seal(b"", &[b"x"]).unwrap();
            assert_eq!(open(&reader, b"", &sealed).unwrap().as_slice(), b"x");
        }
        assert_eq!(sealer.0.lock().len(), READERS_MAX);
        sealer.forget_at(begun);
        assert_eq!(sealer.0.lock().len(), READERS_MAX);
        sealer.forget_at(begun + USED_FOR);
        assert!(sealer.0.lock().is_empty());
    }
}
