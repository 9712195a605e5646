//! Digests: SM3 (GB/T 32905-2016) by default, SHA-256 (FIPS 180-4) as a chain's other choice.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::Sha256;
use sm3::{Digest, Sm3};

/// A 32-byte digest, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash(pub [u8; 32]);

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let mut bytes = [0; 32];
        let is_hex = hex::decode_to_slice(text, &mut bytes).is_ok();
        // One text a digest: a receipt that can be written in two ways could be changed unseen.
        let is_lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        if is_hex && is_lower { Ok(Self(bytes)) } else { Err("not 64 hexadecimal digits in lower case".to_owned()) }
    }
}

impl TryFrom<String> for Hash {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> String {
        hash.to_string()
    }
}

/// Which digest a chain uses for its tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HashAlgorithm {
    /// GB/T 32905.
    #[default]
    Sm3,
    /// FIPS 180-4.
    Sha256,
}

impl HashAlgorithm {
    /// Digest of the parts, one after another.
    pub fn digest(self, parts: &[&[u8]]) -> Hash {
        match self {
            Self::Sm3 => hash::<Sm3>(parts),
            Self::Sha256 => hash::<Sha256>(parts),
        }
    }
}

/// SM3 of the parts, one after another: the digest of everything that is not a tree node.
pub fn sm3(parts: &[&[u8]]) -> Hash {
    hash::<Sm3>(parts)
}

/// SM3 of bytes that come piece by piece.
#[derive(Clone, Debug, Default)]
pub struct Sm3Stream(Sm3);

impl Sm3Stream {
    /// Takes the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all pieces.
    pub fn finish(self) -> Hash {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(&self.0.finalize());
        Hash(bytes)
    }
}

fn hash<D: Digest>(parts: &[&[u8]]) -> Hash {
    let mut hasher = D::new();
    for part in parts {
        hasher.update(part);
    }
    let mut bytes = [0; 32];
    bytes.copy_from_slice(&hasher.finalize());
    Hash(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_s_example() {
        // GB/T 32905-2016, appendix A.1: the message "abc".
        assert_eq!(sm3(&[b"a", b"bc"]).to_string(), "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
        assert_eq!(
            HashAlgorithm::Sha256.digest(&[b"abc"]).to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
