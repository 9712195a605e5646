//! SM2 keys (GB/T 32918.1-2016) as bytes: a key is checked where it is read and cannot be wrong afterwards.

use sm2::{PublicKey, SecretKey};
use zeroize::Zeroizing;

use super::CryptoError;

/// The user id that enters every signature: the one of GB/T 35276-2017, 10, for whoever has agreed on no other.
pub const USER_ID: &str = "1234567812345678";
/// Bytes of a public key: 4, x, y (SEC 1, 2.3.3, uncompressed).
pub const POINT_BYTES: usize = 65;
/// The curve's order less one. As a private key it would make 1 + d vanish, by which a signer divides (GB/T 32918.1, 6.1).
const ORDER_LESS_ONE: [u8; 32] = [
    0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x72, 0x03, 0xdf,
    0x6b, 0x21, 0xc6, 0x05, 0x2b, 0x53, 0xbb, 0xf4, 0x09, 0x39, 0xd5, 0x41, 0x22,
];
/// Of random bytes, one in 2^32 is no key; so many in a row come from no randomness.
const ATTEMPTS: usize = 8;

/// A public key: a point of the curve, not at infinity, and in no other form than the uncompressed one.
pub(super) fn public(bytes: &[u8]) -> Option<PublicKey> {
    let is_uncompressed = bytes.len() == POINT_BYTES && bytes.first() == Some(&4);
    is_uncompressed.then(|| PublicKey::from_sec1_bytes(bytes).ok()).flatten()
}

/// The 65 bytes of a public key.
pub(super) fn public_bytes(key: &PublicKey) -> [u8; POINT_BYTES] {
    let mut bytes = [0; POINT_BYTES];
    // Uncompressed is this curve's form; a point of another length does not exist.
    if let Some(point) = key.to_sec1_bytes().get(..POINT_BYTES) {
        bytes.copy_from_slice(point);
    }
    bytes
}

/// A private key: 1 to n - 2, big endian.
pub(super) fn secret(bytes: &[u8; 32]) -> Option<SecretKey> {
    SecretKey::from_slice(bytes).ok().filter(|_| *bytes != ORDER_LESS_ONE)
}

/// A new private key from the operating system's randomness.
pub(super) fn generate() -> Result<SecretKey, CryptoError> {
    let mut bytes = Zeroizing::new([0u8; 32]);
    for _ in 0..ATTEMPTS {
        getrandom::fill(bytes.as_mut()).map_err(|_| CryptoError::Randomness)?;
        if let Some(key) = secret(&bytes) {
            return Ok(key);
        }
    }
    Err(CryptoError::Randomness)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_points_of_the_curve_are_public_keys() {
        let key = generate().unwrap().public_key();
        let bytes = public_bytes(&key);
        assert_eq!(public(&bytes), Some(key));
        let mut off = bytes;
        off[64] ^= 1;
        let compressed = [&[2 + (bytes[64] & 1)], &bytes[1..33]].concat();
        let hybrid = [&[6 + (bytes[64] & 1)], &bytes[1..]].concat();
        for wrong in [&off[..], &compressed, &hybrid, &[0], &[4; 65], &[0; 65], &[], &[&bytes[..], &[0]].concat()] {
            assert!(public(wrong).is_none(), "{wrong:?} passed");
        }
    }

    #[test]
    fn private_keys_are_those_that_can_sign() {
        let mut order = ORDER_LESS_ONE;
        order[31] += 1;
        let mut largest = ORDER_LESS_ONE;
        largest[31] -= 1;
        assert!(secret(&largest).is_some());
        for wrong in [[0; 32], ORDER_LESS_ONE, order, [0xff; 32]] {
            assert!(secret(&wrong).is_none());
        }
    }
}
