//! Accounts of the department's people, as its administrator looks after them.
//!
//! An administrator changes no roles of their own and does not let their own account rest: a second administrator, or
//! the operator at the node's command line, does. Otherwise one stolen session would make itself a reviewer. Whoever
//! makes an account for that purpose leaves a line in the log whose digest stands on the ledger.

use crate::clock::Millis;
use crate::crypto::password::random_password;
use crate::domain::Role;
use crate::policy::facts::{Action, Facts, Relation};
use crate::readmodel::ReadError;
use crate::readmodel::local::{Account, ActKind, Local, NewAccount};

use super::Node;
use super::blocking::blocking;
use super::error::ServiceError;
use super::principal::Principal;

/// An account, with what keeps its owner out or lets them in.
#[derive(Clone, Debug)]
pub struct StaffAccount {
    /// The account.
    pub account: Account,
    /// Whether a code is asked for.
    pub has_second_factor: bool,
    /// Until when too many failures keep it locked.
    pub locked_until: Option<Millis>,
}

/// A person who shall have an account.
#[derive(Clone, Debug)]
pub struct NewPerson {
    /// Name to sign in with.
    pub user: String,
    /// Name for people.
    pub display: String,
    /// What it may do.
    pub roles: Vec<Role>,
    /// `zh` or `en`.
    pub lang: String,
}

/// A change of somebody's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StaffAct {
    /// Other roles; the account's sessions end.
    Roles(Vec<Role>),
    /// Nobody signs in with it; its sessions end.
    Disable,
    /// It may be used again.
    Enable,
    /// The failures are forgotten.
    Unlock,
    /// The second factor is taken away: its owner lost device and codes.
    ResetSecondFactor,
}

impl Node {
    fn staff_keeper(&self, who: &Principal) -> Result<(), ServiceError> {
        self.authorise(who, |role| Facts::new(Action::ManageAccounts, role, Relation::Own)).map(|_| ())
    }

    /// All accounts by name.
    ///
    /// # Errors
    /// [`ServiceError::Refused`].
    pub async fn staff(&self, who: &Principal) -> Result<Vec<StaffAccount>, ServiceError> {
        self.staff_keeper(who)?;
        let (local, now) = (self.local.clone(), self.clock.now());
        blocking(move || {
            let with_code = local.with_second_factor()?;
            let view = |account: Account| {
                let locked_until = local.locked_until(&account.user, now)?;
                Ok(StaffAccount { has_second_factor: with_code.contains(&account.user), locked_until, account })
            };
            local.accounts()?.into_iter().map(view).collect::<Result<_, ReadError>>()
        })
        .await
    }

    /// Makes an account. Answers its password, which is good for one sign-in: the only copy.
    ///
    /// # Errors
    /// [`ServiceError::Refused`], `conflict` for a name that is taken, [`ServiceError::Malformed`] for one that may not be.
    pub async fn create_account(&self, who: &Principal, person: NewPerson) -> Result<String, ServiceError> {
        self.staff_keeper(who)?;
        let (local, now, password) = (self.local.clone(), self.clock.now(), random_password()?);
        let (user, roles, secret) = (person.user.clone(), words(&person.roles), password.clone());
        blocking(move || {
            let NewPerson { user, display, roles, lang } = &person;
            let display_name = if display.is_empty() { user } else { display };
            local.create_account(&NewAccount { user, display_name, password: &secret, once: true, roles, lang }, now)
        })
        .await?;
        self.note(who, ActKind::AccountCreated, &user, &roles).await;
        Ok(password)
    }

    /// Gives an account a new password, which is good for one sign-in; its sessions end. The answer is the only copy.
    ///
    /// # Errors
    /// [`ServiceError::Refused`], [`ServiceError::NotFound`], `own_account`.
    pub async fn reset_password(&self, who: &Principal, user: &str) -> Result<String, ServiceError> {
        self.staff_keeper(who)?;
        not_oneself(who, user)?;
        let (local, name, password) = (self.local.clone(), user.to_owned(), random_password()?);
        let secret = password.clone();
        blocking(move || local.set_password(&name, &secret, true)).await?;
        self.note(who, ActKind::PasswordReset, user, "").await;
        Ok(password)
    }

    /// Changes an account.
    ///
    /// # Errors
    /// [`ServiceError::Refused`], [`ServiceError::NotFound`], `own_account`, `last_admin`.
    pub async fn change_account(&self, who: &Principal, user: &str, act: StaffAct) -> Result<(), ServiceError> {
        self.staff_keeper(who)?;
        if !matches!(act, StaffAct::Unlock | StaffAct::Enable) {
            not_oneself(who, user)?;
        }
        let (local, now, name, done) = (self.local.clone(), self.clock.now(), user.to_owned(), act.clone());
        blocking(move || changed(&local, &name, done, now)).await??;
        let (kind, detail) = match &act {
            StaffAct::Roles(roles) => (ActKind::RolesChanged, words(roles)),
            StaffAct::Disable => (ActKind::AccountDisabled, String::new()),
            StaffAct::Enable => (ActKind::AccountEnabled, String::new()),
            StaffAct::Unlock => (ActKind::AccountUnlocked, String::new()),
            StaffAct::ResetSecondFactor => (ActKind::SecondFactorRemoved, String::new()),
        };
        self.note(who, kind, user, &detail).await;
        Ok(())
    }
}

/// Does it, unless nobody would be left to undo it.
fn changed(local: &Local, user: &str, act: StaffAct, now: Millis) -> Result<Result<(), ServiceError>, ReadError> {
    let accounts = local.accounts()?;
    if !accounts.iter().any(|account| account.user == user) {
        return Err(ReadError::Unknown(format!("the account {user}")));
    }
    let ends_admin = match &act {
        StaffAct::Roles(roles) => !roles.contains(&Role::Admin),
        StaffAct::Disable => true,
        _ => false,
    };
    let is_admin = |account: &&Account| account.roles.contains(&Role::Admin) && account.disabled.is_none();
    let mut admins = accounts.iter().filter(is_admin).map(|account| account.user.as_str());
    if ends_admin && admins.clone().any(|admin| admin == user) && admins.all(|admin| admin == user) {
        let detail = format!("{user} is the last administrator who can sign in: make another one first");
        return Ok(Err(ServiceError::Conflict { code: "last_admin", detail }));
    }
    match act {
        StaffAct::Roles(roles) => local.set_roles(user, &roles)?,
        StaffAct::Disable => local.set_disabled(user, Some(now))?,
        StaffAct::Enable => local.set_disabled(user, None)?,
        StaffAct::Unlock => local.unlock(user)?,
        StaffAct::ResetSecondFactor => {
            local.remove_second_factor(user)?;
            local.end_sessions(user)?;
        }
    }
    Ok(Ok(()))
}

fn not_oneself(who: &Principal, user: &str) -> Result<(), ServiceError> {
    if who.user != user {
        return Ok(());
    }
    let detail = "another administrator, or the operator with `mulu account`, changes your account".to_owned();
    Err(ServiceError::NotAllowed { code: "own_account", detail })
}

fn words(roles: &[Role]) -> String {
    roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_administrator_stays_one() {
        let dir = tempfile::tempdir().unwrap();
        let (local, now) = (Local::open(dir.path()).unwrap(), Millis(1_795_000_000_000));
        for (user, roles) in
            [("zhao", &[Role::Admin][..]), ("qian", &[Role::Admin, Role::Clerk]), ("sun", &[Role::Clerk])]
        {
            let new = NewAccount { user, display_name: user, password: "12345678", once: false, roles, lang: "zh" };
            local.create_account(&new, now).unwrap();
        }
        let act = |user: &str, act: StaffAct| match changed(&local, user, act, now) {
            Ok(Ok(())) => "done",
            Ok(Err(ServiceError::Conflict { code, .. })) => code,
            Ok(Err(_)) => "other",
            Err(_) => "unknown",
        };
        assert_eq!(act("sun", StaffAct::Disable), "done");
        assert_eq!(act("qian", StaffAct::Roles(vec![Role::Clerk])), "done");
        for last in [StaffAct::Disable, StaffAct::Roles(vec![Role::Reviewer])] {
            assert_eq!(act("zhao", last), "last_admin");
        }
        assert_eq!(act("zhao", StaffAct::Roles(vec![Role::Admin, Role::Auditor])), "done");
        assert_eq!(act("qian", StaffAct::Roles(vec![Role::Admin])), "done");
        assert_eq!((act("zhao", StaffAct::Disable), act("qian", StaffAct::Disable)), ("done", "last_admin"));
        assert_eq!(act("nobody", StaffAct::Unlock), "unknown");
    }
}
