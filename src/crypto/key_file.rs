//! Private keys as files: PKCS#8 in PEM, plain (RFC 5208) or encrypted (PBES2 of RFC 8018); OpenSSL reads and writes both.
//!
//! Encrypted: PBKDF2 with HMAC-SHA256 and 16 bytes of salt, AES-256-CBC. The standard has no such scheme with SM3 and
//! SM4 that OpenSSL would read; what this protects never leaves the machine.

use std::path::Path;

use pkcs8::der::SecretDocument;
use pkcs8::der::asn1::OctetStringRef;
use pkcs8::pkcs5::pbes2;
use pkcs8::{
    AlgorithmIdentifierRef, DecodePrivateKey as _, EncodePrivateKey as _, EncryptedPrivateKeyInfoRef, LineEnding,
    ObjectIdentifier, PrivateKeyInfoRef,
};
use zeroize::Zeroizing;

use super::secret::Secret;
use super::{CryptoError, pem, sm2_keys};

const PLAIN_LABEL: &str = "PRIVATE KEY";
const ENCRYPTED_LABEL: &str = "ENCRYPTED PRIVATE KEY";
/// RFC 8410, 3.
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const X25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.110");
/// An octet string of 32 bytes, in which RFC 8410, 7, wraps the key once more.
const OCTETS_32: [u8; 2] = [0x04, 0x20];

/// What a private key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// Signatures (RFC 8410).
    Ed25519,
    /// Key agreement (RFC 8410).
    X25519,
    /// Signatures or sealing, of the curve 1.2.156.10197.1.301 (SEC 1, C.4, in PKCS#8).
    Sm2,
}

/// The DER of a private key's 32 secret bytes.
///
/// # Errors
/// [`CryptoError::Key`] for a number that is no SM2 key.
pub fn encode(kind: KeyKind, secret: &[u8; 32]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let wrong = |_| CryptoError::Key(format!("a {kind:?} key that has no PKCS#8 form"));
    let oid = match kind {
        KeyKind::Ed25519 => ED25519,
        KeyKind::X25519 => X25519,
        KeyKind::Sm2 => {
            let key =
                sm2_keys::secret(secret).ok_or_else(|| wrong(pkcs8::Error::KeyMalformed(pkcs8::KeyError::Invalid)))?;
            return Ok(key.to_pkcs8_der().map_err(wrong)?.to_bytes());
        }
    };
    let octets = Zeroizing::new([OCTETS_32.as_slice(), secret].concat());
    let octets = OctetStringRef::new(&octets).map_err(|e| wrong(e.into()))?;
    let info = PrivateKeyInfoRef::new(AlgorithmIdentifierRef { oid, parameters: None }, octets);
    Ok(SecretDocument::try_from(info).map_err(wrong)?.to_bytes())
}

/// Kind and secret bytes of a private key in DER; `None` for a key of another kind.
pub fn decode(der: &[u8]) -> Option<(KeyKind, Zeroizing<[u8; 32]>)> {
    if let Ok(key) = sm2::SecretKey::from_pkcs8_der(der) {
        let secret: Zeroizing<[u8; 32]> = Zeroizing::new(key.to_bytes().into());
        return sm2_keys::secret(&secret).map(|_| (KeyKind::Sm2, secret));
    }
    let info = PrivateKeyInfoRef::try_from(der).ok()?;
    let mut kinds = [(ED25519, KeyKind::Ed25519), (X25519, KeyKind::X25519)].into_iter();
    let (_, kind) = kinds.find(|(oid, _)| *oid == info.algorithm.oid)?;
    let secret: &[u8; 32] = info.private_key.as_bytes().strip_prefix(&OCTETS_32)?.try_into().ok()?;
    Some((kind, Zeroizing::new(*secret)))
}

/// The PEM text of a private key in DER, encrypted when there is a secret for it.
///
/// # Errors
/// [`CryptoError::Randomness`], or [`CryptoError::Key`] for what is no DER.
pub fn text(der: &[u8], secret: Option<&Secret>) -> Result<Zeroizing<String>, CryptoError> {
    let wrong = |_| CryptoError::Key("what is no PKCS#8 document".into());
    let Some(secret) = secret else {
        let plain = SecretDocument::try_from(der).map_err(wrong)?;
        return plain.to_pem(PLAIN_LABEL, LineEnding::LF).map_err(wrong);
    };
    let (mut salt, mut iv) = ([0u8; 16], [0u8; 16]);
    getrandom::fill(&mut salt).and_then(|()| getrandom::fill(&mut iv)).map_err(|_| CryptoError::Randomness)?;
    let scheme = pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(secret.rounds(), &salt, iv);
    let scheme = scheme.map_err(|e| CryptoError::Key(e.to_string()))?;
    let data = scheme.encrypt(secret.as_bytes(), der).map_err(|e| CryptoError::Key(e.to_string()))?;
    let encrypted_data = OctetStringRef::new(&data).map_err(wrong)?;
    let encrypted = EncryptedPrivateKeyInfoRef { encryption_algorithm: scheme.into(), encrypted_data };
    let encrypted = SecretDocument::try_from(encrypted).map_err(|e| CryptoError::Key(e.to_string()))?;
    encrypted.to_pem(ENCRYPTED_LABEL, LineEnding::LF).map_err(wrong)
}

/// Whether a PEM text is an encrypted private key.
pub fn is_encrypted(text: &str) -> bool {
    pkcs8::der::pem::decode_label(text.as_bytes()).is_ok_and(|label| label == ENCRYPTED_LABEL)
}

/// The DER of a private key's file, decrypted with the secret if it is encrypted.
///
/// # Errors
/// [`CryptoError::File`]; [`CryptoError::Locked`] without or with the wrong secret; [`CryptoError::Key`] when the file
/// holds no PKCS#8 document.
pub fn read(path: &Path, secret: Option<&Secret>) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let wrong = |_| CryptoError::Key(format!("{} is no PKCS#8 file in PEM", path.display()));
    let locked = |why| CryptoError::Locked { path: path.display().to_string(), why };
    let text = pem::read(path)?;
    let (label, document) = SecretDocument::from_pem(&text).map_err(wrong)?;
    if label == PLAIN_LABEL {
        return Ok(document.to_bytes());
    }
    if label != ENCRYPTED_LABEL {
        return Err(CryptoError::Key(format!("{} holds a {label}, not a private key in PKCS#8", path.display())));
    }
    let encrypted = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes());
    let encrypted = encrypted.map_err(|e| CryptoError::Key(format!("{}: {e}", path.display())))?;
    let secret = secret.ok_or_else(|| locked("it is encrypted, and no secret is named for it"))?;
    let opened = encrypted.decrypt(secret.as_bytes()).map_err(|_| locked("the secret does not open it"))?;
    Ok(opened.to_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_form_and_is_not_taken_for_another_kind() {
        for kind in [KeyKind::Ed25519, KeyKind::X25519, KeyKind::Sm2] {
            let der = encode(kind, &[7; 32]).unwrap();
            let (found, secret) = decode(&der).unwrap();
            assert_eq!((found, *secret), (kind, [7; 32]));
            assert!(decode(&der[..der.len() - 1]).is_none());
        }
        assert!(encode(KeyKind::Sm2, &[0; 32]).is_err());
        assert!(decode(b"").is_none());
    }

    #[test]
    fn an_encrypted_file_opens_under_its_own_secret_alone() {
        let dir = tempfile::tempdir().unwrap();
        let secret = |name: &str| Secret::create_key_file(&dir.path().join(name)).unwrap();
        let (own, other) = (secret("own"), secret("other"));
        let der = encode(KeyKind::Ed25519, &[7; 32]).unwrap();
        let path = dir.path().join("key.pem");
        let text = text(&der, Some(&own)).unwrap();
        assert!(is_encrypted(&text) && !text.contains("BwcH"));
        std::fs::write(&path, text.as_str()).unwrap();
        assert_eq!(read(&path, Some(&own)).unwrap(), der);
        for wrong in [None, Some(&other)] {
            assert!(matches!(read(&path, wrong), Err(CryptoError::Locked { .. })));
        }
        std::fs::write(&path, super::text(&der, None).unwrap().as_str()).unwrap();
        assert_eq!(read(&path, None).unwrap(), der);
        std::fs::write(&path, "no key").unwrap();
        assert!(matches!(read(&path, None), Err(CryptoError::Key(_))));
    }
}
