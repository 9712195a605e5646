//! Common matters: one form asks several providers for what the matter takes.

use crate::clock::{DAY_MS, Millis};
use crate::crypto::digest::Hash;
use crate::domain::catalog::{EntryState, Sharing};
use crate::domain::department_files::templates::{GrantTemplate, TemplateGrant};
use crate::domain::grant::{Details, GrantRequest};
use crate::ids::EntryName;

use super::Node;
use super::error::ServiceError;
use super::principal::Principal;
use super::writes::Committed;

/// What the requests say beside what the template says; what is left out stays as the template has it.
#[derive(Clone, Debug, Default)]
pub struct TemplateChoice {
    /// 事项.
    pub matter: Option<String>,
    /// Until when.
    pub valid_until: Option<Millis>,
    /// Digest of the official letter.
    pub letter: Option<Hash>,
    /// Reference of the impact assessment.
    pub assessment: Option<String>,
}

/// What became of one entry of a template.
#[derive(Debug)]
pub struct Asked {
    /// The entry.
    pub entry: EntryName,
    /// The request, or why there is none.
    pub result: Result<Committed, NotAsked>,
}

/// Why an entry was not asked for.
#[derive(Debug)]
pub enum NotAsked {
    /// It needs no grant: the department's own, or shared with all.
    NoNeed,
    /// It cannot be asked for now: not published, or not shared.
    Unavailable,
    /// The request was refused.
    Refused(ServiceError),
}

impl Node {
    /// The common matters of this department's files.
    pub fn grant_templates(&self) -> &[GrantTemplate] {
        &self.templates
    }

    /// One of them.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub fn grant_template(&self, code: &str) -> Result<&GrantTemplate, ServiceError> {
        let found = self.templates.iter().find(|template| template.code.as_str() == code);
        found.ok_or_else(|| ServiceError::missing(format_args!("template {code}")))
    }

    /// Asks for everything that a matter takes, entry by entry: what one provider's entry refuses does not keep the
    /// others from being asked. Who may ask for a grant may.
    ///
    /// # Errors
    /// `not_found` for the template; the first refusal, when no request came about at all.
    pub async fn request_by_template(
        &self,
        who: &Principal,
        code: &str,
        choice: TemplateChoice,
    ) -> Result<Vec<Asked>, ServiceError> {
        let template = self.grant_template(code)?;
        let mut who = who.clone();
        let mut all = Vec::with_capacity(template.grants.len());
        for wanted in &template.grants {
            let result = match self.templated(template, wanted, &choice) {
                Err(why) => Err(why),
                Ok(request) => self.request_grant(&who, request).await.map_err(NotAsked::Refused),
            };
            // The id that was set aside for this call is for one transaction.
            if result.is_ok() {
                who.reserved = None;
            }
            all.push(Asked { entry: wanted.entry.clone(), result });
        }
        if all.iter().any(|asked| asked.result.is_ok()) {
            return Ok(all);
        }
        let refused = all.iter().position(|asked| matches!(asked.result, Err(NotAsked::Refused(_))));
        match refused.map(|at| all.swap_remove(at).result) {
            Some(Err(NotAsked::Refused(error))) => Err(error),
            _ => {
                Err(ServiceError::conflict("conflict", "the template has nothing that can be asked for now".to_owned()))
            }
        }
    }

    fn templated(
        &self,
        template: &GrantTemplate,
        wanted: &TemplateGrant,
        choice: &TemplateChoice,
    ) -> Result<GrantRequest, NotAsked> {
        let state = self.chain.state();
        let history = state.entry(&wanted.entry).filter(|history| history.state == EntryState::Published);
        let entry = &history.ok_or(NotAsked::Unavailable)?.current().entry;
        match entry.sharing {
            _ if wanted.entry.provider == self.department => return Err(NotAsked::NoNeed),
            Sharing::Unconditional => return Err(NotAsked::NoNeed),
            Sharing::NotShared => return Err(NotAsked::Unavailable),
            Sharing::Conditional => {}
        }
        let details = Details {
            purpose_text: template.purpose_text.as_deref().map(Into::into),
            legal_clause: template.legal_clause.as_deref().map(Into::into),
            letter: choice.letter,
            assessment: choice.assessment.clone(),
            system: None,
        };
        let term = u64::from(template.valid_days) * DAY_MS;
        Ok(GrantRequest {
            entry: wanted.entry.clone(),
            version: entry.version,
            purpose: template.purpose.as_str().into(),
            legal_basis: template.legal_basis.as_str().into(),
            matter: choice.matter.as_deref().unwrap_or(&template.matter).into(),
            items: wanted.items.as_slice().into(),
            mode: wanted.mode,
            daily_max: wanted.daily_max,
            valid_until: choice.valid_until.unwrap_or_else(|| self.clock.now().plus(term)),
            network_zone: None,
            hours: None,
            details: details.stated(),
            bounds: None,
            replaces: None,
            members: None,
        })
    }
}
