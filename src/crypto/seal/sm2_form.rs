//! Version 2 of the sealed form: a fresh secret is encrypted to an SM2 key (GB/T 32918.4-2016).

use sm2::elliptic_curve::common::getrandom::SysRng;
use sm2::pke::{DecryptingKey, EncryptingKey, Mode};
use sm2::{PublicKey, SecretKey};
use zeroize::Zeroizing;

use super::Shared;
use crate::crypto::{CryptoError, sm2_keys};

const VERSION: u8 = 2;
const SECRET_BYTES: usize = 16;
const DIGEST_BYTES: usize = 32;
const CIPHERTEXT_BYTES: u16 = 113;
const MARK: [u8; 3] = [VERSION, CIPHERTEXT_BYTES.to_be_bytes()[0], CIPHERTEXT_BYTES.to_be_bytes()[1]];
pub(super) const HEAD_BYTES: usize = MARK.len() + sm2_keys::POINT_BYTES + DIGEST_BYTES + SECRET_BYTES;

/// A new head, and what is shared under it.
pub(super) fn begin(to: &PublicKey) -> Result<(Vec<u8>, Shared), CryptoError> {
    let mut secret = Zeroizing::new([0u8; SECRET_BYTES]);
    getrandom::fill(secret.as_mut()).map_err(|_| CryptoError::Randomness)?;
    let encrypted = EncryptingKey::new_with_mode(*to, Mode::C1C3C2).encrypt(&mut SysRng, secret.as_ref());
    let encrypted = encrypted.map_err(|_| CryptoError::Randomness)?;
    Ok(([&MARK[..], &encrypted].concat(), super::shared(secret.as_ref(), &sm2_keys::public_bytes(to))))
}

/// What is shared under a head.
pub(super) fn shared(own: &SecretKey, head: &[u8]) -> Option<Shared> {
    let encrypted = head.strip_prefix(&MARK)?;
    // The library would take a point in other forms too, and then other lengths.
    sm2_keys::public(encrypted.get(..sm2_keys::POINT_BYTES)?)?;
    let decrypting = DecryptingKey::new_with_mode(own.to_nonzero_scalar(), Mode::C1C3C2);
    let secret = Zeroizing::new(decrypting.decrypt(encrypted).ok()?);
    Some(super::shared(&secret, &sm2_keys::public_bytes(&own.public_key())))
}
