//! The holder's copy of a certificate: a W3C Verifiable Credential (Data Model 2.0) under a Data Integrity proof.
//!
//! Departments with an Ed25519 key sign by the suite `eddsa-jcs-2022` (vc-di-eddsa, 3.3), those with an SM2 key by
//! `mulu-sm2-jcs-2026`, which is the same with SM2 and SM3 in the place of Ed25519 and SHA-256. The ledger's receipt
//! of the issue stands in `evidence`, under the proof; the ledger itself has the digest of what is left without both.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, json};

use crate::crypto::digest::{Hash, HashAlgorithm};
use crate::crypto::sign::{Algorithm, PublicKey, SigningKey};

/// First of the contexts (VC Data Model 2.0, 4.3).
pub const CONTEXT: &str = "https://www.w3.org/ns/credentials/v2";
/// The type of ours beside `VerifiableCredential`.
pub const TYPE: &str = "ElectronicLicence";
/// The type of the evidence that is a receipt of the ledger.
pub const EVIDENCE: &str = "LedgerReceipt";
/// The longest copy, in bytes.
pub const COPY_BYTES_MAX: usize = 512 * 1024;

const EDDSA: &str = "eddsa-jcs-2022";
const SM2: &str = "mulu-sm2-jcs-2026";
/// Multicodec `ed25519-pub` and `sm2-pub`, as unsigned varints.
const ED25519_PUB: [u8; 2] = [0xed, 0x01];
const SM2_PUB: [u8; 2] = [0x86, 0x24];

/// Why a text is no copy, or its proof does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// It does not have the form.
    #[error("{0}")]
    Form(String),
    /// The proof's signature does not fit.
    #[error("the signature does not fit: the copy was changed, or another key signed it")]
    Signature,
}

fn form(why: impl Into<String>) -> CredentialError {
    CredentialError::Form(why.into())
}

/// A URL that names a department of a chain; what its keys are says a trust policy.
pub fn issuer_id(chain: &str, department: &str) -> String {
    format!("urn:mulu:{chain}:{department}")
}

/// SM3 of the canonical JSON (RFC 8785) of a credential without `evidence` and `proof`: what the ledger holds of it.
///
/// # Errors
/// [`CredentialError::Form`] for what has no canonical form.
pub fn digest(credential: &Map<String, Value>) -> Result<Hash, CredentialError> {
    let mut bare = credential.clone();
    bare.shift_remove("evidence");
    bare.shift_remove("proof");
    Ok(HashAlgorithm::Sm3.digest(&[&canonical(&bare)?]))
}

/// The canonical JSON (RFC 8785) in which a copy is handed out.
///
/// # Errors
/// [`CredentialError::Form`] for what has no canonical form.
pub fn canonical(value: &Map<String, Value>) -> Result<Vec<u8>, CredentialError> {
    serde_json_canonicalizer::to_vec(value).map_err(|e| form(e.to_string()))
}

/// Puts the receipt and the proof on a credential. `created` is RFC 3339.
///
/// # Errors
/// [`CredentialError::Form`] for what has no canonical form.
pub fn seal(
    mut credential: Map<String, Value>,
    receipt: Value,
    key: &SigningKey,
    created: &str,
) -> Result<Map<String, Value>, CredentialError> {
    credential.insert("evidence".into(), json!([{ "type": [EVIDENCE], "receipt": receipt }]));
    credential.shift_remove("proof");
    let public = key.public();
    let mut proof = Map::new();
    if let Some(context) = credential.get("@context") {
        proof.insert("@context".into(), context.clone());
    }
    for (name, value) in [
        ("type", "DataIntegrityProof".to_owned()),
        ("cryptosuite", suite(public.algorithm()).to_owned()),
        ("created", created.to_owned()),
        ("verificationMethod", method(&public)),
        ("proofPurpose", "assertionMethod".to_owned()),
    ] {
        proof.insert(name.into(), value.into());
    }
    let signature = key.sign(&hash_data(public.algorithm(), &proof, &credential)?);
    proof.insert("proofValue".into(), multibase(&signature).into());
    credential.insert("proof".into(), proof.into());
    Ok(credential)
}

/// Reads a copy; proves nothing yet.
///
/// # Errors
/// [`CredentialError::Form`] with the reason.
pub fn parse(text: &[u8]) -> Result<Map<String, Value>, CredentialError> {
    if text.len() > COPY_BYTES_MAX {
        return Err(form("it is longer than 512 KiB"));
    }
    let Strict(credential) = serde_json::from_slice(text).map_err(|e| form(format!("it is not JSON: {e}")))?;
    let Value::Object(credential) = credential else { return Err(form("it is not the copy of an e-licence")) };
    let has = |name: &str, wanted: &str| {
        let values = credential.get(name).and_then(Value::as_array);
        values.is_some_and(|values| values.iter().any(|value| value == wanted))
    };
    if !has("@context", CONTEXT) || !has("type", "VerifiableCredential") || !has("type", TYPE) {
        return Err(form("it is not the copy of an e-licence"));
    }
    Ok(credential)
}

/// JSON in which no member stands twice (RFC 7493, 2.3): of two, one program might show the one and check the other.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((name, Strict(value))) = members.next_entry::<String, Strict>()? {
            if map.insert(name, value).is_some() {
                return Err(A::Error::custom("a member stands twice"));
            }
        }
        Ok(map.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = items.next_element()? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
}

/// Checks the proof of a copy and answers with the key that made it: whose key that is stands elsewhere.
///
/// # Errors
/// [`CredentialError`].
pub fn check_proof(credential: &Map<String, Value>) -> Result<PublicKey, CredentialError> {
    let mut bare = credential.clone();
    let proof = bare.shift_remove("proof");
    let Some(Value::Object(mut proof)) = proof else { return Err(form("it has no proof")) };
    let value = proof.shift_remove("proofValue");
    let text = |name: &str| proof.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("type") != "DataIntegrityProof" || text("proofPurpose") != "assertionMethod" {
        return Err(form("its proof is of an unknown kind"));
    }
    if proof.get("@context") != bare.get("@context") {
        return Err(form("its proof is of another context"));
    }
    let key = key_of(text("verificationMethod")).ok_or_else(|| form("its verificationMethod is no did:key"))?;
    if text("cryptosuite") != suite(key.algorithm()) {
        return Err(form("its key does not belong to its cryptosuite"));
    }
    let signature = value.as_ref().and_then(Value::as_str).and_then(from_multibase);
    let signature = signature.ok_or_else(|| form("its proofValue is not base58btc"))?;
    let data = hash_data(key.algorithm(), &proof, &bare)?;
    key.verify(&data, &signature).map_err(|_| CredentialError::Signature)?;
    Ok(key)
}

/// `H(JCS(proof without its value)) || H(JCS(credential without proof))`.
fn hash_data(
    algorithm: Algorithm,
    proof: &Map<String, Value>,
    credential: &Map<String, Value>,
) -> Result<Vec<u8>, CredentialError> {
    let hash = match algorithm {
        Algorithm::Ed25519 => HashAlgorithm::Sha256,
        Algorithm::Sm2 => HashAlgorithm::Sm3,
    };
    let (proof, credential) = (hash.digest(&[&canonical(proof)?]), hash.digest(&[&canonical(credential)?]));
    Ok([proof.0, credential.0].concat())
}

fn suite(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Ed25519 => EDDSA,
        Algorithm::Sm2 => SM2,
    }
}

/// The key as a `did:key`, which every library can take apart.
pub fn method(key: &PublicKey) -> String {
    let prefix = match key.algorithm() {
        Algorithm::Ed25519 => ED25519_PUB,
        Algorithm::Sm2 => SM2_PUB,
    };
    let key = multibase(&[&prefix, key.as_bytes()].concat());
    format!("did:key:{key}#{key}")
}

fn key_of(method: &str) -> Option<PublicKey> {
    let (key, fragment) = method.strip_prefix("did:key:")?.split_once('#')?;
    let bytes = from_multibase(key).filter(|_| key == fragment)?;
    let (prefix, key) = bytes.split_at_checked(2)?;
    let algorithm = match prefix {
        _ if prefix == ED25519_PUB => Algorithm::Ed25519,
        _ if prefix == SM2_PUB => Algorithm::Sm2,
        _ => return None,
    };
    PublicKey::from_bytes(algorithm, key)
}

fn multibase(bytes: &[u8]) -> String {
    format!("z{}", bs58::encode(bytes).into_string())
}

fn from_multibase(text: &str) -> Option<Vec<u8>> {
    let text = text.strip_prefix('z').filter(|text| text.len() <= 200)?;
    bs58::decode(text).into_vec().ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn sample() -> Map<String, Value> {
        let sample = json!({
            "@context": [CONTEXT, {"@vocab": "urn:mulu:licence#"}],
            "type": ["VerifiableCredential", TYPE],
            "credentialSubject": {"holder": {"name": "李娜"}, "fields": {"use": "住宅", "rooms": 3}},
        });
        sample.as_object().cloned().unwrap()
    }

    fn key(algorithm: Algorithm) -> SigningKey {
        SigningKey::from_secret(algorithm, &[7; 32]).unwrap()
    }

    #[test]
    fn a_proof_holds_for_its_own_text_alone() {
        for algorithm in [Algorithm::Ed25519, Algorithm::Sm2] {
            let key = key(algorithm);
            let sealed = seal(sample(), json!({"v": 1}), &key, "2026-11-21T02:00:00Z").unwrap();
            let text = canonical(&sealed).unwrap();
            assert_eq!(check_proof(&parse(&text).unwrap()), Ok(key.public()));
            assert_eq!(digest(&sealed), digest(&sample()), "the ledger's digest leaves out receipt and proof");
            let pretty = serde_json::to_string_pretty(&sealed).unwrap();
            assert!(check_proof(&parse(pretty.as_bytes()).unwrap()).is_ok(), "spaces between do not matter");
            // Every byte, and every bit pattern that could matter: a neighbour, and another case.
            for at in 0..text.len() {
                for flip in [0x01, 0x20] {
                    let mut changed = text.clone();
                    changed[at] ^= flip;
                    let passed = parse(&changed).and_then(|changed| check_proof(&changed)).is_ok();
                    assert!(!passed, "{algorithm:?}: byte {at} may change: {}", String::from_utf8_lossy(&changed));
                }
            }
        }
    }

    /// By the steps of vc-di-eddsa, 3.3, written out; and the key's form by the test vector of did:key.
    #[test]
    fn the_signature_is_over_both_hashes() {
        let key = key(Algorithm::Ed25519);
        let sealed = seal(sample(), json!(1), &key, "2026-11-21T02:00:00Z").unwrap();
        let mut document = sealed.clone();
        let Some(Value::Object(mut proof)) = document.shift_remove("proof") else { unreachable!("it has a proof") };
        let value = proof.shift_remove("proofValue").unwrap();
        let hash = |map: &Map<String, Value>| HashAlgorithm::Sha256.digest(&[&canonical(map).unwrap()]);
        let signed = [hash(&proof).0, hash(&document).0].concat();
        assert_eq!(value, multibase(&key.sign(&signed)));
        let text = "z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp";
        let known = key_of(&format!("did:key:{text}#{text}")).unwrap();
        assert_eq!(hex::encode(known.as_bytes()), "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29");
        assert_eq!(method(&known), format!("did:key:{text}#{text}"));
    }

    #[test]
    fn what_is_no_copy_is_refused() {
        let long = vec![b' '; COPY_BYTES_MAX + 1];
        for text in [&b""[..], b"{}", b"[]", b"{\"@context\":[]}", &long, &"[".repeat(100_000).into_bytes()] {
            assert!(matches!(parse(text), Err(CredentialError::Form(_))));
        }
        assert_eq!(check_proof(&sample()), Err(form("it has no proof")));
        let whole = String::from_utf8(canonical(&sample()).unwrap()).unwrap();
        let twice = whole.replace("\"use\":", "\"use\":\"商业\",\"use\":");
        assert_ne!(whole, twice);
        assert!(matches!(parse(twice.as_bytes()), Err(CredentialError::Form(why)) if why.contains("twice")));
        assert_eq!(parse(whole.as_bytes()), Ok(sample()));
    }
}
