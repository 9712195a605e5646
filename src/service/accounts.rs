//! Who may come in: passwords, sessions, tokens of departmental systems.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::clock::Millis;
use crate::domain::Role;
use crate::policy::facts::{Action, Facts, Relation};
use crate::readmodel::local::accounts::Account;
use crate::readmodel::local::sign_in::SignIn;
use crate::readmodel::local::tokens::of_certificate;
use crate::readmodel::local::{SystemToken, TokenTerms};

use super::Node;
use super::blocking::blocking;
use super::error::ServiceError;
use super::principal::Principal;
use super::token_cache::Use;

/// A fresh session.
#[derive(Clone)]
pub struct SignedIn {
    /// The secret of the session.
    pub token: String,
    /// What every form must bring back.
    pub csrf: String,
    /// Who signed in.
    pub principal: Principal,
    /// When it ends at the latest.
    pub ends: Millis,
}

/// A session in use.
#[derive(Clone, Debug)]
pub struct ActiveSession {
    /// Whose.
    pub principal: Principal,
    /// What every form must bring back.
    pub csrf: String,
    /// When it ends at the latest.
    pub ends: Millis,
}

impl Node {
    /// Checks user and password and opens a session.
    ///
    /// # Errors
    /// [`ServiceError::WrongPassword`], [`ServiceError::Locked`] after too many failures.
    pub async fn sign_in(&self, user: &str, password: &str) -> Result<SignedIn, ServiceError> {
        let principal = self.basic(user, password).await?;
        let (local, now, name) = (self.local.clone(), self.clock.now(), principal.user.clone());
        let (new, ends) = blocking(move || {
            let new = local.open_session(&name, now)?;
            let ends = local.session(&new.token, now)?.map_or(now, |session| session.ends);
            Ok::<_, crate::readmodel::ReadError>((new, ends))
        })
        .await?;
        tracing::info!(user = principal.user, "signed in");
        Ok(SignedIn { token: new.token, csrf: new.csrf, principal, ends })
    }

    /// Ends a session.
    ///
    /// # Errors
    /// The database's.
    pub async fn sign_out(&self, token: &str) -> Result<(), ServiceError> {
        let (local, token) = (self.local.clone(), token.to_owned());
        blocking(move || local.close_session(&token)).await
    }

    /// The session of a token.
    ///
    /// # Errors
    /// [`ServiceError::NotSignedIn`] when it ended or never was.
    pub async fn session(&self, token: &str) -> Result<ActiveSession, ServiceError> {
        let (local, now, token) = (self.local.clone(), self.clock.now(), token.to_owned());
        let found = blocking(move || local.session(&token, now)).await?;
        let session = found.ok_or(ServiceError::NotSignedIn)?;
        Ok(ActiveSession { principal: person(session.account), csrf: session.csrf, ends: session.ends })
    }

    /// Who sends a bearer token, from which address: a departmental system, or a person's session.
    ///
    /// # Errors
    /// [`ServiceError::NotSignedIn`] for a token that is unknown, ended, or another node's; `token_elsewhere` for one that
    /// may not come from there.
    pub async fn token(&self, token: &str, from: Option<IpAddr>) -> Result<Principal, ServiceError> {
        match self.system(token, from).await? {
            Some(system) => Ok(system),
            None => Ok(self.session(token).await?.principal),
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
        blocking(move || local.token_alarm(id, from, now)).await
    }

    /// The systems' tokens of this node, without the tokens themselves.
    ///
    /// # Errors
    /// [`ServiceError::Refused`].
    pub async fn system_tokens(&self, who: &Principal) -> Result<Vec<SystemToken>, ServiceError> {
        self.authorise(who, |role| Facts::new(Action::ManageAccounts, role, Relation::Own))?;
        let local = self.local.clone();
        blocking(move || local.system_tokens()).await
    }

    /// How often a token was seen where it should not be, since the start.
    pub fn token_alarms(&self) -> u64 {
        self.token_alarms.load(Ordering::Relaxed)
    }

    /// Checks user and password for one call.
    ///
    /// # Errors
    /// [`ServiceError::WrongPassword`], [`ServiceError::Locked`].
    pub async fn basic(&self, user: &str, password: &str) -> Result<Principal, ServiceError> {
        let (local, now) = (self.local.clone(), self.clock.now());
        let (user, password) = (user.to_owned(), password.to_owned());
        match blocking(move || local.verify_password(&user, &password, now)).await? {
            SignIn::Welcome(account) => Ok(person(account)),
            SignIn::Wrong => Err(ServiceError::WrongPassword),
            SignIn::Locked { until } => Err(ServiceError::Locked { seconds: until.since(now).div_ceil(1000) }),
        }
    }
}

fn person(account: Account) -> Principal {
    Principal {
        user: account.user,
        display: account.display_name,
        roles: account.roles.into_iter().collect(),
        submits: false,
        entries: None,
        reserved: None,
    }
}
