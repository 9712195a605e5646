//! Tests of sealing, under both kinds of keys.

use super::*;

const BOTH: [Scheme; 2] = [Scheme::X25519, Scheme::Sm2];

fn key(scheme: Scheme, n: u8) -> SealingKey {
    SealingKey::from_secret(scheme, &[n; 32]).unwrap()
}

#[test]
fn only_the_recipient_opens_and_only_under_the_same_context() {
    for (scheme, overhead) in [(Scheme::X25519, 61), (Scheme::Sm2, OVERHEAD_BYTES_MAX)] {
        let key = SealingKey::generate(scheme).unwrap();
        let sealed = seal(&key.public(), b"subject of 7", b"34052419800101001X").unwrap();
        assert_eq!((sealed.len(), key.scheme()), (18 + overhead, scheme));
        assert_eq!(open(&key, b"subject of 7", &sealed).unwrap().as_slice(), b"34052419800101001X");
        assert!(open(&key, b"subject of 8", &sealed).is_err());
        for other in BOTH {
            assert!(open(&SealingKey::generate(other).unwrap(), b"subject of 7", &sealed).is_err());
        }
        assert_ne!(seal(&key.public(), b"subject of 7", b"34052419800101001X").unwrap(), sealed);
        assert_eq!(open(&key, b"", &seal(&key.public(), b"", b"").unwrap()).unwrap().as_slice(), b"");
    }
}

#[test]
fn every_flipped_bit_and_every_cut_is_noticed() {
    for scheme in BOTH {
        let key = key(scheme, 5);
        let sealed = seal(&key.public(), b"", b"x").unwrap();
        for at in 0..sealed.len() {
            assert!(open(&key, b"", &sealed[..at]).is_err());
            // X25519 ignores the top bit of a public key; the tag covers it all the same.
            for bit in 0..8 {
                let mut changed = sealed.clone();
                changed[at] ^= 1 << bit;
                assert!(open(&key, b"", &changed).is_err(), "{scheme:?}: bit {bit} of byte {at}");
            }
        }
    }
}

#[test]
fn weak_and_malformed_keys_are_refused() {
    let zero: SealingPublicKey = BASE64.encode([0; 32]).parse().unwrap();
    assert!(seal(&zero, b"", b"x").is_err());
    assert!("AAAA".parse::<SealingPublicKey>().is_err());
    for scheme in BOTH {
        let key = key(scheme, 5).public();
        assert_eq!(key.to_string().parse::<SealingPublicKey>().unwrap(), key);
    }
    let text = key(Scheme::Sm2, 5).public().to_string();
    assert!(text.replacen("sm2:", "", 1).parse::<SealingPublicKey>().is_err());
    assert!(format!("sm2:{}", BASE64.encode([4; 65])).parse::<SealingPublicKey>().is_err());
    assert!(SealingKey::from_secret(Scheme::Sm2, &[0; 32]).is_err());
}

#[test]
fn derived_secrets_differ_by_label_and_key() {
    for scheme in BOTH {
        let five = key(scheme, 5);
        assert_eq!(five.derive("a"), five.derive("a"));
        assert_ne!(five.derive("a"), five.derive("b"));
        assert_ne!(five.derive("a"), key(scheme, 6).derive("a"));
        assert_eq!(*SealingKey::from_secret(scheme, &five.secret()).unwrap().derive("a"), *five.derive("a"));
    }
}

#[test]
fn sm4_gcm_is_that_of_rfc_8998() {
    // RFC 8998, appendix A.1.
    let bytes = |text: &str| hex::decode(text).unwrap();
    let key = bytes("0123456789abcdeffedcba9876543210");
    let nonce: [u8; 12] = bytes("00001234567800000000abcd").try_into().unwrap();
    let plain = bytes(
        "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccddddddddddddddddeeeeeeeeeeeeeeeeffffffffffffffff\
         eeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa",
    );
    let aad = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    let cipher = Sm4Gcm::new_from_slice(&key).unwrap();
    let sealed = cipher.encrypt(&Nonce::from(nonce), Payload { msg: &plain, aad: &aad }).unwrap();
    assert_eq!(
        hex::encode(sealed),
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735d82710ca5c22f0ccfa7cbf93d496ac15\
         a56834cbcf98c397b4024a2691233b8d83de3541e4c2b58177e065a9bf7b62ec"
    );
}
