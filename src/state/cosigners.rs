//! Whose cosignatures count, and how many anchor a checkpoint.

use crate::domain::department::Genesis;
use crate::domain::keys::KeyRecord;
use crate::ledger::checkpoint::Keys;

use super::{Refusal, State};

/// Refuses a genesis that wants more cosignatures than it has departments, or none.
pub(super) fn check(genesis: &Genesis) -> Result<(), Refusal> {
    let wanted = genesis.cosignatures_min.map(|count| usize::try_from(count).unwrap_or(usize::MAX));
    if wanted.is_some_and(|count| count == 0 || count > genesis.departments.len()) {
        let why = format!("cosignatures_min must be 1 to {}, the number of departments", genesis.departments.len());
        return Err(Refusal::Invalid(why));
    }
    Ok(())
}

impl State {
    /// The keys whose cosignatures count, by department: a retired key's words stay good, a revoked one's do not,
    /// for nobody can tell when they were given.
    pub fn cosigner_keys(&self) -> Keys {
        self.keys_that(|record| record.revocation.is_none())
    }

    /// Every key that a department ever had, revoked ones too: whose a line under an older checkpoint is.
    pub fn keys_ever(&self) -> Keys {
        self.keys_that(|_| true)
    }

    fn keys_that(&self, count: impl Fn(&KeyRecord) -> bool) -> Keys {
        let keys =
            |id| self.keys_of(id).rev().filter(|record| count(record)).map(|record| record.key.clone()).collect();
        self.departments().map(|known| (known.id.clone(), keys(&known.id))).collect()
    }

    /// How many departments must cosign a checkpoint to anchor it: what the genesis says, otherwise a majority.
    pub fn cosignatures_min(&self) -> usize {
        let majority = self.departments().count() / 2 + 1;
        let stated = self.genesis().and_then(|genesis| genesis.cosignatures_min);
        stated.map_or(majority, |count| usize::try_from(count).unwrap_or(usize::MAX))
    }
}
