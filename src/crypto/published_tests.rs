//! The examples that the standards print. That of RFC 8998 for SM4-GCM stands beside the sealing.

use sm2::pke::{DecryptingKey, Mode};
use sm4::Sm4;
use sm4::cipher::{BlockCipherEncrypt as _, KeyInit as _};

use super::digest::sm3;
use super::sign::{Algorithm, PublicKey, SigningKey};

/// The private key of GB/T 32918.5-2017, annexes A and C.
const SM2_SECRET: &str = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8";
const SM2_PUBLIC: &str = "04\
    09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020\
    ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13";

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    hex::decode(text).unwrap().try_into().unwrap()
}

#[test]
fn sm3_is_that_of_gb_t_32905() {
    // GB/T 32905-2016, A.1 and A.2: "abc", and "abcd" sixteen times.
    assert_eq!(sm3(&[b"abc"]).to_string(), "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
    assert_eq!(
        sm3(&[b"abcd".repeat(16).as_slice()]).to_string(),
        "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
    );
}

#[test]
fn sm4_is_that_of_gb_t_32907() {
    // GB/T 32907-2016, A.1 and A.2: one block, and the same encrypted 1,000,000 times.
    let key = bytes::<16>("0123456789abcdeffedcba9876543210");
    let cipher = Sm4::new(&key.into());
    let mut block = key.into();
    cipher.encrypt_block(&mut block);
    assert_eq!(hex::encode(block), "681edf34d206965e86b3e94f536e4246");
    (1..1_000_000).for_each(|_| cipher.encrypt_block(&mut block));
    assert_eq!(hex::encode(block), "595298c7c6fd271f0402f804c33d3f66");
}

#[test]
fn sm2_signatures_are_those_of_gb_t_32918_5() {
    // A.2: "message digest", signed under the user id 1234567812345678.
    let signature = "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3\
        b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa";
    let public = PublicKey::from_bytes(Algorithm::Sm2, &bytes::<65>(SM2_PUBLIC)).unwrap();
    assert!(public.verify(b"message digest", &bytes::<64>(signature)).is_ok());
    assert!(public.verify(b"message digesu", &bytes::<64>(signature)).is_err());
    assert_eq!(SigningKey::from_secret(Algorithm::Sm2, &bytes(SM2_SECRET)).unwrap().public(), public);
}

#[test]
fn sm2_encryption_is_that_of_gb_t_32918_5() {
    // C.2: "encryption standard"; C1, C3, C2.
    let encrypted = "04\
        04ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73\
        e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0\
        59983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766\
        21886ca989ca9c7d58087307ca93092d651efa";
    let secret = sm2::SecretKey::from_slice(&bytes::<32>(SM2_SECRET)).unwrap();
    let key = DecryptingKey::new_with_mode(secret.to_nonzero_scalar(), Mode::C1C3C2);
    assert_eq!(key.decrypt(&hex::decode(encrypted).unwrap()).unwrap(), b"encryption standard");
}
