//! One's own account: the password, the second factor, and where one is signed in.

use crate::clock::Millis;
use crate::domain::settings::SecondFactorRule;
use crate::readmodel::ReadError;
use crate::readmodel::local::{ActKind, SecondFactor, SessionView};

use super::Node;
use super::blocking::blocking;
use super::error::ServiceError;
use super::principal::Principal;
use super::second_factor::{self, Enrolment};
use super::sign_in::SignedIn;

/// What a person sees of their own account.
#[derive(Clone, Debug)]
pub struct OwnAccount {
    /// When it was made.
    pub created: Millis,
    /// Its second factor, also one that is being set up.
    pub second_factor: Option<SecondFactor>,
    /// Whether reviewers and administrators must have one.
    pub is_required: bool,
    /// Where it is signed in.
    pub sessions: Vec<SessionView>,
}

impl Node {
    /// One's own account.
    ///
    /// # Errors
    /// [`ServiceError::NotSignedIn`] for who has none, such as a system.
    pub async fn own_account(&self, who: &Principal) -> Result<OwnAccount, ServiceError> {
        let (local, now, user) = (self.local.clone(), self.clock.now(), who.user.clone());
        let is_required = self.second_factor_rule() == SecondFactorRule::Required;
        let found = blocking(move || {
            let Some(account) = local.account(&user)? else { return Ok(None) };
            let (second_factor, sessions) = (local.second_factor(&user)?, local.sessions_of(&user, now)?);
            Ok::<_, ReadError>(Some(OwnAccount { created: account.created, second_factor, is_required, sessions }))
        });
        found.await?.ok_or(ServiceError::NotSignedIn)
    }

    /// Changes one's own password; every session ends but the new one of the answer.
    ///
    /// # Errors
    /// [`ServiceError::WrongPassword`], [`ServiceError::Locked`]; `password_unfit` for a password that is too short, the old
    /// one, or one's own name.
    pub async fn change_password(&self, who: &Principal, old: &str, new: &str) -> Result<SignedIn, ServiceError> {
        self.password(&who.user, old, who.from).await?;
        if new == old || new.eq_ignore_ascii_case(&who.user) {
            let detail = "a new password is neither the old one nor the account's name".to_owned();
            return Err(ServiceError::Conflict { code: "password_unfit", detail });
        }
        let (local, user, new) = (self.local.clone(), who.user.clone(), new.to_owned());
        let set = blocking(move || local.set_password(&user, &new, false)).await;
        set.map_err(|error| match error {
            ServiceError::Malformed(detail) => ServiceError::Conflict { code: "password_unfit", detail },
            other => other,
        })?;
        self.note(who, ActKind::PasswordChanged, "", "").await;
        self.new_session(who.clone()).await
    }

    /// Begins to set a second factor up.
    ///
    /// # Errors
    /// [`ServiceError::WrongPassword`], [`ServiceError::Locked`], `conflict` when there is one.
    pub async fn begin_second_factor(&self, who: &Principal, password: &str) -> Result<(), ServiceError> {
        self.password(&who.user, password, who.from).await?;
        let sealed = second_factor::new_secret(&self.keys.get(), &who.user)?;
        let (local, now, user) = (self.local.clone(), self.clock.now(), who.user.clone());
        blocking(move || local.begin_second_factor(&user, &sealed, now)).await
    }

    /// What a device needs, while a second factor is being set up.
    ///
    /// # Errors
    /// The database's.
    pub async fn enrolment(&self, who: &Principal) -> Result<Option<Enrolment>, ServiceError> {
        let (local, user) = (self.local.clone(), who.user.clone());
        let pending = blocking(move || local.second_factor(&user)).await?.filter(|found| found.confirmed.is_none());
        let whose = (&self.department, who.user.as_str());
        pending.map(|found| second_factor::enrolment(&self.keys.get(), whose, &found.sealed)).transpose()
    }

    /// Has the second factor asked for from now on, after its owner has shown a code. Answers the recovery codes, and the
    /// new session in place of all others.
    ///
    /// # Errors
    /// `wrong_code`, `conflict` when none is being set up.
    pub async fn confirm_second_factor(
        &self,
        who: &Principal,
        code: &str,
    ) -> Result<(SignedIn, Vec<String>), ServiceError> {
        let (local, now, keys) = (self.local.clone(), self.clock.now(), self.keys.get());
        let (user, code, department) = (who.user.clone(), code.to_owned(), self.department.clone());
        let codes = blocking(move || {
            let pending = local.second_factor(&user)?.filter(|found| found.confirmed.is_none());
            let pending = pending.ok_or_else(|| ReadError::Conflict("no second factor is being set up".into()))?;
            match second_factor::step_of(&keys, (&department, &user), &pending.sealed, &code, now) {
                Some(step) => {
                    let codes = local.confirm_second_factor(&user, step, now)?;
                    local.end_sessions(&user)?;
                    Ok(Some(codes))
                }
                None => Ok::<_, ReadError>(None),
            }
        });
        let Some(codes) = codes.await? else {
            let detail = "the code does not fit: check the time of your device".to_owned();
            return Err(ServiceError::NotAllowed { code: "wrong_code", detail });
        };
        self.note(who, ActKind::SecondFactorSet, "", "").await;
        Ok((self.new_session(who.clone()).await?, codes))
    }

    /// Removes one's own second factor; every session ends but the new one of the answer.
    ///
    /// # Errors
    /// [`ServiceError::WrongPassword`], `wrong_code`, [`ServiceError::Locked`].
    pub async fn remove_second_factor(
        &self,
        who: &Principal,
        password: &str,
        code: &str,
    ) -> Result<SignedIn, ServiceError> {
        let (_, asks) = self.password(&who.user, password, who.from).await?;
        if asks {
            self.check_code(&who.user, code, who.from).await?;
        }
        let (local, user) = (self.local.clone(), who.user.clone());
        blocking(move || {
            local.remove_second_factor(&user)?;
            local.end_sessions(&user)
        })
        .await?;
        self.note(who, ActKind::SecondFactorRemoved, "", "").await;
        self.new_session(who.clone()).await
    }

    /// Ends one of one's own sessions, named as in the list.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub async fn end_own_session(&self, who: &Principal, id: &str) -> Result<(), ServiceError> {
        let (local, user, name) = (self.local.clone(), who.user.clone(), id.to_owned());
        if !blocking(move || local.end_session(&user, &name)).await? {
            return Err(ServiceError::missing("the session"));
        }
        self.note(who, ActKind::SessionsEnded, "", "").await;
        Ok(())
    }

    /// Ends all one's own sessions but the new one of the answer.
    ///
    /// # Errors
    /// The database's.
    pub async fn end_other_sessions(&self, who: &Principal) -> Result<SignedIn, ServiceError> {
        let (local, user) = (self.local.clone(), who.user.clone());
        blocking(move || local.end_sessions(&user)).await?;
        self.note(who, ActKind::SessionsEnded, "", "").await;
        self.new_session(who.clone()).await
    }
}
