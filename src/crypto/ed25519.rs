//! Ed25519 (RFC 8032) at the speed of a ledger: strictly one by one, and many at once with the terms of equal keys joined.

use std::collections::HashMap;

use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{IsIdentity as _, VartimeMultiscalarMul as _};
use ed25519_dalek::VerifyingKey;
use sha2::{Digest as _, Sha512};

/// A signature, taken apart and hashed with its key and message.
struct Parts {
    r: CompressedEdwardsY,
    s: Scalar,
    k: Scalar,
}

impl Parts {
    /// `None` when the signature has another length, or S is not below the group's order.
    fn of(key: &VerifyingKey, message: &[u8], signature: &[u8]) -> Option<Self> {
        let signature: &[u8; 64] = signature.try_into().ok()?;
        let (r, s) = signature.split_first_chunk::<32>()?;
        let s = Option::<Scalar>::from(Scalar::from_canonical_bytes(s.try_into().ok()?))?;
        let hash = Sha512::new().chain_update(r).chain_update(key.as_bytes()).chain_update(message).finalize();
        Some(Self { r: CompressedEdwardsY(*r), s, k: Scalar::from_bytes_mod_order_wide(&hash.into()) })
    }
}

/// Whether one signature fits, strictly: the equation without the cofactor, R in its one encoding, and neither R nor
/// the key of small order. R is computed and compared, so that it need not be decoded.
pub(super) fn fits(key: &VerifyingKey, message: &[u8], signature: &[u8]) -> bool {
    let Some(Parts { r, s, k }) = Parts::of(key, message, signature) else { return false };
    let expected = EdwardsPoint::vartime_double_scalar_mul_basepoint(&k, &-key.to_edwards(), &s);
    expected.compress() == r && !expected.is_small_order() && !key.is_weak()
}

/// Whether all signatures fit, by one equation. What [`fits`] accepts always passes; what passes may differ from that by
/// a point of small order, which only the holder of the key can bring about. So whoever proposes uses [`fits`].
///
/// The factors are drawn from the signatures and hashes themselves: the answer is the same on every node. Keys repeat
/// in a block, for departments are few: each is one term, however many signatures it made.
pub(super) fn all_fit(checks: &[(&VerifyingKey, &[u8], &[u8])]) -> bool {
    let mut parts = Vec::with_capacity(checks.len());
    let mut seed = Sha512::new();
    for (key, message, signature) in checks {
        let Some(part) = Parts::of(key, message, signature) else { return false };
        seed.update(part.k.as_bytes());
        seed.update(part.s.as_bytes());
        parts.push(part);
    }
    let seed = seed.finalize();
    let (mut scalars, mut points) = (Vec::with_capacity(checks.len() + 8), Vec::with_capacity(checks.len() + 8));
    let mut base = Scalar::ZERO;
    let mut keys: HashMap<&[u8; 32], usize> = HashMap::new();
    let mut of_keys: Vec<(Scalar, EdwardsPoint)> = Vec::new();
    for (factors, (parts, checks)) in (0u64..).zip(parts.chunks(4).zip(checks.chunks(4))) {
        let drawn = Sha512::new().chain_update(seed).chain_update(factors.to_be_bytes()).finalize();
        for ((part, (key, ..)), factor) in parts.iter().zip(checks).zip(drawn.chunks_exact(16)) {
            let factor = factor.iter().fold(0u128, |factor, byte| (factor << 8) | u128::from(*byte));
            let factor = Scalar::from(factor);
            let Some(r) = part.r.decompress() else { return false };
            scalars.push(factor);
            points.push(r);
            base -= factor * part.s;
            let place = *keys.entry(key.as_bytes()).or_insert(of_keys.len());
            if place == of_keys.len() {
                of_keys.push((Scalar::ZERO, key.to_edwards()));
            }
            if let Some((scalar, _)) = of_keys.get_mut(place) {
                *scalar += factor * part.k;
            }
        }
    }
    of_keys.push((base, ED25519_BASEPOINT_POINT));
    for (scalar, point) in of_keys {
        scalars.push(scalar);
        points.push(point);
    }
    EdwardsPoint::vartime_multiscalar_mul(&scalars, &points).is_identity()
}

#[cfg(test)]
mod tests {
    use curve25519_dalek::constants::EIGHT_TORSION;
    use ed25519_dalek::{Signature, Signer as _, SigningKey};

    use super::*;

    fn sha(parts: &[&[u8]]) -> Scalar {
        let hash = parts.iter().fold(Sha512::new(), |hash, part| hash.chain_update(part)).finalize();
        Scalar::from_bytes_mod_order_wide(&hash.into())
    }

    /// A signature as only the key's holder can make it: R is off by a point of small order.
    fn twisted(key: &SigningKey, message: &[u8], torsion: EdwardsPoint) -> [u8; 64] {
        let nonce = Scalar::from(123_456_789u64);
        let r = (EdwardsPoint::mul_base(&nonce) + torsion).compress();
        let k = sha(&[r.as_bytes(), key.verifying_key().as_bytes(), message]);
        let s = nonce + k * key.to_scalar();
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(r.as_bytes());
        signature[32..].copy_from_slice(s.as_bytes());
        signature
    }

    #[test]
    fn one_by_one_is_the_library_s_strict_check() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let public = key.verifying_key();
        let message = b"a message";
        let good = key.sign(message).to_bytes();
        let mut cases = vec![good, [0; 64], [0xff; 64]];
        for at in (0..64).step_by(5) {
            let mut wrong = good;
            wrong[at] ^= 4;
            cases.push(wrong);
        }
        // S + L names the same number.
        let order = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
        let mut high = good;
        let mut carry = 0u16;
        for (byte, more) in high[32..].iter_mut().zip(hex::decode(order).unwrap()) {
            let sum = u16::from(*byte) + u16::from(more) + carry;
            (*byte, carry) = ((sum & 0xff) as u8, sum >> 8);
        }
        cases.push(high);
        cases.extend(EIGHT_TORSION.iter().map(|torsion| twisted(&key, message, *torsion)));
        let mut small = [0; 64];
        small[..32].copy_from_slice(EIGHT_TORSION[2].compress().as_bytes());
        cases.push(small);
        let mut fitting = 0;
        for signature in &cases {
            let strict = public.verify_strict(message, &Signature::from_bytes(signature)).is_ok();
            assert_eq!(fits(&public, message, signature), strict, "{signature:02x?}");
            fitting += usize::from(strict);
        }
        assert_eq!(fitting, 2, "the honest one, and the one that is twisted by nothing");
        assert!(!fits(&public, message, &good[..63]) && !fits(&public, b"another", &good));
    }

    #[test]
    fn many_at_once_accept_what_fits_and_find_what_does_not() {
        let keys: Vec<SigningKey> = (1..=5).map(|n| SigningKey::from_bytes(&[n; 32])).collect();
        let publics: Vec<VerifyingKey> = keys.iter().map(SigningKey::verifying_key).collect();
        for count in [0usize, 1, 2, 3, 4, 5, 63, 200, 300] {
            let messages: Vec<Vec<u8>> = (0..count).map(|n| n.to_be_bytes().to_vec()).collect();
            let mut signatures: Vec<[u8; 64]> =
                messages.iter().enumerate().map(|(n, message)| keys[n * n % 5].sign(message).to_bytes()).collect();
            let all = |signatures: &[[u8; 64]]| {
                let each = messages.iter().zip(signatures).enumerate();
                let checks: Vec<_> =
                    each.map(|(n, (message, signature))| (&publics[n * n % 5], &message[..], &signature[..])).collect();
                all_fit(&checks)
            };
            assert!(all(&signatures), "{count}");
            for at in [0, count / 2, count.saturating_sub(1)] {
                for byte in [3, 40] {
                    let Some(signature) = signatures.get_mut(at) else { continue };
                    signature[byte] ^= 1;
                    assert!(!all(&signatures), "{count}: {at} was spoilt");
                    signatures[at][byte] ^= 1;
                }
            }
            if count > 1 {
                signatures.swap(0, count - 1);
                assert!(!all(&signatures), "signatures of others");
            }
        }
    }
}
