//! What the department's administrator sets: in force at once, never looser than what the operator demands.

use crate::domain::settings::{SecondFactorRule, SettingsChange};
use crate::policy::facts::{Action, Facts, Relation};
use crate::readmodel::local::LocalSettings;

use super::Node;
use super::blocking::blocking;
use super::error::ServiceError;
use super::principal::Principal;

impl Node {
    /// The rule in force about second factors: the operator's or the administrator's, whichever is stricter.
    pub fn second_factor_rule(&self) -> SecondFactorRule {
        self.config.sign_in.second_factor.max(self.local.settings().settings.second_factor)
    }

    /// The settings in force.
    ///
    /// # Errors
    /// [`ServiceError::Refused`].
    pub fn settings(&self, who: &Principal) -> Result<LocalSettings, ServiceError> {
        self.authorise(who, |role| Facts::new(Action::ManageAccounts, role, Relation::Own))?;
        Ok(self.as_in_force(&self.local.settings()))
    }

    /// Changes settings, and answers those in force then.
    ///
    /// # Errors
    /// [`ServiceError::Refused`], [`ServiceError::Invalid`], `conflict` when they were changed since they were read.
    pub async fn change_settings(
        &self,
        who: &Principal,
        change: SettingsChange,
    ) -> Result<LocalSettings, ServiceError> {
        let before = self.settings(who)?;
        let (now, demanded) = (self.clock.now(), self.config.sign_in.second_factor);
        let faults = change.faults(&before.settings, demanded, &now.date());
        if !faults.is_empty() {
            return Err(ServiceError::Invalid(faults));
        }
        let (local, user, from) = (self.local.clone(), who.user.clone(), who.from);
        let kept = blocking(move || local.change_settings(&change, (&user, from), now)).await?;
        tracing::info!(user = who.user, version = kept.version, "the settings of the department were changed");
        Ok(self.as_in_force(&kept))
    }

    fn as_in_force(&self, kept: &LocalSettings) -> LocalSettings {
        let mut kept = kept.clone();
        kept.settings.second_factor = kept.settings.second_factor.max(self.config.sign_in.second_factor);
        kept
    }
}
