//! Version 1 of the sealed form: the key is agreed on with a fresh X25519 key (RFC 7748).

use std::sync::Arc;

use aws_lc_rs::agreement::{PrivateKey, UnparsedPublicKey, X25519, agree};
use zeroize::Zeroizing;

use super::Shared;
use crate::crypto::CryptoError;

const VERSION: u8 = 1;
const KEY_BYTES: usize = 32;
pub(super) const HEAD_BYTES: usize = 1 + KEY_BYTES;

/// A public key as it is written (RFC 7748, 5).
pub(super) type Public = [u8; KEY_BYTES];

/// A private key, unpacked, with its public half: every opening needs both.
#[derive(Clone)]
pub(super) struct Own {
    secret: Zeroizing<[u8; KEY_BYTES]>,
    key: Arc<PrivateKey>,
    public: Public,
}

impl Own {
    /// The key of 32 secret bytes.
    pub(super) fn new(secret: &[u8; KEY_BYTES]) -> Result<Self, CryptoError> {
        let unusable = || CryptoError::Key("32 bytes that are no X25519 key".into());
        let key = PrivateKey::from_private_key(&X25519, secret).map_err(|_| unusable())?;
        let public = public_of(&key).ok_or_else(unusable)?;
        Ok(Self { secret: Zeroizing::new(*secret), key: Arc::new(key), public })
    }

    /// The secret bytes.
    pub(super) fn secret(&self) -> [u8; KEY_BYTES] {
        *self.secret
    }

    /// The public half.
    pub(super) fn public(&self) -> Public {
        self.public
    }
}

fn public_of(key: &PrivateKey) -> Option<Public> {
    key.compute_public_key().ok()?.as_ref().try_into().ok()
}

/// A new head, and what is shared under it.
pub(super) fn begin(to: &Public) -> Result<(Vec<u8>, Shared), CryptoError> {
    let ephemeral = PrivateKey::generate(&X25519).map_err(|_| CryptoError::Randomness)?;
    let public = public_of(&ephemeral).ok_or(CryptoError::Randomness)?;
    let shared = agreed(&ephemeral, to, [&public, to]);
    let shared = shared.ok_or_else(|| CryptoError::Key("a weak sealing key".into()))?;
    Ok(([&[VERSION], public.as_slice()].concat(), shared))
}

/// What is shared under a head.
pub(super) fn shared(own: &Own, head: &[u8]) -> Option<Shared> {
    let ephemeral: Public = head.strip_prefix(&[VERSION])?.try_into().ok()?;
    agreed(&own.key, &ephemeral, [&ephemeral, &own.public])
}

/// `salt` are the ephemeral key and the recipient's. None for a point of small order, which would make the key one that
/// everybody knows (RFC 7748, 6.1).
fn agreed(own: &PrivateKey, other: &Public, salt: [&Public; 2]) -> Option<Shared> {
    let (other, salt) = (UnparsedPublicKey::new(&X25519, other), salt.map(Public::as_slice).concat());
    agree(own, other, (), |secret| Ok(super::shared(secret, &salt))).ok()
}
