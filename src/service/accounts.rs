//! Who calls with a token: a departmental system, or a person's session.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::domain::Role;
use crate::readmodel::local::tokens::of_certificate;
use crate::readmodel::local::{ActKind, SystemToken, TokenTerms};

use super::Node;
use super::blocking::blocking;
use super::error::ServiceError;
use super::principal::Principal;
use super::token_cache::Use;

impl Node {
    /// Who sends a bearer token, from which address: a departmental system, or a person's session.
    ///
    /// # Errors
    /// [`ServiceError::NotSignedIn`] for a token that is unknown, ended, or another node's; `token_elsewhere` for one that
    /// may not come from there.
    pub async fn token(&self, token: &str, from: Option<IpAddr>) -> Result<Principal, ServiceError> {
        match self.system(token, from).await? {
            Some(system) => Ok(system),
            None => {
                let session = self.session(token, true).await?;
                session.owes.map_or(Ok(session.principal), |owes| Err(owes.refusal()))
            }
        }
    }

    /// Which system shows the certificate of a fingerprint, from which address.
    ///
    /// # Errors
    /// [`ServiceError::NotSignedIn`] for one that is nobody's or whose time is over; `token_elsewhere`.
    pub async fn system_certificate(&self, fingerprint: &str, from: Option<IpAddr>) -> Result<Principal, ServiceError> {
        self.system(&of_certificate(fingerprint), from).await?.ok_or(ServiceError::NotSignedIn)
    }

    async fn system(&self, credential: &str, from: Option<IpAddr>) -> Result<Option<Principal>, ServiceError> {
        let now = self.clock.now();
        let system = match self.tokens.get(credential, now) {
            Some(known) => Some(known),
            None => {
                let (local, text) = (self.local.clone(), credential.to_owned());
                let found = blocking(move || local.system(&text, now)).await?;
                found.inspect(|system| self.tokens.keep(credential, system))
            }
        };
        let Some(system) = system else { return Ok(None) };
        self.seen(&system, from).await?;
        let TokenTerms { submits, entries, .. } = system.terms;
        Ok(Some(Principal {
            display: system.name.clone(),
            user: system.name,
            roles: BTreeSet::from([Role::System]),
            submits,
            entries: (!entries.is_empty()).then(|| entries.into()),
            reserved: None,
            from,
        }))
    }

    /// A token in two hands is told; one that has its places is good nowhere else.
    async fn seen(&self, system: &SystemToken, from: Option<IpAddr>) -> Result<(), ServiceError> {
        let Some(from) = from else { return Ok(()) };
        let (local, id, now) = (self.local.clone(), system.id, self.clock.now());
        let places = &system.terms.sources;
        if !places.is_empty() {
            if !places.contains(&from) {
                if self.tokens.strange(id, from, Instant::now()) {
                    self.alarm(system, from).await?;
                }
                let detail = format!("this token is not good from {from}");
                return Err(ServiceError::NotAllowed { code: "token_elsewhere", detail });
            }
            return match self.tokens.used(id, from, Instant::now()) {
                Use::Known => Ok(()),
                Use::Note | Use::Twice => blocking(move || local.token_used(id, from, now)).await,
            };
        }
        match self.tokens.used(id, from, Instant::now()) {
            Use::Known => Ok(()),
            Use::Note => blocking(move || local.token_used(id, from, now)).await,
            Use::Twice => self.alarm(system, from).await,
        }
    }

    async fn alarm(&self, system: &SystemToken, from: IpAddr) -> Result<(), ServiceError> {
        let (local, id, now) = (self.local.clone(), system.id, self.clock.now());
        self.token_alarms.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(system = system.name, %from, "a system's token was used where it should not be: is it in other hands?");
        blocking(move || local.token_alarm(id, from, now)).await?;
        self.note_as(&system.name, Some(from), ActKind::TokenAlarm, "", "").await;
        Ok(())
    }

    /// How often a token was seen where it should not be, since the start.
    pub fn token_alarms(&self) -> u64 {
        self.token_alarms.load(Ordering::Relaxed)
    }
}
