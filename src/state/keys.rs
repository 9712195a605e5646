//! Keys on the ledger: which key may sign when, and how keys come and go.

use std::sync::Arc;

use crate::clock::{DAY_MS, Millis};
use crate::crypto::seal::SealingPublicKey;
use crate::crypto::sign::{KeyId, PublicKey};
use crate::domain::Role;
use crate::domain::department::Department;
use crate::domain::keys::{
    Endorser, KeyEndorsement, KeyRecord, KeyRevocation, KeyRotation, KeyState, NewSigningKey, Revocation,
};
use crate::ids::DepartmentId;

use super::limits;
use super::machine::{Context, State};
use super::outcome::Refusal;

/// How long a signing key signs on after another took its place, in block time: what is in flight passes.
pub const RETIRING_MS: u64 = 600_000;
/// How long an endorsement counts, in block time.
pub const ENDORSEMENT_MS: u64 = 30 * DAY_MS;
/// The longest announced life of a key: ten years.
pub const KEY_TERM_MS_MAX: u64 = 3_653 * DAY_MS;
/// Keys that a department may ever have had.
const KEYS_MAX: usize = 1_000;
/// Keys of one department that may sign at the same time.
const KEYS_IN_FORCE_MAX: usize = 8;

/// One department's standing word for another's key.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Endorsement {
    /// What was endorsed.
    pub endorsement: KeyEndorsement,
    /// Block time.
    pub at: Millis,
    /// Index of the transaction.
    pub index: u64,
}

/// A key that takes its place.
struct Successor<'a> {
    department: &'a DepartmentId,
    signing: NewSigningKey,
    endorsed_by: Endorser,
}

impl State {
    /// The department and key of a key id, while the key may sign.
    pub fn signer(&self, key: KeyId) -> Option<(&DepartmentId, &PublicKey)> {
        self.signing_key(key).ok().map(|record| (&record.department, &record.key))
    }

    /// A key that may sign the next transaction.
    ///
    /// # Errors
    /// Why it may not.
    pub fn signing_key(&self, key: KeyId) -> Result<&KeyRecord, Refusal> {
        let record = self.keys.get(&key).ok_or(Refusal::Signature)?;
        match (record.state(self.time), &record.revocation) {
            (_, Some(revocation)) => Err(Refusal::KeyRevoked { index: revocation.index }),
            (KeyState::Current | KeyState::Retiring, _) => Ok(record),
            _ => Err(Refusal::KeyExpired { at: record.ends_at().unwrap_or(self.time) }),
        }
    }

    /// A key by its id, whether or not it may still sign: for checking signatures of any time.
    pub fn key(&self, key: KeyId) -> Option<&KeyRecord> {
        self.keys.get(&key)
    }

    /// All keys that ever were on the ledger: an id names one key for ever.
    pub fn keys(&self) -> impl Iterator<Item = (&KeyId, &KeyRecord)> {
        self.keys.iter()
    }

    /// The key, if it might sign what stands at an index, in a block of a time.
    pub fn key_at(&self, key: KeyId, index: u64, at: Millis) -> Option<&KeyRecord> {
        self.keys.get(&key).filter(|record| record.is_valid_at(index, at))
    }

    /// All keys that ever were a department's, oldest first.
    pub fn keys_of(&self, department: &DepartmentId) -> impl DoubleEndedIterator<Item = &KeyRecord> {
        let ids = self.keys_of.get(department).map(|ids| ids.as_slice()).unwrap_or_default();
        ids.iter().filter_map(|id| self.keys.get(id))
    }

    /// The standing endorsements for a department's key, at most one of each other department.
    pub fn endorsements_of(&self, department: &DepartmentId) -> impl Iterator<Item = (&DepartmentId, &Endorsement)> {
        let of = department.clone();
        let counts = |endorsement: &Endorsement| self.time.since(endorsement.at) < ENDORSEMENT_MS;
        let all = self.endorsements.iter().filter(move |((for_whom, _), given)| *for_whom == of && counts(given));
        all.map(|((_, by), given)| (by, given))
    }

    /// How many other departments must endorse a key before it becomes a department's.
    pub fn endorsements_min(&self) -> usize {
        let others = self.departments.len().saturating_sub(1);
        let said = self.genesis().and_then(|genesis| genesis.endorsements_min);
        let majority = self.departments.len() / 2 + 1;
        said.map_or(majority, |min| usize::try_from(min).unwrap_or(usize::MAX)).min(others).max(1)
    }

    pub(super) fn add_first_key(&mut self, department: &Department, index: u64) -> Result<(), Refusal> {
        check_end(self.time, department.signing_key_valid_until)?;
        let record = KeyRecord {
            key: department.signing_key.clone(),
            department: department.id.clone(),
            from_index: index,
            from_time: self.time,
            valid_until: department.signing_key_valid_until,
            retired_at: None,
            revocation: None,
            endorsed_by: Endorser::Registration,
        };
        self.add_key(record);
        Ok(())
    }

    pub(super) fn rotate_key(&mut self, by: &Context<'_>, rotation: KeyRotation) -> Result<(), Refusal> {
        self.check_keeper(by)?;
        let KeyRotation { signing, sealing_key } = rotation;
        check_sealing_key(sealing_key.as_deref())?;
        if signing.is_none() && sealing_key.is_none() {
            return Err(Refusal::Invalid("name a new signing key, a new sealing key or both".into()));
        }
        if let Some(signing) = signing {
            self.check_new(by.department, &signing, sealing_key.as_deref())?;
            self.retire_keys(by.department);
            let endorsed_by = Endorser::Predecessor { key: by.key };
            self.install(by, Successor { department: by.department, signing, endorsed_by });
        }
        self.set_sealing_key(by.department, sealing_key);
        Ok(())
    }

    pub(super) fn revoke_key(&mut self, by: &Context<'_>, revocation: KeyRevocation) -> Result<(), Refusal> {
        self.check_keeper(by)?;
        limits::text("reason", &revocation.reason, limits::TEXT_CHARS_MAX)?;
        let record = self.keys.get(&revocation.key).filter(|record| &record.department == by.department);
        let record = record.ok_or_else(|| Refusal::Unknown(format!("key {} of this department", revocation.key)))?;
        if record.revocation.is_some() {
            return Err(Refusal::Conflict("the key is revoked already".into()));
        }
        let revoked = Revocation { index: by.index, at: by.at, reason: revocation.reason };
        self.keys.change(&revocation.key, |record| record.revocation = Some(revoked));
        Ok(())
    }

    pub(super) fn endorse_key(&mut self, by: &Context<'_>, endorsement: KeyEndorsement) -> Result<(), Refusal> {
        self.check_keeper(by)?;
        limits::text("reason", &endorsement.reason, limits::TEXT_CHARS_MAX)?;
        let department = endorsement.department.clone();
        if &department == by.department {
            return Err(Refusal::NotAllowed("a department does not endorse its own key: it rotates".into()));
        }
        if !self.departments.contains_key(&department) {
            return Err(Refusal::Unknown(format!("department {department}")));
        }
        let sealing_key = endorsement.sealing_key.clone();
        check_sealing_key(sealing_key.as_deref())?;
        self.check_new(&department, &endorsement.signing, sealing_key.as_deref())?;
        // One word of each department for each other: whoever endorses another key takes the first word back.
        let given = Endorsement { endorsement, at: by.at, index: by.index };
        let signing = given.endorsement.signing.clone();
        self.endorsements.insert((department.clone(), by.department.clone()), given);
        let same = |other: &Endorsement| {
            other.endorsement.signing.key == signing.key
                && other.endorsement.signing.valid_until == signing.valid_until
                && other.endorsement.sealing_key == sealing_key
        };
        let agreed: Vec<DepartmentId> =
            self.endorsements_of(&department).filter(|(_, given)| same(given)).map(|(by, _)| by.clone()).collect();
        if agreed.len() >= self.endorsements_min() {
            self.revoke_keys(by, &department);
            let endorsed_by = Endorser::Departments { departments: agreed };
            self.install(by, Successor { department: &department, signing, endorsed_by });
            self.set_sealing_key(&department, sealing_key);
            self.drop_endorsements(&department);
        }
        Ok(())
    }

    /// Keys and nodes are an administrator's, and a key whose successor is there decides about them no more: else
    /// whoever holds the old one could undo the rotation that was made against them.
    pub(super) fn check_keeper(&self, by: &Context<'_>) -> Result<(), Refusal> {
        if by.actor.role != Role::Admin {
            return Err(Refusal::NotAllowed("this needs the role admin".into()));
        }
        if self.keys.get(&by.key).is_none_or(|record| record.retired_at.is_some()) {
            return Err(Refusal::NotAllowed("a key that another replaced decides about keys and nodes no more".into()));
        }
        Ok(())
    }

    fn check_new(
        &self,
        department: &DepartmentId,
        signing: &NewSigningKey,
        sealing_key: Option<&str>,
    ) -> Result<(), Refusal> {
        if self.keys.contains_key(&signing.key.id()) {
            return Err(Refusal::Conflict("the key is on the ledger already: take a new one".into()));
        }
        check_end(self.time, signing.valid_until)?;
        signing.check(&self.chain, department, sealing_key).map_err(|_| {
            Refusal::Invalid("possession is not the new key's signature for this chain, department and terms".into())
        })?;
        let ever = self.keys_of.get(department).map_or(0, |ids| ids.len());
        if self.keys_in_force(department).count() >= KEYS_IN_FORCE_MAX || ever >= KEYS_MAX {
            return Err(Refusal::Conflict("the department has too many keys: wait until old ones have ended".into()));
        }
        Ok(())
    }

    fn retire_keys(&mut self, department: &DepartmentId) {
        let end = self.time.plus(RETIRING_MS);
        for key in self.in_force(department) {
            self.keys.change(&key, |record| record.retired_at = record.retired_at.or(Some(end)));
        }
    }

    fn revoke_keys(&mut self, by: &Context<'_>, department: &DepartmentId) {
        for key in self.in_force(department) {
            let reason = "other departments endorsed another key".to_owned();
            let revocation = Revocation { index: by.index, at: by.at, reason };
            self.keys.change(&key, |record| record.revocation = Some(revocation));
        }
    }

    /// The keys with which a department may sign now, oldest first.
    pub fn keys_in_force(&self, department: &DepartmentId) -> impl Iterator<Item = &KeyRecord> {
        let is_in_force =
            |record: &&KeyRecord| matches!(record.state(self.time), KeyState::Current | KeyState::Retiring);
        self.keys_of(department).filter(is_in_force)
    }

    fn in_force(&self, department: &DepartmentId) -> Vec<KeyId> {
        self.keys_in_force(department).map(|record| record.key.id()).collect()
    }

    fn install(&mut self, by: &Context<'_>, successor: Successor<'_>) {
        let Successor { department, signing, endorsed_by } = successor;
        let NewSigningKey { key, valid_until, .. } = signing;
        self.departments.change(department, |department| {
            department.signing_key = key.clone();
            department.signing_key_valid_until = valid_until;
        });
        self.add_key(KeyRecord {
            key,
            department: department.clone(),
            from_index: by.index,
            from_time: by.at,
            valid_until,
            retired_at: None,
            revocation: None,
            endorsed_by,
        });
    }

    pub(super) fn add_key(&mut self, record: KeyRecord) {
        let id = record.key.id();
        Arc::make_mut(self.keys_of.entry(record.department.clone()).or_default()).push(id);
        self.keys.insert(id, record);
    }

    fn set_sealing_key(&mut self, department: &DepartmentId, sealing_key: Option<String>) {
        if let Some(sealing_key) = sealing_key {
            self.departments.change(department, |department| department.sealing_key = sealing_key);
        }
    }

    fn drop_endorsements(&mut self, department: &DepartmentId) {
        let of = |key: &&(DepartmentId, DepartmentId)| &key.0 == department;
        let given: Vec<_> = self.endorsements.keys().filter(of).cloned().collect();
        given.iter().for_each(|key| self.endorsements.remove(key));
    }
}

fn check_end(now: Millis, end: Option<Millis>) -> Result<(), Refusal> {
    match end {
        Some(end) if end <= now => Err(Refusal::Invalid("valid_until lies in the past".into())),
        Some(end) if end.since(now) > KEY_TERM_MS_MAX => {
            Err(Refusal::Invalid("valid_until is more than ten years away".into()))
        }
        _ => Ok(()),
    }
}

fn check_sealing_key(text: Option<&str>) -> Result<(), Refusal> {
    match text.map(str::parse::<SealingPublicKey>) {
        Some(Err(_)) => Err(Refusal::Invalid("sealing_key is no sealing key".into())),
        _ => Ok(()),
    }
}
