//! The state's digest: two nodes that compute differently cannot both sign it.

use crate::crypto::digest::Hash;

use super::items::Sum;
use super::machine::State;
use super::outcome::Outcome;

const CONTEXT: &[u8] = b"mulu-state-v1\n";

impl State {
    /// The digest of everything: chain, size, block time, the fate of every transaction, every item.
    ///
    /// `H("mulu-state-v1\n" || chain || "\n" || size (8) || time in ms (8) || fates (32) || items (32))`,
    /// numbers big endian, `H` the chain's digest. `fates` hashes the history; `items` is the sum
    /// modulo 2^256 of the digests of all items and of the leaves of the ids still remembered.
    /// Costs one hash, however large the state.
    pub fn digest(&self) -> Hash {
        self.digest_over(self.items())
    }

    /// The same with the items' sum computed anew from the items: slow, to check the kept sum.
    pub fn digest_recomputed(&self) -> Hash {
        self.digest_over(self.items_recomputed())
    }

    /// Adds what became of a transaction: `fates = H(fates || index (8) || time in ms (8) || leaf (32) || code)`,
    /// the time being its block's, made monotonic. The code and not the text: a program may word a refusal better one
    /// day and must still agree.
    pub(super) fn fold(&mut self, leaf: Hash, outcome: &Outcome) {
        let code = outcome.result.as_ref().err().map_or("done", super::Refusal::code);
        let (index, time) = (outcome.index.to_be_bytes(), self.time.0.to_be_bytes());
        self.outcomes = self.algorithm.digest(&[&self.outcomes.0, &index, &time, &leaf.0, code.as_bytes()]);
    }

    pub(super) fn items(&self) -> Sum {
        total([
            self.genesis.sum(),
            self.departments.sum(),
            self.nodes.sum(),
            self.edition.sum(),
            self.members_changed.sum(),
            self.numbers.sum(),
            self.keys.sum(),
            self.endorsements.sum(),
            self.policy.sum(),
            self.proposal.sum(),
            self.policies.sum(),
            self.entries.sum(),
            self.grants.sum(),
            self.workflows.sum(),
            self.cases.sum(),
            self.certificates.sum(),
            self.certificate_types.sum(),
            self.ids.sum(),
        ])
    }

    fn items_recomputed(&self) -> Sum {
        total([
            self.genesis.recomputed(),
            self.departments.recomputed(),
            self.nodes.recomputed(),
            self.edition.recomputed(),
            self.members_changed.recomputed(),
            self.numbers.recomputed(),
            self.keys.recomputed(),
            self.endorsements.recomputed(),
            self.policy.recomputed(),
            self.proposal.recomputed(),
            self.policies.recomputed(),
            self.entries.recomputed(),
            self.grants.recomputed(),
            self.workflows.recomputed(),
            self.cases.recomputed(),
            self.certificates.recomputed(),
            self.certificate_types.recomputed(),
            self.ids.recomputed(),
        ])
    }

    fn digest_over(&self, items: Sum) -> Hash {
        self.algorithm.digest(&[
            CONTEXT,
            self.chain.as_bytes(),
            b"\n",
            &self.size.to_be_bytes(),
            &self.time.0.to_be_bytes(),
            &self.outcomes.0,
            &items.to_bytes(),
        ])
    }
}

fn total<const N: usize>(sums: [Sum; N]) -> Sum {
    let mut total = Sum::default();
    sums.into_iter().for_each(|sum| total.merge(sum));
    total
}
