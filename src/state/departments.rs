//! How a chain begins and how departments join it.

use crate::domain::department::{Department, Genesis};
use crate::ids::DepartmentId;
use crate::ledger::transaction::Transaction;

use super::limits;
use super::machine::{Context, State};
use super::outcome::Refusal;

/// Departments of one chain.
pub const DEPARTMENTS_MAX: usize = 500;

impl State {
    /// Begins the chain. The genesis names the key that must have signed it.
    pub(super) fn begin(
        &mut self,
        chain: String,
        genesis: Genesis,
        tx: &Transaction,
        signer: &DepartmentId,
        index: u64,
    ) -> Result<(), Refusal> {
        if signer != &genesis.authority {
            return Err(Refusal::NotAllowed("the authority begins the chain".into()));
        }
        let mut next = Self::of(genesis.hash);
        next.chain = chain;
        (next.size, next.time) = (self.size, self.time);
        for department in &genesis.departments {
            next.add_department(department.clone(), index)?;
        }
        super::cosigners::check(&genesis)?;
        let authority = next.departments.get(&genesis.authority);
        let authority = authority.ok_or_else(|| Refusal::Unknown(format!("department {}", genesis.authority)))?;
        if !next.departments.contains_key(&genesis.auditor) {
            return Err(Refusal::Unknown(format!("department {}", genesis.auditor)));
        }
        tx.verify(&next.chain, &authority.signing_key).map_err(|_| Refusal::Signature)?;
        next.policy.insert((), genesis.policy.clone());
        next.genesis.insert((), genesis);
        *self = next;
        Ok(())
    }

    pub(super) fn register_department(&mut self, by: &Context<'_>, department: Department) -> Result<(), Refusal> {
        self.require_authority(by)?;
        self.add_department(department, by.index)
    }

    pub(super) fn require_authority(&self, by: &Context<'_>) -> Result<(), Refusal> {
        if self.genesis().is_some_and(|genesis| &genesis.authority == by.department) {
            Ok(())
        } else {
            Err(Refusal::NotAllowed("only the authority may do this".into()))
        }
    }

    fn add_department(&mut self, department: Department, index: u64) -> Result<(), Refusal> {
        limits::text("name", &department.name.zh, 100)?;
        limits::text("name", &department.name.en, 100)?;
        let key = department.signing_key.id();
        if self.departments.len() >= DEPARTMENTS_MAX {
            return Err(Refusal::Invalid(format!("a chain has at most {DEPARTMENTS_MAX} departments")));
        }
        let same = |other: &Department| other.id == department.id || other.node_id == department.node_id;
        let is_known = self.departments.values().any(same) || self.keys.contains_key(&key);
        if is_known || self.number_of_old(department.node_id) || department.node_id == 0 {
            return Err(Refusal::Conflict(format!("department {} or its node or key is there already", department.id)));
        }
        self.add_first_key(&department, index)?;
        self.departments.insert(department.id.clone(), department);
        Ok(())
    }
}
