//! Version 1 of the sealed form: the key is agreed on with a fresh X25519 key.

use x25519_dalek::{PublicKey, SharedSecret, StaticSecret};
use zeroize::Zeroizing;

use super::{ContentKey, content_key};
use crate::crypto::CryptoError;

const VERSION: u8 = 1;
const LABEL: &[u8] = b"mulu-seal-v1\n";
pub(super) const HEAD_BYTES: usize = 1 + 32;

/// Head and key of a new sealed text.
pub(super) fn begin(to: &PublicKey, context: &[u8]) -> Result<(Vec<u8>, ContentKey), CryptoError> {
    let mut secret = Zeroizing::new([0u8; 32]);
    getrandom::fill(secret.as_mut()).map_err(|_| CryptoError::Randomness)?;
    let ephemeral = StaticSecret::from(*secret);
    let public = PublicKey::from(&ephemeral);
    let key = agreed(&ephemeral.diffie_hellman(to), &public, to, context);
    let key = key.ok_or_else(|| CryptoError::Key("a weak sealing key".into()))?;
    Ok(([&[VERSION], public.as_bytes().as_slice()].concat(), key))
}

/// The key under the head of a sealed text.
pub(super) fn key(own: &StaticSecret, context: &[u8], head: &[u8]) -> Option<ContentKey> {
    let ephemeral: [u8; 32] = head.strip_prefix(&[VERSION])?.try_into().ok()?;
    let ephemeral = PublicKey::from(ephemeral);
    agreed(&own.diffie_hellman(&ephemeral), &ephemeral, &own.into(), context)
}

fn agreed(shared: &SharedSecret, ephemeral: &PublicKey, recipient: &PublicKey, context: &[u8]) -> Option<ContentKey> {
    // A point of small order would make the key one that everybody knows.
    if !shared.was_contributory() {
        return None;
    }
    let salt = [ephemeral.as_bytes().as_slice(), recipient.as_bytes()].concat();
    content_key(shared.as_bytes(), &salt, LABEL, context)
}
