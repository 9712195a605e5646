//! A department's keys: shown, rotated, revoked, endorsed; and followed as the ledger names them.

use std::time::Duration;

use crate::clock::Millis;
use crate::crypto::keyring::Keyring;
use crate::crypto::seal::Scheme;
use crate::crypto::sign::{Algorithm, KeyId};
use crate::domain::command::Command;
use crate::domain::keys::{KeyEndorsement, KeyRecord, KeyRevocation, KeyRotation, KeyState, KeyTerms, NewSigningKey};
use crate::ids::DepartmentId;
use crate::policy::facts::{Action, Facts, Relation};
use crate::state::Endorsement;

use super::Node;
use super::blocking::blocking;
use super::error::ServiceError;
use super::principal::Principal;
use super::writes::Committed;

/// Another node may apply a new key a moment later than this one: what it signs then would not be believed yet, while
/// the old key is good for minutes.
const GRACE: Duration = Duration::from_secs(2);

/// A department's keys as the ledger has them.
#[derive(Clone, Debug)]
pub struct DepartmentKeys {
    /// Whose they are.
    pub department: DepartmentId,
    /// To which others seal.
    pub sealing_key: String,
    /// Signing keys, newest first, each with where it stands.
    pub signing_keys: Vec<(KeyRecord, KeyState)>,
    /// Words of other departments for another key, which are not enough yet.
    pub endorsements: Vec<(DepartmentId, Endorsement)>,
    /// How many such words make a key the department's.
    pub endorsements_min: usize,
}

impl Node {
    /// The keys that a department has and had.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub fn department_keys(&self, id: &DepartmentId) -> Result<DepartmentKeys, ServiceError> {
        let state = self.chain.state();
        let department = state.department(id).ok_or_else(|| ServiceError::missing(format_args!("department {id}")))?;
        let now = state.time().max(self.clock.now());
        Ok(DepartmentKeys {
            department: id.clone(),
            sealing_key: department.sealing_key.clone(),
            signing_keys: state.keys_of(id).rev().map(|record| (record.clone(), record.state(now))).collect(),
            endorsements: state.endorsements_of(id).map(|(by, given)| (by.clone(), given.clone())).collect(),
            endorsements_min: state.endorsements_min(),
        })
    }

    /// Makes new keys, keeps them durably, and has them stand on the ledger in place of the old ones.
    ///
    /// # Errors
    /// The policy's or the ledger's refusal. New keys that did not come to the ledger stay in their files, unused.
    pub async fn rotate_keys(&self, who: &Principal, valid_until: Option<Millis>) -> Result<Committed, ServiceError> {
        let actor = self.authorise(who, |role| Facts::new(Action::ManageKeys, role, Relation::Own))?;
        self.adopt_keys();
        let algorithm = match self.keys.get().sealing.scheme() {
            Scheme::X25519 => Algorithm::Ed25519,
            Scheme::Sm2 => Algorithm::Sm2,
        };
        let config = self.config.clone();
        let next = blocking(move || {
            let next = Keyring::generate(algorithm)?;
            next.save_later(&config.keys_dir, config.keys.secret()?.as_ref())?;
            Ok::<_, crate::crypto::CryptoError>(next)
        });
        let next = next.await?;
        self.keys.hold(&next);
        let sealing_key = next.sealing.public().to_string();
        let terms = KeyTerms {
            chain: self.chain_id(),
            department: &self.department,
            valid_until,
            sealing_key: Some(&sealing_key),
        };
        let signing = Some(NewSigningKey::present(&next.signing, &terms));
        let rotation = KeyRotation { signing, sealing_key: Some(sealing_key) };
        self.write(who, actor, Command::RotateKey(rotation)).await
    }

    /// Ends one of this department's keys at once.
    ///
    /// # Errors
    /// The policy's or the ledger's refusal.
    pub async fn revoke_key(&self, who: &Principal, key: KeyId, reason: String) -> Result<Committed, ServiceError> {
        let actor = self.authorise(who, |role| Facts::new(Action::ManageKeys, role, Relation::Own))?;
        self.adopt_keys();
        self.write(who, actor, Command::RevokeKey(KeyRevocation { key, reason })).await
    }

    /// Gives this department's word that a key is another's.
    ///
    /// # Errors
    /// The policy's or the ledger's refusal.
    pub async fn endorse_key(&self, who: &Principal, word: KeyEndorsement) -> Result<Committed, ServiceError> {
        let actor = self.authorise(who, |role| Facts::new(Action::ManageKeys, role, Relation::Own))?;
        self.adopt_keys();
        self.write(who, actor, Command::EndorseKey(word)).await
    }

    /// Puts the keys that the ledger names into force. Says whether this node has them.
    fn adopt_keys(&self) -> bool {
        let state = self.chain.state();
        let own = state.department(&self.department);
        own.is_some_and(|own| self.keys.adopt(&own.signing_key, &own.sealing_key))
    }

    /// Whether this node holds the keys that the ledger names, in force or about to be.
    pub(super) fn holds_keys(&self) -> bool {
        let state = self.chain.state();
        let own = state.department(&self.department);
        own.is_some_and(|own| self.keys.get().holds(&own.signing_key, &own.sealing_key))
    }

    /// Whether the key in force here still signs although another took its place.
    fn is_retiring(&self) -> bool {
        let state = self.chain.state();
        let record = state.key(self.keys.get().signing.public().id());
        record.is_some_and(|record| record.state(state.time()) == KeyState::Retiring)
    }
}

/// Follows the ledger: the keys it names for this department are the ones in force.
pub(super) async fn follow(node: Node) {
    let mut applied = node.chain.applied();
    let mut is_held = true;
    loop {
        if node.is_retiring() {
            tokio::time::sleep(GRACE).await;
        }
        let held = node.adopt_keys();
        if is_held && !held {
            tracing::error!("the department's keys on the ledger are not in this node's folder of keys");
        }
        is_held = held;
        if applied.changed().await.is_err() {
            return;
        }
    }
}
