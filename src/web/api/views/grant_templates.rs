//! Answers about templates of grants.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::Text;
use crate::domain::department_files::templates::{GrantTemplate, TemplateGrant};
use crate::domain::grant::GrantMode;
use crate::ids::{EntryName, GrantId, ItemName, Slug};
use crate::service::grant_templates::{Asked, NotAsked};
use crate::web::problem::Problem;

use super::{List, answer};

answer! {
    /// A common matter.
    Template from GrantTemplate {
        /// Its name in addresses.
        code: Slug,
        /// Its name.
        title: Text,
        /// Purpose code.
        purpose: String,
        /// The purpose in words.
        purpose_text: Option<String>,
        /// The law.
        legal_basis: String,
        /// Its clause.
        legal_clause: Option<String>,
        /// The matter.
        matter: String,
        /// Days from the request.
        valid_days: u32,
        /// What it takes of each entry.
        #[schema(value_type = Vec<TemplatePart>)]
        grants: List<TemplatePart>,
    }
}

answer! {
    /// What a matter takes of one entry.
    TemplatePart from TemplateGrant {
        /// The entry, in whatever version is current.
        entry: EntryName,
        /// Items.
        items: Vec<ItemName>,
        /// Fields, or yes/no only.
        mode: GrantMode,
        /// Queries a calendar day (UTC+8).
        daily_max: u32,
    }
}

/// What became of each entry of a template.
#[derive(Debug, Serialize, ToSchema)]
pub struct TemplateRequests {
    /// In the template's order.
    pub requests: Vec<TemplateRequest>,
    /// Index of the last request.
    pub ledger_index: u64,
}

/// What became of one entry.
#[derive(Debug, Serialize, ToSchema)]
pub struct TemplateRequest {
    /// The entry.
    pub entry: EntryName,
    /// The grant asked for; null when none was.
    pub id: Option<GrantId>,
    /// Why none was: `no_grant_needed`, `entry_unavailable`, or the code of the refusal.
    pub code: Option<String>,
    /// The refusal in words.
    pub detail: Option<String>,
}

impl From<Vec<Asked>> for TemplateRequests {
    fn from(all: Vec<Asked>) -> Self {
        let last = all.iter().filter_map(|asked| asked.result.as_ref().ok()).map(|committed| committed.ledger_index);
        Self { ledger_index: last.max().unwrap_or_default(), requests: all.into_iter().map(Into::into).collect() }
    }
}

impl From<Asked> for TemplateRequest {
    fn from(asked: Asked) -> Self {
        let (mut id, mut code, mut detail) = (None, None, None);
        match asked.result {
            Ok(committed) => id = Some(committed.transaction_id.into()),
            Err(NotAsked::NoNeed) => code = Some("no_grant_needed".to_owned()),
            Err(NotAsked::Unavailable) => code = Some("entry_unavailable".to_owned()),
            Err(NotAsked::Refused(error)) => {
                detail = Some(error.to_string());
                code = Some(Problem::from(error).code().to_owned());
            }
        }
        Self { entry: asked.entry, id, code, detail }
    }
}
