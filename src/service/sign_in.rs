//! Coming in: a password, a code of the second factor where there is one, and the session that follows.

use std::net::IpAddr;

use crate::clock::Millis;
use crate::domain::Role;
use crate::domain::settings::SecondFactorRule;
use crate::readmodel::local::accounts::{Account, USER_CHARS_MAX};
use crate::readmodel::local::second_factor::CodeCheck;
use crate::readmodel::local::{ActKind, SignIn};

use super::Node;
use super::blocking::blocking;
use super::error::ServiceError;
use super::principal::Principal;
use super::second_factor;

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

/// What follows a right password.
pub enum Entered {
    /// A session.
    In(SignedIn),
    /// The question for a code, to be answered with this secret within five minutes.
    Code(String),
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
    /// What its owner must do before anything else.
    pub owes: Option<Owes>,
}

/// What an account's owner must do before anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owes {
    /// Choose a password of their own.
    Password,
    /// Set up a second factor.
    SecondFactor,
}

impl Owes {
    /// The refusal of anything else.
    pub fn refusal(self) -> ServiceError {
        let (code, detail) = match self {
            Self::Password => {
                ("password_change_needed", "sign in at the portal and choose a password of your own first")
            }
            Self::SecondFactor => ("second_factor_needed", "sign in at the portal and set up a second factor first"),
        };
        ServiceError::NotAllowed { code, detail: detail.to_owned() }
    }
}

impl Node {
    /// Checks user and password, and opens a session where no code is asked besides.
    ///
    /// # Errors
    /// [`ServiceError::WrongPassword`], [`ServiceError::Locked`] after too many failures, `account_disabled`.
    pub async fn sign_in(&self, user: &str, password: &str, from: Option<IpAddr>) -> Result<Entered, ServiceError> {
        let (principal, asks) = self.password(user, password, from).await?;
        if asks {
            return Ok(Entered::Code(self.sign_ins.begin(&principal.user)?));
        }
        self.come_in(Principal { from, ..principal }).await.map(Entered::In)
    }

    /// Answers the question for a code: six digits of the second factor, or a recovery code.
    ///
    /// # Errors
    /// `wrong_code`, `sign_in_expired`, [`ServiceError::Locked`].
    pub async fn sign_in_code(&self, secret: &str, code: &str, from: Option<IpAddr>) -> Result<SignedIn, ServiceError> {
        let user = self.sign_ins.user(secret).ok_or_else(|| ServiceError::NotAllowed {
            code: "sign_in_expired",
            detail: "the code was asked for more than five minutes ago: sign in again".to_owned(),
        })?;
        self.check_code(&user, code, from).await?;
        self.sign_ins.end(secret);
        let (local, name) = (self.local.clone(), user.clone());
        let account = blocking(move || local.account(&name)).await?.ok_or(ServiceError::NotSignedIn)?;
        if account.disabled.is_some() {
            return Err(disabled());
        }
        self.come_in(Principal { from, ..person(account) }).await
    }

    /// Both steps at once, for programs.
    ///
    /// # Errors
    /// As the two; `code_needed` when a code is asked and none was sent.
    pub async fn sign_in_whole(
        &self,
        user: &str,
        password: &str,
        code: Option<&str>,
        from: Option<IpAddr>,
    ) -> Result<SignedIn, ServiceError> {
        match (self.sign_in(user, password, from).await?, code) {
            (Entered::In(signed_in), _) => Ok(signed_in),
            (Entered::Code(secret), Some(code)) => self.sign_in_code(&secret, code, from).await,
            (Entered::Code(secret), None) => {
                self.sign_ins.end(&secret);
                Err(code_needed())
            }
        }
    }

    /// A new session for somebody who is known.
    async fn come_in(&self, principal: Principal) -> Result<SignedIn, ServiceError> {
        let signed_in = self.new_session(principal).await?;
        self.note(&signed_in.principal, ActKind::SignedIn, "", "").await;
        tracing::info!(user = signed_in.principal.user, "signed in");
        Ok(signed_in)
    }

    /// A session with secrets of its own, as after every change of what an account may do.
    pub(super) async fn new_session(&self, principal: Principal) -> Result<SignedIn, ServiceError> {
        let (local, now, name, from) = (self.local.clone(), self.clock.now(), principal.user.clone(), principal.from);
        let (new, ends) = blocking(move || {
            let new = local.open_session(&name, from, now)?;
            let ends = local.session(&new.token, true, now)?.map_or(now, |session| session.ends);
            Ok::<_, crate::readmodel::ReadError>((new, ends))
        })
        .await?;
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

    /// Ends somebody's session because they said so.
    ///
    /// # Errors
    /// The database's.
    pub async fn leave(&self, who: &Principal, token: &str) -> Result<(), ServiceError> {
        self.sign_out(token).await?;
        self.note(who, ActKind::SignedOut, "", "").await;
        Ok(())
    }

    /// The session of a token; `attended` when a person asked and not a page that lies open.
    ///
    /// # Errors
    /// [`ServiceError::NotSignedIn`] when it ended or never was.
    pub async fn session(&self, token: &str, attended: bool) -> Result<ActiveSession, ServiceError> {
        let (local, now, token) = (self.local.clone(), self.clock.now(), token.to_owned());
        let rule = self.second_factor_rule();
        let found = blocking(move || {
            let Some(session) = local.session(&token, attended, now)? else { return Ok(None) };
            let must_enrol = rule == SecondFactorRule::Required
                && session.account.roles.iter().any(|role| matches!(role, Role::Reviewer | Role::Admin))
                && !local.has_second_factor(&session.account.user)?;
            Ok::<_, crate::readmodel::ReadError>(Some((session, must_enrol)))
        })
        .await?;
        let (session, must_enrol) = found.ok_or(ServiceError::NotSignedIn)?;
        let owes = match session.account.must_change {
            true => Some(Owes::Password),
            false => must_enrol.then_some(Owes::SecondFactor),
        };
        Ok(ActiveSession { principal: person(session.account), csrf: session.csrf, ends: session.ends, owes })
    }

    /// Checks user and password for one call.
    ///
    /// # Errors
    /// [`ServiceError::WrongPassword`], [`ServiceError::Locked`]; `code_needed` for an account with a second factor, which
    /// a password alone does not open; what the account owes.
    pub async fn basic(&self, user: &str, password: &str, from: Option<IpAddr>) -> Result<Principal, ServiceError> {
        let (local, name) = (self.local.clone(), user.to_owned());
        let (principal, asks) = self.password(user, password, from).await?;
        if asks {
            return Err(code_needed());
        }
        let must_change = blocking(move || local.account(&name)).await?.is_some_and(|account| account.must_change);
        let must_enrol = self.second_factor_rule() == SecondFactorRule::Required
            && (principal.has(Role::Reviewer) || principal.has(Role::Admin));
        match (must_change, must_enrol) {
            (true, _) => Err(Owes::Password.refusal()),
            (_, true) => Err(Owes::SecondFactor.refusal()),
            _ => Ok(principal),
        }
    }

    /// Checks a password; says whose it is, and whether a code is asked besides.
    pub(super) async fn password(
        &self,
        user: &str,
        password: &str,
        from: Option<IpAddr>,
    ) -> Result<(Principal, bool), ServiceError> {
        let (local, now) = (self.local.clone(), self.clock.now());
        let (name, secret) = (user.to_owned(), password.to_owned());
        match blocking(move || local.verify_password(&name, &secret, now)).await? {
            SignIn::Welcome(account) => Ok((person(account), false)),
            SignIn::Code(account) => Ok((person(account), true)),
            SignIn::Disabled => {
                self.note_as(user, from, ActKind::SignInFailed, "", "disabled").await;
                Err(disabled())
            }
            SignIn::Wrong => {
                self.note_as(&shown(user), from, ActKind::SignInFailed, "", "password").await;
                Err(ServiceError::WrongPassword)
            }
            SignIn::Locked { until } => Err(self.locked(user, from, until, now).await),
        }
    }

    /// Checks a code of an account's second factor, and uses it up.
    pub(super) async fn check_code(&self, user: &str, code: &str, from: Option<IpAddr>) -> Result<(), ServiceError> {
        let (local, now, keys) = (self.local.clone(), self.clock.now(), self.keys.get());
        let (name, text, department) = (user.to_owned(), code.to_owned(), self.department.clone());
        let checked = blocking(move || {
            let step = |sealed: &[u8]| second_factor::step_of(&keys, (&department, &name), sealed, &text, now);
            local.check_code(&name, &text, step, now)
        });
        match checked.await? {
            CodeCheck::Right => Ok(()),
            CodeCheck::Recovery => {
                self.note_as(user, from, ActKind::RecoveryCodeUsed, "", "").await;
                Ok(())
            }
            CodeCheck::Wrong => {
                self.note_as(user, from, ActKind::SignInFailed, "", "code").await;
                let detail = "the code does not fit, or was used already: wait for the next one".to_owned();
                Err(ServiceError::NotAllowed { code: "wrong_code", detail })
            }
            CodeCheck::Locked { until } => Err(self.locked(user, from, until, now).await),
        }
    }

    /// Tells of a lock once, when it begins.
    async fn locked(&self, user: &str, from: Option<IpAddr>, until: Millis, now: Millis) -> ServiceError {
        if self.sign_ins.is_new_lock(user, until) {
            self.note_as(&shown(user), from, ActKind::AccountLocked, "", &format!("until {until}")).await;
        }
        ServiceError::Locked { seconds: until.since(now).div_ceil(1000) }
    }
}

/// What was typed as a name may be a password typed in the wrong field: only what can be a name is written down.
fn shown(user: &str) -> String {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_');
    let is_name = (1..=USER_CHARS_MAX).contains(&user.len()) && user.bytes().all(fits);
    if is_name { user.to_owned() } else { "?".to_owned() }
}

fn disabled() -> ServiceError {
    let detail = "this account rests: ask your department's administrator".to_owned();
    ServiceError::NotAllowed { code: "account_disabled", detail }
}

fn code_needed() -> ServiceError {
    let detail =
        "this account has a second factor: send its code to POST /api/v1/sessions, and use the session's token";
    ServiceError::NotAllowed { code: "code_needed", detail: detail.to_owned() }
}

/// The person of an account.
pub(super) fn person(account: Account) -> Principal {
    Principal {
        user: account.user,
        display: account.display_name,
        roles: account.roles.into_iter().collect(),
        submits: false,
        entries: None,
        reserved: None,
        from: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_name_is_not_written_down() {
        assert_eq!((shown("li.na"), shown("Hunter2!"), shown(""), shown(&"a".repeat(65))), {
            let hidden = || "?".to_owned();
            ("li.na".to_owned(), hidden(), hidden(), hidden())
        });
    }
}
