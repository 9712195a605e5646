//! Fuzz targets of what others hand to this floor: keys and digests as text, sealed texts.

use crate::fuzzing::fuzz;

use super::digest::{Hash, sm3};
use super::key_file::{KeyKind, decode, encode};
use super::seal::{Scheme, SealingKey, SealingPublicKey, open, seal};
use super::sign::{Algorithm, KeyId, PublicKey, SigningKey};

/// Sealed texts cost a key agreement each.
const SEALED_INPUTS: usize = 300;
const SCHEMES: [Scheme; 2] = [Scheme::X25519, Scheme::Sm2];

fn sealing_key(scheme: Scheme) -> SealingKey {
    SealingKey::from_secret(scheme, &[7; 32]).unwrap()
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

#[test]
fn a_public_key() {
    let keys = [Algorithm::Ed25519, Algorithm::Sm2]
        .map(|algorithm| SigningKey::from_secret(algorithm, &[7; 32]).unwrap().public().to_string().into_bytes());
    fuzz!(keys.to_vec(), |bytes: &[u8]| {
        let Some(key) = text(bytes).and_then(|text| text.parse::<PublicKey>().ok()) else { return false };
        assert_eq!(key.to_string().as_bytes(), bytes, "one key, one text");
        assert_eq!(PublicKey::from_bytes(key.algorithm(), key.as_bytes()), Some(key.clone()));
        assert!(key.verify(b"message", bytes).is_err());
        true
    });
}

#[test]
fn a_sealing_key() {
    let keys = SCHEMES.map(|scheme| sealing_key(scheme).public().to_string().into_bytes());
    fuzz!(keys.to_vec(), |bytes: &[u8]| {
        let Some(key) = text(bytes).and_then(|text| text.parse::<SealingPublicKey>().ok()) else { return false };
        assert_eq!(key.to_string().as_bytes(), bytes, "one key, one text");
        true
    });
}

#[test]
fn a_digest_and_a_key_id() {
    let id = SigningKey::from_seed(&[7; 32]).public().id();
    fuzz!(vec![sm3(&[b"x"]).to_string().into_bytes(), id.to_string().into_bytes()], |bytes: &[u8]| {
        let Some(text) = text(bytes) else { return false };
        let (hash, id) = (text.parse::<Hash>().ok(), KeyId::try_from(text.to_owned()).ok());
        hash.iter().for_each(|hash| assert_eq!(hash.to_string(), text, "one digest, one text"));
        id.iter().for_each(|id| assert_eq!(id.to_string(), text, "one key, one id"));
        hash.is_some() || id.is_some()
    });
}

#[test]
fn a_sealed_text() {
    for reader in SCHEMES.map(sealing_key) {
        let sealed = seal(&reader.public(), b"context", "户籍".as_bytes()).unwrap();
        fuzz!(SEALED_INPUTS, vec![sealed.clone()], |bytes: &[u8]| {
            let opened = open(&reader, b"context", bytes).ok();
            assert!(opened.is_none() || bytes == sealed, "a changed text opens");
            opened.is_some_and(|plain| plain.as_slice() == "户籍".as_bytes())
        });
    }
}

/// A private key's file, DER within PEM.
#[test]
fn a_key_file() {
    let kinds = [KeyKind::Ed25519, KeyKind::X25519, KeyKind::Sm2];
    fuzz!(kinds.map(|kind| encode(kind, &[7; 32]).unwrap().to_vec()).to_vec(), |bytes: &[u8]| {
        let Some((kind, secret)) = decode(bytes) else { return false };
        assert_eq!(decode(&encode(kind, &secret).unwrap()), Some((kind, secret)));
        true
    });
}
