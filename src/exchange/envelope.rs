//! A request and its answer on their way: signed by their maker, sealed to their reader.
//!
//! Form of what is sealed: `MEX1`, key id (8), signature length (2, big endian), signature, payload (UTF-8 JSON).

use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::clock::Millis;
use crate::crypto::digest::{Hash, sm3};
use crate::crypto::keys::Held;
use crate::crypto::seal::SealingPublicKey;
use crate::crypto::sign::{KeyId, PublicKey};
use crate::domain::Actor;
use crate::ids::{AccessId, DepartmentId, EntryName, ItemName};

use super::ExchangeError;

const MAGIC: &[u8; 4] = b"MEX1";
/// The longest request, sealed, in bytes.
pub const REQUEST_BYTES_MAX: usize = 64 * 1024;
/// The longest answer, sealed, in bytes.
pub const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What is signed: a signature for one kind never fits another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Query,
    Answer,
}

impl Kind {
    fn label(self) -> &'static str {
        match self {
            Self::Query => "mulu-query-v1\n",
            Self::Answer => "mulu-answer-v1\n",
        }
    }

    fn bytes_max(self) -> usize {
        match self {
            Self::Query => REQUEST_BYTES_MAX,
            Self::Answer => ANSWER_BYTES_MAX,
        }
    }
}

/// One query, as the consumer's node signs it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    pub v: u32,
    pub access_id: AccessId,
    pub time: Millis,
    pub from: DepartmentId,
    pub to: DepartmentId,
    pub chain: String,
    pub actor: Actor,
    pub entry: EntryName,
    pub purpose: String,
    pub cause: String,
    pub case_id: Option<String>,
    pub params: Map<String, Value>,
    pub items: Vec<ItemName>,
    pub cursor: Option<String>,
    pub zone: Option<String>,
}

/// Between whom, on which chain: the context under which a text is sealed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Route<'a> {
    pub chain: &'a str,
    pub from: &'a DepartmentId,
    pub to: &'a DepartmentId,
}

impl Route<'_> {
    fn context(&self, kind: Kind) -> Vec<u8> {
        // None of the parts contains a line break.
        format!("{}{}\n{}\n{}", kind.label(), self.chain, self.from, self.to).into_bytes()
    }
}

/// A signed text, opened; whose key signed it is still to be checked.
pub(super) struct Signed {
    kind: Kind,
    key: KeyId,
    /// As it was sealed; signature and payload stand at its end.
    plain: Zeroizing<Vec<u8>>,
    signature: Range<usize>,
}

/// Signs a text and seals it.
pub(super) fn enclose(
    kind: Kind,
    route: Route<'_>,
    payload: &[u8],
    keys: &Held,
    reader: &SealingPublicKey,
) -> Result<Vec<u8>, ExchangeError> {
    let signature = keys.signing.sign(&message(kind, route.chain, payload));
    let length = u16::try_from(signature.len()).unwrap_or(u16::MAX).to_be_bytes();
    let parts = [&MAGIC[..], &keys.signing.public().id().0, &length, &signature, payload];
    let sealed = keys.seal(reader, &route.context(kind), &parts)?;
    if sealed.len() > kind.bytes_max() {
        return Err(ExchangeError::Form(format!("longer than {} bytes", kind.bytes_max())));
    }
    Ok(sealed)
}

/// Opens a sealed text. None: altered, cut, too long, for another route or reader.
pub(super) fn disclose(kind: Kind, route: Route<'_>, sealed: &[u8], reader: &Held) -> Option<Signed> {
    if sealed.len() > kind.bytes_max() {
        return None;
    }
    Signed::read(kind, reader.open(&route.context(kind), sealed).ok()?)
}

impl Signed {
    /// Reads what was sealed.
    pub(super) fn read(kind: Kind, plain: Zeroizing<Vec<u8>>) -> Option<Self> {
        let rest = plain.strip_prefix(MAGIC)?;
        let (key, rest) = rest.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        rest.get(length..)?;
        let begin = plain.len() - rest.len();
        Some(Self { kind, key: KeyId(*key), signature: begin..begin + length, plain })
    }

    /// What was signed.
    pub(super) fn payload(&self) -> &[u8] {
        self.plain.get(self.signature.end..).unwrap_or_default()
    }

    /// Whether one of the keys signed it, for this chain and this kind.
    pub(super) fn is_by(&self, keys: &[PublicKey], chain: &str) -> bool {
        let Some(key) = keys.iter().find(|key| key.id() == self.key) else { return false };
        let signature = self.plain.get(self.signature.clone()).unwrap_or_default();
        key.verify(&message(self.kind, chain, self.payload()), signature).is_ok()
    }

    /// SM3 of the payload.
    pub(super) fn digest(&self) -> Hash {
        sm3(&[self.payload()])
    }
}

fn message(kind: Kind, chain: &str, payload: &[u8]) -> Vec<u8> {
    // The payload begins with `{`, which no chain id contains: the boundary is unambiguous.
    [kind.label().as_bytes(), chain.as_bytes(), payload].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::crypto::keyring::Keyring;
    use crate::crypto::keys::Keys;
    use crate::crypto::sign::Algorithm;

    fn someone() -> Arc<Held> {
        Keys::from(Keyring::generate(Algorithm::Ed25519).unwrap()).get()
    }

    fn ids() -> (DepartmentId, DepartmentId, DepartmentId) {
        ("tax".parse().unwrap(), "housing".parse().unwrap(), "health".parse().unwrap())
    }

    #[test]
    fn a_sealed_request_is_for_one_reader_one_route_and_one_chain() {
        let (tax, housing, health) = ids();
        let (signer, reader, other) = (someone(), someone(), someone());
        let route = Route { chain: "city", from: &tax, to: &housing };
        let sealed = enclose(Kind::Query, route, b"{}", &signer, &reader.sealing.public()).unwrap();
        let opened = disclose(Kind::Query, route, &sealed, &reader).unwrap();
        assert!(opened.is_by(&[signer.signing.public()], "city") && opened.digest() == sm3(&[b"{}"]));
        assert!(!opened.is_by(&[signer.signing.public()], "town"));
        assert!(!opened.is_by(&[other.signing.public()], "city"));
        for wrong in
            [Route { chain: "town", ..route }, Route { from: &health, ..route }, Route { to: &health, ..route }]
        {
            assert!(disclose(Kind::Query, wrong, &sealed, &reader).is_none());
        }
        assert!(disclose(Kind::Answer, route, &sealed, &reader).is_none());
        assert!(disclose(Kind::Query, route, &sealed, &other).is_none());
    }

    #[test]
    fn every_changed_or_missing_byte_is_noticed() {
        let (tax, housing, _) = ids();
        let (signer, reader) = (someone(), someone());
        let route = Route { chain: "city", from: &tax, to: &housing };
        let sealed = enclose(Kind::Answer, route, b"{\"v\":1}", &signer, &reader.sealing.public()).unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 4;
            assert!(disclose(Kind::Answer, route, &changed, &reader).is_none(), "byte {at} can be changed");
            assert!(disclose(Kind::Answer, route, &sealed[..at], &reader).is_none());
        }
    }

    #[test]
    fn what_is_too_long_is_not_sent_and_not_read() {
        let (tax, housing, _) = ids();
        let (signer, reader) = (someone(), someone());
        let route = Route { chain: "city", from: &tax, to: &housing };
        let long = vec![b' '; REQUEST_BYTES_MAX];
        assert!(enclose(Kind::Query, route, &long, &signer, &reader.sealing.public()).is_err());
        assert!(disclose(Kind::Query, route, &vec![1; REQUEST_BYTES_MAX + 1], &reader).is_none());
    }
}
