//! The keys of a running node: they change while everything else goes on.

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::CryptoError;
use super::keyring::{self, Keyring};
use super::seal::{Sealer, SealingKey, SealingPublicKey, open};
use super::secret::Secret;
use super::sign::{PublicKey, SigningKey};

/// A node's keys, in force and held. Cheap to clone; all clones change together.
#[derive(Clone)]
pub struct Keys {
    held: Arc<ArcSwap<Held>>,
}

/// The keys at one moment: take it once for what belongs together.
#[derive(Clone)]
pub struct Held {
    /// Signs transactions, requests and checkpoints.
    pub signing: SigningKey,
    /// Opens what others seal to the department now.
    pub sealing: SealingKey,
    all_signing: Vec<SigningKey>,
    /// Oldest first.
    all_sealing: Vec<SealingKey>,
    sealer: Arc<Sealer>,
}

impl Keys {
    /// Reads every key of a directory. Until the ledger has spoken, see [`Keys::adopt`], the first are in force.
    ///
    /// # Errors
    /// [`CryptoError`] when a file cannot be read or holds something else.
    pub fn load(dir: &Path, secret: Option<&Secret>) -> Result<Self, CryptoError> {
        let Keyring { signing, sealing } = Keyring::load(dir, secret)?;
        let (mut all_signing, mut all_sealing) = (vec![signing.clone()], vec![sealing.clone()]);
        for next in keyring::load_later(dir, secret)? {
            all_signing.push(next.signing);
            all_sealing.push(next.sealing);
        }
        let held = Held { signing, sealing, all_signing, all_sealing, sealer: Arc::default() };
        Ok(Self { held: Arc::new(ArcSwap::from_pointee(held)) })
    }

    /// The keys of this moment.
    pub fn get(&self) -> Arc<Held> {
        self.held.load_full()
    }

    /// Holds new keys beside the others; they come into force by [`Keys::adopt`].
    pub fn hold(&self, next: &Keyring) {
        self.held.rcu(|held| {
            let mut held = Held::clone(held);
            held.all_signing.push(next.signing.clone());
            held.all_sealing.push(next.sealing.clone());
            held
        });
    }

    /// Puts those keys into force whose public halves the ledger names. Says whether both are held.
    pub fn adopt(&self, signing: &PublicKey, sealing: &str) -> bool {
        let held = self.get();
        if held.signing.public() == *signing && held.sealing.public().to_string() == sealing {
            return true;
        }
        let (signer, opener) = held.find(signing, sealing);
        self.held.rcu(|held| {
            let mut held = Held::clone(held);
            held.signing = signer.unwrap_or(&held.signing).clone();
            held.sealing = opener.unwrap_or(&held.sealing).clone();
            held
        });
        signer.is_some() && opener.is_some()
    }
}

impl Held {
    fn find(&self, signing: &PublicKey, sealing: &str) -> (Option<&SigningKey>, Option<&SealingKey>) {
        let signer = self.all_signing.iter().find(|key| key.public() == *signing);
        (signer, self.all_sealing.iter().find(|key| key.public().to_string() == sealing))
    }

    /// Whether the private halves of both are here, in force or not.
    pub fn holds(&self, signing: &PublicKey, sealing: &str) -> bool {
        matches!(self.find(signing, sealing), (Some(_), Some(_)))
    }

    /// Seals a text that lies in parts to whomever it is for: short-lived texts, of which there are many.
    ///
    /// # Errors
    /// Those of [`Sealer::seal`].
    pub fn seal(&self, to: &SealingPublicKey, context: &[u8], parts: &[&[u8]]) -> Result<Vec<u8>, CryptoError> {
        self.sealer.seal(to, context, parts)
    }

    /// Wipes what was shared with readers a while ago; to be called now and then.
    pub fn forget(&self) {
        self.sealer.forget();
    }

    /// Opens what was sealed to the department, now or before its sealing key changed.
    ///
    /// # Errors
    /// [`CryptoError::Sealed`].
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<zeroize::Zeroizing<Vec<u8>>, CryptoError> {
        let older = || self.all_sealing.iter().rev().map(|key| open(key, context, sealed)).find(Result::is_ok);
        open(&self.sealing, context, sealed).or_else(|error| older().unwrap_or(Err(error)))
    }

    /// The first sealing key that the department had here: what is derived from it stays when keys change.
    pub fn first_sealing(&self) -> &SealingKey {
        self.all_sealing.first().unwrap_or(&self.sealing)
    }
}

impl From<Keyring> for Keys {
    fn from(Keyring { signing, sealing }: Keyring) -> Self {
        let (all_signing, all_sealing) = (vec![signing.clone()], vec![sealing.clone()]);
        let held = Held { signing, sealing, all_signing, all_sealing, sealer: Arc::default() };
        Self { held: Arc::new(ArcSwap::from_pointee(held)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::seal::seal;
    use crate::crypto::sign::Algorithm;

    #[test]
    fn new_keys_come_into_force_when_the_ledger_names_them_and_old_letters_still_open() {
        let dir = tempfile::tempdir().unwrap();
        let first = Keyring::generate(Algorithm::Ed25519).unwrap();
        first.save(dir.path(), None).unwrap();
        let keys = Keys::load(dir.path(), None).unwrap();
        let letter = seal(&first.sealing.public(), b"c", b"old letter").unwrap();
        let next = Keyring::generate(Algorithm::Sm2).unwrap();
        next.save_later(dir.path(), None).unwrap();
        keys.hold(&next);
        assert_eq!(keys.get().signing.public(), first.signing.public(), "not before the ledger says so");
        let named = (next.signing.public(), next.sealing.public().to_string());
        // The running node, and one that starts after a crash in between.
        for keys in [keys, Keys::load(dir.path(), None).unwrap()] {
            assert!(keys.adopt(&named.0, &named.1));
            assert_eq!(keys.get().signing.public(), named.0);
            assert_eq!(keys.get().open(b"c", &letter).unwrap().as_slice(), b"old letter");
            assert!(keys.get().open(b"other", &letter).is_err());
            assert_eq!(keys.get().first_sealing().public().to_string(), first.sealing.public().to_string());
            assert!(!keys.adopt(&SigningKey::from_seed(&[1; 32]).public(), &named.1), "a key nobody holds here");
            assert_eq!(keys.get().signing.public(), named.0);
        }
        let third = Keyring::generate(Algorithm::Ed25519).unwrap();
        third.save_later(dir.path(), None).unwrap();
        assert!(
            Keys::load(dir.path(), None).unwrap().adopt(&third.signing.public(), &third.sealing.public().to_string())
        );
    }
}
