//! What people must show to sign in.

use serde::{Deserialize, Serialize};

/// How this department's people sign in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignInConfig {
    /// Whether reviewers and administrators must have a second factor, or may. Default `offered`.
    pub second_factor: SecondFactorRule,
}

/// Whether a second factor is a must.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecondFactorRule {
    /// Everybody may set one up.
    #[default]
    Offered,
    /// Reviewers and administrators set one up before anything else.
    Required,
}
