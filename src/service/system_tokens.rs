//! Tokens of departmental systems, as the administrator issues, replaces and ends them.

use crate::clock::Millis;
use crate::policy::facts::{Action, Facts, Relation};
use crate::readmodel::local::tokens::Credential;
use crate::readmodel::local::{ActKind, SystemToken, TokenTerms};

use super::Node;
use super::blocking::blocking;
use super::error::ServiceError;
use super::principal::Principal;

impl Node {
    fn token_keeper(&self, who: &Principal) -> Result<(), ServiceError> {
        self.authorise(who, |role| Facts::new(Action::ManageAccounts, role, Relation::Own)).map(|_| ())
    }

    /// The systems' tokens of this node, without the tokens themselves.
    ///
    /// # Errors
    /// [`ServiceError::Refused`].
    pub async fn system_tokens(&self, who: &Principal) -> Result<Vec<SystemToken>, ServiceError> {
        self.token_keeper(who)?;
        let local = self.local.clone();
        blocking(move || local.system_tokens()).await
    }

    /// Issues a system a token in place of those it had. The answer is the only copy.
    ///
    /// # Errors
    /// [`ServiceError::Refused`], [`ServiceError::Malformed`] for a bad name or too many limits.
    pub async fn issue_token(&self, who: &Principal, system: &str, terms: TokenTerms) -> Result<String, ServiceError> {
        self.token_keeper(who)?;
        let (local, now, name, until) = (self.local.clone(), self.clock.now(), system.to_owned(), terms.expires);
        let token = blocking(move || local.issue_token(&name, &terms, now)).await?;
        self.note(who, ActKind::TokenIssued, system, &format!("until {until}")).await;
        Ok(token)
    }

    /// Issues a system another token on the same terms; the present one ends at `until`. The answer is the only copy.
    ///
    /// # Errors
    /// [`ServiceError::Refused`], [`ServiceError::NotFound`].
    pub async fn rotate_token(
        &self,
        who: &Principal,
        system: &str,
        (expires, until): (Millis, Millis),
    ) -> Result<String, ServiceError> {
        self.token_keeper(who)?;
        let (local, now, name) = (self.local.clone(), self.clock.now(), system.to_owned());
        let token = blocking(move || local.rotate_token(&name, &Credential::Token, (expires, until), now)).await?;
        self.note(who, ActKind::TokenRotated, system, &format!("until {expires}")).await;
        Ok(token)
    }

    /// Ends a system's tokens.
    ///
    /// # Errors
    /// [`ServiceError::Refused`], [`ServiceError::NotFound`].
    pub async fn revoke_token(&self, who: &Principal, system: &str) -> Result<(), ServiceError> {
        self.token_keeper(who)?;
        let (local, name) = (self.local.clone(), system.to_owned());
        blocking(move || local.revoke_token(&name)).await?;
        self.note(who, ActKind::TokenRevoked, system, "").await;
        Ok(())
    }
}
