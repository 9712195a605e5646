//! A chain's id: derived from its genesis payload, so that nobody can give two chains one name.

use crate::crypto::digest::sm3;

/// `mulu-` and the first 16 hexadecimal digits of the genesis payload's SM3.
pub fn chain_id(genesis_payload: &str) -> String {
    let digest = sm3(&[genesis_payload.as_bytes()]).to_string();
    format!("mulu-{}", digest.get(..16).unwrap_or_default())
}
