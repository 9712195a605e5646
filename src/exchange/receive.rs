//! A request's way in: opened, its maker known, fresh and never seen before; only then is it looked at.

use crate::clock::Millis;
use crate::crypto::digest::Hash;
use crate::crypto::seal::SealingPublicKey;
use crate::ids::DepartmentId;

use super::Inner;
use super::answer::AnswerError;
use super::envelope::{Kind, REQUEST_BYTES_MAX, Request, Route, disclose};
use super::journal::Edit;
use super::limits::Texts;
use super::seen::NotNew;

/// How far the consumer's clock may be from the provider's.
const CLOCK_SKEW_MS_MAX: u64 = 300_000;

/// A request whose maker is known, and to whom the answer is sealed.
pub(super) struct Received {
    pub request: Request,
    pub digest: Hash,
    /// Makes the access id durable as seen.
    pub edits: Vec<Edit>,
    pub reader: SealingPublicKey,
    pub auditor: SealingPublicKey,
    pub chain: String,
    pub now: Millis,
}

impl Inner {
    /// Checks everything that does not depend on what is asked for.
    pub(super) fn receive(&self, peer: &DepartmentId, sealed: &[u8]) -> Result<Received, AnswerError> {
        if sealed.len() > REQUEST_BYTES_MAX {
            return Err(AnswerError::new("request_too_long", "the sealed request is longer than 64 KiB"));
        }
        let unreadable =
            || AnswerError::new("envelope_invalid", "the request cannot be opened or is not signed by its sender");
        let (chain, keys, reader, auditor) = self.parties(peer).ok_or_else(unreadable)?;
        let route = Route { chain: &chain, from: peer, to: &self.department };
        let signed = disclose(Kind::Query, route, sealed, &self.keys.get()).ok_or_else(unreadable)?;
        if !signed.is_by(&keys, &chain) {
            return Err(unreadable());
        }
        let request: Request = serde_json::from_slice(signed.payload())
            .map_err(|_| AnswerError::new("request_malformed", "the request is not of a form that this node knows"))?;
        if request.v != 1 || &request.from != peer || request.to != self.department || request.chain != chain {
            return Err(AnswerError::new("request_misdirected", "the request is for another chain or department"));
        }
        let now = self.clock.now();
        if now.since(request.time).max(request.time.since(now)) > CLOCK_SKEW_MS_MAX {
            return Err(AnswerError::new("clock_skew", "the request's time is more than five minutes from this clock"));
        }
        let texts = Texts {
            user: &request.actor.user,
            purpose: &request.purpose,
            cause: &request.cause,
            case_id: request.case_id.as_deref(),
            cursor: request.cursor.as_deref(),
            items: &request.items,
        };
        let faults = texts.faults();
        if !faults.is_empty() {
            let errors = faults.into_iter().map(Into::into).collect();
            return Err(AnswerError { errors, ..AnswerError::new("unprocessable", "the call exceeds its limits") });
        }
        let edits = self.seen.admit(request.access_id, now).map_err(|why| match why {
            NotNew::Replayed => AnswerError::new("replayed_request", "this access id came before"),
            NotNew::Full => AnswerError::new("busy", "more calls than this node can take"),
        })?;
        Ok(Received { digest: signed.digest(), request, edits, reader, auditor, chain, now })
    }

    fn parties(
        &self,
        peer: &DepartmentId,
    ) -> Option<(String, Vec<crate::crypto::sign::PublicKey>, SealingPublicKey, SealingPublicKey)> {
        let state = self.ledger.state();
        let sender = state.department(peer)?;
        let auditor = state.department(&state.genesis()?.auditor)?;
        Some((
            state.chain().to_owned(),
            state.keys_in_force(peer).map(|record| record.key.clone()).collect(),
            sender.sealing_key.parse().ok()?,
            auditor.sealing_key.parse().ok()?,
        ))
    }
}
