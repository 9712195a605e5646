//! Where the next page begins, as the consumer holds it: readable for the provider alone, good for one question.
//!
//! A place in a source may be a value that the consumer must not see, and a made-up place would let it search for one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

use crate::crypto::digest::{Hash, sm3};
use crate::crypto::keys::Keys;
use crate::crypto::secret_digest;

use super::ExchangeError;
use super::envelope::Request;

const TAG_BYTES: usize = 32;

/// Whose question, and which: not on which page, and not why.
fn context(request: &Request) -> Vec<u8> {
    let mut params: Vec<(&String, String)> =
        request.params.iter().map(|(name, value)| (name, value.to_string())).collect();
    params.sort();
    let digest = sm3(&[format!("{params:?}").as_bytes()]);
    format!("mulu-cursor-v1\n{}\n{}\n{digest}", request.from, request.entry).into_bytes()
}

fn tag(keys: &Keys, context: &[u8], sealed: &[u8]) -> Hash {
    let secret = keys.get().first_sealing().derive("mulu cursor v1");
    secret_digest(&secret[..], &[context, sealed].concat())
}

/// Closes a place for the asker of this question.
pub(super) fn close(keys: &Keys, request: &Request, place: &str) -> Result<String, ExchangeError> {
    let context = context(request);
    // Sealing hides it; that this node sealed it, the tag says: anybody can seal to a public key.
    let held = keys.get();
    let mut sealed = held.seal(&held.sealing.public(), &context, &[place.as_bytes()])?;
    let tag = tag(keys, &context, &sealed);
    sealed.extend_from_slice(&tag.0);
    Ok(BASE64.encode(sealed))
}

/// Opens a place that was closed for this question; none for anything else.
pub(super) fn open(keys: &Keys, request: &Request, cursor: &str) -> Option<String> {
    let context = context(request);
    let bytes = BASE64.decode(cursor).ok()?;
    let (sealed, said) = bytes.split_at_checked(bytes.len().checked_sub(TAG_BYTES)?)?;
    // Compared as digests under the secret, so that the time tells nothing.
    let key = keys.get().first_sealing().derive("mulu cursor v1");
    let ours = tag(keys, &context, sealed);
    if secret_digest(&key[..], &ours.0) != secret_digest(&key[..], said) {
        return None;
    }
    String::from_utf8(keys.get().open(&context, sealed).ok()?.to_vec()).ok()
}
