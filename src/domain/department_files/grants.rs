//! `grants.toml`: grants that a department needs for its workflows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::{DAY_MS, Millis};
use crate::domain::catalog::{Entry, Masking};
use crate::domain::grant::{Approval, GrantMode, GrantRequest, GrantedItem};
use crate::ids::{EntryName, GrantId, ItemName, Version};

use super::FileError;

/// A grant to ask for: a request whose term is counted in days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantFile {
    /// The entry.
    pub entry: EntryName,
    /// Its version.
    pub version: Version,
    /// Purpose code.
    pub purpose: String,
    /// Law and clause.
    pub legal_basis: String,
    /// 事项.
    pub matter: String,
    /// Items wanted.
    pub items: Vec<ItemName>,
    /// Fields, or yes/no only.
    #[serde(default)]
    pub mode: GrantMode,
    /// Queries a calendar day (UTC+8).
    pub daily_max: u32,
    /// Days from the request.
    pub valid_days: u32,
    /// Masking of an item where the provider is to depart from the entry's own.
    #[serde(default)]
    pub masking: BTreeMap<ItemName, Masking>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantsFile {
    grant: Vec<GrantFile>,
}

impl GrantFile {
    /// When a grant of this term ends.
    pub fn valid_until(&self, now: Millis) -> Millis {
        now.plus(u64::from(self.valid_days) * DAY_MS)
    }

    /// The request, made now.
    pub fn request(&self, now: Millis) -> GrantRequest {
        GrantRequest {
            entry: self.entry.clone(),
            version: self.version,
            purpose: self.purpose.as_str().into(),
            legal_basis: self.legal_basis.as_str().into(),
            matter: self.matter.as_str().into(),
            items: self.items.as_slice().into(),
            mode: self.mode,
            daily_max: self.daily_max,
            valid_until: self.valid_until(now),
            network_zone: None,
            hours: None,
            details: None,
            bounds: None,
            replaces: None,
            members: None,
        }
    }

    /// The provider's approval of `request` in full, with the entry's masking where this file names no other.
    pub fn approval(&self, grant: GrantId, request: &GrantRequest, entry: &Entry) -> Approval {
        let own = |name: &ItemName| entry.item(name).map(|item| item.masking).unwrap_or_default();
        let items = request.items.iter().map(|name| GrantedItem {
            name: name.clone(),
            masking: self.masking.get(name).copied().unwrap_or_else(|| own(name)),
        });
        let (daily_max, valid_until) = (request.daily_max, request.valid_until);
        let (network_zone, hours, bounds) = (None, None, None);
        Approval { grant, items: items.collect(), daily_max, valid_until, network_zone, hours, bounds }
    }
}

/// Reads `grants.toml`.
///
/// # Errors
/// [`FileError`] with the keys at fault.
pub fn parse(file: &str, text: &str) -> Result<Vec<GrantFile>, FileError> {
    let grants = super::read::<GrantsFile>(file, "grants", text)?.grant;
    for (at, grant) in grants.iter().enumerate() {
        if let Some(name) = grant.masking.keys().find(|name| !grant.items.contains(name)) {
            return Err(FileError::new(file, format!("/grant/{at}/masking/{name}"), "is not among the items"));
        }
    }
    Ok(grants)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_in_days_becomes_a_moment() {
        let text = r#"
            [[grant]]
            entry = "water/water-account"
            version = "1.0"
            purpose = "utility-service"
            legal_basis = "《城市供水条例》"
            matter = "过户"
            items = ["status", "balance_yuan"]
            daily_max = 10
            valid_days = 30
            masking = { status = "none" }
        "#;
        let grants = parse("grants.toml", text).unwrap();
        assert_eq!(grants[0].request(Millis(5)).valid_until, Millis(5 + 30 * DAY_MS));
        let error = parse("grants.toml", &text.replace("{ status", "{ address")).unwrap_err();
        assert!(error.to_string().contains("/grant/0/masking/address"), "{error}");
        assert!(parse("grants.toml", &text.replace("= 30", "= 0")).is_err());
    }
}
